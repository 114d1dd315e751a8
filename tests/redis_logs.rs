//! Events say what happens to the store, and never with what. A process of its own, with a global
//! subscriber, because events come from the cache's threads, too.

mod redis;

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use cachewright::{Cache, cached, invalidate_cache};
use cachewright_test_support::{RedisServer, Reply};
use redis::{gives_up, hasty, recovered};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Writes down every event and span with all its fields, whoever they are by.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn note(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut dyn Visit)) {
        let mut text = format!("{} {} ", metadata.level(), metadata.target());
        record(&mut Writer(&mut text));
        self.0.lock().unwrap().push(text);
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        self.note(attributes.metadata(), |visit| attributes.record(visit));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut text = String::new();
        values.record(&mut Writer(&mut text));
        self.0.lock().unwrap().push(text);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        self.note(event.metadata(), |visit| event.record(visit));
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

/// What must never be told: a password, an argument, a value, a key of the caller's.
const SECRETS: [&str; 6] = [
    "hunter2",
    "alice",
    "tok3n",
    "us3r",
    "plainkey",
    "plainvalue",
];

#[cached(cache = cache, skip(cache), key_prefix = "login:{user}")]
async fn login(cache: &Cache, user: &str, name: &str) -> String {
    format!("tok3n of {name}")
}

/// Over a connection of its own.
#[cached(cache = cache, skip(cache), key_prefix = "login:{user}")]
fn login_blocking(cache: &Cache, user: &str, name: &str) -> String {
    format!("tok3n of {name}")
}

#[invalidate_cache("login:{user}:*", cache = cache)]
async fn logout(cache: &Cache, user: &str) {
    let _ = cache;
}

/// Everything that can be done with a cache, whatever comes of it.
async fn use_everything(cache: &Cache) {
    login(cache, "us3r", "alice").await;
    login(cache, "us3r", "alice").await;
    login_blocking(cache, "us3r", "alice");
    logout(cache, "us3r").await;
    let value = || "plainvalue".to_owned();
    let _ = cache.set("plainkey", value(), None).await;
    let _ = cache.get::<String>("plainkey").await;
    let _ = cache.get::<u8>("plainkey").await;
    let _ = cache
        .get_or_set("plainkey:a", None, async || Ok::<_, ()>(value()))
        .await;
    let _ = cache.remove("plainkey").await;
    let _ = cache.invalidate("plainkey:us3r:*").await;
    let _ = cache.invalidate("plainkey*us3r").await;
    let _ = cache.connect().await;
    let _ = cache.clear().await;
    login(cache, "us3r", "alice").await;
}

/// The events since the last look, none of which tells a secret.
#[track_caller]
fn told(recorder: &Recorder) -> Vec<String> {
    let events = recorder.take();
    for event in &events {
        for secret in SECRETS {
            assert!(!event.contains(secret), "{event}");
        }
    }
    events
}

fn count(events: &[String], text: &str) -> usize {
    events.iter().filter(|event| event.contains(text)).count()
}

/// Replaces the body of the only login by what is none, and seals it anew.
fn corrupt(server: &RedisServer) {
    let mut client = server.connect().unwrap();
    client.command(&["SELECT", "1"]).unwrap();
    let name = client
        .command(&["KEYS", "app:login:us3r:login:*"])
        .unwrap()
        .items()[0]
        .text();
    let mut bytes = client
        .command(&["GET", &name])
        .unwrap()
        .into_bytes()
        .unwrap();
    *bytes.last_mut().unwrap() = b'x';
    let check = xxh3_64_with_seed(&bytes[72..], xxh3_64(&bytes[..64]));
    bytes[64..72].copy_from_slice(&check.to_le_bytes());
    let words: [&[u8]; 4] = [b"SET", name.as_bytes(), &bytes, b"KEEPTTL"];
    assert_eq!(client.command(&words).unwrap(), Reply::ok());
}

#[tokio::test]
async fn events_tell_what_happens_to_the_store_and_never_with_what() {
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(recorder.clone()).unwrap();
    let acl = "us3r on >hunter2 ~app:* +mget +set +unlink +echo +pexpire +scan +select";
    let server = RedisServer::builder().acl(acl).start();
    let cache = hasty(&format!("{}/1", server.url_as("us3r", "hunter2")));
    use_everything(&cache).await;
    use_everything(&cache).await;
    let events = told(&recorder);
    assert_eq!(count(&events, "connected to Redis"), 1, "{events:?}");
    let place = format!("host=127.0.0.1:{} database=1", server.port());
    let connected = events
        .iter()
        .find(|event| event.contains("connected to Redis"));
    assert!(connected.unwrap().contains(&place), "{connected:?}");
    assert_eq!(
        count(&events, "ERROR") + count(&events, "WARN"),
        0,
        "{events:?}"
    );

    corrupt(&server);
    assert_eq!(login(&cache, "us3r", "alice").await, "tok3n of alice");
    assert!(count(&told(&recorder), "can't be read") > 0);

    server.kill();
    use_everything(&cache).await;
    gives_up(&cache, async || use_everything(&cache).await).await;
    let events = told(&recorder);
    assert_eq!(count(&events, "the store fails"), 1, "{events:?}");
    server.restart();
    recovered(&cache).await;
    use_everything(&cache).await;
    assert_eq!(count(&told(&recorder), "the store answers again"), 1);

    server.command(&["ACL", "SETUSER", "us3r", "-set"]);
    use_everything(&cache).await;
    gives_up(&cache, async || use_everything(&cache).await).await;
    let events = told(&recorder);
    assert!(count(&events, "NOPERM") > 0, "{events:?}");
    server.command(&["ACL", "SETUSER", "us3r", "+set"]);
    recovered(&cache).await;

    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    use_everything(&cache).await;
    told(&recorder);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);

    let wrong = hasty(&server.url_as("us3r", "hunter2hunter2"));
    use_everything(&wrong).await;
    let events = told(&recorder);
    assert!(
        count(&events, "ERROR") > 0 && count(&events, "WRONGPASS") > 0,
        "{events:?}"
    );
    assert_eq!(count(&events, "connected to Redis"), 0);
}
