//! The hashes that name functions, entries and leaves.

use cache_core::private::{Identity, KeyWriter, function_path, leaf_bucket};

use crate::hex;

#[test]
fn the_hashes_never_change() {
    let mut key = KeyWriter::new();
    key.argument(&42_u64).argument("JFK").scope("tenant-7");
    assert_eq!(key.argument_bytes(), hex_bytes("112a09034a464b"));
    let plain = Identity::new("app::users::get", "app::User", [7; 16], None);
    let second = Identity::new("app::users::get", "app::User", [7; 16], Some(2));
    let hash = plain.args_hash(key.bytes());
    assert_eq!(hash.to_string(), "dcff708ffc24cb5d82196c23d83fb425");
    assert_eq!(hex(hash.as_bytes()), hash.to_string());
    assert_eq!(
        second.args_hash(key.bytes()).to_string(),
        "b61f47cf14c7a5bdad9e54bc55b5dea7"
    );
    assert_eq!(leaf_bucket("get", key.argument_bytes()), 24286);
    assert_eq!(leaf_bucket("get", &[]), 30539);
}

fn hex_bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn every_part_of_an_identity_counts() {
    let identities = [
        Identity::new("a::f", "T", [0; 16], None),
        Identity::new("a::g", "T", [0; 16], None),
        Identity::new("a::fT", "", [0; 16], None),
        Identity::new("a::f", "U", [0; 16], None),
        Identity::new("a::f", "T", [1; 16], None),
        Identity::new("a::f", "T", [0; 16], Some(0)),
        Identity::new("a::f", "T", [0; 16], Some(1)),
    ];
    for (i, a) in identities.iter().enumerate() {
        for b in &identities[..i] {
            assert_ne!(a.args_hash(b"x"), b.args_hash(b"x"));
        }
    }
}

fn name_of<T>(_: &T) -> &'static str {
    function_path(std::any::type_name::<T>())
}

struct Service<T>(T);

trait Reads {
    fn read(&self) -> &'static str;
}

impl<T> Service<T> {
    fn put(_: T) -> &'static str {
        name_of(&|| ())
    }

    async fn get<U>(_: U) -> &'static str {
        let nested = || name_of(&|| ());
        nested()
    }
}

impl Reads for Service<u8> {
    fn read(&self) -> &'static str {
        let _ = self.0;
        name_of(&|| ())
    }
}

#[tokio::test]
async fn a_path_names_module_type_generics_and_function() {
    assert_eq!(Service::<u32>::put(0), "keys::identity::Service<u32>::put");
    assert_eq!(
        Service::<u32>::get(0_u8).await,
        "keys::identity::Service<u32>::get<u8>"
    );
    assert_ne!(
        Service::<u32>::get(0_u8).await,
        Service::<u32>::get(0_u16).await
    );
    assert_eq!(
        Service(0_u8).read(),
        "<keys::identity::Service<u8> as keys::identity::Reads>::read"
    );
    assert_eq!(function_path("a::f"), "a::f");
    assert_eq!(
        function_path("a::{{closure}}::f::{{closure}}"),
        "a::{{closure}}::f"
    );
}
