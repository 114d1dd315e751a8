//! Documents of teams, in two releases of a program: what carries tags and what invalidates them.

#![allow(dead_code, reason = "each binary needs another part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cachewright::{Cache, cached, invalidate_cache};
use tokio::sync::{Notify, Semaphore};

/// One process.
#[derive(Clone)]
pub(crate) struct Documents {
    pub(crate) cache: Cache,
    /// The database, which all processes share.
    pub(crate) number: Arc<AtomicU64>,
    bodies: Arc<AtomicU64>,
    /// A body has read what it will answer.
    pub(crate) has_read: Arc<Notify>,
    /// One permit lets one slow body go on.
    pub(crate) gate: Arc<Semaphore>,
}

impl Documents {
    pub(crate) fn new(cache: Cache) -> Self {
        Self {
            cache,
            number: Arc::default(),
            bodies: Arc::default(),
            has_read: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// Another process.
    pub(crate) fn through(&self, cache: Cache) -> Self {
        Self {
            number: Arc::clone(&self.number),
            ..Self::new(cache)
        }
    }

    /// How many bodies began.
    pub(crate) fn bodies(&self) -> u64 {
        self.bodies.load(SeqCst)
    }

    pub(crate) fn pending(&self) -> u64 {
        self.cache.stats().pending_invalidations
    }

    fn load(&self) -> u64 {
        self.bodies.fetch_add(1, SeqCst);
        self.number.load(SeqCst)
    }

    pub(crate) fn commit(&self) -> u64 {
        self.number.fetch_add(1, SeqCst) + 1
    }

    #[cached(cache = self.cache, ttl = "10m", key_prefix = "document:{id}", tags("team:{team}", "documents"))]
    pub(crate) async fn document(&self, id: u64, team: u64) -> u64 {
        let _ = (id, team);
        self.load()
    }

    /// Its values and those of the next release have other keys, and the same tags.
    #[cached(cache = self.cache, ttl = "10m", key_prefix = "members", tags("team:{team}"))]
    pub(crate) async fn members(&self, team: u64) -> u64 {
        let _ = team;
        self.load()
    }

    #[cached(cache = self.cache, ttl = "10m", key_prefix = "slow", tags("team:{team}"))]
    pub(crate) async fn slow(&self, team: u64) -> u64 {
        let _ = team;
        let number = self.load();
        self.has_read.notify_one();
        self.gate.acquire().await.unwrap().forget();
        number
    }

    /// Reads without waiting for anything.
    pub(crate) async fn slow_now(&self, team: u64) -> u64 {
        self.gate.add_permits(1);
        let number = self.slow(team).await;
        // A hit leaves it.
        self.gate.forget_permits(1);
        // A body has told, and nobody has waited for it.
        tokio::select! {
            biased;
            () = self.has_read.notified() => {}
            () = async {} => {}
        }
        number
    }

    /// The two tags of some calls are one.
    #[cached(cache = self.cache, ttl = "10m", key_prefix = "both", tags("team:{a}", "team:{b}"))]
    pub(crate) async fn of_both(&self, a: u64, b: u64) -> u64 {
        let _ = (a, b);
        self.load()
    }

    /// As many as there may be.
    #[cached(
        cache = self.cache, ttl = "10m", key_prefix = "a:b:c:d:e:f:g:{team}",
        tags("1:{team}", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16:{team}")
    )]
    pub(crate) async fn with_everything(&self, team: u64) -> u64 {
        let _ = team;
        self.load()
    }

    #[invalidate_cache(tags("team:{team}"), cache = self.cache)]
    pub(crate) async fn rename_team(&self, team: u64) -> u64 {
        self.commit()
    }

    #[invalidate_cache(tags("team:{team}"), cache = self.cache)]
    pub(crate) fn rename_team_blocking(&self, team: u64) -> u64 {
        self.commit()
    }

    #[invalidate_cache(tags("team:{team}"), cache = self.cache)]
    pub(crate) async fn commit_and_hang(&self, team: u64) {
        self.commit();
        std::future::pending().await
    }

    /// Two numbers fill no placeholder.
    #[invalidate_cache(tags("team:{teams}"), cache = self.cache)]
    pub(crate) async fn rename_teams<T: serde::Serialize + Sync>(&self, teams: &T) -> u64 {
        self.commit()
    }
}

/// The next release.
pub(crate) mod next {
    use super::{Documents, cached};

    #[cached(cache = documents.cache, ttl = "10m", key_prefix = "members", tags("team:{team}"), version = 2, skip(documents))]
    pub(crate) async fn members(documents: &Documents, team: u64) -> u64 {
        let _ = team;
        documents.load()
    }
}

/// The release after that, whose entries carry a further tag.
pub(crate) mod later {
    use super::{Documents, cached};

    #[cached(cache = documents.cache, ttl = "10m", key_prefix = "members", tags("team:{team}", "everybody"), version = 2, skip(documents))]
    pub(crate) async fn members(documents: &Documents, team: u64) -> u64 {
        let _ = team;
        documents.load()
    }
}
