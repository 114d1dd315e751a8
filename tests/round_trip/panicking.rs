//! Panics in the user's implementations.

use super::*;

#[derive(Clone)]
struct Panics(&'static str);

impl PartialEq for Panics {
    fn eq(&self, _: &Self) -> bool {
        assert_ne!(self.0, "PartialEq", "secret");
        true
    }
}

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert_ne!(self.0, "Serialize", "secret");
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        assert_ne!(text, "Deserialize", "secret");
        Ok(Self("back"))
    }
}

#[test]
fn a_panic_is_told_and_the_call_goes_on() {
    for culprit in ["PartialEq", "Serialize", "Deserialize"] {
        let told = match culprit {
            "PartialEq" => told_of!(Panics("PartialEq") => Panics),
            "Serialize" => told_of!(Panics("Serialize") => Panics),
            _ => told_of!(Panics("Deserialize") => Panics),
        };
        assert_told(
            &told,
            "",
            &format!("its `{culprit}` implementation panicked"),
        );
    }
}

#[test]
fn a_call_whose_check_panics_is_kept_and_answered() {
    #[cached(cache = cache, skip(cache))]
    fn kept(cache: &Cache) -> Result<Panics, ()> {
        Ok(Panics("PartialEq"))
    }
    let cache = cache();
    let (answers, told) = Recorder::default().during(|| (kept(&cache), kept(&cache)));
    assert!(answers.0.is_ok_and(|value| value.0 == "PartialEq"));
    assert!(answers.1.is_ok_and(|value| value.0 == "PartialEq"));
    assert_eq!(cache.stats().functions[0].hits, 1);
    assert_eq!(told.len(), 1, "{told:?}");
}
