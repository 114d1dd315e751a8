//! Settings from the environment of a process.

use std::process::Command;
use std::time::Duration;

use cachewright::from_env;

/// Set in the process that the test starts.
const CHILD: &str = "CACHEWRIGHT_TEST_CHILD";

#[tokio::test]
async fn a_process_is_configured_by_its_environment() {
    if std::env::var_os(CHILD).is_none() {
        let name = "a_process_is_configured_by_its_environment";
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([name, "--exact", "--nocapture"]);
        child.env(CHILD, "1").env_remove("REDIS_URL");
        child.env("CACHE_NAMESPACE", "shop");
        child.env("CACHE_TTL_USER", "1m");
        let output = child.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}");
        assert!(told.contains("configured as shop"), "{told}");
        return;
    }
    let cache = from_env().unwrap().build().unwrap();
    cache.set("user:42", 1, None).await.unwrap();
    let left = cache.ttl("user:42").await.unwrap().unwrap();
    assert!(left <= Duration::from_secs(60));
    println!("configured as {}", cache.namespace().unwrap());
}
