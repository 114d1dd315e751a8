//! The store's own thread: the runtime for callers that have none, or must not use theirs.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// Starts with the first caller that needs it and ends when it is dropped, which waits for nothing:
/// the thread drops its runtime by itself.
#[derive(Default)]
pub(crate) struct Driver(Mutex<Option<Running>>);

struct Running {
    handle: Handle,
    /// Never sent: it is dropped, and that ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Driver {
    /// The runtime to spawn on.
    ///
    /// # Errors
    ///
    /// The operating system's, when it has no thread to give; the next caller tries again.
    pub(crate) fn handle(&self) -> io::Result<Handle> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &*running {
            return Ok(running.handle.clone());
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        // The caller may be inside of a runtime, where dropping one panics: if there is no thread
        // to do it, it is taken out again.
        let given = Arc::new(Mutex::new(Some(runtime)));
        let taken = Arc::clone(&given);
        let started = thread::Builder::new()
            .name("cachewright-redis".into())
            .spawn(move || {
                if let Some(runtime) = take(&taken) {
                    // An error is what dropping the other end gives.
                    let _ = runtime.block_on(stopped);
                }
            });
        if let Err(error) = started {
            if let Some(runtime) = take(&given) {
                runtime.shutdown_background();
            }
            return Err(error);
        }
        *running = Some(Running {
            handle: handle.clone(),
            _stop: stop,
        });
        Ok(handle)
    }
}

fn take(runtime: &Mutex<Option<Runtime>>) -> Option<Runtime> {
    let mut runtime = runtime.lock().unwrap_or_else(PoisonError::into_inner);
    runtime.take()
}

/// Polls a future where the caller is, with the timers and the tasks of the driver's runtime. To
/// have it polled by the driver's thread instead costs half of the throughput.
///
/// Unconstrained, because the caller may be a task of another runtime that blocks its thread: when
/// the task's budget was spent, the runtime would put off waking it until it yields, which it does
/// not.
pub(crate) async fn within<F: Future>(runtime: &Handle, future: F) -> F::Output {
    let mut future = pin!(tokio::task::coop::unconstrained(future));
    poll_fn(|cx| {
        let _entered = runtime.enter();
        future.as_mut().poll(cx)
    })
    .await
}
