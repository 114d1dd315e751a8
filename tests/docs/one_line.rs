use cachewright::{cached, invalidate_cache};

#[cached(key_prefix = "booking:stats:{day}")]
async fn stats(day: u32) -> u64 {
    day.into()
}

#[invalidate_cache("booking:stats:{day}")]
async fn book(day: u32) -> u64 {
    day.into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_cached_is_invalidated() {
        cachewright::audit().assert_clean();
    }
}
