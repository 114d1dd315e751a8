//! Changes of an enum whose tag is one of the fields (`#[serde(tag = "…")]`).

cases! {
    tag_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "type")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    }
    variant_added {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> }, Other }
    }
    variant_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Empty, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    }
    required_field_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { d: u8, b: Option<u8>, c: Vec<String> } }
    }
    later_required_field_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, d: Vec<String> } }
    }
    optional_field_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, d: Option<u8>, c: Vec<String> } }
    }
    optional_field_retyped {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u16>, c: Vec<String> } }
    }
    optional_field_added {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String>, d: Option<u8> } }
    }
    optional_field_dropped {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, c: Vec<String> } }
    }
    field_with_a_default_added {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String>, #[serde(default)] d: u8 } }
    }
    field_with_a_default_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { #[serde(default)] x: u8 } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { #[serde(default)] y: u8 } }
    }
    field_widened {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u16, b: Option<u8>, c: Vec<String> } }
    }
    field_made_optional {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: Option<u8>, b: Option<u8>, c: Vec<String> } }
    }
    field_made_required {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: u8, c: Vec<String> } }
    }
    element_retyped {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<u8> } }
    }
    unit_given_a_field {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Unit { d: u8 }, Struct { a: u8, b: Option<u8>, c: Vec<String> } }
    }
    newtype_of_a_struct_changed {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<i64> }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A(Part) }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u8, z: Option<i64> }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A(Part) }
    }
    struct_in_a_field_changed {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<i64> }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { part: Option<Part> } }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<u64> }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { part: Option<Part> } }
    }
    struct_in_a_list_changed {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<i64> }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { parts: Vec<Part> } }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u8, z: Option<i64> }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { parts: Vec<Part> } }
    }
    struct_in_a_map_changed {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<i64> }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { parts: std::collections::HashMap<String, Part> } }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u8, z: Option<i64> }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { parts: std::collections::HashMap<String, Part> } }
    }
    map_of_another_type {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A(std::collections::HashMap<String, u8>) }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A(std::collections::HashMap<String, u16>) }
    }
    tuple_in_a_field_changed {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { pair: (u8, String) } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { pair: (u8, u8) } }
    }
    enum_in_a_field_changed {
        #[derive(Deserialize)]
        enum Kind { X, Y(u8), Z { z: u8 } }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { of: Kind } }
    } => {
        #[derive(Deserialize)]
        enum Kind { X, Y(u8), Z { z: u16 } }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { of: Kind } }
    }
    tagged_in_tagged_changed {
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Inner { X { x: Option<u8> } }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { inner: Option<Inner> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Inner { X { y: Option<u8> } }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { inner: Option<Inner> } }
    }
    adjacent_in_tagged_changed {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Inner { X { x: Option<u8> } }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { inner: Vec<Inner> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Inner { X { y: Option<u8> } }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { inner: Vec<Inner> } }
    }
    recursive_and_required_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Node { left: Box<Value>, right: Box<Value> }, Leaf { x: u8 } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Node { left: Box<Value>, other: Box<Value> }, Leaf { x: u8 } }
    }
    recursive_leaf_retyped {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Node { next: Vec<Value> }, Leaf { x: u8 } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { Node { next: Vec<Value> }, Leaf { x: u16 } }
    }
    duration_for_a_time {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { at: std::time::SystemTime } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { at: std::time::Duration } }
    }
    date_for_a_time {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { at: chrono::NaiveDateTime } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { at: chrono::NaiveDate } }
    }
    uuid_for_a_text {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { id: String } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { id: uuid::Uuid } }
    }
    decimal_for_a_float {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { price: f64 } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { price: rust_decimal::Decimal } }
    }
    beside_what_is_self_describing {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { json: serde_json::Value, x: u16 } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { json: serde_json::Value, x: u8 } }
    }
    unknown_fields_denied {
        #[derive(Deserialize)]
        #[serde(tag = "kind", deny_unknown_fields)]
        enum Value { A { x: u8, y: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind", deny_unknown_fields)]
        enum Value { A { x: u8, z: Option<u8> } }
    }
    in_a_struct {
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Kind { X { x: Option<u8> } }
        #[derive(Deserialize)]
        struct Value { kinds: Vec<Kind>, a: u8 }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Kind { X { y: Option<u8> } }
        #[derive(Deserialize)]
        struct Value { kinds: Vec<Kind>, a: u8 }
    }
    struct_with_a_tag {
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        struct Value { a: u8, b: Option<u8> }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        struct Value { a: u8, c: Option<u8> }
    }
    generic_struct_in_itself {
        #[derive(Deserialize)]
        struct Page<T> { items: Option<T> }
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Value { X { page: Page<Page<u8>> } }
    } => {
        #[derive(Deserialize)]
        struct Page<T> { items: Option<T> }
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Value { X { page: Page<Page<String>> } }
    }
    generic_struct_that_must_be_there_in_itself {
        #[derive(Deserialize)]
        struct Page<T> { items: T }
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Value { X { page: Page<Page<u8>> } }
    } => {
        #[derive(Deserialize)]
        struct Page<T> { items: T }
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Value { X { page: Page<Page<u16>> } }
    }
    struct_in_one_of_the_same_name {
        mod inner {
            #[derive(serde::Deserialize)]
            pub(super) struct Part { #[serde(default)] x: u8 }
        }
        #[derive(Deserialize)]
        struct Part { inner: Vec<inner::Part>, outer: Vec<Part> }
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Value { X { part: Part } }
    } => {
        mod inner {
            #[derive(serde::Deserialize)]
            pub(super) struct Part { #[serde(default)] y: u8 }
        }
        #[derive(Deserialize)]
        struct Part { inner: Vec<inner::Part>, outer: Vec<Part> }
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Value { X { part: Part } }
    }
    enum_in_one_of_the_same_variants {
        #[derive(Deserialize)]
        enum Part<T> { P(T), Q }
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Value { X { part: Part<Part<u8>> } }
    } => {
        #[derive(Deserialize)]
        enum Part<T> { P(T), Q }
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Value { X { part: Part<Part<String>> } }
    }
    tagged_enum_in_one_of_the_same_name {
        #[derive(Deserialize)]
        #[serde(tag = "k")]
        enum Part<T> { P { x: T }, Q }
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Value { X { part: Part<Part<u8>> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "k")]
        enum Part<T> { P { x: T }, Q }
        #[derive(Deserialize)]
        #[serde(tag = "t")]
        enum Value { X { part: Part<Part<String>> } }
    }
}
