//! Servers: how they are configured, and how they come and go.

use std::net::TcpListener;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::Duration;

use cachewright_test_support::{RedisServer, Reply, RespClient, eventually_blocking, free_port};

/// More than any machine takes.
const DEADLINE: Duration = Duration::from_secs(30);

fn client(server: &RedisServer) -> RespClient {
    RespClient::connect(server.addr()).expect("a connection")
}

fn ask(client: &mut RespClient, words: &[&str]) -> Reply {
    client.command(words).expect("a reply")
}

fn is_alive(pid: u32) -> bool {
    // Nobody waits for a child of a child that is gone: it is a zombie until init does.
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.contains("State:") && !status.contains("State:\tZ")
}

#[test]
fn a_server_answers_on_its_port() {
    let server = RedisServer::start();
    assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
    assert_ne!(server.port(), 6379);
    let mut client = client(&server);
    assert_eq!(ask(&mut client, &["SET", "key", "value"]), Reply::ok());
    assert_eq!(server.command(&["GET", "key"]), Reply::bulk("value"));
    assert_eq!(
        server.command(&["CONFIG", "GET", "port"]).items()[1].integer(),
        i64::from(server.port())
    );
    let info = server.command(&["INFO", "server"]).text();
    assert!(info.contains(&format!("process_id:{}\r\n", server.pid())));
    assert_eq!(server.command(&["DEBUG", "SLEEP", "0"]), Reply::ok());
}

#[test]
fn commands_and_replies_may_be_any_bytes() {
    let server = RedisServer::start();
    let value: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let key = b"\r\n\0\xff".as_slice();
    assert_eq!(server.command(&[b"SET", key, &value]), Reply::ok());
    assert_eq!(server.command(&[b"GET", key]), Reply::Bulk(value));
    assert_eq!(
        server.command(&["KEYS", "*"]),
        Reply::Array(vec![Reply::bulk(key)])
    );
}

#[test]
fn an_error_is_a_reply_like_others() {
    let server = RedisServer::start();
    let Reply::Error(error) = server.command(&["NONSENSE"]) else {
        panic!("no error")
    };
    assert!(error.starts_with("ERR unknown command"), "{error}");
}

#[test]
fn a_client_may_speak_version_3() {
    let server = RedisServer::start();
    let mut client = client(&server);
    assert!(matches!(ask(&mut client, &["HELLO", "3"]), Reply::Map(_)));
    ask(&mut client, &["CLIENT", "TRACKING", "ON"]);
    assert_eq!(ask(&mut client, &["GET", "key"]), Reply::Nil);
    server.command(&["SET", "key", "value"]);
    let push = client.receive().expect("a push");
    assert_eq!(
        push,
        Reply::Push(vec![
            Reply::bulk("invalidate"),
            Reply::Array(vec![Reply::bulk("key")])
        ])
    );
}

#[test]
fn settings_reach_the_server() {
    let server = RedisServer::builder()
        .config("maxclients", 100)
        .config("client-output-buffer-limit", "normal 1mb 512kb 60")
        .maxmemory(5_000_000, "allkeys-lru")
        .start();
    let setting = |name: &str| server.command(&["CONFIG", "GET", name]).items()[1].text();
    assert_eq!(setting("maxclients"), "100");
    assert_eq!(setting("maxmemory"), "5000000");
    assert_eq!(setting("maxmemory-policy"), "allkeys-lru");
    assert_eq!(setting("save"), "");
    assert_eq!(setting("appendonly"), "no");
    assert!(setting("client-output-buffer-limit").starts_with("normal 1048576 524288 60"));
}

#[test]
fn a_password_is_demanded_and_part_of_the_url() {
    let server = RedisServer::builder().password("a b\"#/\\é").start();
    let port = server.port();
    assert_eq!(
        server.url(),
        format!("redis://:a%20b%22%23%2F%5C%C3%A9@127.0.0.1:{port}")
    );
    let mut client = client(&server);
    assert!(
        matches!(ask(&mut client, &["PING"]), Reply::Error(error) if error.starts_with("NOAUTH"))
    );
    assert!(
        matches!(ask(&mut client, &["AUTH", "wrong"]), Reply::Error(error) if error.starts_with("WRONGPASS"))
    );
    assert_eq!(ask(&mut client, &["AUTH", "a b\"#/\\é"]), Reply::ok());
    assert_eq!(server.command(&["PING"]).text(), "PONG");
}

#[test]
fn users_may_do_what_they_are_allowed_to() {
    let server = RedisServer::builder()
        .acl("reader on >secret ~app:* +get")
        .acl("default off")
        .start();
    assert_eq!(
        server.url_as("reader", "secret"),
        format!("redis://reader:secret@127.0.0.1:{}", server.port())
    );
    let mut client = client(&server);
    assert!(
        matches!(ask(&mut client, &["PING"]), Reply::Error(error) if error.starts_with("NOAUTH"))
    );
    assert_eq!(ask(&mut client, &["AUTH", "reader", "secret"]), Reply::ok());
    assert_eq!(ask(&mut client, &["GET", "app:1"]), Reply::Nil);
    assert!(
        matches!(ask(&mut client, &["GET", "other"]), Reply::Error(error) if error.starts_with("NOPERM"))
    );
    assert_eq!(server.command(&["SET", "other", "1"]), Reply::ok());
}

#[test]
fn a_paused_server_answers_after_it_was_resumed() {
    let server = RedisServer::start();
    let mut client = client(&server);
    server.pause();
    server.pause();
    client.send(&["PING"]).expect("the kernel takes it");
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("a process");
    assert!(stat.contains(") T "), "{stat}");
    assert!(server.is_running());
    server.resume();
    assert_eq!(client.receive().expect("a reply").text(), "PONG");
}

#[test]
fn a_killed_server_is_gone_and_comes_back_empty_on_its_port() {
    let server = RedisServer::start();
    let (url, pid) = (server.url(), server.pid());
    let mut before = client(&server);
    assert_eq!(ask(&mut before, &["SET", "key", "value"]), Reply::ok());
    server.kill();
    assert!(!is_alive(pid) && !server.is_running());
    before
        .command(&["PING"])
        .expect_err("the connection is gone");
    assert!(RespClient::connect(server.addr()).is_err());
    server.restart();
    assert_eq!((server.url(), server.is_running()), (url, true));
    assert_ne!(server.pid(), pid);
    assert_eq!(ask(&mut client(&server), &["DBSIZE"]), Reply::Integer(0));
}

#[test]
fn a_stopped_server_restarts_with_what_it_was_told_to_persist() {
    let server = RedisServer::builder()
        .config("appendonly", "yes")
        .config("appendfsync", "always")
        .start();
    server.command(&["SET", "key", "value"]);
    server.pause();
    server.stop();
    assert!(!server.is_running());
    server.stop();
    server.restart();
    assert_eq!(server.command(&["GET", "key"]), Reply::bulk("value"));
}

#[test]
fn a_dropped_server_leaves_neither_process_nor_directory() {
    for paused in [false, true] {
        let server = RedisServer::start();
        let (pid, dir) = (server.pid(), server.dir().to_owned());
        if paused {
            server.pause();
        }
        assert!(is_alive(pid) && dir.exists());
        drop(server);
        assert!(!is_alive(pid) && !dir.exists());
    }
}

/// Not a test of its own: with the variable set, it is the process that ends without dropping its server.
#[test]
fn a_server_ends_with_the_process_that_started_it() {
    const VARIABLE: &str = "CACHEWRIGHT_TEST_SUPPORT_ABANDON";
    if std::env::var_os(VARIABLE).is_some() {
        let server = RedisServer::start();
        server.pause();
        println!("abandoned {} {}", server.pid(), server.dir().display());
        std::process::exit(0);
    }
    let output = std::process::Command::new(std::env::current_exe().expect("a path"))
        .args([
            "--exact",
            "--nocapture",
            "a_server_ends_with_the_process_that_started_it",
        ])
        .env(VARIABLE, "1")
        .output()
        .expect("the test's own program runs");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, rest) = output
        .split_once("abandoned ")
        .expect("the server was started");
    let mut words = rest.split_whitespace();
    let pid: u32 = words
        .next()
        .and_then(|pid| pid.parse().ok())
        .expect("an id");
    let dir = Path::new(words.next().expect("a directory"));
    eventually_blocking(DEADLINE, || !is_alive(pid) && !dir.exists());
}

#[test]
fn a_taken_port_is_replaced_by_another() {
    // Another test may take a port that was free a moment ago.
    let bind = || TcpListener::bind(("127.0.0.1", free_port()));
    let mut tries = std::iter::repeat_with(bind).take(100);
    let taken = tries.find_map(Result::ok).expect("a free port");
    let port = taken.local_addr().expect("its address").port();
    let server = RedisServer::builder().try_port(port).start();
    assert_ne!(server.port(), port);
    assert_eq!(ask(&mut client(&server), &["PING"]).text(), "PONG");
    drop(taken);
    // A process that another test is starting may have a copy of the listener for a moment.
    eventually_blocking(DEADLINE, || {
        RedisServer::builder().try_port(port).start().port() == port
    });
}

#[test]
fn servers_of_many_threads_dont_meet() {
    let servers: Vec<RedisServer> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(RedisServer::start)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a server"))
            .collect()
    });
    for (number, server) in servers.iter().enumerate() {
        server.command(&["SET", "number", &number.to_string()]);
    }
    for (number, server) in servers.iter().enumerate() {
        let value = ask(&mut client(server), &["GET", "number"]);
        assert_eq!(value.integer(), number as i64);
    }
}

fn panic_of(start: impl FnOnce() -> RedisServer + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(start).err().expect("a panic");
    panic.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn a_missing_program_is_named_with_the_way_to_get_it() {
    let message = panic_of(|| {
        RedisServer::builder()
            .binary("redis-server-that-isnt-there")
            .start()
    });
    assert!(
        message.contains("scripts/prepare.sh") && message.contains("apt-get install redis-server"),
        "{message}"
    );
}

#[test]
fn a_refused_configuration_is_shown() {
    let message = panic_of(|| {
        RedisServer::builder()
            .config("no-such-setting", "1")
            .start()
    });
    assert!(message.contains("no-such-setting"), "{message}");
}
