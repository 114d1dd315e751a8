use cachewright::cached;

#[derive(Clone)]
struct Profile;

#[cached]
async fn get(id: u64) -> Result<Profile, ()> {
    let _ = id;
    Ok(Profile)
}

// One that has an `==` is refused in the same words.
#[derive(Clone, PartialEq)]
struct Comparable;

#[cached]
fn find(id: u64) -> Option<Comparable> {
    let _ = id;
    Some(Comparable)
}

fn main() {}
