//! Fields that serde is told to leave out.

use super::*;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Profile {
    name: String,
    #[serde(skip)]
    token: String,
}

fn profile() -> Profile {
    Profile {
        name: "secret name".to_owned(),
        token: "secret token".to_owned(),
    }
}

#[test]
fn a_skipped_field_is_seen_by_the_equality_of_the_type_alone() {
    assert_told(&told_of!(profile() => Profile), "", "`==` says so");
    assert_told(&told_of!(Some(profile()) => Option<Profile>), "", "`==`");
    let found = Ok(profile());
    assert_told(&told_of!(found => Result<Profile, ()>), "", "`==`");
    let found = Ok(Some(profile()));
    let told = told_of!(found => Result<Option<Profile>, std::fmt::Error>);
    assert_told(&told, "", "`==`");
    assert_told(&told_of!(Arc::new(profile()) => Arc<Profile>), "", "`==`");
}

#[test]
fn what_is_skipped_and_has_its_default_anyway_comes_back() {
    let value = Profile {
        token: String::new(),
        ..profile()
    };
    assert_eq!(told_of!(value => Profile), SILENT);
}

#[test]
fn a_skipped_field_without_a_default_is_missing() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Account {
        #[serde(skip_serializing)]
        #[expect(dead_code, reason = "what matters is that it is there")]
        password: String,
    }
    let accounts = || {
        vec![Account {
            password: "secret".to_owned(),
        }]
    };
    let told = told_of!(accounts() => Vec<Account>);
    assert_told(&told, "[0]", "a field of it is not serialized");
}

#[test]
fn a_field_that_is_left_out_by_its_value_is_named() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Item {
        comment: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        harmless: Option<String>,
        #[serde(skip_serializing_if = "String::is_empty")]
        note: String,
    }
    let item = |note: &str| Item {
        comment: Some("secret, with }],{\\\" in it".to_owned()),
        harmless: None,
        note: note.to_owned(),
    };
    let items = || BTreeMap::from([("secret", [item("a"), item("")])]);
    let items = items()
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_vec()))
        .collect();
    let told = told_of!(items => BTreeMap<String, Vec<Item>>);
    assert_told(&told, "[_][1].note", "`skip_serializing_if`");
}

#[test]
fn a_default_that_is_another_value_is_named() {
    fn seven() -> u8 {
        7
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Counted {
        #[serde(skip_serializing_if = "is_zero", default = "seven")]
        count: u8,
    }
    fn is_zero(count: &u8) -> bool {
        *count == 0
    }
    let told = told_of!(Counted { count: 0 } => Counted);
    assert_told(&told, "count", "its default is another value");
}
