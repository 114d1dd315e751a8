//! Random programs against a model of what a cache may answer.
//!
//! The model keeps everything that was stored and neither expired nor invalidated. A cache may
//! forget, so a miss where the model has a value is allowed, but must be rare; a value that the
//! model does not have is never allowed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::{Cache, cached, invalidate_cache};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

const KEYS: [&str; 5] = ["a", "a:x", "a:x:1", "a:y", "b:x"];
const PATTERNS: [&str; 7] = ["a", "a:*", "a:x", "a:x:*", "a:*:1", "b", "user"];

#[derive(Debug, Clone)]
enum Step {
    Set(usize, u64, u64),
    Get(usize),
    GetOrSet(usize, u64),
    Remove(usize),
    Invalidate(usize),
    Clear,
    Advance(u64),
    Read(u8, u8),
    Write(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..KEYS.len();
    prop_oneof![
        4 => (key(), any::<u64>(), 0..20_u64).prop_map(|(key, value, ttl)| Step::Set(key, value, ttl)),
        6 => key().prop_map(Step::Get),
        4 => (key(), any::<u64>()).prop_map(|(key, value)| Step::GetOrSet(key, value)),
        1 => key().prop_map(Step::Remove),
        2 => (0..PATTERNS.len()).prop_map(Step::Invalidate),
        1 => Just(Step::Clear),
        2 => (1..10_u64).prop_map(Step::Advance),
        8 => (0..3_u8, 0..2_u8).prop_map(|(user, page)| Step::Read(user, page)),
        2 => (0..3_u8).prop_map(Step::Write),
    ]
}

/// A cache over a database that is one version number.
struct World {
    cache: Cache,
    clock: SteppedClock,
    version: AtomicU64,
}

impl World {
    #[cached(cache = self.cache, key_prefix = "user:{user}:page", ttl = 15)]
    async fn read(&self, user: u8, page: u8) -> u64 {
        let _ = (user, page);
        self.version.load(SeqCst)
    }

    #[invalidate_cache("user:{user}:*", cache = self.cache)]
    async fn write(&self, user: u8) -> u64 {
        let _ = user;
        self.version.fetch_add(1, SeqCst) + 1
    }
}

/// Everything that may be answered from the cache, by path, with its deadline in seconds.
#[derive(Default)]
struct Model {
    now: u64,
    entries: HashMap<String, (u64, u64)>,
}

impl Model {
    fn get(&self, path: &str) -> Option<u64> {
        let (value, deadline) = self.entries.get(path)?;
        (*deadline > self.now).then_some(*value)
    }

    fn set(&mut self, path: &str, value: u64, ttl: u64) {
        self.entries
            .insert(path.to_owned(), (value, self.now + ttl));
    }

    /// By the definition of a pattern: whatever has its segments in front of the first star.
    fn invalidate(&mut self, pattern: &str) {
        let node: Vec<_> = pattern
            .split(':')
            .take_while(|segment| *segment != "*")
            .collect();
        self.entries
            .retain(|path, _| !path.split(':').take(node.len()).eq(node.iter().copied()));
    }
}

/// How often the cache had what the model has, and how often it had forgotten it.
#[derive(Default)]
struct Tally {
    hits: u64,
    forgotten: u64,
}

impl Tally {
    fn count(&mut self, hit: bool) {
        self.hits += u64::from(hit);
        self.forgotten += u64::from(!hit);
    }
}

async fn run(steps: Vec<Step>, tally: &mut Tally) {
    let clock = SteppedClock::new();
    let world = World {
        cache: Cache::builder().clock(clock.clone()).build().unwrap(),
        clock,
        version: AtomicU64::new(0),
    };
    let mut model = Model::default();
    for step in steps {
        take(step, &world, &mut model, tally).await;
    }
}

async fn take(step: Step, world: &World, model: &mut Model, tally: &mut Tally) {
    let cache = &world.cache;
    match step {
        Step::Set(key, value, ttl) => {
            cache
                .set(KEYS[key], value, Duration::from_secs(ttl))
                .await
                .unwrap();
            model.set(KEYS[key], value, ttl);
        }
        Step::Get(key) => {
            let (found, expected) = (cache.get(KEYS[key]).await.unwrap(), model.get(KEYS[key]));
            if found.is_some() || expected.is_some() {
                tally.count(found.is_some());
                assert!(
                    found.is_none() || found == expected,
                    "{found:?} for {expected:?}"
                );
            }
        }
        Step::GetOrSet(key, fresh) => {
            let get = cache.get_or_set(KEYS[key], Duration::from_secs(8), async || {
                Ok::<_, ()>(fresh)
            });
            let (found, expected) = (get.await.unwrap(), model.get(KEYS[key]));
            check(found, fresh, expected, tally);
            if expected != Some(found) {
                model.set(KEYS[key], fresh, 8);
            }
        }
        Step::Remove(key) => {
            cache.remove(KEYS[key]).await.unwrap();
            model.entries.remove(KEYS[key]);
        }
        Step::Invalidate(pattern) => {
            cache.invalidate(PATTERNS[pattern]).await.unwrap();
            model.invalidate(PATTERNS[pattern]);
        }
        Step::Clear => {
            cache.clear().await.unwrap();
            model.entries.clear();
        }
        Step::Advance(seconds) => {
            world.clock.advance(Duration::from_secs(seconds));
            model.now += seconds;
        }
        Step::Read(user, page) => {
            let path = format!("user:{user}:page:{page}");
            let fresh = world.version.load(SeqCst);
            let (found, expected) = (world.read(user, page).await, model.get(&path));
            check(found, fresh, expected, tally);
            if expected != Some(found) {
                model.set(&path, fresh, 15);
            }
        }
        Step::Write(user) => {
            world.write(user).await;
            model.invalidate(&format!("user:{user}:*"));
        }
    }
}

/// What a read may give: what the model has, or else, or if that was forgotten, the fresh value.
fn check(found: u64, fresh: u64, expected: Option<u64>, tally: &mut Tally) {
    match expected {
        Some(expected) => {
            tally.count(found == expected);
            assert!(
                found == expected || found == fresh,
                "{found} for {expected} or {fresh}"
            );
        }
        None => assert_eq!(found, fresh),
    }
}

#[test]
fn no_program_gets_an_answer_that_the_model_does_not_have() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(400));
    let tally = std::cell::RefCell::new(Tally::default());
    runner
        .run(&proptest::collection::vec(step(), 1..150), |steps| {
            runtime.block_on(run(steps, &mut tally.borrow_mut()));
            Ok(())
        })
        .unwrap();
    let Tally { hits, forgotten } = tally.into_inner();
    // Names that share a slot invalidate each other: about one time in ten thousand.
    assert!(
        hits > 1_000 && forgotten * 200 < hits,
        "{hits} hits, {forgotten} forgotten"
    );
}
