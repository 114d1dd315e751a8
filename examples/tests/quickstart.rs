//! The quickstart program prints what it promises.

#[cfg(feature = "servers")]
mod program;
#[allow(dead_code, reason = "`main` is not called")]
#[path = "../quickstart.rs"]
mod quickstart;

/// The keys begin like this.
const KEYS: [&str; 4] = [
    "nyc:flights:board:15:EWR:departure_board:",
    "nyc:flights:carrier:UA:carrier_delays:",
    "nyc:flights:record:UA:1703:15:flight:",
    "nyc:flights:route:EWR:BOS:best_route:",
];

#[tokio::test]
async fn the_tour_shows_times_fresh_answers_counts_and_keys() {
    let cache = cachewright::Cache::builder().namespace("nyc");
    let mut out = Vec::new();
    let tour = quickstart::tour(cache.build().unwrap(), &mut out);
    tour.await.unwrap();
    let out = String::from_utf8(out).unwrap();
    check_keys(&check(&out));
}

#[cfg(feature = "servers")]
#[test]
fn over_redis_the_tour_is_the_same_however_often_it_is_made() {
    use cachewright_test_support::{RedisServer, Reply};

    let redis = RedisServer::start();
    let url = redis.url();
    // A slow machine must not make functions run uncached.
    let variables = [("REDIS_URL", &*url), ("CACHE_STORE_TIMEOUT", "30s")];
    for _ in 0..2 {
        let output = program::run("quickstart", &variables).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let out = String::from_utf8(output.stdout).unwrap();
        let scan = format!("redis-cli -u {url}/0 --scan --pattern 'nyc:flights:*'");
        assert_eq!(check(&out), [scan]);
    }
    let keys = redis.command(&["KEYS", "nyc:flights:*"]).items();
    let mut keys: Vec<_> = keys.iter().map(Reply::text).collect();
    keys.sort_unstable();
    check_keys(&keys);
}

#[track_caller]
fn check_keys(keys: &[impl AsRef<str>]) {
    let keys: Vec<_> = keys.iter().map(AsRef::as_ref).collect();
    let all = keys.len() == KEYS.len();
    assert!(
        all && keys
            .iter()
            .zip(KEYS)
            .all(|(key, begin)| key.starts_with(begin)),
        "{keys:?}"
    );
}

/// Checks what the tour prints wherever entries are kept, and gives back what it prints of the
/// keys.
#[track_caller]
fn check(out: &str) -> Vec<&str> {
    let paragraphs: Vec<Vec<&str>> = out
        .split("\n\n")
        .map(|text| text.lines().collect())
        .collect();
    let [title, reads, writes, functions, keys] = &paragraphs[..] else {
        panic!("{out}");
    };

    assert!(title[0].starts_with("Departures from New York, January 2013"));
    assert_eq!(reads.len(), 5, "{out}");
    assert_eq!(
        writes[1..],
        [
            "carrier_delays   mean 8.33 min          mean 8.45 min          mean 8.33 min",
            "departure_board  31 late, 7 cancelled   32 late, 7 cancelled   31 late, 8 cancelled",
            "best_route       UA, mean -1.57 min     B6, mean 0.47 min      UA, mean -1.58 min",
            "flight           8 min late             600 min late           cancelled",
        ]
    );
    assert_eq!(functions.len(), 5, "{out}");
    for line in &functions[1..] {
        let cells: Vec<&str> = line.split_whitespace().collect();
        // 1,000 warm calls and the answers before the first write; one cold call and one after each
        // write.
        assert_eq!(cells[1..3], ["1001", "3"], "{line}");
    }
    for name in ["carrier_delays", "departure_board", "best_route", "flight"] {
        assert!(functions.iter().any(|line| line.starts_with(name)), "{out}");
    }
    assert_eq!(keys[0], "keys");
    keys[1..].to_vec()
}
