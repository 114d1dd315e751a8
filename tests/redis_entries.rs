//! What stands in Redis: under which names, for how long, and for whom.

mod redis;

use std::process::Command;

use cachewright_test_support::{RedisServer, eventually};
use redis::service::Users;
use redis::{RECOVERY, cache, key_below, keys};

/// Ids that would be dangerous if they were not escaped, each different from the others.
fn hostile_ids() -> Vec<String> {
    let plain = [
        "42",
        "42:*",
        "*",
        "42*",
        "?",
        "[4]2",
        "{42}",
        "}{",
        "",
        "%",
        "%none",
        "%2A",
        "ü",
        "名前",
        "4\n2",
        "4\r\n2",
        "4\x002",
        "~n:user",
        "!c:42",
        "42:profile",
        ":",
        "\\*",
        "^",
        " ",
        "🍜",
    ];
    let mut ids: Vec<String> = plain.map(str::to_owned).into();
    ids.push("long".repeat(10_000));
    ids.push("long".repeat(10_000) + "!");
    ids
}

fn both(server: &RedisServer) -> (Users, Users) {
    let here = Users::new(cache(&server.url()));
    let there = here.through(cache(&server.url()));
    (here, there)
}

#[tokio::test]
async fn keys_on_the_server_have_the_visible_form() {
    let server = RedisServer::start();
    let (users, _) = both(&server);
    users.profile("42").await;
    let names = keys(&server);
    let names: Vec<_> = names
        .iter()
        .map(|name| str::from_utf8(name).unwrap())
        .collect();
    let (values, generations): (Vec<&str>, Vec<&str>) = names
        .into_iter()
        .partition(|name| !name.starts_with("app:~"));
    let [value] = values[..] else {
        panic!("{values:?}");
    };
    let hash = value.strip_prefix("app:user:42:profile:profile:").unwrap();
    assert_eq!(hash.len(), 32, "{value}");
    assert!(hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{value}");
    assert!(generations[0].starts_with("app:~l:"), "{generations:?}");
    assert_eq!(
        generations[1..],
        [
            "app:~n:user",
            "app:~n:user:42",
            "app:~n:user:42:profile",
            "app:~n:user:42:profile:profile"
        ]
    );
}

#[tokio::test]
async fn a_second_process_hits_what_the_first_has_computed() {
    let server = RedisServer::start();
    let (here, there) = both(&server);
    assert!(!here.hits("42").await);
    assert!(there.hits("42").await);
    there.rename("42").await;
    assert!(!here.hits("42").await);
    assert!(there.hits("42").await);
}

/// Runs this very test in another process, which hits, invalidates and fills.
#[tokio::test]
async fn a_process_of_its_own_hits_and_invalidates_for_this_one() {
    const TEST: &str = "a_process_of_its_own_hits_and_invalidates_for_this_one";
    const SERVER: &str = "CACHEWRIGHT_TEST_SERVER";
    if let Ok(url) = std::env::var(SERVER) {
        let users = Users::new(cache(&url));
        users.database.commit("42");
        users.database.commit("42");
        // From the other process, whose database is at 1.
        assert_eq!(users.profile("42").await, 1);
        users.rename("42").await;
        assert_eq!(users.profile("42").await, 3);
        return;
    }
    let server = RedisServer::start();
    let users = Users::new(cache(&server.url()));
    users.rename("42").await;
    assert_eq!(users.profile("42").await, 1);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", TEST]).env(SERVER, server.url());
    let output = child.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}"
    );
    assert_eq!(users.profile("42").await, 3);
    assert_eq!(users.database.queries(), 1);
}

#[tokio::test]
async fn the_server_holds_an_entry_for_its_ttl_and_its_generations_for_longer() {
    let server = RedisServer::start();
    let (users, _) = both(&server);
    users.profile("42").await;
    let left = |name: &str| server.command(&["PTTL", name]).integer();
    let value = key_below(&server, "app:user:42:profile:");
    assert!((1..=600_000).contains(&left(&value)), "{}", left(&value));
    for name in keys(&server) {
        let name = String::from_utf8(name).unwrap();
        assert!(name == value || left(&name) > 600_000, "{name}");
    }
    server.command(&["PEXPIRE", &value, "1"]);
    eventually(RECOVERY, || keys(&server).len() == 5).await;
    assert!(!users.hits("42").await);
    assert!(users.hits("42").await);
}

#[tokio::test]
async fn an_absence_is_kept_for_a_time_of_its_own() {
    let server = RedisServer::start();
    let (here, there) = both(&server);
    assert_eq!(here.nick("42").await, None);
    assert_eq!(there.nick("42").await, None);
    assert_eq!(here.database.queries(), 1);
    let name = key_below(&server, "app:user:42:nick:");
    let left = server.command(&["PTTL", &name]).integer();
    assert!((1..=30_000).contains(&left), "{left}");
    there.rename("42").await;
    assert_eq!(here.nick("42").await.as_deref(), Some("421"));
    let left = server.command(&["PTTL", &name]).integer();
    assert!(left > 30_000, "{left}");
}

#[tokio::test]
async fn hostile_ids_are_kept_apart_and_invalidate_exactly_their_own() {
    let server = RedisServer::start();
    let (here, there) = both(&server);
    let ids = hostile_ids();
    for id in &ids {
        assert!(!here.hits(id).await, "{id:?}");
    }
    for written in &ids {
        there.rename(written).await;
        for id in &ids {
            assert_eq!(here.hits(id).await, id != written, "{id:?} by {written:?}");
        }
    }
    let name = |name: &Vec<u8>| !name.iter().any(|byte| b"*?[{}\n\0\\".contains(byte));
    assert!(keys(&server).iter().all(name));
}

#[tokio::test]
async fn hostile_keys_are_kept_apart_and_removed_alone() {
    let server = RedisServer::start();
    let (here, there) = (cache(&server.url()), cache(&server.url()));
    let ids: Vec<_> = hostile_ids().iter().map(|id| format!("x{id}")).collect();
    for id in &ids {
        here.set(id, id.clone(), None).await.unwrap();
    }
    let mut left = ids.clone();
    for removed in &ids {
        there.remove(removed).await.unwrap();
        // What stands below a key goes with it, for its segments are nodes.
        left.retain(|id| id != removed && !id.starts_with(&format!("{removed}:")));
        for id in &ids {
            let found: Option<String> = here.get(id).await.unwrap();
            let expected = left.contains(id).then_some(id);
            assert_eq!(found.as_ref(), expected, "after {removed:?}");
        }
    }
}
