use cachewright::cached;

type Loaded<T> = Result<T, ()>;

#[cached(none_ttl = 30)]
fn plain(id: u64) -> u64 {
    id
}

#[cached(ttl = 300, none_ttl = std::time::Duration::from_secs(30))]
async fn behind_an_alias(id: u64) -> Loaded<u64> {
    Ok(id)
}

#[cached(none_ttl = 30)]
fn with_a_none(id: u64) -> Loaded<Option<u64>> {
    Ok(Some(id))
}

fn main() {}
