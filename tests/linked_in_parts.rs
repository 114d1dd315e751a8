//! A program whose descriptors were laid at several places by several linkers, as those of Rust's `dylib`s are. What
//! stands elsewhere is written by hand here, and so is where no linker has put it.

#[path = "support/service.rs"]
mod service;
#[path = "support/users.rs"]
mod users;

use cachewright::__private::{Function, Invalidator, Returns, invalidation, lookup};
use cachewright::audit::{Finding, FindingKind};
use cachewright::{cached, invalidate_cache};
use users::{Users, readers_and_writers};

/// What the attribute writes, with a descriptor that the linker doesn't know.
async fn elsewhere(users: &Users, trace: u64, id: u64) -> u64 {
    static FUNCTION: Function =
        Function::new("load", "elsewhere", module_path!(), file!(), line!())
            .some_arguments(2, &[1])
            .method();
    let _ = trace;
    let shape = Returns::<u64>::new().outcome();
    let call = lookup(
        &users.cache,
        &FUNCTION,
        shape,
        |key| {
            key.argument(&id);
        },
        |_| {},
    );
    call.or_compute(async || users.ask()).await
}

trait Load {
    async fn load(&self, trace: u64, id: u64) -> u64;
}

impl Load for Users {
    async fn load(&self, trace: u64, id: u64) -> u64 {
        elsewhere(self, trace, id).await
    }
}

#[invalidate_cache(cache = users.cache, entry = users.load(0, id))]
async fn write(users: &Users, id: u64) {
    let _ = id;
}

#[tokio::test]
async fn a_function_that_the_linker_put_elsewhere_is_known_from_its_first_call() {
    for (reader, writer) in readers_and_writers() {
        reader.load(5, 7).await;
        assert_eq!(reader.bodies_of(reader.load(6, 7)).await, 0);
        write(&writer, 7).await;
        assert_eq!(reader.bodies_of(reader.load(6, 7)).await, 1);
    }
    let report = cachewright::audit().report();
    let is_told = |finding: &Finding| finding.kind() == FindingKind::LinkedInParts;
    assert!(report.findings().iter().any(is_told), "{report}");
}

#[cached(cache = users.cache, skip(users), key_prefix = "here")]
async fn here(users: &Users, id: u64) -> u64 {
    let _ = id;
    users.ask()
}

#[tokio::test]
async fn a_writer_that_the_linker_put_elsewhere_takes_no_function_for_unknown() {
    static WRITER: Invalidator = Invalidator::new("write", module_path!(), file!(), line!())
        .entries(&[("far", true, &[true, true])]);
    for (reader, writer) in readers_and_writers() {
        reader.bodies_of(here(&reader, 7)).await;
        assert_eq!(reader.bodies_of(here(&reader, 7)).await, 0);
        // Of this one it is not known what its key is made of: it stands beside the writer.
        let invalidation = invalidation(&writer.cache, &WRITER)
            .call_of("far", far, |far, (trace, (id, ()))| _ = far(trace, id))
            .value(0)
            .value(7)
            .named();
        let written = invalidation.after(Returns::<()>::new().outcome(), async || ());
        written.await;
        assert_eq!(reader.bodies_of(here(&reader, 7)).await, 1);
    }
}

fn far(trace: u64, id: u64) -> u64 {
    trace + id
}
