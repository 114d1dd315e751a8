//! Fingerprints are stored, so they never change.

#![allow(dead_code)]

use std::collections::BTreeMap;

use cachewright::__private::Schema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct User {
    name: String,
    age: Option<u8>,
    friends: Vec<User>,
    settings: BTreeMap<String, Setting>,
}

#[derive(Deserialize)]
enum Setting {
    Off,
    Level(f64),
    Range(i32, i32),
    Named { name: char, of: (bool, u64) },
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Event {
    Started,
    Moved { by: Option<i64>, to: Vec<u8> },
}

#[derive(Deserialize)]
#[serde(tag = "t", content = "c")]
enum Message {
    Empty,
    Text { text: String, lang: Option<String> },
}

fn fingerprint<T: DeserializeOwned + 'static>() -> String {
    let bytes = Schema::of::<T>().fingerprint();
    bytes
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn fingerprints_never_change() {
    let fingerprints = [
        fingerprint::<()>(),
        fingerprint::<u64>(),
        fingerprint::<String>(),
        fingerprint::<Vec<(u8, Option<char>)>>(),
        fingerprint::<User>(),
        fingerprint::<Setting>(),
        fingerprint::<Event>(),
        fingerprint::<Message>(),
        fingerprint::<serde_json::Value>(),
        fingerprint::<std::time::Duration>(),
        fingerprint::<std::net::IpAddr>(),
    ];
    assert_eq!(
        fingerprints,
        [
            "d75fa79b09080a951f81632ede1a18a9",
            "aa7949c1124b1ca4673057e5df94732f",
            "7f37c1e3ee2e6ad57ad0fc9fab0ae707",
            "26d9029d9676b2b6694bf15aa524cd84",
            "9726fa25918467bfeeec4f58a0ac6579",
            "d9f1d199fd55e8417f6318c90aa9162d",
            "8760ae6ddbc0e5bb2d5f0a436d9e0dae",
            "91603716f53c192e858484d68f4c1f41",
            "5499c88efdb7d2cb7bd2210f696a46a3",
            "af9f90ca0e8111a6ad930da98e7a6c89",
            "1b792c7555a11c4cec475562ad6d0587",
        ]
    );
}
