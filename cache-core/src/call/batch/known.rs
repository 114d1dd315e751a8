//! What is known of the elements of a call.

use super::argument::Elements;
use crate::ambient::{Ambient, Ambients};
use crate::observation;
use crate::outcome::Answers;

/// The elements of a call, each once, with what they are answered so far.
#[derive(Debug)]
pub(super) struct Known<E, V> {
    elements: Vec<E>,
    values: Vec<Option<V>>,
    /// Where in the argument each of them stands first.
    places: Vec<usize>,
    /// For each place of the argument, which element stands there.
    requested: Vec<usize>,
}

impl<E, V> Known<E, V> {
    /// Nothing is known of these.
    pub(super) fn new(elements: Elements<E>) -> Self {
        let Elements {
            distinct,
            places,
            requested,
        } = elements;
        Self {
            values: distinct.iter().map(|_| None).collect(),
            elements: distinct,
            places,
            requested,
        }
    }

    /// How many different elements there are.
    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    pub(super) fn element(&self, index: usize) -> &E {
        &self.elements[index]
    }

    /// Where in the argument an element stands first.
    pub(super) fn place(&self, index: usize) -> usize {
        self.places[index]
    }

    /// How many elements the argument has, repeated ones included.
    pub(super) fn requested(&self) -> usize {
        self.requested.len()
    }

    pub(super) fn value(&self, index: usize) -> Option<&V> {
        self.values[index].as_ref()
    }

    /// An element is answered, by an absence perhaps.
    pub(super) fn set(&mut self, index: usize, value: Option<V>) {
        self.values[index] = value;
    }

    /// Tells whoever watches that the cache had all of it. A batch of nothing has asked for nothing.
    pub(super) fn tell(&self) {
        if Ambients::ever().have(Ambient::Observation) && !self.elements.is_empty() {
            observation::answered();
        }
    }

    pub(super) fn answers(self) -> Answers<E, V> {
        Answers {
            elements: self.elements.into_iter().zip(self.values).collect(),
            requested: self.requested,
        }
    }
}
