//! A proxy in the environment is for the world outside, and sees nothing of what stays on this machine or is not encrypted.

use crate::{
    cluster::{API_KEY, SECRET},
    operated::Program,
    support::{provider::Provider, signer::Signer},
    wire::{DEADLINE, Wire},
};
use jsonwebtoken::Algorithm;
use serde_json::json;
use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::net::TcpListener;

/// A proxy that refuses, and counts who came.
struct Trap {
    url: String,
    came: Arc<AtomicUsize>,
}

impl Trap {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (url, came) =
            (format!("http://{}", listener.local_addr().expect("an address")), Arc::<AtomicUsize>::default());
        let counter = came.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                drop(stream);
            }
        });
        Self { url, came }
    }

    fn environment(&self) -> Vec<(&str, &str)> {
        let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        names.into_iter().map(|name| (name, self.url.as_str())).collect()
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }

    /// Runs a command that asks this server.
    async fn asks(&self, server: &str) -> bool {
        let ran = tokio::process::Command::new(env!("CARGO_BIN_EXE_hubbub"))
            .args(["portals", "list", "--server", server, "--api-key", API_KEY])
            .envs(self.environment())
            .stdin(Stdio::null())
            .output();
        tokio::time::timeout(3 * DEADLINE, ran).await.expect("an end").expect("the program").status.success()
    }
}

#[tokio::test]
async fn keys_and_api_keys_of_this_machine_go_past_the_proxy() {
    let (trap, signer) = (Trap::start().await, Signer::named("k", Algorithm::EdDSA));
    let provider = Provider::start(&[&signer]).await;
    let port = provider.url().rsplit(':').next().expect("a port").to_owned();
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "[::ffff:127.0.0.1]"] {
        let secrets = format!("token-secret = \"{SECRET}\"\napi-key = \"{API_KEY}\"\n");
        let configuration = format!("{secrets}token-jwks = \"http://{host}:{port}\"\n");
        let program = Program::serve_within(&configuration, &trap.environment()).await;
        let mut wire = Wire::open(program.addr, None).await.expect("a socket");
        let token = signer.signs(&json!({ "sub": "ana" }));
        let answer = wire.asks(json!({ "id": 1, "connect": { "token": token } })).await;
        assert!(answer["connect"].is_object(), "{host}: {answer}\n{}", program.log());
        let at = program.addr.port();
        for server in [format!("http://{host}:{at}"), format!("http://{host}:{at}/")] {
            assert!(trap.asks(&server).await, "{server}");
        }
        assert_eq!(trap.came(), 0, "{host}");
    }
    // Nor does a key go over it in the clear, wherever; over https: it does its work.
    assert!(!trap.asks("http://hubbub.invalid:8000").await);
    assert!(!trap.asks("https://localhost:1").await && !trap.asks("https://[::1]:1").await);
    assert_eq!(trap.came(), 0);
    assert!(!trap.asks("https://hubbub.invalid").await);
    assert!(trap.came() > 0, "the trap is none");
}
