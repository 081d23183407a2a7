//! Clients that ask for too much of everything: the server answers or closes, and does not grow. What it weighs before and
//! after is printed.

use crate::{
    bad_frames::Bystanders,
    cluster::{Cluster, breathe},
    wire::{Heard, Wire},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How much the whole process may grow by, during each of these and after it. Generous: it holds for all the clients
/// together, and the allocator keeps some of what it has once needed.
const GROWTH: u64 = 48 * 1024 * 1024;
/// Clients that do the same at a time.
const CLIENTS: usize = 8;

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

fn subscribe(id: usize, room: &str) -> String {
    json!({ "id": id, "subscribe": { "channel": format!("room:{room}") } }).to_string()
}

/// One connection asks for ten thousand subscriptions; a thousand stand.
async fn subscribes_to_everything(addr: SocketAddr, _: usize) {
    let mut wire = Wire::of(addr, "ana").await;
    let (mut stand, mut refused, mut answered, mut asked) = (0, 0, 0, 0);
    while answered < 10_000 {
        while asked < 10_000 && asked - answered < 50 {
            asked += 1;
            assert!(wire.say(subscribe(asked + 1, &format!("r{}", asked % 1_100))).await);
        }
        let line = wire.line().await;
        stand += usize::from(line["subscribe"].is_object());
        let code = line["error"]["code"].as_u64();
        assert!(code.is_none_or(|code| code == 106 || code == 105), "{line}");
        refused += usize::from(code == Some(106));
        answered += usize::from(line["id"].is_u64());
    }
    assert!(stand == 1_000 && refused > 0, "{stand} stand, {refused} were refused");
}

async fn subscribes_and_unsubscribes(addr: SocketAddr, _: usize) {
    let mut wire = Wire::of(addr, "ana").await;
    for round in 0..400 {
        let mut lines = Vec::new();
        for n in 0..8 {
            lines.push(subscribe(2 + round * 100 + 2 * n, &format!("r{n}")));
            let channel = format!("room:r{n}");
            lines.push(json!({ "id": 3 + round * 100 + 2 * n, "unsubscribe": { "channel": channel } }).to_string());
        }
        assert!(wire.say(lines.join("\n")).await);
        for _ in 0..16 {
            let line = wire.line().await;
            assert!(line["subscribe"].is_object() || line["unsubscribe"].is_object(), "{line}");
        }
    }
}

/// A megabyte of nonsense within the rules of WebSocket, again on a new socket after each close.
async fn pours_garbage(addr: SocketAddr, seed: usize) {
    let mut sent = 0;
    while sent < 1024 * 1024 {
        let mut wire = Wire::of(addr, "ana").await;
        let garbage: String = (0..60_000).map(|n| char::from(b'!' + ((n * 7 + seed * 13) % 90) as u8)).collect();
        sent += garbage.len();
        wire.say(garbage).await;
        loop {
            match wire.next().await {
                Heard::Closed(code, reason) => break assert_eq!(code, 3501, "{reason}"),
                Heard::Gone => break,
                Heard::Line(_) => {}
            }
        }
    }
}

/// Says so much and reads nothing, until nothing more is taken or so much time has passed.
async fn says_without_reading(addr: SocketAddr, line: impl Fn(usize) -> String) {
    let mut wire = Wire::open(addr, Some(4 * 1024)).await.expect("a socket");
    wire.say(json!({ "id": 1, "connect": { "token": crate::person::token("ana") } }).to_string()).await;
    let pouring = async {
        for n in 2..200_000 {
            if !wire.say(line(n)).await {
                return;
            }
        }
    };
    // It is not read any more after some of them: the rest stays with the client.
    let taken = tokio::time::timeout(Duration::from_secs(3), pouring).await;
    assert!(taken.is_err(), "200,000 commands were taken from somebody who reads no answer");
}

async fn asks_for_history(addr: SocketAddr, _: usize) {
    let line = |n: usize| json!({ "id": n, "history": { "channel": "room:general", "limit": 1000 } }).to_string();
    says_without_reading(addr, line).await;
}

async fn asks_for_rooms(addr: SocketAddr, _: usize) {
    says_without_reading(addr, |n| json!({ "id": n, "rpc": { "method": "rooms", "data": {} } }).to_string()).await;
}

async fn sends_without_reading(addr: SocketAddr, who: usize) {
    let line = |n: usize| {
        let data = json!({ "room": "r1", "text": "x", "key": format!("{who}-{n}") });
        json!({ "id": n, "rpc": { "method": "send", "data": data } }).to_string()
    };
    says_without_reading(addr, line).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_too_much_of_the_server_does_not_make_it_grow() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    let bystanders = Bystanders::of(&cluster).await;
    for n in 0..1_100 {
        let answer = cluster.api("POST", "/v1/rooms", &json!({ "id": format!("r{n}"), "kind": "open" })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    cluster.api("PUT", "/v1/rooms/r1/members/ana", &json!({ "role": "member" })).await;
    let message = json!({ "from": "ana", "text": "x".repeat(4_000) });
    for _ in 0..20 {
        join_all((0..10).map(|_| cluster.api("POST", "/v1/rooms/general/messages", &message))).await;
    }
    let (server, addr) = (&cluster.instances[0], cluster.at(0));
    let quiet = async |connections: u64| {
        let asked = Instant::now();
        while server.counter("hubbub_connections").await > connections {
            assert!(asked.elapsed() < Duration::from_secs(60), "connections that ended are still there");
            breathe().await;
        }
    };
    macro_rules! table {
        ($($what:literal: $attack:ident;)*) => {
            $({
                quiet(2).await;
                let before = server.memory();
                let began = Instant::now();
                let attack = join_all((0..CLIENTS).map(|n| $attack(addr, n)));
                tokio::pin!(attack);
                let mut worst = before;
                loop {
                    tokio::select! {
                        _ = attack.as_mut() => break,
                        () = breathe() => worst = worst.max(server.memory()),
                    }
                }
                quiet(2).await;
                bystanders.talk_on($what).await;
                let after = server.memory();
                println!(
                    "{:<46} {:>6.1} MiB before, {:>6.1} at worst, {:>6.1} after, in {:.1?}",
                    $what, mib(before), mib(worst), mib(after), began.elapsed()
                );
                assert!(worst.max(after) < before + GROWTH, "{}: it grew", $what);
            })*
        };
    }
    table! {
        "10,000 subscriptions by each connection": subscribes_to_everything;
        "subscribe and unsubscribe in a tight loop": subscribes_and_unsubscribes;
        "a megabyte of garbage from each": pours_garbage;
        "a history loop that never reads": asks_for_history;
        "a rooms loop that never reads": asks_for_rooms;
        "sends without reading": sends_without_reading;
    }
    let metrics: Value = cluster.api("GET", "/v1/rooms/general", &Value::Null).await.json();
    assert!(metrics["head"].as_u64().is_some_and(|head| head > 200), "{metrics}");
    assert_eq!(server.counter("hubbub_subscriptions").await, 2, "subscriptions of those who have gone are kept");
}
