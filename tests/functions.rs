//! Every kind of function that `#[cached]` may stand on. No call site changes.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cachewright::{Cache, cached};
use serde::{Deserialize, Serialize};

/// Counts how often bodies ran.
#[derive(Debug, Default)]
struct Runs(AtomicU64);

impl Runs {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, SeqCst) + 1
    }
}

struct Service {
    cache: Cache,
    runs: Runs,
}

impl Service {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            cache: Cache::builder().build().unwrap(),
            runs: Runs::default(),
        })
    }

    #[cached(cache = self.cache)]
    async fn by_reference(&self, id: u64) -> u64 {
        id * 100 + self.runs.next()
    }

    #[cached(cache = self.cache)]
    async fn by_arc(self: Arc<Self>, id: u64) -> u64 {
        let run = self.runs.next();
        drop(self);
        id * 100 + run
    }

    #[cached(cache = cache, skip(cache, runs))]
    async fn associated(cache: &Cache, runs: &Runs, id: u64) -> u64 {
        id * 100 + runs.next()
    }

    #[cached(cache = self.cache)]
    fn synchronous(&self, id: u64) -> u64 {
        id * 100 + self.runs.next()
    }

    /// Documented, attributed, with every reason to leave early.
    #[cached(cache = self.cache)]
    #[expect(clippy::needless_return, reason = "an early return is what is tested")]
    pub(crate) async fn early(&self, text: &str) -> Result<u64, std::num::ParseIntError> {
        let number: u64 = text.parse()?;
        if number == 0 {
            return Ok(self.runs.next());
        }
        return Ok(number + self.runs.next());
    }
}

#[tokio::test]
async fn methods_by_reference_and_by_arc() {
    let service = Service::new();
    assert_eq!(service.by_reference(1).await, 101);
    assert_eq!(service.by_reference(1).await, 101);
    assert_eq!(service.by_reference(2).await, 202);
    assert_eq!(Arc::clone(&service).by_arc(1).await, 103);
    assert_eq!(Arc::clone(&service).by_arc(1).await, 103);
}

#[tokio::test]
async fn associated_functions() {
    let service = Service::new();
    for _ in 0..2 {
        assert_eq!(
            Service::associated(&service.cache, &service.runs, 1).await,
            101
        );
    }
}

#[test]
fn synchronous_functions_outside_of_a_runtime() {
    let service = Service::new();
    assert_eq!(service.synchronous(1), 101);
    assert_eq!(service.synchronous(1), 101);
}

#[tokio::test]
async fn synchronous_functions_inside_of_a_runtime() {
    let service = Service::new();
    assert_eq!(service.synchronous(1), 101);
    assert_eq!(service.synchronous(1), 101);
}

#[tokio::test]
async fn question_marks_and_early_returns_store_and_return_what_they_say() {
    let service = Service::new();
    assert!(service.early("x").await.is_err());
    assert_eq!(service.early("0").await, Ok(1));
    assert_eq!(service.early("0").await, Ok(1));
    assert_eq!(service.early("5").await, Ok(7));
    assert_eq!(service.early("5").await, Ok(7));
}

#[cached]
async fn free(id: u64) -> u64 {
    static RUNS: Runs = Runs::new();
    id * 100 + RUNS.next()
}

#[tokio::test]
async fn free_functions() {
    assert_eq!(free(1).await, 101);
    assert_eq!(free(1).await, 101);
    assert_eq!(free(2).await, 202);
}

trait Repository {
    async fn load(&self, id: u64) -> Option<String>;

    #[cached]
    async fn loaded_by_default(&self, id: u64) -> Option<String>
    where
        Self: Sized,
    {
        self.load(id).await
    }
}

struct First;
struct Second;

impl Repository for First {
    #[cached]
    async fn load(&self, id: u64) -> Option<String> {
        Some(format!("first {id}"))
    }
}

impl Repository for Second {
    #[cached]
    async fn load(&self, id: u64) -> Option<String> {
        Some(format!("second {id}"))
    }
}

#[tokio::test]
async fn trait_impls_and_provided_methods_do_not_share_entries() {
    for _ in 0..2 {
        assert_eq!(First.load(1).await.unwrap(), "first 1");
        assert_eq!(Second.load(1).await.unwrap(), "second 1");
        assert_eq!(First.loaded_by_default(1).await.unwrap(), "first 1");
        assert_eq!(Second.loaded_by_default(1).await.unwrap(), "second 1");
    }
}

mod other {
    use super::cached;

    #[cached]
    pub async fn same_name(id: u64) -> String {
        format!("other {id}")
    }
}

#[cached]
async fn same_name(id: u64) -> String {
    format!("root {id}")
}

mod models {
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    pub(crate) struct P<T>(pub(crate) T);
}

use models as m;
use models::P;

#[cached]
async fn by_short_path(id: u64) -> Result<m::P<u64>, String> {
    Ok(P(id))
}

#[cached]
async fn by_short_name(id: u64) -> P<u64> {
    P(id)
}

#[tokio::test]
async fn short_names_of_modules_and_types_are_no_type_parameters() {
    assert_eq!(by_short_path(1).await.unwrap().0, 1);
    assert_eq!(by_short_name(1).await.0, 1);
}

#[tokio::test]
async fn functions_of_one_name_in_two_modules_do_not_share_entries() {
    for _ in 0..2 {
        assert_eq!(same_name(1).await, "root 1");
        assert_eq!(other::same_name(1).await, "other 1");
    }
}

#[cached]
async fn described<T: Default + Debug, const N: usize>(id: u64) -> String {
    format!("{id} {N} {:?}", T::default())
}

struct Shelf<T>(T);

impl<T: Clone + Debug + Send + Sync> Shelf<T> {
    #[cached]
    async fn describe<U>(&self, other: U) -> String
    where
        U: Serialize + Debug,
    {
        format!("{:?} {other:?}", self.0)
    }
}

#[tokio::test]
async fn instances_of_generic_functions_and_impls_do_not_share_entries() {
    for _ in 0..2 {
        assert_eq!(described::<u8, 1>(1).await, "1 1 0");
        assert_eq!(described::<u8, 2>(1).await, "1 2 0");
        assert_eq!(described::<String, 1>(1).await, "1 1 \"\"");
        assert_eq!(Shelf(1_u8).describe("x").await, "1 \"x\"");
        assert_eq!(Shelf("a").describe("x").await, "\"a\" \"x\"");
        assert_eq!(Shelf(1_u8).describe(Some(1)).await, "1 Some(1)");
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

#[cached]
#[allow(clippy::too_many_arguments)]
async fn patterns(
    (a, b): (u64, u64),
    Point { x, y }: Point,
    [first, .., last]: [u8; 4],
    &flag: &bool,
    _: char,
    mut total: i64,
) -> String {
    total += i64::from(x) + i64::from(y);
    format!("{a} {b} {first} {last} {flag} {total}")
}

#[tokio::test]
async fn pattern_arguments() {
    let call = |c| patterns((1, 2), Point { x: 3, y: 4 }, [5, 6, 7, 8], &true, c, 9);
    assert_eq!(call('a').await, "1 2 5 8 true 16");
    assert_eq!(call('a').await, "1 2 5 8 true 16");
    assert_eq!(call('b').await, "1 2 5 8 true 16");
}

#[cached(skip(seen))]
async fn borrowed<'a>(
    id: &'a str,
    words: &'a [&'a str],
    map: &HashMap<String, u8>,
    point: impl Into<Option<Point>> + Serialize + Send,
    seen: &mut Vec<String>,
) -> usize {
    let extra = point.into().map_or(0, |point| point.x as usize);
    tokio::task::yield_now().await;
    seen.push(id.to_owned());
    id.len() + words.len() + map.len() + extra + 1_000 * seen.len()
}

#[tokio::test]
async fn borrowed_arguments_lifetimes_and_impl_trait() {
    let mut seen = Vec::new();
    let map = HashMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    let reordered: HashMap<_, _> = map.clone().into_iter().collect();
    let first = borrowed("id", &["x", "y"], &map, Point { x: 3, y: 0 }, &mut seen).await;
    let again = borrowed(
        "id",
        &["x", "y"],
        &reordered,
        Point { x: 3, y: 0 },
        &mut seen,
    )
    .await;
    let other = borrowed("id", &["x", "y"], &map, Point { x: 4, y: 0 }, &mut seen).await;
    assert_eq!((first, again, other), (1_009, 1_009, 2_010));
    assert_eq!(seen, ["id", "id"]);
}

#[derive(Serialize)]
enum Filter {
    All,
    ByCity { city: String, radius: f64 },
    Named(String),
}

#[cached]
async fn search(filter: &Filter, page: Option<u32>, sort: BTreeMap<u8, f32>) -> u64 {
    static RUNS: Runs = Runs::new();
    let _ = (filter, page, sort);
    RUNS.next()
}

#[tokio::test]
async fn any_serializable_argument_is_part_of_the_key() {
    let city = |city: &str, radius| Filter::ByCity {
        city: city.to_owned(),
        radius,
    };
    let sort = || BTreeMap::from([(1, 0.5)]);
    let calls = [
        (Filter::All, None, sort()),
        (Filter::All, Some(0), sort()),
        (Filter::All, None, BTreeMap::new()),
        (city("Rome", 1.0), None, sort()),
        (city("Rome", 1.5), None, sort()),
        (Filter::Named("Rome".to_owned()), None, sort()),
        (Filter::Named("All".to_owned()), None, sort()),
    ];
    for _ in 0..2 {
        for ((filter, page, sort), run) in calls.iter().zip(1..) {
            assert_eq!(search(filter, *page, sort.clone()).await, run);
        }
    }
}

#[cached(key(id, point.x))]
async fn chosen(id: u64, point: &Point, note: &str) -> String {
    format!("{id} {point:?} {note}")
}

#[tokio::test]
async fn only_what_key_names_is_the_key() {
    let first = chosen(1, &Point { x: 1, y: 1 }, "a").await;
    assert_eq!(chosen(1, &Point { x: 1, y: 2 }, "b").await, first);
    assert_ne!(chosen(1, &Point { x: 2, y: 1 }, "a").await, first);
}

struct Tenant {
    id: u32,
    region: &'static str,
}

impl Tenant {
    #[cached(scope = self.id, key_prefix = "scoped:{self.region}")]
    async fn name(&self, id: u64) -> String {
        format!("{} {} {id}", self.id, self.region)
    }

    #[cached(key_prefix = "regional:{self.region}")]
    async fn regional(&self, id: u64) -> String {
        format!("{} {id}", self.region)
    }
}

#[tokio::test]
async fn scope_and_placeholders_of_self_separate_instances() {
    let one = Tenant {
        id: 1,
        region: "eu",
    };
    let two = Tenant {
        id: 2,
        region: "eu",
    };
    let moved = Tenant {
        id: 1,
        region: "us",
    };
    for _ in 0..2 {
        assert_eq!(one.name(7).await, "1 eu 7");
        assert_eq!(two.name(7).await, "2 eu 7");
        assert_eq!(moved.name(7).await, "1 us 7");
        assert_eq!(one.regional(7).await, "eu 7");
        assert_eq!(moved.regional(7).await, "us 7");
    }
}

/// The names that an expansion might use itself.
#[cached(key_prefix = "names:{key}:{prefix}")]
async fn names(key: u8, prefix: u8, call: u8, cache: u8, function: u8, answer: u8) -> u8 {
    const FUNCTION: u8 = 1;
    key + prefix + call + cache + function + answer + FUNCTION
}

#[tokio::test]
async fn arguments_may_have_any_name() {
    assert_eq!(names(1, 2, 3, 4, 5, 6).await, 22);
    assert_eq!(names(1, 2, 3, 4, 5, 6).await, 22);
}

#[tokio::test]
async fn futures_are_send_where_their_bodies_are() {
    let service = Service::new();
    let task = tokio::spawn(async move { service.early("5").await });
    assert_eq!(task.await.unwrap(), Ok(6));
}

#[cached]
async fn with_a_thread_bound_error(text: &str) -> Result<u64, Box<dyn std::error::Error>> {
    Ok(text.parse()?)
}

#[tokio::test]
async fn futures_are_send_where_only_the_error_is_not() {
    let task = tokio::spawn(async {
        let parse = async |text| with_a_thread_bound_error(text).await.ok();
        (parse("5").await, parse("5").await, parse("x").await)
    });
    assert_eq!(task.await.unwrap(), (Some(5), Some(5), None));
}

#[cached]
async fn with_a_borrowed_error<'a>(text: &'a str, _: &str) -> Result<u64, (&'a str, &'static str)> {
    text.parse().map_err(|_| (text, "is no number"))
}

#[tokio::test]
async fn errors_may_borrow() {
    assert_eq!(with_a_borrowed_error("5", "").await, Ok(5));
    let told = Err(("x", "is no number"));
    assert_eq!(with_a_borrowed_error("x", "").await, told);
}

/// The tenant is no part of what it serializes to.
#[derive(Serialize)]
struct Request {
    #[serde(skip)]
    tenant: u64,
    page: u64,
}

#[cached(key_prefix = "tenant:{request.tenant}")]
async fn by_request(request: &Request) -> String {
    format!("{} {}", request.tenant, request.page)
}

#[cached(key(request), key_prefix = "tenant:{request.tenant}")]
async fn by_chosen_request(request: &Request) -> String {
    format!("{} {}", request.tenant, request.page)
}

#[tokio::test]
async fn placeholders_separate_entries_even_if_serde_skips_their_field() {
    for _ in 0..2 {
        for tenant in 1..3 {
            let request = Request { tenant, page: 7 };
            let expected = format!("{tenant} 7");
            assert_eq!(by_request(&request).await, expected);
            assert_eq!(by_chosen_request(&request).await, expected);
        }
    }
}

#[cached(key(id as u8), key_prefix = "x:{idasu8}")]
async fn confusable(id: u64, idasu8: u64) -> u64 {
    id + idasu8
}

#[tokio::test]
async fn an_expression_is_not_taken_for_the_argument_that_it_looks_like() {
    assert_eq!(confusable(1, 1).await, 2);
    assert_eq!(confusable(1, 2).await, 3);
}
