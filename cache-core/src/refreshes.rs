//! Which entries are being computed anew though they answer, and which had better not be for now.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use crate::agenda::Agenda;
use crate::clock::Tick;
use crate::sync::lock_std;

/// So many entries are left alone after a failure at most; of more, none is.
const MOST_QUIET: usize = 10_000;

/// The refreshes of one cache, by the hash of the entry.
///
/// Two entries of one hash keep each other from being refreshed at once, and nothing worse.
#[derive(Debug, Default)]
pub(crate) struct Refreshes {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: HashMap<u64, Arc<Ending>>,
    /// Those of which a body failed, and until when that is not tried again.
    quiet: HashMap<u64, Tick>,
}

/// The end of a refresh, to be waited for.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    state: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    ended: bool,
    /// Those who wait. A body may hang for long, and of many callers none is to leave its waker behind.
    wakers: BTreeMap<u64, Waker>,
    waited: u64,
}

/// A place among those who wait, which is left when it is dropped.
struct Place<'a> {
    ending: &'a Ending,
    number: u64,
}

/// What becomes of the wish to refresh an entry.
pub(crate) enum Claim {
    /// It is the claimant's to do.
    Mine(Refreshing),
    /// Somebody does it.
    Others(Arc<Ending>),
    /// A body has failed a moment ago.
    Quiet,
}

impl Refreshes {
    /// Claims the refresh of an entry.
    pub(crate) fn claim(self: &Arc<Self>, hash: u64, now: Tick) -> Claim {
        let mut state = self.lock();
        if let Some(ending) = state.running.get(&hash) {
            return Claim::Others(Arc::clone(ending));
        }
        if state.is_quiet(hash, now) {
            return Claim::Quiet;
        }
        let ending = Arc::<Ending>::default();
        state.running.insert(hash, Arc::clone(&ending));
        Claim::Mine(Refreshing {
            refreshes: Arc::clone(self),
            hash,
            ending,
        })
    }

    /// Whether a body has failed a moment ago.
    pub(crate) fn is_quiet(&self, hash: u64, now: Tick) -> bool {
        self.lock().is_quiet(hash, now)
    }

    /// Leaves an entry alone until then, because a body has failed.
    pub(crate) fn quieten(&self, hash: u64, now: Tick, until: Tick) {
        let mut state = self.lock();
        if state.quiet.len() >= MOST_QUIET {
            state.quiet.retain(|_, until| *until > now);
        }
        if state.quiet.len() < MOST_QUIET {
            state.quiet.insert(hash, until);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock_std(&self.state)
    }
}

impl State {
    fn is_quiet(&mut self, hash: u64, now: Tick) -> bool {
        let quiet = self.quiet.get(&hash).is_some_and(|until| *until > now);
        if !quiet {
            self.quiet.remove(&hash);
        }
        quiet
    }
}

/// The right and the duty to refresh an entry; over when it is dropped.
#[derive(Debug)]
pub(crate) struct Refreshing {
    refreshes: Arc<Refreshes>,
    hash: u64,
    ending: Arc<Ending>,
}

impl Refreshing {
    /// What others wait for.
    pub(crate) fn ending(&self) -> Arc<Ending> {
        Arc::clone(&self.ending)
    }
}

impl Drop for Refreshing {
    fn drop(&mut self) {
        self.refreshes.lock().running.remove(&self.hash);
        let waiting = {
            let mut state = lock_std(&self.ending.state);
            state.ended = true;
            std::mem::take(&mut state.wakers)
        };
        waiting.into_values().for_each(Waker::wake);
    }
}

impl Ending {
    /// Waits for the end, but no longer than until `deadline`. False if that came first.
    pub(crate) async fn wait(&self, agenda: &Arc<Agenda>, deadline: Tick) -> bool {
        let place = self.enter();
        let ended = pin!(poll_fn(|cx| place.poll(cx)));
        agenda.until(deadline, ended).await.is_some()
    }

    fn enter(&self) -> Place<'_> {
        let mut state = lock_std(&self.state);
        state.waited += 1;
        Place {
            ending: self,
            number: state.waited,
        }
    }
}

impl Place<'_> {
    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = lock_std(&self.ending.state);
        if state.ended {
            return Poll::Ready(());
        }
        let former = state.wakers.insert(self.number, waker);
        drop(state);
        // A waker is an executor's code.
        drop(former);
        Poll::Pending
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let left = lock_std(&self.ending.state).wakers.remove(&self.number);
        drop(left);
    }
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn who_waits_no_longer_leaves_nothing_behind() {
        let agenda = Agenda::new(Clock::Coarse);
        let ending = Ending::default();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            let mut waits = pin!(ending.wait(&agenda, Tick::MAX));
            for _ in 0..3 {
                assert!(waits.as_mut().poll(&mut cx).is_pending());
            }
            assert_eq!(lock_std(&ending.state).wakers.len(), 1);
        }
        assert!(lock_std(&ending.state).wakers.is_empty());
        agenda.close();
    }
}
