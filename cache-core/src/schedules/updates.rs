//! Writers that store what they return, beside readers and each other.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use shuttle::future::{block_on, yield_now};
use shuttle::sync::atomic::AtomicU64;
use shuttle::thread;

use super::{cache, explore, shared};
use crate::Cache;
use crate::call::lookup;
use crate::function::Function;
use crate::invalidator::Invalidator;
use crate::mutants::Mutant;
use crate::outcome::{Returns, Value};
use crate::update::update;

static WRITER: Invalidator = Invalidator::new("write", "", "", 0);

static FUNCTION: Function = Function::new("version", "user", "", "", 0);

async fn read(cache: &Cache, database: &AtomicU64) -> u64 {
    let key = |key: &mut crate::key::KeyWriter| {
        key.argument(&1_u8);
    };
    let call = lookup(cache, &FUNCTION, Value, key, |_| {});
    call.or_compute(async || {
        let version = database.load(SeqCst);
        yield_now().await;
        version
    })
    .await
}

async fn write(cache: &Cache, database: &AtomicU64) -> u64 {
    let update = update::<u64, _>(&WRITER, Returns::<u64>::new().bare());
    let update = update.entry_of(|call| match read(cache, database) {
        answer => call.came_to(call.answered(&answer).mode(), answer).bare(),
    });
    update
        .through(async || {
            let version = database.fetch_add(1, SeqCst) + 1;
            yield_now().await;
            version
        })
        .await
}

#[test]
fn no_read_gives_what_is_older_than_what_a_writer_has_stored() {
    fn world() {
        let (cache, database, promised) = (cache(), Arc::default(), Arc::default());
        let reader = {
            let (cache, database, promised) = shared(&cache, &database, &promised);
            thread::spawn(move || {
                for _ in 0..2 {
                    let floor = promised.load(SeqCst);
                    let version = block_on(read(&cache, &database));
                    assert!(version >= floor, "read {version}, promised {floor}");
                }
            })
        };
        let writers = (0..2).map(|_| {
            let (cache, database, promised) = shared(&cache, &database, &promised);
            thread::spawn(move || {
                let version = block_on(write(&cache, &database));
                promised.fetch_max(version, SeqCst);
            })
        });
        let threads: Vec<_> = writers.chain([reader]).collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(block_on(read(&cache, &database)), 2);
    }

    explore(
        &[
            Mutant::WrittenBesideOthers,
            Mutant::UnannouncedComputation,
            Mutant::SlotsIgnored,
        ],
        world,
    );
}

#[test]
fn an_invalidation_beside_a_writer_outdates_what_it_stores() {
    fn world() {
        let (cache, database, promised) = (cache(), Arc::default(), Arc::default());
        let writer = {
            let (cache, database, _) = shared(&cache, &database, &promised);
            thread::spawn(move || {
                block_on(write(&cache, &database));
            })
        };
        let version = database.fetch_add(1, SeqCst) + 1;
        block_on(cache.invalidate("user")).unwrap();
        assert!(block_on(read(&cache, &database)) >= version);
        writer.join().unwrap();
        assert!(block_on(read(&cache, &database)) >= version);
    }

    explore(&[Mutant::WrittenWithLateStamp], world);
}

#[test]
fn what_a_writer_returned_is_stored_when_it_was_alone() {
    fn world() {
        let (cache, database) = (cache(), AtomicU64::new(0));
        let version = block_on(write(&cache, &database));
        database.store(7, SeqCst);
        assert_eq!(block_on(read(&cache, &database)), version);
    }

    explore(&[], world);
}
