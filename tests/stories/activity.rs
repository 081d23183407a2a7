//! Activity: what happens in rooms that nobody follows is told to their members who want it, and to nobody else.

use crate::{
    cluster::{Cluster, breathe},
    person::Person,
    wire::{DEADLINE, Speech},
};
use hubbub_core::limits;
use serde_json::{Value, json};
use std::time::Instant;

/// Somebody who is told of all their rooms. Hints from here on are complete.
async fn watching(cluster: &Cluster, name: &str, n: usize, speech: Speech) -> Person {
    let person = Person::wanting(name, cluster.at(n), speech, json!({ "activity": true })).await;
    person.is_told_that(json!({ "type": "watching" })).await;
    person
}

/// What she was told of a room, by kind: `activity 7`.
fn told(person: &Person, room: &str) -> Vec<String> {
    let line = |hint: &Value| {
        let number = hint["head"].as_u64().or(hint["seq"].as_u64()).unwrap_or_default();
        format!("{} {number}", hint["type"].as_str().unwrap_or_default())
    };
    person.hints().iter().filter(|hint| hint["room"] == room).map(line).collect()
}

async fn removes(cluster: &Cluster, n: usize, room: &str, user: &str) -> u64 {
    let path = format!("/v1/rooms/{room}/members/{user}");
    let answer = cluster.instances[n].api("DELETE", &path, &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["seq"].as_u64().expect("an entry")
}

#[tokio::test]
async fn what_happens_in_any_room_is_told_without_following_it() {
    let cluster = Cluster::of(2).await;
    for room in ["general", "kitchen"] {
        cluster.room(room, "private", &["ana", "ben", "dora"]).await;
    }
    let ana = cluster.person("ana", 0).await;
    let ben = watching(&cluster, "ben", 1, Speech::Json).await;
    let dora = watching(&cluster, "dora", 1, Speech::Protobuf).await;
    // Her app asks for nothing.
    let plain = cluster.person("dora", 1).await;
    let mallory = watching(&cluster, "mallory", 1, Speech::Json).await;
    let head = ana.says("general", "one").await.seq;
    for person in [&ben, &dora] {
        person.is_told_that(json!({ "type": "activity", "room": "general", "head": head })).await;
    }
    // A burst is told once a second, and to its end.
    let mut last = head;
    let began = Instant::now();
    for n in 0..50 {
        last = ana.says("general", &format!("{n}")).await.seq;
    }
    ben.is_told_that(json!({ "type": "activity", "room": "general", "head": last })).await;
    let hints = told(&ben, "general").len() as u64;
    assert!(hints <= 3 + began.elapsed().as_secs(), "{hints} hints in {:?}", began.elapsed());
    // Who is named is told so.
    let named = json!({ "room": "kitchen", "text": "dora?", "mentions": ["dora"] });
    let seq = ana.calls("send", named).await["rpc"]["data"]["seq"].as_u64().expect("a seq");
    dora.is_told_that(json!({ "type": "mention", "room": "kitchen", "seq": seq })).await;
    ben.is_told_that(json!({ "type": "activity", "room": "kitchen", "head": seq })).await;
    assert_eq!(told(&ben, "kitchen"), [format!("activity {seq}")]);
    // Everybody is, and not by themselves.
    let all = json!({ "room": "kitchen", "text": "all?", "mention_all": true });
    let seq = ben.calls("send", all).await["rpc"]["data"]["seq"].as_u64().expect("a seq");
    dora.is_told_that(json!({ "type": "mention", "room": "kitchen", "seq": seq })).await;
    ben.is_told_that(json!({ "type": "activity", "room": "kitchen", "head": seq })).await;
    assert!(told(&ben, "kitchen").iter().all(|one| one.starts_with("activity")), "{:?}", told(&ben, "kitchen"));
    // A room that is new to her.
    cluster.room("attic", "private", &["ana", "dora"]).await;
    dora.is_told_that(json!({ "type": "added", "room": "attic" })).await;
    let head = ana.says("attic", "up here").await.seq;
    dora.is_told_that(json!({ "type": "activity", "room": "attic", "head": head })).await;
    assert_eq!((told(&ben, "attic"), told(&mallory, "general")), (vec![], vec![]));
    assert_eq!(told(&plain, "general"), [""; 0], "an app that does not ask is told nothing");
    assert_eq!(cluster.instances[1].counter("hubbub_connections_watching").await, 3);
}

#[tokio::test]
async fn who_is_in_a_room_no_more_is_told_nothing_also_where_that_was_lost() {
    let cluster = Cluster::of(3).await;
    for room in ["general", "kitchen"] {
        cluster.room(room, "private", &["ana", "ben", "dora"]).await;
    }
    let ana = cluster.person("ana", 0).await;
    let ben = watching(&cluster, "ben", 1, Speech::Json).await;
    let dora = watching(&cluster, "dora", 1, Speech::Json).await;
    // Heard of.
    let removal = removes(&cluster, 2, "kitchen", "dora").await;
    let head = ana.says("kitchen", "without her").await.seq;
    ben.is_told_that(json!({ "type": "activity", "room": "kitchen", "head": head })).await;
    dora.is_told_that(json!({ "type": "removed", "room": "kitchen", "seq": removal })).await;
    // Not heard of: the number of the next entry says that something is missing.
    let door = cluster.instances[2].redis.as_ref().expect("a door");
    door.hold_publishes();
    removes(&cluster, 2, "general", "dora").await;
    let head = ana.says("general", "without her").await.seq;
    ben.is_told_that(json!({ "type": "activity", "room": "general", "head": head })).await;
    door.release().await;
    // It comes late, or is known to be lost.
    let knows = |me: &Person| me.hints().iter().any(|hint| hint["type"] == "missed" || hint["room"] == "general");
    dora.waits_for("the removal", 3 * DEADLINE, knows).await;
    let head = ana.says("general", "again").await.seq;
    ben.is_told_that(json!({ "type": "activity", "room": "general", "head": head })).await;
    for room in ["general", "kitchen"] {
        let all = told(&dora, room);
        assert!(all.iter().all(|one| one.starts_with("removed")), "{room}: {all:?}");
    }
}

#[tokio::test]
async fn what_a_killed_instance_never_said_is_missed_and_then_told() {
    let mut cluster = Cluster::of(3).await;
    cluster.room("general", "private", &["ana", "dora", "eve"]).await;
    let ana = cluster.person("ana", 0).await;
    let dora = watching(&cluster, "dora", 1, Speech::Json).await;
    // It commits, and is killed before anybody has heard of that.
    let door = cluster.instances[2].redis.as_ref().expect("a door");
    door.hold_publishes();
    let members = json!([{ "user": "ana" }, { "user": "dora" }]);
    let body = json!({ "id": "attic", "kind": "private", "members": members });
    let answer = cluster.instances[2].api("POST", "/v1/rooms", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    cluster.kill(2);
    let is_missed = |me: &Person| me.hints().iter().any(|hint| hint["type"] == "missed");
    dora.waits_for("missed", limits::LEASE + 2 * DEADLINE, is_missed).await;
    let head = ana.says("attic", "up here").await.seq;
    dora.is_told_that(json!({ "type": "activity", "room": "attic", "head": head })).await;
}

#[tokio::test]
async fn after_a_cut_it_is_told_that_some_may_be_missing_and_then_all_is_told_again() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "dora", "eve"]).await;
    let ana = cluster.person("ana", 0).await;
    let dora = watching(&cluster, "dora", 1, Speech::Json).await;
    let eve = watching(&cluster, "eve", 1, Speech::Json).await;
    let door = cluster.instances[1].redis.as_ref().expect("a door");
    door.cut();
    while cluster.instances[1].counter("hubbub_bus_up").await == 1 {
        breathe().await;
    }
    ana.says("general", "unheard").await;
    // Meanwhile she is in another room, and the other in one less.
    cluster.room("attic", "private", &["ana", "dora"]).await;
    removes(&cluster, 0, "general", "eve").await;
    door.mend();
    cluster.ready().await;
    for person in [&dora, &eve] {
        person.is_told_that(json!({ "type": "missed" })).await;
    }
    for room in ["general", "attic"] {
        let head = ana.says(room, "heard").await.seq;
        dora.is_told_that(json!({ "type": "activity", "room": room, "head": head })).await;
    }
    // Whatever was said to her before this answer has come before it.
    assert!(eve.calls("rooms", json!({})).await["rpc"].is_object());
    let of_room = told(&eve, "general");
    assert!(of_room.iter().all(|one| !one.starts_with("activity")), "a room that she has left: {of_room:?}");
}
