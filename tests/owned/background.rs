//! Bodies that go on when their callers and what these had lent are gone.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use cache_core::testing::SteppedClock;
use cachewright::{Cache, cached};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Database;

/// For what would hang if the code under test were wrong.
const SAFETY_NET: Duration = Duration::from_secs(20);

/// Holds the bodies of its callers until they are let go, and tells what they had.
#[derive(Clone)]
struct Gate {
    open: Arc<Semaphore>,
    seen: Sender<String>,
}

struct Scene {
    gate: Gate,
    seen: Receiver<String>,
    database: Arc<Database>,
    clock: SteppedClock,
}

impl Scene {
    fn new() -> Self {
        let (clock, (sender, seen)) = (SteppedClock::new(), channel());
        let cache = Cache::builder().clock(clock.clone()).build().unwrap();
        let database = Database {
            cache,
            ..Database::new()
        };
        Self {
            gate: Gate {
                open: Arc::new(Semaphore::new(0)),
                seen: sender,
            },
            seen,
            database: Arc::new(database),
            clock,
        }
    }

    fn open(&self, bodies: usize) {
        self.gate.open.add_permits(bodies);
    }
}

#[cached(cache = database.cache, key(name), ttl = 10, stale_while_revalidate = 60)]
async fn greeting(
    database: &Arc<Database>,
    gate: &Gate,
    name: &str,
    mut words: &[String],
) -> String {
    let held = timeout(SAFETY_NET, gate.open.acquire()).await;
    held.expect("nobody lets the body go on").unwrap().forget();
    words = &words[1..];
    let greeting = format!("{} {name} {}", words.join(" "), database.ask());
    gate.seen.send(greeting.clone()).unwrap();
    greeting
}

#[tokio::test]
async fn a_body_in_the_background_has_its_own_arguments() {
    let scene = Scene::new();
    let call = async || {
        let (name, words) = (
            String::from("Ada"),
            vec!["x".to_owned(), "Hello".to_owned()],
        );
        greeting(&scene.database, &scene.gate, &name, &words).await
    };
    scene.open(1);
    assert_eq!(call().await, "Hello Ada 1");
    assert_eq!(scene.seen.try_recv().unwrap(), "Hello Ada 1");
    scene.clock.advance(Duration::from_secs(11));
    assert_eq!(call().await, "Hello Ada 1", "what has expired answers");
    assert!(scene.seen.try_recv().is_err(), "and its body is held");
    scene.open(1);
    let answered_anew = async {
        while scene.seen.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        while call().await != "Hello Ada 2" {
            tokio::task::yield_now().await;
        }
    };
    timeout(SAFETY_NET, answered_anew).await.expect("it hangs");
    assert_eq!(scene.database.asked(), 2);
}

/// As [`Gate`], for threads.
#[derive(Clone)]
struct Door {
    open: Arc<Mutex<Receiver<()>>>,
    seen: Sender<u64>,
    database: Arc<Database>,
}

impl Door {
    #[cached(cache = self.database.cache, ttl = 10, stale_while_revalidate = 60)]
    fn sum(&self, numbers: &[u64]) -> u64 {
        let open = self.open.lock().unwrap();
        open.recv_timeout(SAFETY_NET).unwrap();
        let sum = numbers.iter().sum::<u64>() + self.database.ask();
        self.seen.send(sum).unwrap();
        sum
    }
}

#[test]
fn a_blocking_body_in_the_background_has_its_own_arguments() {
    let scene = Scene::new();
    let ((open, opened), (sender, seen)) = (channel(), channel());
    let door = Door {
        open: Arc::new(Mutex::new(opened)),
        seen: sender,
        database: Arc::clone(&scene.database),
    };
    open.send(()).unwrap();
    assert_eq!(door.sum(&[1, 2]), 4);
    assert_eq!(seen.recv().unwrap(), 4);
    scene.clock.advance(Duration::from_secs(11));
    {
        let gone = vec![1, 2];
        assert_eq!(door.sum(&gone), 4, "what has expired answers");
    }
    open.send(()).unwrap();
    assert_eq!(seen.recv_timeout(SAFETY_NET).unwrap(), 5);
    let began = Instant::now();
    while door.sum(&[1, 2]) != 5 {
        assert!(began.elapsed() < SAFETY_NET, "it hangs");
        thread::yield_now();
    }
}

#[cached(cache = database.cache, skip(database), ttl = 10, stale_if_error = 60)]
async fn failing(database: &Database, name: Option<&str>) -> Result<u64, String> {
    match database.ask() {
        1 => Ok(name.map_or(0, str::len) as u64),
        asked => Err(format!("asked {asked}")),
    }
}

#[cached(cache = database.cache, skip(database), ttl = 10, stale_if_error = 60)]
fn failing_and_blocking(database: &Database, name: Option<&str>) -> Result<u64, String> {
    match database.ask() {
        2 => Ok(name.map_or(0, str::len) as u64),
        asked => Err(format!("asked {asked}")),
    }
}

#[tokio::test]
async fn an_expired_value_answers_an_error_of_a_body_that_borrows() {
    let scene = Scene::new();
    let call = async |name: Option<&str>| {
        let first = failing(&scene.database, name).await;
        (first, failing_and_blocking(&scene.database, name))
    };
    assert_eq!(call(Some("Ada")).await, (Ok(3), Ok(3)));
    scene.clock.advance(Duration::from_secs(11));
    assert_eq!(call(Some("Ada")).await, (Ok(3), Ok(3)));
    scene.clock.advance(Duration::from_secs(60));
    assert!(matches!(call(Some("Ada")).await, (Err(_), Err(_))));
    assert_eq!(scene.database.cloned(), 0);
}
