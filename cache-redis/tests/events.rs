//! Events say what happens to connections, once, and never with what.

mod common;

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_core::store::Store;
use cachewright_test_support::RedisServer;
use common::{key, probe, put, store, within};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Writes down the events of this crate's target.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(Level, String)>>>);

impl Recorder {
    fn take(&self) -> Vec<(Level, String)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "cachewright"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut Writer(&mut text));
        let level = *event.metadata().level();
        self.0.lock().unwrap().push((level, text));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

#[tokio::test]
async fn events_tell_of_a_connection_and_its_trouble_once_and_of_no_secret() {
    let recorded = Recorder::default();
    tracing::subscriber::set_global_default(recorded.clone()).unwrap();
    let server = RedisServer::builder().password("hunter2").start();
    let store = store(&format!("{}/1", server.url()));
    let place = format!("127.0.0.1:{}", server.port());
    for _ in 0..3 {
        put(&store, "v", "value").await.unwrap();
    }
    let events = recorded.take();
    assert_eq!(events.len(), 1, "{events:?}");
    let (level, text) = &events[0];
    assert_eq!(*level, Level::INFO);
    for told in ["connected to Redis", &place, "database=1"] {
        assert!(text.contains(told), "{text}");
    }

    server.kill();
    // Attempts pause for 50 to 500 ms of real time after a failure: the calls are spread over several
    // of them, each of which could tell once too often.
    for _ in 0..20 {
        let _ = store.read(&[key("v")], within(100)).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let events = recorded.take();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].0, Level::WARN);

    server.restart();
    server.command(&["CONFIG", "SET", "requirepass", "hunter3"]);
    for _ in 0..20 {
        let _ = probe(&store).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let events = recorded.take();
    assert_eq!(events.len(), 1, "{events:?}");
    let (level, text) = &events[0];
    assert_eq!(*level, Level::ERROR);
    assert!(
        text.contains("WRONGPASS") && !text.contains("hunter"),
        "{text}"
    );

    server.command(&["CONFIG", "SET", "requirepass", "hunter2"]);
    while probe(&store).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let events = recorded.take();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].1.contains("again"), "{events:?}");
}
