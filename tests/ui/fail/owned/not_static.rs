use std::borrow::Cow;

use cachewright::cached;

#[cached(refresh_ahead = 0.1)]
async fn generic<T: serde::Serialize + Clone + ToString + Send + Sync>(value: T) -> String {
    value.to_string()
}

type Text<'a> = Cow<'a, str>;

#[cached(refresh_ahead = 0.1)]
fn hidden(text: Text) -> usize {
    text.len()
}

#[cached(refresh_ahead = 0.1)]
fn hidden_and_lent(text: &Text) -> usize {
    text.len()
}

#[cached(refresh_ahead = 0.1)]
fn named<'a>(text: &'a str) -> usize {
    let text: &'a str = text;
    text.len()
}

fn main() {}
