//! Membership is exact: nobody receives anything after the entry that removed them, on any instance, in no form.

use crate::{
    bad_input::asks,
    cluster::Cluster,
    person::{Person, token, token_for},
    wire::{DEADLINE, Wire},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;

async fn removes(cluster: &Cluster, n: usize, room: &str, user: &str) -> u64 {
    let path = format!("/v1/rooms/{room}/members/{user}");
    let answer = cluster.instances[n].api("DELETE", &path, &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["seq"].as_u64().expect("an entry")
}

async fn makes(cluster: &Cluster, room: &str, user: &str, role: &str) -> u64 {
    let path = format!("/v1/rooms/{room}/members/{user}");
    let answer = cluster.api("PUT", &path, &json!({ "role": role })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["seq"].as_u64().expect("an entry")
}

/// The subscription has ended with the removal as its last entry, and whatever is asked is answered like an unknown room.
async fn is_out(cluster: &Cluster, person: &Person, removal: u64) {
    assert_eq!(person.is_unsubscribed("general").await, 2000);
    let log = cluster.log("general").await;
    // Each answer is also a fence: what was written to her before would have arrived before it.
    for (ask, nowhere) in asks("general").into_iter().zip(asks("nowhere")) {
        let (answer, nowhere) =
            (person.asks(ask).await.expect("an answer"), person.asks(nowhere).await.expect("an answer"));
        assert_eq!(answer["error"]["code"], 102, "{answer}");
        assert_eq!(answer["error"], nowhere["error"]);
    }
    person.with("general", |followed| {
        assert!(followed.faults.is_empty(), "{}: {:?}", person.name, followed.faults);
        let last = followed.entries.last().expect("entries");
        assert_eq!(
            (&last["seq"], &last["user"]),
            (&json!(removal), &json!(person.name)),
            "the removal is not the last"
        );
        let from = followed.entries[0]["seq"].as_u64().expect("a seq") as usize - 1;
        assert_eq!(followed.entries, log[from..removal as usize]);
    });
}

#[tokio::test]
async fn whoever_is_removed_receives_nothing_after_that_on_any_instance() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben", "dora"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 1).await);
    let devices = [cluster.person("dora", 0).await, cluster.person("dora", 1).await];
    for person in [&ana, &ben, &devices[0], &devices[1]] {
        person.follows("general").await;
    }
    ana.says("general", "before").await;
    join_all(devices.iter().map(|device| device.hears("general", "before"))).await;
    let ((), removal) = tokio::join!(
        async {
            for n in 0..50 {
                ana.says("general", &n.to_string()).await;
            }
        },
        removes(&cluster, 1, "general", "dora")
    );
    // The fence: those who remain, on both instances, have heard what came later.
    ana.says("general", "after").await;
    join_all([&ana, &ben].map(|person| person.hears("general", "after"))).await;
    for device in &devices {
        is_out(&cluster, device, removal).await;
        device.is_told_that(json!({ "type": "removed", "room": "general" })).await;
    }
    cluster.verify("general", &[&ana, &ben]).await;

    // Back again, she reads everything, from the first entry on.
    makes(&cluster, "general", "dora", "member").await;
    for device in &devices {
        device.is_told_that(json!({ "type": "added", "room": "general" })).await;
        let page = device.calls("messages", json!({ "room": "general", "after": 0, "limit": 1000 })).await;
        assert_eq!(page["rpc"]["data"]["entries"], json!(cluster.log("general").await));
        device.follows("general").await;
        assert_eq!(device.with("general", |followed| followed.recoveries.clone()), [true]);
    }
    cluster.verify("general", &[&devices[0], &devices[1]]).await;
}

#[tokio::test]
async fn whoever_is_removed_while_the_bus_is_cut_receives_nothing_after_that() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben", "dora"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 1).await);
    let dora = cluster.person("dora", 1).await;
    for person in [&ana, &ben, &dora] {
        person.follows("general").await;
    }
    cluster.instances.iter().for_each(|instance| instance.redis.as_ref().unwrap().cut());
    ana.says("general", "before").await;
    let removal = removes(&cluster, 0, "general", "dora").await;
    for n in 0..20 {
        ana.says("general", &format!("after {n}")).await;
    }
    ben.hears("general", "after 19").await;
    is_out(&cluster, &dora, removal).await;
    cluster.instances.iter().for_each(|instance| instance.redis.as_ref().unwrap().mend());
    cluster.ready().await;
    ana.says("general", "mended").await;
    ben.hears("general", "mended").await;
    is_out(&cluster, &dora, removal).await;
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn whoever_is_removed_while_far_behind_catches_up_to_the_removal_and_no_further() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben", "dora", "emil"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 1).await);
    let dora = Person::with_buffer("dora", cluster.at(1), Some(4 * 1024));
    let emil = cluster.person("emil", 1).await;
    for person in [&ana, &ben, &dora, &emil] {
        person.follows("general").await;
    }
    dora.stops_reading();
    emil.stops_reading();
    let says = async |n: usize| ana.says("general", &format!("{n:0>400}")).await;
    let talk = async |from: usize| {
        for window in (from..from + 300).collect::<Vec<_>>().chunks(50) {
            join_all(window.iter().map(|n| says(*n))).await;
        }
    };
    talk(0).await;
    let removal = removes(&cluster, 0, "general", "dora").await;
    removes(&cluster, 0, "general", "emil").await;
    talk(300).await;
    ben.has_read("general", 606).await;
    assert!(dora.with("general", |followed| followed.position < removal), "she was not behind at all");
    dora.reads_again();
    is_out(&cluster, &dora, removal).await;
    // Who comes back over a new connection finds an unknown room, and reads nothing of it.
    let had = emil.with("general", |followed| followed.position);
    emil.loses_connection().await;
    emil.waits_for("a new connection", DEADLINE, |me| me.connections() > 1).await;
    emil.reads_again();
    let refused = |me: &Person| me.with("general", |followed| followed.refused.clone());
    emil.waits_for("a refusal", DEADLINE, |me| refused(me).is_some()).await;
    assert_eq!(refused(&emil).unwrap()["code"], 102);
    assert_eq!(emil.with("general", |followed| followed.position), had);
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn a_send_that_waits_behind_its_senders_removal_is_refused() {
    let cluster = Cluster::of(2).await;
    let everybody: Vec<String> = (0..20).map(|n| format!("leaver-{n}")).chain(["ana".into()]).collect();
    let members: Vec<&str> = everybody.iter().map(String::as_str).collect();
    cluster.room("general", "private", &members).await;
    let ana = cluster.person("ana", 0).await;
    ana.follows("general").await;
    let (mut taken, mut refused) = (0, 0);
    for (round, name) in everybody[..20].iter().enumerate() {
        let leaver = cluster.person(name, round % 2).await;
        let send = async |n: usize| {
            let data = json!({ "room": "general", "text": format!("{name} {n}"), "key": n.to_string() });
            leaver.calls("send", data).await
        };
        let sends = async {
            let mut answers = Vec::new();
            for from in [0, 10, 20, 30] {
                answers.extend(join_all((from..from + 10).map(send)).await);
            }
            answers
        };
        let removal = async {
            // Some of what she says is in already.
            ana.hears("general", &format!("{name} 0")).await;
            removes(&cluster, round / 2 % 2, "general", name).await
        };
        let (answers, removal) = tokio::join!(sends, removal);
        let log = cluster.log("general").await;
        for answer in answers {
            match answer["rpc"]["data"]["seq"].as_u64() {
                Some(seq) => {
                    assert!(seq < removal, "{name} was taken at {seq}, after the removal at {removal}");
                    assert_eq!(log[seq as usize - 1]["from"], **name);
                    taken += 1;
                }
                None => {
                    assert_eq!(answer["error"], json!({ "code": 102, "message": "unknown room" }));
                    refused += 1;
                }
            }
        }
        assert!(!log[removal as usize..].iter().any(|entry| entry["from"] == **name), "{name} speaks from beyond");
    }
    println!("sends around the removal of their sender: {taken} taken, {refused} refused");
    assert!(taken > 0 && refused > 0, "there was no race");
    cluster.verify("general", &[&ana]).await;
}

#[tokio::test]
async fn an_open_room_is_read_by_anybody_and_written_by_members() {
    let cluster = Cluster::of(2).await;
    cluster.room("lobby", "open", &["ana"]).await;
    let (ana, eve) = (cluster.person("ana", 0).await, cluster.person("eve", 1).await);
    ana.follows("lobby").await;
    eve.follows("lobby").await;
    ana.says("lobby", "welcome").await;
    eve.hears("lobby", "welcome").await;
    let refused = eve.calls("send", json!({ "room": "lobby", "text": "hi" })).await;
    assert_eq!(refused["error"]["code"], 103, "{refused}");
    let joined = eve.calls("join", json!({ "room": "lobby" })).await;
    assert_eq!(joined["rpc"]["data"]["seq"], 3, "{joined}");
    assert!(eve.calls("join", json!({ "room": "lobby" })).await["rpc"]["data"]["seq"].is_null(), "joined twice");
    eve.says("lobby", "hi").await;
    ana.hears("lobby", "hi").await;
    // A removal ends the subscription, and no more than that.
    removes(&cluster, 0, "lobby", "eve").await;
    assert_eq!(eve.is_unsubscribed("lobby").await, 2000);
    let refused = eve.calls("send", json!({ "room": "lobby", "text": "hi" })).await;
    assert_eq!(refused["error"]["code"], 103, "{refused}");
    ana.says("lobby", "she is gone").await;
    eve.follows("lobby").await;
    eve.hears("lobby", "she is gone").await;
    // A ban refuses reading, too.
    let ban = makes(&cluster, "lobby", "eve", "banned").await;
    assert_eq!(eve.is_unsubscribed("lobby").await, 2000);
    ana.says("lobby", "she is banned").await;
    ana.hears("lobby", "she is banned").await;
    for ask in asks("lobby") {
        let answer = eve.asks(ask).await.unwrap();
        assert_eq!(answer["error"]["code"], 103, "{answer}");
    }
    assert_eq!(eve.with("lobby", |followed| followed.position), ban, "the ban is not the last entry");
    // Lifted, she may come back.
    removes(&cluster, 1, "lobby", "eve").await;
    eve.follows("lobby").await;
    cluster.verify("lobby", &[&ana, &eve]).await;
}

#[tokio::test]
async fn two_people_have_one_direct_room_whoever_of_them_asks_first() {
    let cluster = Cluster::of(2).await;
    for round in 0..10 {
        let (one, other) = (format!("ana-{round}"), format!("ben-{round}"));
        let (ana, ben) = (cluster.person(&one, 0).await, cluster.person(&other, 1).await);
        let direct = |with: &str| json!({ "kind": "direct", "with": with });
        let (first, second) =
            tokio::join!(ana.calls("create_room", direct(&other)), ben.calls("create_room", direct(&one)));
        let id = first["rpc"]["data"]["id"].as_str().expect("an id").to_owned();
        assert_eq!(second["rpc"]["data"]["id"], id, "{second}");
        ana.follows(&id).await;
        ben.follows(&id).await;
        assert_eq!(ana.says(&id, "hi").await.seq, 3, "after the two of them");
        ben.hears(&id, "hi").await;
        let members = json!({ "members": [{ "user": "eve", "role": "member" }] });
        let answer = cluster.api("PUT", &format!("/v1/rooms/{id}/members"), &members).await.json();
        assert_eq!(answer["results"][0]["error"]["code"], "fixed_members", "{answer}");
        let left = ana.calls("leave", json!({ "room": id })).await;
        assert_eq!(left["error"]["code"], 103, "{left}");
        let eve = cluster.person("eve", 0).await;
        let joined = eve.calls("join", json!({ "room": id })).await;
        assert_eq!(joined["error"]["code"], 102, "{joined}");
        cluster.verify(&id, &[&ana, &ben]).await;
    }
}

#[tokio::test]
async fn hints_events_and_a_log_out_reach_all_devices_of_a_user_on_every_instance() {
    let cluster = Cluster::of(2).await;
    let devices = [cluster.person("dora", 0).await, cluster.person("dora", 1).await, cluster.person("dora", 1).await];
    let bystander = cluster.person("ana", 1).await;
    cluster.room("general", "private", &["ana", "dora"]).await;
    removes(&cluster, 1, "general", "dora").await;
    let event = json!({ "event": { "badge": 7, "text": "a\nb" } });
    assert_eq!(cluster.api("POST", "/v1/users/dora/notify", &event).await.status, 202);
    for device in &devices {
        device.is_told_that(json!({ "type": "added", "room": "general" })).await;
        device.is_told_that(json!({ "type": "removed", "room": "general" })).await;
        device.is_told_that(json!({ "type": "event", "event": event["event"] })).await;
    }
    let mut wires = [Wire::of(cluster.at(0), "dora").await, Wire::of(cluster.at(1), "dora").await];
    assert_eq!(cluster.instances[1].api("POST", "/v1/users/dora/disconnect", &Value::Null).await.status, 202);
    for wire in &mut wires {
        assert_eq!(wire.closed().await.0, 3503);
    }
    for device in &devices {
        assert_eq!(device.is_closed().await.0, 3503);
    }
    assert_eq!(bystander.connections(), 1);
    // Tokens are the product's to withhold: with a good one she may come back.
    let mut back = Wire::open(cluster.at(0), None).await.unwrap();
    let answer = back.asks(json!({ "id": 1, "connect": { "token": token("dora") } })).await;
    assert!(answer["connect"].is_object(), "{answer}");
}

#[tokio::test]
async fn who_is_told_to_come_back_needs_another_token_on_every_instance() {
    let cluster = Cluster::of(2).await;
    let connect = async |n: usize, token: &str| {
        let mut wire = Wire::open(cluster.at(n), None).await.unwrap();
        let answer = wire.asks(json!({ "id": 1, "connect": { "token": token } })).await;
        (wire, answer)
    };
    let tokens: Vec<String> = (0..2_u64).map(|n| token_for("dora", Duration::from_secs(600 + n))).collect();
    for reason in [Value::Null, json!("rights: r\u{e9}duits"), json!("x".repeat(123))] {
        let (mut wire, answer) = connect(0, &tokens[0]).await;
        assert!(answer["connect"].is_object() == reason.is_null(), "spent from the second time on: {answer}");
        let (mut other, answer) = connect(1, &tokens[1]).await;
        if reason.is_null() {
            assert!(answer["connect"].is_object(), "{answer}");
            let body = json!({ "reconnect": true, "reason": reason });
            let answer = cluster.api("POST", "/v1/users/dora/disconnect", &body).await;
            assert_eq!(answer.status, 202, "{}", answer.text);
            for wire in [&mut wire, &mut other] {
                assert_eq!(wire.closed().await, (3011, "come back with another token".into()));
            }
        }
        // Whichever instance it comes to, in whichever frame.
        for (n, token) in [(0, &tokens[0]), (0, &tokens[1]), (1, &tokens[0]), (1, &tokens[1])] {
            let refused = async {
                while connect(n, token).await.1["error"]["code"] != 109 {
                    crate::cluster::breathe().await;
                }
            };
            tokio::time::timeout(DEADLINE, refused).await.expect("the old token is taken");
        }
        let (mut back, answer) = connect(1, &token_for("dora", Duration::from_secs(900))).await;
        assert!(answer["connect"].is_object(), "{answer}");
        let body = json!({ "reason": reason });
        assert_eq!(cluster.api("POST", "/v1/users/dora/disconnect", &body).await.status, 202);
        let told = reason.as_str().unwrap_or("disconnected by the server").to_owned();
        assert_eq!(back.closed().await, (3503, told));
    }
    for reason in [json!("x".repeat(124)), json!("a\nb"), json!("{\"reconnect\":true}"), json!("7"), json!("")] {
        let answer = cluster.api("POST", "/v1/users/dora/disconnect", &json!({ "reason": reason })).await;
        assert_eq!(answer.status, 422, "{reason}: {}", answer.text);
        assert!(answer.text.contains("reason"), "{}", answer.text);
    }
}

#[tokio::test]
async fn people_make_join_leave_and_list_rooms_themselves() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 1).await);
    let mut made_ids = Vec::new();
    for n in 0..5 {
        let create = json!({ "id": format!("room-{n}"), "kind": "open", "name": format!("Room {n}") });
        let made = ana.calls("create_room", create.clone()).await;
        assert_eq!(made["rpc"]["data"]["role"], "admin", "{made}");
        assert_eq!(ana.calls("create_room", create.clone()).await["rpc"], made["rpc"], "made twice");
        let id = made["rpc"]["data"]["id"].as_str().expect("an id").to_owned();
        ben.calls("join", json!({ "room": id })).await;
        ana.says(&id, &format!("hi {n}")).await;
        made_ids.push(id);
    }
    ben.calls("leave", json!({ "room": made_ids[3] })).await;
    let (mut listed, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = ben.calls("rooms", json!({ "limit": 2, "after": after })).await["rpc"]["data"].clone();
        listed.extend(page["rooms"].as_array().expect("rooms").clone());
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    let ids: Vec<&str> = listed.iter().map(|room| room["id"].as_str().unwrap()).collect();
    let mut stayed: Vec<&str> = made_ids.iter().map(|id| &**id).filter(|id| *id != made_ids[3]).collect();
    stayed.sort_unstable();
    assert_eq!(ids, stayed);
    for room in &listed {
        assert_eq!((&room["head"], &room["role"], &room["kind"]), (&json!(3), &json!("member"), &json!("open")));
        let id = room["id"].as_str().unwrap();
        assert_eq!(room["last"], cluster.log(id).await[2], "{room}");
        let n = made_ids.iter().position(|made| made == id).expect("one of them");
        assert_eq!(room["name"], format!("Room {n}"));
    }
    let members = ana.calls("members", json!({ "room": made_ids[0], "limit": 1 })).await["rpc"]["data"].clone();
    assert_eq!(members["members"], json!([{ "user": "ana", "role": "admin", "since": 1 }]));
    let rest = ana.calls("members", json!({ "room": made_ids[0], "limit": 5, "after": members["next"] })).await;
    assert_eq!(rest["rpc"]["data"], json!({ "members": [{ "user": "ben", "role": "member", "since": 2 }] }));
}
