//! Certificates to be thrown away: an authority of one's own, a server's for 127.0.0.1, and a client's.

use std::{path::Path, process::Command};
use tempfile::TempDir;

/// See the module. The files are gone when it is dropped.
#[derive(Debug)]
pub struct Certificates {
    directory: TempDir,
}

impl Certificates {
    /// Makes them.
    ///
    /// # Panics
    /// Without an installed openssl.
    pub fn make() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let made = Self { directory };
        made.openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem");
        made.openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger -keyout stranger.key -out stranger.pem",
        );
        std::fs::write(made.path("names"), "subjectAltName=IP:127.0.0.1").expect("a file");
        for name in ["server", "client"] {
            made.openssl(&format!("req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"));
            made.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out {name}.pem"
            ));
        }
        made
    }

    /// One of `ca.pem`, `stranger.pem` (another authority), `server.pem`, `server.key`, `client.pem`, `client.key`.
    pub fn path(&self, name: &str) -> String {
        self.at().join(name).to_str().expect("a path").to_owned()
    }

    fn at(&self) -> &Path {
        self.directory.path()
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(self.at()).output();
        let output = output.unwrap_or_else(|error| panic!("openssl ({error}): run scripts/install-services"));
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
