use cachewright::{cached, invalidate_cache};

struct Failure;

#[cached]
async fn get(id: u64) -> Result<u64, Failure> {
    let number: u64 = "x".parse()?;
    Ok(number + id)
}

#[invalidate_cache("user:*")]
fn set(id: u64) -> String {
    id
}

fn main() {}
