//! Webhooks to portals that misbehave: only their own sessions wait, nothing is lost, and customers are told.

use crate::{
    desk::{Desk, make, open, takes},
    person::Person,
    support::portal::{Mood, Portal},
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Quick enough for a story.
fn quick() -> Value {
    json!({ "retry_seconds": [0.05, 0.05, 0.05, 0.05, 0.05] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_misbehaves_delays_only_itself() {
    let desk = Desk::with(json!({})).await;
    let other = Portal::start().await;
    make(&desk.server, "other", &other, json!({})).await;
    let moods = [
        Mood::Status(500, String::new()),
        Mood::Status(503, "retry-after: 1\r\n".into()),
        Mood::Status(307, "location: http://169.254.169.254/\r\n".into()),
        Mood::Silent,
        Mood::HangsUp,
        Mood::Endless,
    ];
    for (n, mood) in moods.into_iter().enumerate() {
        let (bad, good) = (format!("bad{n}"), format!("good{n}"));
        desk.session(&bad, "ana").await;
        open(&desk.server, &good, "other", "ben").await;
        desk.portal.is(mood.clone());
        desk.says(&bad, "ana", "anybody there?").await;
        let mut slowest = Duration::ZERO;
        for text in ["a", "b", "c"] {
            desk.says(&good, "ben", text).await;
            let began = Instant::now();
            while other.taken(&good).last().map(|arrival| arrival.text()).as_deref() != Some(text) {
                assert!(began.elapsed() < DEADLINE, "the other portal waits for {mood:?}");
                crate::cluster::breathe().await;
            }
            slowest = slowest.max(began.elapsed());
        }
        println!("{mood:?}: the other portal's messages took {slowest:.2?} at most");
    }
    // Well again, it gets everything.
    desk.portal.is(Mood::Well);
    for n in 0..6 {
        desk.takes(&format!("bad{n}"), &["anybody there?"]).await;
    }
    assert_eq!(desk.portal.arrivals().iter().filter(|arrival| arrival.verified != 1).count(), 0);
}

#[tokio::test]
async fn a_poison_message_becomes_a_dead_letter_and_the_session_goes_on() {
    let desk = Desk::with(quick()).await;
    desk.session("s1", "ana").await;
    desk.session("s2", "ben").await;
    let ana = desk.server.person("ana", 0).await;
    ana.follows("s1").await;
    desk.portal.poisons("poison", 500);
    ana.says("s1", "before").await;
    let poison = ana.says("s1", "poison").await;
    ana.says("s1", "after").await;
    // The portal takes others meanwhile.
    let mut n = 0;
    let dead = loop {
        desk.says("s2", "ben", &format!("{n}")).await;
        n += 1;
        let path = "/v1/portals/desk/dead-letters";
        let dead = desk.api("GET", path, &Value::Null).await.json()["items"].as_array().expect("items").clone();
        if let Some(dead) = dead.first() {
            break dead.clone();
        }
        assert!(n < 1_000, "no dead letter");
        crate::cluster::breathe().await;
    };
    assert!(dead["seq"] == poison.seq && dead["state"] == "dead" && dead["entry"]["text"] == "poison", "{dead}");
    let attempts = dead["attempts"].as_array().expect("attempts");
    assert!(attempts.len() >= 6 && attempts.iter().all(|attempt| attempt["status"] == 500), "{attempts:?}");
    desk.takes("s1", &["before", "after"]).await;
    let told = |how: &str, seq: u64| json!({ "type": how, "room": "s1", "seq": seq });
    ana.is_told_that(told("forward_delayed", poison.seq)).await;
    ana.is_told_that(told("forward_failed", poison.seq)).await;
    ana.is_told_that(told("forwarded", poison.seq + 1)).await;
    let seen = ana.calls("session", json!({ "room": "s1" })).await["rpc"]["data"].clone();
    assert_eq!(seen["failed"], json!([poison.seq]), "{seen}");
    // Replayed while the portal still refuses it, it stays; then it arrives.
    let replay = format!("/v1/portals/desk/dead-letters/{}/replay", dead["number"]);
    let path = format!("/v1/portals/desk/dead-letters/{}", dead["number"]);
    desk.api("POST", &replay, &Value::Null).await;
    let began = Instant::now();
    while desk.api("GET", &path, &Value::Null).await.json()["attempts"].as_array().map(Vec::len)
        != Some(attempts.len() + 1)
    {
        assert!(began.elapsed() < DEADLINE, "it was not tried");
        crate::cluster::breathe().await;
    }
    desk.portal.poisons("poison", 200);
    desk.api("POST", &replay, &Value::Null).await;
    desk.takes("s1", &["before", "after", "poison"]).await;
    desk.session_is("s1", "without failures", |seen| seen["failed"] == json!([])).await;
    assert_eq!(desk.api("GET", &path, &Value::Null).await.json()["state"], "delivered");
}

/// The portal takes others until the first session stands still.
async fn blocks(desk: &Desk) {
    let began = Instant::now();
    while desk.api("GET", "/v1/sessions/s1", &Value::Null).await.json()["blocked"] != true {
        assert!(began.elapsed() < DEADLINE, "it does not stand still");
        desk.says("s2", "ben", "still here").await;
        crate::cluster::breathe().await;
    }
}

#[tokio::test]
async fn a_session_waits_at_a_dead_letter_where_its_portal_is_configured_so() {
    let mut settings = quick();
    settings["on_dead_letter"] = "block".into();
    let desk = Desk::with(settings).await;
    desk.session("s1", "ana").await;
    desk.session("s2", "ben").await;
    // The portal is well: what it refuses is the message's fault.
    desk.says("s2", "ben", "hi").await;
    desk.takes("s2", &["hi"]).await;
    desk.portal.poisons("poison", 422);
    for text in ["poison", "after"] {
        desk.says("s1", "ana", text).await;
    }
    blocks(&desk).await;
    desk.takes("s1", &[]).await;
    desk.portal.poisons("poison", 200);
    let replayed = desk.api("POST", "/v1/portals/desk/dead-letters/replay", &json!({ "all": true })).await;
    assert_eq!(replayed.json()["replaying"], 1, "{}", replayed.text);
    desk.takes("s1", &["poison", "after"]).await;
    // Or it is thrown away.
    desk.portal.poisons("poison", 422);
    for text in ["poison", "at last"] {
        desk.says("s1", "ana", text).await;
    }
    blocks(&desk).await;
    let dead = desk.api("GET", "/v1/portals/desk/dead-letters?after=1", &Value::Null).await.json();
    let path = format!("/v1/portals/desk/dead-letters/{}", dead["items"][0]["number"]);
    assert_eq!(desk.api("DELETE", &path, &Value::Null).await.status, 204);
    desk.takes("s1", &["poison", "after", "at last"]).await;
}

#[tokio::test]
async fn a_portal_that_is_down_as_a_whole_loses_nothing() {
    let desk = Desk::with(quick()).await;
    let sessions: Vec<String> = (0..20).map(|n| format!("s{n}")).collect();
    for session in &sessions {
        desk.session(session, "ana").await;
        desk.says(session, "ana", "one").await;
    }
    for session in &sessions {
        desk.takes(session, &["one"]).await;
    }
    desk.portal.is(Mood::Status(400, String::new()));
    for session in &sessions {
        desk.says(session, "ana", "two").await;
        desk.says(session, "ana", "three").await;
    }
    // Long enough for many attempts, had they counted.
    let began = Instant::now();
    let before = desk.portal.arrivals().len();
    while desk.portal.arrivals().len() < before + 3 {
        assert!(began.elapsed() < 3 * DEADLINE, "it is left alone for ever");
        crate::cluster::breathe().await;
    }
    desk.portal.is(Mood::Well);
    for session in &sessions {
        desk.takes(session, &["one", "two", "three"]).await;
    }
}

#[tokio::test]
async fn a_portal_that_is_gone_or_paused_is_sent_nothing_until_it_is_resumed() {
    let desk = Desk::with(quick()).await;
    let other = Portal::start().await;
    make(&desk.server, "other", &other, json!({})).await;
    desk.session("s1", "ana").await;
    open(&desk.server, "s2", "other", "ben").await;
    // Whoever delivers has looked for everybody since: the other portal has it.
    let passes = async |text: &str| {
        desk.says("s2", "ben", text).await;
        let all: Vec<String> = desk.log("s2").await.into_iter().map(|(_, text)| text).collect();
        takes(&other, "s2", &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    };
    desk.portal.is(Mood::Status(410, String::new()));
    desk.says("s1", "ana", "one").await;
    let began = Instant::now();
    let shown = async || desk.api("GET", "/v1/portals/desk", &Value::Null).await.json();
    while shown().await["standing"] != "disabled" {
        assert!(began.elapsed() < DEADLINE, "410 does not disable it");
        crate::cluster::breathe().await;
    }
    desk.portal.is(Mood::Well);
    desk.is_known().await;
    passes("after it is gone").await;
    let before = desk.portal.arrivals().len();
    desk.says("s1", "ana", "two").await;
    passes("while it is gone").await;
    assert_eq!(desk.portal.arrivals().len(), before, "it wanted no more");
    desk.api("POST", "/v1/portals/desk/resume", &Value::Null).await;
    desk.takes("s1", &["one", "two"]).await;

    desk.api("POST", "/v1/portals/desk/pause", &Value::Null).await;
    desk.is_known().await;
    passes("after it is paused").await;
    desk.says("s1", "ana", "three").await;
    passes("while it is paused").await;
    desk.takes("s1", &["one", "two"]).await;
    desk.session_is("s1", "waiting", |seen| seen["forwarded"] == 4 && seen["head"] == 5).await;
    // What it sends is taken.
    assert_eq!(desk.answers("a", &json!({ "sessionId": "s1", "message": "hm" })).await.0, 200);
    desk.api("POST", "/v1/portals/desk/resume", &Value::Null).await;
    desk.takes("s1", &["one", "two", "three"]).await;
}

#[tokio::test]
async fn retry_after_is_heeded_and_two_secrets_sign_while_one_is_replaced() {
    let desk = Desk::with(quick()).await;
    desk.session("s1", "ana").await;
    desk.portal.is(Mood::Status(429, "retry-after: 3\r\n".into()));
    desk.says("s1", "ana", "one").await;
    desk.session_is("s1", "tried", |seen| seen["attempts"].as_array().is_some_and(|all| !all.is_empty())).await;
    let (began, tried) = (Instant::now(), desk.portal.arrivals().len());
    let rotated = desk.api("POST", "/v1/portals/desk/secrets", &json!({ "direction": "outgoing" })).await.json();
    desk.portal.is(Mood::Well);
    desk.takes("s1", &["one"]).await;
    assert_eq!(desk.portal.arrivals().len(), tried + 1, "it was called before its time");
    assert!(began.elapsed() > Duration::from_millis(2_500), "after {:?}", began.elapsed());
    let last = desk.portal.arrivals().last().expect("an arrival").clone();
    assert_eq!((last.signatures, last.verified), (2, 1), "the old secret is one of two");
    desk.portal.knows(&[rotated["outgoing_secret"].as_str().expect("a secret")]);
    desk.says("s1", "ana", "two").await;
    desk.takes("s1", &["one", "two"]).await;
    assert_eq!(desk.portal.arrivals().last().expect("an arrival").verified, 1, "the new one is the other");
    // Replaced once more, at once, only the newest signs.
    let rotated = json!({ "direction": "outgoing", "keep_seconds": 0 });
    let rotated = desk.api("POST", "/v1/portals/desk/secrets", &rotated).await.json();
    desk.portal.knows(&[rotated["outgoing_secret"].as_str().expect("a secret")]);
    desk.is_known().await;
    desk.says("s1", "ana", "three").await;
    desk.takes("s1", &["one", "two", "three"]).await;
    let last = desk.portal.arrivals().last().expect("an arrival").clone();
    assert_eq!((last.signatures, last.verified), (1, 1));
}

#[tokio::test]
async fn the_portals_own_id_of_a_conversation_is_learned_and_finds_the_session() {
    let desk = Desk::with(json!({
        "answer_external": "/conversation/id",
        "mapping": { "external": "/conversation", "text": "/text" },
    }))
    .await;
    desk.session("s1", "ana").await;
    let ana: Person = desk.server.person("ana", 0).await;
    ana.follows("s1").await;
    ana.says("s1", "hello").await;
    desk.session_is("s1", "known to the portal", |seen| seen["external"] == "conv-s1").await;
    assert_eq!(desk.answers("a", &json!({ "conversation": "conv-s1", "text": "hi Ana" })).await.0, 200);
    ana.hears("s1", "hi Ana").await;
}
