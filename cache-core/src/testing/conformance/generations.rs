//! Minting, invalidating, swapping, probing.

use super::trial::{Outcome, TTL, Trial, all, offer};
use super::{ensure, ensure_eq, table};
use crate::fence::Nonce;
use crate::layout::Key;
use crate::store::Swap;

table! {
    a_mint_of_what_is_missing_shows_the_nonce:
        "an entry is stored under the generations that a reply has shown",
    a_mint_of_what_exists_shows_what_is_there:
        "two that mint at once must agree on one generation",
    a_mint_of_many_answers_for_each_in_its_order:
        "a fence is put together by the places in the reply",
    a_mint_of_one_key_twice_shows_one_generation:
        "setting and showing are one step for each key: the second sees the first",
    a_mint_of_something_foreign_shows_none_and_makes_room:
        "what is no generation can prove nothing, and must not be in the way for ever",
    concurrent_mints_of_one_key_agree:
        "point 1: one key is linearizable; were two shown different ones, one of their fills \
         would be lost or, worse, outlive an invalidation",
    concurrent_mints_of_many_keys_agree:
        "point 1, for each key: those who mint first are the ones that race",
    an_invalidated_generation_is_gone:
        "`Ok` is the proof that nothing from before can answer any more",
    an_invalidation_of_what_is_absent_succeeds:
        "an invalidation is repeated until it is acknowledged",
    an_invalidation_deletes_every_key_that_it_names:
        "`Ok` covers all of them",
    a_mint_after_an_invalidation_shows_a_new_generation:
        "point 4: a nonce is sent once, and point 5: what was deleted does not come back",
    a_swap_sets_the_nonce_and_shows_what_was_there:
        "writing through compares what it read with what it replaced",
    a_swap_of_something_foreign_shows_nothing_before:
        "what is no generation was nobody's",
    concurrent_swaps_of_one_key_form_a_chain:
        "point 1: setting and showing are one step; were two to replace the same generation, \
         both would store and the older could win",
    a_probe_succeeds_and_leaves_nothing:
        "connecting and the probes of an open breaker ask it, again and again",
}

async fn a_mint_of_what_is_missing_shows_the_nonce(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    let (offered, shown) = trial.mint(&key, TTL).await?;
    ensure_eq!("a mint of a missing key", shown, Some(offered));
    let expected = Some(offered.to_bytes().to_vec());
    ensure_eq!("what a read shows", trial.read(&key).await?, expected);
    Ok(())
}

async fn a_mint_of_what_exists_shows_what_is_there(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    let (first, _) = trial.mint(&key, TTL).await?;
    let (_, shown) = trial.mint(&key, TTL).await?;
    ensure_eq!("a mint of a key that exists", shown, Some(first));
    let expected = Some(first.to_bytes().to_vec());
    ensure_eq!("what a read shows", trial.read(&key).await?, expected);
    Ok(())
}

async fn a_mint_of_many_answers_for_each_in_its_order(trial: &Trial<'_>) -> Outcome {
    let keys: Vec<Key> = (0..12).map(|n| trial.key(&format!("g{n}"))).collect();
    let mut expected = Vec::new();
    for key in keys.iter().step_by(3) {
        trial.mint(key, TTL).await?;
    }
    let mut mints = Vec::new();
    for (place, key) in keys.iter().enumerate().rev() {
        let (mint, offered) = offer(key);
        mints.push(mint);
        expected.push(match place % 3 {
            0 => trial.read(key).await?,
            _ => Some(offered.to_bytes().to_vec()),
        });
    }
    let shown = trial.store.mint(mints, TTL, trial.deadline()).await?;
    let shown = shown
        .iter()
        .map(|shown| shown.map(|shown| shown.to_bytes().to_vec()));
    let shown: Vec<_> = shown.collect();
    ensure_eq!("a mint of present and missing keys", shown, expected);
    Ok(())
}

async fn a_mint_of_one_key_twice_shows_one_generation(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    let ((first, offered), (second, _)) = (offer(&key), offer(&key));
    let mints = vec![first, second];
    let shown = trial.store.mint(mints, TTL, trial.deadline()).await?;
    let expected = [Some(offered), Some(offered)];
    ensure_eq!("a mint with equal keys", shown, expected);
    Ok(())
}

async fn a_mint_of_something_foreign_shows_none_and_makes_room(trial: &Trial<'_>) -> Outcome {
    for foreign in [&b"foreign"[..], b"", &[0; 16], &[7; 17]] {
        let (key, fine) = (trial.key("g"), trial.key("fine"));
        trial.write(&key, foreign, TTL).await?;
        trial.invalidate(std::slice::from_ref(&fine)).await?;
        let ((mint, _), (beside, offered)) = (offer(&key), offer(&fine));
        let mints = vec![mint, beside];
        let shown = trial.store.mint(mints, TTL, trial.deadline()).await?;
        let expected = [None, Some(offered)];
        ensure_eq!("a mint of something foreign", shown, expected);
        let (offered, shown) = trial.mint(&key, TTL).await?;
        ensure_eq!("the mint after it", shown, Some(offered));
        trial.invalidate(&[key]).await?;
    }
    Ok(())
}

async fn concurrent_mints_of_one_key_agree(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    let mut shown = Vec::new();
    for answer in all((0..64).map(|_| trial.mint(&key, TTL))).await {
        shown.push(answer?.1);
    }
    ensure!(
        shown[0].is_some(),
        "64 mints at once: one was shown nothing"
    );
    let others = shown.iter().filter(|other| **other != shown[0]).count();
    ensure_eq!("64 mints at once: those that were shown another", others, 0);
    let expected = shown[0].map(|shown| shown.to_bytes().to_vec());
    ensure_eq!("what a read shows", trial.read(&key).await?, expected);
    Ok(())
}

async fn concurrent_mints_of_many_keys_agree(trial: &Trial<'_>) -> Outcome {
    for round in 0..30 {
        let key = trial.key(&format!("g{round}"));
        let answers = all((0..4).map(|_| trial.mint(&key, TTL))).await;
        let minted: Vec<_> = answers.into_iter().collect::<Result<_, _>>()?;
        let first = minted[0].1;
        ensure!(first.is_some(), "4 mints at once: one was shown nothing");
        let others = minted.iter().filter(|(_, shown)| *shown != first).count();
        ensure_eq!("4 mints at once: those that were shown another", others, 0);
    }
    Ok(())
}

async fn an_invalidated_generation_is_gone(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    for _ in 0..20 {
        trial.mint(&key, TTL).await?;
        // A copy that this read left behind would show itself afterwards.
        trial.read(&key).await?;
        trial.invalidate(std::slice::from_ref(&key)).await?;
        ensure_eq!("after an invalidation", trial.read(&key).await?, None);
    }
    Ok(())
}

async fn an_invalidation_of_what_is_absent_succeeds(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    for _ in 0..3 {
        trial.invalidate(&[key.clone(), key.clone()]).await?;
    }
    Ok(())
}

async fn an_invalidation_deletes_every_key_that_it_names(trial: &Trial<'_>) -> Outcome {
    let keys: Vec<Key> = (0..300).map(|n| trial.key(&format!("g{n}"))).collect();
    let mints = keys.iter().map(|key| offer(key).0).collect();
    trial.store.mint(mints, TTL, trial.deadline()).await?;
    trial.invalidate(&keys[1..]).await?;
    let reply = trial.store.read(&keys, trial.deadline()).await?;
    ensure!(reply[0].is_some(), "a key that was not named is gone");
    let left = reply[1..].iter().flatten().count();
    ensure_eq!("named keys that are left", left, 0);
    Ok(())
}

async fn a_mint_after_an_invalidation_shows_a_new_generation(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    let mut earlier = Vec::new();
    for _ in 0..10 {
        let (offered, shown) = trial.mint(&key, TTL).await?;
        ensure_eq!("a mint after an invalidation", shown, Some(offered));
        ensure!(!earlier.contains(&offered), "a nonce came a second time");
        earlier.push(offered);
        trial.invalidate(std::slice::from_ref(&key)).await?;
    }
    Ok(())
}

async fn a_swap_sets_the_nonce_and_shows_what_was_there(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    let mut previous = None;
    for _ in 0..3 {
        let (mint, now) = offer(&key);
        let swapped = trial.store.swap(mint, TTL, trial.deadline()).await?;
        ensure_eq!("a swap", swapped, Swap::Done { previous, now });
        let expected = Some(now.to_bytes().to_vec());
        ensure_eq!("what a read shows", trial.read(&key).await?, expected);
        previous = Some(now);
    }
    Ok(())
}

async fn a_swap_of_something_foreign_shows_nothing_before(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    trial.write(&key, b"foreign", TTL).await?;
    let (mint, now) = offer(&key);
    let swapped = trial.store.swap(mint, TTL, trial.deadline()).await?;
    let previous = None;
    ensure_eq!(
        "a swap of something foreign",
        swapped,
        Swap::Done { previous, now }
    );
    Ok(())
}

async fn concurrent_swaps_of_one_key_form_a_chain(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    let swap = |_| trial.store.swap(offer(&key).0, TTL, trial.deadline());
    let (mut replaced, mut set) = (Vec::new(), Vec::new());
    for swapped in all((0..64).map(swap)).await {
        let Swap::Done { previous, now } = swapped? else {
            return Err(super::Failure::new("the store has no room for a check"));
        };
        replaced.extend(previous);
        set.push(now);
    }
    replaced.sort_unstable_by_key(|shown| shown.to_bytes());
    let shown = replaced.len();
    replaced.dedup();
    ensure_eq!("64 swaps at once: those that saw another's", shown, 63);
    ensure_eq!("of these, different ones", replaced.len(), 63);
    let last = set.iter().find(|now| !replaced.contains(now));
    let expected = last.map(|last| last.to_bytes().to_vec());
    ensure_eq!(
        "the one that nobody replaced",
        trial.read(&key).await?,
        expected
    );
    Ok(())
}

async fn a_probe_succeeds_and_leaves_nothing(trial: &Trial<'_>) -> Outcome {
    let nonce = Nonce::random()?;
    let name = format!("!{:032x}", u128::from_be_bytes(nonce.to_bytes()));
    let canary = trial.key(&name);
    for _ in 0..3 {
        trial.store.probe(&canary, trial.deadline()).await?;
    }
    trial.until_gone(&canary).await
}
