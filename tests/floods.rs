//! Millions of invalidations while the store is away: they take no more memory than some thousands, and none is lost.
//!
//! A binary of its own, because it looks at what the process has in memory.

#[path = "support/service.rs"]
mod service;

use std::time::Duration;

use service::World;

const STEP: Duration = Duration::from_secs(2);

/// What the process has in memory, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::test]
async fn two_million_pending_invalidations_are_widened_and_none_is_lost() {
    let world = World::new();
    let (here, there) = (world.service(), world.service());
    for id in [1, 2] {
        there.read(id).await.unwrap();
    }
    there.cache.set("shelf:1", 7, None).await.unwrap();
    world.store.set_down(true);
    here.write(1).await.unwrap();
    let before = resident();
    let mut most = 0;
    for number in 0..2_000_000_u64 {
        let pattern = format!("cart:{number}:line:*");
        assert!(here.cache.invalidate(&pattern).await.is_err());
        if number % 1_000 == 0 {
            most = most.max(here.pending());
        }
    }
    assert!(most <= 10_001, "{most} are remembered");
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more than before");

    // They became `cart`, and `user:1` became `user` with them. What is elsewhere is as valid as before.
    world.store.set_down(false);
    world.clock.advance(STEP);
    assert_eq!(here.pending(), 0);
    assert_eq!((there.read(1).await, there.bodies()), (Ok(1), 3));
    assert_eq!((there.read(2).await, there.bodies()), (Ok(1), 4));
    assert_eq!(there.cache.get("shelf:1").await.unwrap(), Some(7));

    // With ever other first segments they become everything.
    world.store.set_down(true);
    here.write(2).await.unwrap();
    for number in 0..200_000_u64 {
        let pattern = format!("other{number}:*");
        assert!(here.cache.invalidate(&pattern).await.is_err());
    }
    assert!(here.pending() <= 10_001);
    world.store.set_down(false);
    world.clock.advance(STEP);
    assert_eq!(here.pending(), 0);
    assert_eq!((there.read(2).await, there.bodies()), (Ok(2), 5));
    assert_eq!(there.cache.get::<i32>("shelf:1").await.unwrap(), None);
}
