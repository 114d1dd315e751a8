//! Tags: what carries them, what invalidates them, and that nothing else is touched.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::time::Duration;

use cachewright::testing::SteppedClock;
use cachewright::{Cache, cache_defaults, cached, defer, invalidate_cache};
use serde::{Serialize, Serializer};
use tokio::sync::{Notify, Semaphore};

#[derive(Clone, Serialize)]
struct Filter {
    city: String,
    #[serde(skip)]
    page: u64,
}

/// A database of one number, and annotated ways to it.
struct Library {
    cache: Cache,
    clock: SteppedClock,
    version: AtomicU64,
    region: &'static str,
    has_read: Notify,
    end: Semaphore,
}

fn library() -> Library {
    let clock = SteppedClock::new();
    Library {
        cache: Cache::builder().clock(clock.clone()).build().unwrap(),
        clock,
        version: AtomicU64::new(0),
        region: "eu",
        has_read: Notify::new(),
        end: Semaphore::new(0),
    }
}

impl Library {
    fn read(&self) -> u64 {
        self.version.load(SeqCst)
    }

    fn commit(&self) -> u64 {
        self.version.fetch_add(1, SeqCst) + 1
    }

    #[cached(cache = self.cache, key_prefix = "document:{id}", tags("team:{team}", "documents"))]
    async fn document(&self, id: u64, team: &str) -> u64 {
        let _ = (id, team);
        self.read()
    }

    #[cached(cache = self.cache, tags("team:{team}"))]
    fn members(&self, team: &str) -> u64 {
        let _ = team;
        self.read()
    }

    #[cached(cache = self.cache, tier = "memory", tags("documents", "owner:{owner}"))]
    async fn of_owner(&self, owner: Option<&str>) -> u64 {
        let _ = owner;
        self.read()
    }

    #[cached(cache = self.cache, tags("{self.region}:{filter.city}-{filter.page}"))]
    async fn search(&self, filter: &Filter) -> u64 {
        let _ = filter;
        self.read()
    }

    #[cached(cache = self.cache, key_prefix = "slow", tags("team:{team}"))]
    async fn slow(&self, team: &str) -> u64 {
        let _ = team;
        let version = self.read();
        self.has_read.notify_one();
        self.end.acquire().await.unwrap().forget();
        version
    }

    #[cached(cache = self.cache, key_prefix = "of", tags("of:{what}", "documents"))]
    async fn of<T: Serialize + Sync>(&self, what: &T) -> u64 {
        self.read()
    }

    #[invalidate_cache(tags("team:{team}"), cache = self.cache)]
    async fn rename_team(&self, team: &str) -> u64 {
        self.commit()
    }

    #[invalidate_cache("document:{id}", entry = self.search(filter), tags("team:{team}", "owner:{owner}"), cache = self.cache)]
    async fn everything_at_once(&self, id: u64, filter: &Filter, team: &str, owner: Option<u8>) {
        self.commit();
    }

    #[invalidate_cache(tags("{region}:{city}-{page}"), cache = self.cache)]
    fn built(&self, region: &str, city: &str, page: u64) {
        self.commit();
    }

    #[invalidate_cache(tags("documents"), cache = self.cache)]
    async fn fail(&self) -> Result<(), String> {
        Err(self.commit().to_string())
    }

    #[invalidate_cache(tags("documents"), on = "always", cache = self.cache)]
    async fn fail_after_commit(&self) -> Result<(), String> {
        Err(self.commit().to_string())
    }

    #[invalidate_cache(tags("team:{team}"), cache = self.cache)]
    async fn commit_and_hang(&self, team: &str) {
        self.commit();
        pending().await
    }

    #[invalidate_cache(tags("team:{team}"), cache = self.cache)]
    fn commit_and_panic(&self, team: &str) -> u64 {
        self.commit();
        panic!("on purpose");
    }

    #[invalidate_cache(tags("of:{what}"), cache = self.cache)]
    async fn write<T: Serialize + Sync>(&self, what: &T) {
        self.commit();
    }

    async fn teams(&self) -> [u64; 4] {
        [
            self.document(1, "a").await,
            self.document(2, "b").await,
            self.members("a"),
            self.of_owner(Some("a")).await,
        ]
    }
}

#[tokio::test]
async fn a_tag_takes_what_carries_it_wherever_that_is_kept_and_nothing_else() {
    let library = library();
    assert_eq!(library.teams().await, [0, 0, 0, 0]);
    library.rename_team("a").await;
    assert_eq!(library.teams().await, [1, 0, 1, 0]);
    library.commit();
    library.cache.invalidate_tag("team:b").await.unwrap();
    assert_eq!(library.teams().await, [1, 2, 1, 0]);
    library.commit();
    library.cache.invalidate_tag("documents").await.unwrap();
    assert_eq!(library.teams().await, [3, 3, 1, 3]);
    assert_eq!(library.cache.stats().invalidations, 3);
}

#[tokio::test]
async fn a_tag_is_one_name_and_no_place_in_the_tree() {
    let library = library();
    library.teams().await;
    library.commit();
    for tag in ["team", "team:a:x", "document:1", "members"] {
        library.cache.invalidate_tag(tag).await.unwrap();
    }
    for pattern in ["team:*", "team:a", "documents"] {
        library.cache.invalidate(pattern).await.unwrap();
    }
    assert_eq!(library.teams().await, [0, 0, 0, 0]);
}

#[tokio::test]
async fn patterns_entries_and_tags_stand_together() {
    let library = library();
    let filter = Filter {
        city: "Köln".to_owned(),
        page: 1,
    };
    let of_nobody = async || library.of_owner(None).await;
    library.teams().await;
    library.search(&filter).await;
    of_nobody().await;
    library.everything_at_once(2, &filter, "a", None).await;
    assert_eq!(library.teams().await, [1, 1, 1, 0]);
    assert_eq!(library.search(&filter).await, 1);
    assert_eq!(of_nobody().await, 1);
}

#[tokio::test]
async fn fields_of_arguments_and_of_the_receiver_make_tags() {
    let library = library();
    let filter = Filter {
        city: "Köln am Rhein".to_owned(),
        page: 7,
    };
    library.search(&filter).await;
    for (region, city, page) in [("us", "Köln am Rhein", 7), ("eu", "Köln", 7)] {
        library.built(region, city, page);
        assert_eq!(library.search(&filter).await, 0);
    }
    library.built("eu", "Köln am Rhein", 7);
    assert_eq!(library.search(&filter).await, 3);
    library.commit();
    let tag = "eu:Köln am Rhein-7";
    library.cache.invalidate_tag(tag).await.unwrap();
    assert_eq!(library.search(&filter).await, 4);
}

// An entry has the tags of the call that computed it: they have to be those of each call that it
// answers.
#[tokio::test]
async fn calls_of_which_only_a_tag_differs_have_entries_of_their_own() {
    let library = library();
    let page = |page| Filter {
        city: "Bonn".to_owned(),
        page,
    };
    // `page` is not in what serde shows of the filter.
    assert_eq!(library.search(&page(1)).await, 0);
    library.commit();
    assert_eq!(library.search(&page(2)).await, 1);
    library.commit();
    library.cache.invalidate_tag("eu:Bonn-2").await.unwrap();
    assert_eq!(library.search(&page(1)).await, 0);
    assert_eq!(library.search(&page(2)).await, 2);
}

#[tokio::test]
async fn hostile_values_are_kept_apart_and_invalidate_exactly_their_own() {
    let library = library();
    let long = "x".repeat(500);
    let values = [
        "a:b", "a", "*", "", "%", "%none", "none", "a%3Ab", "{a}", "~x", "ä", " ", &long,
    ];
    for value in values {
        assert_eq!(library.of(&value).await, 0);
    }
    library.of(&None::<u8>).await;
    for (number, value) in (1..).zip(values) {
        library.write(&value).await;
        assert_eq!(library.of(&value).await, number, "{value}");
    }
    library.write(&None::<u8>).await;
    assert_eq!(library.of(&None::<u8>).await, values.len() as u64 + 1);
    for (number, value) in (1..).zip(values) {
        assert_eq!(library.of(&value).await, number, "{value}");
    }
    // As people write them, but for what has a meaning in a tag.
    let plain = values.iter().filter(|value| !value.contains([':', '*']));
    for value in plain {
        let version = library.commit();
        let tag = format!("of:{value}");
        library.cache.invalidate_tag(&tag).await.unwrap();
        assert_eq!(library.of(value).await, version, "{value}");
    }
}

#[tokio::test]
async fn what_is_no_tag_is_refused_with_the_way_out() {
    let library = library();
    library.teams().await;
    library.commit();
    for (tag, way_out) in [
        ("", "clear()"),
        ("team:*", "a further tag"),
        ("*", "one name"),
    ] {
        let error = library.cache.invalidate_tag(tag).await.unwrap_err();
        assert!(error.is_invalid_input());
        assert!(error.to_string().contains(way_out), "{error}");
    }
    assert_eq!(library.teams().await, [0, 0, 0, 0]);
    assert_eq!(library.cache.stats().invalidations, 0);
}

#[tokio::test]
async fn an_error_invalidates_tags_only_where_asked_for() {
    let library = library();
    library.teams().await;
    library.fail().await.unwrap_err();
    assert_eq!(library.document(1, "a").await, 0);
    library.fail_after_commit().await.unwrap_err();
    assert_eq!(library.document(1, "a").await, 2);
}

#[tokio::test]
async fn a_writer_that_is_dropped_invalidates_its_tags_at_once_and_again() {
    let library = library();
    library.members("a");
    {
        let mut writer = pin!(library.commit_and_hang("a"));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(writer.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(library.members("a"), 1);
    // Its commit may come later.
    library.commit();
    assert_eq!(library.members("a"), 1);
    library.clock.advance(Duration::from_secs(60));
    assert_eq!(library.members("a"), 2);

    let panics = AssertUnwindSafe(|| library.commit_and_panic("a"));
    std::panic::catch_unwind(panics).unwrap_err();
    assert_eq!(library.members("a"), 3);
}

#[tokio::test]
async fn a_block_invalidates_tags_when_it_has_committed_and_sees_its_own_writes() {
    let library = library();
    library.teams().await;
    let done: Result<(), String> = defer(async {
        library.rename_team("a").await;
        // Outside, the old answer still counts; inside, it does not.
        assert_eq!(library.members("a"), 1);
        assert_eq!(library.document(2, "b").await, 0);
        Ok(())
    })
    .await;
    done.unwrap();
    assert_eq!(library.teams().await, [1, 0, 1, 0]);

    let undone: Result<(), String> = defer(async {
        library.rename_team("b").await;
        Err("rolled back".to_owned())
    })
    .await;
    undone.unwrap_err();
    assert_eq!(library.teams().await, [1, 0, 1, 0]);
}

#[tokio::test]
async fn a_computation_under_way_when_its_tag_is_invalidated_is_never_served() {
    let library = Arc::new(library());
    let read = || {
        let library = Arc::clone(&library);
        tokio::spawn(async move { library.slow("a").await })
    };
    for by_writer in [true, false] {
        let before = library.read();
        let old = read();
        library.has_read.notified().await;
        if by_writer {
            library.rename_team("a").await;
        } else {
            library.commit();
            library.cache.invalidate_tag("team:a").await.unwrap();
        }
        // Whoever comes now neither joins the older one nor is answered by it.
        let new = read();
        let computes = library.has_read.notified();
        let patience = tokio::time::timeout(Duration::from_secs(30), computes);
        patience.await.expect("it joins the older computation");
        library.end.add_permits(2);
        assert_eq!(old.await.unwrap(), before);
        assert_eq!(new.await.unwrap(), before + 1);
        assert_eq!(library.slow("a").await, before + 1);
        library.cache.clear().await.unwrap();
    }
}

#[tokio::test]
async fn a_call_whose_tag_cannot_be_rendered_runs_uncached() {
    let library = library();
    let (list, number) = ([1, 2], 7);
    assert_eq!(library.of(&list).await, 0);
    library.commit();
    assert_eq!(library.of(&list).await, 1);
    assert_eq!(library.cache.stats().entries, 0);
    assert_eq!(library.of(&number).await, 1);
    assert_eq!(library.cache.stats().entries, 1);
}

#[tokio::test]
async fn a_writers_tag_that_cannot_be_rendered_widens_to_everything() {
    let library = library();
    library.teams().await;
    library.write(&[1, 2]).await;
    assert_eq!(library.teams().await, [1, 1, 1, 1]);
}

/// Counts how often it is written.
struct Counting<'a>(&'a AtomicU64);

impl Serialize for Counting<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, SeqCst);
        serializer.serialize_u8(7)
    }
}

#[tokio::test]
async fn a_hit_renders_no_tag() {
    let (library, written) = (library(), AtomicU64::new(0));
    let counting = Counting(&written);
    library.of(&counting).await;
    let on_miss = written.swap(0, SeqCst);
    library.of(&counting).await;
    // For the key.
    assert_eq!((on_miss, written.load(SeqCst)), (2, 1));
}

struct Shop {
    cache: Cache,
    tenant: u64,
    stock: AtomicU64,
}

#[cache_defaults(cache = self.cache, key_prefix = "shop", tags("tenant:{self.tenant}", "shops"))]
impl Shop {
    #[cached]
    fn stock(&self, item: u64) -> u64 {
        let _ = item;
        self.stock.load(SeqCst)
    }

    #[cached(tags("item:{item}"))]
    fn with_its_own(&self, item: u64) -> u64 {
        let _ = item;
        self.stock.load(SeqCst)
    }

    #[invalidate_cache(tags("tenant:{self.tenant}"))]
    fn sell(&self) {
        self.stock.fetch_add(1, SeqCst);
    }
}

#[tokio::test]
async fn functions_of_a_block_carry_its_tags_unless_they_have_their_own() {
    let cache = Cache::builder().build().unwrap();
    let shop = |tenant| Shop {
        cache: cache.clone(),
        tenant,
        stock: AtomicU64::new(0),
    };
    let (one, two) = (shop(1), shop(2));
    let read = || [one.stock(1), one.with_its_own(1), two.stock(1)];
    read();
    two.stock.store(10, SeqCst);
    one.sell();
    // The tenant is a part of the key of those who show it.
    assert_eq!(read(), [1, 0, 0]);
    cache.invalidate_tag("item:1").await.unwrap();
    assert_eq!(read(), [1, 1, 0]);
    cache.invalidate_tag("shops").await.unwrap();
    assert_eq!(read(), [1, 1, 10]);
}
