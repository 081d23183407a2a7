//! Why a server's certificate is not accepted, in words: of three faults each wants something else to be done.

use hubbub_core::model::time::Timestamp;
use rustls::CertificateError;
use rustls_pki_types::UnixTime;
use std::{error::Error, io, sync::Arc};

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody who is trusted vouches for it.
    Authority,
    /// It is another host's.
    Host,
    /// It has expired, or begins later.
    Time,
    /// Anything else.
    Other,
}

/// What is wrong with the certificate for which a connection failed, and a sentence about it; none where it failed for
/// anything else.
pub fn refused(error: &(dyn Error + 'static)) -> Option<(Fault, String)> {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    let rustls::Error::InvalidCertificate(why) = of_tls(error)? else { return None };
    let (fault, says) = match why {
        UnknownIssuer | BadSignature => {
            (Fault::Authority, "was signed by an authority that is not trusted here".into())
        }
        NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().map(|name| plain(name)).collect();
            let names = if names.is_empty() { "no name at all".into() } else { names.join(", ") };
            (Fault::Host, format!("is for another host: for {names}, and not for {}", expected.to_str()))
        }
        NotValidForName => (Fault::Host, "is for another host".into()),
        ExpiredContext { not_after, .. } => (Fault::Time, format!("has expired, at {}", moment(*not_after))),
        Expired => (Fault::Time, "has expired".into()),
        NotValidYetContext { not_before, .. } => {
            (Fault::Time, format!("is not valid before {}; is the clock here right?", moment(*not_before)))
        }
        NotValidYet => (Fault::Time, "is not valid yet; is the clock here right?".into()),
        other => (Fault::Other, format!("is not accepted: {other}")),
    };
    Some((fault, format!("the server's certificate {says}")))
}

/// The error of TLS that lies somewhere within this one. What I/O errors and shared ones hold is not what they name as their
/// source.
fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        let within: Option<&'a (dyn Error + 'static)> = match cause.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as _),
            None => cause.downcast_ref::<Arc<dyn Error + Send + Sync>>().map(|inner| &**inner as _),
        };
        next = within.or_else(|| cause.source());
    }
    None
}

/// `DnsName("db.example")` as `db.example`.
fn plain(name: &str) -> &str {
    let within = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    within.trim_matches('"')
}

fn moment(at: UnixTime) -> Timestamp {
    Timestamp(i64::try_from(at.as_secs()).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls_pki_types::ServerName;
    use std::time::Duration;

    fn says(why: CertificateError) -> (Fault, String) {
        let tls = rustls::Error::InvalidCertificate(why);
        // As the clients of Postgres, Redis and NATS wrap it.
        let shared: Arc<dyn Error + Send + Sync> = Arc::new(io::Error::new(io::ErrorKind::InvalidData, tls));
        refused(&io::Error::other(shared)).expect("a certificate's fault")
    }

    #[test]
    fn each_fault_has_its_sentence() {
        let at = UnixTime::since_unix_epoch(Duration::from_secs(1_767_225_600));
        let host = ServerName::try_from("db.example").unwrap();
        for (why, fault, words) in [
            (CertificateError::UnknownIssuer, Fault::Authority, "an authority that is not trusted here"),
            (
                CertificateError::NotValidForNameContext {
                    expected: host,
                    presented: vec!["DnsName(\"other.example\")".into(), "IpAddress(10.0.0.1)".into()],
                },
                Fault::Host,
                "for other.example, 10.0.0.1, and not for db.example",
            ),
            (
                CertificateError::ExpiredContext { time: at, not_after: at },
                Fault::Time,
                "has expired, at 2026-01-01T00:00:00",
            ),
            (
                CertificateError::NotValidYetContext { time: at, not_before: at },
                Fault::Time,
                "not valid before 2026-01-01",
            ),
            (CertificateError::Revoked, Fault::Other, "is not accepted: "),
        ] {
            let (found, said) = says(why);
            assert!(found == fault && said.contains(words), "{found:?}: {said}");
        }
        assert!(refused(&io::Error::other("connection reset")).is_none());
        assert!(refused(&io::Error::other(rustls::Error::DecryptError)).is_none());
    }
}
