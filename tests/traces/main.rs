//! Traces as a collector gets them: the built program, a real export, and nothing in it that anybody said.

#[expect(dead_code, reason = "what only stories look at")]
#[path = "../stories/http.rs"]
mod http;
#[expect(dead_code, reason = "what only the other suites use")]
#[path = "../support/ports.rs"]
mod ports;
#[expect(dead_code, reason = "what only the other suites use")]
#[path = "../support/postgres.rs"]
mod postgres;

use axum::{Router, body::Bytes, extract::State, routing::post};
use futures_util::{SinkExt, StreamExt};
use postgres::Postgres;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message};

const DEADLINE: Duration = Duration::from_secs(20);
const SECRET: &str = "a secret of traces that is long enough for them";
const API_KEY: &str = "an API key of traces that is long enough for them";
/// The example of the W3C's specification.
const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

/// What a collector was sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let take = |State(taken): State<Self>, body: Bytes| async move { taken.0.lock().expect("no panic").push(body) };
        let router = Router::new().route("/v1/traces", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        addr
    }

    fn exported(&self) -> Vec<u8> {
        self.0.lock().expect("no panic").concat()
    }
}

/// The program, with a file for its log.
struct Program {
    addr: SocketAddr,
    process: Child,
}

impl Program {
    fn start(directory: &Path, collector: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = free.local_addr().expect("an address");
        drop(free);
        let process = Command::new(env!("CARGO_BIN_EXE_hubbub"))
            .args(["serve", "--listen", &addr.to_string(), "--token-secret", SECRET, "--api-key", API_KEY])
            // An instance alone publishes nothing.
            .args([
                "--store",
                &Postgres::shared().url(),
                "--schema",
                "traces",
                "--bus",
                "postgres",
                "--instance",
                "corner",
            ])
            // Whatever is logged, spans are exported; and none before it goes: the end is what hands them over.
            .env("HUBBUB_LOG", "warn")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
            .env("OTEL_BSP_SCHEDULE_DELAY", "3600000")
            .env("HUBBUB_DRAIN_WINDOW", "0")
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(directory.join("log")).expect("a file"))
            .spawn()
            .expect("the program");
        Self { addr, process }
    }

    async fn is_ready(&self) {
        let asked = Instant::now();
        while !http::ask(self.addr, "GET", "/health/ready", &[], "")
            .await
            .is_ok_and(|answer| answer.json()["status"] == "ok")
        {
            assert!(asked.elapsed() < DEADLINE, "it was not ready in time");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn asks(&self, method: &str, path: &str, more: &[(&str, &str)], body: Value) {
        let bearer = format!("Bearer {API_KEY}");
        let headers = [&[("authorization", &*bearer)], more].concat();
        let answer = http::ask(self.addr, method, path, &headers, &body.to_string()).await.expect("an answer");
        assert!((200..300).contains(&answer.status), "{}: {}", answer.kind, answer.text);
    }

    /// One connection: she says who she is, then this, and waits for the answer to it.
    async fn hears(&self, user: &str, command: Value) {
        let user = hubbub_core::model::ids::UserId::parse(user).expect("an id");
        let token = hubbub::token::make(SECRET, &Default::default(), &user, DEADLINE).expect("a token");
        let stream = MaybeTlsStream::Plain(TcpStream::connect(self.addr).await.expect("a stream"));
        let uri = format!("ws://{}/connection/websocket", self.addr).parse().expect("a URI");
        let (mut socket, _) = ClientBuilder::from_uri(uri).connect_on(stream).await.expect("a socket");
        for said in [json!({ "id": 1, "connect": { "token": token } }), command] {
            socket.send(Message::text(said.to_string())).await.expect("sent");
            let answer = socket.next().await.expect("an answer").expect("an answer");
            let answer: Value = serde_json::from_str(answer.as_text().expect("text")).expect("JSON");
            assert!(answer["id"] == said["id"] && answer["error"].is_null(), "{answer}");
        }
    }

    async fn goes(&mut self) -> bool {
        let asked = Command::new("kill").arg(self.process.id().to_string()).status().expect("kill");
        assert!(asked.success());
        let asked = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a process") {
                return status.success();
            }
            assert!(asked.elapsed() < DEADLINE, "it did not go");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_in(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_collector_gets_the_spans_of_a_send_and_nothing_that_was_said() {
    let directory = tempfile::tempdir().unwrap();
    let collector = Collector::default();
    let mut program = Program::start(directory.path(), &format!("http://{}", collector.start().await));
    program.is_ready().await;
    let room = json!({ "id": "planted-room", "kind": "private", "name": "planted name", "members": [{ "user": "planted-ana" }] });
    program.asks("POST", "/v1/rooms", &[], room).await;
    let traceparent = format!("00-{TRACE:032x}-00f067aa0ba902b7-01");
    let headers = [("traceparent", &*traceparent), ("idempotency-key", "planted-key")];
    let message = json!({ "from": "planted-ana", "text": "planted text", "data": { "planted": "data" } });
    program.asks("POST", "/v1/rooms/planted-room/messages", &headers, message).await;
    let publish = json!({ "channel": "room:planted-room", "data": { "text": "planted live" } });
    program.hears("planted-ana", json!({ "id": 2, "publish": publish })).await;
    assert!(collector.exported().is_empty(), "spans were to be handed over at the end");

    assert!(program.goes().await, "it did not go in peace");
    let exported = collector.exported();
    let names = ["POST /v1/rooms/{room}/messages", "send", "commit", "publish"];
    let attributes = ["http.route", "http.response.status_code", "connection", "drafts", "rooms", "lanes"];
    for text in [&names[..], &attributes, &["service.name", "hubbub", "service.instance.id", "corner"]].concat() {
        assert!(is_in(&exported, text.as_bytes()), "{text} is not exported");
    }
    // The request, its commit and its publication are of the caller's trace.
    let of_caller = exported.windows(16).filter(|window| *window == TRACE.to_be_bytes()).count();
    assert_eq!(of_caller, 3, "spans of the caller's trace");
    for secret in ["planted", API_KEY, SECRET] {
        assert!(!is_in(&exported, secret.as_bytes()), "{secret} is exported");
    }
    let log = std::fs::read_to_string(directory.path().join("log")).unwrap();
    assert!(!log.contains("trace") && !log.contains("planted text"), "{log}");
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_refused_by_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let mut program = Program::start(directory.path(), "nowhere at all");
    let asked = Instant::now();
    while program.process.try_wait().unwrap().is_none() {
        assert!(asked.elapsed() < DEADLINE, "it serves");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(program.process.wait().unwrap().code(), Some(2));
    let log = std::fs::read_to_string(directory.path().join("log")).unwrap();
    assert!(log.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{log}");
}
