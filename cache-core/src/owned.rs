//! What a body that may go on after its call keeps of what was lent to the call.
//!
//! Such a body borrows nothing. The expansion clones what its function borrows, and lends the clones
//! to the body, under the names and with the types that it knows.

use std::borrow::Borrow;

/// What can be cloned for a body that may go on after the call.
///
/// Implemented for everything that has an owned form: `str`, slices, and whatever is `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be cloned for a body that may go on after the call",
    label = "not `Clone + Send + 'static`",
    note = "`stale_while_revalidate`, `refresh_ahead` and `timeout` let the body go on when its caller is gone, so what it borrows is cloned for it: derive `Clone`, or take an `Arc` or an owned value; `Rc` and what borrows from others can't be kept"
)]
pub trait Lend: ToOwned<Owned: Send + 'static> + 'static {}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned: Send + 'static> + ?Sized + 'static> Lend for T {}

/// The clone of something that was lent.
pub struct Owned<C>(C);

/// What was kept of something that was lent.
pub trait Kept {
    /// The type that was lent.
    type Lent: ?Sized;

    /// Lends the clone.
    fn lend(&self) -> &Self::Lent;
}

struct CloneOf<T: ToOwned + ?Sized>(T::Owned);

impl<T: ToOwned + ?Sized> Kept for CloneOf<T> {
    type Lent = T;

    fn lend(&self) -> &T {
        self.0.borrow()
    }
}

/// What a call was lent.
pub struct Borrowed<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> Borrowed<'_, T> {
    /// Clones it.
    ///
    /// The type of the clone is not told, or what can't be cloned would be told by every use of it.
    /// For the same reason it is a method: an argument would have a place of its own.
    pub fn own(self) -> Owned<impl Kept<Lent = T> + Send + 'static + use<T>>
    where
        T: Lend,
    {
        Owned(CloneOf::<T>(self.0.to_owned()))
    }
}

impl<C: Kept> Owned<C> {
    /// Lends the clone, with the type that was lent.
    pub fn lend(&self) -> &C::Lent {
        self.0.lend()
    }
}

/// The future of a body that borrows nothing: `body` moves into it.
///
/// Called by itself, an async closure that could be called again lends its captures to its future.
pub fn future_of<R>(body: impl AsyncFnOnce() -> R) -> impl Future<Output = R> {
    body()
}

#[cfg(test)]
mod tests {
    use super::Borrowed;

    #[test]
    fn a_clone_is_lent_with_the_type_that_was_lent() {
        let text: &str = &String::from("text");
        let numbers: &[u64] = &[1, 2];
        let text = Borrowed(text).own();
        let (numbers, number) = (Borrowed(numbers).own(), Borrowed(&3_u8).own());
        let lent: (&str, &[u64], &u8) = (text.lend(), numbers.lend(), number.lend());
        assert_eq!(lent, ("text", &[1, 2][..], &3));
    }
}
