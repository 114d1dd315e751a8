//! The warming program fills the cache.

#[cfg(feature = "servers")]
mod program;
#[allow(dead_code, reason = "`main` is not called")]
#[path = "../warming.rs"]
mod warming;

use indicatif::ProgressBar;

#[tokio::test]
async fn all_is_filled_and_then_skipped_and_the_bar_comes_to_its_end() {
    let cache = cachewright::Cache::builder().namespace("nyc");
    let (mut out, bar) = (Vec::new(), ProgressBar::hidden());
    let fill = warming::fill(cache.build().unwrap(), bar.clone(), &mut out);
    fill.await.unwrap();
    check(&String::from_utf8(out).unwrap());
    assert_eq!((bar.position(), bar.length()), (93, Some(93)));
    assert_eq!(bar.message(), "0 failed");
    assert!(bar.is_finished());
}

#[cfg(feature = "servers")]
#[test]
fn over_redis_it_is_the_same() {
    let redis = cachewright_test_support::RedisServer::start();
    let url = redis.url();
    // A slow machine must not make functions run uncached.
    let variables = [("REDIS_URL", &*url), ("CACHE_STORE_TIMEOUT", "30s")];
    for _ in 0..2 {
        let output = program::run("warming", &variables).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        check(&String::from_utf8(output.stdout).unwrap());
    }
}

#[track_caller]
fn check(out: &str) {
    let lines: Vec<_> = out.lines().collect();
    let begins = [
        "boards: 93 done, 0 skipped, 0 failed in ",
        "routes: 186 done, 0 skipped, 0 failed in ",
        "carriers: 16 done, 0 skipped, 0 failed in ",
        "boards, once more: 0 done, 93 skipped, 0 failed in ",
    ];
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
    assert!(lines[4].contains(" departures of JFK on the 15th"), "{out}");
    assert_eq!(lines.len(), 5, "{out}");
}
