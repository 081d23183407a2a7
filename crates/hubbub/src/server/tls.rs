//! TLS on our own socket, with a certificate that can be replaced while it is used.

use super::certificate::not_after;
use crate::{config::TlsFiles, crypto, gateway::tcp::Tcp, log::Seldom, metrics::Metrics};
use anyhow::{Context, bail};
use hubbub_core::limits;
use std::{
    fmt,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};
use tokio::{net::TcpStream, signal::unix::Signal};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
};

static NO_HANDSHAKE: Seldom = Seldom::new();

/// See the module.
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    files: TlsFiles,
    metrics: Arc<Metrics>,
}

struct Current(RwLock<Arc<CertifiedKey>>);

/// When the two files were last written, and how long they are.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// Reads certificate and key.
    pub(super) fn open(files: &TlsFiles, metrics: &Arc<Metrics>) -> anyhow::Result<Self> {
        let (key, expires) = read(files)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(key))));
        metrics.tls_not_after.set(expires);
        let mut config = ServerConfig::builder_with_provider(crypto::provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        // What the loop below speaks; a browser offered HTTP/2 could not upgrade.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { acceptor, current, files: files.clone(), metrics: metrics.clone() })
    }

    /// The handshake with a client, which has [`limits::HANDSHAKE_WITHIN`] for it.
    pub(super) async fn accept(&self, stream: TcpStream) -> Option<Tcp> {
        // What waits to be encrypted and written is bounded like what waits in the kernel.
        let handshake = self.acceptor.accept_with(stream, |tls| tls.set_buffer_limit(Some(limits::WRITE_BYTES)));
        match tokio::time::timeout(limits::HANDSHAKE_WITHIN, handshake).await {
            Ok(Ok(stream)) => Some(stream.into()),
            Ok(Err(error)) => {
                self.metrics.strangers.refused("handshake");
                if let Some(passed_over) = NO_HANDSHAKE.tell() {
                    tracing::info!(%error, passed_over, "no TLS handshake");
                }
                None
            }
            Err(_) => {
                self.metrics.strangers.refused("handshake");
                if let Some(passed_over) = NO_HANDSHAKE.tell() {
                    tracing::info!(passed_over, "a TLS handshake took too long");
                }
                None
            }
        }
    }

    /// Reads the files anew. When they cannot be used, the certificate of before stays, and that is said.
    pub(super) fn reload(&self) {
        match read(&self.files) {
            Ok((key, expires)) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                self.metrics.tls_not_after.set(expires);
                tracing::info!(expires, "a new TLS certificate is used from now on");
            }
            Err(error) => {
                self.metrics.tls_failures.inc();
                tracing::error!("the new TLS certificate cannot be used, the old one stays: {error:#}");
            }
        }
    }

    /// Reloads whenever the files change, and on each SIGHUP that `hangup` tells of.
    pub(super) async fn watch(self: Arc<Self>, mut hangup: Signal) {
        let mut seen = self.stamp();
        loop {
            let told = tokio::select! {
                told = hangup.recv() => told.is_some(),
                () = tokio::time::sleep(limits::TLS_LOOK_EVERY) => false,
            };
            // Asked before reading: what is written meanwhile is another stamp at the next look.
            let stamp = self.stamp();
            if told || stamp != seen {
                seen = stamp;
                self.reload();
            }
        }
    }

    fn stamp(&self) -> Stamp {
        [&self.files.cert, &self.files.key].map(|path| {
            let file = std::fs::metadata(path).ok()?;
            Some((file.modified().ok()?, file.len()))
        })
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the current certificate")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Until when a certificate is good, in seconds since 1970, if it can be used with its key.
///
/// # Errors
/// Why it cannot, after the option.
pub fn good_until(files: &TlsFiles) -> anyhow::Result<i64> {
    read(files).map(|(_, until)| until)
}

/// Certificate and key that belong together, and until when they are good, in seconds since 1970.
fn read(files: &TlsFiles) -> anyhow::Result<(CertifiedKey, i64)> {
    let told = |option: &'static str, path: &Path| format!("{option} {}", path.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect)
        .with_context(|| told("--tls-cert", &files.cert))?;
    let Some(leaf) = chain.first() else {
        bail!("{}: there is no certificate in it; PEM is expected", told("--tls-cert", &files.cert));
    };
    let expires = not_after(leaf).with_context(|| told("--tls-cert", &files.cert))?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
    if expires <= now {
        bail!("{}: this certificate has expired", told("--tls-cert", &files.cert));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).with_context(|| told("--tls-key", &files.key))?;
    let key = CertifiedKey::from_der(chain, key, &crypto::provider())
        .with_context(|| format!("{}: not the key of this certificate", told("--tls-key", &files.key)))?;
    Ok((key, expires))
}
