//! Pages show what is now: on every instance, over sockets and REST; and from where on somebody reads.

use crate::{
    cluster::Cluster,
    messages_refusals::{House, does, says, told},
    person::Person,
    wire::Wire,
};
use serde_json::{Value, json};

/// A page of `general`.
async fn page(who: &Person, method: &str, data: Value) -> Value {
    let mut asked = data;
    asked["room"] = "general".into();
    let answer = who.calls(method, asked.clone()).await;
    assert!(answer["rpc"].is_object(), "{} {method} {asked}: {answer}", who.name);
    answer["rpc"]["data"].clone()
}

fn seqs(page: &Value) -> Vec<u64> {
    page["entries"].as_array().expect("entries").iter().map(|entry| entry["seq"].as_u64().expect("a seq")).collect()
}

#[tokio::test]
async fn pages_show_messages_with_what_became_of_them() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        became(&House::new(cluster).await).await;
    }
}

async fn became(house: &House) {
    let House { ana, mo, ben, cem, rea, .. } = house;
    let root = says(ben, json!({ "text": "lunch?", "data": { "n": 1 }, "mentions": ["cem"] })).await;
    let other = says(cem, json!({ "text": "to be deleted" })).await;
    for (who, reaction) in [(ana, "+1"), (cem, "🎉"), (mo, "+1")] {
        does(who, "react", json!({ "target": root, "reaction": reaction })).await;
    }
    does(ben, "edit", json!({ "target": root, "text": "lunch at one?", "mention_all": true })).await;
    does(cem, "edit", json!({ "target": other, "text": "still to be deleted" })).await;
    let reply = says(ana, json!({ "text": "yes", "thread": root })).await;
    let shown = says(cem, json!({ "text": "me, too", "thread": root, "in_room": true })).await;
    for target in [root, other] {
        does(mo, "pin", json!({ "target": target })).await;
    }
    let deleted = does(mo, "delete", json!({ "target": other })).await.expect("a deletion");

    let newest = page(rea, "messages", json!({})).await;
    assert_eq!(seqs(&newest), [1, 2, 3, 4, 5, root, other, shown], "{newest}");
    assert_eq!((&newest["as_of"], &newest["head"], &newest["floor"]), (&json!(deleted), &json!(deleted), &json!(1)));
    let message = |n: usize| newest["entries"][n].clone();
    let now = message(5);
    assert_eq!((&now["text"], &now["data"], &now["mentions"]), (&json!("lunch at one?"), &Value::Null, &Value::Null));
    assert!(now["mention_all"] == true && now["pinned"] == true && now["edited_at"].is_string(), "{now}");
    let reactions = json!([
        { "reaction": "+1", "count": 2, "me": false, "users": ["ana", "mo"] },
        { "reaction": "🎉", "count": 1, "me": false, "users": ["cem"] },
    ]);
    assert_eq!(now["reactions"], reactions);
    let replies = &now["replies"];
    assert_eq!(
        (&replies["count"], &replies["last"], &replies["users"]),
        (&json!(2), &json!(shown), &json!(["cem", "ana"]))
    );
    assert_eq!(replies["last_at"], message(7)["at"]);
    let gone = message(6);
    assert!(
        gone["gone"] == true && gone["text"].is_null() && gone["pinned"].is_null() && gone["from"] == "cem",
        "{gone}"
    );
    assert!(!newest.to_string().contains("to be deleted"), "{newest}");
    assert_eq!(page(mo, "messages", json!({ "limit": 3 })).await["entries"][0]["reactions"][0]["me"], true);

    // What is not shown stands for its place.
    for (data, expected) in [
        (json!({ "before": root + 2, "limit": 2 }), vec![root, other]),
        (json!({ "after": other + 2, "limit": 2 }), vec![shown]),
        (json!({ "around": reply, "limit": 4 }), vec![root, other, shown]),
        (json!({ "after": deleted }), vec![]),
    ] {
        assert_eq!(seqs(&page(ben, "messages", data.clone()).await), expected, "{data}");
    }
    let thread = page(ben, "thread", json!({ "root": root })).await;
    assert_eq!((seqs(&thread), &thread["as_of"]), (vec![reply, shown], &json!(deleted)), "{thread}");
    assert_eq!(seqs(&page(ben, "thread", json!({ "root": root, "before": shown, "limit": 1 })).await), [reply]);
    assert_eq!(seqs(&page(ben, "thread", json!({ "root": other })).await), [0_u64; 0]);
    assert_eq!(page(ben, "pins", json!({})).await["entries"], json!([now]), "as on its page");
    assert_eq!(page(rea, "message", json!({ "seq": root })).await["entries"], json!([now]));
    assert_eq!(page(ben, "message", json!({ "seq": reply })).await["entries"][0]["text"], "yes");

    let (mut after, mut reactors) = (Value::Null, Vec::new());
    loop {
        let mut asked = json!({ "target": root, "limit": 1 });
        if !after.is_null() {
            asked["after"] = after;
        }
        let part = page(ben, "reactions", asked).await;
        let one = |one: &Value| {
            (one["reaction"].as_str().expect("a reaction").to_owned(), one["user"].as_str().expect("a user").to_owned())
        };
        reactors.extend(part["reactions"].as_array().expect("reactions").iter().map(one));
        after = part["next"].clone();
        if after.is_null() {
            break;
        }
    }
    let all =
        [("+1", "ana"), ("+1", "mo"), ("🎉", "cem")].map(|(reaction, user)| (reaction.to_owned(), user.to_owned()));
    assert_eq!(reactors, all);
    let one = page(ben, "reactions", json!({ "target": root, "reaction": "+1", "after": "ana" })).await;
    assert_eq!(
        (one["reactions"].as_array().expect("reactions").len(), &one["reactions"][0]["user"]),
        (1, &json!("mo"))
    );
    assert_eq!(page(ben, "reactions", json!({ "target": other })).await["reactions"], json!([]));

    let last = ben.calls("rooms", json!({})).await["rpc"]["data"]["rooms"][0]["last"].clone();
    assert_eq!(last, message(7));
    does(cem, "edit", json!({ "target": shown, "text": "me, too, at one" })).await;
    let last = ben.calls("rooms", json!({})).await["rpc"]["data"]["rooms"][0]["last"].clone();
    assert_eq!((&last["text"], &last["seq"]), (&json!("me, too, at one"), &json!(shown)));

    // Over REST the same, in somebody's name or in the backend's; and the log as it happened.
    let api = async |path: &str| house.cluster.api("GET", &format!("/v1/rooms/general/{path}"), &Value::Null).await;
    let of_mo = api("messages?by=mo&limit=3").await.json();
    assert_eq!(seqs(&of_mo), [root, other, shown]);
    assert_eq!(of_mo["entries"][0]["reactions"][0]["me"], true);
    assert_eq!(api(&format!("messages/{root}")).await.json()["entries"], json!([now]));
    assert_eq!(seqs(&api(&format!("messages/{root}/thread?by=rea")).await.json()), [reply, shown]);
    assert_eq!(seqs(&api("pins").await.json()), [root]);
    let wave = api(&format!("messages/{root}/reactions?reaction=%F0%9F%8E%89")).await.json();
    assert_eq!(wave["reactions"][0]["user"], "cem");
    for (path, status) in [
        (format!("messages/{reply}/thread"), 422),
        ("messages/1".to_owned(), 422),
        ("messages/0/reactions".to_owned(), 422),
        ("messages?by=eve".to_owned(), 404),
        ("history?by=eve".to_owned(), 404),
        ("messages?by=hubbub:api".to_owned(), 422),
        ("messages/x".to_owned(), 422),
    ] {
        let answer = api(&path).await;
        assert!(answer.status == status || (path.ends_with('x') && answer.status >= 400), "{path}: {}", answer.text);
    }
    let raw = api("history?limit=1000").await.json();
    assert_eq!(seqs(&raw).last(), raw["head"].as_u64().as_ref());
    assert_eq!(raw["entries"][root as usize - 1]["text"], "lunch?", "as it was said");
    assert_eq!(raw["entries"][other as usize - 1]["gone"], true);
    let log = house.cluster.log("general").await;
    assert_eq!(json!(log), raw["entries"]);

    for (method, data, why) in [
        ("message", json!({ "seq": root + 2 }), "bad request: seq: no such message in this room"),
        ("message", json!({ "seq": 1 }), "bad request: seq: no such message in this room"),
        ("message", json!({ "seq": 9_007_199_254_740_991_u64 }), "bad request: seq: no such message in this room"),
        ("thread", json!({ "root": deleted }), "bad request: root: no such message in this room"),
        ("thread", json!({ "root": 0 }), "bad request: root: no such message in this room"),
        ("reactions", json!({ "target": 2 }), "bad request: target: no such message in this room"),
        (
            "reactions",
            json!({ "target": root, "after": "ana" }),
            "bad request: after: what `next` of the page before says is expected",
        ),
        ("thread", json!({ "root": root, "limit": 0 }), "bad request: limit: 0; it is 1 to 1000"),
        ("pins", json!({ "before": 1, "after": 2 }), "bad request: before: give only one of before, after, around"),
    ] {
        assert_eq!(told(ben, method, data.clone()).await, (107, why.to_owned()), "{method} {data}");
    }
    let (code, why) = told(ben, "thread", json!({ "root": reply })).await;
    assert!(code == 107 && why.ends_with(&format!("name its root, {root}")), "{why}");
}

#[tokio::test]
async fn who_joins_a_room_of_that_kind_reads_from_there_on() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        joined(&House::new(cluster).await).await;
    }
}

async fn joined(house: &House) {
    let House { ana, ben, eve, cluster, .. } = house;
    let root = says(ben, json!({ "text": "before" })).await;
    does(ana, "react", json!({ "target": root, "reaction": "+1" })).await;
    does(ana, "pin", json!({ "target": root })).await;
    does(ana, "change_room", json!({ "settings": { "history_from": "joined" } })).await;
    let add = async || {
        let path = "/v1/rooms/general/members/eve";
        let answer = cluster.api("PUT", path, &json!({ "role": "member" })).await;
        answer.json()["seq"].as_u64().unwrap_or_else(|| panic!("{}", answer.text))
    };
    let floor = add().await;
    let reply = says(ben, json!({ "text": "later", "thread": root })).await;
    let after = says(ben, json!({ "text": "after" })).await;

    let reads_from = async |floor: u64| {
        let newest = page(eve, "messages", json!({})).await;
        assert!(newest["floor"] == floor && seqs(&newest).first().is_some_and(|first| *first >= floor), "{newest}");
        assert_eq!(seqs(&page(eve, "messages", json!({ "after": 0, "limit": 1 })).await), [floor]);
        assert_eq!(seqs(&page(eve, "messages", json!({ "before": floor })).await), [0_u64; 0]);
        assert_eq!(seqs(&page(eve, "pins", json!({})).await), [0_u64; 0]);
        let below = "older than what this room keeps";
        for (method, data) in [("message", json!({ "seq": root })), ("reactions", json!({ "target": root }))] {
            let (code, why) = told(eve, method, data).await;
            assert!(code == 107 && why.ends_with(below), "{method}: {why}");
        }
        let rooms = eve.calls("rooms", json!({})).await;
        assert_eq!(rooms["rpc"]["data"]["rooms"][0]["floor"], floor, "{rooms}");
        // A command of its own, with the same floor.
        let epoch = rooms["rpc"]["data"]["rooms"][0]["epoch"].clone();
        for (offset, is) in [(0, false), (floor - 2, false), (floor - 1, true), (floor, true)] {
            let mut wire = Wire::of(eve_at(house), "eve").await;
            let since = json!({ "offset": offset, "epoch": epoch });
            let asked = json!({ "channel": "room:general", "limit": 100, "since": since });
            let answer = wire.asks(json!({ "id": 2, "history": asked })).await;
            assert_eq!(answer["error"]["code"].is_null(), is, "{offset}: {answer}");
            let asked = json!({ "channel": "room:general", "recover": true, "offset": offset, "epoch": epoch });
            let answer = wire.asks(json!({ "id": 3, "subscribe": asked })).await;
            assert_eq!(answer["subscribe"]["recovered"] == true, is, "{offset}: {answer}");
            assert!(!answer.to_string().contains("before"), "{answer}");
        }
        let mut wire = Wire::of(eve_at(house), "eve").await;
        let answer = wire.asks(json!({ "id": 2, "history": { "channel": "room:general", "limit": 100 } })).await;
        assert_eq!(answer["history"]["publications"][0]["offset"], floor, "{answer}");
        let of_eve = cluster.api("GET", "/v1/rooms/general/history?by=eve&after=0", &Value::Null).await.json();
        assert_eq!((seqs(&of_eve)[0], &of_eve["floor"]), (floor, &json!(floor)));
    };
    reads_from(floor).await;
    assert_eq!(seqs(&page(eve, "thread", json!({ "root": root })).await), [reply], "what came since");
    let last = eve.calls("rooms", json!({})).await["rpc"]["data"]["rooms"][0]["last"]["seq"].clone();
    assert_eq!(last, after);
    // Another role is no other membership; to leave and come back is.
    does(ana, "set_role", json!({ "user": "eve", "role": "moderator" })).await;
    reads_from(floor).await;
    does(ana, "remove_member", json!({ "user": "eve" })).await;
    let later = add().await;
    reads_from(later).await;
    let last = eve.calls("rooms", json!({})).await["rpc"]["data"]["rooms"][0]["last"].clone();
    assert_eq!(last, Value::Null);
    // Those who were there before, and the backend, read on.
    assert_eq!(page(ben, "message", json!({ "seq": root })).await["entries"][0]["text"], "before");
    let of_backend = cluster.api("GET", "/v1/rooms/general/messages?after=0&limit=1", &Value::Null).await.json();
    assert_eq!((seqs(&of_backend), &of_backend["floor"]), (vec![1], &json!(1)));
    does(ana, "change_room", json!({ "settings": { "history_from": "all" } })).await;
    assert_eq!(page(eve, "message", json!({ "seq": root })).await["entries"][0]["text"], "before");
}

fn eve_at(house: &House) -> std::net::SocketAddr {
    house.cluster.at(5 % house.cluster.instances.len())
}
