//! What a transaction has written and not committed yet.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::keys::{Register, Scope};

/// What the transaction itself sees of what it has written. Nobody else may ever: it is no version that was committed.
pub const UNCOMMITTED: u64 = u64::MAX;

tokio::task_local! {
    /// The transaction that this task is in.
    pub static CURRENT: std::sync::Arc<Transaction>;
}

#[derive(Debug, Default)]
pub struct Transaction(Mutex<Written>);

#[derive(Clone, Debug, Default)]
pub struct Written {
    pub registers: Vec<Register>,
    /// What its writers that have returned will have invalidated when it is over.
    pub outdated: Vec<Scope>,
}

impl Transaction {
    pub fn write(&self, register: Register) {
        self.lock().registers.push(register);
    }

    pub fn outdate(&self, scope: Scope) {
        self.lock().outdated.push(scope);
    }

    /// What there is by now: a savepoint, and what is to be committed.
    pub fn written(&self) -> Written {
        self.lock().clone()
    }

    pub fn roll_back_to(&self, savepoint: Written) {
        *self.lock() = savepoint;
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the transaction of this task, if it is in one, has written this register.
pub fn has_written(register: Register) -> bool {
    let written = CURRENT.try_with(|transaction| transaction.lock().registers.contains(&register));
    written.unwrap_or(false)
}

/// Whether this task is in a transaction.
pub fn is_current() -> bool {
    CURRENT.try_with(|_| ()).is_ok()
}
