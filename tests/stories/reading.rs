//! What people have read, what they have not, and who is meant: on every instance, on all of their devices.

use crate::{
    cluster::Cluster,
    messages_refusals::{House, does, says, told},
    person::Person,
    wire::Speech,
};
use serde_json::{Value, json};

/// What is unread in `general`, as `rooms` and `unread` have it, and over REST.
async fn unread(house: &House, who: &Person) -> (u64, u64, u64) {
    let asked = who.calls("rooms", json!({ "unread": true })).await;
    let rooms = asked["rpc"]["data"]["rooms"].as_array().unwrap_or_else(|| panic!("{asked}"));
    let room = rooms.iter().find(|room| room["id"] == "general").expect("the room");
    let listed =
        json!({ "read": room["read"], "unread": room["unread"], "mentions": room["mentions"], "head": room["head"] });
    let path = format!("/v1/users/{}/unread", who.name);
    let n = house.cluster.instances.len() - 1;
    for answer in [
        who.calls("unread", json!({})).await["rpc"]["data"].clone(),
        house.cluster.instances[n].api("GET", &path, &Value::Null).await.json(),
    ] {
        let found = answer["rooms"].as_array().expect("rooms").iter().find(|room| room["room"] == "general");
        let mut expected = listed.clone();
        expected["room"] = json!("general");
        let is_any = listed["unread"]["count"] != 0 || listed["mentions"]["count"] != 0;
        assert_eq!(found, is_any.then_some(&expected), "{answer}");
    }
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{room}"));
    (number(&room["read"]), number(&room["unread"]["count"]), number(&room["mentions"]["count"]))
}

/// Says how far somebody has read.
async fn reads(who: &Person, seq: u64) {
    let answer = who.calls("read", json!({ "room": "general", "seq": seq })).await;
    assert_eq!(answer["rpc"]["data"], json!({ "room": "general", "seq": seq }), "{answer}");
}

#[tokio::test]
async fn what_is_unread_is_the_same_on_all_devices_and_nobody_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let (laptop, cluster) = tokio::join!(Cluster::laptop(directory.path()), Cluster::of(2));
    let (laptop, cluster) = tokio::join!(House::new(laptop), House::new(cluster));
    tokio::join!(is_the_same(&laptop), is_the_same(&cluster));
}

async fn is_the_same(house: &House) {
    let House { ana, mo, ben, cem, rea, eve, cluster } = house;
    let n = cluster.instances.len();
    let tablet = cluster.person("ben", 1 % n).await;
    assert_eq!(unread(house, ben).await, (0, 0, 0));
    let first = says(ana, json!({ "text": "hi all", "mention_all": true })).await;
    let second = says(ana, json!({ "text": "ben?", "mentions": ["ben", "mo"] })).await;
    let reply = says(cem, json!({ "text": "he is away", "thread": second, "mentions": ["ben"] })).await;
    assert_eq!(unread(house, ben).await, (0, 2, 3));
    assert_eq!(unread(house, &tablet).await, (0, 2, 3));
    assert_eq!(unread(house, ana).await, (0, 0, 0), "one's own are read");
    assert_eq!(unread(house, rea).await, (0, 2, 1));

    reads(ben, first).await;
    assert_eq!(unread(house, &tablet).await, (first, 1, 2));
    // An edit mentions somebody, and another one does not any more.
    does(ana, "edit", json!({ "target": second, "text": "mo? rea?", "mentions": ["mo", "rea"] }))
        .await
        .expect("an edit");
    assert_eq!(unread(house, ben).await, (first, 1, 1));
    assert_eq!(unread(house, rea).await, (0, 2, 2));
    assert_eq!(unread(house, cem).await, (0, 2, 1), "a reply within a thread reads nothing of the room");
    // A deletion takes it out.
    does(mo, "delete", json!({ "target": second })).await.expect("a deletion");
    assert_eq!(unread(house, rea).await, (0, 1, 1));
    does(cem, "delete", json!({ "target": reply })).await.expect("a deletion");
    assert_eq!(unread(house, ben).await, (first, 0, 0));

    // Who sends has read.
    let third = says(ana, json!({ "text": "so?" })).await;
    let fourth = says(mo, json!({ "text": "so what" })).await;
    assert_eq!(unread(house, mo).await, (0, 0, 0));
    assert_eq!(unread(house, ben).await, (first, 2, 0));
    // What was said before one came was not for one.
    cluster.api("PUT", "/v1/rooms/general/members/eve", &json!({ "role": "member" })).await;
    assert_eq!(unread(house, eve).await, (0, 0, 0));
    let fifth = says(ana, json!({ "text": "hi eve", "mentions": ["eve"] })).await;
    assert_eq!(unread(house, eve).await, (0, 1, 1));

    // On another device, over REST, after a lost connection: it is the same.
    let path = "/v1/users/cem/rooms/general/read";
    let seq = json!({ "seq": third });
    let ((), answer) = tokio::join!(reads(&tablet, fourth), cluster.instances[n - 1].api("PUT", path, &seq));
    assert_eq!(unread(house, ben).await, (fourth, 1, 0));
    assert_eq!((answer.status, answer.json()), (200, json!({ "room": "general", "seq": third })));
    let before = ben.connections();
    ben.loses_connection().await;
    ben.waits_for("a new connection", crate::wire::DEADLINE, |me| me.connections() > before).await;
    assert_eq!(unread(house, ben).await, (fourth, 1, 0));

    // Who has read how far.
    for who in [ana, rea] {
        let answer = who.calls("reads", json!({ "room": "general" })).await["rpc"]["data"].clone();
        let all: Vec<_> = answer["reads"]
            .as_array()
            .expect("reads")
            .iter()
            .map(|one| (one["user"].clone(), one["seq"].clone()))
            .collect();
        assert_eq!(all, [(json!("ben"), json!(fourth)), (json!("cem"), json!(third))], "{answer}");
        assert!(answer["reads"][0]["at"].as_str().expect("a time").ends_with('Z'), "{answer}");
    }
    let shown = cluster.api("GET", "/v1/rooms/general/reads", &Value::Null).await.json();
    assert_eq!(shown["reads"].as_array().map(Vec::len), Some(2));

    // A mark that is no mark.
    let head = house.head().await;
    for (who, data, code, why) in [
        (ben, json!({ "seq": head + 1 }), 107, format!("bad request: seq: {}; the head is {head}", head + 1)),
        (ben, json!({ "seq": first }), 409, format!("seq: {first}; the mark is at {fourth}")),
        (&tablet, json!({ "seq": 0 }), 409, format!("seq: 0; the mark is at {fourth}")),
        (ben, json!({}), 107, "bad request: seq: missing".into()),
    ] {
        assert_eq!(told(who, "read", data).await, (code, why));
    }
    for (path, body, status, code, why) in [
        (
            "ben/rooms/general",
            json!({ "seq": first }),
            409,
            "read_further",
            format!("seq: {first}; the mark is at {fourth}"),
        ),
        (
            "ben/rooms/general",
            json!({ "seq": head + 9 }),
            422,
            "invalid",
            format!("seq: {}; the head is {head}", head + 9),
        ),
        ("zoe/rooms/general", json!({ "seq": 1 }), 404, "unknown_room", "unknown room".into()),
        ("ben/rooms/general", json!({}), 422, "invalid", "seq: missing".into()),
        (
            "ben/rooms/general",
            json!({ "sequence": 1 }),
            400,
            "bad_request",
            "body: sequence: unknown field `sequence`".into(),
        ),
    ] {
        let answer = cluster.api("PUT", &format!("/v1/users/{path}/read"), &body).await;
        let problem = answer.json();
        assert_eq!((answer.status, &problem["code"]), (status, &json!(code)), "{problem}");
        assert!(problem["detail"].as_str().expect("a detail").starts_with(&why), "{problem}");
    }
    assert_eq!(unread(house, ben).await, (fourth, 1, 0));
    reads(ben, fifth).await;
    assert_eq!(unread(house, ben).await, (fifth, 0, 0));

    // In a hall nobody sees who has read what.
    let crowd: Vec<Value> =
        (0..101).map(|n| json!({ "user": format!("u{n}") })).chain([json!({ "user": "ana" })]).collect();
    cluster.api("POST", "/v1/rooms", &json!({ "id": "hall", "kind": "open", "members": crowd })).await;
    let why = "room: more than 100 members; who has read how far is shown in smaller rooms";
    let answer = ana.calls("reads", json!({ "room": "hall" })).await;
    assert_eq!((&answer["error"]["code"], &answer["error"]["message"]), (&json!(106), &json!(why)));
    let stranger = ben.calls("read", json!({ "room": "hall", "seq": 1 })).await;
    assert_eq!(stranger["error"]["code"], 103, "{stranger}");
}

#[tokio::test]
async fn a_mark_is_told_to_ones_other_devices_and_in_a_small_room_to_its_readers() {
    let cluster = Cluster::of(2).await;
    let crowd: Vec<String> = (0..101).map(|n| format!("u{n}")).chain(["ana".into(), "ben".into()]).collect();
    cluster.room("kitchen", "private", &["ana", "ben"]).await;
    cluster.room("hall", "private", &crowd.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let wants = json!({ "signals": true });
    let phone = Person::wanting("ana", cluster.at(0), Speech::Json, wants.clone()).await;
    let tablet = Person::wanting("ana", cluster.at(1), Speech::Protobuf, wants.clone()).await;
    let ben = Person::wanting("ben", cluster.at(1), Speech::Json, wants).await;
    for room in ["kitchen", "hall"] {
        ben.follows(room).await;
        let last = ben.says(room, "anybody?").await.seq;
        for seq in [last - 1, last] {
            let answer = phone.calls("read", json!({ "room": room, "seq": seq })).await;
            assert!(answer["rpc"].is_object(), "{answer}");
        }
        tablet.is_told_that(json!({ "type": "read", "room": room, "seq": last })).await;
        ben.says(room, "well").await;
    }
    ben.notices("kitchen", json!({ "type": "read", "user": "ana" })).await;
    // By the bus' order whatever was to come of the hall has come.
    ben.hears("hall", "well").await;
    assert_eq!(ben.with("hall", |followed| followed.signals.len()), 0, "in a large room nobody is told");
}

#[tokio::test]
async fn a_mark_that_was_acknowledged_outlives_its_instance() {
    let mut cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let (ana, ben) = (cluster.person("ana", 1).await, cluster.person("ben", 0).await);
    for n in 0..4 {
        ana.says("general", &format!("no. {n}")).await;
    }
    reads(&ben, 3).await;
    // These wait, and the instance dies.
    let late = async |seq: u64| {
        ben.asks(json!({ "rpc": { "method": "read", "data": { "room": "general", "seq": seq } } })).await
    };
    let ((), four, five) = tokio::join!(
        async {
            crate::cluster::breathe().await;
            cluster.kill(0);
        },
        late(4),
        late(5)
    );
    let mut acknowledged = 3;
    for (seq, answer) in [(4, four), (5, five)] {
        if answer.is_some_and(|answer| answer["rpc"].is_object()) {
            acknowledged = seq;
        }
    }
    cluster.restart(0).await;
    let answer = cluster.instances[1].api("GET", "/v1/users/ben/unread", &Value::Null).await.json();
    let read = answer["rooms"][0]["read"].as_u64().expect("a mark");
    assert!((acknowledged..=5).contains(&read), "{acknowledged} was acknowledged: {answer}");
    ben.is_connected().await;
    reads(&ben, 6).await;
    let answer = cluster.instances[1].api("GET", "/v1/users/ben/unread", &Value::Null).await.json();
    assert_eq!(answer, json!({ "rooms": [] }));
}
