//! What holds when nothing was said.

use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::Cache;

#[tokio::test]
async fn at_most_100_000_entries_are_held() {
    let cache = Cache::builder().build().unwrap();
    for id in 0..101_000_u64 {
        cache.set(&format!("user:{id}"), id, None).await.unwrap();
    }
    let entries = cache.stats().entries;
    assert!((90_000..=100_000).contains(&entries), "{entries}");
}

#[tokio::test]
async fn an_entry_lives_for_an_hour() {
    let clock = SteppedClock::new();
    let cache = Cache::builder().clock(clock.clone()).build().unwrap();
    cache.set("user:42", 1_u8, None).await.unwrap();
    clock.advance(Duration::from_secs(3_599));
    assert_eq!(cache.get("user:42").await.unwrap(), Some(1_u8));
    clock.advance(Duration::from_secs(1));
    assert_eq!(cache.get::<u8>("user:42").await.unwrap(), None);
}
