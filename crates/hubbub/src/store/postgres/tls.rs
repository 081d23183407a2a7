//! TLS to Postgres, as libpq's `sslmode` and `sslrootcert` have it; two things are stricter or plainer, and said so in words:
//! without `sslmode` nothing is encrypted, and `allow` is refused.

use super::super::StoreError;
use crate::crypto::{
    self,
    certificate::{self, Fault},
};
use hubbub_core::model::percent;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    config::SslMode,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};

/// What to do where an option of TLS would be overlooked.
pub(crate) const AT: &str = "an option of TLS in its URL cannot be told from the rest: percent-encode @ and ? in its options and password, and nothing in an option's name";

/// What is asked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// Nothing: what is read on the way is hidden, whoever answers.
    Nothing,
    /// That an authority of ours vouches for it (`verify-ca`).
    Authority,
    /// That it is also this host's (`verify-full`).
    Host,
}

/// How to speak TLS to one server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tls(Option<Arc<Checked>>);

/// What is asked of certificates, by authorities that are read anew at every dial.
struct Checked {
    check: Check,
    authority: Option<PathBuf>,
    /// What the file had when it was read last, and what was made of it: it knows sessions that can be resumed.
    last: Mutex<Option<(Vec<u8>, Arc<ClientConfig>)>>,
}

impl Checked {
    /// For the next connection.
    fn config(&self) -> Result<Arc<ClientConfig>, StoreError> {
        let broken = |path: &Path, why: String| StoreError::Broken(format!("sslrootcert {}: {why}", path.display()));
        let read = |path: &PathBuf| std::fs::read(path).map_err(|error| broken(path, error.to_string()));
        let pem = self.authority.as_ref().map(read).transpose()?.unwrap_or_default();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, config)) = &*last
            && *before == pem
        {
            return Ok(config.clone());
        }
        let provider = crypto::provider();
        let inner = match &self.authority {
            Some(path) => Some(authorities(&pem, &provider).map_err(|why| broken(path, why))?),
            None => None,
        };
        let config = Arc::new(client(self.check, inner, provider)?);
        *last = Some((pem, config.clone()));
        Ok(config)
    }
}

/// What a URL says of TLS.
pub(crate) struct Wanted {
    pub mode: SslMode,
    pub tls: Tls,
}

/// Takes the options of TLS out of a URL: what they ask for, and the URL without them.
pub(crate) fn wanted(url: &str) -> Result<(Wanted, String), StoreError> {
    // As the driver has it: up to the first `@` it is user and password, and options follow the first `?` after it.
    let start = url.find('@').unwrap_or(0);
    // Without a user, that `@` may be one of an option's, and what stands before it would be taken for a password.
    if ["sslmode=", "sslrootcert="].iter().any(|option| url[..start].contains(option)) {
        return Err(StoreError::Broken(AT.into()));
    }
    let Some((head, options)) = url[start..].split_once('?') else {
        return Ok((Wanted { mode: SslMode::Disable, tls: Tls(None) }, url.to_owned()));
    };
    let (mut mode, mut authority, mut rest) = (None, None, Vec::new());
    for option in options.split('&') {
        match option.split_once('=').unwrap_or((option, "")) {
            ("sslmode", value) => mode = Some(value),
            ("sslrootcert", value) => {
                let wrong =
                    "sslrootcert in its URL: a % must be followed by two hex digits, and the result must be UTF-8";
                let path = percent::decode(value).ok_or_else(|| StoreError::Broken(wrong.into()))?;
                authority = Some(PathBuf::from(path));
            }
            ("sslnegotiation", "postgres") => {}
            (name, _) if name.starts_with("ssl") => {
                let here = "sslmode and sslrootcert are understood here";
                return Err(StoreError::Broken(format!("{name} in its URL: {here}")));
            }
            _ => rest.push(option),
        }
    }
    let (mode, check) = match (mode.unwrap_or("disable"), &authority) {
        ("disable", None) => (SslMode::Disable, None),
        ("disable", Some(_)) => {
            let said = "sslrootcert in its URL without an sslmode that uses it: add sslmode=verify-full";
            return Err(StoreError::Broken(said.into()));
        }
        ("prefer", None) => (SslMode::Prefer, Some(Check::Nothing)),
        ("require", None) => (SslMode::Require, Some(Check::Nothing)),
        // As libpq has it: with an authority at hand, it is asked.
        ("require" | "verify-ca", Some(_)) => (SslMode::Require, Some(Check::Authority)),
        ("verify-full", Some(_)) => (SslMode::Require, Some(Check::Host)),
        (asked @ ("verify-ca" | "verify-full"), None) => {
            return Err(StoreError::Broken(format!(
                "sslmode={asked} in its URL needs sslrootcert=FILE, the certificates (PEM) of who vouches for the server; those of the system are often /etc/ssl/certs/ca-certificates.crt"
            )));
        }
        ("prefer", Some(_)) => {
            let said = "sslmode=prefer in its URL checks no certificate: with sslrootcert use sslmode=verify-full";
            return Err(StoreError::Broken(said.into()));
        }
        _ => {
            let said = "sslmode in its URL: one of disable, prefer, require, verify-ca, verify-full is expected";
            return Err(StoreError::Broken(said.into()));
        }
    };
    let tls = Tls(check.map(|check| Arc::new(Checked { check, authority, last: Mutex::default() })));
    // What is wrong with the file is said at the start.
    tls.0.as_ref().map(|checked| checked.config()).transpose()?;
    let options = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    Ok((Wanted { mode, tls }, format!("{}{head}{options}", &url[..start])))
}

fn client(
    check: Check,
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, StoreError> {
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Broken(format!("TLS: {error}")))?;
    let verifier = Arc::new(Verifier { check, inner, provider });
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn authorities(pem: &[u8], provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("there is no certificate in it; PEM is expected".into());
    }
    WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
        .build()
        .map_err(|error| error.to_string())
}

#[derive(Debug)]
struct Verifier {
    check: Check,
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            // The name is looked at last, when an authority has been found.
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }))
                if self.check == Check::Authority =>
            {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why a handshake failed, where waiting does not help: in words, with what to do.
pub(crate) fn refused(error: &tokio_postgres::Error) -> Option<String> {
    if let Some((fault, says)) = certificate::refused(error) {
        let advice = match fault {
            Fault::Host => {
                "sslmode=verify-full wants the host of the URL among the certificate's subject alternative names"
            }
            Fault::Authority => "sslrootcert has to name the authority that signed it",
            Fault::Time => "give the server another one",
            Fault::Other => "see sslmode and sslrootcert",
        };
        return Some(format!("{says}; {advice}"));
    }
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let plain = causes.into_iter().any(|cause| cause.to_string() == "server does not support TLS");
    plain.then(|| "the server speaks no TLS, and sslmode asks for it: turn `ssl` on there".into())
}

/// One connection's TLS, about to begin.
pub(crate) struct Handshake {
    config: Option<Arc<ClientConfig>>,
    name: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Stream<S>;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<Handshake> {
        let config = self.0.as_ref().map(|checked| checked.config()).transpose().map_err(io::Error::other)?;
        Ok(Handshake { config, name: domain.to_owned() })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let config = self.config.ok_or_else(|| io::Error::other("TLS is not wanted"))?;
            let name = ServerName::try_from(self.name).map_err(io::Error::other)?;
            let stream = tokio_rustls::TlsConnector::from(config).connect(name, stream).await?;
            Ok(Stream(Box::new(stream)))
        })
    }
}

/// An encrypted connection. Its SCRAM is without channel binding.
pub(crate) struct Stream<S>(Box<tokio_rustls::client::TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "TLS" } else { "plain" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_refused_in_words_that_hold_no_password() {
        for (options, words) in [
            ("sslmode=verify-full", "needs sslrootcert"),
            ("sslmode=verify-ca", "needs sslrootcert"),
            ("sslrootcert=/nowhere", "sslmode=verify-full"),
            ("sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"),
            ("sslmode=verify-full&sslrootcert=%2Fnowhere%2fca.pem", "/nowhere/ca.pem"),
            ("sslmode=verify-full&sslrootcert=%zz", "hex"),
            ("sslmode=prefer&sslrootcert=/nowhere", "verify-full"),
            ("sslmode=allow", "verify-full"),
            ("sslmode=", "verify-full"),
            ("sslmode=secret", "verify-full"),
            ("sslcert=a", "sslcert"),
            ("sslnegotiation=direct", "sslnegotiation"),
        ] {
            let url = format!("postgres://hubbub:secret?pass@host/db?{options}");
            let said = wanted(&url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains(words) && !said.contains("secret"), "{options}: {said}");
        }
    }

    #[test]
    fn an_at_sign_among_the_options_hides_none_of_them() {
        for url in [
            "postgres://db/chat?sslmode=require&application_name=chat@prod",
            "postgres://db:5432/chat?sslrootcert=/ca.pem&sslmode=verify-full&application_name=chat@prod",
            "postgres://u:hush@db/chat?%73slmode=require",
        ] {
            let said = super::super::connect::server(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains("percent-encode @") && !said.contains("hush"), "{url}: {said}");
        }
        let url = "postgres://u:p@db/chat?sslmode=require&application_name=chat@prod";
        let server = super::super::connect::server(url).unwrap();
        assert_eq!(server.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(server.config.get_application_name(), Some("chat@prod"));
    }

    #[test]
    fn only_the_options_of_tls_are_taken_out() {
        for (url, mode, rest) in [
            ("postgres://a@h/d", SslMode::Disable, "postgres://a@h/d"),
            ("postgres://h/d?sslmode=require", SslMode::Require, "postgres://h/d"),
            (
                "postgres://a:p?mode=x@h/d?connect_timeout=1&sslmode=prefer",
                SslMode::Prefer,
                "postgres://a:p?mode=x@h/d?connect_timeout=1",
            ),
            (
                "postgres://a@h/d?sslmode=disable&application_name=x",
                SslMode::Disable,
                "postgres://a@h/d?application_name=x",
            ),
        ] {
            let (wanted, left) = wanted(url).unwrap();
            assert_eq!((wanted.mode, &*left), (mode, rest), "{url}");
            assert_eq!(wanted.tls.0.is_some(), mode != SslMode::Disable, "{url}");
        }
    }
}
