use cachewright::{cached, update_cache};

// It is no `Clone`.
struct Name(String);

#[cached]
async fn get(id: u64) -> String {
    id.to_string()
}

#[update_cache(entry = get(id))]
async fn rename(id: u64) -> Option<Name> {
    (id > 0).then(|| Name(id.to_string()))
}

fn main() {
    let _ = async { rename(1).await.map(|name| name.0) };
}
