use cachewright::{Cache, cached};

struct Exchange {
    cache: Cache,
}

impl Exchange {
    #[cached(cache = self.cache, ttl = 60, key_prefix = "rate:{currency}")]
    async fn rate(&self, currency: &str) -> Option<f64> {
        (currency == "NOK").then_some(11.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cachewright::testing::{SteppedClock, assert_cached, assert_not_cached};
    use std::time::Duration;

    #[tokio::test]
    async fn a_rate_is_kept_for_a_minute() {
        let clock = SteppedClock::new();
        let cache = Cache::builder().clock(clock.clone()).build().unwrap();
        let exchange = Exchange { cache };
        assert_eq!(exchange.rate("NOK").await, Some(11.5));
        assert_cached!(exchange.rate("NOK")).await;

        clock.advance(Duration::from_secs(60));
        assert_not_cached!(exchange.rate("NOK")).await;
    }
}
