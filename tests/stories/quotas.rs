//! What one user may use of an instance, over all of their connections.

use crate::{
    cluster::{Cluster, breathe},
    desk::Desk,
    person::token,
    wire::{DEADLINE, Heard, Wire},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

fn rpc(id: u32, method: &str, data: &Value) -> Value {
    json!({ "id": id, "rpc": { "method": method, "data": data } })
}

/// The limit and the wait that an answer tells.
fn told(answer: &Value) -> (u64, Option<u64>) {
    let message = answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let number = |after: &str| {
        let rest = message.split(after).nth(1)?;
        rest.split(' ').next()?.parse().ok()
    };
    let wait = number("retry in ");
    assert_eq!(answer["error"]["code"], if wait.is_some() { 111 } else { 106 }, "{answer}");
    assert_eq!(answer["error"]["temporary"] == true, wait.is_some() || message.contains("connections"), "{answer}");
    (number("the limit is ").unwrap_or_else(|| panic!("{answer}")), wait)
}

#[tokio::test]
async fn one_user_has_so_many_connections_on_an_instance() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--user-connections", "3"]).await;
    let mut wires = Vec::new();
    for _ in 0..3 {
        wires.push(Wire::of(cluster.at(0), "eve").await);
    }
    // A new token on an old connection is no new connection.
    let refreshed = wires[0].asks(json!({ "id": 2, "refresh": { "token": token("eve") } })).await;
    assert!(refreshed["refresh"].is_object(), "{refreshed}");
    let connect = json!({ "id": 1, "connect": { "token": token("eve") } });
    let mut more = Wire::open(cluster.at(0), None).await.unwrap();
    for _ in 0..3 {
        let refused = more.asks(connect.clone()).await;
        assert_eq!(told(&refused), (3, None), "{refused}");
    }
    Wire::of(cluster.at(0), "ana").await;
    assert_eq!(cluster.instances[0].counter("hubbub_over_quota_total").await, 3);
    // One goes, and the same socket may come.
    wires.pop();
    let began = Instant::now();
    while !more.asks(connect.clone()).await["connect"].is_object() {
        assert!(began.elapsed() < DEADLINE, "the place of a connection that has gone is not given to another");
        breathe().await;
    }
    let full = Wire::open(cluster.at(0), None).await.unwrap().asks(connect).await;
    assert_eq!(told(&full), (3, None));
}

#[tokio::test]
async fn entries_of_any_kind_on_all_connections_are_one_users() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--user-entries-per-second", "5"]).await;
    cluster.room("lobby", "open", &["ana"]).await;
    cluster.room("private", "private", &["ana"]).await;
    cluster.room("general", "private", &["eve", "ana"]).await;
    let began = Instant::now();
    let (mut taken, mut refused) = (0, Vec::new());
    let asks = [
        ("join", json!({ "room": "lobby" })),
        ("send", json!({ "room": "general", "text": "spam" })),
        ("leave", json!({ "room": "lobby" })),
        ("join", json!({ "room": "private" })),
        ("close_session", json!({ "room": "general" })),
        ("react", json!({ "room": "general", "target": 1, "reaction": "+1" })),
        ("edit", json!({ "room": "general", "target": 1, "text": "more spam" })),
        ("mute", json!({ "room": "general", "user": "ana", "until": "2026-01-31T09:30:00Z" })),
    ];
    for round in 0..6 {
        let mut eve = Wire::of(cluster.at(0), "eve").await;
        for n in 0..20_u32 {
            let (method, data) = &asks[(n as usize + round) % asks.len()];
            let answer = eve.asks(rpc(n + 2, method, data)).await;
            if answer["error"]["message"].as_str().is_some_and(|why| why.contains("the limit is")) {
                refused.push(told(&answer));
            } else {
                taken += 1;
            }
        }
    }
    let most = 50 + 5 * began.elapsed().as_secs() + 5;
    println!("eve: {taken} of 120 in {:.1?} were taken up, at most {most} may be", began.elapsed());
    assert!((50..=most).contains(&taken) && !refused.is_empty());
    // What one connection writes into one room comes again one after another: twenty at most, 200 ms apart.
    assert!(refused.iter().all(|(limit, wait)| *limit == 5 && wait.is_some_and(|wait| wait <= 4_000)), "{refused:?}");
    // Neither somebody else nor the product's backend is concerned.
    let mut ana = Wire::of(cluster.at(0), "ana").await;
    for n in 2..42 {
        let said = ana.asks(rpc(n, "send", &json!({ "room": "general", "text": "hi" }))).await;
        assert!(said["rpc"].is_object(), "{said}");
        let said = json!({ "from": "eve", "text": "by the backend" });
        assert_eq!(cluster.api("POST", "/v1/rooms/general/messages", &said).await.status, 201);
    }
}

#[tokio::test]
async fn rooms_people_and_sessions_are_counted_where_they_are_new() {
    let desk = Desk::with_flags(
        json!({}),
        &["--user-rooms-per-hour", "3", "--user-people-per-hour", "6", "--user-sessions-per-hour", "2"],
    )
    .await;
    let mut eve = Wire::of(desk.server.at(0), "eve").await;
    let mut id = 1;
    let mut calls = async |method: &str, data: Value| {
        id += 1;
        eve.asks(rpc(id, method, &data)).await
    };
    let crowd = |n: u32| (0..n).map(|n| format!("u{n}")).collect::<Vec<_>>();
    let room = |name: &str, n: u32| json!({ "id": name, "kind": "private", "members": crowd(n) });
    assert_eq!(told(&calls("create_room", room("a", 7)).await), (6, None), "never so many");
    let first = calls("create_room", room("a", 4)).await;
    assert!(first["rpc"].is_object(), "{first}");
    let (limit, wait) = told(&calls("create_room", room("b", 3)).await);
    assert!(limit == 6 && wait.is_some_and(|ms| (500_000..=600_001).contains(&ms)), "{limit} {wait:?}");
    let direct = calls("create_room", json!({ "kind": "direct", "with": "ben" })).await;
    assert!(direct["rpc"].is_object(), "{direct}");
    assert!(calls("create_room", json!({ "kind": "open" })).await["rpc"].is_object());
    let (limit, wait) = told(&calls("create_room", json!({ "kind": "open" })).await);
    assert!(limit == 3 && wait.is_some_and(|ms| ms > 1_000_000), "{limit} {wait:?}");
    // What is there is found, however often.
    for _ in 0..5 {
        assert_eq!(calls("create_room", room("a", 4)).await["rpc"], first["rpc"]);
        assert_eq!(calls("create_room", json!({ "kind": "direct", "with": "ben" })).await["rpc"], direct["rpc"]);
    }
    for name in ["one", "two"] {
        for _ in 0..3 {
            let opened = calls("open_session", json!({ "portal": "desk", "id": name })).await;
            assert!(opened["rpc"].is_object(), "{opened}");
        }
    }
    assert_eq!(told(&calls("open_session", json!({ "portal": "desk", "id": "three" })).await).0, 2);
    let again = calls("open_session", json!({ "portal": "desk", "id": "two" })).await;
    assert!(again["rpc"].is_object(), "{again}");
    for n in 0..8 {
        desk.server.room(&format!("backend-{n}"), "private", &["eve", "ana", "ben"]).await;
    }
}

#[tokio::test]
async fn commands_beyond_a_users_pace_are_answered_later_and_all_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--user-commands-per-second", "20"]).await;
    let (mut one, mut other) = (Wire::of(cluster.at(0), "eve").await, Wire::of(cluster.at(0), "eve").await);
    let began = Instant::now();
    let asks = async |wire: &mut Wire| {
        let calls: Vec<String> = (2..152).map(|id| rpc(id, "rooms", &json!({})).to_string()).collect();
        assert!(wire.say(calls.join("\n")).await);
        for _ in &calls {
            let answer = wire.line().await;
            assert!(answer["rpc"].is_object(), "{answer}");
        }
    };
    tokio::join!(asks(&mut one), asks(&mut other));
    let took = began.elapsed();
    println!("300 commands of one user, 200 at once and 20 a second: {took:.1?}");
    assert!(took >= Duration::from_secs(4), "{took:?}");
    let mut ana = Wire::of(cluster.at(0), "ana").await;
    assert!(ana.asks(rpc(2, "rooms", &json!({}))).await["rpc"].is_object(), "others have their own");
}

/// A message every 20 ms on each of two connections, each refused one again with its key when it was told to come.
#[tokio::test]
async fn sends_keep_their_order_over_refusals_by_the_users_quota() {
    const EACH: u32 = 40;
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--user-entries-per-second", "20"]).await;
    for room in ["one", "two"] {
        cluster.room(room, "private", &["eve"]).await;
    }
    let talks = async |room: &'static str| {
        let mut eve = Wire::of(cluster.at(0), "eve").await;
        // The most that may come at once is used up first.
        let (mut due, mut refused, mut open) = (BTreeMap::new(), 0, HashMap::new());
        let (began, every) = (Instant::now(), Duration::from_millis(20));
        for n in 0..120 + EACH {
            let at = if n < 120 { began } else { began + every * (n - 120) };
            due.insert((at, n), ());
        }
        let (mut id, mut done) = (1, 0);
        while done < 120 + EACH {
            while let Some(((at, n), ())) = due.first_key_value().map(|(key, ())| (*key, ()))
                && at <= Instant::now()
                && open.len() < 60
            {
                due.remove(&(at, n));
                id += 1;
                open.insert(id, n);
                let data = json!({ "room": room, "text": n.to_string(), "key": format!("k{n}") });
                eve.say(rpc(id, "send", &data).to_string()).await;
            }
            let Ok(heard) = tokio::time::timeout(Duration::from_millis(5), eve.next()).await else { continue };
            let Heard::Line(answer) = heard else { panic!("{heard:?}") };
            let Some(n) = answer["id"].as_u64().and_then(|id| open.remove(&(id as u32))) else { continue };
            if answer["rpc"].is_object() {
                done += 1;
            } else {
                let (limit, wait) = told(&answer);
                assert_eq!(limit, 20);
                refused += 1;
                due.insert((Instant::now() + Duration::from_millis(wait.expect("a wait")), n), ());
            }
            assert!(began.elapsed() < 6 * DEADLINE, "{done} in {:?}", began.elapsed());
        }
        refused
    };
    let refused = tokio::join!(talks("one"), talks("two"));
    println!("refused {refused:?} times");
    assert!(refused.0 > 0 && refused.1 > 0);
    for room in ["one", "two"] {
        let log = cluster.log(room).await;
        let texts: Vec<u32> = log.iter().filter_map(|entry| entry["text"].as_str()?.parse().ok()).collect();
        assert_eq!(texts, (0..120 + EACH).collect::<Vec<_>>(), "{room}");
    }
}
