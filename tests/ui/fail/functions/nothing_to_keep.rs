use cachewright::cached;

#[cached]
fn nothing(id: u64) {
    let _ = id;
}

#[cached]
async fn unit(id: u64) -> () {
    let _ = id;
}

#[cached]
fn never(id: u64) -> ! {
    panic!("{id}")
}

#[cached]
fn opaque(id: u64) -> impl std::fmt::Display {
    id
}

#[cached]
fn future(id: u64) -> impl Future<Output = u64> {
    async move { id }
}

#[cached]
fn borrowed(text: &str) -> &str {
    text
}

#[cached]
fn borrowed_inside(text: &str) -> Option<&str> {
    Some(text)
}

#[cached]
fn borrowed_by_a_type(text: &str) -> std::borrow::Cow<'_, str> {
    text.into()
}

fn main() {}
