//! Waiting for what gives no signal.

use std::future::Future;
use std::panic::Location;
use std::time::{Duration, Instant};

/// Between two looks.
const STEP: Duration = Duration::from_millis(5);

/// Waits until `condition` holds, which is asked every few milliseconds, on tokio's timer.
///
/// `deadline` is measured from the first poll by the real clock, also where tokio's is paused. Be generous: it is what a failing test takes,
/// not a passing one.
///
/// # Panics
///
/// At the caller's line, if the condition doesn't hold in time.
#[track_caller]
pub fn eventually(
    deadline: Duration,
    mut condition: impl FnMut() -> bool,
) -> impl Future<Output = ()> {
    let caller = Location::caller();
    async move {
        let begin = Instant::now();
        while !condition() {
            give_up_after(deadline, begin, caller);
            tokio::time::sleep(STEP).await;
        }
    }
}

/// [`eventually`] for tests that aren't `async`. It blocks the thread, and with it whatever a runtime of one thread should be doing.
///
/// # Panics
///
/// At the caller's line, if the condition doesn't hold in time.
#[track_caller]
pub fn eventually_blocking(deadline: Duration, mut condition: impl FnMut() -> bool) {
    let caller = Location::caller();
    let begin = Instant::now();
    while !condition() {
        give_up_after(deadline, begin, caller);
        std::thread::sleep(STEP);
    }
}

fn give_up_after(deadline: Duration, begin: Instant, caller: &Location<'_>) {
    assert!(
        begin.elapsed() < deadline,
        "what {caller} waits for hasn't come to pass in {deadline:?}"
    );
}
