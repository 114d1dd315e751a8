//! Calls that name an updated entry and need something made first: what is made is no part of the call.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use cachewright::{Cache, cached, update_cache};

struct Service {
    cache: Cache,
    /// What the database has.
    value: AtomicU64,
    bodies: AtomicU64,
    favourite: Mutex<u64>,
    own: Mutex<Option<Arc<Service>>>,
}

impl Service {
    fn new() -> Arc<Self> {
        let service = Arc::new(Self {
            cache: Cache::builder().build().unwrap(),
            value: AtomicU64::new(100),
            bodies: AtomicU64::new(0),
            favourite: Mutex::new(1),
            own: Mutex::default(),
        });
        *service.own.lock().unwrap() = Some(Arc::clone(&service));
        service
    }

    fn save(&self, to: u64) -> u64 {
        self.value.store(to, SeqCst);
        to
    }

    fn load(&self) -> u64 {
        self.bodies.fetch_add(1, SeqCst);
        self.value.load(SeqCst)
    }

    #[cached(cache = self.cache)]
    fn id_of(&self, name: &str) -> u64 {
        name.len() as u64
    }

    #[cached(cache = self.cache)]
    async fn number(&self, id: u64) -> u64 {
        let _ = id;
        self.load()
    }

    #[cached(cache = self.cache)]
    fn blocking(&self, id: u64) -> u64 {
        let _ = id;
        self.load()
    }

    #[cached(cache = self.cache)]
    fn parent(&self, id: u64) -> u64 {
        if id == 7 { self.load() } else { id + 1 }
    }

    #[cached(cache = self.cache, tier = "memory")]
    fn of_tenant(&self, tenant: u64) -> Arc<Service> {
        let _ = tenant;
        self.own.lock().unwrap().clone().unwrap()
    }

    #[update_cache(entry = self.number(self.id_of(name)))]
    async fn write(&self, name: &str, to: u64) -> u64 {
        let _ = name;
        self.save(to)
    }

    #[update_cache(entry = self.parent(self.parent(id)))]
    fn write_grandparent(&self, id: u64, to: u64) -> u64 {
        let _ = id;
        self.save(to)
    }

    #[update_cache(entry = self.of_tenant(tenant).number(id))]
    async fn write_of_tenant(&self, tenant: u64, id: u64, to: u64) -> u64 {
        let _ = (tenant, id);
        self.save(to)
    }

    #[update_cache(entry = self.blocking(*self.favourite.lock().unwrap()))]
    fn write_favourite(&self, to: u64) -> u64 {
        self.save(to)
    }

    #[update_cache(entry = self.own.lock().unwrap().as_mut().unwrap().blocking(id))]
    fn write_own(&self, id: u64, to: u64) -> u64 {
        let _ = id;
        self.save(to)
    }
}

#[tokio::test]
async fn a_cached_function_that_an_argument_calls_is_not_what_is_updated() {
    let service = Service::new();
    service.id_of("Ada");
    service.number(3).await;
    service.write("Ada", 55).await;
    assert_eq!(service.number(3).await, 55);
    assert_eq!(service.id_of("Ada"), 3);
    assert_eq!(service.bodies.load(SeqCst), 1, "it was updated");
}

#[test]
fn nor_is_another_entry_of_the_same_function() {
    let service = Service::new();
    service.parent(7);
    service.write_grandparent(6, 55);
    assert_eq!(service.parent(7), 55);
    assert_eq!(service.parent(6), 7);
    assert_eq!(service.bodies.load(SeqCst), 1, "it was updated");
}

#[tokio::test]
async fn a_cached_function_that_gives_the_receiver_is_not_what_is_updated() {
    let service = Service::new();
    service.number(3).await;
    service.write_of_tenant(8, 3, 55).await;
    assert_eq!(service.number(3).await, 55);
    assert_eq!(service.bodies.load(SeqCst), 1, "it was updated");
}

#[test]
fn a_lock_that_the_call_holds_is_not_poisoned_when_it_is_stopped() {
    let service = Service::new();
    service.write_favourite(55);
    assert!(!service.favourite.is_poisoned());
    assert_eq!(service.blocking(1), 55);
    service.write_own(2, 66);
    assert!(!service.own.is_poisoned());
    assert_eq!(service.blocking(2), 66);
    assert_eq!(service.bodies.load(SeqCst), 0, "they were updated");
}
