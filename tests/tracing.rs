//! Events say what happens, and never with what.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use cachewright::{Cache, cached, invalidate_cache};
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Metadata, Subscriber};

/// Writes down every event and span with all its fields.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<String>>);

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Writer(&self.0));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Writer(&self.0));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let target = event.metadata().target();
        write!(self.0.lock().unwrap(), "target={target} ").unwrap();
        event.record(&mut Writer(&self.0));
        self.0.lock().unwrap().push('\n');
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Writer<'a>(&'a Mutex<String>);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0.lock().unwrap(), "{}={value:?} ", field.name()).unwrap();
    }
}

#[cached(cache = cache, skip(cache), key_prefix = "login:{user}")]
async fn login(cache: &Cache, user: &str, password: &str) -> String {
    format!("token of {user} {password}")
}

/// Refuses to be serialized, and says with what.
struct Refuses(&'static str);

impl serde::Serialize for Refuses {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(self.0))
    }
}

#[cached(cache = cache, skip(cache))]
async fn refusing(cache: &Cache, argument: Refuses) -> u8 {
    let _ = argument;
    1
}

/// No scalar, which its type does not show.
#[derive(serde::Serialize)]
struct Everybody(Vec<&'static str>);

#[invalidate_cache("login:{user}:*", cache = cache)]
async fn logout(cache: &Cache, user: Everybody) {
    let _ = (cache, user);
}

#[test]
fn no_value_no_argument_and_no_password_is_ever_logged() {
    let recorder = Recorder::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    tracing::subscriber::with_default(recorder.clone(), || {
        runtime.block_on(async {
            let cache = Cache::builder().build().unwrap();
            login(&cache, "ada-lovelace", "hunter2").await;
            login(&cache, "ada-lovelace", "hunter2").await;
            refusing(&cache, Refuses("swordfish")).await;
            logout(&cache, Everybody(vec!["charles-babbage"])).await;
            cache
                .set("plain-secret", "plain-value".to_owned(), None)
                .await
                .unwrap();
        });
    });
    let log = recorder.0.lock().unwrap().clone();
    for expected in [
        "login:{user}",
        "function=\"login\"",
        "refusing",
        "function=\"logout\" patterns=[\"login:{user}:*\"]",
    ] {
        assert!(log.contains(expected), "{expected} is missing in\n{log}");
    }
    let foreign = log
        .lines()
        .find(|line| !line.starts_with("target=cachewright "));
    assert_eq!(foreign, None, "a filter for `cachewright` would miss it");
    for secret in [
        "lovelace",
        "hunter2",
        "token",
        "swordfish",
        "babbage",
        "plain-secret",
        "plain-value",
    ] {
        assert!(!log.contains(secret), "{secret} is in\n{log}");
    }
}
