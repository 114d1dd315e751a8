use cachewright::cached;

struct Profile;

#[cached(tier = "memory")]
fn get(id: u64) -> Option<Profile> {
    let _ = id;
    Some(Profile)
}

fn main() {}
