//! Slow mode, freeze, edit window and mutes: what they hold back, whom they do not, and that a retry of what is in the log is answered
//! with its place all the same. And what is written in one go keeps its order.

use crate::{
    cluster::{API_KEY, Cluster, breathe},
    http::{self, Answer},
    messages_refusals::{House, does, in_seconds, says, soon, told},
    person::Person,
    wire::{DEADLINE, Wire},
};
use serde_json::{Value, json};
use std::time::Instant;

async fn sets(house: &House, settings: Value) {
    assert!(does(&house.ana, "change_room", json!({ "settings": settings })).await.is_some());
}

async fn hears_of(person: &Person, kind: &str, is: impl Fn(&Value) -> bool) {
    let there = |me: &Person| me.with("general", |f| f.entries.iter().any(|entry| entry["type"] == kind && is(entry)));
    person.waits_for(kind, DEADLINE, there).await;
}

#[tokio::test]
async fn slow_mode_freeze_window_and_mute_hold_back_what_is_new_and_answer_what_is_known() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        let house = House::new(cluster).await;
        let House { ana, mo, ben, cem, .. } = &house;
        ben.follows("general").await;

        sets(&house, json!({ "slow_mode": 3_600 })).await;
        hears_of(ben, "changed", |entry| entry["settings"] == json!({ "slow_mode": 3_600 })).await;
        let listed = ben.calls("rooms", json!({})).await;
        let settings = &listed["rpc"]["data"]["rooms"][0]["settings"];
        assert_eq!((&settings["slow_mode"], &settings["frozen"]), (&json!(3_600), &json!(false)), "{listed}");
        let first = json!({ "text": "one", "key": "k1" });
        let place = says(ben, first.clone()).await;
        let too_soon = ben.calls("send", json!({ "room": "general", "text": "two", "key": "k2" })).await;
        let message = too_soon["error"]["message"].as_str().unwrap();
        let begins = "slow mode: one message in 3600 s; retry in ";
        assert!(message.starts_with(begins) && message.ends_with(" ms with the same key"), "{message}");
        let wait: u64 = message[begins.len()..].split(' ').next().unwrap().parse().unwrap();
        assert!((3_500_000..=3_600_000).contains(&wait), "{message}");
        assert_eq!((&too_soon["error"]["code"], &too_soon["error"]["temporary"]), (&json!(111), &json!(true)));
        let is_answered = async || {
            assert_eq!(says(ben, first.clone()).await, place);
            let other = told(ben, "send", json!({ "text": "another", "key": "k1" })).await;
            assert!(other.0 == 409 && other.1.contains(&format!("(seq {place})")), "{other:?}");
        };
        is_answered().await;
        // Neither others nor moderators wait, nor does anything but messages.
        says(cem, json!({ "text": "by cem" })).await;
        for n in 0..3 {
            says(mo, json!({ "text": format!("by mo {n}") })).await;
        }
        let edit = json!({ "target": place, "text": "one, edited", "key": "e1" });
        let edited = does(ben, "edit", edit.clone()).await.unwrap();
        assert!(does(ben, "react", json!({ "target": place, "reaction": "+1" })).await.is_some());
        sets(&house, json!({ "slow_mode": null, "frozen": true })).await;

        let frozen = (103, "this room is frozen: only its moderators write".to_owned());
        for (method, data) in [
            ("send", json!({ "text": "x" })),
            ("edit", json!({ "target": place, "text": "x" })),
            ("react", json!({ "target": place, "reaction": "eyes" })),
            ("unreact", json!({ "target": place, "reaction": "+1" })),
        ] {
            assert_eq!(told(ben, method, data).await, frozen, "{method}");
        }
        is_answered().await;
        assert_eq!(does(ben, "edit", edit.clone()).await, Some(edited));
        says(mo, json!({ "text": "quiet, please" })).await;
        sets(&house, json!({ "frozen": false, "edit_window": 0 })).await;

        let late = (103, "target: an author changes nothing here: the room's edit_window is 0".to_owned());
        assert_eq!(told(ben, "edit", json!({ "target": place, "text": "x" })).await, late);
        assert_eq!(told(ben, "delete", json!({ "target": place })).await, late);
        assert_eq!(does(ben, "edit", edit.clone()).await, Some(edited), "the key is looked at first");
        sets(&house, json!({ "edit_window": null })).await;

        let until = soon();
        let mute = json!({ "user": "ben", "until": until, "key": "m1" });
        let muted = does(mo, "mute", mute.clone()).await.unwrap();
        hears_of(ben, "muted", |entry| entry["user"] == "ben" && entry["until"] == until).await;
        assert_eq!(does(mo, "mute", mute).await, Some(muted), "its key is known");
        assert_eq!(does(ana, "mute", json!({ "user": "ben", "until": until })).await, None, "he is so already");
        for (method, data) in [
            ("send", json!({ "text": "x" })),
            ("edit", json!({ "target": place, "text": "x" })),
            ("react", json!({ "target": place, "reaction": "eyes" })),
        ] {
            assert_eq!(told(ben, method, data).await, (103, format!("muted in this room until {until}")), "{method}");
        }
        is_answered().await;
        assert!(does(ben, "delete", json!({ "target": place })).await.is_some(), "one's own may go all the same");
        assert_eq!(
            says(ben, json!({ "text": "whatever", "key": "k1" })).await,
            place,
            "of a deleted one any body fits"
        );
        assert_eq!(does(ben, "edit", edit).await, Some(edited));
        assert!(does(mo, "unmute", json!({ "user": "ben" })).await.is_some());
        hears_of(ben, "unmuted", |entry| entry["user"] == "ben").await;
        assert_eq!(does(mo, "unmute", json!({ "user": "ben" })).await, None);
        says(ben, json!({ "text": "back" })).await;

        // A mute ends by itself.
        assert!(does(ana, "mute", json!({ "user": "mo", "until": in_seconds(2) })).await.is_some());
        let began = Instant::now();
        let again = async || mo.calls("send", json!({ "room": "general", "text": "x" })).await["rpc"].is_object();
        while !again().await {
            assert!(began.elapsed() < DEADLINE, "still muted");
            breathe().await;
        }
    }
}

fn rpc(id: usize, method: &str, mut data: Value) -> String {
    data["room"] = "general".into();
    json!({ "id": id, "rpc": { "method": method, "data": data } }).to_string()
}

#[tokio::test]
async fn what_one_connection_writes_in_one_go_keeps_its_order() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        let house = House::new(cluster).await;
        for (n, _) in house.cluster.instances.iter().enumerate() {
            let mut wire = Wire::of(house.cluster.at(n), "ben").await;
            let head = house.head().await;
            // Nobody has looked yet whether he may read the room: all of it waits for that, in order.
            let target = head + 1;
            let mut calls = vec![("send", json!({ "text": "v0" }))];
            for n in 1..=10 {
                calls.push(("edit", json!({ "target": target, "text": format!("v{n}") })));
                calls.push(("react", json!({ "target": target, "reaction": "+1" })));
                calls.push(("send", json!({ "text": format!("reply {n}"), "thread": target })));
                calls.push(("unreact", json!({ "target": target, "reaction": "+1" })));
            }
            let frame: Vec<_> = calls.iter().enumerate().map(|(n, (m, data))| rpc(n + 2, m, data.clone())).collect();
            assert!(wire.say(frame.join("\n")).await);
            for _ in &calls {
                let line = wire.line().await;
                let nth = line["id"].as_u64().unwrap() - 2;
                assert_eq!(line["rpc"]["data"]["seq"], head + 1 + nth, "{line}");
            }
        }
    }
}

async fn asks(house: &House, n: usize, verb: &str, path: &str, key: Option<&str>, body: &Value) -> Answer {
    let bearer = format!("Bearer {API_KEY}");
    let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let n = n % house.cluster.instances.len();
    http::ask(house.cluster.at(n), verb, &format!("/v1/rooms/general{path}"), &headers, &body).await.expect("an answer")
}

#[tokio::test]
async fn the_backend_changes_messages_in_its_own_name_and_in_that_of_users() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        let house = House::new(cluster).await;
        let said = says(&house.ben, json!({ "text": "hi" })).await;
        let message = format!("/messages/{said}");
        let (reaction, pin) = (format!("{message}/reactions/%F0%9F%91%8D"), format!("{message}/pin"));
        // Each once by its key, on whichever instance, and as whoever is named.
        for (verb, path, body, from) in [
            ("PATCH", message.clone(), json!({ "from": "ben", "text": "hi all", "mentions": ["cem"] }), "ben"),
            ("PATCH", message.clone(), json!({ "text": "hi, as the house says" }), "hubbub:api"),
            ("PUT", format!("{reaction}?from=cem"), Value::Null, "cem"),
            ("PUT", reaction.clone(), json!({ "from": "ana" }), "ana"),
            ("DELETE", reaction.clone(), json!({ "from": "ana" }), "ana"),
            ("PUT", format!("{pin}?from=mo"), Value::Null, "mo"),
            ("DELETE", pin.clone(), Value::Null, "hubbub:api"),
            ("PUT", "/members/rea/mute".into(), json!({ "until": soon(), "from": "mo" }), "mo"),
            ("DELETE", "/members/rea/mute".into(), Value::Null, "hubbub:api"),
            ("PATCH", String::new(), json!({ "settings": { "slow_mode": 1 }, "from": "ana" }), "ana"),
            ("PATCH", String::new(), json!({ "settings": { "slow_mode": null } }), "hubbub:api"),
            ("PUT", "/members/rea".into(), json!({ "role": "member", "from": "ana" }), "ana"),
            ("DELETE", format!("{message}?from=ben"), Value::Null, "ben"),
        ] {
            let before = house.head().await;
            let key = (path != "/members/rea").then(|| format!("key-{before}"));
            for n in 0..2 {
                let answer = asks(&house, n, verb, &path, key.as_deref(), &body).await;
                assert_eq!(answer.status, 200, "{verb} {path}: {}", answer.text);
                // What has no key is as asked already the second time.
                let seq = (n == 0 || key.is_some()).then_some(before + 1);
                assert_eq!(answer.json()["seq"].as_u64(), seq, "{verb} {path}: {}", answer.text);
            }
            assert_eq!(house.head().await, before + 1, "{verb} {path}");
            let log = asks(&house, 0, "GET", "/history?limit=1", None, &Value::Null).await;
            if log.status == 200 {
                assert_eq!(log.json()["entries"][0]["from"], from, "{verb} {path}: {}", log.text);
            }
        }
        let both = json!({ "name": "Kitchen", "settings": { "edit_window": 60 } });
        let before = house.head().await;
        for n in 0..3 {
            let answer = asks(&house, n, "PATCH", "", Some("both"), &both).await;
            assert_eq!((answer.status, answer.json()["seq"].as_u64()), (200, Some(before + 2)), "{}", answer.text);
        }
        for other in
            [json!({ "name": "Bath", "settings": { "edit_window": 60 } }), json!({ "name": "Kitchen", "settings": {} })]
        {
            assert_eq!(asks(&house, 0, "PATCH", "", Some("both"), &other).await.status, 409, "{other}");
        }
        // What is added to a change, or left out, makes another change of it.
        let (name, settings) = (json!({ "name": "Kitchen" }), json!({ "settings": { "edit_window": 60 } }));
        for part in [&name, &settings] {
            assert_eq!(asks(&house, 0, "PATCH", "", Some("both"), part).await.status, 409, "{part}");
        }
        for (key, part, all) in [
            ("a name", json!({ "name": "Hall" }), json!({ "name": "Hall", "settings": { "frozen": true } })),
            (
                "settings",
                json!({ "settings": { "edit_window": 61 } }),
                json!({ "name": "Bath", "settings": { "edit_window": 61 } }),
            ),
        ] {
            assert_eq!(asks(&house, 0, "PATCH", "", Some(key), &part).await.status, 200, "{part}");
            assert_eq!(asks(&house, 1, "PATCH", "", Some(key), &all).await.status, 409, "{all}");
            assert_eq!(asks(&house, 0, "PATCH", "", Some(key), &part).await.status, 200, "{part}");
        }
        let before = before + 2;
        let room = house.cluster.api("GET", "/v1/rooms/general", &Value::Null).await.json();
        assert_eq!((&room["name"], &room["head"]), (&json!("Hall"), &json!(before + 2)));

        let said = says(&house.ben, json!({ "text": "again" })).await;
        let message = format!("/messages/{said}");
        let reaction = format!("{message}/reactions/+1");
        for (verb, path, body, status, code, names) in [
            ("PATCH", message.clone(), json!({ "from": "cem", "text": "x" }), 403, "not_author", "target"),
            ("PATCH", message.clone(), json!({ "from": "eve", "text": "x" }), 404, "unknown_room", "room"),
            ("PATCH", message.clone(), json!({ "text": "x", "mentions": ["eve"] }), 422, "invalid", "mentions: eve"),
            ("PATCH", message.clone(), json!({ "txt": "x" }), 400, "bad_request", "txt"),
            ("PATCH", message.clone(), json!({ "text": "x".repeat(8_193) }), 422, "invalid", "text: 8193 bytes"),
            ("PATCH", format!("{message}?from=ben"), json!({ "from": "cem", "text": "x" }), 422, "invalid", "from"),
            ("PATCH", "/messages/999".into(), json!({ "text": "x" }), 422, "invalid", "target"),
            ("PATCH", "/messages/x".into(), json!({ "text": "x" }), 400, "bad_request", "path"),
            ("DELETE", format!("{message}?from=cem"), Value::Null, 403, "not_moderator", "moderator"),
            ("DELETE", format!("{message}?form=cem"), Value::Null, 400, "bad_request", "form"),
            ("PUT", reaction.clone(), Value::Null, 422, "invalid", "from: missing"),
            ("PUT", format!("{message}/reactions/a%0Ab?from=cem"), Value::Null, 422, "invalid", "reaction"),
            ("PUT", format!("{reaction}?from=rea"), Value::Null, 200, "", ""),
            ("PUT", "/members/ben/mute".into(), json!({}), 422, "invalid", "until: missing"),
            ("PUT", "/members/ana/mute".into(), json!({ "until": soon(), "from": "mo" }), 403, "outranked", "user"),
            ("PUT", "/members/ana".into(), json!({ "role": "member", "from": "ana" }), 409, "last_admin", "admin"),
            ("PUT", "/members/cem".into(), json!({ "role": "admin", "from": "mo" }), 403, "not_admin", "admin"),
            ("DELETE", "/members/ana?from=mo".into(), Value::Null, 403, "outranked", "user"),
            ("PATCH", String::new(), json!({}), 422, "invalid", "settings: missing"),
            ("PATCH", String::new(), json!({ "settings": { "slow_mode": 0 } }), 422, "invalid", "settings.slow_mode"),
            ("PATCH", String::new(), json!({ "settings": { "slow": 1 } }), 400, "bad_request", "slow"),
        ] {
            let answer = asks(&house, 0, verb, &path, None, &body).await;
            assert_eq!(answer.status, status, "{verb} {path} {body}: {}", answer.text);
            if status != 200 {
                assert_eq!(answer.json()["code"], code, "{verb} {path} {body}: {}", answer.text);
                assert!(answer.json()["detail"].as_str().unwrap().contains(names), "{verb} {path}: {}", answer.text);
            }
        }
        let gone = asks(&house, 0, "DELETE", &message, None, &Value::Null).await;
        assert_eq!(gone.status, 200, "{}", gone.text);
        let late = asks(&house, 0, "PATCH", &message, None, &json!({ "text": "x" })).await;
        assert_eq!((late.status, &late.json()["code"]), (410, &json!("deleted")), "{}", late.text);
        let slow = asks(&house, 0, "PATCH", "", None, &json!({ "settings": { "slow_mode": 600 } })).await;
        assert_eq!(slow.status, 200, "{}", slow.text);
        let say = json!({ "from": "cem", "text": "x" });
        assert_eq!(asks(&house, 0, "POST", "/messages", None, &say).await.status, 201);
        let refused = asks(&house, 0, "POST", "/messages", None, &say).await;
        assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("slow_mode")), "{}", refused.text);
    }
}
