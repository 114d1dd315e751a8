//! What becomes of blocks, and which annotations in them are found.

use proc_macro2::TokenStream;

use super::expand;
use crate::expand::tests::assert_snapshot;

fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap()
}

fn expanded(arguments: &str, item: &str) -> String {
    expand(tokens(arguments), tokens(item)).to_string()
}

/// An `impl` block with `items` becomes one with `expected`.
#[track_caller]
fn become_in_a_block(items: &str, expected: &str) {
    let block = |items: &str| tokens(&format!("impl A {{ {items} }}")).to_string();
    assert_eq!(expanded("ttl = 3", &block(items)), block(expected));
}

fn mistakes(arguments: &str, item: &str) -> (usize, String) {
    let expanded = expanded(arguments, item);
    (expanded.matches("compile_error").count(), expanded)
}

#[test]
fn a_block_of_readers_and_writers() {
    let block = r#"
        /// Profiles.
        #[async_trait]
        unsafe impl<'a, T: Clone, const N: usize> Users for Database<'a, T, N> where T: Send {
            const TABLE: &str = "";
            methods! { #[cached] fn left_alone() {} }

            #[cached]
            async fn profile(&self, id: u64) -> Option<Profile> {
                #[cached] fn left_alone() {}
                self.load(id).await
            }

            #[must_use]
            #[cached(ttl = 60, key_prefix = "team:{id}",)]
            pub async fn team(&self, id: u64) -> T { self.team_of(id).await }

            #[cachewright::invalidate_cache("user:{id}:*")]
            #[cachewright::invalidate_cache("team", cache = self.teams)]
            async fn rename(&self, id: u64, name: String) -> Result<(), Error> { self.set(id, name).await }
        }
    "#;
    let arguments = r#"key_prefix = "user", ttl = "10m", scope = self.tenant_id, cache = self.cache, on = "always""#;
    let expanded = expand(tokens(arguments), tokens(block));
    assert_snapshot(
        "defaults_of_a_block",
        &prettyplease::unparse(&syn::parse2(expanded).unwrap()),
    );
}

#[test]
fn annotations_are_found_however_they_are_written() {
    const PASSED: &str = "defaults(ttl = 3, generics())";
    for (written, expected) in [
        ("#[cached] fn f();", "#[cached(@)] fn f();"),
        ("#[cached()] fn f();", "#[cached(@)] fn f();"),
        ("#[cached{}] fn f();", "#[cached{@}] fn f();"),
        (
            "#[cached(ttl = 4)] fn f();",
            "#[cached(ttl = 4, @)] fn f();",
        ),
        (
            "#[cached(ttl = 4,)] fn f();",
            "#[cached(ttl = 4, @)] fn f();",
        ),
        ("#[a::b::cached] fn f();", "#[a::b::cached(@)] fn f();"),
        (
            "#[::a::cached(skip(b))] fn f();",
            "#[::a::cached(skip(b), @)] fn f();",
        ),
        (
            r#"#[cfg_attr(feature = "x", cached)] fn f();"#,
            r#"#[cfg_attr(feature = "x", cached(@))] fn f();"#,
        ),
        (
            r#"#[cfg_attr(all(x, cached), inline, cfg_attr(y, cached(ttl = 4),),)] fn f();"#,
            r#"#[cfg_attr(all(x, cached), inline, cfg_attr(y, cached(ttl = 4, @),),)] fn f();"#,
        ),
        (
            "fn a() -> A<{3}> { 1 } #[cached] fn f();",
            "fn a() -> A<{3}> { 1 } #[cached(@)] fn f();",
        ),
    ] {
        become_in_a_block(written, &expected.replace('@', PASSED));
    }
}

#[test]
fn what_is_not_ours_is_left_alone() {
    for foreign in [
        "#[cached::proc_macro::cached(ttl = 4)]",
        "#[::cached::cached]",
        "#[cached_proc_macro::cached]",
        "#[cached = \"text\"]",
        "#[cfg(cached)]",
        "#[doc(cached)]",
        "#[cached::other]",
        "#![cached]",
    ] {
        let block = |argument| {
            format!("{foreign} fn f() {{ #[cached] g(); }} #[cached({argument})] fn h();")
        };
        become_in_a_block(&block(""), &block("defaults(ttl = 3, generics())"));
    }
}

#[test]
fn annotations_from_a_macro_rules_macro_are_found() {
    use proc_macro2::{Delimiter, Group};
    use quote::quote;
    let wrapped = |inner| Group::new(Delimiter::None, inner);
    let attribute = wrapped(quote!(cached(skip(db))));
    let item = wrapped(quote!(#[#attribute] fn f() {}));
    let block = wrapped(quote!(impl A { #item }));
    let expanded = expand(quote!(ttl = 3), quote!(#block)).to_string();
    let expected = quote!(impl A { #[cached(skip(db), defaults(ttl = 3, generics()))] fn f() {} });
    let bare = |text: String| text.replace(char::is_whitespace, "");
    assert_eq!(bare(expanded), bare(expected.to_string()));
}

#[test]
fn the_parameters_of_a_block_are_told() {
    for (block, generics) in [
        ("impl A", Some("")),
        (
            "impl<'a, T: Clone + 'a, const N: usize, #[x] U> B<T> for A<{ 3 }> where T: C",
            Some("T, N, U"),
        ),
        ("unsafe impl<T,> const B for A<T>", Some("T")),
        ("pub(crate) unsafe auto trait A<T = u64>: B", Some("T")),
        ("trait A", Some("")),
        ("impl <A as B>::C", None),
    ] {
        let written = expanded("ttl = 3", &format!("{block} {{ #[cached] fn f(); }}"));
        let generics = generics.map_or(String::new(), |names| format!(", generics({names})"));
        let expected = format!("{block} {{ #[cached(defaults(ttl = 3{generics}))] fn f(); }}");
        assert_eq!(written, tokens(&expected).to_string());
    }
}

#[test]
fn a_block_with_a_mistake_stays_and_has_the_other_defaults() {
    let (count, expanded) = mistakes(
        "ttl = 0, cache = self.cache, tll = 3, cache = b, version",
        "impl A { #[cached] fn f() {} }",
    );
    assert_eq!(count, 4, "{expanded}");
    let expected =
        tokens("impl A { #[cached(defaults(cache = self.cache, generics()))] fn f() {} }");
    assert!(expanded.ends_with(&expected.to_string()), "{expanded}");
}

#[test]
fn what_is_no_block_stays_as_it_was() {
    for item in [
        "fn f() { 1 }",
        "mod a { }",
        "struct A { a: u64 }",
        "type A = B;",
        "trait A = B;",
        "const A: u64 = 3;",
    ] {
        let (count, expanded) = mistakes("ttl = 3", item);
        assert_eq!(count, 1, "{expanded}");
        assert!(expanded.ends_with(&tokens(item).to_string()), "{expanded}");
    }
}

#[test]
fn a_default_that_nobody_takes_is_told() {
    let cached = "impl A { #[cached] fn f() {} }";
    let writers = "impl A { #[invalidate_cache(\"a\")] fn f() {} }";
    for (arguments, block, told) in [
        ("ttl = 3, on = \"always\"", cached, 1),
        ("ttl = 3, cache = c, crate = c", cached, 0),
        ("ttl = 3, on = \"always\", cache = c", writers, 1),
        ("ttl = 3, version = 3, crate = c", writers, 2),
        ("ttl = 3, version = 3", "impl A { fn f() {} }", 1),
        ("", cached, 1),
    ] {
        let (count, expanded) = mistakes(arguments, block);
        assert_eq!(count, told, "{arguments}: {expanded}");
    }
}
