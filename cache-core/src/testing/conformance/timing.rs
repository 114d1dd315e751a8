//! Deadlines, and futures that are dropped.

use std::time::{Duration, Instant};

use super::trial::{Outcome, TTL, Trial, all, offer, poll_and_drop};
use super::{Failure, ensure, ensure_eq, table};
use crate::Error;
use crate::store::{Cursor, Deadline};

table! {
    a_deadline_that_is_over_is_an_outage_at_once:
        "point 6: the deadline is kept; a call that has no time left must go on without the store",
    a_future_that_is_not_polled_does_nothing:
        "point 3: a caller that is dropped before it asked has asked nothing",
    dropped_futures_do_not_shift_replies:
        "point 2: a reply belongs to its request, also when the one before it was abandoned",
    dropped_writers_leave_the_old_or_the_new:
        "points 3 and 5: an effect that nobody waited for took place or not, and nothing else",
    operations_at_once_each_get_their_own_answer:
        "point 2: a reply belongs to this very request",
    it_can_be_described:
        "logs and health reports name it",
}

async fn a_deadline_that_is_over_is_an_outage_at_once(trial: &Trial<'_>) -> Outcome {
    let (store, key) = (trial.store, trial.key("v"));
    let keys = [key.clone()];
    let over = Deadline::after(Duration::ZERO);
    let began = Instant::now();
    outage("read", store.read(&keys, over).await)?;
    outage("mint", store.mint(vec![offer(&key).0], TTL, over).await)?;
    outage("write", store.write(&key, vec![1], TTL, over).await)?;
    outage("invalidate", store.invalidate(&keys, over).await)?;
    outage("swap", store.swap(offer(&key).0, TTL, over).await)?;
    outage("prolong", store.prolong(&keys, TTL, over).await)?;
    outage("remove", store.remove(&keys, over).await)?;
    outage("scan", store.scan(&key, Cursor::start(), 9, over).await)?;
    outage("probe", store.probe(&trial.key("!1"), over).await)?;
    if let Some(counters) = store.counters() {
        outage("add", counters.add(&key, 1, None, over).await)?;
        outage("expire", counters.expire(&key, TTL, over).await)?;
    }
    let took = began.elapsed();
    ensure!(took < Duration::from_secs(5), "it took {took:?}");
    trial.write(&key, b"after", TTL).await
}

fn outage<T>(operation: &str, answer: Result<T, Error>) -> Outcome {
    match answer {
        Err(error) if error.is_outage() => Ok(()),
        Err(error) => Err(Failure::new(format!(
            "{operation} after its deadline: expected an outage, but it was: {error}"
        ))),
        Ok(_) => Err(Failure::new(format!(
            "{operation} after its deadline: expected an outage, but it succeeded"
        ))),
    }
}

async fn a_future_that_is_not_polled_does_nothing(trial: &Trial<'_>) -> Outcome {
    let (store, deadline) = (trial.store, trial.deadline());
    let [absent, kept] = ["absent", "kept"].map(|name| trial.key(name));
    let keys = [absent.clone(), kept.clone()];
    let (generation, _) = trial.mint(&kept, TTL).await?;
    drop(store.write(&absent, vec![1], TTL, deadline));
    drop(store.write(&kept, vec![1], TTL, deadline));
    drop(store.mint(vec![offer(&absent).0], TTL, deadline));
    drop(store.swap(offer(&absent).0, TTL, deadline));
    drop(store.swap(offer(&kept).0, TTL, deadline));
    drop(store.invalidate(&keys, deadline));
    drop(store.remove(&keys, deadline));
    if let Some(counters) = store.counters() {
        drop(counters.add(&absent, 1, None, deadline));
        drop(counters.expire(&kept, Duration::from_millis(1), deadline));
    }
    let reply = store.read(&keys, deadline).await?;
    let expected = [None, Some(generation.to_bytes().to_vec())];
    ensure_eq!("after futures that were never polled", reply, expected);
    Ok(())
}

async fn dropped_futures_do_not_shift_replies(trial: &Trial<'_>) -> Outcome {
    let (one, two) = (trial.key("one"), trial.key("two"));
    trial.write(&one, b"one", TTL).await?;
    trial.write(&two, b"two", TTL).await?;
    let keys = [one.clone()];
    for _ in 0..50 {
        poll_and_drop(trial.store.read(&keys, trial.deadline())).await;
        let read = trial.read(&two).await?;
        ensure_eq!("a read after a dropped one", read, Some(b"two".to_vec()));
        poll_and_drop(
            trial
                .store
                .mint(vec![offer(&trial.key("g")).0], TTL, trial.deadline()),
        )
        .await;
        let (offered, shown) = trial.mint(&trial.key("h"), TTL).await?;
        ensure_eq!("a mint after a dropped one", shown, Some(offered));
        trial.invalidate(&[trial.key("h")]).await?;
    }
    Ok(())
}

async fn dropped_writers_leave_the_old_or_the_new(trial: &Trial<'_>) -> Outcome {
    for round in 0..30 {
        let key = trial.key(&format!("v{round}"));
        trial.write(&key, b"old", TTL).await?;
        poll_and_drop(
            trial
                .store
                .write(&key, b"new".to_vec(), TTL, trial.deadline()),
        )
        .await;
        let read = trial.read(&key).await?;
        let either = [Some(&b"old"[..]), Some(b"new")].contains(&read.as_deref());
        ensure!(either, "a dropped write left something else");
    }
    Ok(())
}

async fn operations_at_once_each_get_their_own_answer(trial: &Trial<'_>) -> Outcome {
    let work = |number: usize| async move {
        let (value, generation) = (
            trial.key(&format!("v{number}")),
            trial.key(&format!("g{number}")),
        );
        let text = number.to_string().into_bytes();
        trial.write(&value, &text, TTL).await?;
        let (offered, shown) = trial.mint(&generation, TTL).await?;
        ensure_eq!("a mint among many", shown, Some(offered));
        let keys = [value, generation.clone()];
        let reply = trial.store.read(&keys, trial.deadline()).await?;
        let expected = [Some(text), Some(offered.to_bytes().to_vec())];
        ensure_eq!("a read among many", reply, expected);
        trial.invalidate(std::slice::from_ref(&generation)).await?;
        let left = trial.read(&generation).await?;
        ensure_eq!("after an invalidation among many", left, None);
        Ok(())
    };
    all((0..100).map(work)).await.into_iter().collect()
}

async fn it_can_be_described(trial: &Trial<'_>) -> Outcome {
    ensure!(
        !trial.store.describe().is_empty(),
        "the description is empty"
    );
    Ok(())
}
