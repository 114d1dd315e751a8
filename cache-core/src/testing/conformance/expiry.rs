//! Times to live.

use std::time::Duration;

use super::trial::{Outcome, SHORT, TTL, Trial, offer};
use super::{ensure, ensure_eq, table};

table! {
    a_value_goes_when_its_time_is_over:
        "the store's time to live is what ends an entry",
    reads_do_not_let_a_value_live_longer:
        "an entry ends, however often it is asked for",
    a_rewritten_value_has_the_new_time_to_live:
        "a fill replaces bytes and time",
    a_millisecond_is_a_time_to_live:
        "times are not cut down to seconds: zero would be refused, or be for ever",
    a_minted_generation_goes_when_its_time_is_over:
        "generations would pile up",
    a_mint_of_what_exists_does_not_shorten_its_life:
        "a generation that goes early costs a computation for every entry below it",
    a_swapped_generation_has_the_new_time_to_live:
        "it must outlive the entry that is stored under it",
    prolonging_lets_a_generation_live:
        "a generation must outlive the entries that are stored under it",
    prolonging_shortens_nothing:
        "`prolong` is for at least the time given",
    prolonging_creates_and_alters_nothing:
        "to create a generation would revive what was invalidated in between",
    prolonging_revives_nothing:
        "point 5: nothing comes back by itself. What has expired may be in the way no more, or be \
         there still, and must be gone either way",
}

async fn a_value_goes_when_its_time_is_over(trial: &Trial<'_>) -> Outcome {
    let (brief, lasting) = (trial.key("brief"), trial.key("lasting"));
    trial.write(&lasting, b"1", TTL).await?;
    trial.write(&brief, b"1", SHORT).await?;
    trial.until_gone(&brief).await?;
    ensure!(
        trial.read(&lasting).await?.is_some(),
        "what was to live for a minute went with it"
    );
    Ok(())
}

async fn reads_do_not_let_a_value_live_longer(trial: &Trial<'_>) -> Outcome {
    // `until_gone` reads it all the time.
    let key = trial.key("v");
    trial.write(&key, b"1", SHORT * 2).await?;
    trial.until_gone(&key).await
}

async fn a_rewritten_value_has_the_new_time_to_live(trial: &Trial<'_>) -> Outcome {
    let (longer, shorter) = (trial.key("longer"), trial.key("shorter"));
    trial.write(&longer, b"1", SHORT).await?;
    trial.write(&longer, b"2", TTL).await?;
    trial.write(&shorter, b"1", TTL).await?;
    trial.write(&shorter, b"2", SHORT).await?;
    trial.until_gone(&shorter).await?;
    let expected = Some(b"2".to_vec());
    ensure_eq!(
        "what lives longer now",
        trial.read(&longer).await?,
        expected
    );
    Ok(())
}

async fn a_millisecond_is_a_time_to_live(trial: &Trial<'_>) -> Outcome {
    let (value, generation) = (trial.key("v"), trial.key("g"));
    let least = Duration::from_millis(1);
    trial.write(&value, b"1", least).await?;
    trial
        .mint(&generation, Duration::from_micros(1_999))
        .await?;
    trial.until_gone(&value).await?;
    trial.until_gone(&generation).await
}

async fn a_minted_generation_goes_when_its_time_is_over(trial: &Trial<'_>) -> Outcome {
    let key = trial.key("g");
    let (first, _) = trial.mint(&key, SHORT).await?;
    trial.until_gone(&key).await?;
    let (second, shown) = trial.mint(&key, TTL).await?;
    ensure_eq!("a mint after its end", shown, Some(second));
    ensure!(first != second, "a nonce came a second time");
    Ok(())
}

async fn a_mint_of_what_exists_does_not_shorten_its_life(trial: &Trial<'_>) -> Outcome {
    let (key, timer) = (trial.key("g"), trial.key("timer"));
    trial.mint(&key, TTL).await?;
    trial.mint(&key, SHORT).await?;
    trial.write(&timer, b"1", SHORT * 3).await?;
    trial.until_gone(&timer).await?;
    ensure!(trial.read(&key).await?.is_some(), "the generation is gone");
    Ok(())
}

async fn a_swapped_generation_has_the_new_time_to_live(trial: &Trial<'_>) -> Outcome {
    let (longer, shorter) = (trial.key("longer"), trial.key("shorter"));
    for (key, before, after) in [(&longer, SHORT, TTL), (&shorter, TTL, SHORT)] {
        trial.mint(key, before).await?;
        let _ = trial
            .store
            .swap(offer(key).0, after, trial.deadline())
            .await?;
    }
    trial.until_gone(&shorter).await?;
    ensure!(
        trial.read(&longer).await?.is_some(),
        "the generation is gone"
    );
    Ok(())
}

async fn prolonging_lets_a_generation_live(trial: &Trial<'_>) -> Outcome {
    let (key, timer) = (trial.key("g"), trial.key("timer"));
    trial.mint(&key, SHORT * 10).await?;
    let keys = [key.clone(), trial.key("never")];
    trial.store.prolong(&keys, TTL, trial.deadline()).await?;
    trial.write(&timer, b"1", SHORT * 12).await?;
    trial.until_gone(&timer).await?;
    ensure!(trial.read(&key).await?.is_some(), "the generation is gone");
    Ok(())
}

async fn prolonging_shortens_nothing(trial: &Trial<'_>) -> Outcome {
    let (key, timer) = (trial.key("g"), trial.key("timer"));
    trial.mint(&key, TTL).await?;
    let keys = [key.clone()];
    trial.store.prolong(&keys, SHORT, trial.deadline()).await?;
    trial.write(&timer, b"1", SHORT * 3).await?;
    trial.until_gone(&timer).await?;
    ensure!(trial.read(&key).await?.is_some(), "the generation is gone");
    Ok(())
}

async fn prolonging_creates_and_alters_nothing(trial: &Trial<'_>) -> Outcome {
    let keys = [trial.key("here"), trial.key("never")];
    let (here, _) = trial.mint(&keys[0], TTL).await?;
    trial.store.prolong(&keys, TTL, trial.deadline()).await?;
    let reply = trial.store.read(&keys, trial.deadline()).await?;
    ensure_eq!(
        "what is there",
        reply,
        [Some(here.to_bytes().to_vec()), None]
    );
    Ok(())
}

async fn prolonging_revives_nothing(trial: &Trial<'_>) -> Outcome {
    let keys = [trial.key("g")];
    trial.mint(&keys[0], SHORT).await?;
    trial.until_gone(&keys[0]).await?;
    trial.store.prolong(&keys, TTL, trial.deadline()).await?;
    ensure_eq!("what has expired", trial.read(&keys[0]).await?, None);
    let (offered, shown) = trial.mint(&keys[0], TTL).await?;
    ensure_eq!("the mint after it", shown, Some(offered));
    Ok(())
}
