use cachewright::cached;
use serde::Serialize;

#[derive(Clone, Serialize)]
struct Profile;

#[cached]
async fn get(id: u64) -> Result<Vec<Profile>, ()> {
    let _ = id;
    Ok(vec![Profile])
}

fn main() {}
