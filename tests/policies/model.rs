//! What is to be expected of a function with some policies: the rules of `docs/policies.md`, as a program.

use std::collections::HashMap;
use std::time::Duration;

use super::policy::Policy::{self, *};
use super::service::{Answer, Call, Outcome, State};

const SECOND: Duration = Duration::from_secs(1);

/// What the caches of the tests are built with.
pub(crate) const DEFAULT_TTL: Duration = Duration::from_secs(90);

/// How long the soft timeout is.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);

/// What is seen of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What callers got, in their order.
    pub(crate) answers: Vec<Outcome>,
    /// How many bodies ran.
    pub(crate) bodies: u32,
    /// Whether callers waited for no body.
    pub(crate) at_once: bool,
    /// Whether callers were answered when the time of a soft timeout was over, and the body was not.
    pub(crate) in_time: bool,
}

/// What a call comes to, by what is kept for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Course {
    /// The body, of which nothing is kept.
    Uncached,
    /// The body.
    Miss,
    Hit,
    /// A hit, of which the body runs too.
    Verified,
    /// What is kept, while the body runs in the background.
    Behind,
    /// What has expired, if the body fails or is slow.
    OrStale,
}

/// Where a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Outside,
    /// In a block that defers invalidations.
    Inside,
    /// While the cache is rolled out to nobody.
    Off,
}

/// How far a value is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Fresh,
    Ahead,
    Revalidated,
    IfError,
    Ended,
}

#[derive(Debug, Clone)]
struct Kept {
    value: Option<Answer>,
    /// Between these it expires: by how much jitter shortens a ttl is not known.
    expires: [Duration; 2],
    /// So long before that it is refreshed: what takes long is refreshed earlier, by chance.
    early: [Duration; 2],
}

/// The note if it is in the key, and the scope if there is one.
type Key = (Option<u32>, Option<u32>);

#[derive(Debug, Clone)]
pub(crate) struct Model {
    policies: &'static [Policy],
    pub(crate) now: Duration,
    pub(crate) bodies: u32,
    pub(crate) state: State,
    kept: HashMap<Key, Kept>,
    quiet: HashMap<Key, Duration>,
}

impl Model {
    pub(crate) fn new(policies: &'static [Policy]) -> Self {
        Self {
            policies,
            now: Duration::ZERO,
            bodies: 0,
            state: State::GOOD,
            kept: HashMap::new(),
            quiet: HashMap::new(),
        }
    }

    fn has(&self, policy: Policy) -> bool {
        self.policies.contains(&policy)
    }

    fn may_be_late(&self) -> bool {
        self.has(Timeout)
    }

    fn key(&self, call: Call) -> Key {
        let is_noted = !self.has(Policy::Key) && !self.has(Skip);
        let (note, scope) = (is_noted.then_some(call.note), self.has(Scope));
        (note, scope.then_some(call.tenant))
    }

    pub(crate) fn invalidate(&mut self) {
        self.kept.clear();
    }

    pub(crate) fn invalidate_tag(&mut self) {
        if self.has(Tags) {
            self.kept.clear();
        }
    }

    /// A writer returns what is there now, as the new value of the entry of a call.
    pub(crate) fn write(&mut self, call: Call, place: Where, is_stored: bool) -> Outcome {
        let written = self.body();
        let Ok(value) = &written else {
            return written;
        };
        if self.has(Batch) {
            self.kept.clear();
            return written;
        }
        let is_bypassed = self.has(BypassIf) && call.bypass;
        // What these ask is known inside of a call alone.
        let is_asked = self.has(StoreIf) || self.has(TtlWith);
        let is_kept = value.is_some() || self.has(NoneTtl);
        let is_updated = place == Where::Outside && !is_bypassed && !is_asked && is_kept;
        let (note, _) = self.key(call);
        if is_stored || !is_updated {
            // The same arguments in every scope.
            self.kept.retain(|(other, _), _| *other != note);
        }
        if is_updated {
            self.keep(call, &written, Duration::ZERO);
        }
        written
    }

    /// Whether it is certain what a call comes to that takes so long.
    pub(crate) fn is_certain(&self, call: Call, takes: Duration) -> bool {
        let key = self.key(call);
        let Some(kept) = self.kept.get(&key) else {
            return true;
        };
        let ages = [self.now, self.now + takes].map(|at| self.ages(kept, at));
        let all: Vec<Age> = ages.into_iter().flatten().collect();
        all.iter().all(|age| *age == all[0])
    }

    fn ages(&self, kept: &Kept, at: Duration) -> Vec<Age> {
        let ages = kept.expires.iter().flat_map(|expires| {
            let early = kept.early.iter();
            early.map(move |early| self.age(kept, at, *expires, *early))
        });
        ages.collect()
    }

    fn age(&self, kept: &Kept, at: Duration, expires: Duration, early: Duration) -> Age {
        if at < expires {
            let is_ahead = self.has(RefreshAhead) && kept.value.is_some() && at + early >= expires;
            return if is_ahead { Age::Ahead } else { Age::Fresh };
        }
        let ago = at - expires;
        // An absence is no use once it has expired.
        if kept.value.is_none() {
            Age::Ended
        } else if self.has(StaleWhileRevalidate) && ago < 50 * SECOND {
            Age::Revalidated
        } else if (self.has(StaleIfError) || self.has(Timeout)) && ago < 200 * SECOND {
            Age::IfError
        } else {
            Age::Ended
        }
    }

    /// What a call comes to, and what is kept for it.
    pub(crate) fn course(&self, call: Call, place: Where) -> (Course, Option<Answer>) {
        if place == Where::Off || (self.has(BypassIf) && call.bypass) {
            return (Course::Uncached, None);
        }
        let key = self.key(call);
        let kept = self.kept.get(&key);
        let age = kept.map_or(Age::Ended, |kept| self.ages(kept, self.now)[0]);
        let value = kept.and_then(|kept| kept.value.clone());
        let is_quiet = self.quiet.get(&key).is_some_and(|until| *until > self.now);
        let course = match (age, place) {
            (Age::Fresh | Age::Ahead, Where::Inside) => Course::Hit,
            (_, Where::Inside) => Course::Uncached,
            (Age::Fresh, _) if self.has(Verify) => Course::Verified,
            (Age::Fresh, _) => Course::Hit,
            (Age::Ended, _) => Course::Miss,
            _ if is_quiet => Course::Hit,
            (Age::Ahead | Age::Revalidated, _) => Course::Behind,
            (Age::IfError, _) => Course::OrStale,
        };
        (course, value)
    }

    /// A body runs to its end.
    fn body(&mut self) -> Outcome {
        self.bodies += 1;
        self.state.answer(self.bodies)
    }

    /// One call of a database that answers at once.
    pub(crate) fn call(&mut self, call: Call, place: Where) -> Vec<Seen> {
        let (course, kept) = self.course(call, place);
        let seen = |answer, bodies| Seen {
            answers: vec![answer],
            bodies,
            at_once: true,
            in_time: true,
        };
        match course {
            Course::Uncached => vec![seen(self.body(), 1)],
            Course::Hit => vec![seen(Ok(kept), 0)],
            Course::Verified => {
                let fresh = self.body().or(Ok(kept.clone()));
                vec![seen(fresh, 1), seen(Ok(kept), 0)]
            }
            Course::Miss => {
                let fresh = self.body();
                self.keep(call, &fresh, Duration::ZERO);
                vec![seen(fresh, 1)]
            }
            Course::Behind | Course::OrStale => {
                let fresh = self.body();
                self.keep(call, &fresh, Duration::ZERO);
                self.quieten_after(call, &fresh);
                let answers_first = course == Course::Behind || fresh.is_err();
                let answer = if answers_first { Ok(kept) } else { fresh };
                vec![seen(answer, 1)]
            }
        }
    }

    /// One call of a database that answers when the time of a soft timeout is over. An invalidation
    /// may come while it is asked.
    pub(crate) fn call_slow(&mut self, call: Call, is_invalidated: bool) -> Vec<Seen> {
        let (course, kept) = self.course(call, Where::Outside);
        if is_invalidated {
            self.invalidate();
        }
        self.now += TIMEOUT;
        let seen = |answer, bodies, at_once, in_time| Seen {
            answers: vec![answer],
            bodies,
            at_once,
            in_time,
        };
        if course == Course::Hit {
            return vec![seen(Ok(kept), 0, true, true)];
        }
        let fresh = self.body();
        match course {
            Course::Uncached | Course::Hit => vec![seen(fresh, 1, false, false)],
            Course::Verified => vec![
                seen(fresh.or(Ok(kept.clone())), 1, false, false),
                seen(Ok(kept), 0, true, true),
            ],
            _ => {
                if !is_invalidated {
                    self.keep(call, &fresh, TIMEOUT);
                }
                if course != Course::Miss {
                    self.quieten_after(call, &fresh);
                }
                let is_late = self.may_be_late() && !is_invalidated;
                vec![match course {
                    Course::Behind => seen(Ok(kept), 1, true, true),
                    Course::OrStale if is_late => seen(Ok(kept), 1, false, true),
                    Course::OrStale if fresh.is_err() && !is_invalidated => {
                        seen(Ok(kept), 1, false, false)
                    }
                    _ => seen(fresh, 1, false, false),
                }]
            }
        }
    }

    /// Two calls at once, of a database that answers when the time of a soft timeout is over.
    pub(crate) fn call_twice(&mut self, call: Call) -> Vec<Seen> {
        let (course, kept) = self.course(call, Where::Outside);
        self.now += TIMEOUT;
        let seen = |answers, bodies, at_once, in_time| Seen {
            answers,
            bodies,
            at_once,
            in_time,
        };
        let both = |answer: Outcome| vec![answer.clone(), answer];
        let is_shared = !self.has(Uncoalesced);
        match course {
            Course::Hit => vec![seen(both(Ok(kept)), 0, true, true)],
            Course::Behind => {
                let fresh = self.body();
                self.keep(call, &fresh, TIMEOUT);
                vec![seen(both(Ok(kept)), 1, true, true)]
            }
            Course::OrStale if self.may_be_late() => {
                let fresh = self.body();
                self.keep(call, &fresh, TIMEOUT);
                vec![seen(both(Ok(kept)), 1, false, true)]
            }
            Course::Miss | Course::OrStale if is_shared => {
                let fresh = self.body();
                self.keep(call, &fresh, TIMEOUT);
                vec![seen(both(fresh), 1, false, false)]
            }
            Course::Miss | Course::OrStale | Course::Uncached | Course::Verified => {
                let each = [self.body(), self.body()];
                if !matches!(course, Course::Uncached | Course::Verified) {
                    each.iter()
                        .for_each(|fresh| self.keep(call, fresh, TIMEOUT));
                }
                let mut all = vec![seen(each.to_vec(), 2, false, false)];
                if course == Course::Verified {
                    // Each is verified but for one in a million.
                    let (kept, fresh) = (Ok(kept), each[0].clone());
                    all.push(seen(vec![kept.clone(), fresh.clone()], 1, false, false));
                    all.push(seen(vec![fresh, kept.clone()], 1, false, false));
                    all.push(seen(both(kept), 0, true, true));
                }
                all
            }
        }
    }

    /// Keeps what a body has given that took so long, or has it take the place of what was kept.
    fn keep(&mut self, call: Call, fresh: &Outcome, took: Duration) {
        let Ok(value) = fresh else {
            return;
        };
        let key = self.key(call);
        let ttl = self.ttl(value.as_ref());
        if ttl.is_zero() {
            self.kept.remove(&key);
            return;
        }
        let shortest = match self.has(Jitter) {
            // What is below a millisecond is cut off somewhere.
            true => ttl.mul_f64(0.96) - Duration::from_millis(1),
            false => ttl,
        };
        let said = |ttl: Duration| {
            if 20 * SECOND < ttl {
                20 * SECOND
            } else {
                ttl / 2
            }
        };
        let latest = said(ttl);
        // A draw is below 1 by 2⁻⁵³ at least, so the spread is below 37 times what it took.
        let earliest = (latest + 37 * took).min(latest.max(ttl / 2));
        self.kept.insert(
            key,
            Kept {
                value: value.clone(),
                expires: [self.now + shortest, self.now + ttl],
                early: [said(shortest), earliest],
            },
        );
    }

    /// How long a value lives, without jitter; zero is not at all.
    fn ttl(&self, value: Option<&Answer>) -> Duration {
        let given = self.has(Ttl).then_some(100 * SECOND);
        match value {
            None if self.has(NoneTtl) => 30 * SECOND,
            None => Duration::ZERO,
            Some(value) if self.has(StoreIf) && !value.is_kept => Duration::ZERO,
            Some(value) if self.has(TtlWith) => {
                let own = Duration::from_secs(value.lease);
                given.map_or(own, |given| given.min(own))
            }
            Some(_) => given.unwrap_or(DEFAULT_TTL),
        }
    }

    /// After an error the database is left alone for a second.
    fn quieten_after(&mut self, call: Call, fresh: &Outcome) {
        if fresh.is_err() {
            self.quiet.insert(self.key(call), self.now + SECOND);
        }
    }
}
