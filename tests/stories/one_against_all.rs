//! Somebody who wants to harm, beside fifty who talk: what these notice of it is printed, and what is stored of it is bounded.

use crate::{
    cluster::Cluster,
    person::{Person, token},
    wire::{Heard, Wire},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};

const HONEST: usize = 50;
const ROOMS: usize = 10;
const SAYINGS: usize = 30;
/// The limits as they are by default: other stories have them raised.
const LIMITS: [&str; 12] = [
    "--user-commands-per-second",
    "300",
    "--user-connections",
    "100",
    "--user-entries-per-second",
    "50",
    "--user-rooms-per-hour",
    "100",
    "--user-people-per-hour",
    "1000",
    "--user-sessions-per-hour",
    "30",
];

/// Everybody says something every tenth of a second, and waits for the acknowledgement. How long that took, sorted.
async fn talk(honest: &[Person], phase: &str) -> Vec<Duration> {
    let talks = honest.iter().enumerate().map(async |(n, person)| {
        let mut took = Vec::with_capacity(SAYINGS);
        let mut pace = tokio::time::interval(Duration::from_millis(100));
        for saying in 0..SAYINGS {
            pace.tick().await;
            let began = Instant::now();
            person.says(&format!("room-{}", n % ROOMS), &format!("{phase} {saying}")).await;
            took.push(began.elapsed());
        }
        took
    });
    let mut took = join_all(talks).await.concat();
    took.sort_unstable();
    took
}

fn print(cluster: &Cluster, phase: &str, took: &[Duration]) {
    let instance = &cluster.instances[0];
    println!(
        "{phase}: p50 {:.1?}, p99 {:.1?}, worst {:.1?}; {:.1} MB, {} files",
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        took[took.len() - 1],
        instance.memory() as f64 / 1e6,
        instance.descriptors(),
    );
}

/// What mallory has done, and what of it was taken up.
#[derive(Default)]
struct Deeds {
    stop: AtomicBool,
    asked: AtomicUsize,
    done: AtomicUsize,
    turned_away: AtomicUsize,
    lurked: AtomicUsize,
}

/// One of mallory's connections: asks for whatever costs others most, as fast as it is answered, and heeds nothing it is told.
async fn rages(addr: SocketAddr, nth: usize, deeds: Arc<Deeds>) {
    let crowd: Vec<String> = (0..1_000).map(|n| format!("victim-{n}")).collect();
    let asks: Vec<String> = [
        ("send", json!({ "room": "lobby", "text": "x".repeat(8_000) })),
        ("join", json!({ "room": "lobby" })),
        ("leave", json!({ "room": "lobby" })),
        ("create_room", json!({ "kind": "open" })),
        ("create_room", json!({ "kind": "private", "members": crowd })),
        ("members", json!({ "room": "room-1" })),
        ("messages", json!({ "room": "room-1", "limit": 1000 })),
        ("send", json!({ "room": "room-1", "text": "let me in" })),
    ]
    .map(|(method, data)| json!({ "method": method, "data": data }).to_string())
    .into();
    while !deeds.stop.load(Ordering::Relaxed) {
        let Ok(mut wire) = Wire::open(addr, None).await else { continue };
        let connect = json!({ "id": 1, "connect": { "token": token("mallory") } });
        if !wire.asks(connect).await["connect"].is_object() {
            deeds.turned_away.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let mut id = 1_usize;
        while !deeds.stop.load(Ordering::Relaxed) {
            let rpc = &asks[(id + nth) % asks.len()];
            id += 1;
            if !wire.say(format!(r#"{{"id":{id},"rpc":{rpc}}}"#)).await {
                break;
            }
            let answer = loop {
                match wire.next().await {
                    // Hints on all of her devices, too.
                    Heard::Line(line) if line["id"].is_null() => {}
                    Heard::Line(line) => break line,
                    Heard::Closed(..) | Heard::Gone => return,
                }
            };
            deeds.asked.fetch_add(1, Ordering::Relaxed);
            deeds.done.fetch_add(usize::from(answer["rpc"].is_object()), Ordering::Relaxed);
        }
    }
}

/// One of a thousand connections from an address of its own: says nothing, or begins a body and never ends it; and comes again when it
/// is ended.
async fn lurks(addr: SocketAddr, nth: usize, deeds: Arc<Deeds>) {
    let text = format!("POST /emulation HTTP/1.1\r\nhost: x\r\ncontent-length: 150000\r\n\r\n{}", "x".repeat(50_000));
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    while !deeds.stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).expect("another address of this machine");
        let Ok(mut stream) = socket.connect(addr).await else { continue };
        deeds.lurked.fetch_add(1, Ordering::Relaxed);
        let ended = async {
            if nth.is_multiple_of(2) {
                let _ = stream.write_all(text.as_bytes()).await;
            }
            let mut heard = [0; 512];
            while stream.read(&mut heard).await.is_ok_and(|n| n > 0) {}
        };
        let stopped = async {
            let mut looks = tokio::time::interval(Duration::from_millis(100));
            while !deeds.stop.load(Ordering::Relaxed) {
                looks.tick().await;
            }
        };
        tokio::select! {
            () = ended => {}
            () = stopped => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_people_talk_while_one_user_and_one_address_do_the_worst() {
    let cluster = Cluster::of_with(1, &LIMITS).await;
    let names: Vec<String> = (0..HONEST).map(|n| format!("honest-{n}")).collect();
    for room in 0..ROOMS {
        let members: Vec<&str> = names.iter().skip(room).step_by(ROOMS).map(String::as_str).collect();
        cluster.room(&format!("room-{room}"), "private", &members).await;
    }
    cluster.room("lobby", "open", &["honest-0"]).await;
    let mut honest = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let person = cluster.person(name, 0).await;
        person.follows(&format!("room-{}", n % ROOMS)).await;
        honest.push(person);
    }
    talk(&honest[..1], "warm").await;
    print(&cluster, "before", &talk(&honest, "before").await);

    let (deeds, began) = (Arc::<Deeds>::default(), Instant::now());
    // On a thread of its own: it is the server that is to be fair, not the story.
    let (addr, of_mallory) = (cluster.at(0), deeds.clone());
    let mallory = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let rage = join_all((0..150).map(|n| rages(addr, n, of_mallory.clone())));
        let lurk = join_all((0..1_000).map(|n| lurks(addr, n, of_mallory.clone())));
        runtime.block_on(async { tokio::join!(rage, lurk) });
    });
    print(&cluster, "as it begins", &talk(&honest, "begins").await);
    print(&cluster, "as it goes on", &talk(&honest, "goes on").await);
    deeds.stop.store(true, Ordering::Relaxed);
    let seconds = began.elapsed().as_secs_f64();
    tokio::task::spawn_blocking(move || mallory.join()).await.expect("a wait").expect("mallory");
    let count = |deed: &AtomicUsize| deed.load(Ordering::Relaxed);
    println!(
        "mallory in {seconds:.1} s: {} requests, {} done; {} connections turned away; {} from 127.0.0.2",
        count(&deeds.asked),
        count(&deeds.done),
        count(&deeds.turned_away),
        count(&deeds.lurked)
    );
    print(&cluster, "after", &talk(&honest, "after").await);

    // What is stored of it: not more than one user may.
    let rooms = cluster.api("GET", "/v1/rooms?member=mallory&limit=1000", &Value::Null).await.json();
    let victim = cluster.api("GET", "/v1/rooms?member=victim-7&limit=1000", &Value::Null).await.json();
    let (made, crowds) =
        (rooms["rooms"].as_array().expect("rooms").len(), victim["rooms"].as_array().expect("rooms").len());
    let entries = cluster.log("lobby").await.iter().filter(|entry| entry["from"] == "mallory").count();
    println!("mallory: {entries} entries in the lobby, {made} rooms, a thousand people put into {crowds} of them");
    assert!(made <= 100 + 1 && crowds <= 1, "{made} rooms, {crowds} crowds");
    assert!(entries as f64 <= 500.0 + 50.0 * (seconds + 1.0), "{entries} entries in {seconds} s");
    for room in 0..ROOMS {
        let here: Vec<&Person> = honest.iter().skip(room).step_by(ROOMS).collect();
        cluster.verify(&format!("room-{room}"), &here).await;
    }
}
