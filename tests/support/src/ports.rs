//! Ports that nobody listens on.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;

/// Below the range that Linux takes the ports of outgoing connections from. A port of that range could be taken by any client while its
/// server is down, even by the one that keeps trying to connect to it: on the loopback interface such a client connects to itself at times.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Those given out by this process, which are not given out twice: their server may be down for the moment.
static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A port on 127.0.0.1 that nobody listens on at this moment, and that this process wasn't given before.
///
/// Another process can still take it before the caller does.
///
/// # Panics
///
/// If there is none.
pub fn free_port() -> u16 {
    // Random, because tests run in several processes that begin at one moment.
    let random = RandomState::new().hash_one(std::process::id());
    let start = (random % u64::from(COUNT)) as u16;
    let mut given = GIVEN
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let given = given.get_or_insert_default();
    for step in 0..COUNT {
        let port = FIRST + (start + step) % COUNT;
        if !given.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            given.insert(port);
            return port;
        }
    }
    panic!("no port from {FIRST} to {} is free", FIRST + COUNT - 1);
}
