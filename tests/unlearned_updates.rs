//! Updates whose entry nobody can tell. All that it may be is invalidated, in every cache of the process: so these
//! tests have one of their own, and take turns.

use std::fmt::{Debug, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cachewright::{Cache, cached, update_cache};
use tokio::sync::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

static TURN: Mutex<()> = Mutex::const_new(());

struct Service {
    cache: Cache,
    bodies: AtomicU64,
}

impl Service {
    fn new() -> Self {
        Self {
            cache: Cache::builder().build().unwrap(),
            bodies: AtomicU64::new(0),
        }
    }

    fn run(&self) -> u64 {
        self.bodies.fetch_add(1, SeqCst)
    }

    #[cached(cache = self.cache, key_prefix = "user:{id}")]
    async fn number(&self, id: u64) -> u64 {
        let _ = id;
        self.run()
    }

    #[cached(cache = self.cache, key_prefix = "other:{id}")]
    async fn other(&self, id: u64) -> u64 {
        let _ = id;
        self.run()
    }

    /// Has no name of a cached function.
    async fn unannotated(&self, id: u64) -> u64 {
        self.bodies.fetch_add(1_000, SeqCst);
        self.number(id).await
    }

    #[update_cache(entry = self.unannotated(id))]
    async fn write_unannotated(&self, id: u64) -> u64 {
        id
    }

    #[cached(cache = self.cache)]
    async fn permission(&self, of: u64) -> u64 {
        of
    }

    #[update_cache(entry = guarded::Guarded(self).number(id))]
    async fn write_guarded(&self, id: u64) -> u64 {
        id + 1_000
    }

    #[update_cache(entry = impostor::number(id))]
    async fn write_for_an_impostor(&self, id: u64) -> u64 {
        id
    }
}

mod guarded {
    pub(super) struct Guarded<'a>(pub(super) &'a super::Service);

    impl Guarded<'_> {
        /// Is not cached, and asks another cached function before the one of its own name.
        pub(super) async fn number(&self, id: u64) -> u64 {
            self.0.permission(id).await;
            self.0.number(id).await
        }
    }
}

mod impostor {
    /// Is not cached, and named like a function that is.
    pub(super) async fn number(id: u64) -> u64 {
        tokio::task::yield_now().await;
        id
    }
}

#[tokio::test]
async fn a_call_that_no_cached_function_answers_is_never_made_and_all_is_invalidated() {
    let _turn = TURN.lock().await;
    let (service, elsewhere) = (Service::new(), Service::new());
    service.number(1).await;
    elsewhere.other(1).await;
    service.write_unannotated(1).await;
    assert_eq!(service.bodies.load(SeqCst), 1, "it was called");
    assert_eq!(service.number(1).await, 1);
    assert_eq!(elsewhere.other(1).await, 1, "the entry may be in any cache");
}

#[tokio::test]
async fn a_call_that_waits_for_something_else_invalidates_all_of_its_name() {
    let _turn = TURN.lock().await;
    let service = Service::new();
    service.number(1).await;
    service.number(2).await;
    service.other(1).await;
    service.write_for_an_impostor(1).await;
    assert_eq!(service.number(2).await, 3);
    assert_eq!(service.number(1).await, 4);
    assert_eq!(service.other(1).await, 2);
}

#[tokio::test]
async fn a_call_that_comes_by_another_cached_function_first_updates_neither() {
    let _turn = TURN.lock().await;
    let service = Service::new();
    service.number(1).await;
    service.permission(1).await;
    service.write_guarded(1).await;
    assert_eq!(service.number(1).await, 1);
    assert_eq!(service.permission(1).await, 1);
}

/// Writes down the errors that are logged.
#[derive(Clone, Default)]
struct Errors(Arc<std::sync::Mutex<String>>);

impl Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Visit for Errors {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0.lock().unwrap(), "{}={value:?} ", field.name()).unwrap();
    }
}

#[tokio::test]
async fn an_error_names_the_writer_the_call_and_the_reason() {
    let _turn = TURN.lock().await;
    let (service, errors) = (Service::new(), Errors::default());
    {
        let _recording = tracing::subscriber::set_default(errors.clone());
        service.write_unannotated(1).await;
        service.write_for_an_impostor(1).await;
    }
    let told = errors.0.lock().unwrap().clone();
    for part in [
        "function=\"write_unannotated\" entry=\"unannotated\" reason=\"no cached function of this program has the name\"",
        "function=\"write_for_an_impostor\" entry=\"number\" reason=\"the call waits for something else before",
    ] {
        assert!(told.contains(part), "{told}");
    }
}
