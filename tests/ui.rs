//! What the compiler says about annotations: those that compile, and the errors of those that don't.
//!
//! `TRYBUILD=overwrite cargo test --test ui` writes the expected errors anew; read each before keeping it: one mistake
//! is one error, and it tells the way out.

#[test]
fn annotations() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*/*.rs");
}
