//! Rooms are imported beside servers that run: nobody sees one before it is whole, and then their members are told to look.

use crate::{
    cluster::{Cluster, program},
    person::Person,
    support::postgres::Postgres,
    wire::{DEADLINE, Speech},
};
use serde_json::{Value, json};

/// Runs `hubbub import` with these lines.
async fn imports(cluster: &Cluster, lines: &[Value], is_whole: bool) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(file.path(), text).expect("a file");
    let path = file.path().display().to_string();
    let url = Postgres::shared().url();
    let (done, says, complaint) = program(&["import", &path, "--store", &url, "--schema", cluster.schema()]).await;
    assert_eq!(done, is_whole, "{says}{complaint}");
}

fn times_missed(person: &Person) -> usize {
    person.hints().iter().filter(|hint| hint["type"] == "missed").count()
}

/// The ids of her rooms.
async fn rooms(person: &Person) -> Vec<String> {
    let answer = person.calls("rooms", json!({})).await;
    let rooms = answer["rpc"]["data"]["rooms"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
    rooms.iter().filter_map(|room| Some(room["id"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn who_is_connected_while_rooms_are_imported_is_told_to_look_once_they_are_open() {
    let cluster = Cluster::of(1).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let ana = cluster.person("ana", 0).await;
    let ben = Person::wanting("ben", cluster.at(0), Speech::Json, json!({ "activity": true })).await;
    ben.is_told_that(json!({ "type": "watching" })).await;

    let at = "2024-01-31T09:30:00Z";
    let direct = json!({ "type": "room", "direct": ["ana", "ben"], "kind": "direct" });
    let mut lines = vec![
        json!({ "type": "room", "room": "old", "kind": "private", "name": "Old" }),
        json!({ "type": "joined", "room": "old", "user": "ana", "from": "hubbub:api", "at": at }),
        json!({ "type": "joined", "room": "old", "user": "ben", "from": "hubbub:api", "at": at }),
        json!({ "type": "message", "room": "old", "from": "ana", "at": at, "text": "of before" }),
        direct,
        json!({ "type": "joined", "direct": ["ana", "ben"], "user": "ana", "at": at }),
        json!({ "type": "message", "direct": ["ana", "ben"], "from": "ana", "at": at, "text": "between us" }),
    ];
    // As long as somebody is missing from the direct room, nothing is opened and nobody is told anything.
    imports(&cluster, &lines, false).await;
    assert_eq!(rooms(&ana).await, ["general"]);
    lines.push(json!({ "type": "joined", "direct": ["ana", "ben"], "user": "ben", "at": at }));
    let before = [&ana, &ben].map(times_missed);
    imports(&cluster, &lines, true).await;
    for (person, before) in [&ana, &ben].into_iter().zip(before) {
        person.waits_for("a reason to look", DEADLINE, |me| times_missed(me) > before).await;
        assert!(rooms(person).await.contains(&"old".to_owned()), "{:?}", rooms(person).await);
    }
    // From here on it is a room as all others are: who follows nothing hears of it.
    let head = ana.says("old", "of now").await.seq;
    assert_eq!(head, 4);
    ben.is_told_that(json!({ "type": "activity", "room": "old", "head": head })).await;
    // Theirs is the one with the history, and the backend's is the private one.
    let theirs = ben.calls("create_room", json!({ "kind": "direct", "with": "ana" })).await;
    let id = theirs["rpc"]["data"]["id"].as_str().unwrap_or_else(|| panic!("{theirs}"));
    assert_eq!(cluster.log(id).await.len(), 3, "{theirs}");
    let again = json!({ "id": "old", "kind": "private", "members": [{ "user": "ana" }] });
    let answer = cluster.api("POST", "/v1/rooms", &again).await;
    assert!(answer.status < 300, "{} {}", answer.status, answer.text);
}
