//! Tags over a real Redis: two processes of one namespace, a faulty network, eviction and the sweep.

#[path = "support/documents.rs"]
mod documents;
mod redis;

use cachewright_test_support::{Proxy, RedisServer, eventually};
use documents::{Documents, next};
use redis::{RECOVERY, builder, cache, calls, faulty, hasty, key_below, keys, recovered};

/// Two processes, the first of them behind a faulty network.
fn two() -> (RedisServer, Proxy, Documents, Documents) {
    let (server, proxy) = faulty();
    let here = Documents::new(cache(&proxy.url()));
    let there = here.through(cache(&server.url()));
    (server, proxy, here, there)
}

const TEAM: &str = "app:~t:team:7";

#[tokio::test]
async fn a_tag_that_one_process_invalidates_is_gone_for_the_other_and_nothing_else() {
    let (server, _proxy, here, there) = two();
    for number in 1..10 {
        for id in 1..=2 {
            here.document(id, 7).await;
        }
        there.members(7).await;
        next::members(&there, 7).await;
        here.document(3, 8).await;
        if number % 2 == 0 {
            here.rename_team(7).await;
        } else {
            there.commit();
            there.cache.invalidate_tag("team:7").await.unwrap();
        }
        let before = here.bodies() + there.bodies();
        for documents in [&there, &here] {
            assert_eq!(documents.document(1, 7).await, number);
            assert_eq!(documents.document(2, 7).await, number);
            assert_eq!(documents.members(7).await, number);
            assert_eq!(next::members(documents, 7).await, number);
            assert_eq!(documents.document(3, 8).await, 0);
        }
        assert_eq!(here.bodies() + there.bodies(), before + 4);
    }
    assert!(calls(&server, "unlink") > 0);
}

#[tokio::test]
async fn a_fill_in_flight_when_its_tag_is_invalidated_is_never_served() {
    // Before another has filled, and over what another has filled.
    for filled in [false, true] {
        let (server, proxy, here, there) = two();
        let late = tokio::spawn({
            let here = here.clone();
            async move { here.slow(7).await }
        });
        here.has_read.notified().await;
        proxy.hold_requests_of("SET");
        here.gate.add_permits(1);
        eventually(RECOVERY, || proxy.held_requests() > 0).await;
        there.rename_team(7).await;
        if filled {
            assert_eq!(there.slow_now(7).await, 1);
        }
        server.command(&["CONFIG", "RESETSTAT"]);
        proxy.pass();
        assert_eq!(late.await.unwrap(), 0);
        // It has taken place.
        assert_eq!(calls(&server, "set"), 1);
        for documents in [&there, &here] {
            assert_eq!(documents.slow_now(7).await, 1);
        }
    }
}

#[tokio::test]
async fn a_body_that_ends_after_its_tag_was_invalidated_is_never_served() {
    let (_server, _proxy, here, there) = two();
    for before in 0..20 {
        let late = tokio::spawn({
            let here = here.clone();
            async move { here.slow(7).await }
        });
        here.has_read.notified().await;
        there.rename_team(7).await;
        // Another reader fills while the first one is on its way.
        assert_eq!(there.slow_now(7).await, before + 1);
        here.gate.add_permits(1);
        assert_eq!(late.await.unwrap(), before);
        assert_eq!(here.slow_now(7).await, before + 1);
        here.cache.clear().await.unwrap();
    }
}

#[tokio::test]
async fn an_evicted_generation_of_a_tag_is_a_miss_and_never_an_answer() {
    let (server, _proxy, here, there) = two();
    for number in 1..5 {
        here.members(7).await;
        there.rename_team(7).await;
        assert_eq!(server.command(&["EXISTS", TEAM]).integer(), 0);
        // Made anew for another entry, and lost again: what was filled before stays dead.
        for _ in 0..3 {
            server.command(&["DEL", TEAM]);
            assert_eq!(there.document(1, 7).await, number);
            assert_eq!(server.command(&["EXISTS", TEAM]).integer(), 1);
            let before = here.bodies();
            assert_eq!(here.members(7).await, number);
            assert_eq!(here.bodies(), before + 1);
        }
    }
}

#[tokio::test]
async fn a_tag_whose_invalidation_is_not_acknowledged_is_pending_until_it_is() {
    let (_server, proxy, here, there) = two();
    let here = here.through(hasty(&proxy.url()));
    let there = here.through(there.cache);
    here.members(7).await;
    there.document(1, 7).await;
    proxy.drop_replies_to("UNLINK", 1);
    here.commit();
    let error = here.cache.invalidate_tag("team:7").await.unwrap_err();
    assert!(error.is_outage(), "{error}");
    // At once, whether or not it is pending still.
    assert_eq!(here.members(7).await, 1);
    recovered(&here.cache).await;
    assert_eq!(here.pending(), 0);
    for documents in [&there, &here] {
        assert_eq!(documents.members(7).await, 1);
        assert_eq!(documents.document(1, 7).await, 1);
    }
}

fn values(server: &RedisServer, beginning: &str) -> usize {
    let names = keys(server);
    let values = names
        .iter()
        .filter(|name| name.starts_with(beginning.as_bytes()));
    values.count()
}

// Behind the generations that a sweep compares, the fences of these values have those of tags.
#[tokio::test]
async fn a_sweep_reads_the_fences_of_entries_with_tags_and_removes_what_is_unreachable() {
    let server = RedisServer::start();
    let sweeping = builder(&server.url()).sweep_rate(20_000).build().unwrap();
    let here = Documents::new(sweeping);
    for team in 0..100 {
        here.members(team).await;
        here.document(team, team).await;
        here.with_everything(team).await;
    }
    here.cache.invalidate("members").await.unwrap();
    here.cache.invalidate("a:b:c").await.unwrap();
    // Filled since: not unreachable.
    here.members(7).await;
    here.with_everything(7).await;
    eventually(RECOVERY, || here.cache.stats().swept >= 198).await;
    assert_eq!(values(&server, "app:members:"), 1);
    assert_eq!(values(&server, "app:a:b:c:"), 1);
    assert_eq!(values(&server, "app:document:"), 100);
    let before = here.bodies();
    for team in 0..100 {
        here.document(team, team).await;
    }
    here.members(7).await;
    here.with_everything(7).await;
    assert_eq!(here.bodies(), before);
    assert_eq!(here.cache.stats().swept, 198);
}

#[tokio::test]
async fn what_a_tag_has_left_is_replaced_by_the_next_fill() {
    let server = RedisServer::start();
    let here = Documents::new(cache(&server.url()));
    here.members(7).await;
    let name = key_below(&server, "app:members:");
    here.rename_team(7).await;
    assert_eq!(server.command(&["EXISTS", &name]).integer(), 1);
    assert_eq!(here.members(7).await, 1);
    assert_eq!(key_below(&server, "app:members:"), name);
    let before = here.bodies();
    assert_eq!((here.members(7).await, here.bodies()), (1, before));
}
