//! An authority of one's own, whose certificates may be for any host and any time.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// See the module. Its own certificate is in a file, which is gone when it is dropped.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    /// Makes one.
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "an authority of tests");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).expect("a file");
        Self { issuer, directory }
    }

    /// Where its certificate is.
    pub fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Its certificate (PEM).
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a host, and its key (PEM).
    pub fn vouches_for(&self, host: &str) -> (String, String) {
        self.vouched(host, 1)
    }

    /// The same, which expired yesterday.
    pub fn vouched_for(&self, host: &str) -> (String, String) {
        self.vouched(host, -1)
    }

    fn vouched(&self, host: &str, days: i32) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([host.to_owned()]).expect("parameters");
        let (now, day) = (SystemTime::now(), Duration::from_secs(86_400));
        params.not_before = (now - 30 * day).into();
        params.not_after =
            if days < 0 { now - day * days.unsigned_abs() } else { now + day * days.unsigned_abs() }.into();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}
