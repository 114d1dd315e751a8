//! The protocol's frames.

use cachewright_test_support::{Malformed, Reply, frame_length, request_length};

/// Every kind of frame, alone and nested.
const FRAMES: &[(&[u8], &str)] = &[
    (b"+OK\r\n", "Status(\"OK\")"),
    (b"-ERR no\r\n", "Error(\"ERR no\")"),
    (b":-42\r\n", "Integer(-42)"),
    (b"$3\r\n\r\n\0\r\n", "Bulk([13, 10, 0])"),
    (b"$0\r\n\r\n", "Bulk([])"),
    (b"$-1\r\n", "Nil"),
    (b"*-1\r\n", "Nil"),
    (b"_\r\n", "Nil"),
    (b"*0\r\n", "Array([])"),
    (
        b"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
        "Array([Array([Integer(1)]), Bulk([120])])",
    ),
    (b",1.5\r\n", "Double(1.5)"),
    (b",-inf\r\n", "Double(-inf)"),
    (b"#t\r\n", "Boolean(true)"),
    (b"#f\r\n", "Boolean(false)"),
    (b"(123\r\n", "Bulk([49, 50, 51])"),
    (b"!6\r\nERR no\r\n", "Error(\"ERR no\")"),
    (b"=5\r\ntxt:a\r\n", "Bulk([97])"),
    (b"%1\r\n+k\r\n:1\r\n", "Map([(Status(\"k\"), Integer(1))])"),
    (b"~2\r\n:1\r\n:2\r\n", "Array([Integer(1), Integer(2)])"),
    (b">2\r\n+a\r\n_\r\n", "Push([Status(\"a\"), Nil])"),
    (b"|1\r\n+ttl\r\n:9\r\n*1\r\n:1\r\n", "Array([Integer(1)])"),
    (b"*1\r\n|1\r\n+ttl\r\n:9\r\n:1\r\n", "Array([Integer(1)])"),
];

#[test]
fn a_frame_ends_where_its_last_part_does() {
    for (frame, shown) in FRAMES {
        for cut in 0..frame.len() {
            assert_eq!(
                frame_length(&frame[..cut]),
                Ok(None),
                "{shown} cut after {cut} bytes"
            );
        }
        let followed = [frame, b":7\r\n".as_slice()].concat();
        assert_eq!(frame_length(&followed), Ok(Some(frame.len())), "{shown}");
    }
}

#[test]
fn a_frame_is_read_as_what_was_sent() {
    for (frame, shown) in FRAMES {
        assert_eq!(&format!("{:?}", Reply::parse(frame).expect(shown)), shown);
    }
}

#[test]
fn what_is_no_frame_is_malformed() {
    for bytes in [
        b"hello\r\n".as_slice(),
        b"$x\r\n",
        b"*-2\r\n",
        b"*2\r\n:1\r\nx",
        b"$99999999999\r\n",
        b"\r\n",
    ] {
        assert_eq!(frame_length(bytes), Err(Malformed), "{bytes:?}");
    }
}

#[test]
fn deep_nesting_needs_no_stack() {
    let mut deep = b"*1\r\n".repeat(1_000_000);
    assert_eq!(frame_length(&deep), Ok(None));
    deep.extend_from_slice(b":1\r\n");
    assert_eq!(frame_length(&deep), Ok(Some(deep.len())));
}

#[test]
fn a_request_is_an_array_or_a_line() {
    assert_eq!(request_length(b"*1\r\n$4\r\nPING\r\nPING"), Ok(Some(14)));
    assert_eq!(request_length(b"PING\r\nPING"), Ok(Some(6)));
    assert_eq!(request_length(b"PIN"), Ok(None));
    assert_eq!(request_length(b""), Ok(None));
}
