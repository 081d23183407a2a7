//! The program speaks TLS itself: what a connection costs, and a certificate that is replaced under way.

use crate::{
    cluster::{Cluster, breathe},
    wire::DEADLINE,
};
use hubbub_core::limits;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::{net::SocketAddr, path::Path, process::Command, sync::Arc, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName},
    },
};

const SOCKETS: usize = 300;

/// Writes a new pair over the old. Returns the certificate.
fn make_pair(directory: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
    std::fs::write(directory.join("cert.pem"), cert.pem()).expect("a file");
    std::fs::write(directory.join("key.pem"), signing_key.serialize_pem()).expect("a file");
    cert.der().clone()
}

async fn dial(addr: SocketAddr, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(hubbub::crypto::provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(addr).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").expect("a name"), stream).await
}

async fn ask(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), head: &str) -> String {
    stream.write_all(format!("{head}\r\nHost: localhost\r\n").as_bytes()).await.expect("a request");
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("an answer"));
    }
    String::from_utf8(answer).expect("text")
}

#[tokio::test]
async fn the_certificate_is_replaced_under_way_and_a_connection_costs_little() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = make_pair(directory.path());
    let file = |name: &str| directory.path().join(name).display().to_string();
    let free = crate::support::ports::free_addr();
    let flags = ["--tls-cert", &file("cert.pem"), "--tls-key", &file("key.pem"), "--admin-listen", &free.to_string()];
    let cluster = Cluster::laptop_at(directory.path(), &flags, free).await;
    let (instance, addr) = (&cluster.instances[0], cluster.at(0));

    // Plain sockets of the same program cost this much less: see the story of slow readers for those.
    let mut open = Vec::new();
    let connect = async || {
        let mut stream = dial(addr, &first).await.expect("a handshake");
        assert!(ask(&mut stream, "GET /connection/websocket HTTP/1.1").await.starts_with("HTTP/1.1 101"));
        stream
    };
    for _ in 0..20 {
        open.push(connect().await);
    }
    let before = instance.memory();
    for _ in 0..SOCKETS {
        open.push(connect().await);
    }
    let each = instance.memory().saturating_sub(before) / SOCKETS as u64;
    println!("{SOCKETS} sockets over TLS: {:.1} KB of the process for each", each as f64 / 1e3);
    assert!(each < 48 * 1024, "{each} bytes for each socket over TLS");

    let mut last = connect().await;
    // Who never begins the handshake is ended.
    let mut silent = TcpStream::connect(addr).await.expect("a connection");
    let began = Instant::now();

    let second = make_pair(directory.path());
    assert!(Command::new("kill").args(["-HUP", &instance.pid().to_string()]).status().expect("kill").success());
    while dial(addr, &second).await.is_err() {
        assert!(began.elapsed() < DEADLINE, "the new certificate is not taken");
        breathe().await;
    }
    assert!(dial(addr, &first).await.is_err(), "the old certificate is still shown");
    // Sockets of the first certificate live on.
    last.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.expect("a ping");
    assert_eq!(last.read_u8().await.expect("a pong"), 0x8a);
    std::fs::write(directory.path().join("cert.pem"), "no certificate").expect("a file");
    let gauge = async |name| cluster.instances[0].counter(name).await;
    while gauge("hubbub_tls_reload_failures_total").await == 0 {
        assert!(began.elapsed() < 2 * limits::TLS_LOOK_EVERY, "nobody looked at the file");
        breathe().await;
    }
    assert!(dial(addr, &second).await.is_ok(), "the good certificate stays");
    assert!(gauge("hubbub_tls_not_after_timestamp_seconds").await > 1_700_000_000);

    let mut rest = Vec::new();
    let ended = tokio::time::timeout(limits::HANDSHAKE_WITHIN + DEADLINE, silent.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && rest.is_empty(), "a handshake that never begins is ended");
}
