//! Return types that a descriptor cannot name, or not as they look: the program compiles and caches all the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cachewright::{cache_defaults, cached};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

trait Entity: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    type Id: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;
    fn id(&self) -> Self::Id;
}

impl Entity for String {
    type Id = usize;
    fn id(&self) -> usize {
        self.len()
    }
}

/// Has a bound on its parameter, which nothing but an entity keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
struct Bounded<E: Entity> {
    ids: Vec<E::Id>,
    first: E,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Page<T> {
    items: Vec<T>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sized<const N: usize> {
    size: usize,
}

type Shared<'a, T> = Cow<'a, [T]>;
type Result<T> = std::result::Result<T, String>;
type Indexed<Key, Item> = HashMap<Key, Page<Item>>;

struct Repository<Item>(Item);

impl<Item: Entity> Repository<Item> {
    #[cached]
    async fn all(&self) -> Vec<Item> {
        vec![self.0.clone()]
    }

    #[cached]
    async fn page(&self) -> std::result::Result<Option<Page<Item>>, String> {
        let items = vec![self.0.clone()];
        Ok(Some(Page { items }))
    }

    #[cached]
    fn bounded(&self) -> Option<Bounded<Item>> {
        let (ids, first) = (vec![self.0.id()], self.0.clone());
        Some(Bounded { ids, first })
    }

    #[cached]
    #[allow(clippy::type_complexity)]
    fn nested_bounds(&self) -> BTreeMap<u8, (Arc<Bounded<Item>>, [Option<Bounded<Item>>; 1])> {
        let bounded = self.bounded().unwrap();
        BTreeMap::from([(1, (Arc::new(bounded.clone()), [Some(bounded)]))])
    }

    #[cached]
    fn owned(&self) -> Shared<'static, Item> {
        Cow::Owned(vec![self.0.clone()])
    }

    #[cached(outcome = "value")]
    fn id(&self) -> Item::Id {
        self.0.id()
    }

    #[cached(outcome = "value")]
    fn id_spelled_out(&self) -> <Item as Entity>::Id {
        self.0.id()
    }

    #[cached]
    fn ids(&self) -> Vec<Option<Item::Id>> {
        vec![Some(self.0.id())]
    }
}

#[test]
fn a_parameter_of_the_impl_may_have_a_long_name() {
    let repository = Repository("abc".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        for _ in 0..2 {
            assert_eq!(repository.all().await, ["abc"]);
            assert_eq!(repository.page().await.unwrap().unwrap().items, ["abc"]);
        }
    });
    for _ in 0..2 {
        assert_eq!(repository.bounded().unwrap().ids, [3]);
        assert_eq!(repository.nested_bounds()[&1].0.first, "abc");
        assert_eq!(*repository.owned(), ["abc".to_owned()]);
        assert_eq!(repository.id(), 3);
        assert_eq!(repository.id_spelled_out(), 3);
        assert_eq!(repository.ids(), [Some(3)]);
    }
}

#[allow(non_upper_case_globals)]
struct Grid<Cell, const WIDTH: usize, const Height: usize>(Cell);

#[allow(non_upper_case_globals)]
impl<Cell: Entity, const WIDTH: usize, const Height: usize> Grid<Cell, WIDTH, Height> {
    #[cached]
    fn width(&self) -> Sized<WIDTH> {
        Sized { size: WIDTH }
    }

    #[cached]
    fn height(&self) -> Sized<Height> {
        Sized { size: Height }
    }

    #[cached(tier = "memory")]
    fn row(&self) -> [Cell; WIDTH] {
        std::array::from_fn(|_| self.0.clone())
    }

    #[cached(tier = "memory")]
    fn column(&self) -> Option<[Option<Cell>; Height]> {
        Some(std::array::from_fn(|_| Some(self.0.clone())))
    }

    #[cached(tier = "memory")]
    fn expression(&self) -> Vec<[Cell; 1 + 1]> {
        vec![std::array::from_fn(|_| self.0.clone())]
    }
}

#[test]
fn a_constant_of_the_impl_may_be_in_the_return_type() {
    let grid = Grid::<_, 2, 3>("a".to_owned());
    for _ in 0..2 {
        assert_eq!(grid.width().size, 2);
        assert_eq!(grid.height().size, 3);
        assert_eq!(grid.row(), ["a", "a"]);
        assert_eq!(grid.column().unwrap().len(), 3);
        assert_eq!(grid.expression().len(), 1);
    }
}

#[cached]
fn by_alias() -> Result<Indexed<u8, String>> {
    let items = vec!["a".to_owned()];
    Ok(HashMap::from([(1, Page { items })]))
}

#[cached]
fn by_borrowing_alias() -> Result<Shared<'static, u8>> {
    Ok(Cow::Owned(vec![1]))
}

#[test]
fn aliases_may_stand_for_what_is_returned() {
    for _ in 0..2 {
        assert_eq!(by_alias().unwrap()[&1].items, ["a"]);
        assert_eq!(*by_borrowing_alias().unwrap(), [1]);
    }
}

mod shadowing {
    //! What is found inside of a function is not what the module has under the same name.

    use super::*;

    mod other {
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub(super) struct Page;
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub(super) struct Hidden<A, B>(pub(super) A, pub(super) B);
    }

    #[test]
    fn a_type_may_be_imported_inside_of_a_function() {
        use other::Hidden;

        #[cached]
        fn hidden() -> Option<Hidden<u8, String>> {
            Some(Hidden(1, String::new()))
        }

        assert_eq!(hidden(), Some(Hidden(1, String::new())));
        assert_eq!(hidden(), Some(Hidden(1, String::new())));
    }

    // The module's comes first to a descriptor, unless `outcome` says that it need not know the type.
    #[test]
    fn an_imported_type_may_have_other_parameters_than_that_of_the_module() {
        use other::Page;

        #[cached(outcome = "value")]
        fn page() -> Vec<Page> {
            vec![Page]
        }

        assert_eq!(page(), [Page]);
        assert_eq!(page(), [Page]);
    }

    #[allow(dead_code)]
    trait Handler {}
    #[allow(dead_code)]
    enum Kind {
        Variant,
    }
    #[allow(unused_imports)]
    use Kind::Variant;

    /// Parameters named like a type with parameters, a trait, a variant and a type of the prelude.
    struct Job<Page, Handler, Variant, Result>(Page, Handler, Variant, Result);

    impl<Page, Handler, Variant, Result> Job<Page, Handler, Variant, Result>
    where
        Page: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        Handler: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        Variant: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        Result: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        #[cached(outcome = "value")]
        fn pages(&self) -> Vec<Page> {
            vec![self.0.clone()]
        }

        #[cached(outcome = "value")]
        fn handlers(&self) -> Vec<Handler> {
            vec![self.1.clone()]
        }

        #[cached(outcome = "value")]
        fn variants(&self) -> Vec<Variant> {
            vec![self.2.clone()]
        }

        #[cached]
        fn results(&self) -> Vec<Result> {
            vec![self.3.clone()]
        }
    }

    /// With its defaults a block tells its parameters too.
    #[cache_defaults(ttl = 60)]
    impl<Page, Handler, Variant> Job<Page, Handler, Variant, u8>
    where
        Page: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        Handler: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        Variant: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        #[cached]
        fn told(&self) -> Vec<(Page, Handler, Variant)> {
            vec![(self.0.clone(), self.1.clone(), self.2.clone())]
        }

        #[cached]
        fn of_the_module<const SIZE: usize>(&self) -> (super::Page<u8>, Sized<SIZE>) {
            let items = vec![self.3];
            (super::Page { items }, Sized { size: SIZE })
        }
    }

    #[test]
    fn a_parameter_may_be_named_like_an_item_of_the_module() {
        let job = Job(1_u8, 2_u8, 3_u8, 4_u8);
        assert_eq!((job.told(), job.told()), (vec![(1, 2, 3)], vec![(1, 2, 3)]));
        assert_eq!(job.of_the_module::<2>().1.size, 2);
        assert_eq!(job.of_the_module::<3>().1.size, 3);
        for _ in 0..2 {
            assert_eq!(job.pages(), [1]);
            assert_eq!(job.handlers(), [2]);
            assert_eq!(job.variants(), [3]);
            assert_eq!(job.results(), [4]);
        }
    }
}

mod globs {
    //! Names that only a glob brings in, one of them by two globs.

    mod first {
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub(super) struct OnlyHere(pub(super) u8);
        #[allow(dead_code)]
        pub(super) struct Ambiguous;
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub(super) struct Unseen(pub(super) u8);
    }
    mod second {
        #[allow(dead_code)]
        pub(super) struct Ambiguous<T>(T);
    }

    use first::*;
    #[allow(unused_imports)]
    use second::*;

    #[cachewright::cached]
    fn only_here() -> Option<OnlyHere> {
        Some(OnlyHere(1))
    }

    #[cachewright::cached]
    fn unseen() -> Option<Unseen> {
        Some(Unseen(2))
    }

    struct Holder<Ambiguous>(Ambiguous);

    impl<Ambiguous> Holder<Ambiguous>
    where
        Ambiguous: Clone + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
    {
        #[cachewright::cached(outcome = "option")]
        fn get(&self) -> Option<Ambiguous> {
            Some(self.0.clone())
        }
    }

    #[test]
    fn types_may_come_from_a_glob() {
        for _ in 0..2 {
            assert_eq!(only_here(), Some(OnlyHere(1)));
            assert_eq!(unseen(), Some(Unseen(2)));
            assert_eq!(Holder(3_u8).get(), Some(3));
        }
    }
}

#[test]
fn types_may_be_local_to_a_function() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(bound = "")]
    struct Local<T: Entity>(T);
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Plain;

    struct Service;
    impl Service {
        #[cached]
        fn local(&self) -> Option<Local<String>> {
            Some(Local("a".to_owned()))
        }

        #[cached]
        async fn plain(&self) -> Result<Vec<Plain>> {
            Ok(vec![Plain])
        }
    }

    assert_eq!(Service.local(), Some(Local("a".to_owned())));
    assert_eq!(Service.local(), Some(Local("a".to_owned())));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let plain = runtime.unwrap().block_on(Service.plain());
    assert_eq!(plain, Ok(vec![Plain]));
}

trait Shape: Send + Sync {}
impl Shape for u8 {}

#[cached(tier = "memory")]
fn trait_object() -> Option<Arc<dyn Shape>> {
    Some(Arc::new(1_u8))
}

#[cached(tier = "memory")]
fn function_pointer() -> fn(&str, Page<u8>) -> Option<String> {
    |text, _| Some(text.to_owned())
}

#[test]
fn values_that_stay_in_the_process_may_be_anything() {
    for _ in 0..2 {
        assert!(trait_object().is_some());
        assert_eq!(
            function_pointer()("a", Page { items: vec![] }).unwrap(),
            "a"
        );
    }
}
