use cachewright::cached;

struct Unrelated;

#[cached(codec = Unrelated)]
fn no_codec(id: u64) -> u64 {
    id
}

#[cached(codec = cachewright::codec::Json, tier = "memory")]
async fn never_encoded(id: u64) -> u64 {
    id
}

#[cached(codec)]
fn no_value(id: u64) -> u64 {
    id
}

#[cached(codec = self.codec)]
fn no_receiver(id: u64) -> u64 {
    id
}

fn main() {}
