//! `hubbub health`: what a container's health check is told, by an instance that starts, serves, or hangs.

use crate::{
    cluster::{API_KEY, Cluster, SECRET, breathe, program},
    launch,
    wire::DEADLINE,
};
use std::{
    process::{Command, Stdio},
    time::Instant,
};

async fn asks(flags: &[&str]) -> (bool, String) {
    let (content, said, complained) = program(&[&["health"], flags].concat()).await;
    assert!(said.is_empty(), "{said}");
    (content, complained)
}

async fn is_refused(flags: &[&str], words: &[&str]) {
    let (content, said) = asks(flags).await;
    assert!(!content && words.iter().all(|word| said.contains(word)), "{words:?} are not in: {said}");
}

#[tokio::test]
async fn who_starts_is_alive_and_not_ready_and_who_is_not_there_is_neither() {
    let at = crate::support::ports::free_addr().to_string();
    is_refused(&["--listen", &at], &["nothing listens there", "--listen"]).await;
    is_refused(&["--listen", &at, "--live"], &["nothing listens there"]).await;
    is_refused(&["--listen", "127.0.0.1:0"], &["the system has chosen a port"]).await;
    let mut server = launch::hubbub()
        .args(["serve", "--listen", &at, "--token-secret", SECRET, "--api-key", API_KEY])
        .args(["--store", &format!("postgres://hubbub@{}/postgres", crate::support::ports::free_addr())])
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    let began = Instant::now();
    while !asks(&["--listen", &at, "--live"]).await.0 {
        assert!(began.elapsed() < DEADLINE, "it is not alive");
        breathe().await;
    }
    is_refused(&["--listen", &at], &["/health/ready answered 503", "starting"]).await;
    server.kill().expect("kill");
    server.wait().expect("wait");
}

#[tokio::test]
async fn who_serves_is_ready_over_tls_and_below_a_path_and_who_hangs_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name).display().to_string();
    let pair = rcgen::generate_simple_self_signed(["chat.example".to_owned()]).expect("a pair");
    std::fs::write(file("cert.pem"), pair.cert.pem()).expect("a file");
    std::fs::write(file("key.pem"), pair.signing_key.serialize_pem()).expect("a file");
    let (admin, cert, key) = (crate::support::ports::free_addr(), file("cert.pem"), file("key.pem"));
    let flags = ["--tls-cert", &cert, "--tls-key", &key, "--base-path", "/chat", "--admin-listen", &admin.to_string()];
    let cluster = Cluster::laptop_at(directory.path(), &flags, admin).await;
    let at = cluster.at(0).to_string();
    let whole = ["--listen", &at, "--base-path", "/chat", "--tls-cert", &cert];
    assert_eq!(asks(&whole).await, (true, String::new()));
    assert_eq!(asks(&[&whole[..], &["--live"]].concat()).await, (true, String::new()));
    // As `serve` does, it reads a file.
    std::fs::write(file("hubbub.toml"), format!("listen = {at:?}\nbase-path = \"/chat\"\ntls-cert = {cert:?}\n"))
        .expect("a file");
    assert!(asks(&["--config", &file("hubbub.toml")]).await.0);
    is_refused(&["--listen", &at, "--tls-cert", &cert], &["answered 404", "--base-path"]).await;
    is_refused(&["--listen", &at, "--base-path", "/chat"], &["--tls-cert"]).await;

    let signal = |name: &str| {
        let pid = cluster.instances[0].pid().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill").success());
    };
    signal("-STOP");
    is_refused(&whole, &["did not answer within 3s"]).await;
    signal("-CONT");
    assert!(asks(&whole).await.0);
}
