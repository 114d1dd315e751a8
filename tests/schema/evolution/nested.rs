//! Changes of a type inside of the one that is kept.

cases! {
    in_a_field {
        #[derive(Deserialize)]
        struct Part { x: u8 }
        #[derive(Deserialize)]
        struct Value { part: Part }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u16 }
        #[derive(Deserialize)]
        struct Value { part: Part }
    }
    in_an_option {
        #[derive(Deserialize)]
        struct Part { x: u8 }
        #[derive(Deserialize)]
        struct Value { part: Option<Part> }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u16 }
        #[derive(Deserialize)]
        struct Value { part: Option<Part> }
    }
    in_a_list {
        #[derive(Deserialize)]
        struct Part { x: u8 }
        #[derive(Deserialize)]
        struct Value { parts: Vec<Part> }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u16 }
        #[derive(Deserialize)]
        struct Value { parts: Vec<Part> }
    }
    in_a_set {
        type Set<T> = std::collections::BTreeSet<T>;
        #[derive(Deserialize)]
        struct Value { parts: Set<u8> }
    } => {
        type Set<T> = std::collections::BTreeSet<T>;
        #[derive(Deserialize)]
        struct Value { parts: Set<u16> }
    }
    in_a_map {
        #[derive(Deserialize)]
        struct Part { x: u8 }
        #[derive(Deserialize)]
        struct Value { parts: std::collections::HashMap<u8, Part> }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u16 }
        #[derive(Deserialize)]
        struct Value { parts: std::collections::HashMap<u8, Part> }
    }
    in_a_box {
        #[derive(Deserialize)]
        struct Part { x: u8 }
        #[derive(Deserialize)]
        struct Value { part: Box<Part> }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u16 }
        #[derive(Deserialize)]
        struct Value { part: Box<Part> }
    }
    in_an_arc {
        #[derive(Deserialize)]
        struct Part { x: u8 }
        type Value = std::sync::Arc<Part>;
    } => {
        #[derive(Deserialize)]
        struct Part { x: u16 }
        type Value = std::sync::Arc<Part>;
    }
    in_a_tuple {
        #[derive(Deserialize)]
        struct Part { x: u8 }
        type Value = (String, Part);
    } => {
        #[derive(Deserialize)]
        struct Part { x: u16 }
        type Value = (String, Part);
    }
    behind_an_enum_in_a_tuple {
        #[derive(Deserialize)]
        enum Kind { A { x: u8 }, B }
        type Value = (Kind, u8);
    } => {
        #[derive(Deserialize)]
        enum Kind { A { x: u8 }, B }
        type Value = (Kind, u16);
    }
    behind_a_struct_in_a_tuple {
        #[derive(Deserialize)]
        struct Part { x: u8 }
        type Value = (Part, u8);
    } => {
        #[derive(Deserialize)]
        struct Part { x: u8 }
        type Value = (Part, u16);
    }
    behind_a_key {
        #[derive(Deserialize)]
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        struct Key(u8);
        type Value = std::collections::BTreeMap<Key, u8>;
    } => {
        #[derive(Deserialize)]
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        struct Key(u8);
        type Value = std::collections::BTreeMap<Key, u16>;
    }
    four_deep {
        #[derive(Deserialize)]
        struct D { x: u8 }
        #[derive(Deserialize)]
        struct C(Vec<D>);
        #[derive(Deserialize)]
        struct B { c: Option<C> }
        #[derive(Deserialize)]
        struct Value { b: (u8, B) }
    } => {
        #[derive(Deserialize)]
        struct D { y: u8 }
        #[derive(Deserialize)]
        struct C(Vec<D>);
        #[derive(Deserialize)]
        struct B { c: Option<C> }
        #[derive(Deserialize)]
        struct Value { b: (u8, B) }
    }
    generic_parameter {
        #[derive(Deserialize)]
        struct Page<T> { items: Vec<T> }
        type Value = Page<u8>;
    } => {
        #[derive(Deserialize)]
        struct Page<T> { items: Vec<T> }
        type Value = Page<u16>;
    }
    generic_parameter_of_two {
        #[derive(Deserialize)]
        struct Pair<A, B> { a: A, b: B }
        type Value = Pair<Vec<u8>, Vec<u16>>;
    } => {
        #[derive(Deserialize)]
        struct Pair<A, B> { a: A, b: B }
        type Value = Pair<Vec<u16>, Vec<u8>>;
    }
    recursive_list {
        #[derive(Deserialize)]
        struct Value { head: u8, tail: Option<Box<Value>> }
    } => {
        #[derive(Deserialize)]
        struct Value { head: u16, tail: Option<Box<Value>> }
    }
    recursive_list_made_a_tree {
        #[derive(Deserialize)]
        struct Value { head: u8, tail: Option<Box<Value>> }
    } => {
        #[derive(Deserialize)]
        struct Value { head: u8, tail: Vec<Value> }
    }
    recursive_enum {
        #[derive(Deserialize)]
        enum Value { Leaf(u8), Node(Box<Value>, Box<Value>) }
    } => {
        #[derive(Deserialize)]
        enum Value { Leaf(u8), Node(Box<Value>, Box<Value>, u8) }
    }
    mutually_recursive {
        #[derive(Deserialize)]
        struct Other { value: Vec<Value>, x: u8 }
        #[derive(Deserialize)]
        struct Value { other: Option<Box<Other>> }
    } => {
        #[derive(Deserialize)]
        struct Other { value: Vec<Value>, y: u8 }
        #[derive(Deserialize)]
        struct Value { other: Option<Box<Other>> }
    }
    what_recursion_refers_to {
        #[derive(Deserialize)]
        struct A { next: Option<Box<A>>, value: Option<Box<Value>> }
        #[derive(Deserialize)]
        struct Value { a: A }
    } => {
        #[derive(Deserialize)]
        struct A { next: Option<Box<Value>>, value: Option<Box<A>> }
        #[derive(Deserialize)]
        struct Value { a: A }
    }
}
