//! What users' own tests are written with.

#[path = "support/service.rs"]
mod service;

#[path = "test_kit/assertions.rs"]
mod assertions;
#[path = "test_kit/faults.rs"]
mod faults;
#[path = "test_kit/installed.rs"]
mod installed;
#[path = "test_kit/paused.rs"]
mod paused;
#[path = "test_kit/stores.rs"]
mod stores;
