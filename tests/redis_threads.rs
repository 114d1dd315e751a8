//! The threads of a cache with a store end with it. A process of its own: it counts threads.
#![cfg(target_os = "linux")]

mod redis;

use cachewright_test_support::{RedisServer, eventually_blocking};
use redis::service::Users;
use redis::{RECOVERY, hasty};

/// How many threads of caches and stores this process has.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    // The system cuts names to 15 bytes.
    names.filter(|name| name.starts_with("cachewright")).count()
}

#[test]
fn the_threads_of_a_cache_with_a_store_end_with_it() {
    let server = RedisServer::start();
    let clients = || {
        let list = server.command(&["CLIENT", "LIST"]).text();
        // Without that of the command itself.
        list.lines().count() - 1
    };
    assert_eq!(threads(), 0);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let caches: Vec<_> = (0..3).map(|_| Users::new(hasty(&server.url()))).collect();
    // A connection of the runtime's and one of the store's own thread for each. Who does not wait until
    // they are made has them made later.
    eventually_blocking(RECOVERY, || {
        for users in &caches {
            users.profile_blocking("42");
            runtime.block_on(users.profile("42"));
        }
        clients() >= 2 * caches.len()
    });
    // Something to do later: invalidations of a server that hangs.
    server.pause();
    for users in &caches {
        runtime.block_on(users.rename("42"));
        users.rename_blocking("43");
    }
    assert!(threads() >= 2 * caches.len(), "{}", threads());
    server.resume();
    drop(caches);
    eventually_blocking(RECOVERY, || threads() == 0);
    // The runtime's own connections go when it is polled again.
    runtime.block_on(async {
        cachewright_test_support::eventually(RECOVERY, || clients() == 0).await;
    });
}
