//! Bodies that may go on after the call: the names and types that they know stay what they were.
#![deny(warnings)]

use std::sync::Arc;

use cachewright::{cache_defaults, cached};

#[derive(Clone)]
struct Users {
    region: String,
    count: u64,
}

#[cache_defaults(ttl = "1h", stale_if_error = "1d")]
impl Users {
    #[cached(stale_while_revalidate = "10m", refresh_ahead = "30s", timeout = "200ms")]
    async fn profile(&self, name: &str, ids: &[u64]) -> Result<Option<String>, std::fmt::Error> {
        let region: &str = &self.region;
        let (name, ids): (&str, &[u64]) = (name, ids);
        Ok((!ids.is_empty()).then(|| format!("{region} {name}")))
    }

    #[cached(refresh_ahead = 0.25, none_ttl = 1, single_flight = "off", tier = "memory")]
    fn total(self: Arc<Self>, prices: &Arc<Vec<u64>>) -> Option<u64> {
        let prices: &Arc<Vec<u64>> = prices;
        Some(prices.len() as u64 + self.count)
    }

    // Nothing goes on after the call: everything may be borrowed.
    #[cached]
    async fn borrowing(&self, name: Option<&str>, #[allow(unused)] id: u64) -> Result<usize, String> {
        Ok(name.map_or(self.region.len(), str::len))
    }
}

#[cached(refresh_ahead = 1, outcome = "result_option", timeout = 1, stale_if_error = 2)]
async fn id(id: &u64) -> Result<Option<u64>, String> {
    Ok(Some(*id))
}

fn main() {
    let users = Users {
        region: String::new(),
        count: 1,
    };
    drop(users.profile("", &[]));
    drop(users.borrowing(None, 1));
    drop(id(&1));
    assert_eq!(Arc::new(users).total(&Arc::default()), Some(1));
}
