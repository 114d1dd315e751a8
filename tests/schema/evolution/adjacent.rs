//! Changes of an enum whose tag stands beside its content (`#[serde(tag = "…", content = "…")]`).

cases! {
    tag_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "u", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    }
    content_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "d")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    }
    variant_added {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } , Other }
    }
    variant_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Empty, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    }
    newtype_retyped {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u16), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    }
    tuple_retyped {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, u8), Struct { a: u8, b: Option<u8> } }
    }
    tuple_lengthened {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String, u8), Struct { a: u8, b: Option<u8> } }
    }
    field_retyped {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u16, b: Option<u8> } }
    }
    optional_field_renamed {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, c: Option<u8> } }
    }
    optional_field_retyped {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u16> } }
    }
    optional_field_added {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Unit, New(u8), Tuple(u8, String), Struct { a: u8, b: Option<u8>, c: Option<u8> } }
    }
    struct_inside_changed {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<i64> }
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { A(Part), B }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u8, z: Option<i64> }
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { A(Part), B }
    }
    recursive {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Leaf(u8), Node(Vec<Value>) }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Value { Leaf(u16), Node(Vec<Value>) }
    }
    behind_one_in_a_tuple {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Kind { A(u8), B }
        type Value = (Kind, u8);
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c")]
        enum Kind { A(u8), B }
        type Value = (Kind, u16);
    }
    unknown_fields_denied {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c", deny_unknown_fields)]
        enum Value { A { x: u8, y: Option<u8> } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "t", content = "c", deny_unknown_fields)]
        enum Value { A { x: u8, z: Option<u8> } }
    }
}
