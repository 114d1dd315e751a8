//! The proxy and its faults.

use std::time::{Duration, Instant};

use cachewright_test_support::{Proxy, RedisServer, Reply, RespClient, eventually_blocking};

/// More than any machine takes.
const DEADLINE: Duration = Duration::from_secs(30);

fn wait_until(condition: impl FnMut() -> bool) {
    eventually_blocking(DEADLINE, condition);
}

/// A server, a proxy before it and a client of the proxy.
fn world() -> (RedisServer, Proxy, RespClient) {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.addr());
    let client = connect(&proxy);
    (server, proxy, client)
}

fn connect(proxy: &Proxy) -> RespClient {
    RespClient::connect(proxy.addr()).expect("a connection")
}

/// Asks for an echo, which tells replies apart.
fn echo(client: &mut RespClient, word: &str) -> String {
    client.command(&["ECHO", word]).expect("a reply").text()
}

fn receive(client: &mut RespClient) -> String {
    client.receive().expect("a reply").text()
}

#[test]
fn without_faults_everything_passes() {
    let (server, proxy, mut client) = world();
    assert_eq!(proxy.url(), format!("redis://127.0.0.1:{}", proxy.port()));
    let value = vec![b'\n'; 1_000_000];
    assert_eq!(
        client
            .command(&[b"SET", b"key".as_slice(), &value])
            .expect("a reply"),
        Reply::ok()
    );
    assert_eq!(
        client.command(&["GET", "key"]).expect("a reply"),
        Reply::Bulk(value)
    );
    assert!(matches!(
        client.command(&["HELLO", "3"]).expect("a reply"),
        Reply::Map(_)
    ));
    for number in 0..1000 {
        client.send(&["ECHO", &number.to_string()]).expect("sent");
    }
    for number in 0..1000 {
        assert_eq!(receive(&mut client), number.to_string());
    }
    assert_eq!(server.command(&["DBSIZE"]), Reply::Integer(1));
}

#[test]
fn what_passes_is_counted() {
    let (_server, proxy, mut client) = world();
    client.command(&["HELLO", "3"]).expect("a reply");
    client.command(&["set", "key", "value"]).expect("a reply");
    client.send(&["SUBSCRIBE", "channel"]).expect("sent");
    assert!(matches!(client.receive().expect("a push"), Reply::Push(_)));
    let seen = proxy.seen();
    assert_eq!(
        (seen.connections, seen.commands, seen.replies, seen.pushes),
        (1, 3, 2, 1)
    );
    assert_eq!(
        (
            proxy.count("SET"),
            proxy.count("subscribe"),
            proxy.count("GET")
        ),
        (1, 1, 0)
    );
    assert!(seen.request_bytes > 50 && seen.reply_bytes > 50);
    assert_eq!(proxy.open_connections(), 1);
    drop(client);
    wait_until(|| proxy.open_connections() == 0);
}

#[test]
fn replies_are_delayed() {
    let (_server, proxy, mut client) = world();
    proxy.delay_replies(Duration::from_millis(50));
    let begin = Instant::now();
    assert_eq!(echo(&mut client, "late"), "late");
    assert!(begin.elapsed() >= Duration::from_millis(50));
    proxy.delay_replies(Duration::from_secs(3600));
    client.send(&["ECHO", "never"]).expect("sent");
    wait_until(|| proxy.held_replies() == 1);
    proxy.pass();
    assert_eq!(receive(&mut client), "never");
}

#[test]
fn held_replies_come_when_they_are_released() {
    let (server, proxy, mut client) = world();
    proxy.hold_replies();
    for word in ["1", "2", "3"] {
        client.send(&["SET", word, word]).expect("sent");
        client.send(&["ECHO", word]).expect("sent");
    }
    wait_until(|| proxy.held_replies() == 6);
    assert_eq!(server.command(&["DBSIZE"]), Reply::Integer(3));
    proxy.release_some(2);
    assert_eq!(
        (receive(&mut client), receive(&mut client)),
        ("OK".to_owned(), "1".to_owned())
    );
    assert_eq!(proxy.held_replies(), 4);
    proxy.release_replies();
    assert_eq!(
        (receive(&mut client), receive(&mut client)),
        ("OK".to_owned(), "2".to_owned())
    );
}

#[test]
fn replies_to_one_command_can_be_held() {
    let (_server, proxy, mut client) = world();
    proxy.hold_replies_to("set");
    assert_eq!(echo(&mut client, "1"), "1");
    client.send(&["SET", "key", "value"]).expect("sent");
    client.send(&["ECHO", "2"]).expect("sent");
    wait_until(|| proxy.held_replies() == 2);
    assert_eq!(echo(&mut connect(&proxy), "other"), "other");
    proxy.release_replies();
    assert_eq!(
        (receive(&mut client), receive(&mut client)),
        ("OK".to_owned(), "2".to_owned())
    );
}

#[test]
fn a_held_request_arrives_after_its_client_has_gone() {
    let (server, proxy, mut client) = world();
    proxy.hold_requests_of("SET");
    client.send(&["SET", "key", "value"]).expect("sent");
    wait_until(|| proxy.held_requests() == 1);
    drop(client);
    assert_eq!(echo(&mut connect(&proxy), "other"), "other");
    assert_eq!(server.command(&["DBSIZE"]), Reply::Integer(0));
    proxy.release_requests();
    wait_until(|| server.command(&["GET", "key"]) == Reply::bulk("value"));
}

#[test]
fn a_held_request_dies_with_a_cut_connection() {
    let (server, proxy, mut client) = world();
    proxy.hold_requests();
    client.send(&["SET", "key", "value"]).expect("sent");
    wait_until(|| proxy.held_requests() == 1);
    proxy.cut();
    assert_eq!(proxy.held_requests(), 0);
    proxy.release_requests();
    assert_eq!(echo(&mut connect(&proxy), "other"), "other");
    assert_eq!(server.command(&["DBSIZE"]), Reply::Integer(0));
}

#[test]
fn a_dropped_reply_shifts_the_later_ones() {
    let (server, proxy, mut client) = world();
    proxy.drop_replies(1);
    client.send(&["SET", "key", "value"]).expect("sent");
    wait_until(|| proxy.seen().dropped_replies == 1);
    assert_eq!(server.command(&["GET", "key"]), Reply::bulk("value"));
    client.send(&["ECHO", "1"]).expect("sent");
    assert_eq!(receive(&mut client), "1");
}

#[test]
fn replies_to_one_command_can_be_dropped() {
    let (_server, proxy, mut client) = world();
    proxy.drop_replies_to("set", 2);
    assert_eq!(echo(&mut client, "1"), "1");
    for key in ["a", "b", "c"] {
        client.send(&["SET", key, "value"]).expect("sent");
        client.send(&["ECHO", key]).expect("sent");
    }
    let replies: Vec<String> = (0..4).map(|_| receive(&mut client)).collect();
    assert_eq!(replies, ["a", "b", "OK", "c"]);
}

#[test]
fn an_inserted_reply_comes_before_the_next() {
    let (_server, proxy, mut client) = world();
    proxy.insert_reply(b"$5\r\nwrong\r\n");
    assert_eq!(echo(&mut client, "1"), "wrong");
    assert_eq!(echo(&mut client, "2"), "1");
}

#[test]
fn a_reply_can_come_twice() {
    let (_server, proxy, mut client) = world();
    proxy.duplicate_replies_to("ECHO", 1);
    assert_eq!(client.command(&["PING"]).expect("a reply").text(), "PONG");
    assert_eq!(echo(&mut client, "1"), "1");
    assert_eq!(echo(&mut client, "2"), "1");
    assert_eq!(receive(&mut client), "2");
}

#[test]
fn a_server_whose_replies_are_swallowed_does_its_work() {
    let (server, proxy, mut client) = world();
    proxy.swallow_replies();
    client.send(&["SET", "key", "value"]).expect("sent");
    wait_until(|| proxy.seen().dropped_replies == 1);
    assert_eq!(server.command(&["GET", "key"]), Reply::bulk("value"));
    proxy.pass();
    assert_eq!(echo(&mut client, "1"), "1");
}

#[test]
fn pushes_alone_can_be_swallowed() {
    let (server, proxy, mut client) = world();
    client.command(&["HELLO", "3"]).expect("a reply");
    client
        .command(&["CLIENT", "TRACKING", "ON", "BCAST"])
        .expect("a reply");
    proxy.swallow_pushes();
    server.command(&["SET", "key", "1"]);
    wait_until(|| proxy.seen().pushes == 1 && proxy.held_replies() == 0);
    assert_eq!(echo(&mut client, "1"), "1");
    proxy.pass();
    server.command(&["SET", "key", "2"]);
    assert!(matches!(client.receive().expect("a push"), Reply::Push(_)));
}

#[test]
fn a_lost_request_never_reaches_the_server() {
    let (server, proxy, mut client) = world();
    proxy.lose_requests_of("set", 1);
    client.send(&["SET", "key", "lost"]).expect("sent");
    client.send(&["ECHO", "1"]).expect("sent");
    assert_eq!(receive(&mut client), "1");
    assert_eq!(server.command(&["DBSIZE"]), Reply::Integer(0));
    assert_eq!((proxy.seen().lost_requests, proxy.count("SET")), (1, 1));
    assert_eq!(
        client.command(&["SET", "key", "kept"]).expect("a reply"),
        Reply::ok()
    );
    proxy.lose_requests(1);
    client.send(&["ECHO", "2"]).expect("sent");
    assert_eq!(echo(&mut client, "3"), "3");
}

#[test]
fn a_cut_ends_connections_and_a_new_one_works() {
    let (_server, proxy, mut client) = world();
    assert_eq!(echo(&mut client, "1"), "1");
    proxy.cut();
    assert_eq!(proxy.open_connections(), 0);
    client.command(&["PING"]).expect_err("it was cut");
    assert_eq!(echo(&mut connect(&proxy), "2"), "2");
    assert_eq!(proxy.seen().connections, 2);
}

#[test]
fn connections_are_refused_and_accepted_again() {
    let (_server, proxy, mut client) = world();
    assert_eq!(echo(&mut client, "1"), "1");
    for _ in 0..3 {
        proxy.refuse_connections();
        proxy.refuse_connections();
        let refused = RespClient::connect(proxy.addr())
            .err()
            .expect("no connection");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert_eq!(echo(&mut client, "still"), "still");
        proxy.accept_connections();
        assert_eq!(echo(&mut connect(&proxy), "2"), "2");
    }
}

#[test]
fn a_servers_death_is_seen_through_the_proxy_and_so_is_its_return() {
    let (server, proxy, mut client) = world();
    assert_eq!(echo(&mut client, "1"), "1");
    server.kill();
    client.command(&["PING"]).expect_err("the server is gone");
    connect(&proxy)
        .command(&["PING"])
        .expect_err("the server is gone");
    server.restart();
    assert_eq!(echo(&mut connect(&proxy), "2"), "2");
}

#[test]
fn a_proxy_can_be_turned_to_another_server() {
    let (server, proxy, mut client) = world();
    let other = RedisServer::start();
    other.command(&["SET", "name", "other"]);
    server.command(&["SET", "name", "server"]);
    assert_eq!(
        client.command(&["GET", "name"]).expect("a reply").text(),
        "server"
    );
    proxy.retarget(other.addr());
    assert_eq!(
        client.command(&["GET", "name"]).expect("a reply").text(),
        "server"
    );
    assert_eq!(
        connect(&proxy)
            .command(&["GET", "name"])
            .expect("a reply")
            .text(),
        "other"
    );
}

#[test]
fn a_dropped_proxy_ends_its_connections_and_its_port() {
    for refusing in [false, true] {
        let (_server, proxy, mut client) = world();
        assert_eq!(echo(&mut client, "1"), "1");
        let addr = proxy.addr();
        if refusing {
            proxy.refuse_connections();
        }
        drop(proxy);
        client.command(&["PING"]).expect_err("it was cut");
        assert!(RespClient::connect(addr).is_err());
    }
}
