//! The installed cache, in a process of its own: this binary has one test.

use cachewright::{Cache, cached, installed};

#[cached(key_prefix = "greeting")]
async fn greet(name: &str) -> String {
    format!("hello {name}")
}

#[tokio::test]
async fn the_first_use_makes_a_cache_and_a_later_install_says_where() {
    let line = line!() - 7;
    greet("Ada").await;
    assert_eq!(installed().keys().len(), 1);
    let own = Cache::builder().namespace("app").build().unwrap();
    let error = own.install().unwrap_err();
    assert!(error.is_configuration());
    let message = error.to_string();
    assert!(
        message.contains(&format!("tests/installed.rs:{line}")),
        "{message}"
    );
    assert_eq!(installed().namespace(), None);
}
