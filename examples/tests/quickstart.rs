//! The quickstart program prints what it promises.

#[allow(dead_code, reason = "`main` is not called")]
#[path = "../quickstart.rs"]
mod quickstart;

#[tokio::test]
async fn the_tour_shows_times_fresh_answers_counts_and_keys() {
    let mut out = Vec::new();
    quickstart::tour(&mut out).await.unwrap();
    let out = String::from_utf8(out).unwrap();
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
    for (name, key) in [
        ("carrier_delays", "nyc:flights:carrier:UA:carrier_delays:"),
        (
            "departure_board",
            "nyc:flights:board:15:EWR:departure_board:",
        ),
        ("best_route", "nyc:flights:route:EWR:BOS:best_route:"),
        ("flight", "nyc:flights:record:UA:1703:15:flight:"),
    ] {
        assert!(functions.iter().any(|line| line.starts_with(name)), "{out}");
        assert!(keys.iter().any(|line| line.starts_with(key)), "{out}");
    }
    assert_eq!(keys.len(), 5, "{out}");
}
