//! Hints do not overtake the subscriptions that they are about, and whoever may have missed some is told so.

use crate::{
    cluster::{Cluster, breathe},
    person::token,
    wire::{DEADLINE, Heard, Wire},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

async fn sets(cluster: &Cluster, room: &str, user: &str, role: Option<&str>) -> u64 {
    let path = format!("/v1/rooms/{room}/members/{user}");
    let answer = match role {
        Some(role) => cluster.instances[0].api("PUT", &path, &json!({ "role": role })).await,
        None => cluster.instances[0].api("DELETE", &path, &Value::Null).await,
    };
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["seq"].as_u64().expect("an entry")
}

/// What is told of a room, as it comes: `7` is its entry, `-` the end of the subscription, `added 9` a hint.
async fn hears_until(wire: &mut Wire, last: &str) -> Vec<String> {
    let mut told = Vec::new();
    let told_all = async {
        while told.last().is_none_or(|told| told != last) {
            let Heard::Line(line) = wire.next().await else { panic!("it ended after {told:?}") };
            if line == json!({}) {
                wire.say("{}").await;
            }
            let push = &line["push"];
            if push["unsubscribe"]["code"] == 2000 {
                told.push("-".into());
            }
            let (data, offset) = (&push["pub"]["data"], push["pub"]["offset"].as_u64());
            match (offset, data["type"].as_str()) {
                (Some(offset), _) => told.push(offset.to_string()),
                (None, Some(kind)) => told.push(format!("{kind} {}", data["seq"].as_u64().unwrap_or(0))),
                _ => {}
            }
        }
    };
    let done = tokio::time::timeout(3 * DEADLINE, told_all).await;
    assert!(done.is_ok(), "{last} never came");
    told
}

#[tokio::test]
async fn who_is_removed_and_added_again_while_catching_up_is_told_so_after_the_end() {
    let cluster = Cluster::of(2).await;
    // How often it happens while she does not read.
    for (room, times) in [("once", 1), ("thrice", 3)] {
        cluster.room(room, "private", &["ana", "dora"]).await;
        let ana = cluster.person("ana", 0).await;
        let mut dora = Wire::open(cluster.at(1), Some(4 * 1024)).await.expect("a connection");
        dora.asks(json!({ "id": 1, "connect": { "token": token("dora") } })).await;
        dora.asks(json!({ "id": 2, "subscribe": { "channel": format!("room:{room}") } })).await;
        let says = async |n: usize| ana.says(room, &format!("{n:0>4000}")).await;
        for window in (0..200).collect::<Vec<_>>().chunks(50) {
            join_all(window.iter().map(|n| says(*n))).await;
        }
        let mut changes = Vec::new();
        for _ in 0..times {
            changes
                .push((sets(&cluster, room, "dora", None).await, sets(&cluster, room, "dora", Some("member")).await));
        }
        let last = format!("added {}", changes[times - 1].1);
        let told = hears_until(&mut dora, &last).await;
        let at =
            |wanted: &str| told.iter().position(|one| one == wanted).unwrap_or_else(|| panic!("{wanted}: {told:?}"));
        let (removal, addition) = changes[0];
        assert!(at(&removal.to_string()) < at("-"), "the removal is the last of the subscription");
        assert!(at("-") < at(&format!("added {addition}")), "{:?}", &told[told.len() - 12..]);
        let hints: Vec<_> = told
            .iter()
            .filter(|one| *one != "added 2" && (one.starts_with("added") || one.starts_with("removed")))
            .cloned()
            .collect();
        let wanted: Vec<_> =
            changes.iter().flat_map(|(out, back)| [format!("removed {out}"), format!("added {back}")]).collect();
        assert_eq!(hints, wanted, "in the order of their entries");
        let again = dora.asks(json!({ "id": 3, "subscribe": { "channel": format!("room:{room}") } })).await;
        assert!(again["subscribe"].is_object(), "{again}");
    }
}

#[tokio::test]
async fn another_role_is_told_once_its_entry_has_come_and_without_a_subscription_at_once() {
    let cluster = Cluster::of(2).await;
    cluster.room("kitchen", "private", &["ana", "dora"]).await;
    let dora = cluster.person("dora", 1).await;
    let seq = sets(&cluster, "kitchen", "dora", Some("admin")).await;
    dora.is_told_that(json!({ "type": "added", "room": "kitchen", "seq": seq })).await;
    dora.follows("kitchen").await;
    let seq = sets(&cluster, "kitchen", "dora", Some("member")).await;
    dora.is_told_that(json!({ "type": "added", "room": "kitchen", "seq": seq })).await;
    assert!(dora.with("kitchen", |followed| followed.position >= seq), "the hint overtook its entry");
}

#[tokio::test]
async fn hints_that_may_have_been_lost_are_told_as_missed() {
    let cluster = Cluster::of(2).await;
    // Whoever is cut off: the instance that hears, or the one that speaks.
    for (n, room) in [(1, "unheard"), (0, "unsaid")] {
        let dora = cluster.person("dora", 1).await;
        let door = cluster.instances[n].redis.as_ref().expect("a door");
        door.cut();
        while cluster.instances[n].counter("hubbub_bus_up").await == 1 {
            breathe().await;
        }
        cluster.room(room, "private", &["dora"]).await;
        door.mend();
        cluster.ready().await;
        dora.is_told_that(json!({ "type": "missed" })).await;
    }
}

#[tokio::test]
async fn who_does_not_read_is_told_that_hints_were_dropped() {
    let cluster = Cluster::of(2).await;
    let mut dora = Wire::open(cluster.at(1), Some(4 * 1024)).await.expect("a connection");
    dora.asks(json!({ "id": 1, "connect": { "token": token("dora") } })).await;
    let event = json!({ "event": "x".repeat(8_000) });
    for _ in 0..200 {
        assert_eq!(cluster.api("POST", "/v1/users/dora/notify", &event).await.status, 202);
    }
    breathe().await;
    hears_until(&mut dora, "missed 0").await;
}
