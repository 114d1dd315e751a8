//! One scalar for another, those of other crates included; and what stands behind them.

cases! {
    bool_for_a_number {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: bool, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: u8, behind: u8 }
    }
    char_for_a_text {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: char, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: String, behind: u8 }
    }
    float_narrowed {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: f64, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: f32, behind: u8 }
    }
    number_of_128_bits {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: u64, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: u128, behind: u8 }
    }
    not_zero {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: u8, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: std::num::NonZeroU8, behind: u8 }
    }
    address_for_a_text {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: String, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: std::net::IpAddr, behind: u8 }
    }
    address_and_port {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: std::net::IpAddr, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: std::net::SocketAddr, behind: u8 }
    }
    version_of_an_address {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: std::net::Ipv4Addr, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: std::net::Ipv6Addr, behind: u8 }
    }
    date_for_a_text {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: String, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: chrono::NaiveDate, behind: u8 }
    }
    date_and_time_for_a_date {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: chrono::NaiveDate, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: chrono::NaiveDateTime, behind: u8 }
    }
    time_for_a_date {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: chrono::NaiveDate, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: chrono::NaiveTime, behind: u8 }
    }
    zone_added {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: chrono::NaiveDateTime, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: chrono::DateTime<chrono::Utc>, behind: u8 }
    }
    time_for_a_number {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: i64, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: chrono::DateTime<chrono::Utc>, behind: u8 }
    }
    weekday_for_a_text {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: String, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: chrono::Weekday, behind: u8 }
    }
    uuid_for_a_text {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: String, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: uuid::Uuid, behind: u8 }
    }
    url_for_a_text {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: String, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: url::Url, behind: u8 }
    }
    url_for_a_uuid {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: url::Url, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: uuid::Uuid, behind: u8 }
    }
    decimal_for_a_text {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: String, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: rust_decimal::Decimal, behind: u8 }
    }
    decimal_for_a_float {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: f64, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: rust_decimal::Decimal, behind: u8 }
    }
    date_of_another_crate {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: chrono::NaiveDate, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: time::Date, behind: u8 }
    }
    time_with_an_offset {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: time::PrimitiveDateTime, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: time::OffsetDateTime, behind: u8 }
    }
    time_for_a_date_of_the_other_crate {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: time::Date, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: time::Time, behind: u8 }
    }
    durations {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: std::time::Duration, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: time::Duration, behind: u8 }
    }
    system_time_for_a_duration {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: std::time::Duration, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: std::time::SystemTime, behind: u8 }
    }
    path_for_a_number {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: u8, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: std::path::PathBuf, behind: u8 }
    }
    self_describing_for_a_text {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: String, behind: u8 }
    } => {
        #[derive(Deserialize)]
        struct Value { before: u8, leaf: serde_json::Value, behind: u8 }
    }
    behind_a_char {
        type Value = (u8, char, u8);
    } => {
        type Value = (u8, char, u16);
    }
    behind_a_not_zero {
        type Value = (u8, std::num::NonZeroI128, u8);
    } => {
        type Value = (u8, std::num::NonZeroI128, u16);
    }
    behind_an_address {
        type Value = (u8, std::net::SocketAddr, u8);
    } => {
        type Value = (u8, std::net::SocketAddr, u16);
    }
    behind_a_date {
        type Value = (u8, chrono::NaiveDate, u8);
    } => {
        type Value = (u8, chrono::NaiveDate, u16);
    }
    behind_a_date_and_time {
        type Value = (u8, chrono::NaiveDateTime, u8);
    } => {
        type Value = (u8, chrono::NaiveDateTime, u16);
    }
    behind_a_time_of_day {
        type Value = (u8, chrono::NaiveTime, u8);
    } => {
        type Value = (u8, chrono::NaiveTime, u16);
    }
    behind_a_moment {
        type Value = (u8, chrono::DateTime<chrono::Utc>, u8);
    } => {
        type Value = (u8, chrono::DateTime<chrono::Utc>, u16);
    }
    behind_a_weekday {
        type Value = (u8, chrono::Weekday, u8);
    } => {
        type Value = (u8, chrono::Weekday, u16);
    }
    behind_a_month {
        type Value = (u8, chrono::Month, u8);
    } => {
        type Value = (u8, chrono::Month, u16);
    }
    behind_a_span {
        type Value = (u8, chrono::TimeDelta, u8);
    } => {
        type Value = (u8, chrono::TimeDelta, u16);
    }
    behind_a_uuid {
        type Value = (u8, uuid::Uuid, u8);
    } => {
        type Value = (u8, uuid::Uuid, u16);
    }
    behind_a_url {
        type Value = (u8, url::Url, u8);
    } => {
        type Value = (u8, url::Url, u16);
    }
    behind_a_decimal {
        type Value = (u8, rust_decimal::Decimal, u8);
    } => {
        type Value = (u8, rust_decimal::Decimal, u16);
    }
    behind_a_moment_of_the_other_crate {
        type Value = (u8, time::OffsetDateTime, u8);
    } => {
        type Value = (u8, time::OffsetDateTime, u16);
    }
    behind_a_date_of_the_other_crate {
        type Value = (u8, time::Date, u8);
    } => {
        type Value = (u8, time::Date, u16);
    }
    behind_a_time_of_the_other_crate {
        type Value = (u8, time::Time, u8);
    } => {
        type Value = (u8, time::Time, u16);
    }
    behind_a_primitive_date_time {
        type Value = (u8, time::PrimitiveDateTime, u8);
    } => {
        type Value = (u8, time::PrimitiveDateTime, u16);
    }
    behind_an_offset {
        type Value = (u8, time::UtcOffset, u8);
    } => {
        type Value = (u8, time::UtcOffset, u16);
    }
    behind_a_duration_of_the_other_crate {
        type Value = (u8, time::Duration, u8);
    } => {
        type Value = (u8, time::Duration, u16);
    }
    behind_what_is_self_describing {
        type Value = (u8, serde_json::Value, u8);
    } => {
        type Value = (u8, serde_json::Value, u16);
    }
    behind_a_path {
        type Value = (u8, std::path::PathBuf, u8);
    } => {
        type Value = (u8, std::path::PathBuf, u16);
    }
    behind_a_range {
        type Value = (u8, std::ops::Range<u8>, u8);
    } => {
        type Value = (u8, std::ops::Range<u8>, u16);
    }
    behind_nothing {
        type Value = (u8, (), u8);
    } => {
        type Value = (u8, (), u16);
    }
    behind_a_list {
        type Value = (u8, Vec<String>, u8);
    } => {
        type Value = (u8, Vec<String>, u16);
    }
    behind_a_list_of_times {
        type Value = (u8, Vec<chrono::NaiveTime>, u8);
    } => {
        type Value = (u8, Vec<chrono::NaiveTime>, u16);
    }
    behind_a_uuid_that_is_a_key {
        type Value = std::collections::BTreeMap<uuid::Uuid, u8>;
    } => {
        type Value = std::collections::BTreeMap<uuid::Uuid, u16>;
    }
    seconds_become_milliseconds {
        #[derive(Deserialize)]
        struct Value {
            #[serde(with = "chrono::serde::ts_seconds")]
            at: chrono::DateTime<chrono::Utc>,
            behind: u8,
        }
    } => {
        #[derive(Deserialize)]
        struct Value {
            #[serde(with = "chrono::serde::ts_milliseconds")]
            at: chrono::DateTime<chrono::Utc>,
            behind: u8,
        }
    }
}
