//! Which entries are being computed anew though they answer, and which had better not be for now.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

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
    state: Mutex<(bool, Vec<Waker>)>,
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
            state.0 = true;
            std::mem::take(&mut state.1)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Ending {
    /// Waits for the end, but no longer than until `deadline`. False if that came first.
    pub(crate) async fn wait(&self, agenda: &Arc<Agenda>, deadline: Tick) -> bool {
        let ended = pin!(poll_fn(|cx| {
            let mut state = lock_std(&self.state);
            if state.0 {
                return Poll::Ready(());
            }
            state.1.retain(|waker| !waker.will_wake(cx.waker()));
            state.1.push(cx.waker().clone());
            Poll::Pending
        }));
        agenda.until(deadline, ended).await.is_some()
    }
}
