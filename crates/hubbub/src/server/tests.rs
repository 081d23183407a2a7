use crate::{
    config::Settings,
    server::{self, bind},
};
use hubbub_core::limits;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

mod doors;
mod openapi;
mod tls;

/// A server of its own on a file of its own.
struct Server {
    address: SocketAddr,
    key: String,
    stops: watch::Sender<u32>,
    running: JoinHandle<anyhow::Result<()>>,
    _directory: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Some(format!("sqlite:{}", directory.path().join("hubbub.db").display()));
        let config = Settings { dev: true, store, ..settings }.resolve().unwrap();
        let (settings_tls, base) = (config.edge.tls.is_some(), config.edge.base_path.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, key) = (listener.local_addr().unwrap(), config.api_keys[0].clone());
        let (stops, told) = watch::channel(0);
        let running = tokio::spawn(server::run(config, listener, told, || {}));
        let server = Self { address, key, stops, running, _directory: directory };
        if !settings_tls {
            server.ready(&base).await;
        }
        server
    }

    async fn ready(&self, base: &str) {
        let path = format!("{base}/health/ready");
        while !self.client().await.ask("GET", &path, "").await.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn client(&self) -> Client {
        let stream = BufReader::new(TcpStream::connect(self.address).await.unwrap());
        Client { stream, key: self.key.clone() }
    }

    fn stop(&self) {
        self.stops.send_modify(|times| *times += 1);
    }

    async fn ended(self) {
        tokio::time::timeout(Duration::from_secs(3), self.running).await.expect("it ends").unwrap().unwrap();
    }
}

/// A connection that stays.
struct Client {
    stream: BufReader<TcpStream>,
    key: String,
}

impl Client {
    async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// The whole of an answer.
    async fn hear(&mut self) -> String {
        let (mut answer, mut length) = (String::new(), 0);
        loop {
            let begin = answer.len();
            assert!(self.stream.read_line(&mut answer).await.unwrap() > 0, "closed after {answer:?}");
            let line = answer[begin..].trim().to_ascii_lowercase();
            if let Some(bytes) = line.strip_prefix("content-length: ") {
                length = bytes.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        answer + &String::from_utf8(body).unwrap()
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &str) -> String {
        let key = self.key.clone();
        self.say(&format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n{headers}\r\n"
        ))
        .await;
        self.hear().await
    }
}

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const SOCKET: &str = "/connection/websocket";

#[tokio::test]
async fn going_is_told_nobody_is_let_in_and_requests_are_finished() {
    let server = Server::start().await;
    let (mut balancer, mut late, mut slow) = (server.client().await, server.client().await, server.client().await);
    let (mut idle, mut socket) = (server.client().await, server.client().await);
    assert!(balancer.ask("GET", "/health/ready", "").await.starts_with("HTTP/1.1 200"));
    assert!(late.ask("GET", "/health/live", "").await.starts_with("HTTP/1.1 200"));
    assert!(idle.ask("GET", "/health/live", "").await.starts_with("HTTP/1.1 200"));
    // One that never says `connect` keeps the server waiting.
    assert!(socket.ask("GET", SOCKET, UPGRADE).await.starts_with("HTTP/1.1 101"));
    let (body, key) = (r#"{"id":"late","kind":"open"}"#, server.key.clone());
    let head = format!(
        "POST /v1/rooms HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    slow.say(&format!("{head}{}", &body[..9])).await;
    tokio::time::sleep(Duration::from_millis(100)).await;

    server.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let told = balancer.ask("GET", "/health/ready", "").await;
    assert!(told.starts_with("HTTP/1.1 503") && told.ends_with("{\"status\":\"draining\"}\n"), "{told}");
    assert!(told.to_ascii_lowercase().contains("connection: close"), "{told}");
    let refused = late.ask("GET", SOCKET, UPGRADE).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("application/problem+json"), "{refused}");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody is let in");

    drop(socket);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(idle.stream.read(&mut [0; 1]).await.unwrap(), 0, "closed by the server");
    assert!(!server.running.is_finished(), "a request is not finished");
    slow.say(&body[9..]).await;
    let made = slow.hear().await;
    assert!(made.starts_with("HTTP/1.1 201") && made.ends_with("}\n"), "{made}");
    server.ended().await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_request_is_a_problem_document() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for (method, path, status) in [
        ("GET", "/v1/rooms/%FF", 400),
        ("GET", "/v1/rooms/a/messages?limit=x", 400),
        ("GET", "/v1/rooms/a/messages?limit=0", 422),
        ("GET", "/v1/users/%FF/rooms", 400),
        ("DELETE", "/v1/rooms/%FF/members/a", 400),
        ("GET", "/assets/%FF", 400),
        ("POST", "/health/live", 405),
        ("POST", SOCKET, 405),
        ("DELETE", "/v1/rooms", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/v1/nowhere", 404),
    ] {
        let answer = client.ask(method, path, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{method} {path}: {answer}");
        assert!(answer.contains("application/problem+json"), "{method} {path}: {answer}");
    }
    let document = client.ask("GET", "/openapi.json", "").await;
    let document: serde_json::Value = serde_json::from_str(document.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert!(document["paths"]["/v1/rooms/{room}"].is_object());
    let head = client.ask("GET", "/health/live", &format!("x: {}\r\n", "y".repeat(60 * 1024))).await;
    assert!(head.starts_with("HTTP/1.1 200"));
    let head = client.ask("GET", "/health/live", &format!("x: {}\r\n", "y".repeat(65 * 1024))).await;
    assert!(head.starts_with("HTTP/1.1 431"), "{head}");
    server.stop();
    server.ended().await;
}

#[tokio::test]
async fn every_answer_in_json_is_a_line() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for (method, path, status) in [
        ("GET", "/v1/rooms/general", 200),
        ("POST", "/v1/rooms", 400),
        ("GET", "/v1/rooms/none", 404),
        ("DELETE", "/v1/rooms", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/connection/websocket", 400),
        ("POST", "/hooks/none", 404),
        ("GET", "/health/ready", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/dev/token?user=ana", 200),
    ] {
        let answer = client.ask(method, path, "").await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")) && head.contains("json"), "{method} {path}: {answer}");
        assert!(body.starts_with('{') && body.ends_with("}\n"), "{method} {path}: {body:?}");
    }
    server.stop();
    server.ended().await;
}

fn window(text: &str) -> Settings {
    Settings { drain_window: Some(text.into()), ..Settings::default() }
}

#[tokio::test]
async fn while_clients_are_moved_it_listens_answers_and_lets_no_socket_in() {
    let server = Server::with(window("60s")).await;
    let mut socket = server.client().await;
    assert!(socket.ask("GET", SOCKET, UPGRADE).await.starts_with("HTTP/1.1 101"));
    server.stop();
    let told = loop {
        let answer = server.client().await.ask("GET", "/health/ready", "").await;
        if !answer.starts_with("HTTP/1.1 200") {
            break answer;
        }
    };
    assert!(told.starts_with("HTTP/1.1 503") && told.contains("draining"), "{told}");
    let refused = server.client().await.ask("GET", SOCKET, UPGRADE).await.to_ascii_lowercase();
    assert!(refused.starts_with("http/1.1 503") && refused.contains("retry-after: 1"), "{refused}");
    assert!(server.client().await.ask("GET", "/v1/rooms/general", "").await.starts_with("HTTP/1.1 200"));
    // Told again, it waits no longer: this socket, which never said `connect`, is closed with the code to come back.
    server.stop();
    assert_eq!(socket.stream.read_u16().await.unwrap() >> 8, 0x88);
    assert_eq!(socket.stream.read_u16().await.unwrap(), 3001);
    drop(socket);
    server.ended().await;
}

#[tokio::test]
async fn an_idle_instance_goes_at_once() {
    let server = Server::with(window("60s")).await;
    server.stop();
    server.ended().await;
}

/// Over loopback a segment takes 64 KiB otherwise, and what receives it waits 40 ms for a second one.
#[tokio::test]
async fn a_clients_send_buffer_holds_several_segments() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = bind(address.parse().unwrap()) else { continue };
        let _client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (served, _) = listener.accept().await.unwrap();
        let segment = socket2::SockRef::from(&served).tcp_mss().unwrap() as usize;
        // The kernel takes twice what is asked for, for its own part of it.
        let buffer = 2 * limits::SOCKET_SEND_BUFFER;
        assert!(3 * segment <= buffer, "{address}: segments of {segment}, a buffer of {buffer}");
    }
}
