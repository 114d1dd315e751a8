//! Servers with TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use cachewright_test_support::RedisServer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Sends PING to the server under this name, trusting this authority alone.
fn ping(server: &RedisServer, name: &'static str, ca_pem: &str) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).expect("PEM"))
        .expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name).expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(session, TcpStream::connect(server.addr())?);
    stream.write_all(b"PING\r\n")?;
    let mut reply = [0; 7];
    stream.read_exact(&mut reply)?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

#[test]
fn the_certificate_is_for_localhost_and_its_address() {
    let server = RedisServer::builder().tls().start();
    assert_eq!(
        server.url(),
        format!("rediss://127.0.0.1:{}", server.port())
    );
    assert_eq!(
        server.url_via("localhost", server.port()),
        format!("rediss://localhost:{}", server.port())
    );
    for name in ["localhost", "127.0.0.1"] {
        assert_eq!(
            ping(&server, name, server.ca_pem()).expect(name),
            "+PONG\r\n"
        );
    }
    ping(&server, "elsewhere.example", server.ca_pem()).expect_err("another's name");
}

#[test]
fn each_server_has_an_authority_of_its_own() {
    let [server, other] = [(); 2].map(|()| RedisServer::builder().tls().start());
    ping(&server, "localhost", other.ca_pem()).expect_err("another's authority");
}

#[test]
fn a_server_with_tls_doesnt_talk_without() {
    let server = RedisServer::builder().tls().password("secret").start();
    let mut plain =
        cachewright_test_support::RespClient::connect(server.addr()).expect("a connection");
    plain.command(&["PING"]).expect_err("no TLS");
    assert_eq!(server.command(&["PING"]).text(), "PONG");
    server.restart();
    assert!(
        ping(&server, "localhost", server.ca_pem())
            .expect("TLS")
            .starts_with("-NOAUTH")
    );
}
