//! Counters, if the store offers them.

use super::trial::{Outcome, SHORT, TTL, Trial, all};
use super::{ensure, ensure_eq, table};

table! {
    a_counter_begins_at_zero_and_adds_up:
        "what is absent counts as zero",
    a_counter_is_read_set_and_removed_like_a_value:
        "counters are decimal text",
    additions_at_once_are_all_counted:
        "an addition is one atomic step, and each is told its own sum",
    a_counter_stays_in_its_range:
        "a sum that wrapped around would let everybody through a limit",
    what_is_no_number_is_not_counted:
        "an error of class data, and nothing was added",
    a_window_begins_with_the_first_addition:
        "a limit for each minute ends with the minute, however often it is hit",
    a_counter_gets_a_time_to_live:
        "`expire` gives one to a counter that exists, and says whether it does",
}

async fn a_counter_begins_at_zero_and_adds_up(trial: &Trial<'_>) -> Outcome {
    let Some(counters) = trial.store.counters() else {
        return Ok(());
    };
    let key = trial.key("c");
    for (by, sum) in [(1, 1), (41, 42), (-50, -8), (0, -8)] {
        let answer = counters.add(&key, by, Some(TTL), trial.deadline()).await?;
        ensure_eq!(format!("the sum after adding {by}"), answer, sum);
    }
    Ok(())
}

async fn a_counter_is_read_set_and_removed_like_a_value(trial: &Trial<'_>) -> Outcome {
    let Some(counters) = trial.store.counters() else {
        return Ok(());
    };
    let key = trial.key("c");
    counters.add(&key, -7, Some(TTL), trial.deadline()).await?;
    let expected = Some(b"-7".to_vec());
    ensure_eq!("a counter that is read", trial.read(&key).await?, expected);
    trial.write(&key, b"40", TTL).await?;
    let sum = counters.add(&key, 2, None, trial.deadline()).await?;
    ensure_eq!("a counter that was set", sum, 42);
    trial
        .store
        .remove(std::slice::from_ref(&key), trial.deadline())
        .await?;
    let sum = counters.add(&key, 1, Some(TTL), trial.deadline()).await?;
    ensure_eq!("a counter that was removed", sum, 1);
    Ok(())
}

async fn additions_at_once_are_all_counted(trial: &Trial<'_>) -> Outcome {
    let Some(counters) = trial.store.counters() else {
        return Ok(());
    };
    let key = trial.key("c");
    let add = |_| counters.add(&key, 1, Some(TTL), trial.deadline());
    let mut sums = Vec::new();
    for sum in all((0..64).map(add)).await {
        sums.push(sum?);
    }
    sums.sort_unstable();
    ensure_eq!(
        "the sums of 64 additions",
        sums,
        (1..=64).collect::<Vec<_>>()
    );
    Ok(())
}

async fn a_counter_stays_in_its_range(trial: &Trial<'_>) -> Outcome {
    let Some(counters) = trial.store.counters() else {
        return Ok(());
    };
    for (name, most, by) in [("most", i64::MAX, 1), ("least", i64::MIN, -1)] {
        let key = trial.key(name);
        trial.write(&key, most.to_string().as_bytes(), TTL).await?;
        match counters.add(&key, by, None, trial.deadline()).await {
            Err(error) if error.is_invalid_input() => {}
            answer => ensure!(false, "expected an input error, but it was {answer:?}"),
        }
        let sum = counters.add(&key, 0, None, trial.deadline()).await?;
        ensure_eq!("the counter after a sum out of range", sum, most);
    }
    Ok(())
}

async fn what_is_no_number_is_not_counted(trial: &Trial<'_>) -> Outcome {
    let Some(counters) = trial.store.counters() else {
        return Ok(());
    };
    for text in [&b"twelve"[..], b"1.5", &[0xff; 16]] {
        let key = trial.key("c");
        trial.write(&key, text, TTL).await?;
        match counters.add(&key, 1, None, trial.deadline()).await {
            Err(error) if error.is_data() => {}
            answer => ensure!(false, "expected a data error, but it was {answer:?}"),
        }
        let expected = Some(text.to_vec());
        ensure_eq!("what is no number", trial.read(&key).await?, expected);
    }
    Ok(())
}

async fn a_window_begins_with_the_first_addition(trial: &Trial<'_>) -> Outcome {
    let Some(counters) = trial.store.counters() else {
        return Ok(());
    };
    let (brief, endless) = (trial.key("brief"), trial.key("endless"));
    counters
        .add(&brief, 1, Some(SHORT * 10), trial.deadline())
        .await?;
    counters.add(&brief, 1, Some(TTL), trial.deadline()).await?;
    counters.add(&endless, 1, None, trial.deadline()).await?;
    trial.until_gone(&brief).await?;
    let sum = counters.add(&brief, 1, Some(TTL), trial.deadline()).await?;
    ensure_eq!("the first sum of a new window", sum, 1);
    let sum = counters
        .add(&endless, 1, Some(SHORT), trial.deadline())
        .await?;
    ensure_eq!("a counter without a window", sum, 2);
    trial.until_gone(&endless).await
}

async fn a_counter_gets_a_time_to_live(trial: &Trial<'_>) -> Outcome {
    let Some(counters) = trial.store.counters() else {
        return Ok(());
    };
    let (key, never) = (trial.key("c"), trial.key("never"));
    counters.add(&key, 1, Some(TTL), trial.deadline()).await?;
    let expire = |key| counters.expire(key, SHORT, trial.deadline());
    ensure_eq!("giving time to a counter", expire(&key).await?, true);
    ensure_eq!("giving time to nothing", expire(&never).await?, false);
    ensure_eq!("what was given time to", trial.read(&never).await?, None);
    trial.until_gone(&key).await
}
