//! Redis' protocol, versions 2 and 3: where a frame ends, what is in it, and a blocking client.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Bytes that aren't Redis' protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the protocol of Redis")
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for io::Error {
    fn from(malformed: Malformed) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, malformed)
    }
}

/// The length of the first frame in `bytes`, with all that is nested in it; `None` if its end isn't there yet.
///
/// Attributes belong to the reply that follows them. Streamed strings and aggregates, which Redis doesn't send, are malformed.
///
/// # Errors
///
/// [`Malformed`], as soon as no further bytes can make it a frame.
pub fn frame_length(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut at = 0;
    // Frames still to come: with a counter instead of recursion, no nesting is too deep.
    let mut open = 1_u64;
    while open > 0 {
        let Some((kind, rest, next)) = header(bytes, at)? else {
            return Ok(None);
        };
        at = next;
        open -= 1;
        match kind {
            b'$' | b'!' | b'=' => at += length(rest)?.map_or(0, |length| length as usize + 2),
            b'*' | b'~' | b'>' => open += length(rest)?.unwrap_or(0),
            b'%' => open += 2 * length(rest)?.unwrap_or(0),
            b'|' => open += 2 * length(rest)?.unwrap_or(0) + 1,
            _ => {}
        }
    }
    Ok((at <= bytes.len()).then_some(at))
}

/// The length of the first request in `bytes`: an array, or an inline command, which ends with its line.
///
/// # Errors
///
/// [`Malformed`], if it is an array and not a proper one.
pub fn request_length(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    match bytes.first() {
        Some(b'*') => frame_length(bytes),
        _ => Ok(bytes
            .iter()
            .position(|&byte| byte == b'\n')
            .map(|end| end + 1)),
    }
}

/// The name of a whole request, in capitals; empty if there is none.
pub(crate) fn command_name(request: &[u8]) -> String {
    let name = match Reply::parse(request) {
        Some(Reply::Array(words)) => words
            .into_iter()
            .next()
            .and_then(|word| word.into_bytes())
            .unwrap_or_default(),
        _ => request
            .split(u8::is_ascii_whitespace)
            .next()
            .unwrap_or_default()
            .to_vec(),
    };
    String::from_utf8_lossy(&name).to_ascii_uppercase()
}

/// The kind that a line tells, what else is in it, and where the next one begins.
type Header<'a> = (u8, &'a [u8], usize);

/// The line at `at`, if it is whole.
fn header(bytes: &[u8], at: usize) -> Result<Option<Header<'_>>, Malformed> {
    let Some((&kind, rest)) = bytes.get(at..).and_then(|rest| rest.split_first()) else {
        return Ok(None);
    };
    if !b"+-:_,#($!=*~>%|".contains(&kind) {
        return Err(Malformed);
    }
    let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    Ok(Some((kind, &rest[..end], at + 1 + end + 2)))
}

/// The number in a header; `None` for -1, with which version 2 says that there is nothing.
fn length(digits: &[u8]) -> Result<Option<u64>, Malformed> {
    if digits == b"-1" {
        return Ok(None);
    }
    let number = std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse::<u32>().ok());
    number.map(|number| Some(number.into())).ok_or(Malformed)
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A simple string, like `OK`.
    Status(String),
    /// An error, with its code: `WRONGPASS invalid …`.
    Error(String),
    /// A whole number.
    Integer(i64),
    /// A string; a verbatim string, without its kind; a big number, as its digits.
    Bulk(Vec<u8>),
    /// Nothing, in any of its three forms.
    Nil,
    /// An array or a set.
    Array(Vec<Reply>),
    /// A map, in the order sent. Version 2 sends arrays instead.
    Map(Vec<(Reply, Reply)>),
    /// A message that nobody asked for.
    Push(Vec<Reply>),
    /// A floating-point number.
    Double(f64),
    /// A truth value.
    Boolean(bool),
}

impl Reply {
    /// The first frame in `bytes`, without its attributes; `None` if it isn't whole or malformed.
    pub fn parse(bytes: &[u8]) -> Option<Reply> {
        frame_length(bytes).ok()??;
        parse(bytes, &mut 0)
    }

    /// `OK`.
    pub fn ok() -> Reply {
        Reply::Status("OK".to_owned())
    }

    /// A string of these bytes.
    pub fn bulk(bytes: impl AsRef<[u8]>) -> Reply {
        Reply::Bulk(bytes.as_ref().to_vec())
    }

    /// The bytes of a string or status.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Reply::Bulk(bytes) => Some(bytes),
            Reply::Status(status) => Some(status.into_bytes()),
            _ => None,
        }
    }

    /// The text of a string or status.
    ///
    /// # Panics
    ///
    /// If it is something else.
    #[track_caller]
    pub fn text(&self) -> String {
        let bytes = self
            .clone()
            .into_bytes()
            .unwrap_or_else(|| panic!("{self:?} is no string"));
        String::from_utf8(bytes).unwrap_or_else(|_| panic!("{self:?} is no text"))
    }

    /// The number that this is, or that its text is.
    ///
    /// # Panics
    ///
    /// If it is something else.
    #[track_caller]
    pub fn integer(&self) -> i64 {
        match self {
            Reply::Integer(number) => *number,
            _ => self
                .text()
                .parse()
                .unwrap_or_else(|_| panic!("{self:?} is no number")),
        }
    }

    /// The elements of an array, set or push; keys and values in turn of a map.
    ///
    /// # Panics
    ///
    /// If it is something else.
    #[track_caller]
    pub fn items(self) -> Vec<Reply> {
        match self {
            Reply::Array(items) | Reply::Push(items) => items,
            Reply::Map(pairs) => pairs
                .into_iter()
                .flat_map(|(key, value)| [key, value])
                .collect(),
            other => panic!("{other:?} has no elements"),
        }
    }
}

/// Reads the frame at `at`, which is whole, and moves `at` behind it.
fn parse(bytes: &[u8], at: &mut usize) -> Option<Reply> {
    let (kind, rest, next) = header(bytes, *at).ok()??;
    *at = next;
    let text = || String::from_utf8_lossy(rest).into_owned();
    let many = |at: &mut usize, count: u64| {
        (0..count)
            .map(|_| parse(bytes, at))
            .collect::<Option<Vec<_>>>()
    };
    Some(match kind {
        b'+' => Reply::Status(text()),
        b'-' => Reply::Error(text()),
        b':' => Reply::Integer(text().parse().ok()?),
        b'_' => Reply::Nil,
        b',' => Reply::Double(text().parse().ok()?),
        b'#' => Reply::Boolean(rest == b"t"),
        b'(' => Reply::Bulk(rest.to_vec()),
        _ => match (kind, length(rest).ok()?) {
            (_, None) => Reply::Nil,
            (b'$' | b'!' | b'=', Some(length)) => {
                let body = bytes.get(*at..*at + length as usize)?;
                *at += length as usize + 2;
                match kind {
                    b'$' => Reply::Bulk(body.to_vec()),
                    b'=' => Reply::Bulk(body.get(4..)?.to_vec()),
                    _ => Reply::Error(String::from_utf8_lossy(body).into_owned()),
                }
            }
            (b'>', Some(count)) => Reply::Push(many(at, count)?),
            (b'%', Some(count)) => {
                let pairs = (0..count).map(|_| Some((parse(bytes, at)?, parse(bytes, at)?)));
                Reply::Map(pairs.collect::<Option<Vec<_>>>()?)
            }
            (b'|', Some(count)) => {
                many(at, 2 * count)?;
                parse(bytes, at)?
            }
            (_, Some(count)) => Reply::Array(many(at, count)?),
        },
    })
}

/// How long a client waits for a reply before it takes the server for hanging.
const PATIENCE: Duration = Duration::from_secs(10);

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// A connection to a server, for commands whose replies belong together: `MULTI`, `CLIENT TRACKING`, `SUBSCRIBE`.
///
/// It speaks version 2 until it is told `HELLO 3`. A reply that doesn't come within ten seconds is an error of the kind `WouldBlock` or
/// `TimedOut`; after an error the connection is of no further use.
pub struct RespClient {
    stream: Box<dyn Stream>,
    /// Received and not yet returned.
    buffer: Vec<u8>,
}

impl RespClient {
    /// Connects by TCP, without TLS.
    ///
    /// # Errors
    ///
    /// The connection's.
    pub fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: Box::new(stream),
            buffer: Vec::new(),
        })
    }

    /// Connects to a server's socket in the file system.
    pub(crate) fn connect_local(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: Box::new(stream),
            buffer: Vec::new(),
        })
    }

    /// Sends a command and returns the next reply. Pushes that come before it are dropped. An error of the server is a [`Reply::Error`].
    ///
    /// # Errors
    ///
    /// The connection's, an overlong wait and malformed bytes.
    pub fn command<A: AsRef<[u8]>>(&mut self, words: &[A]) -> io::Result<Reply> {
        self.send(words)?;
        loop {
            match self.receive()? {
                Reply::Push(_) => {}
                reply => return Ok(reply),
            }
        }
    }

    /// Sends a command and doesn't wait.
    ///
    /// # Errors
    ///
    /// The connection's.
    pub fn send<A: AsRef<[u8]>>(&mut self, words: &[A]) -> io::Result<()> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            let word = word.as_ref();
            write!(request, "${}\r\n", word.len())?;
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        self.stream.write_all(&request)
    }

    /// Waits for the next frame: a reply or a push.
    ///
    /// # Errors
    ///
    /// The connection's, its end (`UnexpectedEof`), an overlong wait and malformed bytes.
    pub fn receive(&mut self) -> io::Result<Reply> {
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(length) = frame_length(&self.buffer)? {
                let frame: Vec<u8> = self.buffer.drain(..length).collect();
                return Reply::parse(&frame).ok_or_else(|| Malformed.into());
            }
            match self.stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.buffer.extend_from_slice(&chunk[..count]),
            }
        }
    }
}
