//! Polling by hand.

use std::pin::Pin;
use std::task::{Context, Waker};

/// Polls a future once, and tells whether it is not ready.
pub(crate) fn is_pending<F: Future + ?Sized>(future: Pin<&mut F>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    future.poll(&mut cx).is_pending()
}
