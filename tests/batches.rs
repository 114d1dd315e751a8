//! Functions that answer for many elements at once, each of which is an entry of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cache_core::testing::SteppedClock;
use cachewright::{Cache, FunctionStats, Rollout, cached, defer, invalidate_cache};
use tokio::sync::Semaphore;

type Loaded<T> = Result<T, String>;

/// A table of names, and what was asked of it.
struct Users {
    cache: Cache,
    clock: SteppedClock,
    /// What the bodies were given, one after the other.
    asked: Mutex<Vec<Vec<i64>>>,
    /// Counted up by writers.
    release: AtomicU64,
    failing: AtomicBool,
    /// One permit lets one body go on.
    gate: Semaphore,
}

impl Users {
    fn new() -> Arc<Self> {
        let clock = SteppedClock::new();
        let cache = Cache::builder().clock(clock.clone()).build().unwrap();
        Self::with(cache, clock)
    }

    fn with(cache: Cache, clock: SteppedClock) -> Arc<Self> {
        Arc::new(Self {
            cache,
            clock,
            asked: Mutex::default(),
            release: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            gate: Semaphore::new(0),
        })
    }

    /// Those below zero are absent.
    fn load(&self, ids: &[i64]) -> Loaded<HashMap<i64, String>> {
        self.asked.lock().unwrap().push(ids.to_vec());
        if self.failing.load(SeqCst) {
            return Err("down".to_owned());
        }
        let present = ids.iter().filter(|id| **id >= 0);
        Ok(present.map(|id| (*id, self.name(*id))).collect())
    }

    fn name(&self, id: i64) -> String {
        format!("{id}@{}", self.release.load(SeqCst))
    }

    fn list(&self, ids: &[i64]) -> Loaded<Vec<Option<String>>> {
        let mut found = self.load(ids)?;
        Ok(ids.iter().map(|id| found.remove(id)).collect())
    }

    /// What the bodies were asked since this was called last.
    fn asked(&self) -> Vec<Vec<i64>> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    #[cached(cache = self.cache, key_prefix = "user:{ids}", ttl = 300, batch = ids)]
    async fn users(&self, ids: &[i64]) -> Loaded<HashMap<i64, String>> {
        self.load(ids)
    }

    #[cached(cache = self.cache, key_prefix = "slow", batch = ids)]
    async fn slow(&self, ids: Vec<i64>) -> Loaded<HashMap<i64, String>> {
        let found = self.load(&ids);
        self.gate.acquire().await.unwrap().forget();
        found
    }

    #[cached(cache = self.cache, batch = ids)]
    async fn listed(&self, ids: &[i64]) -> Loaded<Vec<Option<String>>> {
        self.list(ids)
    }

    #[cached(cache = self.cache, none_ttl = 60, batch = ids)]
    async fn absences(&self, ids: &[i64]) -> Loaded<Vec<Option<String>>> {
        self.list(ids)
    }

    #[cached(cache = self.cache, batch = ids)]
    fn pairs(&self, ids: &Vec<i64>) -> Vec<(i64, String)> {
        let found = self.load(ids).unwrap();
        // In no order that anybody has asked for.
        found.into_iter().collect()
    }

    #[cached(cache = self.cache, batch = ids)]
    async fn sorted(&self, ids: BTreeSet<i64>) -> BTreeMap<i64, String> {
        let ids: Vec<_> = ids.into_iter().collect();
        self.load(&ids).unwrap().into_iter().collect()
    }

    #[cached(cache = self.cache, batch = ids)]
    async fn unordered(&self, ids: HashSet<i64>) -> HashMap<i64, String> {
        let ids: Vec<_> = ids.into_iter().collect();
        self.load(&ids).unwrap()
    }

    #[cached(cache = self.cache, key_prefix = "city:{city}:{ids}", batch = ids)]
    async fn residents(&self, city: &str, ids: &[i64], suffix: String) -> HashMap<i64, String> {
        let found = self.load(ids).unwrap().into_iter();
        let suffixed = found.map(|(id, name)| (id, format!("{name} of {city}{suffix}")));
        drop(suffix.clone());
        suffixed.collect()
    }

    #[cached(cache = self.cache, batch = ids, single_flight = "off")]
    async fn uncoalesced(&self, ids: Vec<i64>) -> Loaded<HashMap<i64, String>> {
        let found = self.load(&ids);
        self.gate.acquire().await.unwrap().forget();
        found
    }

    #[cached(cache = self.cache, batch = ids)]
    async fn careless(&self, ids: &[i64]) -> HashMap<i64, String> {
        let mut found = self.load(ids).unwrap();
        found.insert(1_000, "nobody asked".to_owned());
        found
    }

    #[cached(cache = self.cache, batch = ids)]
    async fn misfit(&self, ids: &[i64]) -> Loaded<Vec<Option<String>>> {
        let mut found = self.list(ids)?;
        if ids.contains(&13) {
            found.pop();
        }
        Ok(found)
    }

    #[cached(cache = self.cache, key_prefix = "tagged", tier = "memory", batch = keys)]
    async fn borrowed<'k>(&self, keys: &[&'k str]) -> HashMap<&'k str, usize> {
        self.asked.lock().unwrap().push(vec![keys.len() as i64]);
        keys.iter().map(|key| (*key, key.len())).collect()
    }

    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    async fn rename(&self, id: i64) -> Loaded<()> {
        self.release.fetch_add(1, SeqCst);
        Ok(())
    }

    #[invalidate_cache(entry = self.users(&[id, other]), cache = self.cache)]
    async fn rename_two(&self, id: i64, other: i64) -> Loaded<()> {
        self.release.fetch_add(1, SeqCst);
        Ok(())
    }

    #[invalidate_cache(entry = self.residents(city, ids, String::new()), cache = self.cache)]
    async fn moved(&self, city: &str, ids: &[i64]) -> Loaded<()> {
        Ok(())
    }

    fn row(&self, name: &str) -> FunctionStats {
        let rows = self.cache.stats().functions;
        rows.into_iter().find(|row| row.name == name).unwrap()
    }

    /// Nothing is under way, nobody waits, nothing leaks.
    fn assert_quiet(&self) {
        assert_eq!(self.cache.stats().computations, 0);
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn names(release: u64, ids: &[i64]) -> HashMap<i64, String> {
    ids.iter()
        .map(|id| (*id, format!("{id}@{release}")))
        .collect()
}

#[tokio::test]
async fn the_body_is_asked_once_for_what_is_missing_in_the_order_of_the_request() {
    let users = Users::new();
    assert_eq!(users.users(&[3, 1, 3, 2]).await, Ok(names(0, &[1, 2, 3])));
    assert_eq!(users.asked(), [[3, 1, 2]]);
    assert_eq!(users.users(&[5, 1, 4, 5]).await, Ok(names(0, &[1, 4, 5])));
    assert_eq!(users.asked(), [[5, 4]]);
    assert_eq!(users.users(&[4, 2]).await, Ok(names(0, &[2, 4])));
    assert_eq!(users.asked(), [[0; 0]; 0]);
    users.assert_quiet();
}

#[tokio::test]
async fn an_empty_batch_runs_nothing_and_is_answered_with_nothing() {
    let users = Users::new();
    users.failing.store(true, SeqCst);
    assert_eq!(users.users(&[]).await, Ok(HashMap::new()));
    assert_eq!(users.listed(&[]).await, Ok(vec![]));
    assert_eq!(users.asked(), [[0; 0]; 0]);
}

#[tokio::test]
async fn each_element_is_counted_and_ends_by_itself() {
    let users = Users::new();
    users.users(&[1, 2]).await.unwrap();
    users.clock.advance(Duration::from_secs(200));
    users.users(&[1, 3]).await.unwrap();
    assert_eq!((users.row("users").hits, users.row("users").misses), (1, 3));
    users.clock.advance(Duration::from_secs(100));
    users.asked();
    users.users(&[1, 2, 3]).await.unwrap();
    assert_eq!(users.asked(), [[1, 2]]);
}

#[tokio::test]
async fn every_form_of_argument_and_answer_keeps_its_order_and_its_duplicates() {
    let users = Users::new();
    users.listed(&[2]).await.unwrap();
    users.pairs(&vec![2]);
    users.asked();
    let (two, three) = ("2@0".to_owned(), "3@0".to_owned());
    let listed = users.listed(&[3, 2, -1, 3]).await.unwrap();
    assert_eq!(
        listed,
        [
            Some(three.clone()),
            Some(two.clone()),
            None,
            Some(three.clone())
        ]
    );
    assert_eq!(users.asked(), [[3, -1]]);
    let pairs = users.pairs(&vec![5, 2, -1, 3, 5]);
    let five = "5@0".to_owned();
    assert_eq!(pairs, [(5, five), (2, two), (3, three)]);
    assert_eq!(users.asked(), [[5, -1, 3]]);

    users.sorted([2, 4].into()).await;
    let sorted = users.sorted([5, 2, 1].into()).await;
    assert_eq!(sorted, names(0, &[1, 2, 5]).into_iter().collect());
    assert_eq!(users.asked(), [[2, 4], [1, 5]]);
    users.unordered([2, 4].into()).await;
    users.asked();
    let unordered = users.unordered([5, 2, 1].into()).await;
    assert_eq!(unordered, names(0, &[1, 2, 5]));
    let mut asked = users.asked().remove(0);
    asked.sort_unstable();
    assert_eq!(asked, [1, 5]);
}

#[tokio::test]
async fn the_other_arguments_are_part_of_each_key_and_what_the_body_consumes_is_copied() {
    let users = Users::new();
    let of = |city: &'static str, ids: &'static [i64]| {
        let users = Arc::clone(&users);
        async move { users.residents(city, ids, String::new()).await }
    };
    assert_eq!(of("Oslo", &[1]).await[&1], "1@0 of Oslo");
    assert_eq!(of("Bern", &[1]).await[&1], "1@0 of Bern");
    of("Oslo", &[1]).await;
    assert_eq!(users.asked(), [[1], [1]]);
    users.cache.invalidate("city:Oslo:1").await.unwrap();
    of("Oslo", &[1]).await;
    of("Bern", &[1]).await;
    assert_eq!(users.asked(), [[1]]);
}

#[tokio::test]
async fn keys_may_be_borrowed() {
    let users = Users::new();
    let (a, b) = ("a".to_owned(), "bb".to_owned());
    users.borrowed(&[&a]).await;
    assert_eq!(
        users.borrowed(&[&b, &a]).await,
        HashMap::from([("a", 1), ("bb", 2)])
    );
    assert_eq!(users.asked(), [[1], [1]]);
}

#[tokio::test]
async fn absences_are_kept_only_with_a_time_of_their_own() {
    let users = Users::new();
    for _ in 0..2 {
        assert_eq!(users.listed(&[-1, 1]).await.unwrap()[0], None);
        assert_eq!(users.absences(&[-1, 1]).await.unwrap()[0], None);
    }
    assert_eq!(users.asked(), [vec![-1, 1], vec![-1, 1], vec![-1]]);
    users.clock.advance(Duration::from_secs(60));
    users.absences(&[-1, 1]).await.unwrap();
    assert_eq!(users.asked(), [[-1]]);
}

#[tokio::test]
async fn an_error_fails_the_call_and_keeps_what_was_there() {
    let users = Users::new();
    users.users(&[1]).await.unwrap();
    users.failing.store(true, SeqCst);
    assert_eq!(users.users(&[1, 2]).await, Err("down".to_owned()));
    assert_eq!(users.users(&[1]).await, Ok(names(0, &[1])));
    assert_eq!(users.row("users").failures, 1);
    users.failing.store(false, SeqCst);
    users.asked();
    assert_eq!(users.users(&[1, 2]).await, Ok(names(0, &[1, 2])));
    assert_eq!(users.asked(), [[2]]);
    users.assert_quiet();
}

#[tokio::test]
async fn what_was_not_asked_for_is_neither_kept_nor_returned() {
    let users = Users::new();
    assert_eq!(users.careless(&[1]).await, names(0, &[1]));
    users.careless(&[1_000]).await;
    assert_eq!(users.asked(), [[1], [1_000]]);
}

#[tokio::test]
async fn a_list_of_another_length_is_returned_as_it_is_and_not_kept() {
    let users = Users::new();
    users.misfit(&[1]).await.unwrap();
    let all = [1, 13, 1].map(|id| Some(format!("{id}@0")));
    // For all of them, as without a cache.
    assert_eq!(users.misfit(&[1, 13, 1]).await, Ok(all[..2].to_vec()));
    assert_eq!(users.asked(), [vec![1], vec![13], vec![1, 13, 1]]);
    assert_eq!(users.misfit(&[13]).await, Ok(vec![]));
    assert_eq!(users.asked(), [[13]]);
    users.assert_quiet();
}

#[tokio::test]
async fn one_element_is_invalidated_and_the_others_stay() {
    let users = Users::new();
    users.users(&[1, 2, 3]).await.unwrap();
    users.rename(2).await.unwrap();
    users.asked();
    let found = users.users(&[1, 2, 3]).await.unwrap();
    assert_eq!((&*found[&1], &*found[&2]), ("1@0", "2@1"));
    assert_eq!(users.asked(), [[2]]);
    users.cache.invalidate("user:*").await.unwrap();
    users.users(&[1, 2, 3]).await.unwrap();
    assert_eq!(users.asked(), [[1, 2, 3]]);
}

#[tokio::test]
async fn a_call_names_the_entry_of_each_element() {
    let users = Users::new();
    users.users(&[1, 2, 3]).await.unwrap();
    users.rename_two(3, 1).await.unwrap();
    users.asked();
    let found = users.users(&[1, 2, 3]).await.unwrap();
    assert_eq!(
        (&*found[&1], &*found[&2], &*found[&3]),
        ("1@1", "2@0", "3@1")
    );
    assert_eq!(users.asked(), [[1, 3]]);

    users.residents("Oslo", &[1, 2], String::new()).await;
    users.residents("Bern", &[1, 2], String::new()).await;
    users.asked();
    users.moved("Oslo", &[2]).await.unwrap();
    users.residents("Oslo", &[1, 2], String::new()).await;
    users.residents("Bern", &[1, 2], String::new()).await;
    assert_eq!(users.asked(), [[2]]);
}

#[tokio::test]
async fn what_is_invalidated_while_the_body_runs_is_dead_and_the_others_live() {
    let users = Users::new();
    let mut late = pin!(users.slow(vec![1, 2]));
    assert!(poll_once(late.as_mut()).is_pending());
    let entry = users.cache.invalidate("slow:slow");
    // Everything below the function, and so both.
    entry.await.unwrap();
    users.gate.add_permits(1);
    late.await.unwrap();
    users.gate.add_permits(1);
    users.slow(vec![1]).await.unwrap();
    assert_eq!(users.asked(), [vec![1, 2], vec![1]]);

    let mut late = pin!(users.gated(vec![1, 2]));
    assert!(poll_once(late.as_mut()).is_pending());
    users.cache.invalidate("gated:2").await.unwrap();
    users.gate.add_permits(1);
    late.await;
    users.gate.add_permits(1);
    users.gated(vec![1, 2]).await;
    assert_eq!(users.asked(), [vec![1, 2], vec![2]]);
}

impl Users {
    #[cached(cache = self.cache, key_prefix = "gated:{ids}", batch = ids)]
    async fn gated(&self, ids: Vec<i64>) -> HashMap<i64, String> {
        let found = self.load(&ids).unwrap();
        self.gate.acquire().await.unwrap().forget();
        found
    }
}

#[tokio::test]
async fn two_batches_compute_each_element_once_and_do_not_wait_for_each_other() {
    let users = Users::new();
    let mut first = pin!(users.slow(vec![1, 2]));
    let mut second = pin!(users.slow(vec![2, 3]));
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(poll_once(second.as_mut()).is_pending());
    assert_eq!(users.asked(), [vec![1, 2], vec![3]]);
    // Each is at its body: the second runs it although the first has not answered.
    users.gate.add_permits(2);
    assert!(poll_once(second.as_mut()).is_pending(), "the first has 2");
    assert_eq!(first.await, Ok(names(0, &[1, 2])));
    assert_eq!(second.await, Ok(names(0, &[2, 3])));
    assert_eq!(users.row("slow").coalesced, 1);
    users.assert_quiet();
}

#[tokio::test]
async fn batches_that_lead_and_follow_each_other_both_end() {
    let users = Users::new();
    let mut first = pin!(users.slow(vec![1]));
    assert!(poll_once(first.as_mut()).is_pending());
    // Leads 2, follows 1.
    let mut second = pin!(users.slow(vec![1, 2]));
    assert!(poll_once(second.as_mut()).is_pending());
    // Leads 3, follows 2 and 1.
    let mut third = pin!(users.slow(vec![3, 2, 1]));
    assert!(poll_once(third.as_mut()).is_pending());
    users.gate.add_permits(3);
    let mut left = [true; 3];
    poll_fn(|cx| {
        // The last first.
        left[2] = left[2] && third.as_mut().poll(cx).is_pending();
        left[1] = left[1] && second.as_mut().poll(cx).is_pending();
        left[0] = left[0] && first.as_mut().poll(cx).is_pending();
        match left.contains(&true) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    })
    .await;
    assert_eq!(users.asked(), [[1], [2], [3]]);
    users.assert_quiet();
}

#[tokio::test]
async fn a_dropped_batch_hands_over_all_of_its_elements() {
    let users = Users::new();
    let mut waiting = {
        let mut dropped = Box::pin(users.slow(vec![1, 2, 3]));
        assert!(poll_once(dropped.as_mut()).is_pending());
        let mut waiting = Box::pin(users.slow(vec![3, 4, 1]));
        assert!(poll_once(waiting.as_mut()).is_pending());
        users.gate.add_permits(1);
        assert!(poll_once(waiting.as_mut()).is_pending());
        waiting
    };
    // It runs its body again, for what was left undone.
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(users.asked(), [vec![1, 2, 3], vec![4], vec![3, 1]]);
    users.gate.add_permits(1);
    assert_eq!(waiting.await, Ok(names(0, &[1, 3, 4])));
    users.assert_quiet();
}

#[tokio::test]
async fn what_comes_to_a_batch_is_computed_before_it_waits_for_anything_else() {
    let users = Users::new();
    let mut stuck = pin!(users.slow(vec![2]));
    let mut waiting = {
        let mut dropped = Box::pin(users.slow(vec![1]));
        let mut waiting = Box::pin(users.slow(vec![1, 2]));
        assert!(poll_once(dropped.as_mut()).is_pending());
        assert!(poll_once(stuck.as_mut()).is_pending());
        assert!(poll_once(waiting.as_mut()).is_pending());
        waiting
    };
    assert_eq!(users.asked(), [[1], [2]]);
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(users.asked(), [[1]], "though 2 is still to come");
    users.gate.add_permits(2);
    assert!(stuck.await.is_ok());
    assert_eq!(waiting.await, Ok(names(0, &[1, 2])));
    users.assert_quiet();
}

#[tokio::test]
async fn what_a_failed_batch_leaves_is_computed_by_those_who_waited() {
    let users = Users::new();
    let mut failed = pin!(users.slow(vec![1, 2]));
    users.failing.store(true, SeqCst);
    assert!(poll_once(failed.as_mut()).is_pending());
    users.failing.store(false, SeqCst);
    let mut waiting = pin!(users.slow(vec![2, 1]));
    assert!(poll_once(waiting.as_mut()).is_pending());
    users.gate.add_permits(2);
    assert_eq!(failed.await, Err("down".to_owned()));
    assert_eq!(waiting.await, Ok(names(0, &[1, 2])));
    assert_eq!(users.asked(), [[1, 2], [2, 1]]);
    users.assert_quiet();
}

#[tokio::test]
async fn a_panic_hands_over_as_well() {
    let users = Users::new();
    let panicking = Arc::clone(&users);
    let task = tokio::spawn(async move { panicking.fragile(&[1, 13]).await });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(users.fragile(&[1]).await, names(0, &[1]));
    users.assert_quiet();
}

impl Users {
    #[cached(cache = self.cache, batch = ids)]
    async fn fragile(&self, ids: &[i64]) -> HashMap<i64, String> {
        assert!(!ids.contains(&13), "told to");
        self.load(ids).unwrap()
    }
}

#[tokio::test]
async fn a_batch_waits_no_longer_than_its_patience() {
    let users = Users::new();
    let mut stuck = pin!(users.slow(vec![1]));
    assert!(poll_once(stuck.as_mut()).is_pending());
    let mut waiting = pin!(users.slow(vec![1, 2]));
    assert!(poll_once(waiting.as_mut()).is_pending());
    // One for each of them, and the first does not go on.
    users.gate.add_permits(2);
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(users.asked(), [[1], [2]]);
    users.clock.advance(Duration::from_secs(3_600));
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(users.asked(), [[1]]);
    users.gate.add_permits(1);
    assert_eq!(waiting.await, Ok(names(0, &[1, 2])));
}

#[tokio::test]
async fn without_single_flight_each_batch_computes_for_itself() {
    let users = Users::new();
    let mut first = pin!(users.uncoalesced(vec![1]));
    let mut second = pin!(users.uncoalesced(vec![1]));
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(poll_once(second.as_mut()).is_pending());
    assert_eq!(users.asked(), [[1], [1]]);
    users.gate.add_permits(2);
    assert!(first.await.is_ok() && second.await.is_ok());
    users.uncoalesced(vec![1]).await.unwrap();
    assert_eq!(users.asked(), [[0; 0]; 0]);
}

#[tokio::test]
async fn inside_a_block_that_defers_nothing_is_kept_and_nothing_outdated_is_answered() {
    let users = Users::new();
    users.users(&[1, 2]).await.unwrap();
    let inner = Arc::clone(&users);
    let done: Loaded<()> = defer(async move {
        inner.rename(2).await?;
        inner.asked();
        let found = inner.users(&[1, 2, 3]).await?;
        assert_eq!((&*found[&1], &*found[&2]), ("1@0", "2@1"));
        inner.users(&[3]).await?;
        assert_eq!(inner.asked(), [vec![2, 3], vec![3]]);
        Ok(())
    })
    .await;
    done.unwrap();
    users.users(&[1, 2, 3]).await.unwrap();
    assert_eq!(users.asked(), [[2, 3]]);
}

#[tokio::test]
async fn what_is_off_is_computed_with_the_rest_and_not_kept() {
    let users = Users::new();
    let all: Vec<i64> = (0..100).collect();
    users.cache.set_rollout(Rollout::Share(0.5)).unwrap();
    users.users(&all).await.unwrap();
    users.asked();
    assert_eq!(users.users(&all).await, Ok(names(0, &all)));
    let off = users.asked().remove(0);
    assert!((20..80).contains(&off.len()), "{off:?}");
    assert_eq!(users.row("users").bypassed as usize, 2 * off.len());
    users.cache.set_rollout(Rollout::Off).unwrap();
    users.users(&[3, 3]).await.unwrap();
    // As if it were not cached.
    assert_eq!(users.asked(), [[3, 3]]);
    users.cache.set_rollout(Rollout::On).unwrap();
    users.users(&all).await.unwrap();
    assert_eq!(users.asked(), [off]);
}

#[test]
fn synchronous_functions_wait_on_their_thread() {
    let users = Users::new();
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let users = Arc::clone(&users);
            std::thread::spawn(move || users.pairs(&(0..20 + worker).collect()))
        })
        .collect();
    for worker in workers {
        assert!(worker.join().unwrap().len() >= 20);
    }
    let mut asked: Vec<_> = users.asked().concat();
    asked.sort_unstable();
    assert_eq!(asked, (0..23).collect::<Vec<_>>(), "each once");
    users.assert_quiet();
}

#[tokio::test]
async fn batches_inside_of_bodies_do_not_wait() {
    let users = Users::new();
    let mut outer = pin!(users.nested(&[1]));
    assert!(poll_once(outer.as_mut()).is_pending());
    users.gate.add_permits(1);
    assert_eq!(outer.await, names(0, &[1]));
    users.assert_quiet();
}

impl Users {
    /// Asks itself for the same.
    #[cached(cache = self.cache, batch = ids)]
    async fn nested(&self, ids: &[i64]) -> HashMap<i64, String> {
        if self.asked.lock().unwrap().is_empty() {
            self.load(ids).unwrap();
            return Box::pin(self.nested(ids)).await;
        }
        self.gate.acquire().await.unwrap().forget();
        self.load(ids).unwrap()
    }
}

#[tokio::test]
async fn conditions_and_jitter_hold_for_each_element() {
    use cachewright::__private::{BatchReturns, Function, lookup_batch};

    static WHOLE: u32 = 1_000_000;
    static CONDITIONAL: Function = Function::new("conditional", "", "", "", 0).jitter_ppm(WHOLE);
    let users = Users::new();
    let ask = async |ids: &[u64]| {
        let call = lookup_batch(
            &users.cache,
            &CONDITIONAL,
            BatchReturns::<HashMap<u64, u64>>::new().outcome(),
            &ids,
            |key, id| {
                key.argument(id);
            },
            |_, _| {},
        );
        let call = call.store_if(|value| value % 2 == 0);
        let call = call.ttl_with(|value| Duration::from_secs(value * 100));
        call.or_compute(async |missing| -> HashMap<u64, u64> {
            let ids = missing.of(&ids);
            let ids = ids.argument();
            let asked = ids.iter().map(|id| *id as i64).collect();
            users.asked.lock().unwrap().push(asked);
            ids.iter().map(|id| (*id, *id)).collect()
        })
        .await
    };
    let all: Vec<u64> = (1..=200).collect();
    assert_eq!(ask(&all).await.len(), 200);
    users.asked();
    ask(&all).await;
    let odd: Vec<i64> = (1..=200).step_by(2).collect();
    assert_eq!(users.asked(), std::slice::from_ref(&odd));
    // Each lives for a random part of its own time, which is 10,000 seconds and more for the larger half.
    users.clock.advance(Duration::from_secs(5_000));
    ask(&all).await;
    let asked = users.asked().remove(0);
    assert!(asked.len() > odd.len() + 50, "{}", asked.len());
    assert!(asked.len() < 200, "jitter is drawn for each");
    let even = |id: &&i64| *id % 2 == 0;
    let early = asked.iter().filter(even).filter(|id| **id <= 50).count();
    assert_eq!(early, 25, "their time is over, jitter or not");
}

#[test]
fn futures_of_batches_are_send_where_their_bodies_are() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let users = Users::new();
    drop(is_send(users.users(&[1])));
    drop(is_send(users.slow(vec![1])));
    drop(is_send(users.residents("a", &[1], String::new())));
    drop(is_send(users.borrowed(&["a"])));
}
