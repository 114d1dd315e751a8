//! A server that refuses writes is down for reads too, for it could take no invalidation.

mod redis;

use cachewright_test_support::{RedisServer, Reply, eventually, eventually_blocking, free_port};
use redis::service::Users;
use redis::{RECOVERY, gives_up, hasty, keys, recovered, store_health};

/// Bodies run, the server is given up, invalidations wait; and all is well when it is mended.
async fn is_down_until_mended(
    server: &RedisServer,
    code: &str,
    refuse: impl FnOnce(),
    mend: impl FnOnce(),
) {
    let here = Users::new(hasty(&server.url()));
    let there = here.through(hasty(&server.url()));
    for users in [&here, &there] {
        users.warm("42").await;
        users.warm("43").await;
    }
    refuse();
    let refused = server.command(&["SET", "other", "1"]);
    assert!(
        matches!(&refused, Reply::Error(error) if error.starts_with(code)),
        "{refused:?}"
    );
    let error = here.cache.invalidate("user:44:*").await.unwrap_err();
    assert!(error.is_outage(), "{error}");
    here.rename("42").await;
    assert_eq!(here.profile("42").await, 1);
    gives_up(&here.cache, async || {
        here.rename("42").await;
        assert_eq!(here.profile("42").await, here.database.peek("42"));
    })
    .await;
    // Reads too, though the server would answer them.
    assert!(!here.hits("43").await && !here.hits("43").await);
    let health = store_health(&here.cache).await;
    assert_eq!(health.pending_invalidations, 2, "{health:?}");
    let error = here.cache.connect().await.unwrap_err();
    assert!(error.is_outage() && !error.is_configuration(), "{error}");

    mend();
    recovered(&here.cache).await;
    recovered(&there.cache).await;
    for users in [&there, &here] {
        assert_eq!(users.profile("42").await, here.database.peek("42"));
        users.warm("42").await;
        users.warm("43").await;
    }
}

#[tokio::test]
async fn a_server_that_cannot_save_is_down_until_it_can() {
    let server = RedisServer::builder()
        .config("save", "3600 1000000")
        .start();
    // A directory that is not empty stands where the dump belongs.
    let in_the_way = server.dir().join("dump.rdb").join("x");
    let saved = |status: &str| {
        server.command(&["BGSAVE"]);
        eventually_blocking(RECOVERY, || {
            let info = server.command(&["INFO", "persistence"]).text();
            info.contains("rdb_bgsave_in_progress:0")
                && info.contains(&format!("rdb_last_bgsave_status:{status}"))
        });
    };
    let refuse = || {
        std::fs::create_dir_all(&in_the_way).unwrap();
        saved("err");
    };
    let mend = || {
        std::fs::remove_dir_all(server.dir().join("dump.rdb")).unwrap();
        saved("ok");
    };
    is_down_until_mended(&server, "MISCONF", refuse, mend).await;
}

#[tokio::test]
async fn a_server_that_has_become_a_replica_is_down_until_it_is_a_master() {
    let server = RedisServer::start();
    let master = free_port().to_string();
    let replicate = |words: [&str; 3]| assert_eq!(server.command(&words), Reply::ok());
    let refuse = || replicate(["REPLICAOF", "127.0.0.1", &master]);
    let mend = || replicate(["REPLICAOF", "NO", "ONE"]);
    is_down_until_mended(&server, "READONLY", refuse, mend).await;
}

#[tokio::test]
async fn a_server_without_enough_replicas_is_down_until_it_has_them() {
    let server = RedisServer::start();
    let need = |count: &str| {
        let set = ["CONFIG", "SET", "min-replicas-to-write", count];
        assert_eq!(server.command(&set), Reply::ok());
    };
    is_down_until_mended(&server, "NOREPLICAS", || need("1"), || need("0")).await;
}

#[tokio::test]
async fn a_replica_is_never_read() {
    let at_once = RedisServer::builder().config("repl-diskless-sync-delay", 0);
    let (master, replica) = (at_once.start(), RedisServer::start());
    let users = Users::new(hasty(&master.url()));
    users.warm("42").await;
    let port = master.port().to_string();
    replica.command(&["REPLICAOF", "127.0.0.1", &port]);
    eventually(RECOVERY, || {
        !keys(&replica).is_empty() && keys(&replica) == keys(&master)
    })
    .await;
    let there = users.through(hasty(&replica.url()));
    for _ in 0..3 {
        assert!(!there.hits("42").await);
    }
    let error = there.cache.connect().await.unwrap_err();
    assert!(
        error.is_outage() && error.to_string().contains("replica"),
        "{error}"
    );
    assert!(users.hits("42").await);
}
