//! The stored entry: golden bytes, and no bytes that make it panic or answer wrongly.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cache_core::codec::{Codec, Json};
use cache_core::entry::{Body, Draft, Echo, Envelope, Expected, Fingerprint, Head, Reject, Stamp};
use cache_core::fence::{Fence, Generation, Observed};
use proptest::prelude::*;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const LARGEST: usize = 1 << 20;

fn observed(bytes: &[u8]) -> Observed {
    Observed::new(
        bytes
            .iter()
            .map(|byte| Generation::from_bytes(&[*byte; 16])),
    )
}

fn fence(bytes: &[u8]) -> Fence {
    observed(bytes).complete().unwrap()
}

fn stamp() -> Stamp {
    let created = UNIX_EPOCH + Duration::from_millis(1_767_225_600_123);
    Stamp::new(
        created,
        Duration::from_secs(300),
        Duration::from_micros(4_200),
    )
}

fn draft(fence: &Fence) -> Draft<'_> {
    Draft {
        echo: Echo::of_function(b"app:user:42:get_profile:3f9a"),
        fingerprint: Fingerprint::new([0xfe; 16]),
        stamp: stamp(),
        fence,
    }
}

fn sample() -> Vec<u8> {
    draft(&fence(&[1, 2])).value(&Json, &("Ada", 36)).unwrap()
}

fn expected(observed: &Observed) -> Expected<'_> {
    let fence = fence(&[1]);
    let Draft {
        echo, fingerprint, ..
    } = draft(&fence);
    Expected {
        echo,
        fingerprint,
        codec: Json.id(),
        observed,
    }
}

fn answer<'a>(bytes: &'a [u8], expected: &Expected<'_>) -> Result<Body<'a>, Reject> {
    Ok(Envelope::parse(bytes, LARGEST)?.prove(expected)?.body())
}

fn outcome(bytes: &[u8]) -> Result<Body<'_>, Reject> {
    answer(bytes, &expected(&observed(&[1, 2])))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn bytes_of_format_1_are_golden() {
    let header = [
        "894357",
        "01",
        "00",
        "01",
        "02",
        "00",
        "315e6ff9dde246b430f9238938299684",
        "fefefefefefefefefefefefefefefefe",
        "7ba8da769b010000",
        "e093040000000000",
        "68100000",
        "0a000000",
        "6472f619162afcf5",
        "01010101010101010101010101010101",
        "02020202020202020202020202020202",
    ];
    let golden = header.concat() + &hex(br#"["Ada",36]"#);
    assert_eq!(hex(&sample()), golden);
    let absent = draft(&fence(&[1])).absent().unwrap();
    let header = [
        "894357",
        "01",
        "01",
        "00",
        "01",
        "00",
        "315e6ff9dde246b430f9238938299684",
        "fefefefefefefefefefefefefefefefe",
        "7ba8da769b010000",
        "e093040000000000",
        "68100000",
        "00000000",
        "861ac3cb9fa023a9",
        "01010101010101010101010101010101",
    ];
    assert_eq!(hex(&absent), header.concat());
}

#[test]
fn value_comes_back_with_its_times() {
    let bytes = sample();
    let observed = observed(&[1, 2]);
    let entry = Envelope::parse(&bytes, LARGEST)
        .unwrap()
        .prove(&expected(&observed))
        .unwrap();
    let Body::Value(body) = entry.body() else {
        panic!("the value is there")
    };
    assert_eq!(
        Json.decode::<(String, i32)>(body).unwrap(),
        ("Ada".to_owned(), 36)
    );
    assert_eq!(entry.stamp(), stamp());
    assert_eq!(entry.stamp().cost(), Duration::from_micros(4_200));
}

#[test]
fn absent_value_is_no_encoding_of_none() {
    let fence = fence(&[1, 2]);
    let absent = draft(&fence).absent().unwrap();
    assert_eq!(outcome(&absent), Ok(Body::Absent));
    let null = draft(&fence).value(&Json, &None::<i32>).unwrap();
    assert_eq!(outcome(&null), Ok(Body::Value(b"null")));
    let empty = draft(&fence).value(&Nothing, &()).unwrap();
    let observed = observed(&[1, 2]);
    let expected = Expected {
        codec: Nothing.id(),
        ..expected(&observed)
    };
    assert_eq!(answer(&empty, &expected), Ok(Body::Value(b"")));
    // Whatever codec the program has by now, an absent value is an answer.
    assert_eq!(answer(&absent, &expected), Ok(Body::Absent));
}

/// A codec whose every value is no bytes at all.
struct Nothing;

impl Codec for Nothing {
    fn id(&self) -> u8 {
        200
    }

    fn encode<T: serde::Serialize + ?Sized>(
        &self,
        _: &T,
        _: &mut Vec<u8>,
    ) -> Result<(), cache_core::Error> {
        Ok(())
    }

    fn decode<T: serde::de::DeserializeOwned>(&self, _: &[u8]) -> Result<T, cache_core::Error> {
        Err(cache_core::Error::data("not needed here"))
    }
}

#[test]
fn every_flipped_bit_is_detected() {
    let bytes = sample();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(outcome(&flipped).is_err(), "bit {bit}");
        assert!(Envelope::parse(&flipped, LARGEST).is_err(), "bit {bit}");
    }
}

#[test]
fn every_truncation_is_detected_and_named() {
    let bytes = sample();
    assert_eq!(outcome(&[]), Err(Reject::Foreign));
    for length in 1..bytes.len() {
        assert_eq!(
            outcome(&bytes[..length]),
            Err(Reject::Truncated),
            "{length}"
        );
    }
}

#[test]
fn extended_entry_is_damaged() {
    let mut bytes = sample();
    bytes.push(b' ');
    assert_eq!(outcome(&bytes), Err(Reject::Damaged));
}

#[test]
fn foreign_values_are_foreign() {
    for foreign in [
        &b"null"[..],
        b"{\"a\":1}",
        b"0",
        "é".as_bytes(),
        &[0; 200],
        &[0x89],
    ] {
        let reject = outcome(foreign).unwrap_err();
        assert!(
            matches!(reject, Reject::Foreign | Reject::Truncated),
            "{foreign:?} {reject}"
        );
    }
    assert_eq!(outcome(b"{\"a\":1}"), Err(Reject::Foreign));
}

#[test]
fn newer_formats_and_flags_are_recognized() {
    let mut newer = sample();
    newer[3] = 0;
    assert_eq!(outcome(&newer), Err(Reject::Foreign));
    newer[3] = 2;
    assert_eq!(outcome(&newer), Err(Reject::Future));
    assert_eq!(outcome(&newer[..5]), Err(Reject::Future));
    // With the check a newer writer of format 1 would have put in.
    for (offset, byte) in [(4, 8), (4, 0x80), (7, 3)] {
        assert_eq!(
            outcome(&resealed(offset, byte)),
            Err(Reject::Future),
            "{offset} {byte}"
        );
    }
}

#[test]
fn fields_that_contradict_each_other_are_damage() {
    // An absent value with a codec and a body, a value without a codec, a compressed one by nothing, one by
    // something that is not compressed.
    for (offset, byte) in [(4, 1), (5, 0), (4, 2), (7, 1)] {
        assert_eq!(
            outcome(&resealed(offset, byte)),
            Err(Reject::Damaged),
            "{offset} {byte}"
        );
    }
    // A generation that is zero.
    let mut zero = sample();
    zero[72..88].fill(0);
    assert_eq!(outcome(&reseal(zero)), Err(Reject::Damaged));
    // No generation at all: the sixteen bytes of each belong to the body then.
    let mut none = sample();
    none[6] = 0;
    none[60] += 32;
    assert_eq!(outcome(&reseal(none)), Err(Reject::Damaged));
}

fn resealed(offset: usize, byte: u8) -> Vec<u8> {
    let mut bytes = sample();
    bytes[offset] = byte;
    reseal(bytes)
}

/// What a writer would do that meant the bytes.
fn reseal(mut bytes: Vec<u8>) -> Vec<u8> {
    let check = xxh3_64_with_seed(&bytes[72..], xxh3_64(&bytes[..64]));
    bytes[64..72].copy_from_slice(&check.to_le_bytes());
    bytes
}

#[test]
fn entry_of_another_key_shape_or_codec_is_no_answer() {
    let bytes = sample();
    let observed = observed(&[1, 2]);
    let right = expected(&observed);
    let key = b"app:user:42:get_profile:3f9a";
    for echo in [
        Echo::of_plain(key),
        Echo::of_function(b"app:user:43:get_profile:3f9a"),
    ] {
        assert_eq!(
            answer(&bytes, &Expected { echo, ..right }),
            Err(Reject::WrongEcho)
        );
    }
    for fingerprint in [Fingerprint::NONE, Fingerprint::new([1; 16])] {
        let wrong = Expected {
            fingerprint,
            ..right
        };
        assert_eq!(answer(&bytes, &wrong), Err(Reject::WrongFingerprint));
    }
    let own = draft(&fence(&[1, 2])).value(&Nothing, &()).unwrap();
    for codec in [Json.id(), 77, 201] {
        assert_eq!(
            answer(&own, &Expected { codec, ..right }),
            Err(Reject::WrongCodec)
        );
    }
}

#[test]
fn an_entry_of_the_projects_codecs_is_read_whatever_the_own_codec_is() {
    let bytes = sample();
    let observed = observed(&[1, 2]);
    let expected = Expected {
        codec: Nothing.id(),
        ..expected(&observed)
    };
    assert_eq!(answer(&bytes, &expected), Ok(Body::Value(br#"["Ada",36]"#)));
    let envelope = Envelope::parse(&bytes, LARGEST).unwrap();
    assert_eq!(envelope.prove(&expected).unwrap().codec(), Json.id());
}

/// In a program that is built without the feature, which `cargo test --test entry_format` builds.
#[cfg(not(any(feature = "zstd", feature = "lz4")))]
#[test]
fn an_entry_that_is_compressed_is_rejected_where_nothing_can_be_decompressed() {
    for algorithm in [1, 2] {
        let mut bytes = sample();
        (bytes[4], bytes[7]) = (2, algorithm);
        assert_eq!(outcome(&reseal(bytes)), Err(Reject::UnknownCompression));
    }
}

#[test]
fn entry_answers_only_under_its_own_generations() {
    let bytes = sample();
    for (shown, reject) in [
        (&[1, 3][..], Reject::Stale),
        (&[2, 1], Reject::Stale),
        (&[1], Reject::Stale),
        (&[1, 2, 2], Reject::Stale),
        (&[1, 0], Reject::Unproven), // sixteen zeros are no generation
        (&[0, 0], Reject::Unproven),
        (&[], Reject::Unproven),
    ] {
        let observed = observed(shown);
        assert_eq!(
            answer(&bytes, &expected(&observed)),
            Err(reject),
            "{shown:?}"
        );
        let envelope = Envelope::parse(&bytes, LARGEST).unwrap();
        assert_eq!(envelope.verify(&observed), Err(reject), "{shown:?}");
    }
}

#[test]
fn entry_above_the_limit_is_not_looked_at() {
    let bytes = sample();
    assert!(Envelope::parse(&bytes, bytes.len()).is_ok());
    assert_eq!(
        Envelope::parse(&bytes, bytes.len() - 1).unwrap_err(),
        Reject::TooLarge
    );
}

#[test]
fn nothing_printed_shows_the_value() {
    let bytes = sample();
    let observed = observed(&[1, 2]);
    let envelope = Envelope::parse(&bytes, LARGEST).unwrap();
    let entry = envelope.prove(&expected(&observed)).unwrap();
    let printed = format!("{envelope:?} {entry:?} {:?}", entry.body());
    assert!(
        !printed.contains("Ada") && !printed.contains("65, 100, 97"),
        "{printed}"
    );
}

#[test]
fn clocks_that_disagree_make_no_entry_fresh_beyond_its_span() {
    let made = UNIX_EPOCH + Duration::from_secs(1_000_000);
    let stamp = Stamp::new(made, Duration::from_secs(60), Duration::MAX);
    assert_eq!(stamp.age(made - Duration::from_secs(3600)), Duration::ZERO);
    assert_eq!(
        stamp.fresh_for(made - Duration::from_secs(3600)),
        Duration::from_secs(60)
    );
    assert_eq!(
        stamp.fresh_for(made + Duration::from_secs(45)),
        Duration::from_secs(15)
    );
    assert_eq!(
        stamp.fresh_for(made + Duration::from_secs(60)),
        Duration::ZERO
    );
    assert_eq!(
        stamp.fresh_for(made + Duration::from_secs(1_000_000)),
        Duration::ZERO
    );
    let ancient = Stamp::new(
        UNIX_EPOCH - Duration::from_secs(1),
        Duration::MAX,
        Duration::ZERO,
    );
    assert!(ancient.fresh_for(SystemTime::now()) > Duration::from_secs(60));
}

#[test]
fn a_head_shows_echo_and_generations_without_the_body() {
    let bytes = sample();
    let head = Head::parse(&bytes[..Head::length(2)]).unwrap();
    assert_eq!(head.echo(), draft(&fence(&[1, 2])).echo);
    let shown: Vec<_> = (0..4).map(|place| head.generation(place)).collect();
    let [one, two] = [1, 2].map(|byte| Generation::from_bytes(&[byte; 16]));
    assert_eq!(shown, [one, two, None, None]);
    // Cut off in the middle of the second.
    let head = Head::parse(&bytes[..Head::length(2) - 1]).unwrap();
    assert_eq!((head.generation(0), head.generation(1)), (one, None));
}

#[test]
fn a_head_that_is_not_ours_to_read_says_why() {
    let mut bytes = sample();
    for (length, reject) in [
        (0, Reject::Foreign),
        (3, Reject::Truncated),
        (71, Reject::Truncated),
    ] {
        assert_eq!(Head::parse(&bytes[..length]).unwrap_err(), reject);
    }
    for (place, byte, reject) in [
        (0, b'{', Reject::Foreign),
        (3, 0, Reject::Foreign),
        (3, 2, Reject::Future),
        (4, 8, Reject::Future),
        (7, 3, Reject::Future),
    ] {
        let before = std::mem::replace(&mut bytes[place], byte);
        assert_eq!(Head::parse(&bytes).unwrap_err(), reject, "{place}");
        bytes[place] = before;
    }
}

proptest! {
    #[test]
    fn arbitrary_heads_never_panic(
        tail in prop::collection::vec(any::<u8>(), 0..400),
        kept in 0_usize..120,
    ) {
        let mut bytes = sample()[..kept.min(sample().len())].to_vec();
        bytes.extend(tail);
        if let Ok(head) = Head::parse(&bytes) {
            let _ = head.echo();
            let most = (bytes.len() - 72) / 16;
            for place in (0..300).chain([usize::MAX / 16 - 72, usize::MAX / 32]) {
                prop_assert!(head.generation(place).is_none() || place < most);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_rejected_without_a_panic(bytes: Vec<u8>) {
        prop_assert!(outcome(&bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_behind_a_true_beginning_are_rejected(
        tail in prop::collection::vec(any::<u8>(), 0..400),
        kept in 4_usize..120,
    ) {
        let mut bytes = sample()[..kept.min(sample().len())].to_vec();
        bytes.extend(tail);
        prop_assume!(bytes != sample());
        prop_assert!(outcome(&bytes).is_err());
    }

    #[test]
    fn bytes_that_pass_the_check_never_panic(
        edits in prop::collection::vec((0_usize..110, any::<u8>()), 1..6),
        length in 72_usize..140,
    ) {
        let mut bytes = sample();
        bytes.resize(length, 0);
        for (offset, byte) in edits {
            if let Some(target) = bytes.get_mut(offset) {
                *target = byte;
            }
        }
        let _ = outcome(&reseal(bytes));
    }

    #[test]
    fn mutated_entries_never_answer(
        edits in prop::collection::vec((0_usize..114, any::<u8>()), 1..8),
    ) {
        let mut bytes = sample();
        for (offset, byte) in edits {
            bytes[offset] = byte;
        }
        prop_assume!(bytes != sample());
        prop_assert!(outcome(&bytes).is_err());
    }

    #[test]
    fn every_entry_comes_back(
        value: Vec<Option<String>>,
        generations in prop::collection::vec(1_u8.., 1..65),
        fingerprint: [u8; 16],
        key: Vec<u8>,
    ) {
        let fence = fence(&generations);
        let echo = Echo::of_plain(&key);
        let fingerprint = Fingerprint::new(fingerprint);
        let draft = Draft { echo, fingerprint, stamp: stamp(), fence: &fence };
        let bytes = draft.value(&Json, &value).unwrap();
        let observed = observed(&generations);
        let expected = Expected { echo, fingerprint, codec: Json.id(), observed: &observed };
        let Body::Value(body) = answer(&bytes, &expected).unwrap() else { panic!("absent") };
        prop_assert_eq!(Json.decode::<Vec<Option<String>>>(body).unwrap(), value);
    }
}
