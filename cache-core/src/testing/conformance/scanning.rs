//! Scans.

use std::collections::BTreeSet;

use super::trial::{Outcome, TTL, Trial, all};
use super::{Failure, ensure, ensure_eq, table};
use crate::layout::Key;
use crate::store::Cursor;

table! {
    a_scan_names_every_key_that_begins_so_and_no_other:
        "clearing rests on it: a generation that is passed over lets old entries answer",
    a_scan_of_what_is_not_there_names_nothing:
        "the end of a scan is known by its cursor alone",
    the_beginning_of_a_scan_is_taken_literally:
        "characters that mean something in patterns of a server mean themselves here",
    a_scan_names_what_stays_while_others_come_and_go:
        "a key that is there throughout is named at least once: so each older fence loses one",
    scans_at_once_lead_each_to_its_end_or_say_so:
        "a cursor continues its own scan, or is refused",
}

async fn fill(trial: &Trial<'_>, keys: impl Iterator<Item = Key>) -> Result<Vec<Key>, Failure> {
    let keys: Vec<_> = keys.collect();
    for written in all(keys.iter().map(|key| trial.write(key, b"1", TTL))).await {
        written?;
    }
    Ok(keys)
}

async fn a_scan_names_every_key_that_begins_so_and_no_other(trial: &Trial<'_>) -> Outcome {
    let names = (0..150).map(|n| trial.key(&format!("a:~{n}")));
    let expected: BTreeSet<_> = fill(trial, names).await?.into_iter().collect();
    fill(trial, (0..150).map(|n| trial.key(&format!("b:~{n}")))).await?;
    for limit in [1, 7, 1_000] {
        let named = trial.scan(&trial.key("a:~"), limit).await?;
        let named: BTreeSet<_> = named.into_iter().collect();
        let missed = expected.difference(&named).count();
        ensure_eq!(format!("keys passed over at {limit} a page"), missed, 0);
        let others = named.difference(&expected).count();
        ensure_eq!(format!("others named at {limit} a page"), others, 0);
    }
    Ok(())
}

async fn a_scan_of_what_is_not_there_names_nothing(trial: &Trial<'_>) -> Outcome {
    let named = trial.scan(&trial.key("nothing"), 100).await?;
    ensure_eq!("keys named", named.len(), 0);
    Ok(())
}

async fn the_beginning_of_a_scan_is_taken_literally(trial: &Trial<'_>) -> Outcome {
    for (beginning, inside, outside) in [
        ("*", "*a", "ba"),
        ("x?", "x?a", "xba"),
        ("[ab]", "[ab]c", "ac"),
        ("y[^a]", "y[^a]c", "ybc"),
        ("\\*", "\\*a", "*b"),
        ("z\\", "z\\a", "za"),
        ("[", "[a", "b["),
    ] {
        let expected = fill(trial, [trial.key(inside)].into_iter()).await?;
        fill(trial, [trial.key(outside)].into_iter()).await?;
        let mut named = trial.scan(&trial.key(beginning), 100).await?;
        named.dedup();
        named.retain(|key| *key != trial.key("[ab]c") || beginning == "[ab]");
        ensure!(
            named == expected,
            "a scan for what begins with `{beginning}`: expected 1 key, but it was {}",
            named.len()
        );
    }
    Ok(())
}

async fn a_scan_names_what_stays_while_others_come_and_go(trial: &Trial<'_>) -> Outcome {
    let staying = (0..100).map(|n| trial.key(&format!("~stays{n}")));
    let staying = fill(trial, staying).await?;
    let beginning = trial.key("~");
    let (mut named, mut cursor, mut page) = (BTreeSet::new(), Some(Cursor::start()), 0);
    let mut going: Vec<Key> = Vec::new();
    while let Some(place) = cursor {
        let scanned = trial.store.scan(&beginning, place, 10, trial.deadline());
        let scanned = scanned.await?;
        named.extend(scanned.keys);
        cursor = scanned.next;
        // A server with much in it has many pages: what comes and goes must not outnumber them.
        if page < 50 {
            trial.invalidate(&going).await?;
            let coming = (0..20).map(|n| trial.key(&format!("~comes{page}-{n}")));
            going = fill(trial, coming).await?;
        }
        page += 1;
    }
    let missed = staying.iter().filter(|key| !named.contains(key)).count();
    ensure_eq!("keys that were there throughout and not named", missed, 0);
    let strange = named
        .iter()
        .filter(|key| !key.as_bytes().starts_with(beginning.as_bytes()));
    ensure_eq!("keys that begin otherwise", strange.count(), 0);
    Ok(())
}

async fn scans_at_once_lead_each_to_its_end_or_say_so(trial: &Trial<'_>) -> Outcome {
    for beginning in ["a", "b"] {
        fill(
            trial,
            (0..60).map(|n| trial.key(&format!("{beginning}{n}"))),
        )
        .await?;
    }
    let beginnings = [trial.key("a"), trial.key("b"), trial.key("a")];
    for named in all(beginnings
        .iter()
        .map(|beginning| scan_once(trial, beginning)))
    .await
    {
        // What is refused is begun anew by whoever clears.
        if let Some(named) = named? {
            ensure_eq!("keys that one of the scans named", named.len(), 60);
        }
    }
    Ok(())
}

/// One scan that gives way between its pages; `None` if the store said that it lost its place.
async fn scan_once(trial: &Trial<'_>, beginning: &Key) -> Result<Option<BTreeSet<Key>>, Failure> {
    let (mut named, mut cursor) = (BTreeSet::new(), Some(Cursor::start()));
    while let Some(place) = cursor {
        match trial
            .store
            .scan(beginning, place, 5, trial.deadline())
            .await
        {
            Ok(page) => {
                named.extend(page.keys);
                cursor = page.next;
            }
            Err(error) if error.is_outage() => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        super::trial::give_way().await;
    }
    Ok(Some(named))
}
