//! What a process does, and what that says.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cache_core::testing::{Fault, Operation};
use cachewright::{Error, Rollout};

use super::Run;
use super::model::{Place, Process, Region};
use super::program::{Deed, KEYS, PATTERNS, PREFIXES};
use super::world::{SETTLE, TTL};

fn plain(key: usize) -> Place {
    (KEYS[key].to_owned(), String::new())
}

fn below(key: usize) -> Region {
    Region::Node(KEYS[key].to_owned())
}

fn show(user: u8, page: u8) -> Place {
    (format!("user:{user}:page:show"), page.to_string())
}

fn total(region: u8) -> Place {
    ("total".to_owned(), region.to_string())
}

fn tagged(number: u8) -> Region {
    Region::Tag(format!("number:{number}"))
}

fn page_of(user: u8) -> Region {
    Region::Node(format!("user:{user}"))
}

impl Run<'_> {
    pub(super) async fn deed(&mut self, process: Process, deed: Deed) {
        match deed {
            Deed::Show(user, page) => {
                let before = self.source.last();
                let value = self.services[process].show(user, page).await;
                self.called(process, &show(user, page), value, before, TTL);
            }
            Deed::Total(region) => {
                let before = self.source.last();
                let value = self.services[process].total(region).await;
                self.called(process, &total(region), value, before, TTL);
            }
            Deed::ShowAround(user, page, over) => self.show_around(process, user, page, over).await,
            Deed::Write(user) => {
                self.services[process].write(user).await;
                // Whether it was acknowledged shows by what is pending.
                let region = page_of(user);
                self.model.deny(|place| region.covers(place), process);
            }
            Deed::DropWriter(user) => self.drop_writer(process, user),
            Deed::WriteTagged(number) => {
                self.services[process].write_tagged(number).await;
                let region = tagged(number);
                self.model.deny(|place| region.covers(place), process);
            }
            Deed::InvalidateTag(number) => {
                let cache = self.services[process].cache.clone();
                let answer = cache.invalidate_tag(&format!("number:{number}")).await;
                self.invalidated(process, &tagged(number), answer);
            }
            Deed::Invalidate(pattern) => self.invalidate(process, pattern).await,
            Deed::Clear => {
                let answer = self.services[process].cache.clear().await;
                self.invalidated(process, &Region::Everything, answer);
            }
            Deed::Rollout(prefix, on) => self.roll_out(process, PREFIXES[prefix], on),
            direct => self.direct(process, direct).await,
        }
    }

    async fn direct(&mut self, process: Process, deed: Deed) {
        let cache = self.services[process].cache.clone();
        match deed {
            Deed::Get(key) => {
                let answer = cache.get(KEYS[key]).await;
                self.got(process, &plain(key), answer);
            }
            Deed::GetMany(keys) => {
                let names: Vec<_> = keys.iter().map(|key| KEYS[*key]).collect();
                match cache.get_many::<u64>(&names).await {
                    Ok(values) => {
                        for (key, value) in keys.into_iter().zip(values) {
                            self.got(process, &plain(key), Ok(value));
                        }
                    }
                    Err(error) => assert!(!self.calm, "{error}"),
                }
            }
            Deed::Set(key, ttl) => {
                let value = self.source.next();
                let answer = cache.set(KEYS[key], value, self.lives(ttl)).await;
                self.set(process, &[(key, value)], ttl, answer);
            }
            Deed::SetMany(keys, ttl) => {
                let values = keys.iter().map(|key| (*key, self.source.next()));
                let values: Vec<_> = values.collect();
                let named = values.iter().map(|(key, value)| (KEYS[*key], *value));
                let answer = cache.set_many(named, self.lives(ttl)).await;
                self.set(process, &values, ttl, answer);
            }
            Deed::SetAround(key, held, over) => self.set_around(process, key, held, over).await,
            Deed::GetOrSet(key, ttl) => {
                let before = self.source.last();
                let compute = async || Ok::<_, ()>(self.source.next());
                let answer = cache.get_or_set(KEYS[key], self.lives(ttl), compute).await;
                self.called(process, &plain(key), answer.unwrap(), before, ttl);
            }
            Deed::Exists(key) => {
                let answer = cache.exists(KEYS[key]).await;
                self.seen(process, &plain(key), answer);
            }
            Deed::TimeToLive(key) => {
                let answer = cache.ttl(KEYS[key]).await;
                self.timed(process, &plain(key), answer);
            }
            Deed::Expire(key, ttl) => {
                let answer = cache.expire(KEYS[key], self.lives(ttl)).await;
                self.expired(process, key, ttl, answer);
            }
            Deed::Remove(key) => {
                let answer = cache.remove(KEYS[key]).await;
                self.removed(process, key, answer.is_ok());
            }
            _ => unreachable!("{deed:?} is not of a key"),
        }
    }

    /// How long a value is to live. Where nobody can step the time, nothing may end by itself.
    fn lives(&self, ttl: u64) -> Duration {
        let long = if self.tier.is_stepped() || ttl == 0 {
            0
        } else {
            3_000
        };
        Duration::from_secs(ttl + long)
    }

    /// A cached call gave a value; `before` is the last that there was when it began.
    #[track_caller]
    fn called(&mut self, process: Process, place: &Place, value: u64, before: u64, ttl: u64) {
        let ran = self.source.last() > before;
        if !ran {
            return self.hit(process, place, value);
        }
        assert_eq!(value, self.source.last());
        self.missed(process, place);
        if self.is_off(process, place) || ttl == 0 {
            return;
        }
        let (ends, late) = (self.ends(ttl), self.is_late());
        if self.is_quiet() {
            self.model.holds(place, value, ends, late);
        } else {
            self.model.may_hold(place, value, ends);
        }
    }

    async fn show_around(&mut self, process: Process, user: u8, page: u8, over: usize) {
        let other = (process + 1) % self.services.len();
        let before = self.source.last();
        self.source.hold(true);
        let answer = {
            let mut call = pin!(self.services[process].show(user, page));
            let early = tokio::select! {
                biased;
                value = &mut call => Some(value),
                () = self.source.reached.notified() => None,
            };
            let answer = self.services[other].cache.invalidate(PATTERNS[over]).await;
            self.source.hold(false);
            let value = match early {
                Some(value) => value,
                None => {
                    self.source.gate.add_permits(1);
                    call.await
                }
            };
            (value, answer)
        };
        let (value, answer) = answer;
        self.called(process, &show(user, page), value, before, TTL);
        self.invalidated(other, &Region::of(PATTERNS[over]), answer);
    }

    async fn set_around(&mut self, process: Process, key: usize, held: Operation, over: usize) {
        let other = (process + 1) % self.services.len();
        let value = self.source.next();
        let (cache, ttl) = (self.services[process].cache.clone(), self.lives(TTL));
        let script = self.tier.script().cloned();
        if let Some(script) = &script {
            script.next(1, held, Fault::ReplyHeld);
        }
        let mut setting = pin!(cache.set(KEYS[key], value, ttl));
        let early = match &script {
            Some(_) => match setting
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
            {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            },
            None => Some(setting.as_mut().await),
        };
        let invalidated = self.services[other].cache.invalidate(PATTERNS[over]).await;
        if let Some(script) = &script {
            script.clear_script();
            script.release();
        }
        let was_held = early.is_none();
        let answer = match early {
            Some(answer) => answer,
            None => setting.await,
        };
        let region = Region::of(PATTERNS[over]);
        // A value is set when the swap is done: what is invalidated before is not it, though it may
        // be lost with it.
        let is_swapped = held == Operation::Swap;
        if was_held && !is_swapped {
            self.invalidated(other, &region, invalidated);
            self.set(process, &[(key, value)], TTL, answer);
            self.model.forget(|place| region.covers(place));
        } else {
            self.set(process, &[(key, value)], TTL, answer);
            self.invalidated(other, &region, invalidated);
        }
    }

    fn drop_writer(&mut self, process: Process, user: u8) {
        {
            let writing = pin!(self.services[process].write_endlessly(user));
            let polled = writing.poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
        }
        let region = page_of(user);
        self.model.deny(|place| region.covers(place), process);
        self.dropped
            .push((process, region, self.model.now + SETTLE));
    }

    async fn invalidate(&mut self, process: Process, pattern: usize) {
        let answer = self.services[process]
            .cache
            .invalidate(PATTERNS[pattern])
            .await;
        self.invalidated(process, &Region::of(PATTERNS[pattern]), answer);
    }

    fn roll_out(&mut self, process: Process, prefix: &'static str, on: bool) {
        let rollout = (!on).then_some(Rollout::Off);
        self.services[process]
            .cache
            .set_rollout_of(prefix, rollout)
            .unwrap();
        self.off[process].retain(|off| *off != prefix);
        if !on {
            self.off[process].push(prefix);
        }
    }

    #[track_caller]
    fn got(&mut self, process: Process, place: &Place, answer: Result<Option<u64>, Error>) {
        match answer {
            Ok(Some(value)) => self.hit(process, place, value),
            Ok(None) => self.missed(process, place),
            Err(error) => assert!(!self.calm, "{error}"),
        }
    }

    #[track_caller]
    fn seen(&mut self, process: Process, place: &Place, answer: Result<bool, Error>) {
        match answer {
            Ok(true) => {
                let may = self.model.may(place, process);
                assert!(!may.is_empty() && !self.is_off(process, place), "{place:?}");
            }
            Ok(false) => self.missed(process, place),
            Err(error) => assert!(!self.calm, "{error}"),
        }
    }

    #[track_caller]
    fn timed(&mut self, process: Process, place: &Place, answer: Result<Option<Duration>, Error>) {
        // In a store it is told by the wall clock.
        if let (Ok(Some(left)), None, Some(known)) =
            (&answer, self.tier.script(), self.model.time_left(place))
        {
            assert_eq!(left.as_secs_f64().round() as u64, known, "{place:?}");
        }
        self.seen(process, place, answer.map(|left| left.is_some()));
    }

    /// Values were set. In a store that takes with it what is below a key.
    #[track_caller]
    fn set(
        &mut self,
        process: Process,
        values: &[(usize, u64)],
        ttl: u64,
        answer: Result<(), Error>,
    ) {
        let done = answer.is_ok();
        assert!(done || !self.calm, "{answer:?}");
        let others = |key: usize| values.iter().filter(move |(other, _)| *other != key);
        for (key, value) in values {
            let place = plain(*key);
            if ttl == 0 || self.is_off(process, &place) {
                self.removed(process, *key, done);
                continue;
            }
            if self.tier.is_shared() {
                self.model.forget(|place| below(*key).covers(place));
            }
            if done {
                self.model.remove(|other| *other == place);
            } else {
                self.model.deny(|other| *other == place, process);
            }
            let alone = !others(*key).any(|(other, _)| below(*other).covers(&place));
            let ends = self.ends(ttl);
            if done && self.is_quiet() && (alone || !self.tier.is_shared()) {
                self.model.holds(&place, *value, ends, false);
            } else {
                self.model.may_hold(&place, *value, ends);
            }
        }
    }

    #[track_caller]
    fn removed(&mut self, process: Process, key: usize, done: bool) {
        let place = plain(key);
        if self.tier.is_shared() {
            self.model.forget(|place| below(key).covers(place));
        }
        assert!(done || !self.calm, "a removal failed");
        if done {
            self.model.remove(|other| *other == place);
        } else {
            self.model.deny(|other| *other == place, process);
        }
    }

    #[track_caller]
    fn expired(&mut self, process: Process, key: usize, ttl: u64, answer: Result<bool, Error>) {
        let place = plain(key);
        if ttl == 0 || self.is_off(process, &place) {
            if matches!(answer, Ok(true)) {
                assert!(!self.model.may(&place, process).is_empty(), "{place:?}");
            }
            return self.removed(process, key, answer.is_ok());
        }
        let changed = !matches!(answer, Ok(false));
        let known = answer.is_ok() && self.calm;
        self.seen(process, &place, answer);
        if changed {
            let ends = self.ends(ttl).filter(|_| known);
            self.model.ends(&place, ends);
            if !known {
                self.model.forget(|other| *other == place);
            }
        }
    }
}
