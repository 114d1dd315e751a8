use super::*;

use cache_core::Error;

impl Fault {
    fn error(self) -> Error {
        self.into_error("localhost:6379")
    }

    fn is_outage(&self) -> bool {
        self.clone().error().is_outage()
    }

    fn is_configuration(&self) -> bool {
        self.clone().error().is_configuration()
    }

    fn is_data(&self) -> bool {
        self.clone().error().is_data()
    }
}

const OOM: &str = "OOM command not allowed when used memory > 'maxmemory'.";
const READONLY: &str = "READONLY You can't write against a read only replica.";

fn nonce() -> (Nonce, Generation, Reply) {
    let nonce = Nonce::random().unwrap();
    let bytes = nonce.to_bytes();
    (
        nonce,
        Generation::from_bytes(&bytes).unwrap(),
        Reply::Bytes(bytes.to_vec()),
    )
}

fn bytes(text: &str) -> Reply {
    Reply::Bytes(text.into())
}

fn refusal(text: &str) -> Reply {
    Reply::Refused(text.to_owned())
}

#[test]
fn read_gives_each_key_its_bytes_or_nothing() {
    let reply = Reply::Array(vec![Reply::Nil, bytes("a")]);
    assert_eq!(read(reply, 2).unwrap(), [None, Some(b"a".to_vec())]);
}

#[test]
fn head_is_no_longer_than_was_asked_for_and_of_no_string_it_is_nothing() {
    assert_eq!(head(bytes("ab"), 2).unwrap(), b"ab");
    assert_eq!(head(bytes("a"), 0).unwrap(), b"");
    assert_eq!(head(bytes(""), 2).unwrap(), b"");
    let wrong = refusal("WRONGTYPE Operation against a key holding the wrong kind of value");
    assert_eq!(head(wrong, 2).unwrap(), b"");
    for reply in [bytes("abc"), Reply::Nil, Reply::Done, Reply::Number(1)] {
        assert!(head(reply, 2).unwrap_err().ends_connection());
    }
    let refused = head(refusal("NOPERM no"), 2).unwrap_err();
    assert!(refused.is_configuration() && !refused.ends_connection());
}

#[test]
fn read_takes_no_reply_of_another_request() {
    let two = Reply::Array(vec![Reply::Nil, Reply::Nil]);
    for (reply, keys) in [
        (two.clone(), 1),
        (two, 3),
        (Reply::Nil, 1),
        (Reply::Done, 1),
    ] {
        assert!(read(reply, keys).unwrap_err().is_outage());
    }
    assert!(
        read(Reply::Array(vec![Reply::Number(1)]), 1)
            .unwrap_err()
            .is_outage()
    );
    assert!(
        read(refusal("NOPERM no"), 1)
            .unwrap_err()
            .is_configuration()
    );
}

#[test]
fn mint_that_found_nothing_shows_its_nonce() {
    let (nonce, generation, _) = nonce();
    assert_eq!(
        minted(&Reply::Nil, nonce).unwrap(),
        Shown::Generation(generation)
    );
}

#[test]
fn mint_that_found_a_generation_shows_that_one() {
    let (_, other, reply) = nonce();
    assert_eq!(minted(&reply, nonce().0).unwrap(), Shown::Generation(other));
}

#[test]
fn mint_shows_nothing_when_full_or_over_something_foreign() {
    assert_eq!(minted(&refusal(OOM), nonce().0).unwrap(), Shown::Full);
    for foreign in [
        bytes(""),
        bytes("OK"),
        bytes("planted"),
        Reply::Bytes(vec![0; 16]),
        refusal("WRONGTYPE a"),
    ] {
        assert_eq!(
            minted(&foreign, nonce().0).unwrap(),
            Shown::Foreign,
            "{foreign:?}"
        );
    }
}

#[test]
fn mint_takes_no_reply_of_another_request() {
    for reply in [
        Reply::Done,
        Reply::Number(1),
        Reply::Array(vec![]),
        refusal(READONLY),
    ] {
        assert!(
            minted(&reply, nonce().0).unwrap_err().is_outage(),
            "{reply:?}"
        );
    }
}

#[test]
fn write_is_stored_or_refused() {
    assert_eq!(written(&Reply::Done).unwrap(), Written::Stored);
    assert_eq!(written(&refusal(OOM)).unwrap(), Written::Full);
    for reply in [
        Reply::Nil,
        bytes("PONG"),
        Reply::Number(1),
        refusal(READONLY),
    ] {
        assert!(written(&reply).unwrap_err().is_outage(), "{reply:?}");
    }
}

#[test]
fn removal_is_a_number_of_keys_that_were_named() {
    for number in 0..=2 {
        assert!(removed(&Reply::Number(number), 2).is_ok());
    }
    for reply in [
        Reply::Nil,
        Reply::Number(3),
        Reply::Number(-1),
        Reply::Done,
        refusal(READONLY),
        refusal(OOM),
    ] {
        assert!(removed(&reply, 2).unwrap_err().is_outage(), "{reply:?}");
    }
}

#[test]
fn replies_are_proven_by_the_echo_of_their_own_request_alone() {
    let (this, other) = (Origin::random().unwrap(), Origin::random().unwrap());
    let proof = this.proof(7);
    let echoed = |proof: Proof| Reply::Bytes(proof.as_bytes().to_vec());
    assert!(proven(Some(&echoed(proof)), &proof).is_ok());
    for reply in [
        Some(echoed(this.proof(6))),
        Some(echoed(other.proof(7))),
        Some(Reply::Nil),
        Some(Reply::Done),
        Some(Reply::Array(vec![echoed(proof)])),
        None,
    ] {
        let fault = proven(reply.as_ref(), &proof).unwrap_err();
        assert!(fault.ends_connection(), "{reply:?}");
    }
    let refused = proven(Some(&refusal("NOPERM no")), &proof).unwrap_err();
    assert!(refused.is_configuration());
}

fn swap_of(reply: Reply) -> Result<(Swap, Generation), Fault> {
    let (nonce, now, _) = nonce();
    swapped(&reply, nonce).map(|swap| (swap, now))
}

#[test]
fn swap_shows_what_it_found() {
    let (_, previous, found) = nonce();
    for (reply, previous) in [
        (Reply::Nil, None),
        (found, Some(previous)),
        (bytes("planted"), None),
        (bytes("OK"), None),
    ] {
        let (swap, now) = swap_of(reply).unwrap();
        assert_eq!(swap, Swap::Done { previous, now });
    }
    assert_eq!(swap_of(refusal(OOM)).unwrap().0, Swap::Full);
    for reply in [Reply::Done, Reply::Number(1), refusal(READONLY)] {
        assert!(swap_of(reply.clone()).unwrap_err().is_outage(), "{reply:?}");
    }
    assert!(swap_of(refusal("WRONGTYPE a")).unwrap_err().is_data());
}

#[test]
fn scan_goes_on_until_the_cursor_is_zero() {
    let beginning = Key::from("app:~".to_owned());
    let origin = Origin::random().unwrap();
    let reply =
        |cursor: &str, names: Vec<Reply>| Reply::Array(vec![bytes(cursor), Reply::Array(names)]);
    let page = scanned(reply("17", vec![bytes("app:~n:a")]), &beginning, &origin).unwrap();
    assert_eq!(page.keys, [Key::from("app:~n:a".to_owned())]);
    assert_eq!(page.next, Some(origin.cursor(b"17")));
    let last = scanned(reply("0", vec![]), &beginning, &origin).unwrap();
    assert!(last.keys.is_empty() && last.next.is_none());
    let mut no_text = b"app:~".to_vec();
    no_text.push(0xff);
    let page = scanned(reply("0", vec![Reply::Bytes(no_text)]), &beginning, &origin).unwrap();
    assert_eq!(page.keys.len(), 1);
    for foreign in [
        reply("0", vec![bytes("other")]),
        reply("", vec![]),
        reply("x", vec![]),
        Reply::Nil,
    ] {
        assert!(
            scanned(foreign, &beginning, &origin)
                .unwrap_err()
                .is_outage()
        );
    }
    assert!(
        scanned(Reply::Array(vec![bytes("0")]), &beginning, &origin)
            .unwrap_err()
            .is_outage()
    );
}

#[test]
fn acceptance_and_prolongation_take_their_own_replies() {
    assert!(accepted(&Reply::Done, "AUTH").is_ok());
    assert!(accepted(&bytes("PONG"), "AUTH").unwrap_err().is_outage());
    let refused = accepted(&refusal("WRONGPASS a"), "AUTH").unwrap_err();
    assert!(refused.is_configuration());
    assert!(prolonged(&Reply::Number(0)).is_ok());
    assert!(prolonged(&Reply::Number(2)).unwrap_err().is_outage());
}

#[test]
fn reply_shows_its_content_to_no_log() {
    let reply = Reply::Array(vec![
        bytes("secret"),
        refusal("ERR secret"),
        Reply::Number(1234),
    ]);
    let printed = format!("{reply:?}");
    assert!(
        !printed.contains("secret") && !printed.contains("1234"),
        "{printed}"
    );
}

#[test]
fn addition_shows_the_sum_whoever_set_the_window() {
    let (set, sum) = (Reply::Done, Reply::Number(7));
    for replies in [
        vec![sum.clone()],
        vec![set, sum.clone(), Reply::Number(0)],
        vec![Reply::Nil, sum.clone(), Reply::Number(0)],
        vec![Reply::Nil, sum, Reply::Number(1)],
    ] {
        assert_eq!(added(&replies).unwrap(), 7, "{replies:?}");
    }
}

#[test]
fn addition_says_why_nothing_was_added() {
    let overflow = refusal("ERR increment or decrement would overflow");
    let no_number = refusal("ERR value is not an integer or out of range");
    for (refused, expected) in [
        (overflow, Error::is_invalid_input as fn(&Error) -> bool),
        (no_number, Error::is_data),
        (refusal("WRONGTYPE a"), Error::is_data),
        (refusal(OOM), Error::is_outage),
        (refusal("NOPERM a"), Error::is_configuration),
    ] {
        for replies in [
            vec![refused.clone()],
            vec![Reply::Nil, refused.clone(), Reply::Number(0)],
            vec![refusal(OOM), refused.clone(), Reply::Number(0)],
        ] {
            assert!(expected(&added(&replies).unwrap_err().error()));
        }
    }
}

#[test]
fn addition_without_its_window_is_no_addition_and_foreign_replies_are_none() {
    let sum = Reply::Number(1);
    let no_window = [refusal("NOPERM a"), sum.clone(), Reply::Number(1)];
    assert!(added(&no_window).unwrap_err().is_configuration());
    for replies in [
        vec![Reply::Done],
        vec![Reply::Nil, Reply::Done, Reply::Number(1)],
        vec![Reply::Nil, sum.clone(), Reply::Nil],
        vec![bytes("foreign"), sum.clone(), Reply::Number(1)],
        vec![sum.clone(), sum],
        vec![],
    ] {
        assert!(added(&replies).unwrap_err().ends_connection());
    }
}

#[test]
fn probe_passes_a_server_that_is_full_and_no_other_that_refuses() {
    let canary = Key::from("app:~canary".to_owned());
    let origin = Origin::random().unwrap();
    let judge = |change: &dyn Fn(&mut Vec<Reply>)| {
        let page = Reply::Array(vec![bytes("3"), Reply::Array(vec![])]);
        let mut replies = vec![
            Reply::Nil,
            Reply::Done,
            Reply::Array(vec![bytes("canary")]),
            Reply::Number(1),
            page,
            Reply::Number(1),
        ];
        change(&mut replies);
        probed(replies, &canary, nonce().0, &origin)
    };
    judge(&|_| ()).unwrap();
    judge(&|replies| {
        replies[0] = refusal(OOM);
        replies[1] = refusal(OOM);
        replies[2] = Reply::Array(vec![Reply::Nil]);
        replies[5] = Reply::Number(0);
    })
    .unwrap();
    let commands = ["SET", "SET", "MGET", "PEXPIRE", "SCAN", "UNLINK"];
    for (place, command) in commands.into_iter().enumerate() {
        let forbidden = judge(&|replies| replies[place] = refusal("NOPERM a"));
        let error = forbidden.unwrap_err().error();
        assert!(error.is_configuration());
        let named = format!("refused {command} with NOPERM");
        assert!(error.to_string().contains(&named), "{error}");
        let read_only = judge(&|replies| replies[place] = refusal(READONLY));
        assert!(read_only.unwrap_err().is_outage());
        assert!(judge(&|replies| replies[place] = Reply::Other).is_err());
    }
}

#[test]
fn greeting_tells_who_the_server_is() {
    let flat = |pairs: &[(&str, &str)]| {
        let words = pairs
            .iter()
            .flat_map(|(name, value)| [bytes(name), bytes(value)]);
        Reply::Array(words.collect())
    };
    let server = greeted(&flat(&[
        ("server", "redis"),
        ("version", "7.0.15"),
        ("mode", "standalone"),
        ("role", "master"),
    ]));
    let server = server.unwrap();
    assert_eq!((&*server.name, &*server.version), ("redis", "7.0.15"));
    assert_eq!((&*server.mode, &*server.role), ("standalone", "master"));
    assert!(
        greeted(&flat(&[("server", "redis")]))
            .unwrap_err()
            .is_outage()
    );
    assert!(
        greeted(&refusal("NOAUTH a"))
            .unwrap_err()
            .is_configuration()
    );
}
