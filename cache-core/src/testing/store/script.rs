//! What a test wants a store to do wrong.

use std::collections::VecDeque;
use std::time::Duration;

use super::corruption::Corruption;

/// What can be asked of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// [`Store::probe`](crate::store::Store::probe)
    Probe,
    /// [`Store::read`](crate::store::Store::read)
    Read,
    /// [`Store::heads`](crate::store::Store::heads)
    Heads,
    /// [`Store::mint`](crate::store::Store::mint)
    Mint,
    /// [`Store::write`](crate::store::Store::write)
    Write,
    /// [`Store::invalidate`](crate::store::Store::invalidate)
    Invalidate,
    /// [`Store::swap`](crate::store::Store::swap)
    Swap,
    /// [`Store::prolong`](crate::store::Store::prolong)
    Prolong,
    /// [`Store::remove`](crate::store::Store::remove)
    Remove,
    /// [`Store::scan`](crate::store::Store::scan)
    Scan,
    /// Either operation of [`Counters`](crate::store::Counters)
    Count,
}

/// What becomes of an operation by a test's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing goes wrong: for what comes before another fault.
    None,
    /// It is not done, and its caller gets an outage.
    Outage,
    /// It is not done, and its caller gets a configuration error.
    Refused,
    /// It is done, and its caller gets an outage.
    ReplyLost,
    /// Its caller gets an outage, and it is done when the test [delivers](super::ScriptedStore::deliver) it.
    Late,
    /// It is neither done nor answered until the test [releases](super::ScriptedStore::release) it. At its
    /// deadline its caller gets an outage; then, or when its future is dropped, it is never done.
    Hang,
    /// It is done at once and not answered until the test
    /// [releases](super::ScriptedStore::release) it; at its deadline its caller gets an outage.
    ReplyHeld,
    /// It is done at once and answered when so much time has passed by the store's clock: real time,
    /// or that of [`with_clock`](super::ScriptedStore::with_clock). At its deadline, which is in real
    /// time always, its caller gets an outage.
    Delayed(Duration),
    /// It is done, and a read is answered wrongly.
    Corrupt(Corruption),
    /// It panics.
    Panic,
}

#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) down: bool,
    pub(super) refusing_writes: bool,
    rules: VecDeque<Rule>,
}

#[derive(Debug)]
struct Rule {
    times: usize,
    of: Option<Operation>,
    fault: Fault,
}

impl Script {
    pub(super) fn add(&mut self, times: usize, of: Option<Operation>, fault: Fault) {
        self.rules.push_back(Rule { times, of, fault });
    }

    pub(super) fn forget(&mut self) {
        self.rules.clear();
    }

    /// What becomes of an operation; `None` if nothing goes wrong.
    pub(super) fn fault(&mut self, operation: Operation) -> Option<Fault> {
        let reads = matches!(
            operation,
            Operation::Read | Operation::Heads | Operation::Scan
        );
        if self.down || (self.refusing_writes && !reads) {
            return Some(Fault::Outage);
        }
        self.rules.retain(|rule| rule.times > 0);
        let meant = |rule: &&mut Rule| rule.of.is_none_or(|of| of == operation);
        let rule = self.rules.iter_mut().find(meant)?;
        rule.times -= usize::from(rule.times < usize::MAX);
        Some(rule.fault).filter(|fault| *fault != Fault::None)
    }
}
