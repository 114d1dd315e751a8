//! Writers that name entries by a call, which the compiler checks and nobody makes: which entries are invalidated,
//! and when.

#[path = "support/service.rs"]
mod service;
#[path = "support/users.rs"]
mod users;

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use cachewright::{Cache, cached, invalidate_cache};
use serde::{Serialize, Serializer};
use service::World;
use users::{Users, outdated, readers_and_writers};

impl Users {
    #[cached(cache = self.cache, key_prefix = "user:{id}")]
    async fn profile(&self, id: i64) -> u64 {
        let _ = id;
        self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "user")]
    async fn by_name(&self, name: &str) -> u64 {
        let _ = name;
        self.ask()
    }

    #[invalidate_cache(cache = self.cache, entry = self.profile(7))]
    async fn rename_seven(&self) {}

    #[invalidate_cache(cache = self.cache, entry = self.profile(id), entry = self.by_name(&name))]
    async fn rename(&self, id: i64, name: String) -> String {
        name
    }

    #[invalidate_cache(cache = self.cache, on = "always", entry = self.profile(id))]
    async fn rename_and_fail(&self, id: i64) -> Result<(), i64> {
        Err(id)
    }

    #[invalidate_cache(cache = self.cache, entry = self.profile(id))]
    async fn refuse(&self, id: i64) -> Result<(), i64> {
        Err(id)
    }

    #[invalidate_cache(cache = self.cache, entry = self.profile(id))]
    async fn hang(&self, id: i64) {
        let _ = id;
        std::future::pending().await
    }
}

#[tokio::test]
async fn exactly_the_entry_of_the_call_is_invalidated() {
    for (reader, writer) in readers_and_writers() {
        let all = async || {
            reader.profile(7).await;
            reader.profile(8).await;
            reader.by_name("ann").await;
        };
        assert_eq!(reader.bodies_of(all()).await, 3);
        writer.rename_seven().await;
        assert_eq!(reader.bodies_of(all()).await, 1);
        writer.rename(8, "ann".to_owned()).await;
        assert_eq!(reader.bodies_of(all()).await, 2);
        assert_eq!(reader.bodies_of(all()).await, 0);
    }
}

#[tokio::test]
async fn a_failure_invalidates_the_entry_only_if_it_is_told_to() {
    // A failure doesn't wait for the store, so only the writer's own process sees it at once.
    for (_, users) in readers_and_writers() {
        let named = async || users.profile(7).await;
        let bystanders = async || users.profile(8).await;
        let refused = outdated(&users, named, bystanders, users.refuse(7));
        assert_eq!(refused.await, (0, 0));
        assert_eq!(users.rename_and_fail(7).await, Err(7));
        assert_eq!(users.bodies_of(named()).await, 1);
        assert_eq!(users.bodies_of(bystanders()).await, 0);
    }
}

#[tokio::test]
async fn inside_a_transaction_the_entry_is_invalidated_when_it_commits() {
    for (reader, writer) in readers_and_writers() {
        reader.profile(7).await;
        reader.profile(8).await;
        let block = cachewright::defer(async {
            writer.rename_seven().await;
            // Before the commit the old answer is right, for everybody outside.
            let outside = tokio::spawn({
                let reader = reader.clone();
                async move { reader.bodies_of(reader.profile(7)).await }
            });
            assert_eq!(outside.await.unwrap(), 0);
            Ok::<_, ()>(())
        });
        block.await.unwrap();
        assert_eq!(reader.bodies_of(reader.profile(8)).await, 0);
        assert_eq!(reader.bodies_of(reader.profile(7)).await, 1);
    }
}

#[tokio::test]
async fn a_dropped_writer_invalidates_the_entry_at_once_and_again_after_settling() {
    let world = World::new();
    let memory = Cache::builder().clock(world.clock.clone()).build().unwrap();
    for cache in [memory, world.cache()] {
        let users = Users::new(cache);
        users.profile(7).await;
        users.profile(8).await;
        {
            let mut writer = pin!(users.hang(7));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(writer.as_mut().poll(&mut cx).is_pending());
        }
        world.clock.advance(Duration::ZERO);
        assert_eq!(users.bodies_of(users.profile(7)).await, 1);
        // As long as any writer's outcome takes to settle.
        world.clock.advance(Duration::from_secs(120));
        world.clock.advance(Duration::ZERO);
        assert_eq!(users.cache.stats().pending_invalidations, 0);
        assert_eq!(users.bodies_of(users.profile(7)).await, 1);
        assert_eq!(users.bodies_of(users.profile(8)).await, 0);
    }
}

/// What the key is made of.
mod reports {
    use super::{Serialize, Users, cached};

    #[cached(cache = users.cache, skip(users), key_prefix = "report")]
    pub(super) async fn of_day<T: Serialize>(users: &Users, day: u32, kind: T) -> u64 {
        let _ = (day, kind);
        users.ask()
    }

    #[cached(cache = users.cache, key(b, a), key_prefix = "report")]
    pub(super) async fn turned(users: &Users, a: u32, b: &str) -> u64 {
        let _ = (a, b);
        users.ask()
    }

    #[cached(cache = users.cache, skip(users, trace), key_prefix = "report:{day}")]
    pub(super) fn traced(users: &Users, trace: u64, day: u32) -> u64 {
        let _ = (trace, day);
        users.ask()
    }

    #[cached(cache = users.cache, skip(users, trace), key_prefix = "report")]
    pub(super) async fn only_one(users: &Users, trace: u64) -> u64 {
        let _ = trace;
        users.ask()
    }

    #[cached(cache = users.cache, skip(users), scope = users.region, version = 3, tier = "memory")]
    pub(super) async fn of_region(users: &Users, mut day: u32, (a, b): (u8, u8)) -> u64 {
        day += u32::from(a + b);
        let _ = day;
        users.ask()
    }
}

mod readers {
    use super::{Users, cached};

    #[derive(serde::Serialize)]
    pub(super) struct Filter {
        pub(super) city: String,
    }

    #[cached(cache = users.cache, key(filter.city), key_prefix = "chosen")]
    pub(super) async fn by_city(users: &Users, filter: Filter) -> u64 {
        let _ = filter;
        users.ask()
    }

    #[cached(cache = users.cache, key(filter.city), key_prefix = "place:{filter.city}")]
    pub(super) async fn below_city(users: &Users, filter: Filter) -> u64 {
        let _ = filter;
        users.ask()
    }

    #[cached(cache = users.cache, skip(users), key_prefix = "conditional")]
    pub(super) async fn conditional(users: &Users, #[cfg(any())] never: u8, id: u8) -> u64 {
        let _ = id;
        users.ask()
    }

    #[cached(cache = users.cache, skip(users), key_prefix = "beside")]
    pub(super) async fn beside(users: &Users, id: u8) -> u64 {
        let _ = id;
        users.ask()
    }
}

use readers::Filter;

fn filter() -> Filter {
    Filter {
        city: "Rome".to_owned(),
    }
}

#[invalidate_cache(cache = users.cache, entry = reports::of_day(_, day, "sums"))]
async fn book(users: &Users, day: u32) {}

#[invalidate_cache(cache = users.cache, entry = reports::turned(_, 1, "x"))]
async fn turn(users: &Users) {}

#[invalidate_cache(cache = users.cache, entry = reports::traced(_, 99, day), entry = reports::only_one(_, 1))]
fn trace(users: &Users, day: u32) {}

#[invalidate_cache(cache = users.cache, entry = reports::of_region(_, 1, (2, 3)))]
async fn move_region(users: &Users) {}

#[tokio::test]
async fn the_key_is_made_as_the_function_makes_it() {
    for (reader, writer) in readers_and_writers() {
        let users = &reader;
        let named = async || reports::of_day(users, 1, "sums").await;
        let bystanders = async || {
            reports::of_day(users, 2, "sums").await;
            reports::of_day(users, 1, 5).await;
        };
        let write = outdated(users, named, bystanders, book(&writer, 1));
        assert_eq!(write.await, (1, 0));

        let named = async || reports::turned(users, 1, "x").await;
        let bystanders = async || reports::turned(users, 2, "x").await;
        let write = outdated(users, named, bystanders, turn(&writer));
        assert_eq!(write.await, (1, 0));

        let named = async || {
            reports::traced(users, 7, 1);
            reports::only_one(users, 7).await;
        };
        let bystanders = async || reports::traced(users, 7, 2);
        let write = async { trace(&writer, 1) };
        let write = outdated(users, named, bystanders, write);
        assert_eq!(write.await, (2, 0));
    }
}

#[tokio::test]
async fn the_entries_of_every_scope_are_invalidated() {
    let users = Users::new(Cache::builder().build().unwrap());
    let mut elsewhere = users.clone();
    elsewhere.region = "us".to_owned();
    let named = async || {
        reports::of_region(&users, 1, (2, 3)).await;
        reports::of_region(&elsewhere, 1, (2, 3)).await;
    };
    let bystanders = async || reports::of_region(&users, 1, (3, 2)).await;
    let write = outdated(&users, named, bystanders, move_region(&users));
    assert_eq!(write.await, (2, 0));
}

#[invalidate_cache(cache = users.cache, entry = readers::by_city(_, filter()))]
async fn rebuild(users: &Users) {}

#[invalidate_cache(cache = users.cache, entry = readers::below_city(_, filter()))]
async fn rebuild_below(users: &Users) {}

#[invalidate_cache(cache = users.cache, entry = readers::conditional(_, 1))]
async fn condition(users: &Users) {}

#[invalidate_cache(cache = users.cache, entry = readers::beside(_, _))]
async fn forget(users: &Users) {}

#[tokio::test]
async fn a_key_that_cannot_be_told_widens_it_to_the_function() {
    for (reader, writer) in readers_and_writers() {
        let users = &reader;
        let beside = async || readers::beside(users, 1).await;
        let chosen = async || readers::by_city(users, filter()).await;
        let write = outdated(users, chosen, beside, rebuild(&writer));
        assert_eq!(write.await, (1, 0));

        let chosen = async || readers::below_city(users, filter()).await;
        let write = outdated(users, chosen, beside, rebuild_below(&writer));
        assert_eq!(write.await, (1, 0));

        let conditional = async || readers::conditional(users, 1).await;
        let write = outdated(users, conditional, beside, condition(&writer));
        assert_eq!(write.await, (1, 0));

        let write = outdated(users, beside, conditional, forget(&writer));
        assert_eq!(write.await, (1, 0));
    }
}

struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

mod odd {
    use super::{Serialize, Users, cached};

    #[cached(cache = users.cache, skip(users))]
    pub(super) async fn any(users: &Users, value: impl Serialize) -> u64 {
        let _ = value;
        users.ask()
    }

    #[cached(cache = users.cache, key(id))]
    pub(super) async fn one(users: &Users, id: u8, value: impl Serialize) -> u64 {
        let _ = (id, value);
        users.ask()
    }
}

#[invalidate_cache(cache = users.cache, entry = odd::any(_, Unwritable))]
async fn write_unwritable(users: &Users) {}

#[invalidate_cache(cache = users.cache, entry = odd::one(_, 1, Unwritable))]
async fn write_beside_unwritable(users: &Users) {}

#[expect(
    non_upper_case_globals,
    reason = "what is called looks like a function"
)]
const pointer: fn(u8) -> u8 = |id| id;

#[invalidate_cache(cache = users.cache, entry = pointer(1))]
async fn write_by_pointer(users: &Users) {}

#[tokio::test]
async fn what_cannot_be_written_or_is_no_known_function_widens_it_to_everything() {
    for (reader, writer) in readers_and_writers() {
        let all = async || reader.profile(7).await;
        let one = async || odd::one(&reader, 1, "x").await;
        let write = outdated(&reader, all, async || (), write_unwritable(&writer));
        assert_eq!(write.await, (1, 0));
        let write = outdated(&reader, all, async || (), write_by_pointer(&writer));
        assert_eq!(write.await, (1, 0));
        // It is no part of this key.
        let write = outdated(&reader, one, all, write_beside_unwritable(&writer));
        assert_eq!(write.await, (1, 0));
    }
}
