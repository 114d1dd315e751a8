//! Templates that are read, and the mistakes in others.

use super::{Template, key_prefix, pattern, tags};
use proc_macro2::Span;
use syn::{Ident, LitStr};

fn names(template: syn::Result<Template>) -> Vec<String> {
    let template = template.unwrap();
    template.placeholders.iter().map(|p| p.text()).collect()
}

fn mistake(template: syn::Result<Template>) -> String {
    template
        .err()
        .map_or_else(String::new, |error| error.to_string())
}

fn literal(text: &str) -> LitStr {
    LitStr::new(text, Span::call_site())
}

#[test]
fn placeholders_are_found_in_order() {
    assert_eq!(
        names(key_prefix(&literal(
            "user:{user_id}:{filter.city}-{self.region}:x_{pair.0}"
        ))),
        ["user_id", "filter.city", "self.region", "pair.0"]
    );
    assert_eq!(names(pattern(&literal("user:{user_id}:*"))), ["user_id"]);
    assert_eq!(
        names(key_prefix(&literal("{r#type}:{größe.länge}:{a.r#fn}"))),
        ["type", "größe.länge", "a.fn"]
    );
    assert!(names(pattern(&literal("a.b-c_9:%20%2f:x*"))).is_empty());
    assert!(names(key_prefix(&literal("a:b:c:d:e:f:g:h"))).is_empty());
}

#[test]
fn mistakes_in_key_prefixes_are_told() {
    for (text, problem) in [
        ("", "a segment is empty"),
        ("user::x", "a segment is empty"),
        (":user", "a segment is empty"),
        ("user:", "a segment is empty"),
        ("us er", "cannot contain a blank"),
        ("usér", "`\\u{e9}`"),
        ("user/x", "`/`"),
        ("user:*", "cannot contain `*`"),
        ("user:%20", "`%`"),
        ("a:b:c:d:e:f:g:h:i", "9 segments"),
        ("user:{id", "never closed"),
        ("user:id}", "closes no placeholder"),
        ("user:{}", "names nothing"),
        ("user:{ id }", "is no placeholder"),
        ("user:{id:x}", "is no placeholder"),
        ("user:{0}", "is no placeholder"),
        ("user:{a.}", "is no placeholder"),
        ("user:{a.99999999999}", "is no placeholder"),
        ("user:{a._}", "is no placeholder"),
        ("user:{a.self}", "is no placeholder"),
        ("user:{a.b()}", "is no placeholder"),
        ("user:{{id}}", "is no placeholder"),
    ] {
        let told = mistake(key_prefix(&literal(text)));
        assert!(told.contains(problem), "{text}: {told}");
    }
}

#[test]
fn mistakes_in_patterns_are_told() {
    for (text, problem) in [
        ("", "a segment is empty"),
        ("*", "covers everything"),
        ("booking*", "covers everything"),
        ("*:x", "covers everything"),
        ("{id}*:x", "covers everything"),
        ("booking:%2", "two hexadecimal digits"),
        ("booking:%zz", "two hexadecimal digits"),
        ("booking:%é", "two hexadecimal digits"),
        ("booking :*", "cannot contain a blank"),
        ("booking:{id", "never closed"),
    ] {
        let told = mistake(pattern(&literal(text)));
        assert!(told.contains(problem), "{text}: {told}");
        assert!(told.contains("\n\nhelp: "), "{text}: {told}");
    }
    let told = mistake(pattern(&literal("*")));
    assert!(told.contains("`clear()`"), "{told}");
}

fn tags_of(texts: &[&str]) -> syn::Result<Vec<Template>> {
    let literals: Vec<LitStr> = texts.iter().map(|text| literal(text)).collect();
    tags(&Ident::new("tags", Span::call_site()), &literals)
}

#[test]
fn mistakes_in_tags_are_told() {
    let numbers: Vec<String> = (0..17).map(|number| format!("t{number}")).collect();
    let many: Vec<&str> = numbers.iter().map(String::as_str).collect();
    assert!(tags_of(&many[..16]).is_ok());
    for (texts, problem) in [
        (&[][..], "names no tag"),
        (&[""], "a segment is empty"),
        (&["team:"], "a segment is empty"),
        (&["team:*"], "cannot contain `*`"),
        (&["a team"], "cannot contain a blank"),
        (&["team:%20"], "`%`"),
        (&["team:{id"], "never closed"),
        (&["a", "b", "a"], "`a` is given a second time"),
        (&many, "there are 17 tags"),
    ] {
        let told = tags_of(texts).err().unwrap().to_string();
        assert!(told.contains(problem), "{texts:?}: {told}");
        assert!(told.contains("\n\nhelp: "), "{texts:?}: {told}");
    }
}
