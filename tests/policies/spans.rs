//! When all that a call has begun is over: its span is closed then, which bodies in the background keep.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

thread_local! {
    static ENTERED: Cell<usize> = const { Cell::new(0) };
}

/// How many handles there are of the span of calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans {
    handles: Arc<AtomicUsize>,
    metadata: Arc<OnceLock<&'static Metadata<'static>>>,
}

impl Spans {
    pub(crate) fn are_closed(&self) -> bool {
        self.handles.load(SeqCst) == 0
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.metadata.get_or_init(|| span.metadata());
        self.clone_span(&Id::from_u64(1))
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.handles.fetch_add(1, SeqCst);
        id.clone()
    }

    fn try_close(&self, _: Id) -> bool {
        self.handles.fetch_sub(1, SeqCst) == 1
    }

    fn enter(&self, _: &Id) {
        ENTERED.set(ENTERED.get() + 1);
    }

    fn exit(&self, _: &Id) {
        ENTERED.set(ENTERED.get() - 1);
    }

    fn current_span(&self) -> Current {
        match self.metadata.get() {
            Some(metadata) if ENTERED.get() > 0 => Current::new(Id::from_u64(1), metadata),
            _ => Current::none(),
        }
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
}
