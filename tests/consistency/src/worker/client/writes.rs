//! Writing, and invalidating in every way there is.

use std::sync::Arc;
use std::time::Duration;

use super::{Client, Ended};
use crate::clock::{SECOND, now};
use crate::keys::{Family, Key, Scope};
use crate::record::{Event, Promise};
use crate::worker::notes::Notes;
use crate::worker::service::{Committed, Value, plain};

/// So many invalidations in a row, if there is time.
const FLOOD: u32 = 30_000;

impl Client {
    /// Runs an annotated writer and notes what it invalidates.
    async fn writer<T>(
        &mut self,
        scopes: &[Scope],
        done: &Committed,
        writer: impl Future<Output = T>,
    ) {
        let (start, end, promise) = match (self.run(writer).await, done.moment()) {
            (Ended::With(_), Some(committed)) => {
                let end = now();
                (committed, end, Notes::promise(&self.service.cache))
            }
            // It says that it failed, and is believed.
            (Ended::With(_), None) => return,
            (Ended::Dropped(..), None) if !done.has_begun() => return,
            (Ended::Dropped(start, end), None) => (start, end, Promise::Unsettled),
            (Ended::Dropped(_, end), Some(committed)) => (committed, end, Promise::Pending),
        };
        for scope in scopes {
            self.invalidated(*scope, promise, start, end);
        }
    }

    pub(super) fn invalidated(&self, scope: Scope, promise: Promise, start: u64, end: u64) {
        // An acknowledgement that was looked for ended after it was found.
        let end = match promise {
            Promise::Acknowledged => now(),
            _ => end,
        };
        let event = Event::Invalidated { scope, promise };
        self.service.notes.add_until(event, self.task, start, end);
    }

    pub async fn write_user(&mut self, id: u16) {
        let service = Arc::clone(&self.service);
        let done = Committed::default();
        self.writer(&[Scope::User(id)], &done, service.write_user(id, &done))
            .await;
    }

    pub(super) async fn write(&mut self) {
        let service = Arc::clone(&self.service);
        let (id, done) = (self.id(), Committed::default());
        match self.rng.u8(..12) {
            0..4 => self.write_user(id).await,
            4 | 5 => {
                let (user, item) = (Scope::User(id), Scope::Item(id));
                let scopes = [user, Scope::Local(id), item, Scope::Bookings];
                self.writer(&scopes, &done, service.write_all_of(id, &done))
                    .await;
            }
            6 => {
                let scopes = [Scope::Users];
                self.writer(&scopes, &done, service.write_users(&done))
                    .await;
            }
            7 => {
                let scopes = [Scope::Profiles];
                self.writer(&scopes, &done, service.write_profile(id, &done))
                    .await;
            }
            8 => {
                let scopes = [Scope::Listings];
                self.writer(&scopes, &done, service.write_listing(id, &done))
                    .await;
            }
            9 => {
                let scopes = [Scope::User(id)];
                self.writer(&scopes, &done, service.write_and_fail(id, &done))
                    .await;
            }
            _ => {
                let scopes = [Scope::Local(id)];
                self.writer(&scopes, &done, service.write_local(id, &done))
                    .await;
            }
        }
    }

    /// Tags: those of annotated writers, and some that are named directly.
    pub(super) async fn write_by_tag(&mut self) {
        let service = Arc::clone(&self.service);
        let (id, page, done) = (self.id(), self.rng.u8(..2), Committed::default());
        let of_id = Scope::TaggedOf(id);
        match self.rng.u8(..8) {
            0..2 => {
                let writer = service.write_tagged(id, &done);
                self.writer(&[of_id], &done, writer).await;
            }
            2 => {
                let writer = service.write_people(&done);
                self.writer(&[Scope::TaggedPeople], &done, writer).await;
            }
            3 => {
                let title = Scope::Entry(Key::new(Family::Title, id));
                let scopes = [Scope::Item(id), title, of_id, Scope::TaggedPage(page)];
                let writer = service.write_across(id, page, &done);
                self.writer(&scopes, &done, writer).await;
            }
            direct => {
                let (tag, scope) = match direct {
                    4 | 5 => (format!("of:{id}"), of_id),
                    6 => ("people".to_owned(), Scope::TaggedPeople),
                    _ => (format!("page:{page}"), Scope::TaggedPage(page)),
                };
                let register = [Key::new(Family::Profile, id).register()];
                let commit = service.database.commit(&register, Duration::ZERO);
                if commit.await.is_ok() {
                    self.directly(scope, service.cache.invalidate_tag(&tag))
                        .await;
                }
            }
        }
    }

    pub(super) async fn write_exactly(&mut self) {
        let service = Arc::clone(&self.service);
        let (id, done) = (self.id(), Committed::default());
        let (family, page) = match self.rng.u8(..6) {
            0 => (Family::Profile, 0),
            1 => (Family::Order, self.rng.u8(..2)),
            2 => (Family::Title, 0),
            3 => (Family::Local, 0),
            4 => (Family::Badge, 0),
            _ => (Family::Listing, 0),
        };
        let key = Key { family, id, page };
        let writer = service.write_exactly(key, &done);
        self.writer(&[Scope::Entry(key)], &done, writer).await;
    }

    /// Runs a writer that writes one entry through. What it stores replaces what was there, which is as good as an invalidation.
    pub(super) async fn update(&mut self) {
        let service = Arc::clone(&self.service);
        let (id, done) = (self.id(), Committed::waiting());
        let (family, page) = match self.rng.u8(..6) {
            0 => (Family::Profile, 0),
            1 => (Family::Order, self.rng.u8(..2)),
            2 => (Family::Title, 0),
            3 => (Family::Local, 0),
            4 => (Family::Rating, 0),
            _ => (Family::Listing, 0),
        };
        let key = Key { family, id, page };
        let writer = service.update(key, &done);
        self.writer(&[Scope::Entry(key)], &done, writer).await;
    }

    /// A commit, and an invalidation that is asked for by itself.
    pub(super) async fn invalidate(&mut self) {
        let id = self.id();
        let (pattern, scope) = match self.rng.u8(..9) {
            0 => ("user:*".to_owned(), Scope::Users),
            1 => (format!("user:{id}:*"), Scope::User(id)),
            2 => ("user:*:profile".to_owned(), Scope::Profiles),
            3 => ("booking:*".to_owned(), Scope::Bookings),
            4 => ("booking:stats:listing:*".to_owned(), Scope::Listings),
            5 => ("item:*".to_owned(), Scope::Items),
            6 => (format!("item:{id}:*"), Scope::Item(id)),
            7 => ("cart:*".to_owned(), Scope::Carts),
            _ => ("local:*".to_owned(), Scope::Locals),
        };
        let service = Arc::clone(&self.service);
        let register = Key::new(Family::Profile, id).register();
        if service
            .database
            .commit(&[register], Duration::ZERO)
            .await
            .is_ok()
        {
            self.directly(scope, service.cache.invalidate(&pattern))
                .await;
            if self.rng.u8(..8) == 0 {
                self.flood(id).await;
            }
        }
    }

    /// While the store is away, far more invalidations than are remembered one by one: of what is not there, so nothing is noted of them,
    /// but what was pending before must not get lost among them.
    async fn flood(&mut self, id: u16) {
        let service = Arc::clone(&self.service);
        let (kind, first, begin) = (self.rng.u8(..3), self.rng.u32(..), now());
        for number in 0..FLOOD {
            if number % 64 == 0 {
                let away = Notes::promise(&service.cache) != Promise::Acknowledged;
                if !away || now() - begin > SECOND {
                    return;
                }
                tokio::task::yield_now().await;
            }
            let _ = match kind {
                0 => {
                    let tag = format!("flood{first}-{number}");
                    service.cache.invalidate_tag(&tag).await
                }
                1 => {
                    let pattern = format!("flood{first}-{number}:*");
                    service.cache.invalidate(&pattern).await
                }
                _ => {
                    let pattern = format!("user:{id}:{first}-{number}:*");
                    service.cache.invalidate(&pattern).await
                }
            };
        }
    }

    pub(super) async fn clear(&mut self) {
        let service = Arc::clone(&self.service);
        self.directly(Scope::Everything, service.cache.clear())
            .await;
    }

    /// Runs a direct invalidation and notes it.
    async fn directly(
        &mut self,
        scope: Scope,
        invalidation: impl Future<Output = Result<(), cachewright::Error>>,
    ) {
        let start = now();
        let promise = match self.run(invalidation).await {
            Ended::With(Ok(())) => Promise::Acknowledged,
            Ended::With(Err(_)) | Ended::Dropped(..) => Promise::Pending,
        };
        self.invalidated(scope, promise, start, now());
    }

    pub(super) async fn write_directly(&mut self) {
        let service = Arc::clone(&self.service);
        let id = self.id();
        match self.rng.u8(..8) {
            0..4 => self.set(id).await,
            4 => self.set_many().await,
            5 => {
                let cart = Key::new(Family::Cart, id);
                self.directly(Scope::Entry(cart), service.cache.remove(&plain(cart)))
                    .await;
            }
            6 => {
                let price = Key::new(Family::Price, id);
                let register = [price.register()];
                if service
                    .database
                    .commit(&register, Duration::ZERO)
                    .await
                    .is_ok()
                {
                    self.directly(Scope::Entry(price), service.cache.remove(&plain(price)))
                        .await;
                }
            }
            _ => {
                let family = *self
                    .rng
                    .choice(&[Family::Price, Family::Cart])
                    .expect("two");
                let key = plain(Key::new(family, id));
                let prolonged = service.cache.expire(&key, Duration::from_secs(7_200));
                self.run(prolonged).await;
            }
        }
    }

    /// The next value of a cart; each is set once.
    async fn next(&self, id: u16) -> Option<(Key, Value)> {
        let key = Key::new(Family::Cart, id);
        let register = [key.register()];
        let versions = self.service.database.commit(&register, Duration::ZERO);
        let version = *versions.await.ok()?.first()?;
        let value = Value {
            of: key.pack(),
            version,
            born: now(),
        };
        Some((key, value))
    }

    async fn set(&mut self, id: u16) {
        let service = Arc::clone(&self.service);
        let Some((key, value)) = self.next(id).await else {
            return;
        };
        let start = now();
        let set = self.run(service.cache.set(&plain(key), value, None)).await;
        self.was_set(key, value, &set, start);
    }

    fn was_set(
        &self,
        key: Key,
        value: Value,
        set: &Ended<Result<(), cachewright::Error>>,
        start: u64,
    ) {
        let promise = match set {
            Ended::With(Ok(())) => Promise::Acknowledged,
            Ended::With(Err(_)) | Ended::Dropped(..) => Promise::Pending,
        };
        let event = Event::Set {
            key,
            version: value.version,
            promise,
        };
        self.note(event, start);
    }

    async fn set_many(&mut self) {
        let service = Arc::clone(&self.service);
        let first = self.id();
        let mut values = Vec::new();
        for id in [first, (first + 1) % service.workload.ids] {
            values.extend(self.next(id).await);
        }
        let named = values.iter().map(|(key, value)| (plain(*key), *value));
        let named: Vec<_> = named.collect();
        let start = now();
        let set = self.run(service.cache.set_many(named, None)).await;
        for (key, value) in values {
            self.was_set(key, value, &set, start);
        }
    }
}
