//! Invalidations that race with computations, get lost or come late.

mod redis;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use cachewright_test_support::{Proxy, RedisServer, eventually};
use redis::ledger::{Desk, Ledger, trade};
use redis::service::Users;
use redis::slow::Slow;
use redis::waker::is_pending;
use redis::{RECOVERY, builder, cache, calls, faulty, hasty, recovered, row};

/// Two processes, the first of them behind a faulty network.
fn two() -> (RedisServer, Proxy, Users, Users) {
    let (server, proxy) = faulty();
    let here = Users::new(hasty(&proxy.url()));
    let there = here.through(cache(&server.url()));
    (server, proxy, here, there)
}

#[tokio::test]
async fn a_fill_that_arrives_after_anothers_invalidation_is_never_served() {
    // Before another has filled, and over what another has filled.
    for filled in [false, true] {
        let (server, proxy) = faulty();
        let here = Slow::new(cache(&proxy.url()));
        let there = here.elsewhere(&server);
        let late = tokio::spawn({
            let here = here.clone();
            async move { here.version("42").await }
        });
        here.has_read.notified().await;
        proxy.hold_requests_of("SET");
        here.end.add_permits(1);
        eventually(RECOVERY, || proxy.held_requests() > 0).await;
        there.database.commit("42");
        there.cache.invalidate("user:42:*").await.unwrap();
        if filled {
            assert_eq!(there.next("42").await, 1);
        }
        server.command(&["CONFIG", "RESETSTAT"]);
        proxy.pass();
        assert_eq!(late.await.unwrap(), 0);
        // It has taken place.
        assert_eq!(calls(&server, "set"), 1);
        for slow in [&there, &here] {
            assert_eq!(slow.next("42").await, 1);
        }
    }
}

#[tokio::test]
async fn a_body_that_ends_after_anothers_invalidation_is_never_served() {
    let server = RedisServer::start();
    let here = Slow::new(cache(&server.url()));
    let there = here.elsewhere(&server);
    for _ in 0..20 {
        let before = here.database.peek("42");
        let late = tokio::spawn({
            let here = here.clone();
            async move { here.version("42").await }
        });
        here.has_read.notified().await;
        there.database.commit("42");
        there.cache.invalidate("user:42:*").await.unwrap();
        // Another reader fills while the first one is on its way.
        assert_eq!(there.next("42").await, before + 1);
        here.end.add_permits(1);
        assert_eq!(late.await.unwrap(), before);
        assert_eq!(here.next("42").await, before + 1);
        here.cache.clear().await.unwrap();
    }
}

#[tokio::test]
async fn a_mint_that_arrives_after_anothers_invalidation_revives_nothing() {
    let (_server, proxy, here, there) = two();
    here.warm("42").await;
    there.cache.invalidate("user:42:*").await.unwrap();
    let here = Users {
        cache: cache(&proxy.url()),
        ..here
    };
    here.cache.connect().await.unwrap();
    proxy.hold_requests_of("SET");
    let mut call = pin!(here.profile("42"));
    assert!(is_pending(call.as_mut()));
    let held = eventually(RECOVERY, || proxy.held_requests() > 0);
    tokio::select! {
        _ = &mut call => panic!("nothing was minted"),
        () = held => {}
    }
    there.rename("42").await;
    proxy.pass();
    assert_eq!(call.await, 1);
    for users in [&there, &here] {
        assert_eq!(users.profile("42").await, 1);
        users.warm("42").await;
    }
}

/// What becomes of an `UNLINK`.
#[derive(Clone, Copy, Debug)]
enum Fate {
    ReplyLost,
    ProofLost,
    RequestLost,
    BothLost,
    ReplyTwice,
    Cut,
}

async fn is_pending_until_acknowledged(fate: Fate) {
    let (_server, proxy, here, there) = two();
    here.warm("42").await;
    here.database.commit("42");
    match fate {
        Fate::ReplyLost => proxy.drop_replies_to("UNLINK", 1),
        Fate::ProofLost => proxy.drop_replies_to("ECHO", 1),
        Fate::RequestLost => proxy.lose_requests_of("UNLINK", 1),
        Fate::BothLost => proxy.lose_requests(2),
        Fate::ReplyTwice => proxy.duplicate_replies_to("UNLINK", 1),
        Fate::Cut => proxy.hold_requests_of("UNLINK"),
    }
    let invalidate = here.cache.invalidate("user:42:*");
    let cut = async {
        if matches!(fate, Fate::Cut) {
            eventually(RECOVERY, || proxy.held_requests() > 0).await;
            proxy.cut();
            proxy.pass();
        }
    };
    let (invalidated, ()) = tokio::join!(invalidate, cut);
    let error = invalidated.expect_err("it was acknowledged");
    assert!(error.is_outage(), "{fate:?}: {error}");
    // At once, whether or not it is pending still.
    assert_eq!(here.profile("42").await, 1, "{fate:?}");
    recovered(&here.cache).await;
    for users in [&there, &here] {
        assert_eq!(users.profile("42").await, 1, "{fate:?}");
        users.warm("42").await;
    }
}

#[tokio::test]
async fn an_invalidation_that_is_not_acknowledged_is_pending_until_it_is() {
    let fates = [
        Fate::ReplyLost,
        Fate::ProofLost,
        Fate::RequestLost,
        Fate::BothLost,
        Fate::ReplyTwice,
        Fate::Cut,
    ];
    // All at once, for a lost reply takes a while to be noticed.
    let worlds: tokio::task::JoinSet<_> = fates
        .map(is_pending_until_acknowledged)
        .into_iter()
        .collect();
    worlds.join_all().await;
}

#[tokio::test]
async fn while_an_invalidation_is_pending_what_it_covers_runs_uncached_and_the_rest_is_cached() {
    let (_server, proxy, here, there) = two();
    here.warm("42").await;
    here.warm("43").await;
    proxy.lose_requests_of("UNLINK", usize::MAX);
    here.rename("42").await;
    assert_eq!(here.cache.stats().pending_invalidations, 1);
    for _ in 0..3 {
        assert!(!here.hits("42").await);
    }
    // Others know nothing of it yet.
    assert_eq!(there.profile("42").await, 0);
    proxy.pass();
    recovered(&here.cache).await;
    assert_eq!(there.profile("42").await, 1);
    assert!(here.hits("42").await && here.hits("43").await);
}

#[tokio::test]
async fn an_invalidation_that_arrives_late_does_no_harm() {
    let (_server, proxy, here, there) = two();
    here.warm("42").await;
    proxy.hold_requests_of("UNLINK");
    here.rename("42").await;
    assert_eq!(here.profile("42").await, 1);
    there.rename("42").await;
    there.warm("42").await;
    proxy.pass();
    recovered(&here.cache).await;
    for users in [&there, &here] {
        assert_eq!(users.profile("42").await, 2);
        users.warm("42").await;
    }
}

#[tokio::test]
async fn shutting_down_waits_for_acknowledgements_or_says_how_many_are_missing() {
    let (_server, proxy, here, there) = two();
    here.warm("42").await;
    proxy.lose_requests_of("UNLINK", usize::MAX);
    here.rename("42").await;
    here.rename("43").await;
    let error = here.cache.shutdown(Duration::from_millis(300)).await;
    let error = error.unwrap_err();
    assert!(
        error.is_outage() && error.to_string().contains('2'),
        "{error}"
    );
    proxy.pass();
    here.cache.shutdown(RECOVERY).await.unwrap();
    assert_eq!(here.cache.stats().pending_invalidations, 0);
    assert_eq!(there.profile("42").await, 1);
}

#[tokio::test]
async fn a_writer_that_was_never_polled_invalidates_nothing() {
    let (_server, proxy, here, _there) = two();
    here.warm("42").await;
    drop(here.rename("42"));
    assert!(here.hits("42").await);
    assert_eq!(proxy.count("UNLINK"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_are_killed_at_any_time_are_shown_nothing_outdated() {
    let server = RedisServer::start();
    let ledger = Arc::<Ledger>::default();
    let caches = [0, 1].map(|_| hasty(&server.url()));
    let desks = caches.clone().map(|cache| Desk::new(cache, &ledger, 10));
    let mut kills = 0;
    let kill = async || {
        server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    while kills < 5 {
        let before = ledger.reads.load(SeqCst);
        trade(&desks, kill, || ledger.reads.load(SeqCst) > before + 300).await;
        kills += 1;
    }
    for cache in &caches {
        recovered(cache).await;
    }
    let bodies = ledger.bodies.load(SeqCst);
    for desk in &desks {
        desk.read(0).await;
        desk.read(0).await;
    }
    assert!(ledger.bodies.load(SeqCst) <= bodies + 1);
}

#[tokio::test]
async fn clearing_is_acknowledged_and_covers_every_entry_of_the_namespace_alone() {
    let server = RedisServer::start();
    // Who waits for a busy server has no errors.
    let here = Users::new(cache(&server.url()));
    let there = here.through(cache(&server.url()));
    let other = builder(&server.url()).namespace("other").build().unwrap();
    let other = here.through(other);
    other.warm("1").await;
    for id in 0..300 {
        here.profile(&id.to_string()).await;
    }
    let before = here.database.queries();
    there.cache.clear().await.unwrap();
    for id in 0..300 {
        here.profile(&id.to_string()).await;
    }
    assert_eq!(here.database.queries() - before, 300);
    assert!(other.hits("1").await);
    assert_eq!(row(&here.cache, "profile").errors, 0);
}
