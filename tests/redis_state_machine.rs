//! Random programs over a real server: those of caches against the model of what may be answered, and
//! those of a store's clients against a map.

#[path = "state_machine/mod.rs"]
mod machine;
#[path = "store_model/mod.rs"]
mod model;
mod redis;

use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::CacheBuilder;
use cachewright::redis::RedisStore;
use cachewright_test_support::{RedisServer, Reply};

use machine::world::Tier;
use model::Clients;

/// Entries in a server.
struct Shared<'a>(&'a RedisServer);

impl<'a> Shared<'a> {
    fn empty(server: &'a RedisServer) -> Self {
        assert_eq!(server.command(&["FLUSHALL"]), Reply::ok());
        Self(server)
    }
}

impl Tier for Shared<'_> {
    fn is_shared(&self) -> bool {
        true
    }

    fn builder(&self, clock: &SteppedClock) -> CacheBuilder {
        redis::builder(&self.0.url()).clock(clock.clone())
    }

    fn is_stepped(&self) -> bool {
        false
    }

    fn evict(&self, which: Option<usize>) -> bool {
        let keys = redis::keys(self.0);
        match which {
            Some(number) if !keys.is_empty() => {
                let words: [&[u8]; 2] = [b"DEL", &keys[number % keys.len()]];
                assert_eq!(self.0.command(&words).integer(), 1);
            }
            Some(_) => {}
            None => assert_eq!(self.0.command(&["FLUSHALL"]), Reply::ok()),
        }
        true
    }
}

#[test]
fn no_program_over_redis_gets_an_answer_that_the_model_does_not_have() {
    let server = RedisServer::start();
    let tally = machine::check(file!(), 150, 120, |_| Shared::empty(&server));
    assert!(tally.hits > 300 && tally.forgotten == 0, "{tally:?}");
}

#[test]
fn two_clients_of_a_server_see_what_the_model_has() {
    let server = RedisServer::start();
    model::check(file!(), 200, || {
        assert_eq!(server.command(&["FLUSHALL"]), Reply::ok());
        let store = || RedisStore::new(&server.url()).unwrap();
        Clients {
            stores: [store(), store()],
            advance: None,
            time_left: Box::new(|key| {
                let left = server.command(&[b"PTTL", key.as_bytes()]).integer();
                u64::try_from(left).ok().map(Duration::from_millis)
            }),
        }
    });
}
