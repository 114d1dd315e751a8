//! Reading, writing and removing.

use super::trial::{Outcome, SHORT, TTL, Trial};
use super::{ensure_eq, table};
use crate::layout::Key;
use crate::store::{Fill, Written};

table! {
    a_value_is_read_as_it_was_written:
        "entries are checked byte by byte: one that was altered never answers",
    a_read_answers_for_each_key_in_the_order_asked:
        "the value and its generations are told apart by their place in the reply",
    a_read_of_nothing_answers_nothing:
        "an empty list must not become a malformed command",
    a_key_may_be_read_twice_at_once:
        "an entry may have one generation in two places of its fence",
    keys_and_values_are_any_bytes:
        "entries are binary, and a scan may meet names that are no text",
    an_empty_value_is_a_value:
        "`None` means absent, and what is there must be seen to be there",
    a_value_of_a_mebibyte_is_kept_whole:
        "point 5: nothing is altered, a large value neither",
    a_write_replaces_what_is_there:
        "a fill overwrites whatever was there, what is foreign or outdated included",
    many_writes_at_once_are_done_as_each_by_itself:
        "the entries of one call are stored together, and each lives and answers by itself",
    a_head_is_what_a_value_begins_with:
        "what is unreachable is found by what it begins with: another value's must not stand for it",
    removed_values_are_gone_and_the_others_stay:
        "a removal saves room and may take nothing else along",
    two_keys_of_which_one_begins_the_other_are_two:
        "generations of nodes and values below them have such names",
}

async fn a_value_is_read_as_it_was_written(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("v");
    ensure_eq!("before it was written", trial.read(&key).await?, None);
    trial.write(&key, b"value", TTL).await?;
    let expected = Some(b"value".to_vec());
    ensure_eq!("after it was written", trial.read(&key).await?, expected);
    Ok(())
}

async fn a_read_answers_for_each_key_in_the_order_asked(trial: &Trial<'_>) -> Outcome {
    let names: Vec<String> = (0..20).map(|number| format!("v{number}")).collect();
    let keys: Vec<Key> = names.iter().rev().map(|name| trial.key(name)).collect();
    for key in keys.iter().step_by(2) {
        trial.write(key, key.as_bytes(), TTL).await?;
    }
    let reply = trial.store.read(&keys, trial.deadline()).await?;
    let expected: Vec<_> = (keys.iter().enumerate())
        .map(|(place, key)| (place % 2 == 0).then(|| key.as_bytes().to_vec()))
        .collect();
    ensure_eq!("a read of present and absent keys", reply, expected);
    Ok(())
}

async fn a_read_of_nothing_answers_nothing(trial: &Trial<'_>) -> Outcome {
    let reply = trial.store.read(&[], trial.deadline()).await?;
    ensure_eq!("a read of no keys", reply, Vec::<Option<Vec<u8>>>::new());
    let minted = trial.store.mint(Vec::new(), TTL, trial.deadline()).await?;
    ensure_eq!("a mint of no keys", minted, Vec::new());
    trial.invalidate(&[]).await?;
    trial.store.remove(&[], trial.deadline()).await?;
    Ok(trial.store.prolong(&[], TTL, trial.deadline()).await?)
}

async fn a_key_may_be_read_twice_at_once(trial: &Trial<'_>) -> Outcome {
    let (here, absent) = (trial.key("v"), trial.key("w"));
    trial.write(&here, b"1", TTL).await?;
    let keys = [here.clone(), absent.clone(), here, absent];
    let reply = trial.store.read(&keys, trial.deadline()).await?;
    let expected = [Some(b"1".to_vec()), None, Some(b"1".to_vec()), None];
    ensure_eq!("a read with equal keys", reply, expected);
    Ok(())
}

async fn keys_and_values_are_any_bytes(trial: &Trial<'_>) -> Outcome {
    let every: Vec<u8> = (0..=255).collect();
    for name in [
        &every[..],
        b"\r\n$3\r\nabc\r\n",
        b"{a}{b",
        b"\0",
        b" ",
        b"\xff\xfe",
    ] {
        let key = trial.binary_key(name);
        trial.write(&key, &every, TTL).await?;
        let read = trial.read(&key).await?;
        ensure_eq!(
            "a binary value under a binary key",
            read,
            Some(every.clone())
        );
    }
    Ok(())
}

async fn an_empty_value_is_a_value(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("v");
    trial.write(&key, b"", TTL).await?;
    ensure_eq!("an empty value", trial.read(&key).await?, Some(Vec::new()));
    Ok(())
}

async fn a_value_of_a_mebibyte_is_kept_whole(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("v");
    let value: Vec<u8> = (0..1_u32 << 20).map(|place| (place % 251) as u8).collect();
    trial.write(&key, &value, TTL).await?;
    let read = trial.read(&key).await?;
    let length = read.as_ref().map(Vec::len);
    ensure_eq!("the length of a large value", length, Some(value.len()));
    ensure_eq!("a large value", read, Some(value));
    trial.store.remove(&[key], trial.deadline()).await?;
    Ok(())
}

async fn a_write_replaces_what_is_there(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("v");
    trial.write(&key, b"a longer one", TTL).await?;
    trial.write(&key, b"short", TTL).await?;
    let expected = Some(b"short".to_vec());
    ensure_eq!(
        "the second of two writes",
        trial.read(&key).await?,
        expected
    );
    Ok(())
}

async fn many_writes_at_once_are_done_as_each_by_itself(trial: &Trial<'_>) -> Outcome {
    let names = ["a", "b", "short-lived", "large"].map(|name| trial.key(name));
    let large = vec![7; 100_000];
    let values = [&b"value"[..], b"", b"soon gone", &large];
    let fills = names.iter().zip(values).zip([TTL, TTL, SHORT, TTL]);
    let fills = fills.map(|((key, value), ttl)| Fill {
        key: key.clone(),
        value: value.to_vec(),
        ttl,
    });
    trial.write(&names[1], b"from before", TTL).await?;
    let deadline = trial.deadline();
    let written = trial.store.write_many(fills.collect(), deadline).await?;
    ensure_eq!("the answers", written, vec![Written::Stored; 4]);
    trial.until_gone(&names[2]).await?;
    let reply = trial.store.read(&names, trial.deadline()).await?;
    let value = |place: usize| Some(values[place].to_vec());
    let expected = [value(0), value(1), None, value(3)];
    ensure_eq!("what was written", reply, expected);
    let none = trial.store.write_many(Vec::new(), trial.deadline());
    ensure_eq!("the answers to nothing", none.await?, Vec::new());
    Ok(())
}

async fn a_head_is_what_a_value_begins_with(trial: &Trial<'_>) -> Outcome {
    let keys = ["long", "absent", "short", "empty", "long"].map(|name| trial.key(name));
    let long: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    trial.write(&keys[0], &long, TTL).await?;
    trial.write(&keys[2], b"ab", TTL).await?;
    trial.write(&keys[3], b"", TTL).await?;
    for length in [0, 1, 2, 3, 300, long.len(), long.len() + 1] {
        let heads = trial.store.heads(&keys, length, trial.deadline()).await?;
        let head = |bytes: &[u8]| bytes[..length.min(bytes.len())].to_vec();
        let expected = [head(&long), head(b""), head(b"ab"), head(b""), head(&long)];
        ensure_eq!("what values begin with", heads, expected);
    }
    let none = trial.store.heads(&[], 10, trial.deadline()).await?;
    ensure_eq!("the heads of no keys", none, Vec::<Vec<u8>>::new());
    Ok(())
}

async fn removed_values_are_gone_and_the_others_stay(trial: &Trial<'_>) -> Outcome {
    let keys = ["a", "b", "c", "never"].map(|name| trial.key(name));
    for key in &keys[..3] {
        trial.write(key, b"1", TTL).await?;
    }
    let gone = [
        keys[0].clone(),
        keys[3].clone(),
        keys[2].clone(),
        keys[0].clone(),
    ];
    trial.store.remove(&gone, trial.deadline()).await?;
    trial.store.remove(&gone, trial.deadline()).await?;
    let reply = trial.store.read(&keys, trial.deadline()).await?;
    let expected = [None, Some(b"1".to_vec()), None, None];
    ensure_eq!("what is left", reply, expected);
    Ok(())
}

async fn two_keys_of_which_one_begins_the_other_are_two(trial: &Trial<'_>) -> Outcome {
    let (above, below) = (trial.key("user"), trial.key("user:42"));
    trial.write(&above, b"above", TTL).await?;
    trial.write(&below, b"below", TTL).await?;
    trial.invalidate(std::slice::from_ref(&above)).await?;
    ensure_eq!("the one that was deleted", trial.read(&above).await?, None);
    let expected = Some(b"below".to_vec());
    ensure_eq!("the longer one", trial.read(&below).await?, expected);
    Ok(())
}
