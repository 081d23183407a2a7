//! What a client calls a room is a name of its own: nobody is there first, nobody learns of others' rooms, and it is found again.

use crate::{
    cluster::Cluster,
    desk::{self, Desk},
    person::Person,
    support::portal::Portal,
    wire::Wire,
};
use serde_json::{Value, json};

async fn made(person: &Person, data: Value) -> String {
    let made = person.calls("create_room", data).await;
    made["rpc"]["data"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

async fn opened(person: &Person, data: Value) -> String {
    let opened = person.calls("open_session", data).await;
    opened["rpc"]["data"]["id"].as_str().unwrap_or_else(|| panic!("{opened}")).to_owned()
}

#[tokio::test]
async fn nobody_is_first_in_a_room_that_the_backend_is_yet_to_make() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(1).await] {
        let (mallory, ana) = (cluster.person("mallory", 0).await, cluster.person("ana", 0).await);
        let wish = json!({ "id": "order-4712", "kind": "private" });
        let id = made(&mallory, wish.clone()).await;
        assert!(id.starts_with("u.") && id != "order-4712", "{id}");
        // The rightful owner's request is as if nobody had asked, and mallory is not in it.
        let new = json!({ "id": "order-4712", "kind": "private", "members": [{ "user": "ana" }] });
        assert_eq!(cluster.api("POST", "/v1/rooms", &new).await.status, 201);
        assert_eq!(cluster.api("POST", "/v1/rooms", &new).await.status, 200);
        let seen = mallory.calls("messages", json!({ "room": "order-4712" })).await;
        assert_eq!(seen["error"]["code"], 102, "{seen}");
        // Asked again, by the name or by what was told, it is the same; for somebody else it is another.
        assert_eq!(made(&mallory, wish.clone()).await, id);
        assert_eq!(made(&mallory, json!({ "id": id, "kind": "private" })).await, id);
        let other = made(&ana, wish).await;
        assert_ne!(other, id);
        let open = mallory.calls("create_room", json!({ "id": "order-4712", "kind": "open" })).await;
        assert_eq!(open["error"]["code"], 409, "her own, of another kind: {open}");
        // A made id that is not hers is answered like one that is none.
        let mut wire = Wire::of(cluster.at(0), "mallory").await;
        let mut said = Vec::new();
        for id in [&*other, "u.0123456789abcdef0123456789abcdef0123456789abcdef", "u."] {
            let data = json!({ "id": id, "kind": "private" });
            let answer = wire.asks(json!({ "id": 7, "rpc": { "method": "create_room", "data": data } })).await;
            assert_eq!(answer["error"]["code"], 107, "{answer}");
            said.push(wire.last.clone());
        }
        assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
        for id in [&*id, "u.x", "session.x", "direct.x"] {
            let answer = cluster.api("POST", "/v1/rooms", &json!({ "id": id, "kind": "private" })).await;
            assert_eq!((answer.status, answer.json()["code"].as_str()), (422, Some("invalid")), "{}", answer.text);
        }
        // Gone from her own room, she does not make it anew.
        mallory.calls("leave", json!({ "room": id })).await;
        let again = mallory.calls("create_room", json!({ "id": "order-4712", "kind": "private" })).await;
        assert_eq!(again["error"]["code"], 409, "{again}");
    }
}

#[tokio::test]
async fn customers_name_sessions_and_take_nobody_elses() {
    let desk = Desk::with(json!({})).await;
    let second = Portal::start().await;
    desk::make(&desk.server, "second", &second, json!({})).await;
    let (ana, eve) = (desk.server.person("ana", 0).await, desk.server.person("eve", 0).await);
    desk.session("order-1", "ana").await;
    // Ana resumes the session that the backend opened for her; eve's is another.
    assert_eq!(opened(&ana, json!({ "portal": "desk", "id": "order-1" })).await, "order-1");
    let of_eve = opened(&eve, json!({ "portal": "desk", "id": "order-1" })).await;
    assert!(of_eve.starts_with("u."), "{of_eve}");
    assert_eq!(opened(&eve, json!({ "portal": "desk", "id": "order-1" })).await, of_eve);
    assert_eq!(opened(&eve, json!({ "portal": "desk", "id": of_eve })).await, of_eve);
    let elsewhere = opened(&eve, json!({ "portal": "second", "id": "order-1" })).await;
    assert!(elsewhere != of_eve && elsewhere.starts_with("u."), "{elsewhere}");
    let room = made(&eve, json!({ "id": "order-1", "kind": "private" })).await;
    assert!(room != of_eve && room != elsewhere, "rooms and sessions are named apart");

    // Eve is not in the way of a session that is yet to be.
    let later = opened(&eve, json!({ "portal": "desk", "id": "order-2" })).await;
    assert_ne!(later, "order-2");
    desk.session("order-2", "ana").await;
    assert_eq!(eve.calls("session", json!({ "room": "order-2" })).await["error"]["code"], 102);

    // What is handed out belongs to who has it, for customers and for the backend.
    let default = opened(&ana, json!({ "portal": "desk" })).await;
    assert_eq!(opened(&ana, json!({ "portal": "desk", "id": default })).await, default);
    let of_ana = opened(&ana, json!({ "portal": "desk", "id": "mine" })).await;
    let told = async |id: &str| eve.calls("open_session", json!({ "portal": "desk", "id": id })).await["error"].clone();
    let (nothing, theirs) = (told("u.00").await, told(&of_ana).await);
    assert_eq!((&nothing["code"], &theirs), (&json!(107), &nothing));
    let of_default = (told("session.00").await, told(&default).await);
    assert_eq!((&of_default.0["code"], &of_default.1), (&json!(107), &of_default.0));
    let backend = async |id: &str, customer: &str| {
        let new = json!({ "portal": "desk", "customer": customer, "id": id });
        desk.api("POST", "/v1/sessions", &new).await.status
    };
    for (id, customer, status) in [
        (&*of_ana, "ana", 200),
        (&of_ana, "eve", 409),
        (&default, "ana", 200),
        ("u.00", "ana", 422),
        ("session.00", "ana", 422),
        ("direct.00", "ana", 422),
        ("order-1", "eve", 409),
    ] {
        assert_eq!(backend(id, customer).await, status, "{id} of {customer}");
    }

    // A closed one is opened again by its name; a customer who was removed hears nothing of it.
    ana.calls("close_session", json!({ "room": of_ana })).await;
    let again = ana.calls("open_session", json!({ "portal": "desk", "id": "mine" })).await;
    assert_eq!((&again["rpc"]["data"]["id"], &again["rpc"]["data"]["state"]), (&json!(of_ana), &json!("open")));
    assert_eq!(desk.api("DELETE", &format!("/v1/rooms/{of_ana}/members/ana"), &Value::Null).await.status, 200);
    let gone = ana.calls("open_session", json!({ "portal": "desk", "id": "mine" })).await;
    assert_eq!(gone["error"]["code"], 102, "{gone}");
}

#[tokio::test]
async fn the_making_of_rooms_may_be_left_to_the_backend() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--client-rooms", "false"]).await;
    let ana = cluster.person("ana", 0).await;
    for wish in [
        json!({ "id": "mine", "kind": "private" }),
        json!({ "kind": "open" }),
        json!({ "kind": "direct", "with": "ben" }),
    ] {
        let answer = ana.calls("create_room", wish).await;
        assert_eq!(answer["error"]["code"], 103, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("backend"), "{answer}");
    }
    let pair = json!({ "kind": "direct", "members": [{ "user": "ana" }, { "user": "ben" }] });
    let direct = cluster.api("POST", "/v1/rooms", &pair).await.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(made(&ana, json!({ "kind": "direct", "with": "ben" })).await, direct, "what is there is found");
}

#[tokio::test]
async fn who_looks_like_another_or_like_the_server_is_refused_at_every_way_in() {
    let desk = Desk::with(json!({})).await;
    desk.server.room("general", "private", &["ana"]).await;
    let ana = desk.server.person("ana", 0).await;
    for name in [
        "hubbub:api",
        "portal:desk/eve",
        "PORTAL:desk/eve",
        "\u{ff48}ubbub:x",
        "\u{ff30}\u{ff4f}rtal\u{ff1a}x",
        "por\u{200d}tal:desk",
        "an\u{2060}a",
        "ana\u{180e}",
        "\u{2067}ana\u{2069}",
        "hubbub\u{a789}api",
        "..",
        "a\u{85}b",
    ] {
        let refused = async |method: &str, data: Value| {
            let answer = ana.calls(method, data).await;
            assert_eq!(answer["error"]["code"], 107, "{name:?} in {method}: {answer}");
        };
        refused("create_room", json!({ "kind": "direct", "with": name })).await;
        refused("create_room", json!({ "kind": "private", "members": ["ben", name] })).await;
        let escaped: String = name.bytes().map(|b| format!("%{b:02X}")).collect();
        for (verb, path, body) in [
            ("POST", "/v1/rooms".to_owned(), json!({ "id": "r", "kind": "open", "members": [{ "user": name }] })),
            ("POST", "/v1/rooms".into(), json!({ "kind": "direct", "members": [{ "user": "ana" }, { "user": name }] })),
            ("PUT", "/v1/rooms/general/members".into(), json!({ "members": [{ "user": name, "role": "admin" }] })),
            ("PUT", format!("/v1/rooms/general/members/{escaped}"), json!({ "role": "member" })),
            ("POST", "/v1/rooms/general/messages".into(), json!({ "from": name, "text": "hi" })),
            ("PUT", format!("/v1/users/{escaped}"), json!({ "info": {} })),
            ("GET", format!("/v1/users/{escaped}"), Value::Null),
            ("GET", format!("/v1/users/{escaped}/rooms"), Value::Null),
            ("POST", format!("/v1/users/{escaped}/notify"), json!({ "event": 1 })),
            ("POST", format!("/v1/users/{escaped}/disconnect"), Value::Null),
            ("POST", "/v1/sessions".into(), json!({ "portal": "desk", "customer": name })),
            ("POST", "/v1/sessions".into(), json!({ "portal": "desk", "customer": "ana", "members": [name] })),
            ("GET", format!("/v1/sessions?customer={escaped}"), Value::Null),
        ] {
            let answer = desk.api(verb, &path, &body).await;
            assert_eq!(answer.status, 422, "{name:?} in {verb} {path}: {}", answer.text);
        }
        // A token in its name is none.
        let claims = json!({ "sub": name });
        let key = jsonwebtoken::EncodingKey::from_secret(crate::cluster::SECRET.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("a token");
        let mut wire = Wire::open(desk.server.at(0), None).await.unwrap();
        wire.say(json!({ "id": 1, "connect": { "token": token } }).to_string()).await;
        assert_eq!(wire.closed().await.0, 3500, "{name:?}");
    }
    // An agent is shown as what can be seen of its name.
    desk.session("s1", "ana").await;
    let agent = "\u{202e}A\u{200b}da";
    assert_eq!(desk.answers("e1", &json!({ "sessionId": "s1", "message": "hi", "agent": agent })).await.0, 200);
    assert_eq!(desk.log("s1").await, [("portal:desk/Ada".to_owned(), "hi".to_owned())]);
}
