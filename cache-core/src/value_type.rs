//! The type of a function's values, as far as its descriptor can tell.

use std::any::type_name;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::outcome::{Batched, Shape};
use crate::schema::Schema;

/// What is known of the type of a function's values before it is called.
#[derive(Debug, Clone, Copy)]
pub struct ValueType {
    pub(crate) name: &'static str,
    /// Its shape; none if it can't be decoded.
    pub(crate) schema: Option<fn() -> &'static Schema>,
}

impl ValueType {
    /// Whether no parameter of a surrounding `impl` is in it.
    pub(crate) fn is_seen(&self) -> bool {
        !self
            .name
            .contains(type_name::<Unseen>().trim_end_matches("<()>"))
    }
}

/// Stands where a descriptor can't name a type parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Unseen<P = ()>(PhantomData<fn() -> P>);

/// The value of a return type of the shape `S`, for [`ValueOf::value_type`].
#[must_use]
pub fn value_of<R, S: Shape<R>>(_shape: S) -> ValueOf<S::Value> {
    ValueOf(AnyValue(PhantomData))
}

/// A value that can be decoded.
pub struct ValueOf<V>(AnyValue<V>);

/// Any value.
pub struct AnyValue<V>(PhantomData<fn() -> V>);

/// The value of one element of what a batch function returns, for [`ValuesOf::value_type`].
#[must_use]
pub fn values_of<R>() -> ValuesOf<R> {
    ValuesOf(AnyBatch(NoBatch(PhantomData)))
}

/// A batch of values that can be decoded.
pub struct ValuesOf<R>(AnyBatch<R>);

/// A batch of any values.
pub struct AnyBatch<R>(NoBatch<R>);

/// What is no batch, or can't be named.
pub struct NoBatch<R>(PhantomData<fn() -> R>);

impl<R: Batched<Value: DeserializeOwned + 'static>> ValuesOf<R> {
    /// The type of its values, with what serde tells of it.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        ValueOf::<R::Value>(AnyValue(PhantomData)).value_type()
    }
}

impl<R: Batched> AnyBatch<R> {
    /// The type of its values.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        AnyValue::<R::Value>(PhantomData).value_type()
    }
}

impl<R> NoBatch<R> {
    /// One that was not seen.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        AnyValue::<Unseen>(PhantomData).value_type()
    }
}

impl<R> Deref for ValuesOf<R> {
    type Target = AnyBatch<R>;

    fn deref(&self) -> &AnyBatch<R> {
        &self.0
    }
}

impl<R> Deref for AnyBatch<R> {
    type Target = NoBatch<R>;

    fn deref(&self) -> &NoBatch<R> {
        &self.0
    }
}

impl<V: DeserializeOwned + 'static> ValueOf<V> {
    /// Its type, with what serde tells of it.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        ValueType {
            name: type_name::<V>(),
            schema: Some(Schema::of::<V>),
        }
    }
}

impl<V> AnyValue<V> {
    /// Its type.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        ValueType {
            name: type_name::<V>(),
            schema: None,
        }
    }
}

impl<V> Deref for ValueOf<V> {
    type Target = AnyValue<V>;

    fn deref(&self) -> &AnyValue<V> {
        &self.0
    }
}
