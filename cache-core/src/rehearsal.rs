//! A call that is made as far as its look-up, to learn which entry it is of.
//!
//! Only the call itself knows: it names the cache, encodes the arguments, fills the prefix. So the
//! call is begun, under a thread-local that its look-up finds. The look-up then reads nothing and
//! counts nothing, and in the place of the body, what is known is handed over and the call stopped.
//! An asynchronous call is stopped by staying pending, and dropped; one that somebody waits for on
//! this thread, by unwinding.
//!
//! What stands before the look-up, in a function around the annotated one, runs for real.

use std::any::Any;
use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::ambient::Ambient;
use crate::cache::Cache;
use crate::error::Error;
use crate::function::Function;
use crate::handling::Handling;
use crate::subject::Subject;
use crate::sync::{lock_std, thread_local};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Rehearsal>>> = const { RefCell::new(None) };
}

/// What is known of a call when it has been looked up.
#[derive(Debug)]
pub struct Rehearsed {
    pub(crate) cache: Cache,
    pub(crate) function: &'static Function,
    /// The entry; an error if no key can be made of the arguments.
    pub(crate) subject: Result<Subject, Error>,
    /// Whether a rollout leaves the call out, so that it would run as if it were not cached.
    pub(crate) is_bypassed: bool,
    /// As the call's own expressions say, if it has any.
    pub(crate) ttl: Option<Duration>,
    pub(crate) none_ttl: Option<Duration>,
    /// The codec of the function's own, an `Arc<dyn Coder<V>>`.
    pub(crate) codec: Option<Box<dyn Any + Send + Sync>>,
    /// Whether the function asks something about a value before it keeps it.
    pub(crate) is_conditional: bool,
    /// Whether the function can answer with an absence that was kept.
    pub(crate) has_absence: bool,
    pub(crate) value_type: &'static str,
    pub(crate) handling: Box<dyn Any + Send + Sync>,
    /// How stored values are known; none of values that never leave the process.
    #[cfg(feature = "testing")]
    pub(crate) coded: Option<crate::testing::Coded>,
}

/// Why it is not known which entry a call is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unknown {
    /// The call ended without coming by a cached function.
    Ended,
    /// The call waits for something else before it comes by a cached function.
    Waits,
    /// The call came by a writer first, of this name, whose body was not run.
    Writer(&'static str),
    /// The call is of the batch function of this name, each of whose elements is an entry.
    Batch(&'static str),
    /// The function is synchronous, and the program ends with each panic: there is no way to stop
    /// such a call.
    Unstoppable,
}

type Learned = Result<Box<Rehearsed>, Unknown>;

/// Begins a call, as far as its look-up.
///
/// # Errors
///
/// Why it is not known which entry it is of.
///
/// # Panics
///
/// Goes on with what the call panics with before its look-up.
pub fn rehearse<F: Future>(call: F) -> Learned {
    let rehearsal = Rehearsal::new(Some(Waker::from(Arc::new(Asleep))));
    let mut call = pin!(call);
    let ended = rehearsal.direct(|waker| call.as_mut().poll(&mut Context::from_waker(waker)));
    rehearsal.learned(match ended {
        Some(Poll::Pending) => Unknown::Waits,
        Some(Poll::Ready(_)) | None => Unknown::Ended,
    })
}

/// Like [`rehearse`], for a call of a synchronous function.
///
/// # Errors
///
/// Why it is not known which entry it is of.
///
/// # Panics
///
/// Goes on with what the call panics with before its look-up.
pub fn rehearse_blocking<R>(call: impl FnOnce() -> R) -> Learned {
    let rehearsal = Rehearsal::new(None);
    if !rehearsal.unwinds {
        return Err(Unknown::Unstoppable);
    }
    rehearsal.direct(|_| call());
    rehearsal.learned(Unknown::Ended)
}

/// Whether the code that asks runs in a rehearsal.
#[cold]
#[inline(never)]
pub(crate) fn is_on() -> bool {
    let is_on = CURRENT.try_with(|current| current.borrow().is_some());
    is_on.unwrap_or(false)
}

/// Like [`rehearse`], for a call that the waker is handed to, and that says how it ended. Whether it
/// `blocks` decides how it is stopped.
pub(crate) fn rehearse_call(blocks: bool, call: impl FnOnce(&Waker) -> Unknown) -> Learned {
    let rehearsal = Rehearsal::new(Some(Waker::from(Arc::new(Asleep))));
    if blocks && !rehearsal.unwinds {
        return Err(Unknown::Unstoppable);
    }
    let ended = rehearsal.direct(call);
    rehearsal.learned(ended.unwrap_or(Unknown::Ended))
}

/// The rehearsal that the code which asks runs in. From then on, and until the call is stopped,
/// nothing runs in it any more: a key or a time to live may be made by a call of its own.
pub(crate) fn claim() -> Option<Arc<Rehearsal>> {
    let current = CURRENT.try_with(|current| current.borrow_mut().take());
    current.ok().flatten()
}

/// Stops a writer that is rehearsed: its body must not run.
pub(crate) async fn stop_writer(name: &'static str) {
    if Ambient::Rehearsal.was_ever()
        && let Some(rehearsal) = claim()
    {
        Box::pin(rehearsal.stop(Err(Unknown::Writer(name)))).await;
    }
}

/// One rehearsal, from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    /// What the call is polled with; none if it is not polled.
    waker: Option<Waker>,
    /// Whether a call can be stopped by unwinding.
    unwinds: bool,
    learned: Mutex<Option<Learned>>,
}

/// How a call is stopped.
enum Exit {
    Pending,
    Unwinding,
    /// Not at all.
    None,
}

/// What a call unwinds with that is stopped.
struct Stopped(Arc<Rehearsal>);

impl Rehearsal {
    fn new(waker: Option<Waker>) -> Arc<Self> {
        Ambient::Rehearsal.opens();
        Arc::new(Self {
            waker,
            unwinds: cfg!(panic = "unwind"),
            learned: Mutex::default(),
        })
    }

    /// Runs the call in the rehearsal. `None` if it unwound because it was stopped.
    fn direct<T>(self: &Arc<Self>, call: impl FnOnce(&Waker) -> T) -> Option<T> {
        let waker = self.waker.as_ref().unwrap_or(Waker::noop());
        let ended = {
            let _mark = Mark::new(self);
            catch_unwind(AssertUnwindSafe(|| call(waker)))
        };
        ended
            .map(Some)
            .unwrap_or_else(|payload| match payload.downcast_ref::<Stopped>() {
                Some(Stopped(stopped)) if Arc::ptr_eq(stopped, self) => None,
                _ => resume_unwind(payload),
            })
    }

    /// What was learned, or else why nothing was.
    fn learned(&self, otherwise: Unknown) -> Learned {
        let mut learned = lock_std(&self.learned);
        learned.take().unwrap_or(Err(otherwise))
    }

    /// Hands over what is known, the first time, and never goes on, unless the call can't be stopped.
    pub(crate) async fn stop(self: Arc<Self>, learned: Learned) {
        let exit = poll_fn(|cx| Poll::Ready(self.exit(cx))).await;
        self.tell(match exit {
            Exit::None => Err(Unknown::Unstoppable),
            Exit::Pending | Exit::Unwinding => learned,
        });
        match exit {
            Exit::None => {}
            Exit::Unwinding => resume_unwind(Box::new(Stopped(self))),
            Exit::Pending => {
                // What is polled beside the call must not run its bodies either.
                _ = CURRENT.try_with(|current| current.replace(Some(self)));
                std::future::pending().await
            }
        }
    }

    fn tell(&self, learned: Learned) {
        let mut told = lock_std(&self.learned);
        told.get_or_insert(learned);
    }

    /// A call that is polled by somebody else is waited for on this thread: if it stayed pending, it
    /// would be waited for for ever.
    fn exit(&self, cx: &Context<'_>) -> Exit {
        match &self.waker {
            Some(waker) if waker.will_wake(cx.waker()) => Exit::Pending,
            _ if self.unwinds => Exit::Unwinding,
            _ => Exit::None,
        }
    }
}

/// Makes a rehearsal the current one of this thread, until it is dropped.
struct Mark(Option<Arc<Rehearsal>>);

impl Mark {
    fn new(rehearsal: &Arc<Rehearsal>) -> Self {
        let rehearsal = Some(Arc::clone(rehearsal));
        let before = CURRENT.try_with(|current| current.replace(rehearsal));
        Self(before.ok().flatten())
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let before = self.0.take();
        // What was replaced is dropped when nothing is borrowed any more.
        let _inner = CURRENT.try_with(|current| current.replace(before));
    }
}

/// Is told apart from every other waker, and wakes nobody.
struct Asleep;

impl Wake for Asleep {
    fn wake(self: Arc<Self>) {}
}

impl Rehearsed {
    /// The bare name of the function.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.function.name()
    }

    /// The file and the line of the function.
    #[must_use]
    pub fn place(&self) -> (&'static str, u32) {
        let (_, file, line) = self.function.place();
        (file, line)
    }

    /// The key under which people know the entry.
    ///
    /// # Errors
    ///
    /// If no key can be made of the arguments.
    pub fn visible_key(&self) -> Result<String, &Error> {
        let subject = self.subject.as_ref()?;
        Ok(subject.key.visible(self.cache.namespace(), &subject.path))
    }

    /// Whether a rollout leaves the call out, so that it would run as if it were not cached.
    #[must_use]
    pub fn is_bypassed(&self) -> bool {
        self.is_bypassed
    }

    /// How long a value would be kept, as an expression of the function says, if it has one.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// The same for an absence.
    #[must_use]
    pub fn none_ttl(&self) -> Option<Duration> {
        self.none_ttl
    }

    /// Whether the function can answer with an absence that was kept.
    #[must_use]
    pub fn has_absence(&self) -> bool {
        self.has_absence
    }

    /// Whether the function asks something about a value before it keeps it, by `store_if` or
    /// `ttl_with`.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        self.is_conditional
    }

    /// The type of the values.
    #[must_use]
    pub fn value_type(&self) -> &'static str {
        self.value_type
    }

    /// What can be done with the values, if they are of this type.
    pub(crate) fn handling<V: 'static>(&self) -> Option<Handling<V>> {
        self.handling.downcast_ref::<Handling<V>>().copied()
    }
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_cannot_be_stopped_goes_on_and_says_so() {
        let rehearsal = Arc::new(Rehearsal {
            waker: None,
            unwinds: false,
            learned: Mutex::default(),
        });
        let gone_on = rehearsal.direct(|waker| {
            let claimed = claim().unwrap();
            let mut stopped = pin!(claimed.stop(Err(Unknown::Writer("write"))));
            stopped.as_mut().poll(&mut Context::from_waker(waker))
        });
        assert_eq!(gone_on, Some(Poll::Ready(())));
        assert_eq!(
            rehearsal.learned(Unknown::Ended).unwrap_err(),
            Unknown::Unstoppable
        );
    }
}
