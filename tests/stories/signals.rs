//! Signals: what is told as it happens, to who may hear it, and moves nobody's position.

use crate::{
    cluster::{Cluster, breathe},
    person::Person,
    wire::{Speech, Wire},
};
use hubbub_core::limits;
use serde_json::{Value, json};
use std::time::Instant;

/// Somebody who wants to be told signals.
async fn wanting(cluster: &Cluster, name: &str, n: usize, speech: Speech) -> Person {
    Person::wanting(name, cluster.at(n), speech, json!({ "signals": true })).await
}

async fn types(person: &Person, room: &str) {
    let answer = person.calls("typing", json!({ "room": room })).await;
    assert_eq!(answer["rpc"]["data"], json!({}), "{answer}");
}

fn typists(person: &Person, room: &str) -> Vec<String> {
    let user = |signal: &Value| signal["user"].as_str().unwrap_or_default().to_owned();
    person.with(room, |followed| followed.signals.iter().map(user).collect())
}

#[tokio::test]
async fn typing_is_seen_on_all_instances_by_who_wants_it_and_moves_no_position() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben", "dora", "eve"]).await;
    let ana = wanting(&cluster, "ana", 0, Speech::Json).await;
    let ben = wanting(&cluster, "ben", 1, Speech::Protobuf).await;
    let dora = wanting(&cluster, "dora", 0, Speech::Json).await;
    // Her app is older than signals.
    let eve = cluster.person("eve", 1).await;
    for person in [&ana, &ben, &dora, &eve] {
        person.follows("general").await;
    }
    let thread = json!({ "room": "general", "thread": 5 });
    assert_eq!(ana.calls("typing", thread).await["rpc"]["data"], json!({}));
    let told = json!({ "type": "typing", "user": "ana", "thread": 5, "for": limits::TYPING_FOR.as_secs() });
    ben.notices("general", told.clone()).await;
    dora.notices("general", told.clone()).await;
    // What she types next is another message, and told at once.
    ana.says("general", "one").await;
    types(&ana, "general").await;
    ben.notices("general", json!({ "type": "typing", "user": "ana", "thread": null })).await;
    let by_backend = json!({ "from": "dora" });
    assert_eq!(cluster.api("POST", "/v1/rooms/general/typing", &by_backend).await.status, 202);
    ben.notices("general", json!({ "user": "dora" })).await;
    ana.says("general", "two").await;
    for person in [&ben, &dora, &eve] {
        person.hears("general", "two").await;
    }
    assert_eq!(typists(&ana, "general"), ["dora"], "nobody is told what they do themselves");
    assert_eq!(typists(&eve, "general"), [""; 0], "an app that does not ask for signals has none");
    // Recovered is the log alone, from where she was.
    ben.loses_connection().await;
    ana.says("general", "three").await;
    ben.hears("general", "three").await;
    assert_eq!(ben.with("general", |followed| followed.signals.len()), 3);
    cluster.verify("general", &[&ana, &ben, &dora, &eve]).await;
}

#[tokio::test]
async fn who_was_removed_hears_nothing_also_where_the_removal_was_not_heard_of() {
    let cluster = Cluster::of(3).await;
    cluster.room("general", "private", &["ana", "ben", "dora"]).await;
    let ana = wanting(&cluster, "ana", 0, Speech::Json).await;
    let (ben, dora) =
        (wanting(&cluster, "ben", 1, Speech::Json).await, wanting(&cluster, "dora", 1, Speech::Json).await);
    for person in [&ana, &ben, &dora] {
        person.follows("general").await;
    }
    // The instance that they are on finds the removal by its sweep, and hears of the typing before.
    let door = cluster.instances[2].redis.as_ref().expect("a door");
    door.hold_publishes();
    let path = "/v1/rooms/general/members/dora";
    assert_eq!(cluster.instances[2].api("DELETE", path, &Value::Null).await.status, 200);
    types(&ana, "general").await;
    ben.notices("general", json!({ "type": "typing", "user": "ana" })).await;
    assert_eq!(dora.is_unsubscribed("general").await, 2000);
    door.release().await;
    assert_eq!(typists(&dora, "general"), [""; 0], "what is said after her removal is not for her");
    let refused = dora.calls("typing", json!({ "room": "general" })).await;
    assert_eq!(refused["error"]["code"], 102, "{refused}");
}

#[tokio::test]
async fn who_may_not_write_is_not_seen_to_type_and_is_told_why() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    cluster.room("hall", "open", &["ana", "ben"]).await;
    let ana = wanting(&cluster, "ana", 0, Speech::Json).await;
    ana.follows("hall").await;
    let ben = cluster.person("ben", 0).await;
    let refused = async |why: &str| {
        // As often as it is asked.
        for _ in 0..2 {
            let answer = ben.calls("typing", json!({ "room": "hall" })).await;
            assert_eq!(answer["error"]["code"], 103, "{answer}");
            assert!(answer["error"]["message"].as_str().is_some_and(|said| said.contains(why)), "{answer}");
        }
    };
    let set = async |method: &str, path: &str, body: Value| {
        let answer = cluster.api(method, path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    set("PUT", "/v1/rooms/hall/members/ben", json!({ "role": "reader" })).await;
    refused("reader").await;
    set("PUT", "/v1/rooms/hall/members/ben", json!({ "role": "member" })).await;
    set("PUT", "/v1/rooms/hall/members/ben/mute", json!({ "until": crate::messages_refusals::soon() })).await;
    refused("muted").await;
    set("DELETE", "/v1/rooms/hall/members/ben/mute", Value::Null).await;
    set("PATCH", "/v1/rooms/hall", json!({ "settings": { "frozen": true } })).await;
    refused("frozen").await;
    set("PATCH", "/v1/rooms/hall", json!({ "settings": { "frozen": false } })).await;
    types(&ben, "hall").await;
    ana.notices("hall", json!({ "user": "ben" })).await;
    assert_eq!(typists(&ana, "hall"), ["ben"]);
}

#[tokio::test]
async fn ten_thousand_times_typing_harm_nobody() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben", "eve"]).await;
    let (ana, ben) = (wanting(&cluster, "ana", 0, Speech::Json).await, wanting(&cluster, "ben", 1, Speech::Json).await);
    ben.follows("general").await;
    let mut eve = Wire::of(cluster.at(0), "eve").await;
    let typing =
        |id: u32| json!({ "id": id, "rpc": { "method": "typing", "data": { "room": "general" } } }).to_string();
    let frames: Vec<String> =
        (2..10_002).map(typing).collect::<Vec<_>>().chunks(500).map(|some| some.join("\n")).collect();
    let storm = tokio::spawn(async move {
        for frame in frames {
            if !eve.say(frame).await {
                panic!("she is gone");
            }
        }
        eve
    });
    ben.notices("general", json!({ "user": "eve" })).await;
    let began = Instant::now();
    for n in 0..10 {
        ana.says("general", &format!("{n}")).await;
        ben.hears("general", &format!("{n}")).await;
        breathe().await;
    }
    let told = typists(&ben, "general").len();
    let most = 2 + began.elapsed().as_secs() / limits::TYPING_EVERY.as_secs();
    assert!(told as u64 <= most, "told {told} times in {:?}", began.elapsed());
    if storm.is_finished() {
        storm.await.expect("she stays connected");
    } else {
        storm.abort();
    }
}
