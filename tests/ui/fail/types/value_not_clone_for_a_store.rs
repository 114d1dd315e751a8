use cachewright::cached;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Profile;

#[cached]
async fn get(id: u64) -> Result<Option<Profile>, ()> {
    let _ = id;
    Ok(Some(Profile))
}

fn main() {}
