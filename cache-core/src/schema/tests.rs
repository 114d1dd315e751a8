use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::*;

/// A `Deserialize` of a few lines.
macro_rules! by_hand {
    ($name:ident, $deserializer:ident => $body:expr) => {
        struct $name;

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>($deserializer: D) -> Result<Self, D::Error> {
                $body
            }
        }
    };
}

/// Reads a sequence or a map in its own way.
struct Reader<S, M>(S, M);

impl<'de, S, M> Visitor<'de> for Reader<S, M>
where
    S: FnOnce(&mut dyn FnMut() -> bool),
    M: FnOnce(&mut dyn FnMut() -> bool),
{
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("something")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        (self.0)(&mut || matches!(seq.next_element::<u8>(), Ok(Some(_))));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        (self.1)(&mut || matches!(map.next_entry::<String, u8>(), Ok(Some(_))));
        Ok(())
    }
}

fn reasons(schema: &Schema) -> Vec<Reason> {
    schema.gaps().iter().map(Gap::reason).collect()
}

fn schema<T: DeserializeOwned>() -> Schema {
    Schema::explore::<T>()
}

#[test]
fn a_deserialize_that_panics_is_a_gap() {
    by_hand!(Panics, _d => panic!("on purpose"));
    assert_eq!(reasons(&schema::<Panics>()), [Reason::Panicked]);

    // What comes before and behind it is seen all the same.
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    struct Around<A, B>(A, Panics, B);
    let pair = schema::<BTreeMap<String, (u8, Panics)>>();
    assert_eq!(reasons(&pair), [Reason::Panicked]);
    let other = schema::<BTreeMap<String, (u16, Panics)>>();
    assert_ne!(pair.fingerprint(), other.fingerprint());
}

#[test]
fn a_deserialize_that_never_stops_asking_is_a_gap() {
    by_hand!(Elements, d => {
        let reader = Reader(|next: &mut dyn FnMut() -> bool| loop { next(); }, |_: &mut dyn FnMut() -> bool| ());
        d.deserialize_seq(reader).map(|()| Self)
    });
    let elements = schema::<Elements>();
    assert_eq!(
        reasons(&elements),
        [Reason::Endless],
        "{:?}",
        elements.gaps()
    );

    by_hand!(Entries, d => {
        let reader = Reader(|_: &mut dyn FnMut() -> bool| (), |next: &mut dyn FnMut() -> bool| loop { next(); });
        d.deserialize_map(reader).map(|()| Self)
    });
    assert!(reasons(&schema::<Entries>()).contains(&Reason::Endless));
}

/// Asks for a tuple in a tuple in a tuple, each of another kind, without end.
struct Deeper(usize);

impl<'de> DeserializeSeed<'de> for Deeper {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_tuple(self.0, self)
    }
}

impl<'de> Visitor<'de> for Deeper {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an abyss")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Deeper(self.0 + 1))?.is_some() {}
        Ok(())
    }
}

#[test]
fn a_type_without_a_bottom_is_a_gap() {
    by_hand!(Abyss, d => Deeper(1).deserialize(d).map(|()| Self));
    let reasons = reasons(&schema::<Abyss>());
    assert!(
        reasons.contains(&Reason::TooDeep) || reasons.contains(&Reason::TooLarge),
        "{reasons:?}"
    );
}

#[test]
fn a_tuple_of_a_billion_is_a_gap() {
    by_hand!(Wide, d => {
        let reader = Reader(|_: &mut dyn FnMut() -> bool| (), |_: &mut dyn FnMut() -> bool| ());
        d.deserialize_tuple(1_000_000_000, reader).map(|()| Self)
    });
    assert_eq!(reasons(&schema::<Wide>()), [Reason::TooLarge]);
    by_hand!(Widest, d => {
        let reader = Reader(|_: &mut dyn FnMut() -> bool| (), |_: &mut dyn FnMut() -> bool| ());
        d.deserialize_tuple(usize::MAX, reader).map(|()| Self)
    });
    assert_eq!(reasons(&schema::<Widest>()), [Reason::TooLarge]);
}

#[test]
fn a_deserialize_that_changes_its_mind_is_a_gap() {
    by_hand!(Fickle, d => {
        thread_local!(static TIMES: Cell<u32> = const { Cell::new(0) });
        match TIMES.replace(TIMES.get() + 1) % 2 {
            0 => Option::<u8>::deserialize(d).map(|_| Self),
            _ => Vec::<u8>::deserialize(d).map(|_| Self),
        }
    });
    assert!(reasons(&schema::<Fickle>()).contains(&Reason::Inconsistent));
}

#[test]
fn a_text_that_takes_no_sample_is_a_gap_and_what_was_seen_counts() {
    by_hand!(Picky, d => {
        String::deserialize(d)?;
        Err(serde::de::Error::custom("no"))
    });
    let picky = schema::<Picky>();
    assert_eq!(reasons(&picky), [Reason::Rejects]);
    by_hand!(PickyNumber, d => {
        u8::deserialize(d)?;
        Err(serde::de::Error::custom("no"))
    });
    assert_ne!(picky.fingerprint(), schema::<PickyNumber>().fingerprint());
    // What comes behind it in a tuple can't be reached, and says so.
    let behind = schema::<(Picky, u8)>();
    assert_eq!(reasons(&behind), [Reason::Rejects, Reason::Unread]);
}

#[test]
fn who_swallows_our_errors_is_seen_through() {
    by_hand!(Swallows, d => {
        let _ = BTreeMap::<u8, Vec<i64>>::deserialize(d);
        Ok(Self)
    });
    let seen = schema::<Swallows>();
    assert_eq!(seen.gaps(), []);
    assert_eq!(
        seen.fingerprint(),
        schema::<BTreeMap<u8, Vec<i64>>>().fingerprint()
    );
}

/// Reads a sequence into a tuple: some of one type, and then one of another.
struct Mixed<A, B>(std::marker::PhantomData<(A, B)>);

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Deserialize<'de> for Mixed<A, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self(std::marker::PhantomData))
    }
}

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Visitor<'de> for Mixed<A, B> {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a mixture")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self, S::Error> {
        let _: (Option<A>, Option<A>) = (seq.next_element()?, seq.next_element()?);
        let _: Option<B> = seq.next_element()?;
        Ok(self)
    }
}

#[test]
fn a_sequence_that_is_read_into_a_tuple_is_seen_to_its_end() {
    let one = schema::<Mixed<u8, Vec<u8>>>();
    assert_eq!(one.gaps(), []);
    assert_ne!(
        one.fingerprint(),
        schema::<Mixed<u8, Vec<u16>>>().fingerprint()
    );
}

#[test]
fn a_schema_is_computed_once() {
    static TIMES: AtomicUsize = AtomicUsize::new(0);
    by_hand!(Counted, d => {
        TIMES.fetch_add(1, SeqCst);
        u8::deserialize(d).map(|_| Self)
    });
    let schema = Schema::of::<Counted>();
    let times = TIMES.load(SeqCst);
    assert!(times > 0);
    assert!(std::ptr::eq(schema, Schema::of::<Counted>()));
    assert_eq!(TIMES.load(SeqCst), times);
}

#[test]
fn a_deserialize_that_asks_for_its_own_schema_comes_to_an_end() {
    by_hand!(Selfish, d => {
        thread_local!(static INSIDE: Cell<bool> = const { Cell::new(false) });
        if !INSIDE.replace(true) {
            let _ = Schema::of::<Self>();
        }
        u8::deserialize(d).map(|_| Self)
    });
    assert_eq!(Schema::of::<Selfish>().gaps(), []);
}

#[test]
fn the_modules_are_no_part_of_a_name() {
    for (whole, name) in [
        ("u8", "u8"),
        ("a::B", "B"),
        ("a::B<c::d::E, (f::G, [h::I; 2])>", "B<E, (G, [I; 2])>"),
        ("&str", "&str"),
    ] {
        assert_eq!(gap::short(whole), name);
    }
}

#[test]
fn a_gap_is_a_sentence() {
    let gap = Gap {
        type_name: "Item".to_owned(),
        place: "orders.items".to_owned(),
        reason: Reason::Flatten,
    };
    assert_eq!(
        gap.to_string(),
        "`Item` at `orders.items` hides its shape (`#[serde(flatten)]`, or a `Deserialize` that does not tell its fields)"
    );
}
