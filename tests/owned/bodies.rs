//! What a body may do, and where `self` in it is another one.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use cachewright::cached;

use super::Database;

const ONE: u64 = 1;

macro_rules! add {
    ($a:expr, $b:expr) => {
        $a + $b
    };
    (asked by $own:ident) => {
        $own.ask()
    };
    (return $value:expr) => {
        return $value
    };
}

impl Database {
    #[cached(cache = self.cache, key_prefix = "body", refresh_ahead = 0.1)]
    async fn with_a_receiver_everywhere(&self, text: &str) -> Result<Vec<u64>, fmt::Error> {
        use std::fmt::{self, Write};
        struct Local {
            pub(self) own: u64,
        }
        impl Local {
            fn get(&self) -> u64 {
                self.own
            }
        }
        fn nested(text: &str) -> Result<u64, fmt::Error> {
            text.parse().map_err(|_| fmt::Error)
        }
        macro_rules! asked {
            () => {
                self.ask()
            };
        }
        let this = 100;
        let number = nested(text)?;
        if number == 0 {
            add!(return Ok(vec![self::ONE]));
        }
        let mut written = String::new();
        write!(written, "{} {:?}", self.ask(), vec![self.ask()])?;
        let closure = |more: u64| add!(more, self.ask());
        let block = async { closure(number) + add!(asked by self) }.await;
        let Self { asked, .. } = self;
        let asked = asked.load(std::sync::atomic::Ordering::SeqCst);
        let own = Local { own: this }.get() + asked!();
        let passed = Self::ask(self);
        Ok(vec![
            written.len().try_into().unwrap(),
            block,
            asked,
            own,
            passed,
        ])
    }

    #[cached(cache = self.cache, key_prefix = "body", refresh_ahead = 0.1)]
    fn with_an_arc_in_a_text(self: Arc<Self>, id: u64) -> String {
        format!("{self} {id}")
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asked {}", self.ask())
    }
}

#[tokio::test]
async fn the_receiver_is_found_wherever_it_is_meant() {
    let database = Database::new();
    for _ in 0..2 {
        let answer = database.with_a_receiver_everywhere("10").await;
        assert_eq!(answer, Ok(vec![5, 17, 4, 105, 6]));
        assert_eq!(database.with_a_receiver_everywhere("0").await, Ok(vec![1]));
    }
    assert!(database.with_a_receiver_everywhere("x").await.is_err());
    assert_eq!(database.asked(), 6);
    let database = Arc::new(database);
    for _ in 0..2 {
        assert_eq!(Arc::clone(&database).with_an_arc_in_a_text(1), "asked 7 1");
    }
}

/// As the crate `futures` has it.
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[cached(cache = database.cache, skip(database), refresh_ahead = 0.1)]
fn factorial(database: Arc<Database>, n: u64) -> BoxFuture<u64> {
    Box::pin(async move {
        database.ask();
        match n {
            0 => 1,
            _ => n * factorial(database, n - 1).await,
        }
    })
}

#[cached(cache = database.cache, skip(database), refresh_ahead = 0.1)]
fn fibonacci(database: &Arc<Database>, n: u64) -> u64 {
    database.ask();
    match n {
        0 | 1 => n,
        _ => fibonacci(database, n - 1) + fibonacci(database, n - 2),
    }
}

#[tokio::test]
async fn a_body_may_call_its_function() {
    let database = Arc::new(Database::new());
    assert_eq!(
        factorial(Arc::clone(&database), 15).await,
        1_307_674_368_000
    );
    assert_eq!(database.asked(), 16);
    assert_eq!(fibonacci(&database, 20), 6_765);
    assert_eq!(database.asked(), 37);
}

macro_rules! reader {
    ($name:ident($argument:ident: $ty:ty) -> $returned:ty, $body:block) => {
        impl Database {
            #[cached(cache = self.cache, key_prefix = "reader", refresh_ahead = 0.1)]
            fn $name(&self, $argument: $ty) -> $returned {
                let asked = self.ask();
                let own: $returned = $body;
                own.map(|own| own + asked)
            }
        }
    };
}

reader!(made(id: &u64) -> Option<u64>, {
    if *id == 0 {
        return None;
    }
    Some(*id)
});

macro_rules! whole {
    ($($function:item)*) => {
        impl Database {$(
            #[cached(key_prefix = "whole", refresh_ahead = 0.1)]
            $function
        )*}
    };
}

whole! {
    async fn whole(&self, id: &u64) -> u64 { id * 2 + self.ask() }
}

#[tokio::test]
async fn made_by_a_macro() {
    let database = Database::new();
    for _ in 0..2 {
        assert_eq!(database.made(&1), Some(2));
        assert_eq!(database.whole(&1).await, 4);
    }
    assert_eq!(database.made(&0), None);
}
