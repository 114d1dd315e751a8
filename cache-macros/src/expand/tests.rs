//! Expansions compared with `src/snapshots/*.rs`, which `UPDATE_SNAPSHOTS=1 cargo test -p cache-macros` writes anew.

use std::fs;
use std::path::PathBuf;

use crate::{Expand, annotate, expand_cached, expand_invalidate, expand_update};

fn expansion(name: &str, expand: Expand, arguments: &str, item: &str) -> String {
    let tokens = annotate(
        name,
        arguments.parse().unwrap(),
        item.parse().unwrap(),
        expand,
    );
    prettyplease::unparse(&syn::parse2(tokens).unwrap())
}

fn cached(arguments: &str, item: &str) -> String {
    expansion("cached", expand_cached, arguments, item)
}

fn invalidate(arguments: &str, item: &str) -> String {
    expansion("invalidate_cache", expand_invalidate, arguments, item)
}

fn update(arguments: &str, item: &str) -> String {
    expansion("update_cache", expand_update, arguments, item)
}

/// Compares the expansion of an attribute on `item` with the one that is kept.
#[track_caller]
fn assert_expansion(name: &str, item: &str, expanded: &str) {
    assert_is_short(item, expanded);
    assert_snapshot(name, expanded);
}

#[track_caller]
pub(crate) fn assert_snapshot(name: &str, expanded: &str) {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/snapshots");
    let path = directory.join(name).with_extension("rs");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(&directory).unwrap();
        fs::write(&path, expanded).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == expanded,
        "{} is not what it expands to now:\n{expanded}",
        path.display()
    );
}

/// An expansion is there to be read, when it is stepped through or an error shows it.
#[track_caller]
fn assert_is_short(item: &str, expanded: &str) {
    let written = prettyplease::unparse(&syn::parse_str(item).unwrap());
    let lines = expanded.lines().count() - written.lines().count();
    assert!(lines <= 25, "{lines} lines around the body:\n{expanded}");
}

const PROFILE: &str = "
    async fn profile(&self, user_id: i64) -> Result<Option<Profile>, Error> {
        self.database.load(user_id).await
    }
";

const EVERY_ARGUMENT: &str = r#"
    key_prefix = "user:{self.region}:{pair.0}", ttl = self.ttl, none_ttl = "30s", skip(db), scope = self.tenant_id,
    version = 2, cache = self.cache, single_flight = "off"
"#;

const EVERY_ARGUMENT_OF_A_PROFILE: &str = r#"
    key_prefix = "user:{self.region}:{user_id}", ttl = self.ttl, none_ttl = "30s", key(user_id), scope = self.tenant_id,
    version = 2, cache = self.cache, single_flight = "off", tier = "shared"
"#;

#[test]
fn a_cached_async_method() {
    let arguments = r#"ttl = "1h", none_ttl = 30, key_prefix = "user:{user_id}:profile""#;
    assert_expansion("cached_async_method", PROFILE, &cached(arguments, PROFILE));
}

#[test]
fn a_cached_sync_function() {
    let item = "fn total(prices: &[u64]) -> u64 { prices.iter().sum() }";
    assert_expansion("cached_sync_function", item, &cached("", item));
}

#[test]
fn every_argument_of_cached() {
    let item = "
        #[must_use]
        pub(crate) async fn get(
            self: Arc<Self>, pair: (u64, u64), #[cfg(test)] only: u64, db: &Database,
        ) -> Option<String> {
            db.get(pair).await
        }
    ";
    assert_expansion("cached_every_argument", item, &cached(EVERY_ARGUMENT, item));
}

#[test]
fn conditions() {
    let item = "
        async fn quote(&self, city: &str, limit: u32) -> Result<Option<Quote>, Error> {
            self.database.quote(city, limit).await
        }
    ";
    let arguments = r#"
        bypass_if = limit == 0, store_if = Quote::is_final, ttl_with = |quote| quote.lifetime(self.zone), ttl = "1h",
        none_ttl = 30, jitter = 0.1
    "#;
    assert_expansion("cached_conditions", item, &cached(arguments, item));
}

#[test]
fn patterns_and_generics() {
    let item = "
        fn get<'a, T: Serialize>(
            (a, mut b): (u64, u64), Point { x, .. }: Point, _: u64, &id: &u64, mut n: u64, value: &'a T,
        ) -> Result<T, Error> where T: Clone {
            #![allow(unused_mut)]
            n += a + b;
            Ok(value.clone())
        }
    ";
    let arguments = r#"outcome = "result", tier = "memory""#;
    assert_expansion(
        "cached_patterns_and_generics",
        item,
        &cached(arguments, item),
    );
}

#[test]
fn a_chosen_key() {
    let item = "fn get(ids: Vec<u64>, filter: Filter) -> usize { filter.count(ids) }";
    let arguments =
        r#"key(ids.len() + 1, filter.city), key_prefix = "{filter.city}:{filter.sort}""#;
    assert_expansion("cached_chosen_key", item, &cached(arguments, item));
}

#[test]
fn a_batch() {
    let item = "
        async fn users(&self, db: &Database, mut ids: Vec<i64>) -> Result<HashMap<i64, User>, Error> {
            ids.sort();
            db.load(&ids).await
        }
    ";
    let arguments = r#"key_prefix = "user:{ids}", ttl = 300, batch = ids, skip(db)"#;
    assert_expansion("cached_batch", item, &cached(arguments, item));
}

#[test]
fn an_invalidating_async_method() {
    let item = "
        async fn create(&self, user_id: i64, booking: NewBooking) -> Result<Booking, Error> {
            self.database.insert(user_id, booking).await
        }
    ";
    let arguments = r#""booking:*", "user:{user_id}:*""#;
    assert_expansion(
        "invalidate_async_method",
        item,
        &invalidate(arguments, item),
    );
}

#[test]
fn entries_with_tags() {
    let arguments =
        r#"key_prefix = "user:{user_id}", tags("team:{self.team}", "user:{user_id}", "catalog")"#;
    assert_expansion("cached_tags", PROFILE, &cached(arguments, PROFILE));
}

#[test]
fn tags_that_are_invalidated() {
    let item = "
        async fn rename(&self, team: Team) -> Result<(), Error> {
            self.database.rename(team).await
        }
    ";
    let arguments = r#""team:{team.id}:*", tags("team:{team.id}", "catalog")"#;
    assert_expansion("invalidate_tags", item, &invalidate(arguments, item));
}

#[test]
fn an_invalidating_sync_method() {
    let item =
        "fn drop_all(&mut self, n: usize) -> impl Iterator<Item = u64> { self.entries.drain(..n) }";
    let arguments = r#"pattern = "booking", on = "always", cache = cache_of(self)"#;
    assert_expansion("invalidate_sync_method", item, &invalidate(arguments, item));
}

/// What the attributes below `#[async_trait]` get to see of `async fn get(&self, id: i64) -> Option<User>`.
const OF_ASYNC_TRAIT: &str = "
    fn get<'life0, 'async_trait>(
        &'life0 self, id: i64
    ) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Option<User>> + ::core::marker::Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let __self = self;
            let __ret: Option<User> = { __self.database.load(id).await };
            __ret
        })
    }
";

#[test]
fn a_cached_method_of_async_trait() {
    assert_expansion(
        "cached_async_trait",
        OF_ASYNC_TRAIT,
        &cached("ttl = 60", OF_ASYNC_TRAIT),
    );
}

#[test]
fn a_cached_method_whose_body_may_go_on_after_the_call() {
    let arguments =
        r#"ttl = "1h", stale_while_revalidate = "10m", stale_if_error = "1d", timeout = "200ms""#;
    let expanded = cached(arguments, PROFILE);
    assert_expansion("cached_owned_method", PROFILE, &expanded);
}

#[test]
fn a_cached_sync_function_whose_body_may_go_on_after_the_call() {
    let item = "fn total(prices: &[u64], mut rate: &Rate, tax: u64) -> u64 { rate.of(prices.iter().sum() + tax) }";
    let expanded = cached("refresh_ahead = 0.1", item);
    assert_expansion("cached_owned_function", item, &expanded);
}

#[test]
fn a_cached_method_of_async_trait_whose_body_may_go_on_after_the_call() {
    assert_expansion(
        "cached_owned_async_trait",
        OF_ASYNC_TRAIT,
        &cached(r#"ttl = 60, refresh_ahead = "5s""#, OF_ASYNC_TRAIT),
    );
}

#[test]
fn what_is_owned_or_not_mentioned_is_not_cloned() {
    let item = "
        async fn get(self: Arc<Self>, id: u64, name: &'static str, log: &mut Log) -> u64 { self.load(id, name) }
    ";
    let expanded = cached("refresh_ahead = 5, skip(log)", item);
    assert!(expanded.contains("or_refresh(move || "), "{expanded}");
    assert!(expanded.contains("self.load(id, name)"), "{expanded}");
    assert!(!expanded.contains("Borrowed"), "{expanded}");
}

#[test]
fn an_expired_value_that_answers_an_error_needs_no_body_of_its_own() {
    let expanded = cached(r#"stale_if_error = "1h""#, PROFILE);
    assert!(
        expanded.contains("stale_if_error_millis(3600000)"),
        "{expanded}"
    );
    assert!(expanded.contains(".or_stale(async move || "), "{expanded}");
}

#[test]
fn an_entry_that_is_named_by_a_call_of_a_method() {
    let item = "
        async fn rename(&self, id: i64, name: String) -> Result<(), Error> {
            self.database.rename(id, name).await
        }
    ";
    let arguments = "entry = self.users.profile(id), entry = self.users.by_name(&name, 7)";
    let expanded = invalidate(arguments, item);
    assert_snapshot("invalidate_entry_of_a_method", &expanded);
    assert!(expanded.lines().count() <= 25 + item.trim().lines().count());
}

#[test]
fn an_entry_that_is_named_by_a_call_of_a_path() {
    let item = "fn book(users: &Users, day: u32) { users.book(day) }";
    let arguments = "entry = reports::of_day::<u8>(_, day)";
    assert_snapshot("invalidate_entry_of_a_path", &invalidate(arguments, item));
}

#[test]
fn an_updating_async_method() {
    let item = "
        async fn rename(&self, user_id: i64, name: String) -> Result<Profile, Error> {
            self.database.rename(user_id, name).await
        }
    ";
    let arguments = "entry = self.get_profile(user_id)";
    assert_expansion("update_async_method", item, &update(arguments, item));
}

#[test]
fn an_updating_function_with_every_argument() {
    let item = "fn book(users: &Users, day: u32) -> Option<Day> { users.book(day) }";
    let arguments =
        r#"entry = reports::of_day::<u8>(users, day + 1), entry = users.day(&day), on = "always""#;
    assert_expansion("update_sync_function", item, &update(arguments, item));
}

#[test]
fn an_updating_function_whose_call_needs_something_made() {
    let item = "fn book(users: &Users, day: &str) -> Option<Day> { users.book(day) }";
    let arguments = "entry = users.calendar().day(users.number(day), true)";
    assert_expansion("update_made_call", item, &update(arguments, item));
}

#[test]
fn a_function_with_a_mistake_stays_as_it_was() {
    let expanded = cached("ttl = 0, tll = 3", PROFILE);
    let (errors, function) = expanded.split_at(expanded.find("async fn").unwrap());
    assert_eq!(errors.matches("compile_error!").count(), 2);
    let written = prettyplease::unparse(&syn::parse_str(PROFILE).unwrap());
    assert_eq!(function, written);
}

// While it is typed its callers, and those of its methods, have to be known.
#[test]
fn a_function_with_an_unfinished_body_stays() {
    let item = "async fn profile(&self, user_id: i64) -> u64 { self. }";
    let tokens = annotate(
        "cached",
        "ttl = 300".parse().unwrap(),
        item.parse().unwrap(),
        expand_cached,
    );
    let expanded = tokens.to_string();
    assert!(expanded.contains("async fn profile (& self , user_id : i64) -> u64"));
    assert!(expanded.contains("{ self . }") && !expanded.contains("compile_error"));
}

#[test]
fn an_unfinished_body_that_may_go_on_after_the_call_stays() {
    let item = "async fn profile(&self, user_id: i64) -> u64 { self. }";
    let tokens = annotate(
        "cached",
        "refresh_ahead = 0.1".parse().unwrap(),
        item.parse().unwrap(),
        expand_cached,
    );
    let expanded = tokens.to_string();
    assert!(
        expanded.contains("{ let this = this . lend () ; this . }"),
        "{expanded}"
    );
    assert!(!expanded.contains("compile_error"), "{expanded}");
}

#[test]
fn an_expansion_is_short_enough_to_read() {
    // Every snapshot is held to it as well.
    let arguments = r#"ttl = "1h", none_ttl = 30, key_prefix = "user:{user_id}:profile""#;
    assert_is_short(PROFILE, &cached(arguments, PROFILE));
    assert_is_short(PROFILE, &cached(EVERY_ARGUMENT_OF_A_PROFILE, PROFILE));
}
