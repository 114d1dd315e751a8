//! Calls of synchronous functions, on threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use tokio::runtime::Handle;

use super::WarmReport;
use super::report::{Ending, Tally};
use crate::observation::Seen;

/// Makes the calls on threads of their own. This thread takes them from the iterator, which need not be
/// `Send`, and tells of progress; so no lock is held while either is asked.
pub(super) fn run<I, F, R>(calls: I, concurrency: usize, mut tally: Tally) -> WarmReport
where
    I: Iterator<Item = F>,
    F: FnOnce() -> R + Send,
{
    tally.expect(calls.size_hint());
    tally.begin();
    let mut calls = calls.fuse();
    let runtime = Handle::try_current().ok();
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        // Dropped before the scope waits, also if something panics here.
        let mut threads: Vec<Sender<F>> = Vec::new();
        while threads.len() < concurrency {
            let Some(call) = calls.next() else { break };
            let (give, given) = mpsc::channel();
            let (tell, runtime, number) = (tell.clone(), runtime.clone(), threads.len());
            scope.spawn(move || {
                // What the calls spawn belongs to the runtime of the caller.
                let _entered = runtime.as_ref().map(Handle::enter);
                serve(&given, |ending| _ = tell.send((number, ending)));
            });
            _ = give.send(call);
            threads.push(give);
        }
        drop(tell);
        let mut under_way = threads.len();
        while under_way > 0 {
            let Ok((thread, ending)) = told.recv() else {
                break;
            };
            tally.count(ending);
            match calls.next() {
                Some(call) => _ = threads[thread].send(call),
                None => under_way -= 1,
            }
        }
    });
    tally.end()
}

/// Makes one call after the other.
fn serve<F, R>(given: &Receiver<F>, mut tell: impl FnMut(Ending))
where
    F: FnOnce() -> R,
{
    for call in given {
        let mut seen = Seen::default();
        let ended = catch_unwind(AssertUnwindSafe(|| seen.watch(|| drop(call()))));
        tell(Ending::of(seen, ended.is_err()));
    }
}
