//! Tags across processes, over a store that fails when it is told to.

#[path = "support/documents.rs"]
mod documents;
#[path = "support/service.rs"]
mod service;

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use cachewright::defer;
use cachewright::testing::{Fault, Operation};
use documents::{Documents, later, next};
use service::{World, until};

const STEP: Duration = Duration::from_secs(2);

fn two(world: &World) -> (Documents, Documents) {
    let here = Documents::new(world.cache());
    let there = here.through(world.cache());
    (here, there)
}

#[tokio::test]
async fn a_tag_that_is_invalidated_here_is_seen_there_at_once_and_nothing_else() {
    let world = World::new();
    let (a, b) = two(&world);
    for number in 1..5 {
        for id in 1..=3 {
            b.document(id, id % 2).await;
        }
        b.members(1).await;
        let before = b.bodies();
        if number % 2 == 0 {
            a.rename_team(1).await;
        } else {
            a.commit();
            a.cache.invalidate_tag("team:1").await.unwrap();
        }
        for team_of in [1, 3] {
            assert_eq!(b.document(team_of, 1).await, number);
        }
        assert_eq!(b.members(1).await, number);
        assert_eq!(b.document(2, 0).await, 0);
        assert_eq!(b.bodies(), before + 3);
    }
    a.cache.invalidate_tag("documents").await.unwrap();
    assert_eq!(b.document(2, 0).await, 4);
}

#[tokio::test]
async fn a_tag_is_no_node_of_the_store_either() {
    let world = World::new();
    let (a, b) = two(&world);
    b.document(1, 7).await;
    for tag in ["team", "document", "document:1", "team:7:x"] {
        a.cache.invalidate_tag(tag).await.unwrap();
    }
    for pattern in ["team:*", "team:7", "documents"] {
        a.cache.invalidate(pattern).await.unwrap();
    }
    b.document(1, 7).await;
    assert_eq!(b.bodies(), 1);
}

#[tokio::test]
async fn releases_of_a_program_invalidate_each_others_entries_by_tag() {
    let world = World::new();
    let (a, b) = two(&world);
    assert_eq!((a.members(1).await, next::members(&b, 1).await), (0, 0));
    a.rename_team(1).await;
    assert_eq!((a.members(1).await, next::members(&b, 1).await), (1, 1));
    assert_eq!(later::members(&b, 1).await, 1);
    b.cache.invalidate_tag("everybody").await.unwrap();
    a.commit();
    assert_eq!(later::members(&b, 1).await, 2);
}

#[tokio::test]
async fn entries_with_equal_tags_and_with_as_many_as_may_be_are_answered_from_the_store() {
    let world = World::new();
    let (a, b) = two(&world);
    for _ in 0..2 {
        for documents in [&a, &b] {
            assert_eq!(documents.of_both(1, 1).await, 0);
            assert_eq!(documents.of_both(1, 2).await, 0);
            assert_eq!(documents.with_everything(1).await, 0);
        }
    }
    assert_eq!((a.bodies(), b.bodies()), (3, 0));
    for (tag, number) in [("1:1", 1), ("16:1", 2), ("9", 3)] {
        a.commit();
        a.cache.invalidate_tag(tag).await.unwrap();
        assert_eq!(b.with_everything(1).await, number, "{tag}");
    }
    a.rename_team(2).await;
    assert_eq!((b.of_both(1, 1).await, b.of_both(1, 2).await), (0, 4));
}

#[tokio::test]
async fn a_fill_that_arrives_after_its_tag_was_invalidated_is_dead() {
    for fault in [Fault::Hang, Fault::Late] {
        let world = World::new();
        let (a, b) = two(&world);
        world.store.next(1, Operation::Write, fault);
        let filling = tokio::spawn({
            let a = a.clone();
            async move { a.document(1, 7).await }
        });
        until(|| world.store.hanging() + world.store.late() == 1).await;
        b.rename_team(7).await;
        assert_eq!(b.document(1, 7).await, 1);
        world.store.release();
        assert_eq!(filling.await.unwrap(), 0);
        while world.store.late() > 0 {
            world.store.deliver(0);
        }
        assert_eq!(b.document(1, 7).await, 1);
        assert_eq!(a.document(1, 7).await, 1);
    }
}

#[tokio::test]
async fn a_reader_after_an_invalidation_there_does_not_join_an_older_computation_here() {
    let world = World::new();
    let (a, b) = two(&world);
    let read = || {
        let a = a.clone();
        tokio::spawn(async move { a.slow(7).await })
    };
    let old = read();
    until(|| a.bodies() == 1).await;
    b.rename_team(7).await;
    let new = read();
    until(|| a.bodies() == 2).await;
    a.gate.add_permits(2);
    assert_eq!((old.await.unwrap(), new.await.unwrap()), (0, 1));
    assert_eq!(b.slow(7).await, 1);
}

#[tokio::test]
async fn a_tag_that_is_not_acknowledged_bars_what_carries_it_and_nothing_else() {
    let world = World::new();
    let (a, b) = two(&world);
    for team in [1, 2, 3] {
        b.document(team, team).await;
        b.members(team).await;
    }
    world.store.set_down(true);
    a.rename_team(1).await;
    let error = a.cache.invalidate_tag("team:2").await.unwrap_err();
    assert!(error.is_outage());
    assert_eq!(a.pending(), 2);
    world.store.set_down(false);
    world.store.forget_log();
    // The store is up again and still has them: who has invalidated must not be given them.
    for team in [1, 2] {
        assert_eq!(a.document(team, team).await, 1);
        assert_eq!(a.members(team).await, 1);
    }
    assert_eq!(world.store.count(None), 0);
    assert_eq!((a.members(3).await, a.bodies()), (0, 4));
    world.clock.advance(STEP);
    assert_eq!(a.pending(), 0);
    for team in [1, 2] {
        assert_eq!(b.document(team, team).await, 1);
        assert_eq!(b.members(team).await, 1);
    }
    assert_eq!(b.document(3, 3).await, 0);
    let before = a.bodies();
    assert_eq!((a.members(1).await, a.bodies()), (1, before));
}

#[tokio::test]
async fn an_acknowledgement_of_a_tag_that_is_lost_is_asked_for_again() {
    let world = World::new();
    let (a, b) = two(&world);
    for fault in [Fault::ReplyLost, Fault::Late, Fault::Outage] {
        b.members(1).await;
        world.store.next(1, Operation::Invalidate, fault);
        let number = a.rename_team_blocking(1);
        assert_eq!(a.pending(), 1);
        world.clock.advance(Duration::ZERO);
        assert_eq!(a.pending(), 0);
        assert_eq!(b.members(1).await, number);
    }
}

#[tokio::test]
async fn more_tags_than_can_be_remembered_become_everything() {
    let world = World::new();
    let (a, b) = two(&world);
    for team in [0, 10_000, 20_000] {
        b.members(team).await;
    }
    world.store.set_down(true);
    for team in 0..10_001 {
        a.rename_team(team).await;
    }
    assert_eq!(a.pending(), 1);
    world.store.set_down(false);
    for team in [0, 10_000, 20_000] {
        assert_eq!(a.members(team).await, 10_001);
    }
    world.clock.advance(STEP);
    assert_eq!(a.pending(), 0);
    for team in [0, 10_000, 20_000] {
        assert_eq!(b.members(team).await, 10_001);
    }
}

#[tokio::test]
async fn a_block_of_more_tags_than_can_be_collected_invalidates_everything() {
    let world = World::new();
    let (a, b) = two(&world);
    for team in [0, 10_000, 20_000] {
        b.members(team).await;
    }
    let done: Result<(), String> = defer(async {
        for team in 0..10_001 {
            a.rename_team(team).await;
        }
        Ok(())
    })
    .await;
    done.unwrap();
    for team in [0, 10_000, 20_000] {
        assert_eq!(b.members(team).await, 10_001);
    }
}

#[tokio::test]
async fn other_processes_hear_of_the_tags_of_a_block_when_it_has_committed() {
    let world = World::new();
    let (a, b) = two(&world);
    b.members(1).await;
    b.members(2).await;
    let done: Result<(), String> = defer(async {
        a.rename_team(1).await;
        assert_eq!(world.store.count(Operation::Invalidate), 0);
        // The other process has heard of nothing.
        assert_eq!((a.members(1).await, b.members(1).await), (1, 0));
        assert_eq!(a.members(2).await, 0);
        Ok(())
    })
    .await;
    done.unwrap();
    assert_eq!(world.store.count(Operation::Invalidate), 1);
    assert_eq!((b.members(1).await, b.members(2).await), (1, 0));
}

#[tokio::test]
async fn a_dropped_writer_tells_the_store_of_its_tags_at_once_and_again() {
    let world = World::new();
    let (a, b) = two(&world);
    b.members(1).await;
    {
        let mut writer = pin!(a.commit_and_hang(1));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(writer.as_mut().poll(&mut cx).is_pending());
    }
    world.clock.advance(Duration::ZERO);
    assert_eq!(b.members(1).await, 1);
    // Its commit may come later.
    a.commit();
    assert_eq!(b.members(1).await, 1);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(b.members(1).await, 2);
}

#[tokio::test]
async fn a_writers_tag_that_cannot_be_rendered_takes_everything_with_it() {
    let world = World::new();
    let (a, b) = two(&world);
    b.members(1).await;
    b.document(2, 2).await;
    a.rename_teams(&[1, 2]).await;
    assert_eq!((b.members(1).await, b.document(2, 2).await), (1, 1));
    a.rename_teams(&1).await;
    assert_eq!((b.members(1).await, b.document(2, 2).await), (2, 1));
}

#[tokio::test]
async fn a_generation_of_a_tag_that_is_lost_is_a_miss_and_revives_nothing() {
    let world = World::new();
    let (a, b) = two(&world);
    b.members(1).await;
    a.rename_team(1).await;
    for _ in 0..3 {
        let is_tag = |key: &cache_core::layout::Key| key.as_bytes().starts_with(b"app:~t:");
        world.store.evict(is_tag);
        // Made anew for another entry.
        let before = b.bodies();
        assert_eq!(b.document(9, 1).await, 1);
        assert_eq!(b.members(1).await, 1);
        assert_eq!(b.bodies(), before + 2);
    }
}
