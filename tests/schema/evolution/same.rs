//! What is no change of what is stored.

cases! {
    nothing {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    }
    documented {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        /// A value.
        struct Value {
        /// A number.
        a: u8, b: String }
    }
    made_public {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        pub(crate) struct Value { pub(crate) a: u8, pub(crate) b: String }
    }
    field_renamed_in_rust_alone {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(rename = "b")] name: String }
    }
    type_renamed_in_rust_alone {
        #[derive(Deserialize)]
        struct Old { a: u8 }
        type Value = Old;
    } => {
        #[derive(Deserialize)]
        #[serde(rename = "Old")]
        struct New { a: u8 }
        type Value = New;
    }
    skipped_field_added {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(skip)] c: u16, b: String }
    }
    default_given {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(default)] b: String }
    }
    unknown_fields_denied {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Value { a: u8, b: String }
    }
    boxed {
        #[derive(Deserialize)]
        struct Part { a: u8, b: String }
        #[derive(Deserialize)]
        struct Value { part: Part }
    } => {
        #[derive(Deserialize)]
        struct Part { a: u8, b: String }
        #[derive(Deserialize)]
        struct Value { part: Box<Part> }
    }
    shared {
        #[derive(Deserialize)]
        struct Part { a: u8, b: String }
        type Value = Part;
    } => {
        #[derive(Deserialize)]
        struct Part { a: u8, b: String }
        type Value = std::sync::Arc<Part>;
    }
    other_map {
        type Value = std::collections::BTreeMap<String, u8>;
    } => {
        type Value = std::collections::HashMap<String, u8>;
    }
    other_list {
        type Value = Vec<u8>;
    } => {
        type Value = std::collections::VecDeque<u8>;
    }
    of_the_machines_size {
        #[derive(Deserialize)]
        struct Value { a: u64, b: i64 }
    } => {
        #[derive(Deserialize)]
        struct Value { a: usize, b: isize }
    }
    nested_type_in_another_module {
        #[derive(Deserialize)]
        struct Part { x: u8 }
        #[derive(Deserialize)]
        struct Value { part: Part }
    } => {
        mod inner {
            #[derive(serde::Deserialize)]
            pub(super) struct Part {
                x: u8,
            }
        }
        #[derive(Deserialize)]
        struct Value { part: inner::Part }
    }
    by_way_of_an_equal_type {
        #[derive(Deserialize)]
        struct Value { a: u8 }
    } => {
        #[derive(Deserialize)]
        #[serde(from = "Raw")]
        struct Value;
        #[derive(Deserialize)]
        #[serde(rename = "Value")]
        struct Raw { a: u8 }
        impl From<Raw> for Value {
            fn from(_: Raw) -> Self {
                Self
            }
        }
    }
    tagged_field_renamed_in_rust_alone {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { x: u8, y: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { x: u8, #[serde(rename = "y")] z: Option<u8> } }
    }
    generic_of_equal_types {
        #[derive(Deserialize)]
        struct Page<T> { items: Vec<T> }
        #[derive(Deserialize)]
        struct Part { x: u8 }
        type Value = Page<Part>;
    } => {
        #[derive(Deserialize)]
        struct Page<T> { items: Vec<T> }
        mod other {
            #[derive(serde::Deserialize)]
            pub(super) struct Part {
                x: u8,
            }
        }
        type Value = Page<other::Part>;
    }
}
