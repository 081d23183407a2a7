//! Rooms that are archived and deleted, and direct rooms of several people.

use crate::{
    cluster::{Cluster, breathe},
    desk,
    http::Answer,
    person::Person,
    support::portal::Portal,
    wire::{DEADLINE, Speech, Wire},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

/// Deletes a room on this instance.
async fn deletes(cluster: &Cluster, n: usize, room: &str) {
    let answer = cluster.instances[n].api("DELETE", &format!("/v1/rooms/{room}"), &Value::Null).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

#[tokio::test]
async fn an_instance_that_goes_first_tells_all_members_of_a_room_that_was_deleted_there() {
    let mut cluster = Cluster::of(2).await;
    cluster.room("hall", "private", &["ana"]).await;
    // The last is told after two seconds.
    for thousand in 0..10 {
        let one = |n: usize| json!({ "user": format!("u{:05}", thousand * 1_000 + n), "role": "member" });
        let members = json!({ "members": (0..1_000).map(one).collect::<Vec<_>>() });
        let answer = cluster.instances[0].api("PUT", "/v1/rooms/hall/members", &members).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let last = Person::wanting("u09999", cluster.at(1), Speech::Json, json!({ "signals": true })).await;
    deletes(&cluster, 0, "hall").await;
    cluster.stop(0).await;
    last.is_told_that(json!({ "type": "removed", "room": "hall" })).await;
}

#[tokio::test]
async fn a_room_is_deleted_while_two_hundred_write_and_everybody_is_told() {
    let cluster = Cluster::of(2).await;
    let names: Vec<String> = (0..200).map(|n| format!("u{n}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    cluster.room("hall", "private", &members).await;
    cluster.room("den", "private", &["ana"]).await;
    let reader = cluster.person("u0", 0).await;
    let other = cluster.person("u1", 1).await;
    for person in [&reader, &other] {
        person.follows("hall").await;
    }
    // Members who do not follow it, on either instance; of two apps of one of them the other asks for nothing.
    let wants = || json!({ "signals": true });
    let there = Person::wanting("u4", cluster.at(0), Speech::Json, wants()).await;
    let elsewhere = Person::wanting("u199", cluster.at(1), Speech::Protobuf, wants()).await;
    let watcher = Person::wanting("u5", cluster.at(1), Speech::Json, json!({ "activity": true })).await;
    watcher.is_told_that(json!({ "type": "watching" })).await;
    let stranger_too = Person::wanting("mallory", cluster.at(1), Speech::Json, wants()).await;
    let plain = cluster.person("u4", 1).await;
    // Members who write without following it.
    let mut sockets = Vec::new();
    for n in [2, 3] {
        sockets.push(Wire::of(cluster.at(n % 2), &names[n]).await);
    }
    let deleted = AtomicBool::new(false);
    let writes = async |name: &str, n: usize| {
        let body = json!({ "from": name, "text": "hi" });
        let mut taken = Vec::new();
        loop {
            let was_deleted = deleted.load(Ordering::SeqCst);
            let answer = cluster.instances[n % 2].api("POST", "/v1/rooms/hall/messages", &body).await;
            match (answer.status, was_deleted) {
                (201, false) => taken.push(answer.json()["seq"].as_u64().expect("a seq")),
                (429, _) => breathe().await,
                _ => {
                    assert_eq!(code(&answer), (410, "room_deleted".to_owned()), "{name}: {}", answer.text);
                    return taken;
                }
            }
        }
    };
    let ends = async {
        reader.has_read("hall", 400).await;
        deletes(&cluster, 0, "hall").await;
        deleted.store(true, Ordering::SeqCst);
        Instant::now()
    };
    let (taken, at) = tokio::join!(join_all(names.iter().enumerate().map(|(n, name)| writes(name, n))), ends);
    let mut taken: Vec<u64> = taken.into_iter().flatten().collect();
    taken.sort_unstable();
    assert_eq!(taken, (201..201 + taken.len() as u64).collect::<Vec<_>>(), "each has its place, and there is no hole");

    for person in [&reader, &other] {
        assert_eq!(person.is_unsubscribed("hall").await, 2001, "{}", person.name);
        person.with("hall", |followed| assert!(followed.faults.is_empty(), "{:?}", followed.faults));
        for (method, data) in
            [("messages", json!({ "room": "hall" })), ("send", json!({ "room": "hall", "text": "hi" }))]
        {
            let answer = person.calls(method, data).await;
            assert_eq!(answer["error"]["code"], 410, "{method}: {answer}");
        }
        let again = person.asks(json!({ "subscribe": { "channel": "room:hall" } })).await.expect("an answer");
        assert_eq!(again["error"]["code"], 410, "{again}");
        let rooms = person.calls("rooms", json!({})).await;
        assert_eq!(rooms["rpc"]["data"]["rooms"], json!([]), "{rooms}");
    }
    for person in [&there, &elsewhere, &watcher] {
        person.is_told_that(json!({ "type": "removed", "room": "hall" })).await;
    }
    for person in [&plain, &stranger_too] {
        assert!(person.hints().iter().all(|hint| hint["type"] != "removed"), "{}: {:?}", person.name, person.hints());
    }
    println!("told {:?} after the deletion, {} messages before", at.elapsed(), taken.len());
    for wire in &mut sockets {
        let sent =
            wire.asks(json!({ "id": 7, "rpc": { "method": "send", "data": { "room": "hall", "text": "hi" } } })).await;
        assert_eq!(sent["error"]["code"], 410, "{sent}");
    }
    // To others it never was.
    let stranger = cluster.person("eve", 1).await;
    for room in ["hall", "nowhere"] {
        let answer = stranger.calls("messages", json!({ "room": room })).await;
        assert_eq!(answer["error"]["code"], 102, "{answer}");
    }
    for (method, path, body) in [
        ("GET", "/v1/rooms/hall", Value::Null),
        ("GET", "/v1/rooms/hall/messages", Value::Null),
        ("GET", "/v1/rooms/hall/history", Value::Null),
        ("GET", "/v1/rooms/hall/members", Value::Null),
        ("PUT", "/v1/rooms/hall/members/eve", json!({ "role": "admin" })),
        ("PATCH", "/v1/rooms/hall", json!({ "name": "x" })),
        ("POST", "/v1/rooms", json!({ "id": "hall", "kind": "private" })),
        ("POST", "/v1/rooms", json!({ "id": "hall", "kind": "open" })),
    ] {
        for n in [0, 1] {
            let answer = cluster.instances[n].api(method, path, &body).await;
            assert_eq!(code(&answer), (410, "room_deleted".to_owned()), "{method} {path}: {}", answer.text);
        }
    }
    deletes(&cluster, 1, "hall").await;
    let gone = cluster.api("DELETE", "/v1/rooms/nowhere", &Value::Null).await;
    assert_eq!(code(&gone), (404, "unknown_room".to_owned()));
    let listed = cluster.api("GET", "/v1/rooms?kind=private", &Value::Null).await.json();
    let ids: Vec<_> = listed["rooms"].as_array().expect("rooms").iter().map(|room| &room["id"]).collect();
    assert_eq!(ids, ["den"]);
    for (query, names) in [("limits=7", "limits"), ("kind=deleted", "kind"), ("active_since=noon", "active_since")] {
        let answer = cluster.api("GET", &format!("/v1/rooms?{query}"), &Value::Null).await;
        assert!([400, 422].contains(&answer.status) && answer.text.contains(names), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_kill_in_the_middle_of_clearing_away_leaves_nothing_of_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cluster = Cluster::laptop(directory.path()).await;
    let word = format!("q{:024x}z", rand::random::<u128>() >> 32);
    cluster.room(&format!("hall-{word}"), "private", &["ana"]).await;
    for id in ["hall", "other"] {
        cluster.room(id, "private", &["ana"]).await;
        let says = |n: usize| {
            let body = json!({ "from": "ana", "text": format!("{n} {word} {id}") });
            let path = format!("/v1/rooms/{id}/messages");
            let cluster = &cluster;
            async move { cluster.api("POST", &path, &body).await.status }
        };
        for part in (0..2_000).collect::<Vec<_>>().chunks(200) {
            assert!(join_all(part.iter().map(|n| says(*n))).await.iter().all(|status| *status == 201));
        }
    }
    let there = |what: &str| {
        let all = std::fs::read_dir(directory.path()).expect("files").flatten();
        let bytes = all
            .filter(|file| file.file_name().to_string_lossy().contains(".db"))
            .map(|file| std::fs::read(file.path()));
        let needle = what.as_bytes();
        bytes
            .flatten()
            .map(|bytes| bytes.windows(needle.len()).filter(|window| *window == needle).count())
            .sum::<usize>()
    };
    let said = format!("{word} hall");
    assert!(there(&said) >= 2_000);
    deletes(&cluster, 0, "hall").await;
    cluster.kill(0);
    let left = there(&said);
    println!("killed with {left} of 2000 texts in the files");
    cluster.restart(0).await;
    let asked = Instant::now();
    while there(&said) > 0 {
        assert!(asked.elapsed() < 6 * DEADLINE, "{} texts are left", there(&said));
        breathe().await;
    }
    assert_eq!(cluster.log("other").await.len(), 2_001);
    let answer = cluster.api("POST", "/v1/rooms", &json!({ "id": "hall", "kind": "private" })).await;
    assert_eq!(code(&answer), (410, "room_deleted".to_owned()));
}

#[tokio::test]
async fn a_deleted_session_ends_and_the_customer_begins_another() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
    let portal = Portal::start().await;
    desk::make(&cluster, "desk", &portal, json!({})).await;
    let ana = cluster.person("ana", 0).await;
    let opens = async |data: Value| ana.calls("open_session", data).await;
    let first = opens(json!({ "portal": "desk" })).await["rpc"]["data"]["id"].clone();
    let named = opens(json!({ "portal": "desk", "id": "order" })).await["rpc"]["data"]["id"].clone();
    let (first, named) = (first.as_str().expect("an id"), named.as_str().expect("an id"));
    ana.follows(first).await;
    for id in [first, named] {
        deletes(&cluster, 0, id).await;
        assert_eq!(cluster.api("GET", &format!("/v1/sessions/{id}"), &Value::Null).await.status, 404);
    }
    assert_eq!(ana.is_unsubscribed(first).await, 2001);
    let again = opens(json!({ "portal": "desk", "id": "order" })).await;
    assert_eq!(again["error"]["code"], 410, "a name is not used again: {again}");
    let second = opens(json!({ "portal": "desk" })).await["rpc"]["data"]["id"].clone();
    assert!(second.as_str().is_some_and(|second| second.starts_with("session.") && second != first), "{second}");
    let same = opens(json!({ "portal": "desk" })).await["rpc"]["data"]["id"].clone();
    assert_eq!(same, second);
    let said = ana.says(second.as_str().expect("an id"), "hello again").await;
    assert!(said.seq > 0);
}

#[tokio::test]
async fn an_archived_room_is_read_and_nothing_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop(directory.path()).await;
    let room =
        json!({ "id": "hall", "kind": "open", "members": [{ "user": "ana", "role": "admin" }, { "user": "ben" }] });
    assert_eq!(cluster.api("POST", "/v1/rooms", &room).await.status, 201);
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 0).await);
    ben.follows("hall").await;
    let first = ben.says("hall", "before").await;
    let set = async |archived: bool| {
        let data = json!({ "room": "hall", "settings": { "archived": archived } });
        ana.calls("change_room", data).await["rpc"]["data"]["seq"].as_u64()
    };
    assert!(set(true).await.is_some());
    assert_eq!(set(true).await, None, "so already");
    ana.is_connected().await;
    let target = first.seq;
    for (method, data) in [
        ("send", json!({ "text": "hi" })),
        ("edit", json!({ "target": target, "text": "after" })),
        ("react", json!({ "target": target, "reaction": "+1" })),
        ("pin", json!({ "target": target })),
        ("change_room", json!({ "name": "x" })),
        ("change_room", json!({ "settings": { "slow_mode": 10 } })),
    ] {
        let mut data = data;
        data["room"] = "hall".into();
        let answer = ana.calls(method, data).await;
        assert_eq!(answer["error"]["code"], 103, "{method}: {answer}");
    }
    let refused = cluster.api("POST", "/v1/rooms/hall/messages", &json!({ "from": "ben", "text": "hi" })).await;
    assert_eq!(code(&refused), (403, "archived".to_owned()));
    let retried = ben.says_with_key("hall", "before", &first.key).await;
    assert_eq!(retried.seq, first.seq);
    let shown = cluster.api("GET", "/v1/rooms/hall", &Value::Null).await.json();
    assert_eq!(shown["settings"]["archived"], true);
    let listed = ben.calls("rooms", json!({})).await;
    assert_eq!(listed["rpc"]["data"]["rooms"][0]["settings"]["archived"], true, "{listed}");
    ben.deletes("hall", target).await;
    assert!(set(false).await.is_some());
    ben.says("hall", "after").await;
}

#[tokio::test]
async fn a_direct_room_is_of_the_same_people_whoever_asks_and_another_once_it_was_deleted() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop(directory.path()).await;
    let (ana, cem) = (cluster.person("ana", 0).await, cluster.person("cem", 0).await);
    let makes = async |person: &crate::person::Person, with: Value| {
        let made = person.calls("create_room", json!({ "kind": "direct", "with": with })).await;
        made["rpc"]["data"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    let by_backend = async |names: &[&str]| {
        let members: Vec<Value> = names.iter().map(|name| json!({ "user": name })).collect();
        cluster.api("POST", "/v1/rooms", &json!({ "kind": "direct", "members": members })).await
    };
    let three = makes(&ana, json!(["ben", "cem"])).await;
    assert_eq!(makes(&cem, json!(["ana", "ben", "ana"])).await, three);
    assert_eq!(by_backend(&["cem", "ben", "ana"]).await.json()["id"], three);
    let two = makes(&ana, json!("ben")).await;
    assert_eq!(makes(&ana, json!(["ben"])).await, two);
    let four = makes(&ana, json!(["ben", "cem", "dora"])).await;
    assert!(two != three && three != four);
    ana.says(&three, "hi").await;
    cem.follows(&three).await;
    for (method, data) in [
        ("set_role", json!({ "user": "dora", "role": "member" })),
        ("remove_member", json!({ "user": "ana" })),
        ("leave", json!({})),
        ("change_room", json!({ "settings": { "archived": true } })),
    ] {
        let mut data = data;
        data["room"] = three.as_str().into();
        let answer = cem.calls(method, data).await;
        assert_eq!(answer["error"]["code"], 103, "{method}: {answer}");
    }
    let crowd: Vec<String> = (0..20).map(|n| format!("u{n}")).collect();
    let many = ana.calls("create_room", json!({ "kind": "direct", "with": crowd })).await;
    assert!(
        many["error"]["message"].as_str().is_some_and(|why| why.contains("21 people") && why.contains("20")),
        "{many}"
    );
    for none in [json!([]), json!("")] {
        let answer = ana.calls("create_room", json!({ "kind": "direct", "with": none })).await;
        assert_eq!(answer["error"]["code"], 107, "{answer}");
    }
    deletes(&cluster, 0, &three).await;
    assert_eq!(cem.is_unsubscribed(&three).await, 2001);
    let again = makes(&ana, json!(["ben", "cem"])).await;
    assert!(again.starts_with("direct.") && again != three, "{again}");
    assert_eq!(makes(&cem, json!(["ben", "ana"])).await, again);
    let found = by_backend(&["ana", "ben", "cem"]).await;
    assert_eq!((found.status, found.json()["id"].clone()), (200, json!(again)));
    let log = cem.calls("messages", json!({ "room": again })).await;
    assert!(!log.to_string().contains("\"hi\""), "{log}");
}
