//! Who is online, on whichever instance, and when they were last seen: asked, and answered for people one shares a room with.

use crate::{
    cluster::{Cluster, breathe},
    person::Person,
    wire::DEADLINE,
};
use futures_util::future::join_all;
use hubbub_core::limits;
use serde_json::{Value, json};
use std::time::Instant;

async fn asks(person: &Person, users: &[&str]) -> Value {
    let answer = person.calls("online", json!({ "users": users })).await;
    answer["rpc"]["data"]["users"].as_array().unwrap_or_else(|| panic!("{answer}")).clone().into()
}

/// Waits until exactly these of the users are online, as somebody is told.
async fn sees_online(person: &Person, users: &[&str], online: &[&str]) -> Value {
    let began = Instant::now();
    loop {
        let seen = asks(person, users).await;
        let list = seen.as_array().expect("a list");
        let named: Vec<&str> = list.iter().map(|one| one["user"].as_str().expect("a user")).collect();
        assert_eq!(named, users, "in the order in which they were named");
        let now: Vec<&str> =
            users.iter().zip(list).filter(|(_, one)| one["online"] == true).map(|(user, _)| *user).collect();
        if now == online {
            return seen;
        }
        assert!(began.elapsed() < limits::LEASE + DEADLINE, "{now:?} and not {online:?}");
        breathe().await;
    }
}

#[tokio::test]
async fn people_of_ones_rooms_are_online_on_any_instance_and_the_dead_leave_no_ghosts() {
    let mut cluster = Cluster::of(3).await;
    cluster.room("general", "private", &["ana", "ben", "dora", "eve"]).await;
    cluster.room("elsewhere", "private", &["mallory"]).await;
    let all = ["ana", "ben", "dora", "eve"];
    let ana = cluster.person("ana", 0).await;
    let ben = cluster.person("ben", 1).await;
    let eve = cluster.person("eve", 2).await;
    sees_online(&ana, &all, &["ana", "ben", "eve"]).await;
    sees_online(&eve, &all, &["ana", "ben", "eve"]).await;

    // One who goes was last seen within this minute, unless they do not want that to be shown.
    drop(ben);
    let began = Instant::now();
    loop {
        let seen = sees_online(&ana, &all, &["ana", "eve"]).await;
        assert_eq!((&seen[2]["online"], &seen[2]["last_seen"]), (&json!(false), &Value::Null), "she was never here");
        if let Some(at) = seen[1]["last_seen"].as_str() {
            assert!(at.ends_with(":00.000Z"), "{at}");
            break;
        }
        assert!(began.elapsed() < DEADLINE, "it is not known when he was last seen");
        breathe().await;
    }
    let ben = cluster.person("ben", 1).await;
    assert_eq!(ben.calls("last_seen", json!({ "shown": false })).await["rpc"]["data"], json!({ "shown": false }));
    let seen = sees_online(&ana, &["ben"], &["ben"]).await;
    assert_eq!(seen[0]["last_seen"], Value::Null, "{seen}");
    let shown = cluster.api("PUT", "/v1/users/ben/last_seen", &json!({ "shown": true })).await;
    assert_eq!((shown.status, shown.json()), (200, json!({ "shown": true })));
    assert!(asks(&ana, &["ben"]).await[0]["last_seen"].is_string());

    // Strangers are named.
    let answer = ana.calls("online", json!({ "users": ["ben", "mallory"] })).await;
    assert_eq!(answer["error"]["code"], 103, "{answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|why| why.contains("mallory")), "{answer}");
    let many: Vec<String> = (0..=limits::ONLINE_USERS).map(|n| format!("u{n}")).collect();
    let answer = ana.calls("online", json!({ "users": many })).await;
    assert_eq!(answer["error"]["code"], 107, "{answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|why| why.contains("200")), "{answer}");
    let by_backend = cluster.api("POST", "/v1/online", &json!({ "users": ["mallory", "ben"] })).await;
    assert_eq!(by_backend.status, 200, "{}", by_backend.text);
    assert_eq!(by_backend.json()["users"][1]["online"], true, "{}", by_backend.text);

    // Killed with her instance, without a word.
    let killed = Instant::now();
    cluster.kill(2);
    sees_online(&ana, &all, &["ana", "ben"]).await;
    println!(
        "after a SIGKILL nobody is online of the dead after {:.2?}; the lease is {:?}",
        killed.elapsed(),
        limits::LEASE
    );
    assert!(killed.elapsed() < limits::LEASE + DEADLINE);
}

#[tokio::test]
async fn one_who_does_not_answer_holds_up_nobody() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let ana = cluster.person("ana", 0).await;
    sees_online(&ana, &["ben"], &[]).await;
    // Its answers do not arrive, as with one that does not know the question.
    cluster.instances[1].redis.as_ref().expect("a door").hold_publishes();
    let names: Vec<Value> = (0..60).map(|n| json!({ "users": [format!("u{n}"), "ben"] })).collect();
    let asked = join_all(names.iter().map(|body| cluster.api("POST", "/v1/online", body))).await;
    for (body, answer) in names.iter().zip(asked) {
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
    }
    cluster.instances[1].redis.as_ref().expect("a door").release().await;
}
