use cachewright::cached;

#[derive(Clone)]
struct Profile;

#[cached]
async fn get(id: u64) -> Result<Profile, ()> {
    let _ = id;
    Ok(Profile)
}

fn main() {}
