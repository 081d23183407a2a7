//! TLS on our own socket, and what becomes of a certificate that is replaced.

use super::*;
use crate::{config::TlsFiles, crypto, metrics::Metrics, server::tls::Tls};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use std::{path::Path, sync::Arc};
use tokio_rustls::{
    TlsConnector, client,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName},
    },
};

struct Pair {
    cert: String,
    key: String,
    der: CertificateDer<'static>,
}

fn pair() -> Pair {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Pair { cert: cert.pem(), key: KeyPair::serialize_pem(&signing_key), der: cert.der().clone() }
}

fn written(directory: &Path, pair: &Pair) -> TlsFiles {
    let files = TlsFiles { cert: directory.join("cert.pem"), key: directory.join("key.pem") };
    std::fs::write(&files.cert, &pair.cert).unwrap();
    std::fs::write(&files.key, &pair.key).unwrap();
    files
}

async fn dial(address: SocketAddr, trusted: &Pair) -> std::io::Result<client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn http_and_sockets_go_through_tls() {
    let directory = tempfile::tempdir().unwrap();
    let made = pair();
    let files = written(directory.path(), &made);
    let settings = Settings { tls_cert: Some(files.cert), tls_key: Some(files.key), ..Settings::default() };
    let server = Server::with(settings).await;
    let (mut stream, mut head);
    let asked = std::time::Instant::now();
    loop {
        stream = dial(server.address, &made).await.expect("a handshake");
        let ask = format!("GET {SOCKET} HTTP/1.1\r\nhost: localhost\r\n{UPGRADE}\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        if !head.starts_with(b"HTTP/1.1 503") {
            break;
        }
        assert!(asked.elapsed() < Duration::from_secs(10), "the server does not get ready");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    // A masked text frame; its mask changes nothing. It says no `connect`.
    stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'{', b'}']).await.unwrap();
    server.stop();
    assert_eq!(stream.read_u8().await.unwrap(), 0x88, "a close comes back through TLS");

    let mut plain = TcpStream::connect(server.address).await;
    if let Ok(plain) = &mut plain {
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.ok();
        let mut answer = Vec::new();
        plain.read_to_end(&mut answer).await.ok();
        assert!(!answer.starts_with(b"HTTP"), "plain HTTP is not answered on a TLS address");
    }
    drop((stream, plain));
    server.ended().await;
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_a_broken_one_keeps_the_old() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (pair(), pair());
    let files = written(directory.path(), &first);
    let metrics = Arc::new(Metrics::default());
    let tls = Arc::new(Tls::open(&files, &metrics).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tls.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serving = serving.clone();
            tokio::spawn(async move { serving.accept(stream).await });
        }
    });
    assert!(dial(address, &first).await.is_ok() && dial(address, &second).await.is_err());
    assert!(metrics.tls_not_after.get() > 0);

    // Half of a new pair, as a tool that writes one file after the other leaves it for a moment.
    std::fs::write(&files.cert, &second.cert).unwrap();
    tls.reload();
    assert!(dial(address, &first).await.is_ok(), "the old pair stays");
    assert_eq!(metrics.tls_failures.get(), 1);
    std::fs::write(&files.key, &second.key).unwrap();
    tls.reload();
    assert!(dial(address, &second).await.is_ok() && dial(address, &first).await.is_err());
    for broken in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&files.cert, broken).unwrap();
        tls.reload();
        assert!(dial(address, &second).await.is_ok(), "after {broken:?}");
    }
    std::fs::remove_file(&files.key).unwrap();
    tls.reload();
    assert!(dial(address, &second).await.is_ok());
    assert_eq!(metrics.tls_failures.get(), 4);
}

#[test]
fn what_is_wrong_with_a_pair_is_said_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other, metrics) = (pair(), pair(), Arc::new(Metrics::default()));
    let why = |files: &TlsFiles| format!("{:#}", Tls::open(files, &metrics).err().expect("refused"));
    let files = written(directory.path(), &Pair { key: other.key, ..pair() });
    assert!(why(&files).contains("--tls-key") && why(&files).contains("not the key of this certificate"));
    let files = written(directory.path(), &Pair { cert: "no PEM".into(), ..pair() });
    assert!(why(&files).contains("there is no certificate in it"), "{}", why(&files));
    let mut old = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = KeyPair::generate().unwrap();
    let expired = old.self_signed(&key).unwrap();
    let files = written(directory.path(), &Pair { cert: expired.pem(), key: key.serialize_pem(), der: one.der });
    assert!(why(&files).contains("has expired"));
    assert!(why(&TlsFiles { cert: "/nowhere/cert.pem".into(), ..files }).contains("--tls-cert /nowhere/cert.pem"));
}
