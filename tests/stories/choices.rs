//! What people decide for themselves, and reports to moderators.

use crate::{cluster::Cluster, person::Person, wire::Speech};
use serde_json::{Value, json};

#[tokio::test]
async fn people_say_what_they_want_and_moderators_hear_of_messages() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop(directory.path()).await;
    let members = json!([{ "user": "mo", "role": "moderator" }, { "user": "ana" }, { "user": "ben" }]);
    let room = json!({ "id": "hall", "kind": "private", "members": members });
    assert_eq!(cluster.api("POST", "/v1/rooms", &room).await.status, 201);
    let wants = |name: &'static str| {
        Person::wanting(name, cluster.at(0), Speech::Json, json!({ "signals": true, "activity": true }))
    };
    let (ana, ben, mo) = (wants("ana").await, wants("ben").await, wants("mo").await);
    let tablet = wants("ana").await;
    let usual = calls(&ana, "preferences", json!({})).await;
    assert_eq!(usual, json!({ "preferences": [] }));
    let set = calls(&ana, "set_preferences", json!({ "room": "hall", "notify": "mentions", "pinned": true })).await;
    assert_eq!(set, json!({ "room": "hall", "notify": "mentions", "pinned": true, "hidden": false }));
    let listed = cluster.api("GET", "/v1/users/ana/preferences", &Value::Null).await.json();
    assert_eq!(listed["preferences"], json!([set]));
    tablet.is_told_that(json!({ "type": "preferences", "room": "hall", "notify": "mentions", "pinned": true })).await;
    let rooms = calls(&ana, "rooms", json!({})).await;
    assert_eq!(rooms["rooms"][0]["preferences"], json!({ "notify": "mentions", "pinned": true, "hidden": false }));
    assert_eq!(calls(&ben, "rooms", json!({})).await["rooms"][0]["preferences"], Value::Null);
    let (first, last) = (ben.says("hall", "one").await.seq, ben.says("hall", "two").await.seq);
    assert_eq!(calls(&ana, "read", json!({ "room": "hall", "seq": last })).await["seq"], last);
    let set = calls(&ana, "set_preferences", json!({ "room": "hall", "unread_from": first })).await;
    assert_eq!(set["unread_from"], first);
    assert_eq!(calls(&ana, "read", json!({ "room": "hall", "seq": last })).await["seq"], last);
    let rooms = calls(&ana, "rooms", json!({})).await;
    assert_eq!(rooms["rooms"][0]["preferences"]["unread_from"], Value::Null, "it is read");
    for (data, code, names) in [
        (json!({ "room": "hall", "unread_from": 0 }), 107, "unread_from"),
        (json!({ "room": "hall", "unread_from": last + 1 }), 107, "unread_from"),
        (json!({ "room": "hall" }), 107, "notify"),
        (json!({ "room": "hall", "notify": "loud" }), 107, "notify"),
        (json!({ "room": "nowhere", "pinned": true }), 102, "unknown room"),
    ] {
        let refused = calls(&ana, "set_preferences", data).await;
        assert_eq!(refused["code"], code, "{refused}");
        assert!(refused["message"].as_str().is_some_and(|why| why.contains(names)), "{refused}");
    }
    let stranger = cluster.api("PUT", "/v1/users/eve/rooms/hall/preferences", &json!({ "pinned": true })).await;
    assert_eq!(stranger.status, 404, "{}", stranger.text);

    let direct = calls(&ana, "create_room", json!({ "kind": "direct", "with": "ben" })).await;
    let direct = direct["id"].as_str().expect("an id").to_owned();
    ben.says(&direct, "hello").await;
    assert_eq!(calls(&ana, "block", json!({ "user": "ana" })).await["code"], 107);
    assert_eq!(calls(&ana, "block", json!({ "user": "ben" })).await, json!({}));
    tablet.is_told_that(json!({ "type": "blocked", "user": "ben" })).await;
    assert_eq!(calls(&ben, "typing", json!({ "room": direct })).await["code"], 103);
    for person in [&ana, &ben] {
        let refused = calls(person, "send", json!({ "room": direct, "text": "hi" })).await;
        assert_eq!(refused["code"], 103, "{refused}");
        assert!(refused["message"].as_str().is_some_and(|why| why.contains("blocked")), "{refused}");
    }
    // Mentions by whom somebody has blocked are held back, wherever they are.
    let mention = json!({ "room": "hall", "text": "you?", "mentions": ["ana"] });
    let by_ben = calls(&ben, "send", mention.clone()).await["seq"].as_u64().expect("a seq");
    ana.is_told_that(json!({ "type": "activity", "room": "hall", "head": by_ben })).await;
    let by_mo = calls(&mo, "send", mention).await["seq"].as_u64().expect("a seq");
    ana.is_told_that(json!({ "type": "mention", "room": "hall", "seq": by_mo })).await;
    let told: Vec<_> =
        ana.hints().iter().filter(|hint| hint["type"] == "mention").map(|hint| hint["seq"].clone()).collect();
    assert_eq!(told, [by_mo]);
    assert_eq!(calls(&ana, "blocks", json!({})).await["blocks"][0]["user"], "ben");
    assert_eq!(calls(&ben, "blocks", json!({})).await, json!({ "blocks": [] }));
    assert_eq!(cluster.api("DELETE", "/v1/users/ana/blocks/ben", &Value::Null).await.status, 204);
    ben.says(&direct, "hello again").await;

    let said = ben.says("hall", "buy this").await;
    let report = calls(&ana, "report", json!({ "room": "hall", "target": said.seq, "reason": "spam" })).await;
    assert_eq!((&report["from"], &report["state"]), (&json!("ana"), &json!("open")));
    assert_eq!(calls(&ana, "report", json!({ "room": "hall", "target": 9_999 })).await["code"], 107);
    assert_eq!(calls(&ana, "reports", json!({ "room": "hall" })).await["code"], 103);
    mo.is_told_that(json!({ "type": "reported", "room": "hall", "report": report["report"] })).await;
    let seen = calls(&mo, "reports", json!({ "room": "hall", "state": "open" })).await;
    assert_eq!(seen["reports"], json!([report]));
    let settled =
        calls(&mo, "settle_report", json!({ "room": "hall", "report": report["report"], "state": "settled" })).await;
    assert_eq!((&settled["state"], &settled["settled_by"]), (&json!("settled"), &json!("mo")));
    let open = cluster.api("GET", "/v1/reports?state=open", &Value::Null).await.json();
    assert_eq!(open["reports"], json!([]));
    let path = format!("/v1/reports/{}", report["report"]);
    assert_eq!(cluster.api("PUT", &path, &json!({ "state": "dismissed" })).await.json()["settled_by"], "hubbub:api");
    assert_eq!(cluster.api("PUT", "/v1/reports/77", &json!({ "state": "open" })).await.status, 404);
}

/// The answer, or the error.
async fn calls(person: &Person, method: &str, data: Value) -> Value {
    let answer = person.calls(method, data).await;
    if answer["error"].is_null() { answer["rpc"]["data"].clone() } else { answer["error"].clone() }
}

#[tokio::test]
async fn people_are_invited_and_a_room_is_passed_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop(directory.path()).await;
    let members = json!([{ "user": "ana", "role": "admin" }, { "user": "ben" }, { "user": "cem" }]);
    let room = json!({ "id": "hall", "kind": "private", "name": "Hall", "members": members });
    assert_eq!(cluster.api("POST", "/v1/rooms", &room).await.status, 201);
    let wants = |name: &'static str| Person::wanting(name, cluster.at(0), Speech::Json, json!({ "signals": true }));
    let (ana, ben, dora) = (wants("ana").await, wants("ben").await, wants("dora").await);

    // Whoever may add members invites, and no one else.
    let wish = json!({ "room": "hall", "user": "dora" });
    assert_eq!(calls(&ben, "invite", wish.clone()).await["code"], 103);
    assert_eq!(calls(&dora, "accept_invite", json!({ "room": "hall" })).await["code"], 107);
    for (user, names) in [("ben", "a member of"), ("ana", "a member of"), ("hubbub:api", "reserved")] {
        let refused = calls(&ana, "invite", json!({ "room": "hall", "user": user })).await;
        assert_eq!(refused["code"], 107, "{refused}");
        assert!(refused["message"].as_str().is_some_and(|why| why.contains(names)), "{refused}");
    }
    let first = calls(&ana, "invite", wish.clone()).await;
    assert_eq!((&first["by"], &first["user"]), (&json!("ana"), &json!("dora")));
    assert_eq!(calls(&ana, "invite", wish.clone()).await, first, "once");
    dora.is_told_that(json!({ "type": "invited", "room": "hall", "by": "ana" })).await;
    let listed = calls(&dora, "invites", json!({})).await;
    assert_eq!((&listed["invites"][0]["name"], &listed["invites"][0]["at"]), (&json!("Hall"), &first["at"]));
    assert_eq!(calls(&dora, "messages", json!({ "room": "hall" })).await["code"], 102, "she is not in yet");
    assert_eq!(calls(&dora, "decline_invite", json!({ "room": "hall" })).await, json!({}));
    assert_eq!(calls(&dora, "accept_invite", json!({ "room": "hall" })).await["code"], 107);

    // A room without its admin: they hand over first, in one act.
    assert_eq!(calls(&ana, "leave", json!({ "room": "hall" })).await["code"], 103);
    for (user, names) in [("ana", "user"), ("eve", "eve is not a member")] {
        let refused = calls(&ana, "hand_over", json!({ "room": "hall", "user": user })).await;
        assert_eq!(refused["code"], 107, "{refused}");
        assert!(refused["message"].as_str().is_some_and(|why| why.contains(names)), "{refused}");
    }
    assert_eq!(calls(&ben, "hand_over", json!({ "room": "hall", "user": "cem" })).await["code"], 103);
    calls(&ana, "invite", wish.clone()).await;
    let over = json!({ "room": "hall", "user": "ben", "key": "over" });
    let done = calls(&ana, "hand_over", over.clone()).await;
    let seq = done["seq"].as_u64().expect("a place");
    assert_eq!(calls(&ana, "hand_over", over).await["seq"], seq, "once");
    let page = cluster.api("GET", &format!("/v1/rooms/hall/history?after={}", seq - 2), &Value::Null).await.json();
    let line = |entry: &Value| format!("{} {} {}", entry["type"], entry["user"], entry["role"]).replace('"', "");
    let lines: Vec<_> = page["entries"].as_array().expect("entries").iter().map(line).collect();
    assert_eq!(lines, ["joined ben admin", "joined ana member"]);

    // Whoever may not add members any more has invited nobody.
    assert_eq!(calls(&dora, "invites", json!({})).await["invites"][0]["by"], "ana");
    assert_eq!(calls(&dora, "accept_invite", json!({ "room": "hall" })).await["code"], 107);
    assert_eq!(calls(&ben, "invite", wish.clone()).await["by"], "ben");
    let came = calls(&dora, "accept_invite", json!({ "room": "hall", "key": "in" })).await;
    assert!(came["seq"].as_u64() > Some(seq), "{came}");
    assert_eq!(calls(&dora, "accept_invite", json!({ "room": "hall", "key": "in" })).await["seq"], Value::Null);
    assert_eq!(calls(&dora, "invites", json!({})).await, json!({ "invites": [] }));
    dora.says("hall", "hello").await;
    assert!(calls(&ana, "leave", json!({ "room": "hall" })).await["seq"].is_u64());

    // The backend takes the last admin away: it decides who is the next.
    assert_eq!(cluster.api("DELETE", "/v1/rooms/hall/members/ben", &Value::Null).await.status, 200);
    assert_eq!(calls(&dora, "change_room", json!({ "room": "hall", "name": "x" })).await["code"], 103);
    let admin = json!({ "role": "admin" });
    assert_eq!(cluster.api("PUT", "/v1/rooms/hall/members/dora", &admin).await.status, 200);
    assert!(calls(&dora, "change_room", json!({ "room": "hall", "name": "x" })).await["seq"].is_u64());

    // What no log says is kept apart.
    assert_eq!(cluster.api("POST", "/v1/users/cem/disconnect", &json!({})).await.status, 202);
    assert_eq!(cluster.api("POST", "/v1/portals/desk/pause", &Value::Null).await.status, 404);
    assert_eq!(cluster.api("DELETE", "/v1/rooms/hall", &Value::Null).await.status, 204);
    let acts = cluster.api("GET", "/v1/audit?actor=hubbub:api", &Value::Null).await.json();
    let line = |act: &Value| format!("{} {} {}", act["act"], act["subject"], act["outcome"]).replace('"', "");
    let lines: Vec<_> = acts["acts"].as_array().expect("acts").iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "delete_room /v1/rooms/hall done",
            "pause_portal /v1/portals/desk/pause unknown_portal",
            "disconnect /v1/users/cem/disconnect done",
        ]
    );
    let part = cluster.api("GET", "/v1/audit?limit=1&act=delete_room", &Value::Null).await.json();
    assert_eq!((part["acts"].as_array().map(Vec::len), &part["next"]), (Some(1), &Value::Null));
    assert_eq!(cluster.api("GET", "/v1/audit?actor=", &Value::Null).await.status, 422);
}
