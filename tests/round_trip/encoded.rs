//! What a codec other than JSON does not bring back. The check asks the codec that the function has.

use super::*;
use cachewright::codec::{Codec, Json, MessagePack, Postcard};

macro_rules! told_by {
    ($codec:expr, $value:expr => $type:ty) => {{
        #[cached(cache = cache, skip(cache, value), codec = $codec)]
        fn kept(cache: &Cache, value: $type) -> $type {
            value
        }
        let (_, told) = Recorder::default().during(|| kept(&cache(), $value));
        told
    }};
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    count: u8,
}

fn items() -> BTreeMap<u8, Vec<Item>> {
    let item = |note: Option<&str>| Item {
        id: 1,
        note: note.map(str::to_owned),
        count: 2,
    };
    BTreeMap::from([(7, vec![item(Some("secret")), item(None)])])
}

#[test]
fn a_field_that_is_left_out_by_its_value_is_named_where_fields_have_no_names() {
    let told = told_by!(Postcard, items() => BTreeMap<u8, Vec<Item>>);
    assert_told(&told, "[_][1].note", "`skip_serializing_if`");
    assert_eq!(
        told_by!(MessagePack, items() => BTreeMap<u8, Vec<Item>>),
        SILENT
    );
}

#[test]
fn a_field_that_is_never_written_is_named_where_fields_have_no_names() {
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    struct Account {
        name: String,
        #[serde(skip_serializing, default)]
        password: String,
        logins: u8,
    }
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    enum Owner {
        Nobody,
        Some { accounts: Vec<Account> },
    }
    let account = || Account {
        name: "secret".to_owned(),
        password: String::new(),
        logins: 3,
    };
    let owners = || {
        let accounts = vec![account(), account()];
        (
            Item {
                note: Some(String::new()),
                ..items()[&7][0].clone()
            },
            [Owner::Nobody, Owner::Some { accounts }],
        )
    };
    let told = told_by!(Postcard, owners() => (Item, [Owner; 2]));
    assert_told(
        &told,
        "1.1.Some.accounts[0].password",
        "it is not serialized",
    );
    assert_eq!(
        told_by!(MessagePack, owners() => (Item, [Owner; 2])),
        SILENT
    );
}

#[test]
fn what_asks_for_names_is_told_where_there_are_none() {
    let value = serde_json::json!({"secret": 1});
    let told = told_by!(Postcard, value.clone() => serde_json::Value);
    assert_told(&told, "", "keeps no names");
    assert_eq!(told_by!(MessagePack, value => serde_json::Value), SILENT);
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        A { b: u8 },
    }
    let told = told_by!(Postcard, Tagged::A { b: 1 } => Tagged);
    assert_told(&told, "", "keeps no names");
}

#[test]
fn what_json_alone_loses_is_silent_with_the_others() {
    assert_told(&told_by!(Json, f64::INFINITY => f64), "", "infinity");
    assert_eq!(told_by!(Postcard, f64::INFINITY => f64), SILENT);
    assert_eq!(told_by!(MessagePack, f64::INFINITY => f64), SILENT);
    let inner = vec![Some(None::<u8>)];
    assert_told(
        &told_by!(MessagePack, inner.clone() => Vec<Option<Option<u8>>>),
        "[0]",
        "",
    );
    assert_eq!(told_by!(Postcard, inner => Vec<Option<Option<u8>>>), SILENT);
    let pairs = BTreeMap::from([((1_u8, 2_u8), 'x')]);
    assert_eq!(
        told_by!(Postcard, pairs.clone() => BTreeMap<(u8, u8), char>),
        SILENT
    );
    assert_eq!(
        told_by!(MessagePack, pairs => BTreeMap<(u8, u8), char>),
        SILENT
    );
}

#[test]
fn an_alias_is_no_field_that_is_missing() {
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    struct Aliased {
        #[serde(alias = "a", alias = "z")]
        name: String,
        #[serde(skip)]
        cached: u8,
        count: u8,
    }
    let value = Aliased {
        name: "n".to_owned(),
        cached: 0,
        count: 1,
    };
    assert_eq!(told_by!(Postcard, value => Aliased), SILENT);
}

#[test]
fn the_codec_of_the_cache_is_asked_where_the_function_has_none() {
    #[cached(cache = cache, skip(cache))]
    fn listed(cache: &Cache) -> BTreeMap<u8, Vec<Item>> {
        items()
    }
    let cache = Cache::builder().codec(Postcard).build().unwrap();
    let (_, told) = Recorder::default().during(|| listed(&cache));
    assert_told(&told, "[_][1].note", "Postcard");
}

#[test]
fn an_own_codec_that_loses_something_is_told() {
    struct Forgets;
    impl Codec for Forgets {
        fn id(&self) -> u8 {
            130
        }

        fn encode<T: Serialize + ?Sized>(
            &self,
            value: &T,
            into: &mut Vec<u8>,
        ) -> Result<(), cachewright::Error> {
            Json.encode(value, into)?;
            let zero = |byte: &mut u8| *byte = if byte.is_ascii_digit() { b'1' } else { *byte };
            into.iter_mut().for_each(zero);
            Ok(())
        }

        fn decode<T: serde::de::DeserializeOwned>(
            &self,
            bytes: &[u8],
        ) -> Result<T, cachewright::Error> {
            Json.decode(bytes)
        }
    }
    assert_told(&told_by!(Forgets, vec![1, 2] => Vec<u8>), "[1]", "");
    assert_eq!(told_by!(Forgets, vec![1, 1] => Vec<u8>), SILENT);
}
