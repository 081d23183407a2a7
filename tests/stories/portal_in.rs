//! Webhooks of portals: what is taken, what is refused and with which words, and that nothing is stored twice.

use crate::{
    desk::Desk,
    http,
    person::Person,
    support::portal::{self, sign, unix_now},
};
use serde_json::{Value, json};

const JSON: &str = "content-type: application/json\r\n";

fn signed(secret: &str, id: &str, at: i64, body: &str) -> String {
    let signature = sign(secret, id, at, body);
    format!("{JSON}webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\n")
}

/// A counter of the portal's webhooks.
async fn counted(desk: &Desk, outcome: &str) -> u64 {
    desk.server.instances[0]
        .counter(&format!("hubbub_portal_hooks_total{{portal=\"desk\",outcome=\"{outcome}\"}}"))
        .await
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_words_counted_and_not_stored() {
    let desk = Desk::with(json!({})).await;
    desk.session("s1", "ana").await;
    let body = json!({ "sessionId": "s1", "message": "hi" }).to_string();
    let now = unix_now();
    let refused = async |headers: String, body: &str, status: u16, words: &str| {
        let (answered, text) = desk.posts(&headers, body).await;
        assert!(answered == status && text.contains(words), "{status} {words}: {answered} {text}");
        assert!(!text.contains(&desk.incoming), "a secret in an answer");
    };
    // Whoever it is.
    refused(JSON.into(), &body, 401, "webhook-id").await;
    refused(format!("{JSON}webhook-id: a\r\nwebhook-timestamp: {now}\r\n"), &body, 401, "webhook-signature").await;
    let wrong = format!("whsec_{}", "A".repeat(43) + "=");
    refused(signed(&wrong, "a", now, &body), &body, 401, "does not match").await;
    refused(signed(&desk.incoming, "a", now, "{}"), &body, 401, "does not match").await;
    refused(signed(&desk.incoming, "a", now - 301, &body), &body, 401, "timestamp").await;
    refused(signed(&desk.incoming, "a", now + 302, &body), &body, 401, "timestamp").await;
    assert_eq!(counted(&desk, "unverified").await, 6);
    // Whatever it says.
    let said = async |body: &str, status: u16, words: &str| {
        refused(signed(&desk.incoming, "b", unix_now(), body), body, status, words).await;
    };
    said("{\"sessionId\":", 400, "JSON").await;
    said(&format!("{}1{}", "[".repeat(70), "]".repeat(70)), 400, "64").await;
    said(r#"{"sessionId":"s1"}"#, 422, "/message").await;
    said(r#"{"message":"hi"}"#, 422, "/sessionId").await;
    said(r#"{"sessionId":["s1"],"message":"hi"}"#, 422, "/sessionId").await;
    said(&json!({ "sessionId": "s1", "message": "x".repeat(8_193) }).to_string(), 422, "8192").await;
    said("{\"sessionId\":\"s1\",\"message\":\"\\u0000\"}", 422, "/message").await;
    let form = signed(&desk.incoming, "c", unix_now(), &body).replace("application/json", "text/html");
    refused(form, &body, 415, "content type").await;
    assert_eq!(counted(&desk, "unmapped").await, 8);
    let long = "x".repeat(262_145);
    refused(signed(&desk.incoming, "d", unix_now(), &long), &long, 413, "262144").await;
    assert_eq!(counted(&desk, "too_large").await, 1);
    let (status, text) = portal::post(desk.server.at(0), "/hooks/nobody", JSON, &body).await.expect("an answer");
    assert!(status == 404 && text.contains("unknown_portal"), "{status} {text}");
    let (status, answer) = desk.answers("e", &json!({ "sessionId": "s2", "message": "hi" })).await;
    assert!(status == 404 && answer["code"] == "unknown_session", "{status} {answer}");
    assert_eq!(counted(&desk, "unknown_session").await, 1);
    assert!(desk.log("s1").await.is_empty(), "something was stored");
    // And the good one.
    refused(signed(&desk.incoming, "f", unix_now(), &body), &body, 200, "\"seq\":3").await;
    assert_eq!(counted(&desk, "stored").await, 1);
}

#[tokio::test]
async fn a_repeat_is_told_by_its_id_and_gets_the_first_answer_whatever_it_says() {
    let desk = Desk::with(json!({})).await;
    desk.session("s1", "ana").await;
    let says = |text: &str| json!({ "sessionId": "s1", "message": text, "agent": "Ada" });
    // Byte by byte.
    let posts = async |id: &str, body: &Value| {
        let body = body.to_string();
        desk.posts(&signed(&desk.incoming, id, unix_now(), &body), &body).await
    };
    let first = posts("one", &says("ok")).await;
    assert_eq!(first.0, 200, "{}", first.1);
    assert_eq!(posts("one", &says("ok")).await, first);
    assert_eq!(posts("one", &says("something else")).await, first);
    let other = json!({ "sessionId": "s1", "message": "hm", "agent": "Bob", "messageId": "m-1" });
    let by_message = posts("two", &other).await;
    assert_eq!(posts("three", &other).await, by_message, "the message's id comes before the webhook's");
    let agent = |name: &str, text: &str| (format!("portal:desk/{name}"), text.to_owned());
    assert_eq!(desk.log("s1").await, [agent("Ada", "ok"), agent("Bob", "hm")]);
}

/// What the native contract without ids can double, and what it must not lose: an honest second "ok".
#[tokio::test]
async fn two_equal_texts_without_an_id_are_two_messages() {
    let desk = Desk::with(json!({ "verify": { "scheme": "bearer" } })).await;
    desk.session("s1", "ana").await;
    let body = json!({ "sessionId": "s1", "message": "ok" }).to_string();
    let bearer = format!("{JSON}authorization: Bearer {}\r\n", desk.incoming);
    for _ in 0..2 {
        assert_eq!(desk.posts(&bearer, &body).await.0, 200);
    }
    assert_eq!(desk.log("s1").await.len(), 2);
    // With an id of any kind they are one.
    for _ in 0..2 {
        assert_eq!(desk.posts(&format!("{bearer}Idempotency-Key: k-1\r\n"), &body).await.0, 200);
    }
    assert_eq!(desk.log("s1").await.len(), 3);
}

#[tokio::test]
async fn what_names_no_known_session_waits_in_quarantine_for_an_operator() {
    let desk = Desk::with(json!({
        "unknown_session": "quarantine",
        "mapping": { "external": "/conversation", "text": "/text", "message_id": "/id" },
    }))
    .await;
    desk.session("s1", "ana").await;
    let event = json!({ "conversation": 77, "text": "is it you?", "id": 1 });
    for _ in 0..2 {
        let (status, answer) = desk.answers("a", &event).await;
        assert!(status == 202 && answer["quarantined"] == 1, "{status} {answer}");
    }
    let kept = desk.api("GET", "/v1/portals/desk/quarantine", &Value::Null).await.json();
    let kept = kept["items"].as_array().expect("items");
    assert!(kept.len() == 1 && kept[0]["external"] == "77" && kept[0]["text"] == "is it you?", "{kept:?}");
    let path = format!("/v1/portals/desk/quarantine/{}/replay", kept[0]["number"]);
    assert_eq!(desk.api("POST", &path, &json!({})).await.status, 404, "it is still not known");
    let released = desk.api("POST", &path, &json!({ "session": "s1" })).await;
    assert!(released.status == 200 && released.json()["seq"] == 3, "{}", released.text);
    assert_eq!(desk.api("POST", &path, &json!({ "session": "s1" })).await.status, 404, "it is gone from there");
    // The portal's repeat is recognised, and its conversation known by now.
    assert_eq!(desk.answers("a", &event).await.0, 200);
    let next = json!({ "conversation": 77, "text": "good", "id": 2 });
    assert_eq!(desk.answers("b", &next).await.0, 200);
    let texts: Vec<_> = desk.log("s1").await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["is it you?", "good"]);
}

/// Several messages in one webhook share its id; each is a message of its own, and all are recognised.
#[tokio::test]
async fn one_webhook_may_bring_several_messages_in_their_order() {
    let desk = Desk::with(json!({ "mapping": { "each": "/events", "session": "/s", "text": "/t" } })).await;
    desk.session("s1", "ana").await;
    let events = json!({ "events": [{ "s": "s1", "t": "one" }, { "s": "s1", "t": "one" }, { "s": "s1", "t": "two" }] });
    let first = desk.answers("a", &events).await;
    assert!(first.0 == 200 && first.1["messages"].as_array().map(Vec::len) == Some(3), "{}", first.1);
    assert_eq!(desk.answers("a", &events).await, first);
    let texts: Vec<_> = desk.log("s1").await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["one", "one", "two"]);
}

#[tokio::test]
async fn an_answer_opens_a_closed_session_and_reaches_a_customer_who_was_away() {
    let desk = Desk::with(json!({})).await;
    let ana = Person::new("ana", desk.server.at(0));
    ana.is_connected().await;
    let opened = ana.calls("open_session", json!({ "portal": "desk" })).await;
    let id = opened["rpc"]["data"]["id"].as_str().expect("an id").to_owned();
    let again = ana.calls("open_session", json!({ "portal": "desk" })).await;
    assert_eq!(again["rpc"]["data"]["id"], id.as_str(), "one session of a customer with a portal");
    let eve = Person::new("eve", desk.server.at(0));
    eve.is_connected().await;
    let taken = eve.calls("open_session", json!({ "portal": "desk", "id": id })).await;
    let nothing = eve.calls("open_session", json!({ "portal": "desk", "id": "session.0" })).await;
    assert_eq!(
        (&taken["error"], &taken["error"]["code"]),
        (&nothing["error"], &json!(107)),
        "whether it is there or not"
    );
    assert_eq!(eve.calls("session", json!({ "room": id })).await["error"]["code"], 102);

    ana.follows(&id).await;
    ana.says(&id, "hello").await;
    let closed = ana.calls("close_session", json!({ "room": id })).await;
    assert_eq!(closed["rpc"]["data"]["state"], "closed", "{closed}");
    let refused = ana.calls("send", json!({ "room": id, "text": "one more thing", "key": "k" })).await;
    assert_eq!(refused["error"]["code"], 410, "{refused}");
    ana.loses_connection().await;
    let body = json!({ "sessionId": id, "message": "done", "agent": "Ada" });
    assert_eq!(desk.answers("a", &body).await.0, 200);
    ana.hears(&id, "done").await;
    ana.says_with_key(&id, "one more thing", "k").await;
    let log = desk.server.verify(&id, &[&ana]).await;
    let kinds: Vec<_> = log.iter().map(|entry| entry["type"].as_str().expect("a type")).collect();
    assert_eq!(kinds, ["joined", "opened", "message", "closed", "opened", "message", "message"]);
}

#[tokio::test]
async fn both_secrets_are_good_while_one_is_replaced() {
    let desk = Desk::with(json!({})).await;
    desk.session("s1", "ana").await;
    let rotated = json!({ "direction": "incoming", "keep_seconds": 3_600 });
    let new = desk.api("POST", "/v1/portals/desk/secrets", &rotated).await.json();
    let new = new["incoming_secret"].as_str().expect("a secret").to_owned();
    let body = json!({ "sessionId": "s1", "message": "hi" }).to_string();
    let to = desk.server.at(0);
    for (n, secret) in [&desk.incoming, &new].into_iter().enumerate() {
        // Instances read settings anew every two seconds.
        let began = std::time::Instant::now();
        while portal::call(to, "desk", secret, &format!("n{n}"), &body).await.expect("an answer").0 != 200 {
            assert!(began.elapsed() < crate::wire::DEADLINE, "the secret {n} is not taken");
            crate::cluster::breathe().await;
        }
    }
    // Without a time to live together the old one ends at once.
    let rotated = json!({ "direction": "incoming", "keep_seconds": 0 });
    assert_eq!(desk.api("POST", "/v1/portals/desk/secrets", &rotated).await.status, 200);
    let began = std::time::Instant::now();
    while portal::call(to, "desk", &new, "n9", &body).await.expect("an answer").0 != 401 {
        assert!(began.elapsed() < crate::wire::DEADLINE, "the old secret is still taken");
        crate::cluster::breathe().await;
    }
}

#[tokio::test]
async fn a_portal_that_can_send_neither_signature_nor_header_has_a_path_of_its_own() {
    let desk = Desk::with(json!({ "verify": { "scheme": "path" }, "mapping": {
        "session": "/ref", "html": "/parts/*/html", "format": "json", "agent": "/by",
    } }))
    .await;
    desk.session("s1", "ana").await;
    let body = json!({ "ref": "s1", "by": "Ada", "parts": [{ "html": "<p>Hello &amp; welcome</p>" }, { "html": "<b>bye</b>" }] });
    let to = desk.server.at(0);
    let path = format!("/hooks/desk/{}", desk.incoming);
    let (status, text) = portal::post(to, &path, JSON, &body.to_string()).await.expect("an answer");
    assert_eq!(status, 200, "{text}");
    for wrong in ["/hooks/desk", "/hooks/desk/guess"] {
        assert_eq!(portal::post(to, wrong, JSON, &body.to_string()).await.expect("an answer").0, 401);
    }
    assert_eq!(desk.log("s1").await, [("portal:desk/Ada".to_owned(), "Hello & welcome\nbye".to_owned())]);
    let shown = desk.api("GET", "/v1/portals/desk", &Value::Null).await.text;
    assert!(!shown.contains(&desk.incoming), "the secret is shown");
}

/// What a portal may send in a second, and that nobody else uses it up.
#[tokio::test]
async fn a_portal_that_sends_too_much_is_told_when_to_send_it_again() {
    let desk = Desk::with_flags(json!({}), &["--hooks-per-second", "5"]).await;
    desk.session("s1", "ana").await;
    let now = unix_now();
    let body = |n: usize| json!({ "sessionId": "s1", "message": format!("hi {n}") }).to_string();
    let posts = async |n: usize, secret: &str| {
        let body = body(n);
        let headers = signed(secret, &format!("h{n}"), now, &body);
        let headers: Vec<_> = headers.lines().filter_map(|line| line.split_once(": ")).collect();
        http::ask(desk.server.at(0), "POST", "/hooks/desk", &headers, &body).await.expect("an answer")
    };
    // Whoever does not know the secret takes nothing of it: there is room for 50 at once.
    let wrong = format!("whsec_{}", "A".repeat(43) + "=");
    for n in 0..60 {
        assert_eq!(posts(n, &wrong).await.status, 401);
    }
    let mut refused = Vec::new();
    let mut sent = 0;
    while refused.is_empty() {
        assert!(sent < 5_000, "nothing is too much");
        let posts = &posts;
        let incoming = &desk.incoming;
        let some = (sent..sent + 20).map(|n| async move { (n, posts(n, incoming).await) });
        let some = futures_util::future::join_all(some).await;
        sent += 20;
        refused.extend(some.into_iter().filter(|(_, answer)| answer.status != 200));
    }
    let (n, answer) = &refused[0];
    assert_eq!(answer.status, 429, "{}", answer.text);
    assert!(
        answer.text.contains("too_many_hooks") && answer.text.contains("more than 5 webhooks a second"),
        "{}",
        answer.text
    );
    let headers = answer.headers.to_ascii_lowercase();
    let later = headers.lines().find_map(|line| line.strip_prefix("retry-after:")?.trim().parse::<u64>().ok());
    let later = later.expect("when to come again");
    assert!((1..=10).contains(&later), "{later}");
    assert!(counted(&desk, "throttled").await >= 1);
    // It comes again until it is taken, as portals do, and is there once.
    let asked = std::time::Instant::now();
    while posts(*n, &desk.incoming).await.status != 200 {
        assert!(asked.elapsed() < crate::wire::DEADLINE, "it is not taken any more");
        crate::cluster::breathe().await;
    }
    assert_eq!(desk.log("s1").await.iter().filter(|(_, text)| *text == format!("hi {n}")).count(), 1);
}
