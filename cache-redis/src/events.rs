//! What is told of connections, and how often.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::failure::Failure;
use crate::settings::Settings;

/// The target of every event: what users filter by.
const LOG: &str = "cachewright";

/// The events of one store, whichever of its connections they are about: a server that is down
/// fails every runtime's attempts, and is told of once.
#[derive(Default)]
pub(crate) struct Events {
    connected: AtomicBool,
    trouble: Mutex<Option<Failure>>,
}

impl Events {
    pub(crate) fn connected(&self, settings: &Settings) {
        let trouble = self.lock().take();
        let first = !self.connected.swap(true, Ordering::Relaxed);
        let (host, database) = (settings.place(), settings.database);
        if first {
            tracing::info!(target: LOG, %host, database, "connected to Redis");
        } else if trouble.is_some() {
            tracing::info!(target: LOG, %host, database, "connected to Redis again");
        }
    }

    /// A connection was lost, or an attempt to make one failed. Told again when it becomes another
    /// class of trouble, or what is to be configured changes, and after a success.
    pub(crate) fn failed(&self, failure: &Failure) {
        let known = {
            let mut trouble = self.lock();
            let known = trouble.as_ref().is_some_and(|known| match failure {
                Failure::Outage(_) => matches!(known, Failure::Outage(_)),
                Failure::Configuration(_) => known == failure,
            });
            *trouble = Some(failure.clone());
            known
        };
        if known {
            return;
        }
        match failure {
            Failure::Outage(reason) => {
                tracing::warn!(target: LOG, %reason, "Redis is out of reach")
            }
            Failure::Configuration(reason) => {
                tracing::error!(target: LOG, %reason, "Redis can't be used as configured");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Failure>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
