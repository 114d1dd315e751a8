//! What a store is told: where the server is and how to get in.

use std::fmt;
use std::time::Duration;

use cache_core::Error;
use redis::{ConnectionAddr, IntoConnectionInfo};

use crate::RedisStore;
use crate::transport::Security;

/// How long connecting may take unless it is set.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

const FORM: &str = "redis://user:password@host:port/database, with rediss:// for TLS; characters as \
                    # / ? @ in a user or password are percent-encoded";

/// Where the server is and how to get in: all that does not change while a store lives.
pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: i64,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) connect_timeout: Duration,
    pub(crate) security: Security,
}

impl Settings {
    /// Host and port, for messages.
    pub(crate) fn place(&self) -> String {
        // The colons of an IPv6 address are parted from that of the port.
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.security.scheme();
        write!(f, "{scheme}://{}/{}", self.place(), self.database)
    }
}

/// Settings of a [`RedisStore`], from [`RedisStore::builder`].
///
/// `Debug` shows neither user nor password.
#[must_use]
pub struct RedisStoreBuilder {
    url: String,
    username: Option<String>,
    password: Option<String>,
    connect_timeout: Duration,
    #[cfg(feature = "tls")]
    certificates: crate::transport::Certificates,
}

impl RedisStoreBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            username: None,
            password: None,
            connect_timeout: CONNECT_TIMEOUT,
            #[cfg(feature = "tls")]
            certificates: Default::default(),
        }
    }

    /// The user to log in as, instead of the URL's.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// The password to log in with, instead of the URL's.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// How long one attempt to connect may take, with name resolution, TLS and authentication. Two
    /// seconds unless set; at least a millisecond.
    ///
    /// No operation waits longer than its own deadline: the attempt goes on beside it.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// The certificates to trust, in PEM, *instead of* those that the operating system trusts. For
    /// `rediss://` with a certificate authority of one's own.
    #[cfg(feature = "tls")]
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.roots = Some(pem.into());
        self
    }

    /// The certificate chain and the private key that prove who the client is, in PEM. For servers
    /// that ask for it.
    #[cfg(feature = "tls")]
    pub fn client_certificate_pem(
        mut self,
        chain: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.certificates.client = Some((chain.into(), key.into()));
        self
    }

    /// Makes the store. Nothing is connected yet: the first operation does that.
    ///
    /// # Errors
    ///
    /// Configuration: a URL that can't be read (it is not quoted, since it may hold a password), a
    /// user without a password, certificates that can't be read, or `rediss://` without the cargo
    /// feature for TLS.
    pub fn build(self) -> Result<RedisStore, Error> {
        let (info, encrypted) = parse(&self.url)?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err(invalid("it names no host"));
        };
        let login = info.redis_settings();
        let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let username = owned(self.username.as_deref().or(login.username()));
        let password = owned(self.password.as_deref().or(login.password()));
        if username.is_some() && password.is_none() {
            return Err(Error::configuration(
                "a Redis user needs a password; for a password alone write redis://:password@host",
            ));
        }
        if login.db() < 0 {
            return Err(invalid("the number of a database is not negative"));
        }
        Ok(RedisStore::of(Settings {
            host: host.clone(),
            port: *port,
            database: login.db(),
            username,
            password,
            connect_timeout: self.connect_timeout,
            #[cfg(feature = "tls")]
            security: Security::new(encrypted, self.certificates)?,
            #[cfg(not(feature = "tls"))]
            security: Security::new(encrypted)?,
        }))
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

/// What a URL says, and whether it asks for TLS.
///
/// The scheme is exchanged before the client library reads it, because encrypting is done here and
/// not there.
fn parse(url: &str) -> Result<(redis::ConnectionInfo, bool), Error> {
    let mut url = redis::parse_redis_url(url).ok_or_else(|| invalid("it is no URL of Redis"))?;
    let encrypted = match url.scheme() {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return Err(invalid("sockets other than TCP are not supported")),
    };
    if url.fragment().is_some() {
        return Err(invalid("what stands behind a # means nothing"));
    }
    // The library's message is not handed on: it may quote.
    let unreadable = || invalid("host, port or database can't be read");
    url.set_scheme("redis").map_err(|()| unreadable())?;
    url.set_query(None);
    let info = url.into_connection_info().map_err(|_| unreadable())?;
    Ok((info, encrypted))
}

fn invalid(why: &str) -> Error {
    Error::configuration(format!(
        "the Redis URL is not valid: {why}. It has the form {FORM}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(url: &str) -> Result<RedisStore, Error> {
        RedisStoreBuilder::new(url).build()
    }

    #[test]
    fn store_is_described_without_user_and_password() {
        for (url, described) in [
            ("redis://localhost", "redis://localhost:6379/0"),
            ("valkey://localhost", "redis://localhost:6379/0"),
            (
                "redis://app:hunter2@db.example:7000/3?protocol=resp3",
                "redis://db.example:7000/3",
            ),
            ("redis://:hunter2@[::1]:7000", "redis://[::1]:7000/0"),
        ] {
            let store = built(url).unwrap();
            assert_eq!(cache_core::store::Store::describe(&store), described);
            let debug = format!("{store:?}");
            assert!(
                debug.contains(described) && !debug.contains("hunter2"),
                "{debug}"
            );
            assert!(!debug.contains("app"), "{debug}");
        }
    }

    #[test]
    fn invalid_url_is_a_configuration_error_that_does_not_quote_it() {
        for url in [
            "",
            "hunter2",
            "http://:hunter2@localhost",
            "unix:///tmp/hunter2",
            "redis://:hunter2@",
            "redis://:hunter2@localhost/hunter2",
            "redis://:hunter2@localhost/-1",
            "redis://:hunter2@localhost:hunter2",
            "redis://:hunt#er2@localhost",
            "redis://localhost/#hunter2",
            "redis://hunter2@localhost",
        ] {
            let error = built(url).unwrap_err();
            assert!(error.is_configuration(), "{url}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn builder_shows_no_password() {
        let builder = RedisStoreBuilder::new("redis://a:hunter2@localhost").password("hunter3");
        assert!(!format!("{builder:?}").contains("hunter"));
        let store = builder.username("b").build().unwrap();
        assert!(!format!("{store:?}").contains("hunter"));
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn encryption_without_its_feature_is_a_configuration_error_that_names_it() {
        let error = built("rediss://localhost").unwrap_err();
        assert!(error.is_configuration());
        assert!(error.to_string().contains("redis-tls"), "{error}");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn certificates_that_are_none_are_a_configuration_error() {
        for pem in [&b"no certificate"[..], b""] {
            let builder = RedisStoreBuilder::new("rediss://localhost").root_certificates_pem(pem);
            assert!(builder.build().unwrap_err().is_configuration());
            let builder = RedisStoreBuilder::new("rediss://localhost");
            let builder = builder.client_certificate_pem(pem, pem);
            assert!(builder.build().unwrap_err().is_configuration());
        }
        let plain = RedisStoreBuilder::new("redis://localhost").root_certificates_pem("");
        assert!(plain.build().unwrap_err().is_configuration());
    }
}
