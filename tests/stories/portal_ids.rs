//! A portal's ids of conversations: they change, two sessions share one, and a bot answers before we know any. Who left comes back.

use crate::{
    cluster::{Cluster, breathe},
    desk::{Desk, make},
    person::Person,
    support::portal::{self, Mood, Portal},
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long a portal waits for the answer to its webhook.
const PATIENCE: Duration = Duration::from_secs(2);

fn learning() -> Value {
    json!({
        "answer_external": "/conversation/id",
        "mapping": { "session": "/s", "external": "/conversation", "text": "/text", "message_id": "/id", "agent": "/by" },
    })
}

/// The portal has sessions of its own accord, and calls our sessions by what is said here.
async fn with(more: Value) -> Desk {
    let mut settings = learning();
    more.as_object().expect("settings").iter().for_each(|(name, value)| settings[name] = value.clone());
    // A webhook names our session, or the conversation alone.
    settings["mapping"]["external"] = "/conversation?".into();
    Desk::with(settings).await
}

/// A webhook that names only the conversation; its status.
async fn names(to: SocketAddr, secret: &str, conversation: &str, text: &str) -> u16 {
    let body = json!({ "s": null, "conversation": conversation, "text": text, "id": text, "by": "Bot" }).to_string();
    let began = Instant::now();
    let (status, answer) = portal::call(to, "desk", secret, text, &body).await.expect("an answer");
    assert!(began.elapsed() < PATIENCE, "it was answered after {:?}: {answer}", began.elapsed());
    status
}

impl Desk {
    async fn names(&self, conversation: &str, text: &str) -> u16 {
        names(self.server.at(0), &self.incoming, conversation, text).await
    }
}

/// Waits until this was said by the portal in a session, and nothing else.
async fn says(server: &Cluster, instance: usize, session: &str, texts: &[&str]) {
    let (began, path) = (Instant::now(), format!("/v1/rooms/{session}/messages?limit=1000"));
    loop {
        let page = server.instances[instance].api("GET", &path, &Value::Null).await.json();
        let said = page["entries"].as_array().expect("entries").iter();
        let said = said.filter(|entry| entry["from"].as_str().is_some_and(|from| from.starts_with("portal:")));
        let said: Vec<String> = said.filter_map(|entry| Some(entry["text"].as_str()?.to_owned())).collect();
        if said == texts {
            return;
        }
        assert!(said.len() <= texts.len() && began.elapsed() < 20 * DEADLINE, "{session}: {said:?}, not {texts:?}");
        breathe().await;
    }
}

#[tokio::test]
async fn a_conversation_gets_another_id_and_is_found_by_both() {
    let desk = with(json!({})).await;
    desk.session("s1", "ana").await;
    for (n, conversation) in ["conv-1", "conv-2", "77", "conv-1"].into_iter().enumerate() {
        desk.portal.calls("s1", conversation);
        desk.says("s1", "ana", &format!("{n}")).await;
        desk.session_is("s1", conversation, |seen| seen["external"] == conversation).await;
    }
    desk.says("s1", "ana", "and").await;
    desk.takes("s1", &["0", "1", "2", "3", "and"]).await;
    let went: Vec<Value> = desk.portal.taken("s1").iter().map(|one| one.json()["data"]["externalId"].clone()).collect();
    assert_eq!(went, [Value::Null, json!("conv-1"), json!("conv-2"), json!("77"), json!("conv-1")]);
    for (n, conversation) in ["conv-2", "conv-1", "77"].into_iter().enumerate() {
        assert_eq!(desk.names(conversation, &format!("from {n}")).await, 200);
    }
    says(&desk.server, 0, "s1", &["from 0", "from 1", "from 2"]).await;
    // What an agent says in an old one changes nothing.
    assert_eq!(
        desk.answers("x", &json!({ "s": "s1", "conversation": "conv-2", "text": "hm", "id": "x" })).await.0,
        200
    );
    let seen = desk.session_is("s1", "as it was", |seen| seen["external"] == "conv-1").await;
    assert_eq!(seen["external_before"], json!(["77", "conv-2"]));
    assert_eq!(desk.names("conv-9", "nobody").await, 404, "nothing is on its way that might tell it");
}

#[tokio::test]
async fn the_backend_is_told_what_became_of_the_id_that_it_names() {
    let desk = with(json!({})).await;
    let open = async |id: &str, external: Value| {
        let new = json!({ "id": id, "portal": "desk", "customer": "ana", "external": external });
        let opened = desk.api("POST", "/v1/sessions", &new).await;
        (opened.status, opened.json())
    };
    let told = |answer: &(u16, Value)| (answer.0, answer.1["external_outcome"].clone(), answer.1["external"].clone());
    assert_eq!(told(&open("s1", Value::Null).await), (201, Value::Null, Value::Null));
    assert_eq!(told(&open("s1", json!("c-1")).await), (200, json!("changed"), json!("c-1")));
    assert_eq!(told(&open("s1", json!("c-1")).await), (200, json!("kept"), json!("c-1")));
    assert_eq!(told(&open("s1", json!("c-2")).await), (200, json!("changed"), json!("c-2")));
    assert_eq!(told(&open("s1", Value::Null).await), (200, Value::Null, json!("c-2")));
    assert_eq!(told(&open("s2", json!("c-3")).await), (201, json!("kept"), json!("c-3")));
    let shared = open("s3", json!("c-2")).await;
    assert_eq!(told(&shared), (201, json!("conflict"), json!("c-2")));
    assert_eq!(shared.1["external_shared_with"], json!(["s1"]));
    assert_eq!(told(&open("s2", json!("c-2")).await), (200, json!("conflict"), json!("c-2")));
    let listed = desk.api("GET", "/v1/sessions?shared=true", &Value::Null).await.json();
    let ids: Vec<_> = listed["items"].as_array().expect("items").iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, ["s1", "s2", "s3"]);
    assert_eq!(desk.names("c-1", "to the first").await, 200);
    says(&desk.server, 0, "s1", &["to the first"]).await;
    // Where it is refused nothing is done.
    let mut settings = desk.api("GET", "/v1/portals/desk", &Value::Null).await.json()["settings"].take();
    settings["external_conflict"] = "refuse".into();
    assert_eq!(desk.api("PUT", "/v1/portals/desk", &settings).await.status, 200);
    desk.is_known().await;
    let closed = desk.api("PUT", "/v1/sessions/s2/state", &json!({ "state": "closed" })).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
    for id in ["s2", "s4"] {
        let refused = open(id, json!("c-2")).await;
        assert_eq!((refused.0, &refused.1["code"]), (409, &json!("external_taken")), "{}", refused.1);
    }
    assert_eq!(desk.api("GET", "/v1/sessions/s2", &Value::Null).await.json()["state"], "closed");
}

/// Two orders of one customer, whom the portal knows by one contact.
#[tokio::test]
async fn an_id_of_two_sessions_is_seen_and_means_one_by_the_rule() {
    for rule in ["newest", "refuse", "quarantine"] {
        let desk = with(json!({ "external_conflict": rule })).await;
        for order in ["order-1", "order-2"] {
            desk.session(order, "ana").await;
            desk.portal.calls(order, "contact-7");
            desk.says(order, "ana", order).await;
            desk.session_is(order, "called so", |seen| seen["external"] == "contact-7").await;
        }
        let count = async |outcome: &str| {
            let name = format!("hubbub_portal_external_conflicts_total{{portal=\"desk\",outcome=\"{outcome}\"}}");
            desk.server.instances[0].counter(&name).await
        };
        let began = Instant::now();
        while count("told").await != 1 {
            assert!(began.elapsed() < DEADLINE, "it is not seen");
            breathe().await;
        }
        let (status, outcome) = match rule {
            "newest" => (200, "delivered"),
            "refuse" => (409, "refused"),
            _ => (202, "quarantined"),
        };
        assert_eq!(desk.names("contact-7", "about order 2").await, status, "{rule}");
        assert_eq!(count(outcome).await, 1);
        match rule {
            "newest" => {
                says(&desk.server, 0, "order-2", &["about order 2"]).await;
                let closed = json!({ "state": "closed" });
                assert_eq!(desk.api("PUT", "/v1/sessions/order-2/state", &closed).await.status, 200);
                assert_eq!(desk.names("contact-7", "about order 1").await, 200);
                says(&desk.server, 0, "order-1", &["about order 1"]).await;
            }
            "refuse" => says(&desk.server, 0, "order-2", &[]).await,
            _ => {
                let kept = desk.api("GET", "/v1/portals/desk/quarantine", &Value::Null).await.json();
                assert_eq!(kept["items"][0]["awaits"], false, "{kept}");
                let path = format!("/v1/portals/desk/quarantine/{}/replay", kept["items"][0]["number"]);
                assert_eq!(desk.api("POST", &path, &json!({ "session": "order-2" })).await.status, 200);
                says(&desk.server, 0, "order-2", &["about order 2"]).await;
            }
        }
        // Who names our session is understood anyway.
        let named = json!({ "s": "order-1", "conversation": "contact-7", "text": "hi", "id": "n" });
        assert_eq!(desk.answers("n", &named).await.0, 200, "{rule}");
    }
}

/// It answers our POST only once its own webhooks were answered.
#[tokio::test]
async fn a_bot_that_answers_inside_our_post_is_heard_in_order() {
    let desk = with(json!({})).await;
    desk.session("s1", "ana").await;
    let ana: Person = desk.server.person("ana", 0).await;
    ana.follows("s1").await;
    assert_eq!(desk.names("conv-s1", "before anything").await, 404);
    for (round, conversation) in ["conv-s1", "conv-2"].into_iter().enumerate() {
        desk.portal.is(Mood::Held);
        desk.portal.calls("s1", conversation);
        ana.says("s1", &format!("hello {round}")).await;
        let began = Instant::now();
        while desk.portal.held() == 0 {
            assert!(began.elapsed() < DEADLINE, "it is not called");
            breathe().await;
        }
        let texts: Vec<String> = (0..20).map(|n| format!("{round}-{n}")).collect();
        for text in &texts {
            assert_eq!(desk.names(conversation, text).await, 202);
        }
        assert_eq!(desk.names(conversation, &texts[3]).await, 202, "a repeat");
        let kept = desk.api("GET", "/v1/portals/desk/quarantine", &Value::Null).await.json();
        let kept = kept["items"].as_array().expect("items");
        assert!(kept.len() == 20 && kept[0]["awaits"] == true && kept[0]["until"].is_string(), "{kept:?}");
        desk.portal.is(Mood::Well);
        // What comes now comes behind them, by whichever name.
        let last = format!("{round}-last");
        let (status, answer) = desk.answers(&last, &json!({ "s": "s1", "text": last, "id": last })).await;
        assert!(status == 200 || status == 202, "{status} {answer}");
        ana.hears("s1", &texts[19]).await;
    }
    let log = desk.server.verify("s1", &[&ana]).await;
    let of_portal = |entry: &&Value| entry["from"].as_str().is_some_and(|from| from.starts_with("portal:"));
    let said: Vec<&str> = log.iter().filter(of_portal).filter_map(|entry| entry["text"].as_str()).collect();
    let in_order = |round: usize| {
        let of_round = said.iter().filter(|text| text.starts_with(&format!("{round}-")) && !text.ends_with("last"));
        of_round.map(|text| (*text).to_owned()).collect::<Vec<_>>()
    };
    for round in [0, 1] {
        assert_eq!(in_order(round), (0..20).map(|n| format!("{round}-{n}")).collect::<Vec<_>>(), "{said:?}");
    }
    assert_eq!(desk.names("conv-2", "and on").await, 200);
    let kept = desk.api("GET", "/v1/portals/desk/quarantine", &Value::Null).await.json();
    assert_eq!(kept["items"], json!([]));
}

/// The instance that POSTs is killed before it has the answer; the webhooks came to the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_bot_is_heard_though_the_instance_that_called_it_was_killed() {
    let mut cluster = Cluster::of_with(2, &["--portal-allow", "127.0.0.1"]).await;
    let portal = Portal::start().await;
    let mut settings = learning();
    settings["mapping"]["external"] = "/conversation?".into();
    let made = make(&cluster, "desk", &portal, settings).await;
    let secret = made["incoming_secret"].as_str().expect("a secret").to_owned();
    for n in 0..6 {
        let new = json!({ "id": format!("s{n}"), "portal": "desk", "customer": "ana" });
        assert_eq!(cluster.api("POST", "/v1/sessions", &new).await.status, 201);
    }
    portal.is(Mood::Held);
    for n in 0..6 {
        let said = json!({ "from": "ana", "text": "hello" });
        let path = format!("/v1/rooms/s{n}/messages");
        assert_eq!(cluster.instances[n % 2].api("POST", &path, &said).await.status, 201);
    }
    let began = Instant::now();
    while portal.held() < 6 {
        assert!(began.elapsed() < DEADLINE, "not all are called");
        breathe().await;
    }
    let texts = |n: usize| -> Vec<String> { (0..5).map(|k| format!("{n}-{k}")).collect() };
    for n in 0..6 {
        for (k, text) in texts(n).iter().enumerate() {
            assert_eq!(names(cluster.at(k % 2), &secret, &format!("conv-s{n}"), text).await, 202);
        }
    }
    cluster.kill(0);
    portal.is(Mood::Well);
    for n in 0..6 {
        let texts = texts(n);
        says(&cluster, 1, &format!("s{n}"), &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    println!("all were heard {:.1?} after the kill", began.elapsed());
}

#[tokio::test]
async fn a_customer_who_left_is_let_in_again_and_one_who_was_removed_is_not() {
    let desk = with(json!({})).await;
    desk.session("order-1", "ana").await;
    let ana = desk.server.person("ana", 0).await;
    let default = ana.calls("open_session", json!({ "portal": "desk" })).await["rpc"]["data"]["id"].clone();
    let named =
        ana.calls("open_session", json!({ "portal": "desk", "id": "my-order" })).await["rpc"]["data"]["id"].clone();
    for (ask, id) in [
        (json!({ "portal": "desk" }), default.clone()),
        (json!({ "portal": "desk", "id": "my-order" }), named.clone()),
        (json!({ "portal": "desk", "id": named }), named.clone()),
        (json!({ "portal": "desk", "id": "order-1" }), json!("order-1")),
    ] {
        let room = id.as_str().expect("an id");
        for round in 0..2 {
            let left = ana.calls("leave", json!({ "room": room })).await;
            assert!(left["error"].is_null(), "{left}");
            assert_eq!(ana.calls("session", json!({ "room": room })).await["error"]["code"], 102);
            if round == 1 {
                // It was closed while she was away.
                desk.api("PUT", &format!("/v1/sessions/{room}/state"), &json!({ "state": "closed" })).await;
            }
            let opened = ana.calls("open_session", ask.clone()).await["rpc"]["data"].clone();
            assert_eq!((&opened["id"], &opened["state"]), (&id, &json!("open")), "{ask}");
            ana.says_with_key(room, "I am back", &format!("back-{round}")).await;
        }
        ana.follows(room).await;
        // By way of the backend.
        ana.calls("leave", json!({ "room": room })).await;
        let new = json!({ "id": room, "portal": "desk", "customer": "ana" });
        let rejoined = desk.api("POST", "/v1/sessions", &new).await.json();
        assert_eq!(rejoined["customer_is"], "rejoined", "{rejoined}");
        assert_eq!(ana.calls("session", json!({ "room": room })).await["rpc"]["data"]["id"], id);
        assert_eq!(desk.api("POST", "/v1/sessions", &new).await.json()["customer_is"], "member");
        // Somebody else's will.
        let removed = desk.api("DELETE", &format!("/v1/rooms/{room}/members/ana"), &Value::Null).await;
        assert!(removed.status < 300, "{}", removed.text);
        let refused = ana.calls("open_session", ask.clone()).await;
        assert!(refused["error"]["code"] == 102 || refused["rpc"]["data"]["id"] != id, "{ask}: {refused}");
        assert_eq!(ana.calls("session", json!({ "room": room })).await["error"]["code"], 102);
        let new = json!({ "id": room, "portal": "desk", "customer": "ana" });
        assert_eq!(desk.api("POST", "/v1/sessions", &new).await.json()["customer_is"], "removed");
        let added = desk.api("PUT", &format!("/v1/rooms/{room}/members/ana"), &json!({ "role": "member" })).await;
        assert!(added.status < 300, "{}", added.text);
        assert_eq!(ana.calls("open_session", ask.clone()).await["rpc"]["data"]["id"], id);
    }
    // Nobody else's session is theirs.
    let eve = desk.server.person("eve", 0).await;
    let others = eve.calls("open_session", json!({ "portal": "desk", "id": "order-1" })).await;
    assert_ne!(others["rpc"]["data"]["id"], "order-1", "{others}");
}

#[tokio::test]
async fn the_portal_is_told_who_wrote() {
    let desk = with(json!({})).await;
    let new = json!({ "id": "s1", "portal": "desk", "customer": "ana", "members": ["faq-bot", "Ana"] });
    assert_eq!(desk.api("POST", "/v1/sessions", &new).await.status, 201);
    for from in ["ana", "faq-bot", "Ana"] {
        desk.says("s1", from, from).await;
    }
    desk.takes("s1", &["ana", "faq-bot", "Ana"]).await;
    let from: Vec<Value> = desk.portal.taken("s1").iter().map(|one| one.json()["data"]["from"].clone()).collect();
    let who = |id: &str, kind: &str| json!({ "id": id, "kind": kind });
    assert_eq!(from, [who("ana", "customer"), who("faq-bot", "member"), who("Ana", "member")]);
}
