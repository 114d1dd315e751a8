//! Turning a cache, or a part of it, off and on at run time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::cache::{Cache, Inner};
use crate::error::{Error, LOG};
use crate::function::Function;
use crate::key::KeyWriter;
use crate::setting::{check_prefix, fold, folded};

/// How much of what could be cached is cached; see [`Cache::set_rollout`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Rollout {
    /// All of it.
    #[default]
    On,
    /// Nothing: functions run as if they were not cached.
    Off,
    /// This share of the keys, from 0 (none) to 1 (all).
    ///
    /// A hash of the function's name and the arguments, or of the key, decides, and nothing else: all
    /// processes decide alike, each call of one key as the one before, and what is on with one share
    /// is on with each greater one.
    Share(f64),
}

/// What was said about rollouts; see [`Cache::rollout`].
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Rollouts {
    /// Of all keys that no prefix says anything else about.
    pub everything: Rollout,
    /// Of keys that begin with these segments, sorted.
    pub prefixes: Vec<(String, Rollout)>,
}

impl Rollout {
    fn check(self) -> Result<Self, Error> {
        match self {
            Self::Share(share) if !(0.0..=1.0).contains(&share) => Err(Error::configuration(
                format!("the share of a rollout is {share}: it must be from 0 to 1"),
            )),
            rollout => Ok(rollout),
        }
    }
}

impl Cache {
    /// Turns the cache off or on, or on for a share of the keys, from the next call on: a kill
    /// switch, and a gradual introduction. [`set_rollout_of`](Self::set_rollout_of) says otherwise
    /// for a part of the keys.
    ///
    /// What is off is neither read nor stored, and its callers do not wait for one another: each
    /// runs the body, which is counted as [bypassed](crate::FunctionStats::bypassed). The operations
    /// of a key that is off find nothing, and [`get_or_set`](Self::get_or_set) computes. Calls that
    /// are under way end as they began.
    ///
    /// **What is off still invalidates.** Writers, [`invalidate`](Self::invalidate),
    /// [`remove`](Self::remove) and [`clear`](Self::clear) do all that they do otherwise, and
    /// [`set`](Self::set) and [`expire`](Self::expire) remove what is there, with the errors of a removal. So what was stored before
    /// may answer when it is turned on again, and nothing stale is among it.
    ///
    /// Counters are not concerned.
    ///
    /// While nothing is restricted, a hit pays one relaxed load for this. While anything is, each
    /// call takes a lock for reading and looks up what holds for it, and a share costs a hash of the
    /// key.
    ///
    /// # Errors
    ///
    /// A [configuration error](Error::is_configuration) for a share that is not from 0 to 1.
    ///
    /// # Example
    ///
    /// ```
    /// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # rt.block_on(async {
    /// # use cache_core as cachewright;
    /// use cachewright::{Cache, Rollout};
    ///
    /// let cache = Cache::builder().build()?;
    /// cache.set("user:42", "Ada".to_owned(), None).await?;
    ///
    /// cache.set_rollout(Rollout::Off)?;
    /// assert_eq!(cache.get::<String>("user:42").await?, None);
    ///
    /// cache.set_rollout(Rollout::On)?;
    /// assert_eq!(cache.get::<String>("user:42").await?.as_deref(), Some("Ada"));
    /// # Ok::<(), cache_core::Error>(()) }).unwrap();
    /// ```
    pub fn set_rollout(&self, rollout: Rollout) -> Result<(), Error> {
        let rollout = rollout.check()?;
        self.inner()
            .rollout
            .change(|rules| rules.everything = rollout);
        tracing::info!(target: LOG, ?rollout, "rollout of the cache");
        Ok(())
    }

    /// Like [`set_rollout`](Self::set_rollout), for the functions and keys that begin with `prefix`:
    /// one or more segments, such as `user` or `booking:stats`. `None` takes back what was said, and
    /// what holds for shorter prefixes, or for the whole cache, holds for these again.
    ///
    /// Of several prefixes that fit, the longest decides alone: what is on here is on though the
    /// whole cache is off.
    ///
    /// A function is met by the segments of its `key_prefix` as it stands in the source,
    /// placeholders included, with its name behind them: `user`, `user:{user_id}` and
    /// `user:{user_id}:get_profile`; a key by its own. Segments are compared without regard to case,
    /// and what is neither an ASCII letter nor a digit counts as `_`.
    ///
    /// # Errors
    ///
    /// A [configuration error](Error::is_configuration) for a share that is not from 0 to 1, and for
    /// a prefix that is empty, or has an empty segment or a `*`.
    ///
    /// # Example
    ///
    /// ```
    /// # use cache_core as cachewright;
    /// use cachewright::{Cache, Rollout};
    ///
    /// let cache = Cache::builder().build()?;
    /// cache.set_rollout_of("booking:stats", Rollout::Share(0.1))?;
    /// assert_eq!(cache.rollout().prefixes, [("booking:stats".to_owned(), Rollout::Share(0.1))]);
    ///
    /// cache.set_rollout_of("booking:stats", None)?;
    /// assert!(cache.rollout().prefixes.is_empty());
    /// # Ok::<(), cache_core::Error>(())
    /// ```
    pub fn set_rollout_of(
        &self,
        prefix: &str,
        rollout: impl Into<Option<Rollout>>,
    ) -> Result<(), Error> {
        check_prefix("the rollout", prefix)?;
        let rollout = rollout.into().map(Rollout::check).transpose()?;
        self.inner()
            .rollout
            .change(|rules| rules.set(prefix, rollout));
        tracing::info!(target: LOG, prefix, ?rollout, "rollout of a prefix");
        Ok(())
    }

    /// What [`set_rollout`](Self::set_rollout) and [`set_rollout_of`](Self::set_rollout_of) have said
    /// so far, or the builder.
    #[must_use]
    pub fn rollout(&self) -> Rollouts {
        let rules = self.inner().rollout.rules();
        let mut prefixes: Vec<_> = rules.prefixes.values().cloned().collect();
        prefixes.sort_by(|(a, _), (b, _)| a.cmp(b));
        Rollouts {
            everything: rules.everything,
            prefixes,
        }
    }
}

/// What holds for which keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    everything: Rollout,
    /// By the form in which prefixes are compared, with the one that was written.
    prefixes: BTreeMap<String, (String, Rollout)>,
}

impl Rules {
    /// What was said before the cache was built.
    pub(crate) fn read(everything: Rollout, prefixes: &[(String, Rollout)]) -> Result<Self, Error> {
        let mut rules = Self {
            everything: everything.check()?,
            prefixes: BTreeMap::new(),
        };
        for (prefix, rollout) in prefixes {
            check_prefix("the rollout", prefix)?;
            rules.set(prefix, Some(rollout.check()?));
        }
        Ok(rules)
    }

    fn set(&mut self, prefix: &str, rollout: Option<Rollout>) {
        let name = folded(prefix);
        match rollout {
            Some(rollout) => drop(self.prefixes.insert(name, (prefix.to_owned(), rollout))),
            None => drop(self.prefixes.remove(&name)),
        }
    }

    fn restrict(&self) -> bool {
        let prefixes = self.prefixes.values().map(|(_, rollout)| *rollout);
        let mut all = prefixes.chain([self.everything]);
        all.any(|rollout| !matches!(rollout, Rollout::On | Rollout::Share(1.0)))
    }

    /// What holds for keys that begin with these segments.
    fn of<'a>(&self, segments: impl Iterator<Item = &'a str>) -> Rollout {
        let (mut rollout, mut path) = (self.everything, String::new());
        for segment in segments {
            if !path.is_empty() {
                path.push(':');
            }
            fold(segment, &mut path);
            if let Some((_, longer)) = self.prefixes.get(&path) {
                rollout = *longer;
            }
        }
        rollout
    }
}

/// The rollout of a cache.
#[derive(Debug)]
pub(crate) struct Switch {
    /// Whether there is anything to be looked up at all. Read by each hit.
    restricted: AtomicBool,
    rules: RwLock<Rules>,
}

impl Switch {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            restricted: AtomicBool::new(rules.restrict()),
            rules: RwLock::new(rules),
        }
    }

    /// Whether a call has to ask what holds for it.
    #[inline]
    pub(crate) fn is_restricted(&self) -> bool {
        self.restricted.load(Relaxed)
    }

    fn change(&self, change: impl FnOnce(&mut Rules)) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut rules);
        self.restricted.store(rules.restrict(), Relaxed);
    }

    fn rules(&self) -> RwLockReadGuard<'_, Rules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether a call of a function runs as if it were not cached, because its attribute says so or
    /// a rollout leaves it out, and counts it if so.
    #[cold]
    pub(crate) fn bypasses(&self, function: &'static Function, call: &KeyWriter) -> bool {
        let bypassed = self.leaves_out(function, call);
        if bypassed {
            self.statistics
                .series(function)
                .bypassed
                .fetch_add(1, Relaxed);
        }
        bypassed
    }

    /// The same, without counting it.
    pub(crate) fn leaves_out(&self, function: &'static Function, call: &KeyWriter) -> bool {
        if call.is_bypassed() {
            return true;
        }
        // Arguments may be such that they can't be part of a key.
        let key = call.error().is_none().then(|| call.bytes());
        let rollout = self.rollout.rules().of(function.segments());
        rollout.leaves_out(function.name(), key)
    }

    /// The same for an operation of a key.
    #[cold]
    pub(crate) fn bypasses_plain(&self, key: &str) -> bool {
        let rollout = self.rollout.rules().of(key.split(':'));
        let bypassed = rollout.leaves_out("", Some(key.as_bytes()));
        if bypassed {
            self.plain.bypassed.fetch_add(1, Relaxed);
        }
        bypassed
    }
}

impl Rollout {
    fn leaves_out(self, function: &str, key: Option<&[u8]>) -> bool {
        match (self, key) {
            (Self::On, _) => false,
            (Self::Off, _) => true,
            (Self::Share(share), Some(key)) => place(function, key) >= share,
            // It is not cached for another reason, which is counted.
            (Self::Share(_), None) => false,
        }
    }
}

/// Where a key stands among all keys, from 0 to below 1. Equal in every process and release, for the
/// canonical bytes are; the type of a function is left out, since its name may change with the
/// compiler.
fn place(function: &str, key: &[u8]) -> f64 {
    let mut hash = blake3::Hasher::new();
    hash.update(b"cachewright rollout 1");
    hash.update(&(function.len() as u64).to_le_bytes());
    hash.update(function.as_bytes());
    hash.update(key);
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize().as_bytes()[..8]);
    // As many bits as a float holds exactly.
    (u64::from_le_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(all(test, not(any(shuttle, weak_memory))))]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_key_never_changes() {
        assert_eq!(place("get_profile", b"42"), 0.4283089746427535);
        assert_eq!(place("", b"user:42"), 0.9418832993090219);
    }

    #[test]
    fn places_are_spread_evenly_and_differ_by_function() {
        let places: Vec<_> = (0..10_000_u32)
            .map(|i| place("f", &i.to_le_bytes()))
            .collect();
        for share in [0.01, 0.1, 0.5, 0.9] {
            let on = places.iter().filter(|place| **place < share).count() as f64;
            assert!((on / 10_000.0 - share).abs() < 0.02, "{share}: {on}");
        }
        assert!(places.iter().all(|place| (0.0..1.0).contains(place)));
        assert_ne!(place("f", b"1"), place("g", b"1"));
    }

    #[test]
    fn the_longest_prefix_decides() {
        let prefixes = [("user", Rollout::Off), ("User:{id}:x", Rollout::On)];
        let prefixes = prefixes.map(|(prefix, rollout)| (prefix.to_owned(), rollout));
        let rules = Rules::read(Rollout::Share(0.5), &prefixes).unwrap();
        let of = |path: &str| rules.of(path.split(':'));
        assert_eq!(of("team"), Rollout::Share(0.5));
        assert_eq!(of("users"), Rollout::Share(0.5));
        assert_eq!(of("user"), Rollout::Off);
        assert_eq!(of("USER:{id}"), Rollout::Off);
        assert_eq!(of("user:{id}:x:y"), Rollout::On);
        assert_eq!(of("user:{id}:xy"), Rollout::Off);
    }
}
