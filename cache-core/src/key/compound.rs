//! Values made of values: sequences, structs and variants in their own order, maps in the order of
//! their keys' bytes.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use smallvec::SmallVec;

use super::bytes::Bytes;
use super::canonical::{Canonical, END};
use super::failure::Failure;

/// What keeps the order in which its parts arrive.
pub(super) struct Compound<'a>(&'a mut Bytes);

impl<'a> Compound<'a> {
    #[inline]
    pub(super) fn new(out: &'a mut Bytes) -> Self {
        Self(out)
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        value.serialize(Canonical::new(self.0))
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Failure> {
        Canonical::new(self.0).serialize_str(name)?;
        self.element(value)
    }

    #[inline]
    fn close(self) -> Result<(), Failure> {
        self.0.push(END);
        Ok(())
    }
}

/// serde asks for one trait per kind of compound; ours differ in nothing but the method's name.
macro_rules! in_order {
    ($($kind:ident: $method:ident($($name:ident: $name_type:ty)?) by $part:ident;)*) => {$(
        impl $kind for Compound<'_> {
            type Ok = ();
            type Error = Failure;

            #[inline]
            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: $name_type,)?
                value: &T,
            ) -> Result<(), Failure> {
                self.$part($($name,)? value)
            }

            #[inline]
            fn end(self) -> Result<(), Failure> {
                self.close()
            }
        }
    )*};
}

in_order! {
    SerializeSeq: serialize_element() by element;
    SerializeTuple: serialize_element() by element;
    SerializeTupleStruct: serialize_field() by element;
    SerializeTupleVariant: serialize_field() by element;
    SerializeStruct: serialize_field(name: &'static str) by field;
    SerializeStructVariant: serialize_field(name: &'static str) by field;
}

/// A map: writes entries as they come and puts them in order at the end.
pub(super) struct Entries<'a> {
    out: &'a mut Bytes,
    /// Where the first entry begins.
    start: usize,
    /// As many as fit into 128 bytes of any key type stay on the stack.
    spans: SmallVec<[Span; 64]>,
}

/// Where an entry's key and value are, counted from the map's first entry.
#[derive(Clone, Copy)]
struct Span {
    key: usize,
    value: usize,
    end: usize,
}

impl Span {
    fn key_in<'a>(&self, entries: &'a [u8]) -> &'a [u8] {
        &entries[self.key..self.value]
    }
}

impl<'a> Entries<'a> {
    pub(super) fn new(out: &'a mut Bytes) -> Self {
        Self {
            start: out.len(),
            out,
            spans: SmallVec::new(),
        }
    }

    fn sort(&mut self) {
        let Self { out, start, spans } = self;
        let entries = &mut out[*start..];
        if spans.is_sorted_by(|a, b| a.key_in(entries) <= b.key_in(entries)) {
            return;
        }
        let unsorted: SmallVec<[u8; 128]> = SmallVec::from_slice(entries);
        // Entries with one key (a multimap) keep their order, which may mean something; spelled
        // out because the stable sort may allocate.
        spans.sort_unstable_by(|a, b| {
            let by_key = a.key_in(&unsorted).cmp(b.key_in(&unsorted));
            by_key.then(a.key.cmp(&b.key))
        });
        let mut rest = entries;
        for span in spans {
            let entry = &unsorted[span.key..span.end];
            let (place, behind) = rest.split_at_mut(entry.len());
            place.copy_from_slice(entry);
            rest = behind;
        }
    }
}

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        let begin = self.out.len() - self.start;
        key.serialize(Canonical::new(self.out))?;
        let end = self.out.len() - self.start;
        self.spans.push(Span {
            key: begin,
            value: end,
            end,
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        value.serialize(Canonical::new(self.out))?;
        if let Some(span) = self.spans.last_mut() {
            span.end = self.out.len() - self.start;
        }
        Ok(())
    }

    fn end(mut self) -> Result<(), Failure> {
        self.sort();
        self.out.push(END);
        Ok(())
    }
}
