use std::sync::{Arc, Mutex};

use super::*;

fn read(vars: &[(&str, &str)]) -> Result<CacheBuilder, Error> {
    let vars = vars.iter();
    from_vars(vars.map(|(name, value)| ((*name).to_owned(), OsString::from(value))))
}

fn built(vars: &[(&str, &str)]) -> Cache {
    read(vars).unwrap().build().unwrap()
}

/// The message of the error, which each of the variables causes.
fn refused(vars: &[(&str, &str)]) -> String {
    let error = read(vars).unwrap_err();
    assert!(error.is_configuration());
    error.to_string()
}

#[test]
fn an_environment_that_says_nothing_is_the_builders_defaults() {
    let others = [("PATH", "/bin"), ("CACHE", "x"), ("XCACHE_PATIENCE", "x")];
    let builder = read(&others).unwrap();
    assert_eq!(format!("{builder:?}"), format!("{:?}", Cache::builder()));
}

#[test]
fn each_variable_is_a_setting_of_the_builder() {
    let builder = read(&[
        ("CACHE_NAMESPACE", "shop"),
        ("CACHE_DEFAULT_TTL", "300"),
        ("CACHE_MAX_ENTRIES", "10000"),
        ("CACHE_PATIENCE", "0"),
        ("CACHE_SETTLE", "1m30s"),
        ("CACHE_STORE_TIMEOUT", "100ms"),
        ("CACHE_FALLBACK", "1s"),
        ("CACHE_SWEEP_RATE", "0"),
        ("CACHE_CODEC", "json"),
        ("CACHE_COMPRESSION", "off"),
        ("CACHE_LARGEST_VALUE", "1000"),
        ("CACHE_ROLLOUT", "12.5%"),
        ("CACHE_ROLLOUT_USER", "off"),
        ("CACHE_TTL_user_role", "30d"),
    ]);
    let said = Cache::builder()
        .namespace("shop")
        .default_ttl(Duration::from_secs(300))
        .max_entries(10_000)
        .patience(Duration::ZERO)
        .settle(Duration::from_secs(90))
        .store_timeout(Duration::from_millis(100))
        .fall_back_to_memory(Duration::from_secs(1))
        .sweep_rate(0)
        .largest_value(1000)
        .rollout(Rollout::Share(0.125))
        .rollout_of("USER", Rollout::Off)
        .ttl_of("user_role", MAX_TTL);
    assert_eq!(format!("{:?}", builder.unwrap()), format!("{said:?}"));
    let weight = format!("{:?}", Cache::builder().max_weight(1 << 20));
    let builder = read(&[("CACHE_MAX_WEIGHT", "1048576")]);
    assert_eq!(format!("{:?}", builder.unwrap()), weight);
}

#[test]
fn bad_values_are_told_all_at_once_with_the_forms_allowed() {
    let message = refused(&[
        ("CACHE_NAMESPACE", "my shop"),
        ("CACHE_DEFAULT_TTL", "0"),
        ("CACHE_TTL_USER", "31d"),
        ("CACHE_TTL_TEAM", "1.5h"),
        ("CACHE_MAX_ENTRIES", "-1"),
        ("CACHE_PATIENCE", "5x"),
        ("CACHE_SETTLE", ""),
        ("CACHE_STORE_TIMEOUT", "0ms"),
        ("CACHE_FALLBACK", "soon"),
        ("CACHE_SWEEP_RATE", "1e6"),
        ("CACHE_CODEC", "JSON"),
        ("CACHE_COMPRESSION", "zstd:23"),
        ("CACHE_LARGEST_VALUE", "0"),
        ("CACHE_ROLLOUT", "10"),
        ("CACHE_ROLLOUT_USER", "101%"),
    ]);
    let told: Vec<_> = message.lines().collect();
    let expected = [
        "CACHE_CODEC is \"JSON\": write `json`, `postcard` or `messagepack`",
        "CACHE_COMPRESSION is \"zstd:23\": write `off`, `lz4`, `zstd`, or `zstd:19` with a level from 1 to 22",
        "CACHE_DEFAULT_TTL is zero: write at least a millisecond (`1ms`)",
        &format!("CACHE_FALLBACK is \"soon\", `soon` has no number before it: {DURATION}"),
        "CACHE_LARGEST_VALUE is \"0\": write a whole number of bytes, from 1 to 268435456",
        "CACHE_MAX_ENTRIES is \"-1\": write a whole number, at least 1",
        "CACHE_NAMESPACE is \"my shop\": write one or more letters, digits, `_`, `.` or `-`",
        &format!("CACHE_PATIENCE is \"5x\", `x` is no unit of time: {DURATION}"),
        "CACHE_ROLLOUT is \"10\": write `on`, `off` or a share from `0%` to `100%`",
        "CACHE_ROLLOUT_USER is \"101%\": write `on`, `off` or a share from `0%` to `100%`",
        &format!("CACHE_SETTLE is \"\", it is empty: {DURATION}"),
        "CACHE_STORE_TIMEOUT is zero: write at least a millisecond (`1ms`)",
        "CACHE_SWEEP_RATE is \"1e6\": write a whole number, at most 4294967295",
        &format!("CACHE_TTL_TEAM is \"1.5h\", `.` is no unit of time: {DURATION}"),
        "CACHE_TTL_USER is \"31d\": write at most 30 days (`30d`)",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_share_is_a_number_with_a_percent_sign() {
    for share in ["0%", "100%", "0.5%", "10%"] {
        assert!(read(&[("CACHE_ROLLOUT", share)]).is_ok(), "{share}");
    }
    for share in [
        "", "%", "ten%", "nan%", "inf%", "-1%", "1e1%", "100.1%", "0.1", "ON", " 10%", ".%",
    ] {
        assert!(read(&[("CACHE_ROLLOUT", share)]).is_err(), "{share}");
    }
}

#[test]
fn two_bounds_are_one_too_many() {
    let message = refused(&[("CACHE_MAX_ENTRIES", "1"), ("CACHE_MAX_WEIGHT", "1")]);
    assert!(message.contains("CACHE_MAX_WEIGHT stands beside CACHE_MAX_ENTRIES"));
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_told() {
    use std::os::unix::ffi::OsStringExt;
    let value = OsString::from_vec(vec![0xff]);
    let error = from_vars([("CACHE_PATIENCE".to_owned(), value)]).unwrap_err();
    assert!(error.to_string().contains("CACHE_PATIENCE is not UTF-8"));
}

#[test]
fn the_run_time_changes_what_the_environment_said_about_a_segment() {
    let cache = built(&[("CACHE_ROLLOUT_BOOKING_STATS", "10%")]);
    cache.set_rollout_of("booking-stats", Rollout::Off).unwrap();
    let said = [("booking-stats".to_owned(), Rollout::Off)];
    assert_eq!(cache.rollout().prefixes, said);
}

#[cfg(not(feature = "redis"))]
#[test]
fn a_url_without_the_backend_is_an_error_that_names_the_feature() {
    let message = refused(&[("REDIS_URL", "redis://:secret@localhost")]);
    assert!(message.contains("REDIS_URL") && message.contains("feature `redis`"));
    assert!(!message.contains("secret"), "{message}");
}

#[cfg(feature = "redis")]
#[test]
fn a_url_makes_a_store_and_a_bad_one_is_not_quoted() {
    let url = ("REDIS_URL", "redis://:secret@localhost:6380/1");
    let builder = read(&[url, ("CACHE_NAMESPACE", "shop")]).unwrap();
    let shown = format!("{builder:?}");
    assert!(shown.contains("localhost:6380"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
    builder.build().unwrap();
    for url in [
        "",
        "secret",
        "http://secret@localhost",
        "redis://a:secret@:x/y",
    ] {
        let message = refused(&[("REDIS_URL", url)]);
        assert!(
            message.starts_with("REDIS_URL can't be used: "),
            "{message}"
        );
        assert!(!message.contains("secret"), "{message}");
    }
}

/// Notes the fields of events.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl tracing::field::Visit for Log {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        *self.0.lock().unwrap() += &format!("{field}={value:?};");
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn unknown_variables_are_named_in_one_warning_and_are_no_error() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let _ = read(&[
            ("CACHE_TTL", "300"),
            ("CACHE_TTL_", "300"),
            ("CACHE_DEFAULT_TLL", "secret"),
            ("CACHE_PATIENCE", "1s"),
        ])
        .unwrap();
    });
    let log = log.0.lock().unwrap();
    let names = "names=\"CACHE_DEFAULT_TLL, CACHE_TTL, CACHE_TTL_\";";
    assert!(log.contains(names) && !log.contains("secret"), "{log}");
}

/// Of a setting: what the environment says, and the builder with the feature.
#[test]
fn what_is_built_in_can_be_chosen_and_what_is_not_says_its_feature() {
    let cases: &[(&str, &str, &str, Option<CacheBuilder>)] = &[
        #[cfg(feature = "postcard")]
        (
            "CACHE_CODEC",
            "postcard",
            "postcard",
            Some(Cache::builder().codec(cache_core::codec::Postcard)),
        ),
        #[cfg(not(feature = "postcard"))]
        ("CACHE_CODEC", "postcard", "postcard", None),
        #[cfg(feature = "messagepack")]
        (
            "CACHE_CODEC",
            "messagepack",
            "messagepack",
            Some(Cache::builder().codec(cache_core::codec::MessagePack)),
        ),
        #[cfg(not(feature = "messagepack"))]
        ("CACHE_CODEC", "messagepack", "messagepack", None),
        #[cfg(feature = "lz4")]
        (
            "CACHE_COMPRESSION",
            "lz4",
            "lz4",
            Some(Cache::builder().compression(cache_core::codec::Compression::lz4())),
        ),
        #[cfg(not(feature = "lz4"))]
        ("CACHE_COMPRESSION", "lz4", "lz4", None),
        #[cfg(feature = "zstd")]
        (
            "CACHE_COMPRESSION",
            "zstd:19",
            "zstd",
            Some(Cache::builder().compression(cache_core::codec::Compression::zstd(19))),
        ),
        #[cfg(not(feature = "zstd"))]
        ("CACHE_COMPRESSION", "zstd:19", "zstd", None),
    ];
    for (name, value, feature, said) in cases {
        match said {
            Some(said) => {
                let builder = read(&[(name, value)]).unwrap();
                assert_eq!(
                    format!("{builder:?}"),
                    format!("{said:?}"),
                    "{name}={value}"
                );
            }
            None => {
                let told = refused(&[(name, value)]);
                assert!(told.contains(&format!("the feature `{feature}`")), "{told}");
            }
        }
    }
}
