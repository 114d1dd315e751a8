//! Waiting for what gives no signal.

use std::time::Duration;

use cachewright_test_support::{eventually, eventually_blocking, free_port};

#[tokio::test]
async fn it_asks_until_the_condition_holds() {
    let mut asked = 0;
    eventually(Duration::from_secs(30), || {
        asked += 1;
        asked == 3
    })
    .await;
    assert_eq!(asked, 3);
}

#[test]
#[should_panic(expected = "tests/wait.rs")]
fn it_names_the_line_that_waited_in_vain() {
    eventually_blocking(Duration::from_millis(10), || false);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "tests/wait.rs")]
async fn a_paused_clock_doesnt_stop_the_deadline() {
    eventually(Duration::from_millis(10), || false).await;
}

#[test]
fn a_port_is_given_once() {
    let mut ports: Vec<u16> = (0..50).map(|_| free_port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 50);
}
