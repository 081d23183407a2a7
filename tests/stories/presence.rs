//! Presence: who is there, on all instances, and nobody who is not.

use crate::{
    cluster::{Cluster, breathe},
    person::Person,
    wire::{DEADLINE, Wire},
};
use hubbub_core::limits;
use serde_json::{Value, json};
use std::time::Instant;

fn ask(what: &str, room: &str) -> Value {
    json!({ what: { "channel": format!("room:{room}") } })
}

/// The users that `presence` names, sorted, one for each connection.
async fn present(person: &Person, room: &str) -> Vec<String> {
    let answer = person.asks(ask("presence", room)).await.expect("an answer");
    let list = answer["presence"]["presence"].as_object().unwrap_or_else(|| panic!("no list: {answer}"));
    let user = |(id, info): (&String, &Value)| {
        assert_eq!(info["client"], json!(id), "under its own id");
        info["user"].as_str().expect("a user").to_owned()
    };
    let mut users: Vec<_> = list.iter().map(user).collect();
    users.sort();
    users
}

/// What `presence_stats` counts: connections and users.
async fn counted(person: &Person, room: &str) -> (u64, u64) {
    let answer = person.asks(ask("presence_stats", room)).await.expect("an answer");
    let count = |what: &str| answer["presence_stats"][what].as_u64().unwrap_or_else(|| panic!("no {what}: {answer}"));
    (count("num_clients"), count("num_users"))
}

/// Waits until `presence` names these users: an instance that has just started is asked within a second or so.
async fn sees_all(person: &Person, room: &str, users: &[&str]) {
    let asked = Instant::now();
    while present(person, room).await != users {
        assert!(asked.elapsed() < DEADLINE, "{} does not see {users:?}", person.name);
        breathe().await;
    }
}

#[tokio::test]
async fn everybody_sees_who_is_there_on_all_instances() {
    let cluster = Cluster::of(3).await;
    cluster.room("general", "private", &["ana", "ben", "eve"]).await;
    cluster.room("other", "open", &["ana"]).await;
    let people = [("ana", 0), ("ben", 1), ("eve", 2), ("eve", 0)];
    let mut there = Vec::new();
    for (name, n) in people {
        let person = cluster.person(name, n).await;
        person.follows("general").await;
        there.push(person);
    }
    there[1].follows("other").await;
    for person in &there {
        sees_all(person, "general", &["ana", "ben", "eve", "eve"]).await;
        assert_eq!(counted(person, "general").await, (4, 3));
        assert_eq!(present(person, "other").await, ["ben"], "an open room may be asked about without following it");
    }
    let stranger = cluster.person("mallory", 0).await;
    for what in ["presence", "presence_stats"] {
        let answer = stranger.asks(ask(what, "general")).await.expect("an answer");
        assert_eq!(answer["error"]["code"], 102, "{answer}");
    }
}

#[tokio::test]
async fn joins_and_leaves_are_told_and_the_dead_leave_no_ghosts() {
    let mut cluster = Cluster::of(3).await;
    cluster.room("general", "private", &["ana", "ben", "eve", "dora"]).await;
    let (ana, eve) = (cluster.person("ana", 0).await, cluster.person("eve", 2).await);
    eve.follows("general").await;
    sees_all(&ana, "general", &["eve"]).await;
    ana.watches("general").await;
    ana.sees("general", &["+ana"]).await;

    let ben = cluster.person("ben", 1).await;
    ben.follows("general").await;
    let came = ana.sees("general", &["+ben"]).await;
    drop(ben);
    let went = ana.sees("general", &["-ben"]).await;
    println!("a join was told after {came:.2?}, a leave after {went:.2?}; told every {:?}", limits::JOINS_EVERY);

    // She is killed with her instance, without a word: nobody is told she is there, and her leave comes with the lease's end.
    assert_eq!(present(&ana, "general").await, ["ana", "eve"]);
    let killed = Instant::now();
    cluster.kill(2);
    assert_eq!(present(&ana, "general").await, ["ana"], "a ghost");
    ana.sees("general", &["-eve"]).await;
    println!("after a SIGKILL a leave was told after {:.2?}; the lease is {:?}", killed.elapsed(), limits::LEASE);
}

#[tokio::test]
async fn whoever_was_removed_is_told_of_nobody_any_more() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben", "dora"]).await;
    let (ana, dora) = (cluster.person("ana", 0).await, cluster.person("dora", 1).await);
    ana.watches("general").await;
    ana.sees("general", &["+ana"]).await;
    dora.watches("general").await;
    dora.sees("general", &["+dora"]).await;
    ana.sees("general", &["+dora"]).await;

    // Her instance hears nothing of the removal, and would only find it by the sweep: it asks the store before it tells.
    let bus = cluster.instances[0].redis.as_ref().expect("a door");
    bus.hold_publishes();
    let path = "/v1/rooms/general/members/dora";
    assert_eq!(cluster.api("DELETE", path, &Value::Null).await.status, 200);
    let ben = cluster.person("ben", 1).await;
    ben.follows("general").await;
    assert_eq!(dora.is_unsubscribed("general").await, 2000);
    bus.release().await;
    ana.sees("general", &["-dora", "+ben"]).await;
    dora.with("general", |followed| assert_eq!(followed.comings, [""; 0]));
}

#[tokio::test]
async fn a_crowd_is_counted_and_not_named() {
    let cluster = Cluster::of(2).await;
    cluster.room("hall", "open", &["ana"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 1).await);
    ana.follows("hall").await;
    sees_all(&ben, "hall", &["ana"]).await;
    let mut crowd = Vec::new();
    for n in 0..limits::PRESENT_MAX {
        let mut wire = Wire::of(cluster.at(n % 2), &format!("fan{}", n / 2)).await;
        let answer = wire.asks(json!({ "id": 2, "subscribe": { "channel": "room:hall" } })).await;
        assert!(answer["subscribe"].is_object(), "{answer}");
        crowd.push(wire);
    }
    let answer = ana.asks(ask("presence", "hall")).await.expect("an answer");
    assert_eq!(answer["error"]["code"], 106, "{answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|why| why.contains("1000")), "{answer}");
    let (clients, users) = counted(&ana, "hall").await;
    assert_eq!(clients, limits::PRESENT_MAX as u64 + 1);
    assert_eq!(users, limits::PRESENT_MAX as u64 + 1, "without lists, a user is counted once an instance");

    // As soon as they are few enough again, they are named, and counted exactly.
    crowd.truncate(limits::PRESENT_MAX / 2);
    let asked = Instant::now();
    while counted(&ana, "hall").await.0 > limits::PRESENT_MAX as u64 / 2 + 1 {
        assert!(asked.elapsed() < DEADLINE, "some are still counted");
        breathe().await;
    }
    assert_eq!(counted(&ana, "hall").await.1, limits::PRESENT_MAX as u64 / 4 + 1);
    assert_eq!(present(&ana, "hall").await.len(), limits::PRESENT_MAX / 2 + 1);
}

#[tokio::test]
async fn while_the_bus_is_down_nobody_is_left_out_in_silence() {
    let cluster = Cluster::of(2).await;
    let (ana, _ben) = cluster.ana_and_ben().await;
    sees_all(&ana, "general", &["ana", "ben"]).await;
    cluster.instances[0].redis.as_ref().expect("a door").cut();
    cluster.instances[0].is_ready(|ready| ready["status"] == "degraded").await;
    let answer = ana.asks(ask("presence", "general")).await.expect("an answer");
    assert_eq!((&answer["error"]["code"], &answer["error"]["temporary"]), (&json!(503), &json!(true)), "{answer}");
    cluster.instances[0].redis.as_ref().expect("a door").mend();
    cluster.ready().await;
    sees_all(&ana, "general", &["ana", "ben"]).await;
}
