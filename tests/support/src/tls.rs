//! A certificate authority for one server.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

/// What a server proves itself with, and what its clients are to trust.
pub(crate) struct Certificates {
    pub(crate) ca: String,
    server: String,
    key: String,
}

impl Certificates {
    /// A new authority and a certificate by it for `localhost` and 127.0.0.1.
    pub(crate) fn new() -> Self {
        Self::issue().expect("certificates can be made")
    }

    fn issue() -> Result<Self, rcgen::Error> {
        let ca_key = KeyPair::generate()?;
        let mut authority = CertificateParams::new(Vec::new())?;
        authority
            .distinguished_name
            .push(DnType::CommonName, "test authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = authority.self_signed(&ca_key)?;
        let issuer = Issuer::new(authority, ca_key);

        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params
            .distinguished_name
            .push(DnType::CommonName, "test server");
        params.subject_alt_names = vec![
            SanType::DnsName(Ia5String::try_from("localhost")?),
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server = params.signed_by(&key, &issuer)?;
        Ok(Self {
            ca: ca.pem(),
            server: server.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Writes `ca.pem`, `server.pem` and `server.key` into `dir`, and returns the lines of redis.conf that name them.
    pub(crate) fn install(&self, dir: &Path, port: u16) -> std::io::Result<String> {
        for (name, contents) in [
            ("ca.pem", &self.ca),
            ("server.pem", &self.server),
            ("server.key", &self.key),
        ] {
            std::fs::write(dir.join(name), contents)?;
        }
        Ok(format!(
            "port 0\ntls-port {port}\ntls-cert-file server.pem\ntls-key-file server.key\ntls-ca-cert-file ca.pem\ntls-auth-clients no\n"
        ))
    }
}
