//! A portal with an API of its own: what is called for a message is configured, and nothing is called twice.

use crate::{
    cluster::{Cluster, breathe},
    desk::open,
    support::{
        acme::Acme,
        portal::{call, post},
    },
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What a portal knows us by.
const SECRET: &str = "acme-0123456789abcdef";
/// How long a claim of an instance that was killed lasts, and what comes after it.
const AFTER_A_KILL: Duration = Duration::from_secs(60);

async fn until(what: &str, within: Duration, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < within, "never: {what}");
        breathe().await;
    }
}

/// Makes the portal; its secret for webhooks to us.
async fn make(server: &Cluster, settings: Value) -> String {
    let made = server.api("POST", "/v1/portals", &json!({ "id": "acme", "settings": settings })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["incoming_secret"].as_str().expect("a secret").to_owned()
}

async fn says(server: &Cluster, session: &str, text: &str) {
    let path = format!("/v1/rooms/{session}/messages");
    let said = server.api("POST", &path, &json!({ "from": "ana", "text": text })).await;
    assert_eq!(said.status, 201, "{}", said.text);
}

/// Waits until a session looks so.
async fn session_is(server: &Cluster, session: &str, is: impl Fn(&Value) -> bool) -> Value {
    session_is_within(server, session, 3 * DEADLINE, is).await
}

async fn session_is_within(server: &Cluster, session: &str, within: Duration, is: impl Fn(&Value) -> bool) -> Value {
    let (began, path) = (Instant::now(), format!("/v1/sessions/{session}"));
    loop {
        // An instance may just have been killed.
        let seen = server.instances[server.instances.len() - 1].api("GET", &path, &Value::Null).await.json();
        if is(&seen) {
            return seen;
        }
        assert!(began.elapsed() < within, "{session} is not so: {seen}");
        breathe().await;
    }
}

#[tokio::test]
async fn a_conversation_is_looked_for_made_and_written_into_and_a_long_text_is_split() {
    let (acme, directory) = (Acme::start().await, tempfile::tempdir().expect("a directory"));
    let server = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
    let incoming = make(&server, acme.settings()).await;
    open(&server, "s1", "acme", "ana").await;
    says(&server, "s1", "Hi \"you\"").await;
    says(&server, "s1", "Where is my parcel? It was to be here on Tuesday, and nobody has rung.").await;
    let parts = ["Where is my parcel? It was to be here", "on Tuesday, and nobody has rung."];
    until("both messages", 3 * DEADLINE, || acme.asked().len() == 5).await;
    let seen = session_is(&server, "s1", |seen| seen["forwarded"] == seen["head"]).await;
    assert_eq!(acme.asked(), ["find", "make", "send", "send", "send"]);
    let conversations = acme.conversations("s1");
    let said: Vec<&str> = conversations[0].1.iter().map(|text| text.trim_end()).collect();
    assert_eq!((conversations.len(), said), (1, vec!["Hi \"you\"", parts[0], parts[1]]));
    assert_eq!(acme.bodies(7_000)[2], json!({ "text": parts[1], "part": 2, "of": 2 }), "numbers are numbers");
    assert_eq!((&seen["external"], &seen["refs"]), (&json!("7000"), &json!({ "source": "src-7000" })));
    let sent = |seq: u64, id: &str| json!({ "seq": seq, "id": id });
    assert_eq!(seen["sent"], json!([sent(3, "m-7000-1"), sent(4, "m-7000-2"), sent(4, "m-7000-3")]));
    // Its webhook about our own message is known by the id that it gave it; an agent's is not.
    let hook = async |id: &str, text: &str| {
        let body = json!({ "conversation": "7000", "id": id, "text": text }).to_string();
        call(server.at(0), "acme", &incoming, &format!("hook-{id}"), &body).await.expect("an answer")
    };
    let (status, answer) = hook("m-7000-1", "Hi \"you\"").await;
    assert!(status == 200 && answer.contains(r#""seq":3"#), "{answer}");
    assert_eq!(hook("m-7000-9", "On its way!").await.0, 200);
    assert_eq!(server.log("s1").await.iter().filter(|entry| entry["type"] == "message").count(), 3);
    // Another session finds what there is already.
    open(&server, "s2", "acme", "ana").await;
    says(&server, "s2", "A second thing").await;
    until("the other session's", 3 * DEADLINE, || acme.conversations("s2").iter().any(|(_, said)| said.len() == 1))
        .await;
}

#[tokio::test]
async fn what_the_answers_body_refuses_is_not_taken_for_forwarded() {
    let (acme, directory) = (Acme::start().await, tempfile::tempdir().expect("a directory"));
    let server = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
    let mut settings = acme.settings();
    settings["calls"][2].as_object_mut().expect("a call").remove("text_limit");
    settings["calls"][2].as_object_mut().expect("a call").remove("long_text");
    make(&server, settings).await;
    for (session, text) in [("s1", "x".repeat(41)), ("s2", "short".into())] {
        open(&server, session, "acme", "ana").await;
        says(&server, session, &text).await;
    }
    let seen = session_is(&server, "s1", |seen| seen["attempts"][0]["error"].is_string()).await;
    let error = seen["attempts"][0]["error"].as_str().expect("an error");
    assert!(error.starts_with("call `send`: status 200") && error.contains("too long"), "{error}");
    assert_eq!(seen["attempts"][0]["status"], 200);
    // Given up on while others are taken, it is sent again from where it stood: nothing is made twice.
    let began = Instant::now();
    let dead = loop {
        says(&server, "s2", "still here").await;
        let dead = server.api("GET", "/v1/portals/acme/dead-letters", &Value::Null).await.json()["items"].clone();
        if let Some(dead) = dead.as_array().and_then(|all| all.first().cloned()) {
            break dead;
        }
        assert!(began.elapsed() < 3 * DEADLINE, "no dead letter");
        breathe().await;
    };
    let settings = acme.settings();
    assert_eq!(server.api("PUT", "/v1/portals/acme", &settings).await.status, 200);
    let (status, _) = post(server.at(0), "/hooks/nobody", "", "{}").await.expect("an answer");
    assert_eq!(status, 404, "by now the settings are known");
    let path = format!("/v1/portals/acme/dead-letters/{}/replay", dead["number"]);
    assert_eq!(server.api("POST", &path, &Value::Null).await.json()["replaying"], 1);
    until("the letter", 3 * DEADLINE, || acme.conversations("s1").iter().any(|(_, said)| said.len() == 2)).await;
    let conversations = acme.conversations("s1");
    assert_eq!((conversations.len(), conversations[0].1.concat()), (1, "x".repeat(41)));
}

#[tokio::test]
async fn an_operator_sees_what_a_message_would_send_and_what_a_test_message_was_answered() {
    let (acme, directory) = (Acme::start().await, tempfile::tempdir().expect("a directory"));
    let server = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
    let mut settings = acme.settings();
    settings["auth"] = json!({ "scheme": "bearer" });
    let new = json!({ "id": "acme", "settings": settings, "access_secret": SECRET });
    let made = server.api("POST", "/v1/portals", &new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    open(&server, "s1", "acme", "ana").await;
    let ask = async |what: &str, body: Value| server.api("POST", &format!("/v1/portals/acme/{what}"), &body).await;
    let names = |trial: &Value| -> Vec<String> {
        let calls = trial["calls"].as_array().expect("calls");
        calls.iter().map(|call| call["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let long = "Where is my parcel? It was to be here on Tuesday, and nobody has rung.";
    let explained = ask("explain", json!({ "session": "s1", "text": long })).await.json();
    assert_eq!(names(&explained), ["find", "make", "send (1 of 2)", "send (2 of 2)"], "{explained}");
    let send = &explained["calls"][2];
    assert!(
        send["url"].as_str().is_some_and(|url| url.ends_with("/api/conversations/picked-external/messages")),
        "{send}"
    );
    assert!(send["class"].is_null() && send["body"].as_str().is_some_and(|body| body.contains("Where is")), "{send}");
    assert!(acme.asked().is_empty(), "nothing is sent");

    let tried = ask("try", json!({ "text": "Is anybody there?" })).await.json();
    assert_eq!(
        (&tried["ok"], names(&tried)),
        (&json!(true), ["find", "make", "send"].map(String::from).to_vec()),
        "{tried}"
    );
    assert_eq!(tried["calls"][1]["picked"], json!({ "external": "7000", "source": "src-7000" }));
    let send = &tried["calls"][2];
    assert_eq!((&send["class"], &send["status"]), (&json!("taken"), &json!(200)));
    assert!(send["answer"].as_str().is_some_and(|said| said.contains("m-7000-1")), "{send}");
    assert_eq!(send["headers"]["authorization"], "Bearer …");
    assert_eq!(acme.conversations("test-session")[0].1, ["Is anybody there?"]);

    acme.refuses("poison", 422);
    let tried = ask("try", json!({ "session": "s1", "text": "poison" })).await.json();
    assert_eq!((&tried["ok"], names(&tried).len()), (&json!(false), 3));
    assert!(
        tried["problem"].as_str().is_some_and(|why| why.starts_with("call `send`: status 422: not like this")),
        "{tried}"
    );
    session_is(&server, "s1", |seen| seen["external"].is_null() && seen["sent"].is_null()).await;
    for (body, status) in [
        (json!({ "session": "nowhere" }), 404),
        (json!({ "type": "message.read" }), 422),
        (json!({ "text": "" }), 200),
        (json!({ "texts": "x" }), 400),
    ] {
        assert_eq!(ask("explain", body.clone()).await.status, status, "{body}");
    }
    // Where it listens no more, the native contract would still be shown.
    let native = json!({ "url": acme.url() });
    assert_eq!(server.api("PUT", "/v1/portals/acme", &native).await.status, 200);
    let explained = ask("explain", json!({ "session": "s1", "text": "Hi" })).await.json();
    let body: Value = serde_json::from_str(explained["calls"][0]["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!((&explained["calls"][0]["name"], &body["data"]["message"]), (&json!("webhook"), &json!("Hi")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_killed_between_two_calls_of_one_event_repeats_at_most_the_one_under_way() {
    let acme = Acme::start().await;
    let mut cluster = Cluster::of_with(2, &["--portal-allow", "127.0.0.1"]).await;
    make(&cluster, acme.settings()).await;
    let sessions: Vec<String> = (0..8).map(|n| format!("s{n}")).collect();
    acme.holds(true);
    for session in &sessions {
        open(&cluster, session, "acme", "ana").await;
        says(&cluster, session, "Where is my parcel? It was to be here on Tuesday, and nobody has rung.").await;
    }
    // Each conversation is made, the first part of each message is answered, and the second is under way.
    until("all wait for the answer to the second part", 3 * DEADLINE, || acme.waiting() == sessions.len()).await;
    cluster.kill(0);
    acme.holds(false);
    for session in &sessions {
        session_is_within(&cluster, session, AFTER_A_KILL, |seen| seen["forwarded"] == seen["head"]).await;
    }
    let (first, second) = ("Where is my parcel? It was to be here ", "on Tuesday, and nobody has rung.");
    let mut repeated = 0;
    for session in &sessions {
        let conversations = acme.conversations(session);
        assert_eq!(conversations.len(), 1, "{session} was made twice");
        let said: Vec<&str> = conversations[0].1.iter().map(String::as_str).collect();
        assert!(
            said == [first, second] || said == [first, second, second],
            "only what was under way comes again: {said:?}"
        );
        repeated += said.len() - 2;
    }
    println!("{repeated} of {} second parts came again: those that the killed instance had under way", sessions.len());
    assert!(repeated > 0, "nobody was killed in the middle");
    let asked = acme.asked();
    let times = |what: &str| asked.iter().filter(|asked| *asked == what).count();
    assert_eq!((times("find"), times("make")), (sessions.len(), sessions.len()));
}
