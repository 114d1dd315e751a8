//! A store works wherever it is called: on any runtime, on several, and without one.

mod common;

use std::sync::LazyLock;
use std::time::Duration;

use cache_core::store::Store;
use cache_redis::RedisStore;
use cachewright_test_support::{RedisServer, eventually_blocking};
use common::{ask_everything, block_on, get, key, probe, put, soon, store, within};
use tokio::runtime::{Builder, Runtime};

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn clients(server: &RedisServer) -> usize {
    let list = server.command(&["CLIENT", "LIST", "TYPE", "normal"]).text();
    // Without the one that asks.
    list.lines()
        .filter(|line| !line.contains("cmd=client"))
        .count()
}

#[test]
fn static_store_outlives_runtimes() {
    static SERVER: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);
    static STORE: LazyLock<RedisStore> = LazyLock::new(|| store(&SERVER.url()));
    for _ in 0..5 {
        one_thread().block_on(put(&*STORE, "v", "value")).unwrap();
        let several = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let task = several.spawn(async { get(&*STORE, "v").await.unwrap() });
        assert_eq!(several.block_on(task).unwrap().unwrap(), b"value");
        several.shutdown_background();
    }
    eventually_blocking(Duration::from_secs(10), || clients(&SERVER) == 0);
    // A static is not dropped.
    SERVER.kill();
}

#[test]
fn runtimes_at_one_time_have_connections_of_their_own() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let (a, b) = (one_thread(), one_thread());
    for _ in 0..3 {
        a.block_on(put(&store, "v", "value")).unwrap();
        b.block_on(put(&store, "v", "value")).unwrap();
    }
    assert_eq!(clients(&server), 2);
}

#[test]
fn runtime_that_ends_while_connecting_hinders_no_other() {
    let server = RedisServer::start();
    let store = store(&server.url());
    server.pause();
    let ended = one_thread();
    let probed = ended.block_on(store.probe(&key("~canary"), within(20)));
    assert!(probed.unwrap_err().is_outage());
    drop(ended);
    server.resume();
    one_thread().block_on(probe(&store)).unwrap();
}

#[test]
fn everything_works_without_a_runtime() {
    let server = RedisServer::start();
    let store = store(&server.url());
    for (operation, result) in block_on(ask_everything(&store, soon)) {
        assert!(result.is_ok(), "{operation}: {result:?}");
    }
    server.pause();
    for (operation, result) in block_on(ask_everything(&store, || within(20))) {
        assert!(result.expect_err(operation).is_outage());
    }
}

#[test]
fn runtime_without_timers_or_io_is_as_none() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let bare = Builder::new_current_thread().build().unwrap();
    let timers = Builder::new_current_thread().enable_time().build().unwrap();
    let io = Builder::new_current_thread().enable_io().build().unwrap();
    for runtime in [bare, timers, io] {
        for (operation, result) in runtime.block_on(ask_everything(&store, soon)) {
            assert!(result.is_ok(), "{operation}: {result:?}");
        }
    }
    assert_eq!(clients(&server), 1);
}

#[test]
fn task_that_blocks_its_thread_may_do_so_for_ever_many_operations() {
    let server = RedisServer::start();
    let store = store(&server.url());
    let (done, finished) = std::sync::mpsc::channel();
    // Without timers, so that the store takes its own thread's runtime: as it does for synchronous
    // functions.
    std::thread::spawn(move || {
        let bare = Builder::new_current_thread().build().unwrap();
        let blocking = async move {
            for _ in 0..500 {
                block_on(put(&store, "v", "value")).unwrap();
            }
        };
        bare.block_on(async { tokio::spawn(blocking).await.unwrap() });
        done.send(()).unwrap();
    });
    finished
        .recv_timeout(Duration::from_secs(20))
        .expect("an end");
}

#[test]
fn threads_without_a_runtime_share_one_connection() {
    let server = RedisServer::start();
    let store = store(&server.url());
    std::thread::scope(|scope| {
        for n in 0..8 {
            let store = &store;
            scope.spawn(move || {
                let name = format!("v{n}");
                for _ in 0..20 {
                    block_on(put(store, &name, &name)).unwrap();
                    let read = block_on(get(store, &name)).unwrap();
                    assert_eq!(read.unwrap(), name.as_bytes());
                }
            });
        }
    });
    assert_eq!(clients(&server), 1);
}

#[test]
fn last_clone_ends_thread_and_connections_also_inside_of_a_runtime() {
    let server = RedisServer::start();
    let store = store(&server.url());
    block_on(put(&store, "v", "value")).unwrap();
    let runtime = one_thread();
    runtime.block_on(async {
        let clone = store.clone();
        put(&clone, "v", "value").await.unwrap();
        assert_eq!(clients(&server), 2);
        drop(store);
        assert!(get(&clone, "v").await.unwrap().is_some());
        drop(clone);
        // The runtime's own connection is closed by its own next step.
        tokio::task::yield_now().await;
    });
    eventually_blocking(Duration::from_secs(10), || clients(&server) == 0);
}

#[test]
fn dropped_future_of_a_caller_without_a_runtime_blocks_nobody() {
    use std::pin::pin;
    use std::task::{Context, Waker};
    let server = RedisServer::start();
    let store = store(&server.url());
    for _ in 0..10 {
        let keys = [key("v")];
        let mut read = pin!(store.read(&keys, soon()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(std::future::Future::poll(read.as_mut(), &mut context).is_pending());
    }
    block_on(probe(&store)).unwrap();
}
