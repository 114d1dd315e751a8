//! Types that are read by way of another (`from`, `try_from`, `with`, `transparent`).

cases! {
    from {
        #[derive(Deserialize)]
        #[serde(from = "Raw")]
        struct Value;
        #[derive(Deserialize)]
        struct Raw { a: u8 }
        impl From<Raw> for Value {
            fn from(_: Raw) -> Self {
                Self
            }
        }
    } => {
        #[derive(Deserialize)]
        #[serde(from = "Raw")]
        struct Value;
        #[derive(Deserialize)]
        struct Raw { a: u16 }
        impl From<Raw> for Value {
            fn from(_: Raw) -> Self {
                Self
            }
        }
    }
    try_from_that_rejects {
        #[derive(Deserialize)]
        #[serde(try_from = "Raw")]
        struct Value;
        #[derive(Deserialize)]
        struct Raw { a: u8, b: u8 }
        impl TryFrom<Raw> for Value {
            type Error = &'static str;
            fn try_from(_: Raw) -> Result<Self, Self::Error> {
                Err("no")
            }
        }
    } => {
        #[derive(Deserialize)]
        #[serde(try_from = "Raw")]
        struct Value;
        #[derive(Deserialize)]
        struct Raw { a: u8, b: u16 }
        impl TryFrom<Raw> for Value {
            type Error = &'static str;
            fn try_from(_: Raw) -> Result<Self, Self::Error> {
                Err("no")
            }
        }
    }
    transparent {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Value { a: u8 }
    } => {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Value { a: u16 }
    }
    made_transparent {
        #[derive(Deserialize)]
        struct Value { a: u8 }
    } => {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Value { a: u8 }
    }
    with {
        #[derive(Deserialize)]
        struct Value { #[serde(with = "chrono::serde::ts_seconds")] at: chrono::DateTime<chrono::Utc>, b: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { at: chrono::DateTime<chrono::Utc>, b: u8 }
    }
    deserialize_with {
        fn number<'de, D: serde::Deserializer<'de>>(d: D) -> Result<String, D::Error> {
            u8::deserialize(d).map(|number| number.to_string())
        }
        #[derive(Deserialize)]
        struct Value { #[serde(deserialize_with = "number")] a: String }
    } => {
        fn number<'de, D: serde::Deserializer<'de>>(d: D) -> Result<String, D::Error> {
            u16::deserialize(d).map(|number| number.to_string())
        }
        #[derive(Deserialize)]
        struct Value { #[serde(deserialize_with = "number")] a: String }
    }
}
