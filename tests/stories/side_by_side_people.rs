//! What people see of each other while an older instance, which knows nothing of it, lives beside this version, and once it has gone.

use crate::{
    cluster::{Cluster, breathe, old_program},
    person::Person,
    side_by_side::{BEFORE, becomes},
    wire::{DEADLINE, Speech},
};
use serde_json::{Value, json};
use std::{path::Path, time::Instant};

/// Somebody who wants to be told everything.
async fn curious(cluster: &Cluster, name: &str, n: usize) -> Person {
    let wants = json!({ "signals": true, "activity": true });
    Person::wanting(name, cluster.at(n), Speech::Json, wants).await
}

async fn ok(person: &Person, method: &str, data: Value) -> Value {
    let answer = person.calls(method, data).await;
    assert!(answer["rpc"].is_object(), "{method}: {answer}");
    answer["rpc"]["data"].clone()
}

/// How much somebody has unread in the hall, as an instance says.
async fn unread(cluster: &Cluster, n: usize, user: &str) -> Value {
    let page = cluster.instances[n].api("GET", &format!("/v1/users/{user}/unread"), &Value::Null).await.json();
    let rooms = page["rooms"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
    rooms.iter().find(|room| room["room"] == "hall").map(|room| room["unread"]["count"].clone()).unwrap_or(json!(0))
}

/// Waits until this is so of somebody.
async fn is_online(by: &Person, user: &str, online: bool) {
    let began = Instant::now();
    loop {
        let seen = ok(by, "online", json!({ "users": [user] })).await;
        if seen["users"][0]["online"] == online {
            return;
        }
        assert!(began.elapsed() < 3 * DEADLINE, "{user}: {seen}");
        breathe().await;
    }
}

/// What was told of a room's activity.
fn activity(person: &Person, room: &str) -> Vec<Value> {
    person.hints().into_iter().filter(|hint| hint["type"] == "activity" && hint["room"] == room).collect()
}

#[tokio::test]
async fn what_people_see_of_each_other_while_an_older_instance_lives_and_once_it_has_gone() {
    if std::env::var_os("HUBBUB_LONG").is_none() {
        return println!("left to `make test-long`: it builds the program of an earlier version");
    }
    let (old, new) = (old_program(BEFORE), Path::new(env!("CARGO_BIN_EXE_hubbub")));
    let mut cluster = Cluster::running(3, &old).await;
    cluster.room("hall", "private", &["ana", "ben", "dora", "eve"]).await;
    cluster.room("attic", "private", &["ana", "ben", "eve"]).await;
    for n in [0, 1] {
        becomes(&mut cluster, n, new).await;
    }
    let (ana, ben, eve) =
        (curious(&cluster, "ana", 0).await, curious(&cluster, "ben", 1).await, curious(&cluster, "eve", 1).await);
    // Her app is as new, and her instance is the old one.
    let dora = curious(&cluster, "dora", 2).await;
    for person in [&ana, &ben, &dora] {
        person.follows("hall").await;
    }
    for person in [&ben, &eve] {
        person.is_told_that(json!({ "type": "watching" })).await;
    }

    // Signals pass between the new ones, and harm the old one nothing.
    ok(&ana, "typing", json!({ "room": "hall" })).await;
    ben.notices("hall", json!({ "type": "typing", "user": "ana" })).await;
    let first = dora.says("hall", "by way of the old one").await.seq;
    for person in [&ana, &ben, &dora] {
        person.hears("hall", "by way of the old one").await;
    }
    // What the old one writes is unread, told and read as anything.
    for person in [&ben, &eve] {
        person.is_told_that(json!({ "type": "activity", "room": "hall", "head": first })).await;
    }
    for n in [0, 1] {
        assert_eq!(unread(&cluster, n, "ben").await, json!(1), "on {n}");
    }
    ok(&ben, "read", json!({ "room": "hall", "seq": first })).await;
    ana.notices("hall", json!({ "type": "read", "user": "ben", "seq": first })).await;
    for n in [0, 1] {
        assert_eq!(unread(&cluster, n, "ben").await, json!(0), "on {n}");
    }
    // A removal by way of the old one ends hints, too.
    let gone = cluster.instances[2].api("DELETE", "/v1/rooms/attic/members/eve", &Value::Null).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    let head = ana.says("attic", "without her").await.seq;
    ben.is_told_that(json!({ "type": "activity", "room": "attic", "head": head })).await;
    eve.is_told_that(json!({ "type": "removed", "room": "attic" })).await;
    assert_eq!(activity(&eve, "attic"), Vec::<Value>::new());
    // The old one does not say who is with it, and nobody waits for it. It refuses what it does not know.
    is_online(&ana, "ben", true).await;
    is_online(&ana, "dora", false).await;
    for (method, data) in [
        ("typing", json!({ "room": "hall" })),
        ("read", json!({ "room": "hall", "seq": first })),
        ("online", json!({ "users": ["ana"] })),
        ("unread", json!({})),
    ] {
        let refused = dora.calls(method, data).await;
        assert_eq!(refused["error"]["code"], 104, "{method}: {refused}");
    }
    let features = ana.was_told()["features"].clone();
    assert!(features.as_array().is_some_and(|on| !on.contains(&json!("online"))), "{features}");

    // Once it has gone, everything is there.
    becomes(&mut cluster, 2, new).await;
    is_online(&ana, "dora", true).await;
    ana.waits_for("what is on", 3 * DEADLINE, |me| {
        me.features().is_some_and(|on| on.as_array().is_some_and(|on| on.contains(&json!("online"))))
    })
    .await;
    ok(&dora, "typing", json!({ "room": "hall" })).await;
    ben.notices("hall", json!({ "type": "typing", "user": "dora" })).await;
    ok(&dora, "read", json!({ "room": "hall", "seq": first })).await;
    ana.notices("hall", json!({ "type": "read", "user": "dora", "seq": first })).await;

    // And back: the old program carries on where it was, and forwards again the marks are there.
    becomes(&mut cluster, 2, &old).await;
    let second = dora.says("hall", "by way of the old one again").await.seq;
    ben.is_told_that(json!({ "type": "activity", "room": "hall", "head": second })).await;
    becomes(&mut cluster, 2, new).await;
    for n in [0, 2] {
        assert_eq!(unread(&cluster, n, "ben").await, json!(1), "on {n}");
    }
    cluster.verify("hall", &[&ana, &ben, &dora]).await;
}
