//! Where an annotated function may stand.

use cachewright::{cached, invalidate_cache};
use serde::{Deserialize, Serialize};

use super::Database;

#[test]
fn inside_of_a_function() {
    #[cached(cache = database.cache, skip(database), key_prefix = "inside")]
    fn inside(database: &Database, id: u64) -> u64 {
        #[cached(cache = database.cache, skip(database))]
        fn deeper(database: &Database, id: u64) -> u64 {
            id + database.ask()
        }
        deeper(database, id) + deeper(database, id)
    }

    #[invalidate_cache("inside", cache = database.cache)]
    fn write(database: &Database) {}

    let database = Database::new();
    assert_eq!((inside(&database, 1), inside(&database, 1)), (4, 4));
    write(&database);
    assert_eq!((inside(&database, 1), database.asked()), (4, 1));
}

#[test]
fn in_two_blocks_under_one_name() {
    let first = {
        #[cached]
        fn number() -> u64 {
            1
        }
        (number(), number())
    };
    let second = {
        #[cached]
        fn number() -> u64 {
            2
        }
        (number(), number())
    };
    assert_eq!((first, second), ((1, 1), (2, 2)));
}

#[tokio::test]
async fn in_an_impl_inside_of_a_function() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Answer(u64);

    struct Service(Database);

    trait Answers {
        async fn answer(&self, id: u64) -> Option<Answer>;
    }

    impl Answers for Service {
        #[cached(cache = self.0.cache, key_prefix = "answer:{id}")]
        async fn answer(&self, id: u64) -> Option<Answer> {
            Some(Answer(id + self.0.ask()))
        }
    }

    impl Service {
        #[invalidate_cache("answer:{id}", cache = self.0.cache, entry = self.answer(9))]
        async fn write(&self, id: u64) {}
    }

    let service = Service(Database::new());
    for _ in 0..2 {
        assert_eq!(service.answer(1).await, Some(Answer(2)));
    }
    service.write(1).await;
    assert_eq!(service.answer(1).await, Some(Answer(3)));
}

mod outer {
    pub(super) mod inner {
        use cachewright::cached;

        #[cached]
        pub(in super::super) fn place() -> String {
            module_path!().to_owned()
        }

        pub(in super::super) struct Private(pub(in super::super) u64);

        impl Private {
            #[cached(scope = self.0)]
            pub(in super::super) fn twice(&self) -> u64 {
                self.0 * 2
            }
        }
    }
}

#[test]
fn in_nested_modules() {
    let place = outer::inner::place();
    assert!(place.ends_with("places::outer::inner"), "{place}");
    let doubled = [3, 4, 3].map(|number| outer::inner::Private(number).twice());
    assert_eq!(doubled, [6, 8, 6]);
}

macro_rules! reader {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($argument:ident: $ty:ty) -> $returned:ty = $prefix:literal, $body:block) => {
        $(#[$attribute])*
        #[cached(cache = database.cache, skip(database), key_prefix = $prefix)]
        $visibility fn $name(database: &Database, $argument: $ty) -> $returned {
            let asked = database.ask();
            let own: $returned = $body;
            own.map(|own| own + asked)
        }
    };
}

reader! {
    /// Documented.
    #[must_use]
    pub(crate) fn made(id: &u64) -> Option<u64> = "made:{id}", {
        if *id == 0 {
            return None;
        }
        Some(*id)
    }
}

macro_rules! services {
    ($($service:ident<$parameter:ident> { $($name:ident: $value:expr => $returned:ty),* })*) => {$(
        struct $service<$parameter>($parameter, Database);

        impl<$parameter: Clone + Into<u64> + Send + Sync> $service<$parameter> {
            $(
                #[cached(cache = self.1.cache, key($value, id), key_prefix = "services")]
                async fn $name(&self, id: u64) -> Result<$returned, String> {
                    let own: u64 = self.0.clone().into();
                    <$returned>::try_from(own + id + $value + self.1.ask()).map_err(|error| error.to_string())
                }
            )*

            #[invalidate_cache("services", cache = self.1.cache)]
            async fn write(&self, id: u64) {
                $(let _ = self.$name(id).await;)*
            }
        }
    )*};
}

services! {
    Small<Number> { byte: 1 => u8, word: 2 => u16 }
    Large<Number> { long: 3 => u64 }
}

macro_rules! whole {
    ($($function:item)*) => {$(
        #[cached]
        $function
    )*};
}

whole! {
    fn whole(id: u64) -> u64 { id * 2 }
    async fn whole_async(id: u64) -> Option<u64> { Some(id * 3) }
}

#[tokio::test]
async fn made_by_a_macro() {
    let database = Database::new();
    for _ in 0..2 {
        assert_eq!(made(&database, &1), Some(2));
    }
    assert_eq!(made(&database, &0), None);
    let small = Small(1_u8, Database::new());
    let large = Large(1_u32, Database::new());
    for _ in 0..2 {
        assert_eq!(small.byte(1).await, Ok(4));
        assert_eq!(small.word(1).await, Ok(6));
        assert_eq!(large.long(1).await, Ok(6));
        assert_eq!((whole(2), whole_async(2).await), (4, Some(6)));
    }
    small.write(1).await;
    assert_eq!(small.byte(1).await, Ok(6));
    large.write(1).await;
}

struct Constants;

impl Constants {
    const ID: u64 = 5;
    const TTL: std::time::Duration = std::time::Duration::from_secs(5);

    #[cached(scope = Self::ID, ttl = Self::TTL, key_prefix = "constants")]
    async fn of_self(id: u64) -> [u64; 2] {
        [Self::ID, Self::times(id)]
    }

    fn times(id: u64) -> u64 {
        id * Self::ID
    }

    #[cached]
    fn new(id: u64) -> Vec<Option<u64>> {
        let Self = Self;
        vec![Some(Self::times(id))]
    }
}

#[tokio::test]
async fn with_self_in_the_attribute_and_in_the_body() {
    for _ in 0..2 {
        assert_eq!(Constants::of_self(2).await, [5, 10]);
        assert_eq!(Constants::new(2), [Some(10)]);
    }
}
