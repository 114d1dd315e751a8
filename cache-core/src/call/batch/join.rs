//! The beginning of a batch: who computes what it misses.

use std::sync::Arc;

use super::known::Known;
use super::rounds::{Place, Rounds, Task};
use super::store::Stored;
use crate::call::LocalValue;
use crate::deferral;
use crate::fence::Fence;
use crate::flight::{Follower, Leader, Role, Wanted};
use crate::mutants::{Mutant, active};
use crate::outcome::Shape;
use crate::policy::Tier;

/// An element that somebody else computes.
pub(super) struct Waiting {
    pub(super) at: usize,
    pub(super) follower: Follower,
}

/// What is to be done: run the body for some, wait for others.
#[derive(Default)]
pub(super) struct Begun<'a> {
    pub(super) tasks: Vec<Task<'a>>,
    pub(super) waiting: Vec<Waiting>,
}

impl<'a, S, V> Rounds<'a, S, V>
where
    V: LocalValue,
    S: Shape<Option<V>, Value = V>,
{
    /// Asks the store, if there is one, and then whoever computes already.
    pub(super) async fn begin<E>(self, known: &mut Known<E, V>) -> (Place<'a, V>, Begun<'a>) {
        let all = (0..self.open.len()).collect();
        let store = match self.policy_tier() {
            Tier::All | Tier::SharedOnly => self.terms.cache.inner().shared(),
            Tier::MemoryOnly => None,
        };
        let store = store.zip(self.terms.coding());
        let is_deferred = deferral::is_inside() && !active(Mutant::BlockStores);
        match (store, is_deferred) {
            (Some((shared, coding)), false) => {
                let (stored, rest) = Stored::find(self, shared, coding, known).await;
                let begun = self.join(rest, |at| stored.fence(at));
                (Place::Store(stored), begun)
            }
            (Some((shared, coding)), true) => {
                let rest = Stored::find_deferred(self, shared, coding, known).await;
                (Place::Nowhere, Begun::alone(rest))
            }
            (None, false) => {
                self.count_misses();
                let begun = self.join_in_memory(known, all);
                (Place::Memory, begun)
            }
            (None, true) => {
                self.count_misses();
                (Place::Nowhere, Begun::alone(all))
            }
        }
    }

    fn policy_tier(self) -> Tier {
        self.instance.function().policy().tier
    }

    fn count_misses(self) {
        self.subjects()
            .for_each(|(_, subject)| subject.series.missed());
    }

    fn coalesces(self) -> bool {
        self.instance.function().policy().coalesce
    }

    fn join_in_memory<E>(self, known: &mut Known<E, V>, rest: Vec<usize>) -> Begun<'a> {
        let mut begun = Begun::default();
        let inner = self.terms.cache.inner();
        for at in rest {
            let Some(subject) = self.subject(at) else {
                begun.tasks.push(Task::alone(at));
                continue;
            };
            if !self.coalesces() {
                let (computing, _) = self.terms.begin(subject);
                begun.tasks.push(Task {
                    computing: Some(computing),
                    ..Task::alone(at)
                });
                continue;
            }
            let mut wanted = self.terms.wanted(subject);
            if self.terms.handling.encodable.is_some() {
                wanted.oldest = inner.oldest_to_join();
            }
            let leader = match self.role(wanted) {
                Role::Follow(follower) => {
                    begun.waiting.push(Waiting { at, follower });
                    continue;
                }
                Role::Lead(leader) => Some(leader),
                Role::Alone => None,
            };
            begun.tasks.extend(self.announced(at, leader, known));
        }
        begun
    }

    /// A task in memory, unless another has finished, or set a value, between this caller's look-up and
    /// its turn.
    pub(super) fn announced<E>(
        self,
        at: usize,
        leader: Option<Leader>,
        known: &mut Known<E, V>,
    ) -> Option<Task<'a>> {
        let subject = self.subject(at)?;
        // Until the flight is over, a reader can come by the result through it.
        let (computing, found) = self.terms.begin(subject);
        if let Some((kept, entry)) = self.terms.answer::<Option<V>>(subject, found) {
            known.set(self.open[at].index, kept);
            leader
                .into_iter()
                .for_each(|leader| leader.finish(Arc::clone(&entry)));
            return None;
        }
        Some(Task {
            at,
            leader,
            computing: Some(computing),
        })
    }

    /// Joins flights under the fences that the store has shown. What has none is computed for this call
    /// alone.
    fn join<'f>(
        self,
        rest: Vec<usize>,
        fence: impl Fn(usize) -> Option<(&'f Fence, u64)>,
    ) -> Begun<'a> {
        let mut begun = Begun::default();
        for at in rest {
            let (Some(subject), Some((fence, seat)), true) =
                (self.subject(at), fence(at), self.coalesces())
            else {
                begun.tasks.push(Task::alone(at));
                continue;
            };
            let wanted = Wanted {
                fence: Some(fence),
                seat: Some(seat),
                ..self.terms.wanted(subject)
            };
            match self.role(wanted) {
                Role::Follow(follower) => begun.waiting.push(Waiting { at, follower }),
                Role::Lead(leader) => begun.tasks.push(Task::led(at, leader)),
                Role::Alone => begun.tasks.push(Task::alone(at)),
            }
        }
        begun
    }

    fn role(self, wanted: Wanted<'_>) -> Role {
        let inner = self.terms.cache.inner();
        let invalidations = &inner.memory.invalidations;
        inner
            .flights
            .join(wanted, invalidations, inner.may_follow())
    }
}

impl Begun<'_> {
    /// Whether the cache had all of it.
    pub(super) fn is_nothing(&self) -> bool {
        self.tasks.is_empty() && self.waiting.is_empty()
    }

    /// All are computed for this call alone.
    fn alone(all: Vec<usize>) -> Self {
        Self {
            tasks: all.into_iter().map(Task::alone).collect(),
            waiting: Vec::new(),
        }
    }
}
