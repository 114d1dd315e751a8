//! Running a body, and knowing from inside that one is running.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::sync::thread_local;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static BLOCKING: Cell<bool> = const { Cell::new(false) };
}

/// Whether the code that asks runs inside the body of a cached function.
///
/// Such a call must not wait for another's computation: that one may be waiting for the body
/// which the call is part of.
pub(crate) fn is_inside() -> bool {
    depth() > 0
}

/// How many bodies of cached functions the code that asks runs inside of.
pub(crate) fn depth() -> usize {
    DEPTH.with(Cell::get)
}

/// Whether this thread is in [`block_on`].
pub(crate) fn is_blocking() -> bool {
    BLOCKING.with(Cell::get)
}

/// Polls a body to its end, marking each poll. A task that the body spawns is not inside of it.
pub(crate) async fn inside<F: Future>(mut body: Pin<&mut F>) -> F::Output {
    poll_fn(|cx| {
        let _mark = Mark::new();
        body.as_mut().poll(cx)
    })
    .await
}

/// Runs what a function asks about its own value, as a part of its body.
pub(crate) fn inside_now<R>(question: impl FnOnce() -> R) -> R {
    let _mark = Mark::new();
    question()
}

struct Mark;

impl Mark {
    fn new() -> Self {
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        Self
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

/// Waits for a future on this thread: what lets synchronous functions share everything with
/// asynchronous ones but the waiting.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    struct Unmark(bool);

    impl Drop for Unmark {
        fn drop(&mut self) {
            BLOCKING.with(|blocking| blocking.set(self.0));
        }
    }

    let _unmark = Unmark(BLOCKING.with(|blocking| blocking.replace(true)));
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
