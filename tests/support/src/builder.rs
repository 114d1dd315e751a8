//! What a server is to be like.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::server::RedisServer;
use crate::tls::Certificates;

/// The user that the server's own handle logs in as, so that tests can do what they like to the others.
pub(crate) const ADMIN: [&str; 2] = ["test-support", "test-support"];

/// The settings of a [`RedisServer`]. Made by [`RedisServer::builder`].
#[must_use]
#[derive(Clone)]
pub struct RedisServerBuilder {
    lines: String,
    pub(crate) password: Option<String>,
    tls: bool,
    pub(crate) binary: String,
    pub(crate) port: Option<u16>,
    pub(crate) env: Vec<(String, String)>,
}

impl RedisServerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            lines: String::new(),
            password: None,
            tls: false,
            binary: "redis-server".to_owned(),
            port: None,
            env: Vec::new(),
        }
    }

    /// Adds a line to redis.conf: `.config("maxclients", 10)`, `.config("save", "1 1")`. The value is taken as it is, so one with spaces may
    /// want quotes. It prevails over what this package sets.
    pub fn config(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        // Into a String, which can't fail.
        let _ = writeln!(self.lines, "{key} {value}");
        self
    }

    /// Demands this password of the default user. It is part of [`RedisServer::url`].
    pub fn password(mut self, password: &str) -> Self {
        self = self.config("requirepass", quoted(password));
        self.password = Some(password.to_owned());
        self
    }

    /// Adds a user, written as for `ACL SETUSER`: `.acl("reader on >secret ~app:* +get")`. `.acl("default off")` closes the server to
    /// everybody else; [`RedisServer::command`] works nevertheless.
    pub fn acl(self, user: &str) -> Self {
        self.config("user", user)
    }

    /// Limits its memory; a policy like `noeviction` or `allkeys-lru`. An empty server takes a good megabyte.
    pub fn maxmemory(self, bytes: u64, policy: &str) -> Self {
        self.config("maxmemory", bytes)
            .config("maxmemory-policy", policy)
    }

    /// Listens for TLS instead of plain TCP, with a certificate for `localhost` and 127.0.0.1 by an authority of its own
    /// ([`RedisServer::ca_pem`]). It asks clients for no certificate.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Runs this program instead of the `redis-server` that is found in `PATH`.
    pub fn binary(mut self, path: &str) -> Self {
        self.binary = path.to_owned();
        self
    }

    /// Sets a variable in its environment.
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Tries this port first. If it is taken, another is chosen, as without this.
    pub fn try_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Starts it, and returns when it answers.
    ///
    /// # Panics
    ///
    /// If the program is missing, refuses its configuration or doesn't answer within 30 seconds; with its log.
    #[track_caller]
    pub fn start(self) -> RedisServer {
        RedisServer::launch(self)
    }

    pub(crate) fn certificates(&self) -> Option<Certificates> {
        self.tls.then(Certificates::new)
    }

    /// Writes redis.conf for this port into `dir`.
    pub(crate) fn write(
        &self,
        dir: &Path,
        port: u16,
        certificates: Option<&Certificates>,
    ) -> io::Result<()> {
        let listen = match certificates {
            Some(certificates) => certificates.install(dir, port)?,
            None => format!("port {port}\n"),
        };
        let [admin, secret] = ADMIN;
        // An optional ::1, because `localhost` may mean it. `enable-debug-command local` opens DEBUG.
        let config = format!(
            "{listen}bind 127.0.0.1 -::1\nunixsocket socket\ndaemonize no\nsave \"\"\nappendonly no\nenable-debug-command local\n\
             user {admin} on >{secret} ~* &* +@all\n{}",
            self.lines
        );
        std::fs::write(dir.join("redis.conf"), config)
    }
}

/// `text` as one word of redis.conf.
fn quoted(text: &str) -> String {
    let mut word = String::from("\"");
    for byte in text.bytes() {
        let _ = write!(word, "\\x{byte:02x}");
    }
    word + "\""
}
