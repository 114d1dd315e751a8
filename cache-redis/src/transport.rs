//! The way to the server: TCP, and TLS over it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use cache_core::Error;
use redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

#[cfg(feature = "tls")]
pub(crate) use tls::Certificates;
pub(crate) use tls::Security;

/// A peer that is silent for so long is asked for a sign of life, so that a connection that nobody
/// uses is known to be dead before somebody does.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVE_RETRIES: u32 = 3;

/// After so long without an acknowledgement of what was sent, the kernel ends the connection.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to the first of the host's addresses that answers. Each has its share of the time, so
/// that one which swallows everything leaves some for the others.
pub(crate) async fn connect(host: &str, port: u16, within: Duration) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    let share = within / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                prepare(&stream)?;
                return Ok(stream);
            }
            Ok(Err(error)) => failure = error,
            Err(elapsed) => failure = elapsed.into(),
        }
    }
    Err(failure)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

#[cfg(not(feature = "tls"))]
mod tls {
    use super::Error;

    /// Nothing but plain TCP: the feature for TLS is off.
    pub(crate) struct Security;

    impl Security {
        pub(crate) fn new(encrypted: bool) -> Result<Self, Error> {
            if encrypted {
                return Err(Error::configuration(
                    "rediss:// needs the cargo feature `redis-tls` of cachewright (`tls` of \
                     cache-redis)",
                ));
            }
            Ok(Self)
        }

        pub(crate) fn scheme(&self) -> &'static str {
            "redis"
        }
    }
}

#[cfg(feature = "tls")]
mod tls {
    use std::error::Error as StdError;
    use std::io;
    use std::sync::Arc;

    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

    use super::Error;

    /// Plain TCP, or TLS with what was read when the store was made: connecting again reads no
    /// files, and can resume the session.
    pub(crate) enum Security {
        Plain,
        Tls(TlsConnector),
    }

    /// Certificates in PEM, as they were given.
    #[derive(Default)]
    pub(crate) struct Certificates {
        pub(crate) roots: Option<Vec<u8>>,
        pub(crate) client: Option<(Vec<u8>, Vec<u8>)>,
    }

    impl Security {
        pub(crate) fn new(encrypted: bool, certificates: Certificates) -> Result<Self, Error> {
            if encrypted {
                Ok(Self::Tls(TlsConnector::from(Arc::new(config(
                    certificates,
                )?))))
            } else if certificates.roots.is_some() || certificates.client.is_some() {
                Err(Error::configuration(
                    "certificates were given, and the Redis URL asks for none: it begins with \
                     redis:// and not with rediss://",
                ))
            } else {
                Ok(Self::Plain)
            }
        }

        pub(crate) fn scheme(&self) -> &'static str {
            match self {
                Self::Plain => "redis",
                Self::Tls(_) => "rediss",
            }
        }
    }

    pub(crate) async fn encrypt(
        connector: &TlsConnector,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        connector.connect(name, stream).await
    }

    /// What TLS itself refused with, a certificate for example: trying again can't help.
    pub(crate) fn refusal(error: &io::Error) -> Option<&rustls::Error> {
        error.get_ref()?.downcast_ref()
    }

    /// The error of TLS that lies beneath one of the client library, which wraps it in an `Arc`.
    pub(crate) fn beneath(error: &redis::RedisError) -> Option<&io::Error> {
        let wrapped = error.source()?;
        let wrapped = wrapped.downcast_ref::<Arc<dyn StdError + Send + Sync>>()?;
        let error = wrapped.downcast_ref()?;
        refusal(error).map(|_| error)
    }

    /// The provider of the cryptography is named here: a default of the whole process would be the
    /// program's to choose, and without one rustls panics.
    fn config(certificates: Certificates) -> Result<ClientConfig, Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("TLS", error))?
            .with_root_certificates(roots(certificates.roots)?);
        let Some((chain, key)) = certificates.client else {
            return Ok(config.with_no_client_auth());
        };
        let chain = parse(&chain, "the client's certificate")?;
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|error| unusable("the client's private key", error))?;
        config
            .with_client_auth_cert(chain, key)
            .map_err(|error| unusable("the client's certificate", error))
    }

    fn roots(given: Option<Vec<u8>>) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        if let Some(pem) = given {
            for certificate in parse(&pem, "the root certificates")? {
                roots
                    .add(certificate)
                    .map_err(|error| unusable("the root certificates", error))?;
            }
            return Ok(roots);
        }
        let found = rustls_native_certs::load_native_certs();
        // Some of an operating system's certificates may be odd: the others do.
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(Error::configuration(
                "the operating system trusts no certificates: give the store its root certificates",
            ));
        }
        Ok(roots)
    }

    fn parse(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| unusable(what, error))?;
        if certificates.is_empty() {
            return Err(Error::configuration(format!(
                "{what}: there is none in the PEM"
            )));
        }
        Ok(certificates)
    }

    fn unusable(what: &str, error: impl std::fmt::Display) -> Error {
        Error::configuration(format!("{what} can't be used: {error}"))
    }
}

#[cfg(feature = "tls")]
pub(crate) use tls::{beneath, encrypt, refusal};
