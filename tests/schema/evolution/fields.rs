//! Changes of the fields of a struct.

cases! {
    added {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String, c: u8 }
    }
    added_in_front {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { c: u8, a: u8, b: String }
    }
    added_with_a_default {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String, #[serde(default)] c: u8 }
    }
    added_optional {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String, c: Option<u8> }
    }
    dropped {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8 }
    }
    last_dropped {
        #[derive(Deserialize)]
        struct Value { a: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value {}
    }
    skipped {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(skip)] b: String }
    }
    renamed {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, c: String }
    }
    renamed_by_serde {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(rename = "c")] b: String }
    }
    all_renamed {
        #[derive(Deserialize)]
        struct Value { first_name: u8 }
    } => {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Value { first_name: u8 }
    }
    two_exchanged {
        #[derive(Deserialize)]
        struct Value { a: u8, b: u16 }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u16, b: u8 }
    }
    reordered {
        #[derive(Deserialize)]
        struct Value { a: u8, b: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { b: u8, a: u8 }
    }
    retyped {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, b: u8 }
    }
    widened {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u16, b: String }
    }
    signed {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: i8, b: String }
    }
    made_a_float {
        #[derive(Deserialize)]
        struct Value { a: u64 }
    } => {
        #[derive(Deserialize)]
        struct Value { a: f64 }
    }
    made_optional {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: Option<u8>, b: String }
    }
    made_a_list {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, b: Vec<String> }
    }
    made_a_map {
        #[derive(Deserialize)]
        struct Value { a: Vec<String> }
    } => {
        #[derive(Deserialize)]
        struct Value { a: std::collections::BTreeMap<String, String> }
    }
    key_of_a_map_retyped {
        #[derive(Deserialize)]
        struct Value { a: std::collections::HashMap<String, u8> }
    } => {
        #[derive(Deserialize)]
        struct Value { a: std::collections::HashMap<u64, u8> }
    }
    value_of_a_map_retyped {
        #[derive(Deserialize)]
        struct Value { a: std::collections::HashMap<String, u8> }
    } => {
        #[derive(Deserialize)]
        struct Value { a: std::collections::HashMap<String, u16> }
    }
    array_lengthened {
        #[derive(Deserialize)]
        struct Value { a: [u8; 3] }
    } => {
        #[derive(Deserialize)]
        struct Value { a: [u8; 4] }
    }
    alias_becomes_a_field_of_its_own {
        #[derive(Deserialize)]
        struct Value { #[serde(alias = "c")] a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(default)] c: u8, b: String }
    }
    alias_of_the_only_field_becomes_a_field_of_its_own {
        #[derive(Deserialize)]
        struct Value { #[serde(alias = "c")] a: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(default)] c: u8 }
    }
    alias_added {
        #[derive(Deserialize)]
        struct Value { a: u8, b: String }
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8, #[serde(alias = "c")] b: String }
    }
    type_renamed {
        #[derive(Deserialize)]
        struct Old { a: u8 }
        type Value = Old;
    } => {
        #[derive(Deserialize)]
        struct New { a: u8 }
        type Value = New;
    }
    tuple_struct_lengthened {
        #[derive(Deserialize)]
        struct Value(u8, u16);
    } => {
        #[derive(Deserialize)]
        struct Value(u8, u16, u32);
    }
    tuple_struct_retyped {
        #[derive(Deserialize)]
        struct Value(u8, u16);
    } => {
        #[derive(Deserialize)]
        struct Value(u8, u32);
    }
    newtype_retyped {
        #[derive(Deserialize)]
        struct Value(u8);
    } => {
        #[derive(Deserialize)]
        struct Value(u16);
    }
    newtype_made_a_struct {
        #[derive(Deserialize)]
        struct Value(u8);
    } => {
        #[derive(Deserialize)]
        struct Value { a: u8 }
    }
    unit_made_a_struct {
        #[derive(Deserialize)]
        struct Value;
    } => {
        #[derive(Deserialize)]
        struct Value {}
    }
    unknown_denied_and_field_added {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Value { a: u8 }
    } => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Value { a: u8, b: Option<u8> }
    }
    default_of_the_whole_and_field_retyped {
        #[derive(Deserialize)]
        #[derive(Default)]
        #[serde(default)]
        struct Value { a: u8, b: u8 }
    } => {
        #[derive(Deserialize)]
        #[derive(Default)]
        #[serde(default)]
        struct Value { a: u8, b: u16 }
    }
}
