//! What one session's answers do to its portal, and what operators do about it.

use crate::{desk::Desk, support::portal::Mood, wire::DEADLINE};
use hubbub_core::{limits, model::time::Timestamp};
use serde_json::{Value, json};
use std::time::Instant;

const QUICK: [f64; 5] = [0.05, 0.05, 0.05, 0.05, 0.05];

async fn steers(desk: &Desk, session: &str, action: &str) -> Value {
    let path = format!("/v1/sessions/{session}/delivery");
    let steered = desk.api("POST", &path, &json!({ "action": action })).await;
    assert_eq!(steered.status, 200, "{}", steered.text);
    steered.json()
}

async fn portal_is(desk: &Desk, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let seen = desk.api("GET", "/v1/portals/desk", &Value::Null).await.json();
        if is(&seen) {
            return seen;
        }
        assert!(began.elapsed() < 4 * DEADLINE, "the portal is not {what}: {seen}");
        crate::cluster::breathe().await;
    }
}

#[tokio::test]
async fn a_410_is_its_sessions_own_affair_while_others_are_taken() {
    let desk = Desk::with(json!({ "retry_seconds": QUICK })).await;
    for (session, customer) in [("s1", "ana"), ("s2", "ben")] {
        desk.session(session, customer).await;
    }
    desk.portal.poisons("gone", 410);
    desk.says("s1", "ana", "gone").await;
    let seen = desk.session_is("s1", "tried", |seen| seen["attempts"][0]["status"] == 410).await;
    let error = seen["attempts"][0]["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("410: the portal wants no more"), "the attempt is recorded: {seen}");
    desk.says("s2", "ben", "hi").await;
    desk.takes("s2", &["hi"]).await;
    // Again and again: nobody else is delayed, and the session goes on behind it.
    let began = Instant::now();
    let mut said = vec!["hi".to_owned()];
    while desk.api("GET", "/v1/sessions/s1", &Value::Null).await.json()["failed"] != json!([3]) {
        assert!(began.elapsed() < 2 * DEADLINE, "it is tried for ever");
        said.push(format!("{}", said.len()));
        desk.says("s2", "ben", said.last().expect("a text")).await;
        desk.takes("s2", &said.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    desk.says("s1", "ana", "back").await;
    desk.takes("s1", &["back"]).await;
    portal_is(&desk, "active", |seen| seen["standing"] == "active" && seen["trouble"].is_null()).await;
}

/// Two conversations were deleted at the portal, and the instance has just begun: it knows of nobody whom the portal serves.
#[tokio::test]
async fn an_instance_that_has_served_nobody_disables_no_portal_because_of_two_sessions() {
    let desk = Desk::with(json!({ "retry_seconds": QUICK })).await;
    for n in 0..6 {
        desk.session(&format!("s{n}"), &format!("c{n}")).await;
    }
    desk.portal.poisons("gone", 410);
    let began = Instant::now();
    for n in [0, 1] {
        desk.says(&format!("s{n}"), &format!("c{n}"), "gone").await;
    }
    let at = |attempt: Option<&Value>| {
        attempt.and_then(|attempt| Timestamp::parse(attempt["at"].as_str()?)).map_or(0, |at| at.0)
    };
    let longer = i64::try_from(limits::GONE_FOR.as_millis()).expect("a number") + 500;
    for session in ["s0", "s1"] {
        loop {
            let seen = desk.api("GET", &format!("/v1/sessions/{session}"), &Value::Null).await.json();
            let attempts = seen["attempts"].as_array().expect("attempts");
            assert!(attempts.iter().all(|attempt| attempt["class"] == "gone"), "{seen}");
            if at(attempts.last()) - at(attempts.first()) > longer {
                break;
            }
            let portal = desk.api("GET", "/v1/portals/desk", &Value::Null).await.json();
            assert_eq!(portal["standing"], "active", "{portal}");
            assert!(began.elapsed() < 8 * DEADLINE, "it is not tried: {seen}");
            crate::cluster::breathe().await;
        }
    }
    portal_is(&desk, "active", |seen| seen["standing"] == "active").await;
    desk.says("s2", "c2", "hi").await;
    desk.takes("s2", &["hi"]).await;
}

#[tokio::test]
async fn a_portal_that_answers_410_to_everybody_is_disabled() {
    let desk = Desk::with(json!({ "retry_seconds": QUICK })).await;
    for session in ["s1", "s2"] {
        desk.session(session, session).await;
        desk.says(session, session, "before").await;
        desk.takes(session, &["before"]).await;
    }
    desk.portal.is(Mood::Status(410, String::new()));
    for session in ["s1", "s2"] {
        desk.says(session, session, "gone?").await;
    }
    portal_is(&desk, "disabled", |seen| seen["standing"] == "disabled").await;
    desk.portal.is(Mood::Well);
    desk.api("POST", "/v1/portals/desk/resume", &Value::Null).await;
    for session in ["s1", "s2"] {
        desk.takes(session, &["before", "gone?"]).await;
    }
}

#[tokio::test]
async fn wrong_credentials_are_seen_at_once_and_cost_no_message() {
    let desk = Desk::with(json!({ "retry_seconds": QUICK })).await;
    let sessions = ["s1", "s2", "s3"];
    for session in sessions {
        desk.session(session, session).await;
    }
    for status in [401, 403] {
        desk.portal.is(Mood::Status(status, String::new()));
        for session in sessions {
            desk.says(session, session, "one").await;
        }
        let seen = portal_is(&desk, "in trouble", |seen| seen["trouble"]["class"] == "credentials").await;
        assert_eq!(seen["standing"], "active", "it is tried on");
        assert_eq!(seen["trouble"]["why"], format!("status {status}"));
        desk.portal.is(Mood::Well);
        portal_is(&desk, "out of trouble", |seen| seen["trouble"].is_null()).await;
    }
    for session in sessions {
        desk.takes(session, &["one", "one"]).await;
        desk.session_is(session, "without failures", |seen| seen["failed"] == json!([])).await;
    }
}

#[tokio::test]
async fn an_operator_skips_retries_and_disables_one_session() {
    let desk = Desk::with(json!({ "retry_seconds": [60] })).await;
    for (session, customer) in [("s1", "ana"), ("s2", "ben")] {
        desk.session(session, customer).await;
    }
    let ana = desk.server.person("ana", 0).await;
    ana.follows("s1").await;
    // Nobody else writes to the portal: it is tried for ever, once a minute.
    desk.portal.poisons("too long", 413);
    let refused = ana.says("s1", "too long").await;
    ana.says("s1", "after").await;
    desk.session_is("s1", "tried", |seen| seen["attempts"][0]["status"] == 413).await;
    let skipped = steers(&desk, "s1", "skip").await;
    assert_eq!(skipped["failed"], json!([refused.seq]));
    ana.is_told_that(json!({ "type": "forward_failed", "room": "s1", "seq": refused.seq })).await;
    desk.takes("s1", &["after"]).await;
    let dead = desk.api("GET", "/v1/portals/desk/dead-letters", &Value::Null).await.json()["items"][0].clone();
    assert_eq!((&dead["why"], &dead["attempts"][0]["status"]), (&json!("an operator skipped it"), &json!(413)));
    let nothing = desk.api("POST", "/v1/sessions/s1/delivery", &json!({ "action": "skip" })).await;
    assert_eq!(nothing.status, 409, "{}", nothing.text);
    // Mended, it need not wait for its minute.
    desk.portal.poisons("odd", 415);
    desk.says("s1", "ana", "odd").await;
    desk.session_is("s1", "tried", |seen| seen["attempts"][0]["status"] == 415).await;
    desk.portal.poisons("odd", 200);
    steers(&desk, "s1", "retry").await;
    desk.takes("s1", &["after", "odd"]).await;
    // One session waits, the other goes on.
    assert_eq!(steers(&desk, "s1", "disable").await["disabled"], true);
    desk.says("s1", "ana", "later").await;
    for text in ["a", "b"] {
        desk.says("s2", "ben", text).await;
    }
    desk.takes("s2", &["a", "b"]).await;
    desk.takes("s1", &["after", "odd"]).await;
    assert_eq!(steers(&desk, "s1", "enable").await["disabled"], false);
    desk.takes("s1", &["after", "odd", "later"]).await;
    for (path, action, status) in [("nobody", "skip", 404), ("s1", "dance", 422)] {
        let answer = desk.api("POST", &format!("/v1/sessions/{path}/delivery"), &json!({ "action": action })).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn alone_with_its_portal_a_message_is_given_up_on_where_the_settings_say_so() {
    let desk = Desk::with(json!({ "retry_seconds": QUICK, "give_up_alone": 3 })).await;
    desk.session("s1", "ana").await;
    desk.portal.poisons("poison", 422);
    for text in ["poison", "after"] {
        desk.says("s1", "ana", text).await;
    }
    desk.takes("s1", &["after"]).await;
    let dead = desk.api("GET", "/v1/portals/desk/dead-letters", &Value::Null).await.json()["items"][0].clone();
    assert_eq!(dead["attempts"].as_array().map(Vec::len), Some(3), "{dead}");
}

/// What cannot even be sent is refused as much as what the portal refuses.
#[tokio::test]
async fn alone_with_its_portal_a_message_that_no_template_can_hold_is_given_up_on() {
    let desk = Desk::with(json!({ "retry_seconds": QUICK, "give_up_alone": 3, "auth": {"scheme": "none"},
        "calls": [{ "name": "send", "json": { "order": "{/message/data/order}" } }] }))
    .await;
    desk.session("s1", "ana").await;
    desk.says("s1", "ana", "no order").await;
    let seen = desk.session_is("s1", "given up on", |seen| seen["failed"] == json!([3])).await;
    assert_eq!(seen["attempts"], json!([]), "{seen}");
    let dead = desk.api("GET", "/v1/portals/desk/dead-letters", &Value::Null).await.json()["items"][0].clone();
    let attempts = dead["attempts"].as_array().expect("attempts");
    let is_refused = |attempt: &Value| attempt["class"] == "refused" && attempt["status"].is_null();
    assert!(attempts.len() == 3 && attempts.iter().all(is_refused), "{dead}");
    assert!(attempts[0]["error"].as_str().is_some_and(|why| why.contains("/message/data/order")), "{dead}");
}

#[tokio::test]
async fn a_portal_is_deleted_its_sessions_are_closed_and_what_was_said_stays() {
    let desk = Desk::with(json!({})).await;
    for (session, customer) in [("s1", "ana"), ("s2", "ben")] {
        desk.session(session, customer).await;
    }
    let ana = desk.server.person("ana", 0).await;
    ana.follows("s1").await;
    ana.says("s1", "hello").await;
    desk.takes("s1", &["hello"]).await;
    let letters = async |method: &str, path: &str| {
        let answer = desk.api(method, &format!("/v1/portals/{path}"), &Value::Null).await;
        (answer.status, answer.json())
    };
    desk.portal.is(Mood::Status(503, String::new()));
    desk.says("s2", "ben", "lost").await;
    desk.session_is("s2", "waits", |seen| seen["attempts"][0]["class"] == "down").await;
    let skipped = desk.api("POST", "/v1/sessions/s2/delivery", &json!({ "action": "skip" })).await;
    assert_eq!(skipped.status, 200, "{}", skipped.text);
    let deleted = desk.api("DELETE", "/v1/portals/desk", &Value::Null).await;
    assert_eq!((deleted.status, &deleted.json()["sessions_closed"]), (200, &json!(2)), "{}", deleted.text);
    for (method, path, body, status) in [
        ("GET", "/v1/portals/desk", Value::Null, 404),
        ("DELETE", "/v1/portals/desk", Value::Null, 404),
        ("POST", "/v1/portals", json!({ "id": "desk" }), 409),
        ("POST", "/v1/sessions", json!({ "id": "s9", "portal": "desk", "customer": "ana" }), 404),
        ("POST", "/v1/sessions", json!({ "id": "s1", "portal": "desk", "customer": "ana" }), 404),
        ("POST", "/v1/rooms/s1/messages", json!({ "from": "ana", "text": "?" }), 409),
    ] {
        let answer = desk.api(method, path, &body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
    }
    let log = desk.server.log("s1").await;
    assert!(log.iter().any(|entry| entry["text"] == "hello"));
    assert_eq!(log.last().expect("an entry")["type"], "closed", "{log:?}");
    assert_eq!(desk.api("GET", "/v1/sessions/s2", &Value::Null).await.json()["state"], "closed");
    // What it did not take is still there.
    let (status, left) = letters("GET", "desk/dead-letters").await;
    assert_eq!((status, &left["items"][0]["entry"]["text"]), (200, &json!("lost")), "{left}");
    let one = format!("desk/dead-letters/{}", left["items"][0]["number"]);
    assert_eq!(letters("GET", &one).await.0, 200);
    assert_eq!(letters("GET", &format!("desk/dead-letters?after={}", left["items"][0]["number"])).await.0, 200);
    assert_eq!(letters("POST", &format!("{one}/replay")).await.0, 404, "to whom?");
    assert_eq!(desk.api("DELETE", &format!("/v1/portals/{one}"), &Value::Null).await.status, 204);
    assert_eq!(letters("GET", "desk/dead-letters").await.0, 404);
    assert_eq!(letters("GET", "other/dead-letters").await.0, 404);
    desk.is_known().await;
    assert_eq!(desk.answers("a", &json!({ "sessionId": "s1", "message": "hm" })).await.0, 404);
}
