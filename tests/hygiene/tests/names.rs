//! No prelude, and names of its own for everything that an expansion could mean.
#![no_implicit_prelude]
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]
#![allow(dead_code, unused_macros)]

mod core {}
mod std {}
mod alloc {}
mod cachewright {}
mod linkme {}
mod cw {}

struct Option;
struct Result;
struct Box;
struct Vec;
struct String;
struct Some;
struct Returns;
struct Unseen;
struct Function;
struct Borrowed;
struct Owned;
trait Send {}
trait Sized {}
trait Fn {}
trait FnOnce {}
trait Future {}
trait Clone {}
trait Into {}
trait Deref {}

const FUNCTION: u64 = 3;
const INVALIDATOR: u64 = 4;

fn installed() -> u64 {
    5
}

fn lookup() {}
fn invalidation() {}
fn call() {}
fn outcome() {}
fn value_of() {}
fn future_of() {}
fn drop() {}

macro_rules! function {
    () => {
        ::std::compile_error!("not this one")
    };
}
macro_rules! invalidator {
    () => {
        ::std::compile_error!("not this one")
    };
}
macro_rules! module_path {
    () => {
        ::std::compile_error!("not this one")
    };
}
macro_rules! file {
    () => {
        ::std::compile_error!("not this one")
    };
}
macro_rules! line {
    () => {
        ::std::compile_error!("not this one")
    };
}

#[derive(
    ::std::clone::Clone,
    ::std::cmp::PartialEq,
    ::std::fmt::Debug,
    ::serde::Serialize,
    ::serde::Deserialize,
)]
struct Profile(u64);

#[::cw::cached(crate = ::cw, ttl = 60, none_ttl = 30, key_prefix = "user:{id}", scope = FUNCTION)]
async fn profile(
    id: u64,
) -> ::std::result::Result<::std::option::Option<Profile>, ::std::string::String> {
    ::std::result::Result::Ok(::std::option::Option::Some(Profile(
        id + FUNCTION + installed(),
    )))
}

#[::cw::cached(crate = ::cw, key(id, _unused), version = 2, single_flight = "off")]
fn profiles(id: u64, _unused: &str) -> ::std::vec::Vec<Profile> {
    ::std::vec![Profile(id + INVALIDATOR)]
}

#[::cw::invalidate_cache("user:{id}:*", entry = profiles(id, "x"), on = "always", crate = ::cw)]
async fn write(id: u64) -> ::std::result::Result<(), ::std::string::String> {
    ::std::result::Result::Ok(())
}

#[::cw::update_cache(entry = profile(call), entry = profile(answer + 1), crate = ::cw)]
async fn replace(call: u64, answer: u64, update: Profile) -> Profile {
    let _ = (call, answer);
    update
}

#[::cw::update_cache(entry = profile(::std::cmp::max(receiver, argument_0)), crate = ::cw)]
async fn replace_newest(receiver: u64, argument_0: u64, call: Profile) -> Profile {
    let _ = (receiver, argument_0);
    call
}

#[::cw::invalidate_cache("user", crate = ::cw)]
fn clear() {}

#[derive(::std::clone::Clone)]
struct Service<Item> {
    cache: ::cw::Cache,
    item: Item,
}

impl<Item> Service<Item>
where
    Item: ::std::clone::Clone
        + ::serde::Serialize
        + ::serde::de::DeserializeOwned
        + ::std::marker::Send
        + ::std::marker::Sync
        + 'static,
{
    #[::cw::cached(crate = ::cw, cache = self.cache)]
    fn items(&self) -> ::std::vec::Vec<Item> {
        ::std::vec![self.item.clone()]
    }

    #[::cw::cached(crate = ::cw, cache = self.cache, outcome = "result", refresh_ahead = 0.1)]
    async fn refreshed(
        &self,
        id: &u64,
        text: &str,
    ) -> ::std::result::Result<Item, ::std::string::String> {
        let (_this, _text): (u64, &str) = (*id, text);
        ::std::result::Result::Ok(self.item.clone())
    }

    #[::cw::cached(crate = ::cw, cache = self.cache, timeout = 1, stale_if_error = 2)]
    fn refreshed_and_blocking(&self, id: &u64) -> ::std::vec::Vec<Item> {
        ::std::vec![self.item.clone(); ::std::convert::From::from(*id > 0)]
    }

    #[::cw::cached(crate = ::cw, cache = self.cache, outcome = "option")]
    fn boxed<'a>(
        &'a self,
        id: u64,
    ) -> ::std::pin::Pin<
        ::std::boxed::Box<
            dyn ::std::future::Future<Output = ::std::option::Option<Item>>
                + ::std::marker::Send
                + 'a,
        >,
    > {
        ::std::boxed::Box::pin(async move { (id > 0).then(|| self.item.clone()) })
    }
}

async fn all() {
    use ::std::assert_eq;
    let service = Service {
        cache: ::cw::Cache::builder().build().unwrap(),
        item: 7_u64,
    };
    for _ in 0..2 {
        let kept = ::std::option::Option::Some(Profile(9));
        assert_eq!(profile(1).await, ::std::result::Result::Ok(kept));
        assert_eq!(profiles(1, "x"), [Profile(5)]);
        assert_eq!(service.items(), [7]);
        assert_eq!(service.boxed(1).await, ::std::option::Option::Some(7));
        assert_eq!(
            service.refreshed(&1, "x").await,
            ::std::result::Result::Ok(7)
        );
        assert_eq!(service.refreshed_and_blocking(&1), [7]);
        assert_eq!(write(1).await, ::std::result::Result::Ok(()));
        clear();
        replace(1, 1, Profile(9)).await;
        replace_newest(1, 2, Profile(9)).await;
    }
}

#[test]
fn nothing_of_the_users_is_taken_for_ours() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(all());
}
