//! Changes of an enum without a tag (`#[serde(untagged)]`), and of flattened fields.

cases! {
    number_retyped {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value { Number(u64), Struct { a: u8, b: u8 }, List(Vec<u8>) }
    } => {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value { Number(i64), Struct { a: u8, b: u8 }, List(Vec<u8>) }
    }
    first_field_renamed {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value { Number(u64), Struct { a: u8, b: u8 }, List(Vec<u8>) }
    } => {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value { Number(u64), Struct { c: u8, b: u8 }, List(Vec<u8>) }
    }
    first_field_retyped {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value { Number(u64), Struct { a: u8, b: u8 }, List(Vec<u8>) }
    } => {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value { Number(u64), Struct { a: String, b: u8 }, List(Vec<u8>) }
    }
    variant_added {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value { Number(u64), Struct { a: u8, b: u8 }, List(Vec<u8>) }
    } => {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value { Number(u64), Struct { a: u8, b: u8 }, List(Vec<u8>) , Text(String) }
    }
    list_retyped {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value { Number(u64), Struct { a: u8, b: u8 }, List(Vec<u8>) }
    } => {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value { Number(u64), Struct { a: u8, b: u8 }, List(Vec<String>) }
    }
    own_field_beside_flattened_retyped {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<i64> }
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(flatten)] part: Part }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<i64> }
        #[derive(Deserialize)]
        struct Value { a: u16, #[serde(flatten)] part: Part }
    }
    later_own_field_beside_flattened_renamed {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<i64> }
        #[derive(Deserialize)]
        struct Value { a: u8, b: u8, #[serde(flatten)] part: Part }
    } => {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<i64> }
        #[derive(Deserialize)]
        struct Value { a: u8, c: u8, #[serde(flatten)] part: Part }
    }
    flattened_field_renamed {
        #[derive(Deserialize)]
        struct Part { x: u8, y: Option<i64> }
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(flatten)] part: Part }
    } => {
        #[derive(Deserialize)]
        struct Part { z: u8, y: Option<i64> }
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(flatten)] part: Part }
    }
}
