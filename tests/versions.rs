//! A release that counts up `version` reads nothing of the release before it, and invalidates it.

use cachewright::__private::{Function, Returns, lookup};
use cachewright::Cache;

/// One function as an expansion calls it. In a program its version is a constant; here it changes with the descriptor and nothing
/// else does, as between two releases.
async fn name(cache: &Cache, function: &'static Function, id: u64, loaded: &str) -> String {
    let outcome = Returns::<String>::new().outcome();
    let call = lookup(
        cache,
        function,
        outcome,
        |key| {
            key.argument(&id);
        },
        |prefix| {
            prefix.segment(&id);
        },
    );
    call.or_compute(async || loaded.to_owned()).await
}

static FIRST: Function = Function::new("name", "user:{id}", "", "", 0).version(1);
static SECOND: Function = Function::new("name", "user:{id}", "", "", 0).version(2);

/// The segment of the function and that of the hash.
fn last_two(key: &str) -> (&str, &str) {
    let (rest, hash) = key.rsplit_once(':').unwrap();
    (rest.rsplit_once(':').unwrap().1, hash)
}

#[tokio::test]
async fn two_versions_of_a_function_do_not_share_entries() {
    let cache = Cache::builder().build().unwrap();
    assert_eq!(
        name(&cache, &FIRST, 42, "of the first").await,
        "of the first"
    );
    assert_eq!(
        name(&cache, &SECOND, 42, "of the second").await,
        "of the second"
    );
    assert_eq!(name(&cache, &FIRST, 42, "again").await, "of the first");

    let keys = cache.keys();
    let ((first, one), (second, other)) = (last_two(&keys[0]), last_two(&keys[1]));
    assert_eq!((first, second), ("name.v1", "name.v2"));
    assert_ne!(one, other, "the hash counts the version in");

    for pattern in ["user:42:*", "user:42:name", "user:42:name.v2"] {
        name(&cache, &FIRST, 42, "").await;
        name(&cache, &SECOND, 42, "").await;
        cache.invalidate(pattern).await.unwrap();
        assert!(cache.keys().is_empty(), "{pattern} spares a version");
    }
}
