//! The functions that are tested, and the database that they ask.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use cachewright::codec::{Codec, Json};
use cachewright::{Cache, Error, cached, invalidate_cache, update_cache};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::policy::Policy::{self, *};

/// What a body gives. It has the number of the body, so it is known which one answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) number: u32,
    /// In seconds.
    pub(crate) lease: u64,
    pub(crate) is_kept: bool,
}

impl Answer {
    fn lease(&self) -> Duration {
        Duration::from_secs(self.lease)
    }

    fn is_kept(&self) -> bool {
        self.is_kept
    }
}

pub(crate) type Outcome = Result<Option<Answer>, String>;

/// What the database answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) is_down: bool,
    pub(crate) is_absent: bool,
    pub(crate) lease: u64,
    pub(crate) is_kept: bool,
}

impl State {
    pub(crate) const GOOD: Self = Self {
        is_down: false,
        is_absent: false,
        lease: 105,
        is_kept: true,
    };

    /// What the body of this number comes to.
    pub(crate) fn answer(self, number: u32) -> Outcome {
        let Self { lease, is_kept, .. } = self;
        let answer = Answer {
            number,
            lease,
            is_kept,
        };
        match (self.is_down, self.is_absent) {
            (true, _) => Err("down".to_owned()),
            (_, true) => Ok(None),
            _ => Ok(Some(answer)),
        }
    }
}

/// A database that counts, waits and fails as it is told to.
#[derive(Debug)]
pub(crate) struct Database {
    asked: AtomicU32,
    state: Mutex<State>,
    is_slow: AtomicBool,
    answering: Notify,
    /// The same for synchronous bodies.
    lock: Mutex<()>,
    answers: Condvar,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self {
            asked: AtomicU32::new(0),
            state: Mutex::new(State::GOOD),
            is_slow: AtomicBool::new(false),
            answering: Notify::new(),
            lock: Mutex::new(()),
            answers: Condvar::new(),
        }
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(SeqCst)
    }

    pub(crate) fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }

    /// Whether bodies wait until it is fast again.
    pub(crate) fn slow(&self, slow: bool) {
        let _lock = self.lock.lock().unwrap();
        self.is_slow.store(slow, SeqCst);
        self.answering.notify_waiters();
        self.answers.notify_all();
    }

    fn number(&self) -> u32 {
        self.asked.fetch_add(1, SeqCst) + 1
    }

    /// What is there after a write. It counts as a body, so that its answer has a number.
    fn write(&self) -> Outcome {
        let number = self.number();
        self.state.lock().unwrap().answer(number)
    }

    async fn ask(&self) -> Outcome {
        let number = self.number();
        while self.is_slow.load(SeqCst) {
            self.answering.notified().await;
        }
        self.state.lock().unwrap().answer(number)
    }

    fn ask_blocking(&self) -> Outcome {
        let number = self.number();
        let mut lock = self.lock.lock().unwrap();
        while self.is_slow.load(SeqCst) {
            lock = self.answers.wait(lock).unwrap();
        }
        drop(lock);
        self.state.lock().unwrap().answer(number)
    }
}

/// Asynchronous functions.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) cache: Cache,
    pub(crate) database: Arc<Database>,
    pub(crate) tenant: u32,
    pub(crate) bypass: bool,
}

/// The same in synchronous.
#[derive(Debug, Clone)]
pub(crate) struct Blocking {
    pub(crate) cache: Cache,
    pub(crate) database: Arc<Database>,
    pub(crate) tenant: u32,
    pub(crate) bypass: bool,
}

/// What writes through to the functions of a service.
#[derive(Debug, Clone)]
pub(crate) struct Writer(Service);

impl Service {
    pub(crate) fn writer(&self) -> Writer {
        Writer(self.clone())
    }

    pub(crate) fn blocking(&self) -> Blocking {
        Blocking {
            cache: self.cache.clone(),
            database: Arc::clone(&self.database),
            tenant: self.tenant,
            bypass: self.bypass,
        }
    }

    #[invalidate_cache("pairs:{id}:*", cache = self.cache)]
    pub(crate) fn write(&self, id: u32) {
        let _ = id;
    }

    #[invalidate_cache(tags("team:{id}"), cache = self.cache)]
    pub(crate) fn join(&self, id: u32) {
        let _ = id;
    }
}

/// What a function is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    pub(crate) note: u32,
    pub(crate) tenant: u32,
    pub(crate) bypass: bool,
}

/// The id that every call asks for.
pub(crate) const ID: u32 = 7;

type Called<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

/// A combination of policies, and the functions that have them.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) policies: &'static [Policy],
    pub(crate) call: fn(Service, Call) -> Called<Outcome>,
    pub(crate) call_blocking: fn(&Blocking, Call) -> Outcome,
    /// Writes through to the asynchronous function; a batch has no entry to write to.
    pub(crate) write: fn(&Writer, Call) -> Outcome,
}

/// A codec of the program's own.
#[derive(Debug, Clone, Copy)]
struct Turned;

impl Codec for Turned {
    fn id(&self) -> u8 {
        200
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, into: &mut Vec<u8>) -> Result<(), Error> {
        let begin = into.len();
        Json.encode(value, into)?;
        into[begin..].reverse();
        Ok(())
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        let turned: Vec<u8> = bytes.iter().rev().copied().collect();
        Json.decode(&turned)
    }
}

/// What a batch of one comes to.
fn only(answers: Result<Vec<Option<Answer>>, String>) -> Outcome {
    answers.map(|mut answers| answers.pop().flatten())
}

/// A function of each kind: of one, or of many as a batch.
macro_rules! function {
    (one $this:ident $id:ident $note:ident $name:ident $arguments:tt) => {
        function!([async] $this, $id: u32, $note, $name, Outcome, $arguments, {
            $this.database.ask().await
        });
    };
    (many $this:ident $id:ident $note:ident $name:ident $arguments:tt) => {
        function!([async] $this, $id: &[u32], $note, $name, Result<Vec<Option<Answer>>, String>, $arguments, {
            $this.database.ask().await.map(|answer| vec![answer])
        });
    };
    (blocking one $this:ident $id:ident $note:ident $name:ident $arguments:tt) => {
        function!([] $this, $id: u32, $note, $name, Outcome, $arguments, {
            $this.database.ask_blocking()
        });
    };
    (blocking many $this:ident $id:ident $note:ident $name:ident $arguments:tt) => {
        function!([] $this, $id: &[u32], $note, $name, Result<Vec<Option<Answer>>, String>, $arguments, {
            $this.database.ask_blocking().map(|answer| vec![answer])
        });
    };
    (
        [$($asyncness:ident)?] $this:ident, $id:ident: $of:ty, $note:ident, $name:ident, $returned:ty,
        ($($argument:tt)*), $body:block
    ) => {
        #[cached(cache = $this.cache, key_prefix = "pairs:{id}", $($argument)*)]
        $($asyncness)? fn $name(&$this, $id: $of, $note: u32) -> $returned {
            let _ = ($id, $note);
            $body
        }
    };
}

macro_rules! functions {
    (
        $this:ident, $id:ident, $note:ident;
        $([$($policy:ident)*] $kind:ident $name:ident $arguments:tt;)*
    ) => {
        impl Service {
            $(function!($kind $this $id $note $name $arguments);)*
        }

        impl Blocking {
            $(function!(blocking $kind $this $id $note $name $arguments);)*
        }

        impl Writer {
            $(writer!($kind $this $id $note $name);)*
        }

        pub(crate) const ROWS: &[Row] = &[$(
            Row {
                name: stringify!($name),
                policies: &[$($policy),*],
                call: |service, call| {
                    Box::pin(async move { row!($kind, service.$name, call.note, .await) })
                },
                call_blocking: |service, call| row!($kind, service.$name, call.note,),
                write: |writer, call| writer.$name(ID, call.note),
            },
        )*];
    };
}

/// What writes the entry of a function.
macro_rules! writer {
    (one $this:ident $id:ident $note:ident $name:ident) => {
        #[update_cache(entry = $this.0.$name($id, $note))]
        fn $name(&$this, $id: u32, $note: u32) -> Outcome {
            $this.0.database.write()
        }
    };
    (many $this:ident $id:ident $note:ident $name:ident) => {
        #[invalidate_cache("pairs:{id}:*", cache = $this.0.cache)]
        fn $name(&$this, $id: u32, $note: u32) -> Outcome {
            let _ = ($id, $note);
            $this.0.database.write()
        }
    };
}

/// Calls a function, whatever its kind.
macro_rules! row {
    (one, $service:ident.$name:ident, $note:expr, $($wait:tt)*) => {
        $service.$name(ID, $note)$($wait)*
    };
    (many, $service:ident.$name:ident, $note:expr, $($wait:tt)*) => {
        only($service.$name(&[ID], $note)$($wait)*)
    };
}

include!("combinations.rs");
