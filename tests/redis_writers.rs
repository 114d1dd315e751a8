//! Writers that are dropped half-way invalidate for every process.

mod redis;

use std::time::Duration;

use cachewright_test_support::eventually;
use redis::slow::Slow;
use redis::waker::is_pending;
use redis::{RECOVERY, builder, cache, faulty};

/// Drops a writer after so many of its two steps, one at a time.
async fn drop_writer(slow: &Slow, steps: usize) {
    let mut writing = Box::pin(slow.write("42"));
    assert!(is_pending(writing.as_mut()));
    for _ in 0..steps {
        slow.steps.add_permits(1);
        assert!(is_pending(writing.as_mut()));
    }
}

#[tokio::test]
async fn a_writer_dropped_before_or_after_its_commit_invalidates_for_every_process() {
    let (server, _proxy) = faulty();
    for steps in [0, 1] {
        let here = Slow::new(cache(&server.url()));
        let there = here.elsewhere(&server);
        there.next("42").await;
        drop_writer(&here, steps).await;
        let committed = here.database.peek("42");
        assert_eq!(committed, steps as u64);
        assert_eq!(here.next("42").await, committed);
        // One is to be acknowledged, one to be done again when the commit must have settled.
        assert!(here.cache.stats().pending_invalidations >= 1);
        eventually(RECOVERY, || here.cache.stats().pending_invalidations == 1).await;
        assert_eq!(there.next("42").await, committed);
        // The commit of the dropped writer.
        here.database.commit("42");
        here.cache.shutdown(RECOVERY).await.unwrap();
        assert_eq!(here.cache.stats().pending_invalidations, 0);
        assert_eq!(there.next("42").await, committed + 1);
        assert_eq!(here.next("42").await, committed + 1);
        here.cache.clear().await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_after_the_drop_of_its_writer_is_seen_after_the_settling_time() {
    let (server, _proxy) = faulty();
    let settling = builder(&server.url()).settle(Duration::from_millis(500));
    let here = Slow::new(settling.build().unwrap());
    let there = here.elsewhere(&server);
    drop_writer(&here, 0).await;
    // At once, and acknowledged: what is filled now is invalidated by nothing but the second one.
    eventually(RECOVERY, || {
        let stats = here.cache.stats();
        stats.pending_invalidations == stats.settling_invalidations
    })
    .await;
    assert_eq!(there.next("42").await, 0);
    here.database.commit("42");
    eventually(RECOVERY, || here.cache.stats().pending_invalidations == 0).await;
    assert_eq!(there.next("42").await, 1);
}

#[tokio::test]
async fn a_writer_dropped_while_it_invalidates_invalidates_for_every_process() {
    let (server, proxy) = faulty();
    let here = Slow::new(cache(&proxy.url()));
    let there = here.elsewhere(&server);
    there.next("42").await;
    here.cache.connect().await.unwrap();
    proxy.hold_requests_of("UNLINK");
    let mut writing = Box::pin(here.write("42"));
    here.steps.add_permits(2);
    assert!(is_pending(writing.as_mut()));
    eventually(RECOVERY, || {
        let _ = is_pending(writing.as_mut());
        proxy.held_requests() > 0
    })
    .await;
    drop(writing);
    assert_eq!(here.database.peek("42"), 1);
    assert_eq!(here.next("42").await, 1);
    proxy.pass();
    here.cache.shutdown(RECOVERY).await.unwrap();
    assert_eq!(there.next("42").await, 1);
}
