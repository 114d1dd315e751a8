//! Whether each tier does what it is there for.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use crate::cache::{Cache, Inner};
use crate::error::Error;
use crate::fence::Nonce;
use crate::plain::PlainKey;
use crate::shared::Shared;
use crate::store::{Deadline, Written};

/// How long the check of a store may take.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How long what a check leaves behind may live, should it not be able to delete it.
const LEFTOVER: Duration = Duration::from_secs(10);

/// What [`Cache::health`] found. It prints as a few lines for eyes, and serializes for a health
/// endpoint.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The in-process tier; `None` without the feature `memory`.
    pub memory: Option<TierHealth>,
    /// The store that processes share; `None` without one.
    pub store: Option<StoreHealth>,
}

/// What became of writing an entry into a tier, reading it back, comparing and deleting it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct TierHealth {
    /// What went wrong, if anything did.
    pub error: Option<String>,
    /// How long it took; as seconds when serialized.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

/// The health of a store.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct StoreHealth {
    /// Kind, place and database; never a password.
    pub description: String,
    /// The check, which is made whether or not the breaker is open.
    #[serde(flatten)]
    pub check: TierHealth,
    /// Whether the store is not asked because it failed repeatedly.
    pub breaker_open: bool,
    /// Invalidations that the store has not acknowledged, or that will be done once more because
    /// a writer's outcome is not known.
    pub pending_invalidations: u64,
    /// Whether entries are kept in memory, because the store has not been reached since the start.
    pub fallen_back: bool,
}

impl Health {
    /// Whether every tier did what it was asked, and the store is in use.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let store = self.store.as_ref();
        let checks = self.memory.iter().chain(store.map(|store| &store.check));
        checks.into_iter().all(|check| check.error.is_none())
            && store.is_none_or(|store| !store.breaker_open)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(memory) = &self.memory {
            writeln!(f, "memory: {memory}")?;
        }
        let Some(store) = &self.store else {
            return Ok(());
        };
        let breaker = if store.breaker_open { "open" } else { "closed" };
        write!(
            f,
            "{}: {}, breaker {breaker}, {} invalidations pending",
            store.description, store.check, store.pending_invalidations
        )?;
        if store.fallen_back {
            write!(f, ", entries are kept in memory")?;
        }
        writeln!(f)
    }
}

impl fmt::Display for TierHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            None => write!(f, "well, {:.1?}", self.took),
            Some(error) => write!(f, "{error}, {:.1?}", self.took),
        }
    }
}

fn seconds<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(span.as_secs_f64())
}

impl Cache {
    /// Writes an entry, reads it, compares it and deletes it, in every tier, and tells how that
    /// went; a store gets a second for it. The store's breaker is neither heeded nor changed.
    ///
    /// # Example
    ///
    /// ```
    /// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # rt.block_on(async {
    /// # use cache_core as cachewright;
    /// let cache = cachewright::Cache::builder().build()?;
    /// let health = cache.health().await;
    /// assert!(health.is_healthy(), "{health}");
    /// # Ok::<(), cache_core::Error>(()) }).unwrap();
    /// ```
    pub async fn health(&self) -> Health {
        let inner = self.inner();
        let memory = cfg!(feature = "memory").then(|| timed(Instant::now(), self.check_memory()));
        let store = match &inner.shared {
            Some(shared) => Some(store_health(inner, shared).await),
            None => None,
        };
        Health { memory, store }
    }

    fn check_memory(&self) -> Result<(), Error> {
        let nonce = Nonce::random()?.to_bytes();
        let key = format!("\0health:{:032x}", u128::from_be_bytes(nonce));
        PlainKey::new(self, &key)?.comes_back_from_memory(nonce)
    }
}

fn timed(began: Instant, outcome: Result<(), Error>) -> TierHealth {
    TierHealth {
        error: outcome.err().map(|error| error.to_string()),
        took: began.elapsed(),
    }
}

async fn store_health(inner: &Inner, shared: &Shared) -> StoreHealth {
    let began = Instant::now();
    let check = timed(began, check_store(shared).await);
    StoreHealth {
        description: shared.store.describe(),
        check,
        breaker_open: shared.breaker.is_open(),
        pending_invalidations: inner.pending_invalidations(),
        fallen_back: shared.is_fallen_back(),
    }
}

async fn check_store(shared: &Shared) -> Result<(), Error> {
    let deadline = Deadline::after(TIMEOUT);
    let nonce = Nonce::random()?;
    let value = nonce.to_bytes().to_vec();
    let key = [shared.layout.canary(&nonce)];
    let store = &shared.store;
    let written = store.write(&key[0], value.clone(), LEFTOVER, deadline);
    match written.await? {
        Written::Stored => {}
        Written::Full => return Err(Error::outage("the store has no room")),
    }
    if store.read(&key, deadline).await? != [Some(value)] {
        return Err(Error::data("the store gave back something else"));
    }
    store.invalidate(&key, deadline).await?;
    match store.read(&key, deadline).await?.as_slice() {
        [None] => Ok(()),
        _ => Err(Error::data("the store gave back what was deleted")),
    }
}
