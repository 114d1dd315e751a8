//! Changes of the variants of an enum.

cases! {
    added {
        #[derive(Deserialize)]
        enum Value { A, B }
    } => {
        #[derive(Deserialize)]
        enum Value { A, B, C }
    }
    dropped {
        #[derive(Deserialize)]
        enum Value { A, B }
    } => {
        #[derive(Deserialize)]
        enum Value { A }
    }
    renamed {
        #[derive(Deserialize)]
        enum Value { A, B }
    } => {
        #[derive(Deserialize)]
        enum Value { A, C }
    }
    renamed_by_serde {
        #[derive(Deserialize)]
        enum Value { A, B }
    } => {
        #[derive(Deserialize)]
        enum Value { A, #[serde(rename = "C")] B }
    }
    made_a_newtype {
        #[derive(Deserialize)]
        enum Value { A, B }
    } => {
        #[derive(Deserialize)]
        enum Value { A, B(u8) }
    }
    newtype_retyped {
        #[derive(Deserialize)]
        enum Value { A, B(u8) }
    } => {
        #[derive(Deserialize)]
        enum Value { A, B(u16) }
    }
    newtype_made_a_tuple {
        #[derive(Deserialize)]
        enum Value { A, B(u8) }
    } => {
        #[derive(Deserialize)]
        enum Value { A, B(u8, u8) }
    }
    tuple_retyped {
        #[derive(Deserialize)]
        enum Value { A, B(u8, String) }
    } => {
        #[derive(Deserialize)]
        enum Value { A, B(u8, u8) }
    }
    tuple_made_a_struct {
        #[derive(Deserialize)]
        enum Value { A, B(u8, u8) }
    } => {
        #[derive(Deserialize)]
        enum Value { A, B { a: u8, b: u8 } }
    }
    field_added {
        #[derive(Deserialize)]
        enum Value { A, B { a: u8 } }
    } => {
        #[derive(Deserialize)]
        enum Value { A, B { a: u8, b: u8 } }
    }
    field_renamed {
        #[derive(Deserialize)]
        enum Value { A, B { a: u8 } }
    } => {
        #[derive(Deserialize)]
        enum Value { A, B { b: u8 } }
    }
    field_retyped {
        #[derive(Deserialize)]
        enum Value { A, B { a: u8 } }
    } => {
        #[derive(Deserialize)]
        enum Value { A, B { a: u16 } }
    }
    first_retyped {
        #[derive(Deserialize)]
        enum Value { A(u8), B(String) }
    } => {
        #[derive(Deserialize)]
        enum Value { A(u16), B(String) }
    }
    result_retyped {
        type Value = Result<u8, String>;
    } => {
        type Value = Result<u8, u8>;
    }
    made_tagged {
        #[derive(Deserialize)]
        enum Value { A { a: u8 } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { a: u8 } }
    }
    tagged_made_adjacent {
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Value { A { a: u8 } }
    } => {
        #[derive(Deserialize)]
        #[serde(tag = "kind", content = "of")]
        enum Value { A { a: u8 } }
    }
    enum_renamed {
        #[derive(Deserialize)]
        enum Old { A }
        type Value = Old;
    } => {
        #[derive(Deserialize)]
        enum New { A }
        type Value = New;
    }
    alias_becomes_a_variant_of_its_own {
        #[derive(Deserialize)]
        enum Value { A(u8), #[serde(alias = "C")] B(u8) }
    } => {
        #[derive(Deserialize)]
        enum Value { A(u8), B(u8), C(u8) }
    }
    alias_of_a_variant_goes_to_another_one {
        #[derive(Deserialize)]
        enum Value { A, #[serde(alias = "C", alias = "D")] B }
    } => {
        #[derive(Deserialize)]
        enum Value { A, #[serde(alias = "C")] B, D }
    }
    alias_of_a_field_in_a_variant_becomes_a_field_of_its_own {
        #[derive(Deserialize)]
        enum Value { A { #[serde(alias = "c")] a: u8 } }
    } => {
        #[derive(Deserialize)]
        enum Value { A { a: u8, #[serde(default)] c: u8 } }
    }
}
