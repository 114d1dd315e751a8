//! A service as users write it: functions that read are cached, functions that write invalidate.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cachewright::{Cache, cached, invalidate_cache, update_cache};
use serde::{Deserialize, Serialize};

use super::notes::Notes;
use super::transaction::{self, Transaction, UNCOMMITTED};
use crate::clock::{Moment, now};
use crate::database::Database;
use crate::keys::{Family, Key, Register};
use crate::plan::Workload;
use crate::record::{Event, Shown};

/// What is cached: it tells whose it is, which version of it, and when its computation began.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Value {
    pub of: u32,
    pub version: u64,
    pub born: Moment,
}

impl From<Value> for Shown {
    fn from(value: Value) -> Self {
        let Value { of, version, born } = value;
        Self::Value { of, version, born }
    }
}

/// Why a body gave no answer.
#[derive(Debug)]
pub struct Failure;

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// The moment at which a writer had committed, once it has.
#[derive(Debug, Default)]
pub struct Committed {
    moment: AtomicU64,
    /// The body has not begun: something is asked of the store before.
    waits: AtomicBool,
}

impl Committed {
    /// Of a writer whose body does not begin at once, and says so when it does.
    pub fn waiting() -> Self {
        Self {
            waits: AtomicBool::new(true),
            ..Self::default()
        }
    }

    /// Whether the body has begun, and may commit.
    pub fn has_begun(&self) -> bool {
        !self.waits.load(SeqCst)
    }

    fn begin(&self) {
        self.waits.store(false, SeqCst);
    }

    pub fn moment(&self) -> Option<Moment> {
        Some(self.moment.load(SeqCst)).filter(|moment| *moment > 0)
    }

    pub fn note(&self) {
        self.note_at(now());
    }

    fn note_at(&self, moment: Moment) {
        self.moment.store(moment, SeqCst);
    }
}

#[derive(Debug)]
pub struct Service {
    pub cache: Cache,
    pub database: Database,
    pub notes: Notes,
    pub workload: Workload,
    /// Which version of the functions that have two this process is of.
    pub is_new: bool,
}

/// Notes a body, however it ends.
struct Body<'a> {
    notes: &'a Notes,
    key: Key,
    born: Moment,
    finished: bool,
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        // A transaction computes for itself alone, and as often as it asks.
        if transaction::is_current() {
            return;
        }
        let event = Event::Body {
            key: self.key,
            finished: self.finished,
        };
        self.notes.add(event, 0, self.born);
    }
}

/// Up to `longest`, and often nothing.
fn some_of(longest: Duration) -> Duration {
    match fastrand::u8(..4) {
        0 => Duration::ZERO,
        1 => longest,
        _ => longest.mul_f64(fastrand::f64()),
    }
}

impl Service {
    fn begin(&self, key: Key) -> Body<'_> {
        Body {
            notes: &self.notes,
            key,
            born: now(),
            finished: false,
        }
    }

    /// The body of all that reads.
    pub async fn load(&self, key: Key) -> Result<Value, Failure> {
        let mut body = self.begin(key);
        pause(some_of(self.workload.load_delay)).await;
        let version = match transaction::has_written(key.register()) {
            true => UNCOMMITTED,
            false => self.database.load(key.register()).await?,
        };
        pause(some_of(self.workload.load_delay)).await;
        body.finished = true;
        Ok(body.value(version))
    }

    /// The body of what reads several at once.
    async fn load_all(&self, ids: &[u16]) -> Result<HashMap<u16, Value>, Failure> {
        let bodies = ids
            .iter()
            .map(|id| self.begin(Key::new(Family::Badge, *id)));
        let mut bodies: Vec<_> = bodies.collect();
        pause(some_of(self.workload.load_delay)).await;
        let mut versions = Vec::new();
        for body in &bodies {
            versions.push(self.database.load(body.key.register()).await?);
        }
        pause(some_of(self.workload.load_delay)).await;
        bodies.iter_mut().for_each(|body| body.finished = true);
        let values = bodies.iter().zip(versions);
        Ok(values
            .map(|(body, version)| (body.key.id, body.value(version)))
            .collect())
    }

    fn load_blocking(&self, key: Key) -> Result<Value, Failure> {
        let mut body = self.begin(key);
        std::thread::sleep(some_of(self.workload.load_delay));
        let version = self.database.load_blocking(key.register())?;
        body.finished = true;
        Ok(body.value(version))
    }

    /// Writes registers; the last that a writer does.
    pub async fn commit(
        &self,
        registers: &[Register],
        committed: &Committed,
    ) -> Result<(), Failure> {
        let delay = some_of(self.workload.commit_delay);
        self.database.commit(registers, delay).await?;
        committed.note();
        Ok(())
    }

    fn of_everybody(&self) -> Vec<Register> {
        let ids = 0..self.workload.ids;
        ids.map(|id| Register(id.into())).collect()
    }
}

impl Body<'_> {
    fn value(&self, version: u64) -> Value {
        Value {
            of: self.key.pack(),
            version,
            born: self.born,
        }
    }
}

/// Zero does not even yield.
pub async fn pause(span: Duration) {
    if !span.is_zero() {
        tokio::time::sleep(span).await;
    }
}

/// What reads.
impl Service {
    #[cached(cache = self.cache, key_prefix = "user:{id}:profile", tags("of:{id}", "people"))]
    pub async fn profile(&self, id: u16) -> Result<Value, Failure> {
        self.load(Key::new(Family::Profile, id)).await
    }

    #[cached(cache = self.cache, key_prefix = "user:{id}", tags("page:{page}"))]
    pub async fn order(&self, id: u16, page: u8) -> Result<Value, Failure> {
        let family = Family::Order;
        self.load(Key { family, id, page }).await
    }

    #[cached(cache = self.cache, key_prefix = "user:{id}:rating")]
    pub fn rating(&self, id: u16) -> Result<Value, Failure> {
        self.load_blocking(Key::new(Family::Rating, id))
    }

    /// Every other version has none.
    #[cached(cache = self.cache, key_prefix = "user:{id}:title", none_ttl = "1h", tags("people"))]
    pub async fn title(&self, id: u16) -> Result<Option<Value>, Failure> {
        let value = self.load(Key::new(Family::Title, id)).await?;
        Ok(Some(value).filter(|value| value.version % 2 == 1))
    }

    #[cached(cache = self.cache, key_prefix = "user:{ids}:badge", batch = ids)]
    pub async fn badges(&self, ids: &[u16]) -> Result<HashMap<u16, Value>, Failure> {
        self.load_all(ids).await
    }

    #[cached(cache = self.cache, key_prefix = "local:{id}", tier = "memory", tags("of:{id}"))]
    pub async fn local(&self, id: u16) -> Result<Value, Failure> {
        self.load(Key::new(Family::Local, id)).await
    }

    pub async fn listing(&self, id: u16) -> Result<Value, Failure> {
        if self.is_new {
            new::listing(self, id).await
        } else {
            old::listing(self, id).await
        }
    }

    pub async fn price(&self, id: u16) -> Result<Value, Failure> {
        let load = async || self.load(Key::new(Family::Price, id)).await;
        let key = plain(Key::new(Family::Price, id));
        self.cache.get_or_set(&key, None, load).await
    }
}

/// A function as a process of the former release has it.
mod old {
    use super::*;

    #[cached(cache = service.cache, key_prefix = "booking:stats", skip(service), tags("of:{id}"))]
    pub async fn listing(service: &Service, id: u16) -> Result<Value, Failure> {
        service.load(Key::new(Family::Listing, id)).await
    }
}

/// The same function as a process of the next release has it.
mod new {
    use super::*;

    #[cached(cache = service.cache, key_prefix = "booking:stats", version = 2, skip(service), tags("of:{id}"))]
    pub async fn listing(service: &Service, id: u16) -> Result<Value, Failure> {
        service.load(Key::new(Family::Listing, id)).await
    }
}

/// The name of a plain key.
pub fn plain(key: Key) -> String {
    match key.family {
        Family::Price => format!("item:{}:price", key.id),
        _ => format!("cart:{}", key.id),
    }
}

/// What writes.
impl Service {
    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    pub async fn write_user(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    #[invalidate_cache("user:{id}:*", "local:{id}", "item:{id}:*", cache = self.cache)]
    #[invalidate_cache("booking:*", cache = self.cache)]
    pub async fn write_all_of(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    #[invalidate_cache("user:*", cache = self.cache)]
    pub async fn write_users(&self, done: &Committed) -> Result<(), Failure> {
        self.commit(&self.of_everybody(), done).await
    }

    #[invalidate_cache("user:*:profile", cache = self.cache)]
    pub async fn write_profile(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    #[invalidate_cache("booking:stats:listing", cache = self.cache)]
    pub async fn write_listing(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    #[invalidate_cache("local:{id}", cache = self.cache)]
    pub async fn write_local(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    /// A commit whose answer is lost.
    #[invalidate_cache("user:{id}:*", on = "always", cache = self.cache)]
    pub async fn write_and_fail(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await?;
        Err(Failure)
    }

    #[invalidate_cache(tags("of:{id}"), cache = self.cache)]
    pub async fn write_tagged(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    #[invalidate_cache(tags("people"), on = "always", cache = self.cache)]
    pub async fn write_people(&self, done: &Committed) -> Result<(), Failure> {
        self.commit(&self.of_everybody(), done).await?;
        Err(Failure)
    }

    /// A pattern, an entry and tags.
    #[invalidate_cache("item:{id}:*", entry = self.title(id), tags("of:{id}", "page:{page}"), cache = self.cache)]
    pub async fn write_across(&self, id: u16, page: u8, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    /// A part of a transaction, as the following ones: nothing is committed yet.
    #[invalidate_cache("user:{id}:*", cache = self.cache)]
    pub async fn stage_user(&self, id: u16, transaction: &Transaction) -> Result<(), Failure> {
        transaction.write(Register(id.into()));
        Ok(())
    }

    #[invalidate_cache("item:{id}:*", cache = self.cache)]
    pub async fn stage_item(&self, id: u16, transaction: &Transaction) -> Result<(), Failure> {
        transaction.write(Register(id.into()));
        Ok(())
    }

    #[invalidate_cache(tags("of:{id}"), cache = self.cache)]
    pub async fn stage_tagged(&self, id: u16, transaction: &Transaction) -> Result<(), Failure> {
        transaction.write(Register(id.into()));
        Ok(())
    }

    #[invalidate_cache("booking:*", cache = self.cache)]
    pub async fn stage_listings(&self, id: u16, transaction: &Transaction) -> Result<(), Failure> {
        pause(some_of(self.workload.load_delay)).await;
        transaction.write(Register(id.into()));
        Ok(())
    }

    /// What exactly one entry depends on.
    pub async fn write_exactly(&self, key: Key, done: &Committed) -> Result<(), Failure> {
        let Key { family, id, page } = key;
        match family {
            Family::Order => self.write_one_order(id, page, done).await,
            Family::Title => self.write_one_title(id, done).await,
            Family::Local => self.write_one_local(id, done).await,
            Family::Badge => self.write_one_badge(id, done).await,
            Family::Listing => self.write_one_listing(id, done).await,
            _ => self.write_one_profile(id, done).await,
        }
    }

    #[invalidate_cache(entry = self.order(id, page), cache = self.cache)]
    async fn write_one_order(&self, id: u16, page: u8, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    #[invalidate_cache(entry = self.title(id), cache = self.cache)]
    async fn write_one_title(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    #[invalidate_cache(entry = self.badges(&[id]), cache = self.cache)]
    async fn write_one_badge(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    #[invalidate_cache(entry = self.local(id), cache = self.cache)]
    async fn write_one_local(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    /// That of the other release, too.
    #[invalidate_cache(entry = old::listing(_, id), cache = self.cache)]
    async fn write_one_listing(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }

    #[invalidate_cache(entry = self.profile(id), cache = self.cache)]
    async fn write_one_profile(&self, id: u16, done: &Committed) -> Result<(), Failure> {
        self.commit(&[Register(id.into())], done).await
    }
}

/// What writes through.
impl Service {
    /// Writes a register and gives what `key` is from then on. It is of the moment right after its commit, when nobody else had
    /// committed yet: that outdates what was computed before.
    async fn replace(&self, key: Key, done: &Committed) -> Result<Value, Failure> {
        done.begin();
        let delay = some_of(self.workload.commit_delay);
        let (versions, at) = self.database.commit_at(&[key.register()], delay).await?;
        let born = at + 1;
        done.note_at(born);
        let value = Value {
            of: key.pack(),
            version: *versions.first().ok_or(Failure)?,
            born,
        };
        pause(some_of(self.workload.load_delay)).await;
        Ok(value)
    }

    /// What exactly one entry is from now on.
    pub async fn update(&self, key: Key, done: &Committed) -> Result<(), Failure> {
        let Key { family, id, page } = key;
        match family {
            Family::Order => drop(self.update_order(id, page, done).await?),
            Family::Title => drop(self.update_title(id, done).await?),
            Family::Local => drop(self.update_local(id, done).await?),
            Family::Rating => drop(self.update_rating(id, done).await?),
            Family::Listing if self.is_new => drop(self.update_new_listing(id, done).await?),
            Family::Listing => drop(self.update_old_listing(id, done).await?),
            _ => drop(self.update_profile(id, done).await?),
        }
        Ok(())
    }

    #[update_cache(entry = self.profile(id))]
    async fn update_profile(&self, id: u16, done: &Committed) -> Result<Value, Failure> {
        self.replace(Key::new(Family::Profile, id), done).await
    }

    #[update_cache(entry = self.order(id, page))]
    async fn update_order(&self, id: u16, page: u8, done: &Committed) -> Result<Value, Failure> {
        let family = Family::Order;
        self.replace(Key { family, id, page }, done).await
    }

    /// Every other version has none.
    #[update_cache(entry = self.title(id))]
    async fn update_title(&self, id: u16, done: &Committed) -> Result<Option<Value>, Failure> {
        let value = self.replace(Key::new(Family::Title, id), done).await?;
        Ok(Some(value).filter(|value| value.version % 2 == 1))
    }

    #[update_cache(entry = self.local(id))]
    async fn update_local(&self, id: u16, done: &Committed) -> Result<Value, Failure> {
        self.replace(Key::new(Family::Local, id), done).await
    }

    #[update_cache(entry = self.rating(id))]
    async fn update_rating(&self, id: u16, done: &Committed) -> Result<Value, Failure> {
        self.replace(Key::new(Family::Rating, id), done).await
    }

    #[update_cache(entry = new::listing(self, id))]
    async fn update_new_listing(&self, id: u16, done: &Committed) -> Result<Value, Failure> {
        self.replace(Key::new(Family::Listing, id), done).await
    }

    #[update_cache(entry = old::listing(self, id))]
    async fn update_old_listing(&self, id: u16, done: &Committed) -> Result<Value, Failure> {
        self.replace(Key::new(Family::Listing, id), done).await
    }
}
