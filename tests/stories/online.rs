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
async fn people_of_ones_rooms_are_online_on_any_instance() {
    let cluster = Cluster::of(3).await;
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

/// A small generator without a pattern (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// People come, go and lose their connections at random, with any number of devices, on instances of which one is killed: online is who has
/// one that is connected, and nobody else, within the lease after a kill and at once otherwise. `HUBBUB_SEED=n` has others come.
#[tokio::test]
async fn whoever_comes_and_goes_is_online_exactly_then_and_the_dead_leave_no_ghosts() {
    const NAMES: [&str; 6] = ["ben", "cem", "dora", "eve", "fay", "gus"];
    let seed = std::env::var("HUBBUB_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut chance = Chance(seed);
    let mut cluster = Cluster::of(3).await;
    cluster.room("general", "private", &[&["ana", "zoe"], &NAMES[..]].concat()).await;
    let (ana, zoe) = (cluster.person("ana", 0).await, cluster.person("zoe", 1).await);
    let mut devices: Vec<(&str, usize, Person)> = Vec::new();
    let is_seen = async |devices: &[(&str, usize, Person)], dead: Option<usize>| {
        let is_here = |name: &&&str| devices.iter().any(|(whose, n, _)| whose == *name && Some(*n) != dead);
        let here: Vec<&str> = NAMES.iter().filter(is_here).copied().collect();
        sees_online(&ana, &NAMES, &here).await;
        sees_online(&zoe, &NAMES, &here).await;
    };
    for round in 0..4 {
        let dead = (round == 2).then_some(2);
        let killed = Instant::now();
        if let Some(n) = dead {
            // Somebody is there alone, and somebody has another device.
            for (name, n) in [("fay", 2), ("gus", 2), ("gus", 0)] {
                devices.push((name, n, cluster.person(name, n).await));
            }
            devices.retain(|(name, n, _)| *name != "fay" || *n == 2);
            is_seen(&devices, None).await;
            cluster.kill(n);
        }
        for _ in 0..10 {
            if devices.is_empty() || chance.below(5) < 3 {
                let (name, n) = (NAMES[chance.below(NAMES.len())], chance.below(3 - usize::from(dead.is_some())));
                devices.push((name, n, cluster.person(name, n).await));
            } else {
                let at = chance.below(devices.len());
                if chance.below(3) > 0 {
                    devices.swap_remove(at);
                } else if Some(devices[at].1) != dead {
                    // She comes back by herself.
                    devices[at].2.loses_connection().await;
                }
            }
        }
        is_seen(&devices, dead).await;
        if let Some(n) = dead {
            println!(
                "after a SIGKILL nobody is online of the dead after {:.2?}; the lease is {:?}",
                killed.elapsed(),
                limits::LEASE
            );
            assert!(killed.elapsed() < limits::LEASE + DEADLINE);
            // They come back with it.
            cluster.restart(n).await;
        }
    }
}
