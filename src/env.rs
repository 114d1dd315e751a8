//! Settings from the environment. This module alone knows every backend.

mod encoding;

use std::ffi::OsString;
use std::time::Duration;

use cache_core::private::parse_duration;
use cache_core::{Cache, CacheBuilder, Error, MAX_TTL, Rollout};

/// Begins the names of all variables but that of the store.
const OURS: &str = "CACHE_";

const DURATION: &str = "write seconds (`300`), or whole numbers with the units `d`, `h`, `m`, `s`, \
                        `ms`, largest first and without blanks (`1h30m`, `250ms`)";

/// The settings of a cache as the environment has them, to be changed further or built.
///
/// What the environment does not say is as [`Cache::builder`] has it, and what is said to the builder
/// afterwards replaces what the environment says.
///
/// | variable | what | setting |
/// | --- | --- | --- |
/// | `REDIS_URL` | where the store is: `redis://user:password@host:port/database`; needs the feature `redis`. Without it entries are kept in memory | [`store`](CacheBuilder::store) |
/// | `CACHE_NAMESPACE` | letters, digits, `_`, `.`, `-`; needed with a store | [`namespace`](CacheBuilder::namespace) |
/// | `CACHE_DEFAULT_TTL` | a time above zero, at most 30 days | [`default_ttl`](CacheBuilder::default_ttl) |
/// | `CACHE_TTL_USER` | the same, for keys whose first segment is `user` | [`ttl_of`](CacheBuilder::ttl_of) |
/// | `CACHE_MAX_ENTRIES` | a whole number, at least 1 | [`max_entries`](CacheBuilder::max_entries) |
/// | `CACHE_MAX_WEIGHT` | bytes, at least 1; not together with `CACHE_MAX_ENTRIES` | [`max_weight`](CacheBuilder::max_weight) |
/// | `CACHE_PATIENCE` | a time | [`patience`](CacheBuilder::patience) |
/// | `CACHE_SETTLE` | a time | [`settle`](CacheBuilder::settle) |
/// | `CACHE_STORE_TIMEOUT` | a time, at least a millisecond | [`store_timeout`](CacheBuilder::store_timeout) |
/// | `CACHE_FALLBACK` | a time, at least a millisecond: the greatest age of entries in memory while the store was not reached yet | [`fall_back_to_memory`](CacheBuilder::fall_back_to_memory) |
/// | `CACHE_SWEEP_RATE` | a whole number of keys in a second, `0` for none | [`sweep_rate`](CacheBuilder::sweep_rate) |
/// | `CACHE_CODEC` | `json`, or with the features of these names `postcard` or `messagepack` | [`codec`](CacheBuilder::codec) |
/// | `CACHE_COMPRESSION` | `off`, or with the features of these names `lz4`, `zstd` or `zstd:19`, the level | [`compression`](CacheBuilder::compression) |
/// | `CACHE_LARGEST_VALUE` | bytes, from 1 to 256 MiB | [`largest_value`](CacheBuilder::largest_value) |
/// | `CACHE_ROLLOUT` | `on`, `off` or a share such as `10%` | [`rollout`](CacheBuilder::rollout) |
/// | `CACHE_ROLLOUT_USER` | the same, for keys whose first segment is `user` | [`rollout_of`](CacheBuilder::rollout_of) |
///
/// A time is written as seconds (`300`), or as in an attribute (`1h30m`, `250ms`). First segments are
/// compared without regard to case, and what is neither an ASCII letter nor a digit counts as `_`:
/// `CACHE_TTL_USER_ROLE` is for `user-role`, too.
///
/// A variable that begins with `CACHE_` and is not in the table is named in a warning in the log: it
/// may be a mistake in writing, or another program's.
///
/// # Errors
///
/// A [configuration error](Error::is_configuration) that lists every variable with a bad value, with
/// what is wrong and the forms allowed; an empty value is one. It does not quote `REDIS_URL`, which may
/// hold a password.
///
/// # Example
///
/// ```no_run
/// let cache = cachewright::from_env()?.namespace("shop").build()?;
/// cache.install()?;
/// # Ok::<(), cachewright::Error>(())
/// ```
pub fn from_env() -> Result<CacheBuilder, Error> {
    // A name that is no text is none of ours.
    let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
    from_vars(std::env::vars_os().filter_map(named))
}

fn from_vars(vars: impl IntoIterator<Item = (String, OsString)>) -> Result<CacheBuilder, Error> {
    let is_ours = |name: &str| name == "REDIS_URL" || name.starts_with(OURS);
    let mut vars: Vec<_> = vars.into_iter().filter(|(name, _)| is_ours(name)).collect();
    vars.sort();
    let mut reading = Reading::new();
    for (name, value) in vars {
        match value.into_string() {
            Ok(value) => reading.take(&name, &value),
            Err(_) => reading.problem(&name, "is not UTF-8", "write text"),
        }
    }
    reading.finish()
}

/// What was read so far.
struct Reading {
    builder: CacheBuilder,
    problems: Vec<String>,
    unknown: Vec<String>,
    /// The variable that bounds the memory.
    bound: Option<String>,
}

impl Reading {
    fn new() -> Self {
        Self {
            builder: Cache::builder(),
            problems: Vec::new(),
            unknown: Vec::new(),
            bound: None,
        }
    }

    fn take(&mut self, name: &str, value: &str) {
        match name {
            "REDIS_URL" => self.store(value),
            "CACHE_NAMESPACE" => self.namespace(name, value),
            "CACHE_DEFAULT_TTL" => {
                let ttl = self.ttl(name, value);
                self.set(ttl, CacheBuilder::default_ttl);
            }
            "CACHE_MAX_ENTRIES" => self.bound(name, value, CacheBuilder::max_entries),
            "CACHE_MAX_WEIGHT" => self.bound(name, value, CacheBuilder::max_weight),
            "CACHE_PATIENCE" => {
                let span = self.duration(name, value);
                self.set(span, CacheBuilder::patience);
            }
            "CACHE_SETTLE" => {
                let span = self.duration(name, value);
                self.set(span, CacheBuilder::settle);
            }
            "CACHE_STORE_TIMEOUT" => {
                let span = self.positive(name, value);
                self.set(span, CacheBuilder::store_timeout);
            }
            "CACHE_FALLBACK" => {
                let span = self.positive(name, value);
                self.set(span, CacheBuilder::fall_back_to_memory);
            }
            "CACHE_SWEEP_RATE" => {
                let rate = self.whole(name, value);
                self.set(rate, CacheBuilder::sweep_rate);
            }
            "CACHE_CODEC" => self.codec(name, value),
            "CACHE_COMPRESSION" => self.compression(name, value),
            "CACHE_LARGEST_VALUE" => self.largest_value(name, value),
            "CACHE_ROLLOUT" => {
                let rollout = self.rollout(name, value);
                self.set(rollout, CacheBuilder::rollout);
            }
            _ => self.take_of_segment(name, value),
        }
    }

    /// A variable whose name ends in the first segment that it is for.
    fn take_of_segment(&mut self, name: &str, value: &str) {
        let segment = |kind: &str| {
            let segment = name.strip_prefix(OURS)?.strip_prefix(kind)?;
            // Of what names the segments of a key, nothing else can't be part of a first one.
            (!segment.is_empty() && !segment.contains([':', '*'])).then_some(segment)
        };
        if let Some(segment) = segment("TTL_") {
            let ttl = self.ttl(name, value);
            self.set(ttl, |builder, ttl| builder.ttl_of(segment, ttl));
        } else if let Some(segment) = segment("ROLLOUT_") {
            let rollout = self.rollout(name, value);
            self.set(rollout, |builder, rollout| {
                builder.rollout_of(segment, rollout)
            });
        } else {
            self.unknown.push(name.to_owned());
        }
    }

    fn set<T>(&mut self, value: Option<T>, set: impl FnOnce(CacheBuilder, T) -> CacheBuilder) {
        if let Some(value) = value {
            self.builder = set(self.builder.clone(), value);
        }
    }

    /// What is wrong with a variable, and the way out.
    fn problem(&mut self, name: &str, problem: &str, way_out: &str) {
        self.problems.push(format!("{name} {problem}: {way_out}"));
    }

    fn store(&mut self, url: &str) {
        match with_redis(self.builder.clone(), url) {
            Ok(builder) => self.builder = builder,
            Err(error) => self.problems.push(error.to_string()),
        }
    }

    fn namespace(&mut self, name: &str, value: &str) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if value.is_empty() || !value.chars().all(allowed) {
            let way_out = "write one or more letters, digits, `_`, `.` or `-`";
            return self.problem(name, &format!("is {value:?}"), way_out);
        }
        self.set(Some(value), CacheBuilder::namespace);
    }

    fn bound(&mut self, name: &str, value: &str, set: fn(CacheBuilder, u64) -> CacheBuilder) {
        if let Some(other) = self.bound.replace(name.to_owned()) {
            let way_out = "the memory is bounded by one of them, leave the other out";
            self.problem(name, &format!("stands beside {other}"), way_out);
        }
        match value.parse() {
            Ok(number @ 1..) => self.set(Some(number), set),
            _ => {
                let way_out = "write a whole number, at least 1";
                self.problem(name, &format!("is {value:?}"), way_out);
            }
        }
    }

    fn whole(&mut self, name: &str, value: &str) -> Option<u32> {
        let number = value.parse().ok();
        if number.is_none() {
            let way_out = format!("write a whole number, at most {}", u32::MAX);
            self.problem(name, &format!("is {value:?}"), &way_out);
        }
        number
    }

    fn duration(&mut self, name: &str, value: &str) -> Option<Duration> {
        parse_duration(value)
            .map_err(|problem| self.problem(name, &format!("is {value:?}, {problem}"), DURATION))
            .ok()
    }

    fn positive(&mut self, name: &str, value: &str) -> Option<Duration> {
        let span = self.duration(name, value)?;
        if span.is_zero() {
            self.problem(name, "is zero", "write at least a millisecond (`1ms`)");
            return None;
        }
        Some(span)
    }

    fn ttl(&mut self, name: &str, value: &str) -> Option<Duration> {
        let ttl = self.positive(name, value)?;
        if ttl > MAX_TTL {
            self.problem(
                name,
                &format!("is {value:?}"),
                "write at most 30 days (`30d`)",
            );
            return None;
        }
        Some(ttl)
    }

    fn rollout(&mut self, name: &str, value: &str) -> Option<Rollout> {
        let rollout = match value {
            "on" => Some(Rollout::On),
            "off" => Some(Rollout::Off),
            share => percent(share).map(|percent| Rollout::Share(percent / 100.0)),
        };
        if rollout.is_none() {
            let way_out = "write `on`, `off` or a share from `0%` to `100%`";
            self.problem(name, &format!("is {value:?}"), way_out);
        }
        rollout
    }

    fn finish(self) -> Result<CacheBuilder, Error> {
        if !self.unknown.is_empty() {
            let names = self.unknown.join(", ");
            tracing::warn!(target: "cachewright", names, "variables of the environment that no setting is known for");
        }
        if self.problems.is_empty() {
            Ok(self.builder)
        } else {
            Err(Error::configuration(self.problems.join("\n")))
        }
    }
}

/// `10%` or `0.5%`, from 0 to 100.
fn percent(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?;
    if !number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return None;
    }
    let percent = number.parse().ok();
    percent.filter(|percent| (0.0..=100.0).contains(percent))
}

#[cfg(feature = "redis")]
fn with_redis(builder: CacheBuilder, url: &str) -> Result<CacheBuilder, Error> {
    // What this error says does not quote the URL.
    let store = cache_redis::RedisStore::new(url)
        .map_err(|error| Error::configuration(format!("REDIS_URL can't be used: {error}")))?;
    Ok(builder.store(store))
}

#[cfg(not(feature = "redis"))]
fn with_redis(_: CacheBuilder, _: &str) -> Result<CacheBuilder, Error> {
    Err(Error::configuration(
        "REDIS_URL is set, but the program is built without Redis: turn on the feature `redis` of \
         cachewright, or leave the variable out to keep entries in memory",
    ))
}

#[cfg(test)]
mod tests;
