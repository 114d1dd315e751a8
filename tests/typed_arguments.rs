//! Writers that name entries by a call: what may be called, and what may be given to it. Nothing that the macro
//! writes may give a warning.
#![deny(warnings, clippy::all, clippy::pedantic)]

#[path = "support/service.rs"]
#[allow(clippy::pedantic, reason = "is not what this is about")]
mod service;
#[path = "support/users.rs"]
#[allow(clippy::pedantic, reason = "is not what this is about")]
mod users;

use std::ops::Deref;
use std::sync::Arc;

use cachewright::{cached, invalidate_cache};
use serde::{Serialize, Serializer};
use users::{Users, outdated, readers_and_writers};

/// Serialized as bytes, which a slice is not.
struct Blob(Vec<u8>);

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

#[derive(Clone, Copy, Serialize)]
struct UserId(u64);

impl From<u64> for UserId {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

#[derive(Clone)]
struct Booking {
    user_id: UserId,
    email: String,
    days: Vec<u8>,
}

/// What reads: each answers another number whenever its body runs.
impl Users {
    #[cached(cache = self.cache)]
    async fn by_id(&self, id: UserId) -> u64 {
        let _ = id;
        self.ask()
    }

    #[cached(cache = self.cache)]
    async fn by_email(&self, email: &str) -> u64 {
        let _ = email;
        self.ask()
    }

    #[cached(cache = self.cache)]
    async fn by_owned(&self, email: String) -> u64 {
        let _ = email;
        self.ask()
    }

    #[cached(cache = self.cache)]
    async fn by_text(&self, text: impl Into<String> + Serialize + Send + Sync) -> u64 {
        let _ = text;
        self.ask()
    }

    #[cached(cache = self.cache)]
    async fn by_numbers(&self, small: i8, long: i64, single: f32, id: Option<u64>) -> u64 {
        let _ = (small, long, single, id);
        self.ask()
    }

    #[cached(cache = self.cache)]
    async fn by_slices(&self, days: &[u8], names: &[&str], nested: &&u64) -> u64 {
        let _ = (days, names, nested);
        self.ask()
    }

    #[cached(cache = self.cache)]
    #[allow(clippy::too_many_arguments, reason = "is what this is about")]
    async fn by_thirteen(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
        m: u8,
    ) -> u64 {
        let _ = (a, b, c, d, e, f, g, h, i, j, k, l, m);
        self.ask()
    }

    #[cached(cache = self.cache)]
    async fn shared(self: Arc<Self>, r#type: u8) -> u64 {
        let _ = r#type;
        self.ask()
    }

    #[cached(cache = self.cache)]
    async fn r#match(&self, id: u8) -> u64 {
        let _ = id;
        self.ask()
    }

    #[cached(cache = self.cache)]
    fn blocking(&self, id: u8) -> Result<u64, ()> {
        let _ = id;
        Ok(self.ask())
    }
}

/// What writes.
impl Users {
    #[invalidate_cache(
        cache = self.cache,
        entry = self.by_id(booking.user_id),
        entry = self.by_email(&booking.email),
        entry = self.by_owned(booking.email.clone()),
        entry = self.by_slices(&booking.days, &["a", &booking.email], &&7)
    )]
    async fn book(&self, booking: Booking) -> Booking {
        booking
    }

    #[invalidate_cache(cache = self.cache, entry = self.by_id(id.into()), entry = self.by_owned(email))]
    async fn convert(&self, id: u64, email: String) -> String {
        email
    }

    #[invalidate_cache(cache = self.cache, entry = self.by_numbers(-7, 3_000_000_000, 0.1, None))]
    #[invalidate_cache(cache = self.cache, entry = self.by_numbers(7, -1, -0.5, Some(id)))]
    #[invalidate_cache(cache = self.cache, entry = self.by_numbers(i8::MAX, i64::from(8), 1e3, Default::default()))]
    #[allow(clippy::default_trait_access, reason = "the call would be, too")]
    async fn calculate(&self, id: u64) {
        let _ = id;
    }

    #[invalidate_cache(cache = self.cache, entry = self.by_text("ann"), entry = self.by_email("ann"))]
    #[invalidate_cache(cache = self.cache, entry = self.by_text(&name), entry = self.by_text(name))]
    async fn tell(&self, name: String) {
        drop(name);
    }

    #[invalidate_cache(cache = self.cache, entry = self.by_slices(&blob, &[], &&1))]
    async fn store(&self, blob: Blob) {
        drop(blob);
    }

    #[invalidate_cache(cache = self.cache, entry = self.by_thirteen(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, id))]
    async fn many(&self, id: u8) {
        let _ = id;
    }

    #[invalidate_cache(
        cache = self.cache,
        entry = self.r#match(self.region.len() as u8 + next(&mut self.region)?),
        entry = self.blocking(later(3).await),
        entry = Arc::new(self.clone()).shared(4)
    )]
    #[allow(clippy::cast_possible_truncation, reason = "it is short")]
    async fn mutate(&mut self) -> Result<(), String> {
        self.region.clear();
        Ok(())
    }

    #[invalidate_cache(cache = self.cache, entry = Arc::clone(&self).shared(id), entry = self.blocking(id))]
    async fn own(self: Arc<Self>, id: u8) -> Arc<Self> {
        self
    }

    #[invalidate_cache(cache = self.cache, entry = Users::blocking(_, id), entry = Self::shared(_, id))]
    fn by_path(&self, id: u8) {
        let _ = id;
    }
}

fn next(region: &mut String) -> Result<u8, String> {
    region.push('x');
    u8::try_from(region.len()).map_err(|error| error.to_string())
}

async fn later(id: u8) -> u8 {
    tokio::task::yield_now().await;
    id
}

#[tokio::test]
async fn places_stay_for_the_body_and_references_are_coerced_as_in_the_call() {
    for (reader, writer) in readers_and_writers() {
        let (users, email) = (&reader, "ann@a.b");
        let booking = Booking {
            user_id: UserId(7),
            email: email.to_owned(),
            days: vec![1, 2],
        };
        let named = async || {
            users.by_id(UserId(7)).await;
            users.by_email(email).await;
            users.by_owned(email.to_owned()).await;
            users.by_slices(&[1, 2], &["a", email], &&7).await;
        };
        let bystanders = async || {
            users.by_id(UserId(8)).await;
            users.by_email("ann").await;
            users.by_slices(&[1, 2], &["a"], &&7).await;
        };
        let write = async { drop(writer.book(booking).await) };
        assert_eq!(outdated(users, named, bystanders, write).await, (4, 0));

        let named = async || {
            users.by_id(UserId(9)).await;
            users.by_owned(email.to_owned()).await;
        };
        let write = writer.convert(9, email.to_owned());
        assert_eq!(outdated(users, named, bystanders, write).await, (2, 0));
    }
}

#[tokio::test]
async fn literals_have_the_type_of_the_parameter() {
    for (reader, writer) in readers_and_writers() {
        let users = &reader;
        let named = async || {
            users.by_numbers(-7, 3_000_000_000, 0.1, None).await;
            users.by_numbers(7, -1, -0.5, Some(5)).await;
            users.by_numbers(127, 8, 1000.0, None).await;
        };
        let bystanders = async || {
            users.by_numbers(-7, 3_000_000_000, 0.1, Some(5)).await;
            users.by_numbers(7, -1, 0.5, Some(5)).await;
        };
        let write = outdated(users, named, bystanders, writer.calculate(5));
        assert_eq!(write.await, (3, 0));
    }
}

#[tokio::test]
async fn a_parameter_of_any_type_takes_what_it_is_given() {
    for (reader, writer) in readers_and_writers() {
        let users = &reader;
        let named = async || {
            users.by_text("ann").await;
            users.by_email("ann").await;
            users.by_text("ben".to_owned()).await;
        };
        let bystanders = async || users.by_text("ben ").await;
        let write = outdated(users, named, bystanders, writer.tell("ben".to_owned()));
        assert_eq!(write.await, (3, 0));
    }
}

#[tokio::test]
async fn what_is_coerced_is_written_as_what_the_function_is_given() {
    for (reader, writer) in readers_and_writers() {
        let users = &reader;
        let named = async || users.by_slices(&[1, 2, 3], &[], &&1).await;
        let bystanders = async || users.by_slices(&[1, 2], &[], &&1).await;
        let write = writer.store(Blob(vec![1, 2, 3]));
        assert_eq!(outdated(users, named, bystanders, write).await, (1, 0));
    }
}

#[tokio::test]
async fn any_receiver_and_any_number_of_arguments_will_do() {
    for (reader, mut writer) in readers_and_writers() {
        let users = &Arc::new(reader);
        let named = async || {
            users
                .by_thirteen(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
                .await
        };
        let bystanders = async || {
            users
                .by_thirteen(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0)
                .await
        };
        let write = outdated(users, named, bystanders, writer.many(13));
        assert_eq!(write.await, (1, 0));

        let named = async || {
            users.r#match(2 + 3).await;
            users.blocking(3).unwrap();
            Arc::clone(users).shared(4).await;
        };
        let bystanders = async || {
            users.r#match(3).await;
            users.blocking(4).unwrap();
            Arc::clone(users).shared(3).await;
        };
        let write = async { writer.mutate().await.unwrap() };
        assert_eq!(outdated(users, named, bystanders, write).await, (3, 0));

        let named = async || {
            users.blocking(5).unwrap();
            Arc::clone(users).shared(5).await;
        };
        let writer = Arc::new(writer);
        let write = async { drop(Arc::clone(&writer).own(5).await) };
        assert_eq!(outdated(users, named, bystanders, write).await, (2, 0));
        let write = async { writer.by_path(5) };
        assert_eq!(outdated(users, named, bystanders, write).await, (2, 0));
    }
}

/// The parts of a call, as a `macro_rules` macro is given them.
macro_rules! writer {
    ($name:ident, $call:expr, $function:path, $id:expr, $unused:expr) => {
        impl Users {
            #[invalidate_cache(cache = self.cache, entry = $call, entry = $function($unused, $id))]
            fn $name(&self) {}
        }
    };
}

#[cached(cache = users.cache, skip(users))]
fn beside(users: &Users, id: u64) -> u64 {
    let _ = id;
    users.ask()
}

writer!(written_by_macro, beside(_, 1), beside, 1 + 1, _);

#[tokio::test]
async fn what_went_through_a_macro_rules_macro_names_an_entry() {
    for (reader, writer) in readers_and_writers() {
        let users = &reader;
        let named = async || beside(users, 1) + beside(users, 2);
        let bystanders = async || beside(users, 3);
        let write = async { writer.written_by_macro() };
        assert_eq!(outdated(users, named, bystanders, write).await, (2, 0));
    }
}
