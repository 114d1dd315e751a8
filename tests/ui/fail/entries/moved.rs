use cachewright::invalidate_cache;

fn get(name: Option<String>) -> usize {
    name.map_or(0, |name| name.len())
}

// A place stays for the body, what is made of it takes it away, as the call would.
#[invalidate_cache(entry = get(Some(name)))]
fn made_of_it(name: String) -> String {
    name
}

fn main() {
    get(None);
}
