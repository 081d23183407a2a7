//! More clients come at once than can be served at once: each is let in, or told in words and numbers to come again.

use crate::{
    cluster::{Cluster, breathe},
    wire::{DEADLINE, Wire},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// As many as may arrive at a time, and some more.
const CROWD: usize = 2_048 + 400;

async fn opens(addr: SocketAddr) -> TcpStream {
    loop {
        // Beyond its backlog the kernel lets some wait.
        if let Ok(stream) = TcpStream::connect(addr).await {
            return stream;
        }
        breathe().await;
    }
}

/// Asks for an upgrade; the head of the answer, and the socket.
async fn upgrades(mut stream: TcpStream) -> (String, TcpStream) {
    let request = "GET /connection/websocket HTTP/1.1\r\nHost: story\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut head = Vec::new();
    while !head.windows(4).any(|part| part == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            break;
        }
    }
    (String::from_utf8_lossy(&head).into_owned(), stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_when_too_many_arrive_is_told_when_to_come_again() {
    let directory = tempfile::tempdir().unwrap();
    // All of them are at one address here.
    let cluster = Cluster::laptop_with(directory.path(), &["--strangers-per-address", "4096"]).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 0).await);
    ben.follows("general").await;
    let mut streams = Vec::new();
    for _ in 0..CROWD {
        streams.push(opens(cluster.at(0)).await);
    }
    let answers = join_all(streams.into_iter().map(upgrades)).await;
    let (let_in, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(head, _)| head.starts_with("HTTP/1.1 101"));
    println!("{} were let in, {} were told to come again", let_in.len(), refused.len());
    // Ana and Ben may still be among those who arrive.
    assert!(let_in.len() >= 2_046 && !refused.is_empty(), "{} were let in", let_in.len());
    for (head, _) in &refused {
        let again = head.lines().find_map(|line| line.strip_prefix("retry-after: ")?.parse::<u64>().ok());
        assert!(head.starts_with("HTTP/1.1 503") && again.is_some_and(|s| (1..=5).contains(&s)), "{head}");
    }
    assert!(cluster.instances[0].counter("hubbub_arrivals_refused_total").await >= refused.len() as u64);
    // Who is here already notices nothing, and who comes a little later is let in although those others say nothing.
    ana.says("general", "still here").await;
    ben.hears("general", "still here").await;
    let asked = Instant::now();
    while Wire::open(cluster.at(0), None).await.is_err() {
        assert!(asked.elapsed() < DEADLINE, "nobody is let in any more");
        breathe().await;
    }
    assert_eq!((ana.connections(), ben.connections()), (1, 1));
}

#[tokio::test]
async fn a_crowd_that_comes_back_reads_each_page_once() {
    const READERS: usize = 40;
    const MISSED: u64 = 200;
    let cluster = Cluster::of(1).await;
    cluster.room("general", "open", &["ana"]).await;
    let mut first = Wire::of(cluster.at(0), "reader").await;
    let began = first.asks(json!({ "id": 2, "subscribe": { "channel": "room:general" } })).await;
    assert_eq!(began["subscribe"]["offset"], 1, "{began}");
    drop(first);
    let ana = cluster.person("ana", 0).await;
    for n in 0..MISSED {
        ana.says("general", &n.to_string()).await;
    }
    let server = &cluster.instances[0];
    let reads = server.counter("hubbub_log_reads_total").await;
    // One after another, so that no read is still on its way when the next wants it. They stay: pages of rooms that nobody follows
    // are not kept for long.
    let mut crowd = Vec::new();
    for n in 0..READERS {
        let mut wire = Wire::of(cluster.at(0), &format!("reader-{n}")).await;
        let epoch = &began["subscribe"]["epoch"];
        let ask = json!({ "channel": "room:general", "recover": true, "offset": 1, "epoch": epoch });
        let answer = wire.asks(json!({ "id": 2, "subscribe": ask })).await;
        let mut at = 1;
        let mut next = |offset: &Value| {
            at += 1;
            assert_eq!(*offset, at, "out of order");
            at
        };
        for publication in answer["subscribe"]["publications"].as_array().expect("what was missed") {
            next(&publication["offset"]);
        }
        while next(&wire.line().await["push"]["pub"]["offset"]) <= MISSED {}
        crowd.push(wire);
    }
    let reads = server.counter("hubbub_log_reads_total").await - reads;
    println!("{READERS} readers, {MISSED} entries missed by each: the log was read {reads} times");
    // Entries 1 to 128, and 129 to 201.
    assert_eq!(reads, 2, "pages are read again and again");
}
