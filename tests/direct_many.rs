//! Many keys at once, whether there is something under a key, and for how long.

use std::time::Duration;

use cache_core::layout::Key;
use cache_core::testing::SteppedClock;
use cachewright::Cache;
use cachewright::testing::{Fault, Operation, ScriptedStore};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A cache in memory, or before a store.
struct World {
    cache: Cache,
    clock: SteppedClock,
}

impl World {
    fn in_memory() -> Self {
        let clock = SteppedClock::new();
        let builder = Cache::builder().namespace("app").clock(clock.clone());
        Self {
            cache: builder.build().unwrap(),
            clock,
        }
    }

    fn in_store() -> (Self, ScriptedStore) {
        let clock = SteppedClock::new();
        let store = ScriptedStore::with_clock(clock.clone());
        let builder = Cache::builder().namespace("app").clock(clock.clone());
        let cache = builder.store(store.clone()).build().unwrap();
        let world = Self { cache, clock };
        (world, store)
    }

    fn both() -> [Self; 2] {
        [Self::in_memory(), Self::in_store().0]
    }

    fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }
}

#[tokio::test]
async fn many_values_come_in_the_order_of_their_keys() {
    for World { cache, .. } in World::both() {
        cache
            .set_many([("a", 1), ("b:c", 2), ("d", 3)], None)
            .await
            .unwrap();
        let keys = ["d", "missing", "a", "b:c", "a"].map(str::to_owned);
        let found = cache.get_many::<i32>(&keys).await.unwrap();
        assert_eq!(found, [Some(3), None, Some(1), Some(2), Some(1)]);
        assert_eq!(cache.get_many::<String>(&["a"]).await.unwrap(), [None]);
        assert!(cache.get_many::<i32>(&[""; 0]).await.unwrap().is_empty());
        let row = &cache.stats().functions[0];
        assert_eq!((row.hits, row.misses), (4, 2));
    }
}

#[tokio::test]
async fn an_empty_key_among_many_is_refused_before_anything_is_stored() {
    for World { cache, .. } in World::both() {
        let refused = cache.get_many::<i32>(&["a", ""]).await.unwrap_err();
        assert!(refused.is_invalid_input());
        let refused = cache.set_many([("a", 1), ("", 2)], None).await.unwrap_err();
        assert!(refused.is_invalid_input());
        assert!(!cache.exists("a").await.unwrap());
        for refused in [
            cache.exists("").await.unwrap_err(),
            cache.ttl("").await.unwrap_err(),
            cache.expire("", MINUTE).await.unwrap_err(),
            cache.expire("", Duration::ZERO).await.unwrap_err(),
        ] {
            assert!(refused.is_invalid_input());
        }
    }
}

#[tokio::test]
async fn of_a_key_that_is_set_twice_at_once_the_last_value_is_stored() {
    for World { cache, .. } in World::both() {
        let values = [("a", 1), ("b", 2), ("a", 3)];
        cache.set_many(values, None).await.unwrap();
        let found = cache.get_many::<i32>(&["a", "b"]).await.unwrap();
        assert_eq!(found, [Some(3), Some(2)]);
        cache
            .set_many([("a", 4), ("b", 5)], Duration::ZERO)
            .await
            .unwrap();
        let found = cache.get_many::<i32>(&["a", "b"]).await.unwrap();
        assert_eq!(found, [None, None]);
    }
}

#[tokio::test]
async fn a_thousand_keys_are_read_from_a_store_in_one_round_trip() {
    let (World { cache, .. }, store) = World::in_store();
    let keys: Vec<_> = (0..1000).map(|i| format!("user:{i}")).collect();
    let values = keys.iter().zip(0..);
    cache.set_many(values, None).await.unwrap();
    store.forget_log();
    let found = cache.get_many::<i32>(&keys).await.unwrap();
    assert!(found.into_iter().eq((0..1000).map(Some)));
    assert_eq!(store.count(None), 1);
    assert_eq!(store.count(Operation::Read), 1);
}

#[tokio::test]
async fn many_values_are_all_invalidated_by_what_covers_them() {
    for World { cache, .. } in World::both() {
        let values = [("user:1", 1), ("user:2", 2), ("team:1", 3)];
        let keys = values.map(|(key, _)| key);
        cache.set_many(values, None).await.unwrap();
        cache.invalidate("user:*").await.unwrap();
        let found = cache.get_many::<i32>(&keys).await.unwrap();
        assert_eq!(found, [None, None, Some(3)]);
        cache.clear().await.unwrap();
        assert_eq!(cache.get_many::<i32>(&keys).await.unwrap(), [None; 3]);
    }
}

#[tokio::test]
async fn what_a_pending_invalidation_covers_is_not_among_many() {
    let (World { cache, .. }, store) = World::in_store();
    let values = [("user:1", 1), ("team:1", 3)];
    cache.set_many(values, None).await.unwrap();
    store.next(usize::MAX, Operation::Invalidate, Fault::Outage);
    assert!(cache.invalidate("user:*").await.unwrap_err().is_outage());
    let found = cache.get_many::<i32>(&["user:1", "team:1"]).await.unwrap();
    assert_eq!(found, [None, Some(3)]);
    assert!(!cache.exists("user:1").await.unwrap());
    assert!(!cache.expire("user:1", HOUR).await.unwrap());
}

#[tokio::test]
async fn a_store_that_fails_is_an_error_of_each_operation() {
    let (World { cache, .. }, store) = World::in_store();
    cache.set("a", 1, None).await.unwrap();
    store.set_down(true);
    for error in [
        cache.get_many::<i32>(&["a"]).await.unwrap_err(),
        cache.exists("a").await.unwrap_err(),
        cache.ttl("a").await.unwrap_err(),
        cache.expire("a", MINUTE).await.unwrap_err(),
        cache
            .set_many([("a", 2), ("b", 3)], None)
            .await
            .unwrap_err(),
    ] {
        assert!(error.is_outage());
    }
}

#[tokio::test]
async fn a_set_among_many_whose_reply_is_lost_leaves_no_old_value() {
    let (World { cache, .. }, store) = World::in_store();
    let old: Vec<_> = (0..100).map(|i| (format!("k:{i}"), 0)).collect();
    cache.set_many(old.clone(), None).await.unwrap();
    store.next(1, Operation::Swap, Fault::ReplyLost);
    store.next(1, Operation::Write, Fault::Outage);
    let new = old.iter().map(|(key, _)| (key, 1));
    assert!(cache.set_many(new, None).await.unwrap_err().is_outage());
    let keys: Vec<_> = old.into_iter().map(|(key, _)| key).collect();
    let found = cache.get_many::<i32>(&keys).await.unwrap();
    assert_eq!(found.iter().filter(|value| value.is_none()).count(), 2);
    assert!(found.iter().all(|value| *value != Some(0)));
}

#[tokio::test]
async fn whether_there_is_something_and_for_how_long() {
    for world in World::both() {
        let cache = &world.cache;
        assert!(!cache.exists("key").await.unwrap());
        assert_eq!(cache.ttl("key").await.unwrap(), None);
        cache.set("key", 1, MINUTE).await.unwrap();
        assert!(cache.exists("key").await.unwrap());
        let left = cache.ttl("key").await.unwrap().unwrap();
        assert!(left <= MINUTE && left > MINUTE / 2, "{left:?}");
        world.advance(MINUTE);
        assert!(!cache.exists("key").await.unwrap());
        assert_eq!(cache.ttl("key").await.unwrap(), None);
        assert!(cache.stats().functions.is_empty());
    }
}

#[tokio::test]
async fn a_value_lives_as_long_as_it_was_last_told_to() {
    for world in World::both() {
        let cache = &world.cache;
        cache.set("longer", 1, MINUTE).await.unwrap();
        cache.set("shorter", 2, HOUR).await.unwrap();
        assert!(cache.expire("longer", HOUR).await.unwrap());
        assert!(cache.expire("shorter", MINUTE).await.unwrap());
        assert!(!cache.expire("missing", MINUTE).await.unwrap());
        let left = cache.ttl("longer").await.unwrap().unwrap();
        assert!(left <= HOUR && left > HOUR / 2, "{left:?}");
        world.advance(MINUTE);
        let found = cache.get_many::<i32>(&["longer", "shorter"]).await.unwrap();
        assert_eq!(found, [Some(1), None]);
        assert!(!cache.expire("shorter", HOUR).await.unwrap());
        world.advance(HOUR - MINUTE);
        assert_eq!(cache.get::<i32>("longer").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_time_of_zero_removes() {
    for World { cache, .. } in World::both() {
        cache.set("key", 1, None).await.unwrap();
        assert!(cache.expire("key", Duration::ZERO).await.unwrap());
        assert_eq!(cache.get::<i32>("key").await.unwrap(), None);
        assert!(!cache.expire("key", Duration::ZERO).await.unwrap());
    }
}

#[tokio::test]
async fn a_time_of_zero_removes_though_it_cannot_be_read_what_is_there() {
    let (World { cache, .. }, store) = World::in_store();
    cache.set("key", 1, None).await.unwrap();
    store.next(1, Operation::Read, Fault::Outage);
    assert!(cache.expire("key", Duration::ZERO).await.is_err());
    assert_eq!(cache.get::<i32>("key").await.unwrap(), None);
}

#[tokio::test]
async fn what_was_invalidated_cannot_be_prolonged() {
    for World { cache, .. } in World::both() {
        for key in ["user:1", "user:2", "user:3"] {
            cache.set(key, 1, None).await.unwrap();
        }
        cache.remove("user:1").await.unwrap();
        assert!(!cache.expire("user:1", HOUR).await.unwrap());
        cache.invalidate("user:2").await.unwrap();
        assert!(!cache.expire("user:2", HOUR).await.unwrap());
        assert!(cache.expire("user:3", HOUR).await.unwrap());
        cache.clear().await.unwrap();
        assert!(!cache.expire("user:3", HOUR).await.unwrap());
        assert_eq!(cache.get::<i32>("user:3").await.unwrap(), None);
    }
}

/// What a call of `expire` leaves that had read the value before and writes it afterwards.
#[tokio::test]
async fn a_prolonged_value_does_not_answer_after_a_set_or_a_removal() {
    let (World { cache, .. }, store) = World::in_store();
    let name = Key::from("app:user:1".to_owned());
    cache.set("user:1", "old".to_owned(), MINUTE).await.unwrap();
    assert!(cache.expire("user:1", HOUR).await.unwrap());
    let prolonged = store.peek(&name).unwrap();
    assert_eq!(store.time_to_live(&name), Some(HOUR));

    cache.set("user:1", "new".to_owned(), None).await.unwrap();
    store.alter(|contents| contents.set(&name, prolonged.clone(), None));
    assert_eq!(cache.get::<String>("user:1").await.unwrap(), None);

    cache.set("user:1", "new".to_owned(), None).await.unwrap();
    cache.remove("user:1").await.unwrap();
    store.alter(|contents| contents.set(&name, prolonged.clone(), None));
    assert_eq!(cache.get::<String>("user:1").await.unwrap(), None);
    assert!(!cache.exists("user:1").await.unwrap());
}

#[tokio::test]
async fn a_store_without_room_says_that_the_time_was_not_changed() {
    let (World { cache, .. }, store) = World::in_store();
    cache.set("key", 1, MINUTE).await.unwrap();
    store.set_full(true);
    assert!(cache.expire("key", HOUR).await.unwrap_err().is_outage());
    assert_eq!(cache.get::<i32>("key").await.unwrap(), Some(1));
}

#[tokio::test]
async fn memory_is_freed_at_the_time_that_was_last_told() {
    let World { cache, clock, .. } = World::in_memory();
    cache.set("shorter", 1, HOUR).await.unwrap();
    cache.set("longer", 1, MINUTE).await.unwrap();
    cache.expire("shorter", MINUTE).await.unwrap();
    cache.expire("longer", HOUR).await.unwrap();
    clock.advance(MINUTE + Duration::from_secs(1));
    assert_eq!(cache.stats().entries, 1);
    clock.advance(HOUR);
    assert_eq!(cache.stats().entries, 0);
}

#[tokio::test]
async fn the_futures_can_be_sent_to_other_threads() {
    for World { cache, .. } in World::both() {
        let task = tokio::spawn(async move {
            let keys = vec!["a".to_owned(), "b".to_owned()];
            let values = keys.iter().map(|key| (key, 1));
            cache.set_many(values, MINUTE).await.unwrap();
            cache.expire("a", HOUR).await.unwrap();
            cache.ttl("a").await.unwrap();
            cache.exists("a").await.unwrap();
            cache.get_many::<i32>(&keys).await.unwrap()
        });
        assert_eq!(task.await.unwrap(), [Some(1), Some(1)]);
    }
}
