//! Those who have not said who they are: whatever comes from one address, others do not notice, and it is bounded in number and in bytes.

use crate::{
    cluster::{Cluster, breathe},
    desk::Desk,
    http,
    logged::Logged,
    support::portal,
    wire::DEADLINE,
};
use serde_json::json;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How many come from one address.
const CROWD: usize = 3_000;
/// So many of them are let stay, and so many more are heard.
const STAY: u64 = 512 + 1_024;

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What each says, and never ends.
fn beginnings() -> Vec<(&'static str, String)> {
    let post = |path: &str, length: usize, body: &str| {
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let much = "x".repeat(60_000);
    vec![
        ("silent", String::new()),
        ("in a head", format!("GET / HTTP/1.1\r\nhost: x\r\nx: {much}")),
        ("in the frame of a stream", post("/connection/http_stream", 64_000, &much)),
        ("in commands of no stream", post("/emulation", 160_000, &format!("{{\"session\":\"{much}"))),
        (
            "in commands of a made-up stream",
            post("/emulation", 160_000, &format!("{{\"session\":\"abc\",\"data\":\"{much}")),
        ),
        ("in a webhook of a portal", post("/hooks/desk", 200_000, &much)),
        ("in a webhook of nobody", post("/hooks/nobody", 200_000, &much)),
        ("in a webhook that is too long", post("/hooks/desk", 900_000, &much)),
        ("in the body of a method", post("/v1/rooms", 1_000_000, &much)),
        (
            "in a body without a length",
            format!(
                "POST /connection/http_stream HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nea60\r\n{much}\r\n"
            ),
        ),
        ("after an upgrade", format!("GET /connection/websocket HTTP/1.1\r\nhost: x\r\n{UPGRADE}\r\n")),
    ]
}

async fn begins(addr: SocketAddr, text: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(addr).await.ok()?;
    // Whoever is not read, or was closed, has said enough.
    let _ = tokio::time::timeout(Duration::from_millis(100), stream.write_all(text.as_bytes())).await;
    Some(stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_strangers_takes_neither_memory_nor_files_nor_anybodys_time() {
    let desk = Desk::with(json!({})).await;
    let server = &desk.server.instances[0];
    desk.server.room("general", "private", &["ana", "ben"]).await;
    let (ana, ben) = (desk.server.person("ana", 0).await, desk.server.person("ben", 0).await);
    ana.follows("general").await;
    ben.follows("general").await;
    let (memory, files) = (server.memory(), server.files());
    let mb = |bytes: u64| bytes as f64 / 1e6;
    println!("before: {:.1} MB, {files} files", mb(memory));
    for (what, text) in beginnings() {
        let comes = async {
            let mut here = Vec::new();
            for _ in 0..CROWD / 50 {
                here.extend(futures_util::future::join_all((0..50).map(|_| begins(desk.server.at(0), &text))).await);
            }
            here
        };
        let (mut most, mut slowest, mut asked) = ((0, 0), Duration::ZERO, 0);
        let watches = async {
            loop {
                for path in ["/health/ready", "/health/live", "/metrics"] {
                    let began = Instant::now();
                    let answer =
                        tokio::time::timeout(DEADLINE, http::ask(desk.server.at(0), "GET", path, &[], "")).await;
                    let answer = answer.unwrap_or_else(|_| panic!("{path} waits behind those who are {what}"));
                    assert_eq!(answer.expect("an answer").status, 200, "{what}");
                    (asked, slowest) = (asked + 1, slowest.max(began.elapsed()));
                    most = (server.memory().max(most.0), server.files().max(most.1));
                }
                ana.says("general", what).await;
                breathe().await;
            }
        };
        let here = tokio::select! {
            here = comes => here,
            () = watches => unreachable!("it watches for ever"),
        };
        most = (server.memory().max(most.0), server.files().max(most.1));
        ana.says("general", &format!("beside those {what}")).await;
        // Backends have their keys, and are heard beside any crowd.
        assert_eq!(server.api("GET", "/v1/rooms/general", &json!(null)).await.status, 200, "{what}");
        println!("{CROWD} {what}: {:.1} MB, {} files, {asked} probes within {slowest:.0?}", mb(most.0), most.1);
        assert!(most.1 <= files + STAY + 40, "{what}: {} files", most.1);
        assert!(most.0 <= memory + 90_000_000, "{what}: {} bytes", most.0);
        drop(here);
        let began = Instant::now();
        while server.counter("hubbub_strangers").await > 5 {
            assert!(began.elapsed() < DEADLINE, "those who have gone are still counted");
            breathe().await;
        }
    }
    println!("after: {:.1} MB, {} files", mb(server.memory()), server.files());
    ben.hears("general", "beside those after an upgrade").await;
    assert_eq!((ana.connections(), ben.connections()), (1, 1), "who is known stays");
    desk.server.verify("general", &[&ana, &ben]).await;
}

/// Asks for an upgrade with these headers, and keeps what comes of it.
async fn upgrades(addr: SocketAddr, headers: &str) -> (u16, String, TcpStream) {
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    let request = format!("GET /connection/websocket HTTP/1.1\r\nhost: x\r\n{UPGRADE}{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    while !answer.windows(4).any(|part| part == b"\r\n\r\n") {
        if stream.read_buf(&mut answer).await.unwrap_or(0) == 0 {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), answer, stream)
}

#[tokio::test]
async fn behind_a_listed_proxy_each_client_has_a_share_of_its_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let flags = ["--strangers-per-address", "3", "--trusted-proxies", "10.0.0.0/8, ::ffff:127.0.0.1"];
    let cluster = Cluster::laptop_with(directory.path(), &flags).await;
    let asks = async |headers: &str| upgrades(cluster.at(0), headers).await;
    let mut here = Vec::new();
    // Whatever a client says of itself, its proxy says more, to the right, perhaps on a line of its own.
    for headers in [
        "x-forwarded-for: 192.0.2.1\r\n",
        "x-forwarded-for: 198.51.100.1, 192.0.2.1\r\n",
        "x-forwarded-for: 198.51.100.2\r\nx-forwarded-for: 192.0.2.1, 10.1.2.3\r\n",
    ] {
        let (status, answer, stream) = asks(headers).await;
        assert_eq!(status, 101, "{headers}: {answer}");
        here.push(stream);
    }
    for headers in
        ["x-forwarded-for: 192.0.2.1:4711\r\n", "x-forwarded-for: 203.0.113.9\r\nX-Forwarded-For: ::ffff:192.0.2.1\r\n"]
    {
        let (status, answer, _) = asks(headers).await;
        let later = answer.lines().find_map(|line| line.strip_prefix("retry-after: ")?.parse::<u64>().ok());
        assert!(status == 429 && later.is_some_and(|s| (1..=5).contains(&s)), "{headers}: {answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
    // Of IPv6 a /64 is one.
    for n in 0..3 {
        let (status, answer, stream) = asks(&format!("x-forwarded-for: [2001:db8::{n}]:1\r\n")).await;
        assert_eq!(status, 101, "{answer}");
        here.push(stream);
    }
    assert_eq!(asks("x-forwarded-for: 2001:db8::ffff:1\r\n").await.0, 429);
    assert_eq!(asks("x-forwarded-for: 2001:db8:0:1::1\r\n").await.0, 101);
    // The proxy's own checks, and connections it opens ahead, are nobody's.
    let ahead: Vec<_> = futures_util::future::join_all((0..20).map(|_| begins(cluster.at(0), ""))).await;
    assert_eq!(asks("").await.0, 101);
    drop((here, ahead));
}

#[tokio::test]
async fn an_unlisted_proxy_is_told_of_once_and_its_crowd_in_words() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Logged::start(directory.path(), &["--strangers-per-address", "4"]).await;
    let (mut here, mut refused) = (Vec::new(), 0);
    for n in 0..12 {
        let (status, answer, stream) = upgrades(server.addr, &format!("x-forwarded-for: 192.0.2.{n}\r\n")).await;
        assert!(status == 101 || status == 429 && answer.contains("retry-after"), "{answer}");
        refused += usize::from(status == 429);
        here.push(stream);
    }
    // Whoever waited until it was ready may still be there.
    assert!(matches!(refused, 8 | 9), "what it says is not believed: {refused}");
    // It is written a moment later.
    let began = Instant::now();
    while !server.log().contains("--trusted-proxies") && began.elapsed() < DEADLINE {
        breathe().await;
    }
    let log = server.log();
    assert_eq!(log.matches("forwarded headers come from").count(), 1, "{log}");
    assert!(
        log.contains("WARN") && log.matches("told to come again").count() >= 1 && log.contains("--trusted-proxies"),
        "{log}"
    );
}

#[tokio::test]
async fn foreign_text_makes_no_lines_and_many_refusals_make_few() {
    for format in ["text", "json"] {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Logged::start(directory.path(), &["--portal-allow", "127.0.0.1", "--log-format", format]).await;
        let made = server
            .api("POST", "/v1/portals", &json!({ "id": "desk", "settings": { "url": "http://127.0.0.1:1/" } }))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        let secret = made.json()["incoming_secret"].as_str().expect("a secret").to_owned();
        let began = server.log().lines().count();
        for forged in [
            "a\n2026-01-01T00:00:00Z ERROR forged\u{1b}[31m",
            "b\u{2028}2026 ERROR forged\u{202e}",
            "c\r\u{9b}2JERROR forged",
        ] {
            let body = json!({ "sessionId": forged, "message": "hi" }).to_string();
            let (status, text) = portal::call(server.addr, "desk", &secret, forged.get(..1).unwrap_or("x"), &body)
                .await
                .expect("an answer");
            assert_eq!(status, 404, "{text}");
            server.waits_a_line().await;
        }
        // A path, and a key that is none.
        let odd = http::ask(server.addr, "GET", "/v1/rooms/%0aERROR%1b%5b31m", &[], "").await.expect("an answer");
        assert_eq!(odd.status, 401);
        let mut refused = 0;
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {
            let (status, _) = portal::post(server.addr, "/hooks/desk", "", "{}").await.expect("an answer");
            assert_eq!(status, 401);
            refused += 1;
        }
        let log = server.log();
        let lines: Vec<&str> = log.lines().skip(began).collect();
        println!("{format}: {} lines of {refused} refusals", lines.len());
        assert!(refused > 20 && lines.len() < 14, "{log}");
        for line in lines {
            assert!(line.starts_with("20") || line.starts_with("{\"timestamp\""), "a line of somebody else's: {line}");
            assert!(!line.chars().any(|c| c.is_control() || "\u{2028}\u{2029}\u{202e}".contains(c)), "{line:?}");
        }
        let counted = server.counter("hubbub_strangers_refused_total{why=\"hook\"}").await;
        assert_eq!(counted, refused, "each of them is counted");
    }
}
