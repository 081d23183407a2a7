//! Connections that never become a request: each is ended, costs little, and nobody else notices.

use crate::cluster::Cluster;
use futures_util::future::join_all;
use hubbub_core::limits;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const EACH: usize = 200;
/// Beyond the limit, on a busy machine.
const GRACE: Duration = Duration::from_secs(8);

async fn ends_in_time(stream: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    let ended = tokio::time::timeout(limits::HEAD_WITHIN + GRACE, stream.read_to_end(&mut heard)).await;
    assert!(ended.is_ok(), "the connection was still open after {:?}", limits::HEAD_WITHIN + GRACE);
    heard
}

/// Says a handshake at one byte a second. How long the server put up with it.
async fn trickles(addr: SocketAddr) -> Duration {
    let began = Instant::now();
    let (mut read, mut write) = TcpStream::connect(addr).await.expect("a connection").into_split();
    let head = format!("GET /connection/websocket HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\n");
    let says = async {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        for byte in head.bytes() {
            second.tick().await;
            if write.write_all(&[byte]).await.is_err() {
                break;
            }
        }
    };
    let mut rest = Vec::new();
    tokio::select! {
        _ = read.read_to_end(&mut rest) => {}
        () = says => {}
        () = tokio::time::sleep_until((began + limits::HEAD_WITHIN + GRACE).into()) => panic!("it may trickle on"),
    }
    began.elapsed()
}

async fn asks(stream: &mut TcpStream) {
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a request");
    let mut heard = Vec::new();
    while !heard.ends_with(b"ok\n") {
        heard.push(stream.read_u8().await.expect("an answer"));
    }
    assert!(heard.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&heard));
}

/// Asks once, politely, and begins to ask again, but goes no further.
async fn begins_again(addr: SocketAddr) -> Duration {
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    asks(&mut stream).await;
    let began = Instant::now();
    stream.write_all(b"GET /he").await.expect("a part of a request");
    ends_in_time(&mut stream).await;
    began.elapsed()
}

/// Asks once, politely, and again after a pause that is longer than a head may take, as a balancer does.
async fn idles(addr: SocketAddr) -> Duration {
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    asks(&mut stream).await;
    let idle = is_silent(addr).await;
    asks(&mut stream).await;
    idle
}

/// Says nothing at all.
async fn is_silent(addr: SocketAddr) -> Duration {
    let began = Instant::now();
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    ends_in_time(&mut stream).await;
    began.elapsed()
}

/// Says nonsense as fast as it is taken, a megabyte if it may. What was answered.
async fn raves(addr: SocketAddr, seed: usize) -> Vec<u8> {
    let (mut read, mut write) = TcpStream::connect(addr).await.expect("a connection").into_split();
    let mut state = seed as u32 | 1;
    let nonsense: Vec<u8> = (0..16 * 1024)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let says = async {
        for _ in 0..64 {
            if write.write_all(&nonsense).await.is_err() {
                break;
            }
        }
    };
    let mut heard = Vec::new();
    let both = async { tokio::join!(says, read.read_to_end(&mut heard)) };
    tokio::time::timeout(limits::HEAD_WITHIN + GRACE, both).await.expect("an end in time").1.ok();
    heard
}

fn span(times: &[Duration]) -> String {
    format!("{:.1?} to {:.1?}", times.iter().min().expect("some"), times.iter().max().expect("some"))
}

#[tokio::test]
async fn who_trickles_idles_is_silent_or_raves_is_ended_and_nobody_notices() {
    let directory = tempfile::tempdir().expect("a directory");
    // What each may do is measured here, and not how many of one address there may be.
    let cluster = Cluster::laptop_with(directory.path(), &["--strangers-per-address", "1024"]).await;
    cluster.room("general", "private", &["ana"]).await;
    let ana = cluster.person("ana", 0).await;
    ana.follows("general").await;
    // Once around, so that what is made once is not taken for growth.
    join_all((0..EACH).map(|n| raves(cluster.at(0), n))).await;
    let before = cluster.instances[0].memory();
    let addr = cluster.at(0);

    let talks = async {
        let (mut said, mut longest) = (0, Duration::ZERO);
        let began = Instant::now();
        while began.elapsed() < limits::HEAD_WITHIN {
            let asked = Instant::now();
            ana.says("general", &format!("still here {said}")).await;
            longest = longest.max(asked.elapsed());
            said += 1;
            crate::cluster::breathe().await;
        }
        (said, longest, cluster.instances[0].memory())
    };
    let raving = async {
        let mut answers = Vec::new();
        for round in 0..5 {
            answers.extend(join_all((0..EACH / 4).map(|n| raves(addr, round * EACH + n))).await);
        }
        answers
    };
    let (trickled, begun, idled, silent, raved, (said, longest, during)) = tokio::join!(
        join_all((0..EACH).map(|_| trickles(addr))),
        join_all((0..EACH / 4).map(|_| begins_again(addr))),
        join_all((0..EACH).map(|_| idles(addr))),
        join_all((0..EACH).map(|_| is_silent(addr))),
        raving,
        talks,
    );
    let refused = raved.iter().filter(|heard| heard.starts_with(b"HTTP/1.1 400")).count();
    println!("the head of a request may take {:?}:", limits::HEAD_WITHIN);
    println!("  {EACH} at one byte a second were ended after {}", span(&trickled));
    println!("  {} that had begun another, after {}", begun.len(), span(&begun));
    println!("  {EACH} idle after a request were answered again after {}", span(&idled));
    println!("  {EACH} silent from the start, after {}", span(&silent));
    println!("  {} raving: {refused} answered 400, the others cut off", raved.len());
    println!("  meanwhile {said} messages of somebody else, each acknowledged within {longest:.0?}");
    let after = cluster.instances[0].memory();
    let mb = |bytes: u64| bytes as f64 / 1e6;
    println!("  memory before {:.1}, during {:.1}, after {:.1} MB", mb(before), mb(during), mb(after));
    assert!(trickled.iter().all(|time| *time >= limits::HEAD_WITHIN / 2), "it was the limit that ended them");
    assert!(refused > raved.len() / 2 && longest < Duration::from_secs(2));
    assert!(during < before + 3 * EACH as u64 * 32 * 1024, "more than 32 KiB for each of them");
    ana.says("general", "the end").await;
    cluster.verify("general", &[&ana]).await;
}

#[tokio::test]
async fn a_handshake_that_is_none_is_answered_with_a_problem_that_says_why() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop(directory.path()).await;
    let good = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let ask = async |headers: &[(&str, &str)]| {
        crate::http::ask(cluster.at(0), "GET", "/connection/websocket", headers, "").await.expect("an answer")
    };
    for (n, why) in ["Upgrade request", "Upgrade request", "Version: 13", "Sec-WebSocket-Key"].iter().enumerate() {
        let mut headers = good.to_vec();
        headers.remove(n);
        let answer = ask(&headers).await;
        assert_eq!((answer.status, &*answer.kind), (400, "application/problem+json"), "{}", answer.text);
        assert_eq!(answer.json()["code"], "bad_request");
        assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.contains(why)), "{}", answer.text);
    }
    let mut headers = good.to_vec();
    headers.push(("origin", "https://evil.example"));
    let answer = ask(&headers).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("foreign_origin")), "{}", answer.text);
    assert!(answer.text.contains("--allowed-origins"));
}
