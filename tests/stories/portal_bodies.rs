//! Webhooks of portals that bring several messages, or that are written in other ways than plain JSON.

use crate::{
    cluster::{Cluster, breathe},
    desk::{Desk, open},
    support::{portal, postgres::Postgres},
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn texts(log: &[(String, String)]) -> Vec<&str> {
    log.iter().map(|(_, text)| text.as_str()).collect()
}

fn several(unknown: &str) -> Value {
    json!({ "verify": {"scheme": "bearer"}, "unknown_session": unknown,
        "mapping": {"each": "/events", "external": "/c?", "session": "/s", "text": "/t", "require": {"/type": ["say"]}} })
}

fn bearer(desk: &Desk) -> String {
    format!("content-type: application/json\r\nauthorization: Bearer {}\r\n", desk.incoming)
}

#[tokio::test]
async fn one_unknown_session_refuses_all_before_anything_is_stored() {
    let desk = Desk::with(several("reject")).await;
    desk.session("s1", "ana").await;
    desk.session("s2", "ben").await;
    let say = |session: &str, text: &str| json!({ "type": "say", "s": session, "t": text });
    let typing = json!({ "type": "typing", "s": "nobody" });
    let bad = [
        json!([say("s1", "a"), say("nobody", "b"), say("s1", "c")]),
        json!([say("s1", "a"), say("s2", "b"), typing, say("s1", "c"), say("s3", "d")]),
        json!([say("nobody", "b"), say("s2", "a")]),
        json!([say("s1", "a"), { "type": "say", "s": "s2" }]),
    ];
    for events in &bad {
        let body = json!({ "events": events }).to_string();
        for _ in 0..2 {
            let (status, text) = desk.posts(&bearer(&desk), &body).await;
            assert!(status == 404 || status == 422, "{status} {text}");
        }
        assert_eq!((desk.log("s1").await.len(), desk.log("s2").await.len()), (0, 0), "{body}");
    }
    // Once it is known, all of it is taken, and its repeat is none.
    open(&desk.server, "s3", "desk", "cem").await;
    let body = json!({ "events": bad[1] }).to_string();
    let first = desk.posts(&bearer(&desk), &body).await;
    assert_eq!(first.0, 200, "{}", first.1);
    assert_eq!(desk.posts(&bearer(&desk), &body).await, first, "told by its bytes and each one's place");
    assert_eq!(texts(&desk.log("s1").await), ["a", "c"]);
    assert_eq!((texts(&desk.log("s2").await), texts(&desk.log("s3").await)), (vec!["b"], vec!["d"]));
    // Another body with the same texts says them again.
    let again = json!({ "events": [say("s1", "a"), say("s1", "c")] }).to_string();
    assert_eq!(desk.posts(&bearer(&desk), &again).await.0, 200);
    assert_eq!(texts(&desk.log("s1").await), ["a", "c", "a", "c"]);
    // One message alone, without an id, is said as often as it is sent.
    let one = json!({ "events": [say("s2", "ok")] }).to_string();
    for _ in 0..2 {
        assert_eq!(desk.posts(&bearer(&desk), &one).await.0, 200);
    }
    assert_eq!(texts(&desk.log("s2").await), ["b", "ok", "ok"]);
}

#[tokio::test]
async fn with_quarantine_the_unknown_ones_are_kept_once_and_the_others_stored_once() {
    let desk = Desk::with(several("quarantine")).await;
    desk.session("s1", "ana").await;
    let say = |session: &str, text: &str| json!({ "type": "say", "s": session, "t": text });
    let body = json!({ "events": [say("s1", "a"), say("nobody", "b"), say("s1", "c")] }).to_string();
    for _ in 0..2 {
        let (status, text) = desk.posts(&bearer(&desk), &body).await;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert!(status == 202 && answer["quarantined"] == 1, "{status} {text}");
    }
    assert_eq!(texts(&desk.log("s1").await), ["a", "c"]);
    let kept = desk.api("GET", "/v1/portals/desk/quarantine", &Value::Null).await.json();
    assert_eq!(kept["items"].as_array().map(Vec::len), Some(1), "{kept}");
}

/// One room is locked by somebody: what is for the others is stored, and the portal is told to send all of it again.
#[tokio::test]
async fn a_webhook_that_was_half_stored_is_sent_again_and_says_nothing_twice() {
    let cluster = Cluster::of_with(1, &["--portal-allow", "127.0.0.1"]).await;
    let made = cluster.api("POST", "/v1/portals", &json!({ "id": "desk", "settings": several("reject") })).await.json();
    let secret = made["incoming_secret"].as_str().expect("a secret").to_owned();
    for n in 0..3 {
        open(&cluster, &format!("s{n}"), "desk", &format!("ana{n}")).await;
    }
    let to = cluster.at(0);
    let say = |session: usize, text: &str| json!({ "type": "say", "s": format!("s{session}"), "t": text });
    let body = json!({ "events": [say(0, "a"), say(1, "b"), say(0, "c"), say(1, "d"), say(2, "e")] }).to_string();
    let headers = format!("content-type: application/json\r\nauthorization: Bearer {secret}\r\n");
    let posts = async || portal::post(to, "/hooks/desk", &headers, &body).await.expect("an answer");
    let (mut somebody, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("Postgres");
    let connection = tokio::spawn(connection);
    let lock = somebody.transaction().await.expect("a transaction");
    let sql = format!("SELECT FROM {}.rooms WHERE id = 's1' FOR UPDATE", cluster.schema());
    lock.query_one(&sql, &[]).await.expect("a lock");
    let (status, text) = posts().await;
    assert_eq!(status, 503, "{text}");
    let said = async |n: usize| {
        let log = cluster.log(&format!("s{n}")).await;
        let texts = log.iter().filter(|e| e["type"] == "message").map(|e| e["text"].as_str().unwrap_or("").to_owned());
        texts.collect::<Vec<_>>()
    };
    assert_eq!((said(0).await, said(2).await), (vec!["a".to_owned(), "c".into()], vec!["e".to_owned()]), "half of it");
    lock.rollback().await.expect("the end of the lock");
    let began = Instant::now();
    loop {
        match posts().await {
            (200, _) => break,
            (503, _) => assert!(began.elapsed() < 3 * DEADLINE, "it is not taken"),
            other => panic!("{other:?}"),
        }
        breathe().await;
    }
    assert_eq!(posts().await.0, 200, "once more");
    for (n, texts) in [vec!["a", "c"], vec!["b", "d"], vec!["e"]].iter().enumerate() {
        assert_eq!(said(n).await, *texts, "s{n}");
    }
    drop(somebody);
    drop(connection);
}

#[tokio::test]
async fn a_packed_body_is_refused_before_anything_else_is_said() {
    let desk = Desk::with(json!({})).await;
    let to = desk.server.at(0);
    for (path, headers) in [
        ("/hooks/desk", "content-encoding: gzip\r\n"),
        ("/hooks/desk", "content-encoding: identity, BR\r\ncontent-type: text/html\r\n"),
        ("/hooks/nobody", "content-encoding: deflate\r\n"),
        ("/hooks/desk/secret", "content-encoding: identity\r\ncontent-encoding: zstd\r\n"),
    ] {
        let (status, text) = portal::post(to, path, headers, "{}").await.expect("an answer");
        assert!(status == 415 && text.contains("content encoding"), "{path} {headers}: {status} {text}");
    }
    let (status, text) =
        portal::post(to, "/hooks/desk", "content-encoding: identity\r\n", "{}").await.expect("an answer");
    assert_eq!(status, 401, "{text}");
    // It need not say so: no JSON and no form begins like gzip. Nobody is verified before.
    for (length, end) in [(2, &b"\x1f\x8b"[..]), (12, b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0")] {
        let mut stream = tokio::net::TcpStream::connect(to).await.expect("a connection");
        let head = format!(
            "POST /hooks/desk HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), end].concat()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 415") && answer.contains("gzip"), "{answer}");
    }
    let large = "x".repeat(300_000);
    let (status, _) = portal::post(to, "/hooks/desk", "content-encoding: gzip\r\n", &large).await.expect("an answer");
    assert_eq!(status, 415);
}

#[tokio::test]
async fn vendors_bodies_are_read_as_they_write_them() {
    let desk = Desk::with_flags(
        json!({ "verify": {"scheme": "path"}, "mappings": [
            {"external": "/ConversationSid", "text": "/Body?", "message_id": "/MessageSid", "agent": "/Author", "format": "form",
             "attachments": ["/MediaUrl0", "/MediaUrl1"], "require": {"/EventType": ["onMessageAdded"]}},
            {"external": "/event/channel", "mrkdwn": "/event/text", "event_id": "/event_id", "agent": "/event/user",
             "require": {"/event/type": ["message"]}, "forbid": ["/event/bot_id"]},
            {"each": "/parts", "external": "#/item/id", "html": "/body", "message_id": "/id", "require": {"/part_type": ["comment"]}},
        ] }),
        &[],
    )
    .await;
    let session = json!({ "id": "s1", "portal": "desk", "customer": "ana", "external": "CH1" });
    assert_eq!(desk.api("POST", "/v1/sessions", &session).await.status, 201);
    let path = format!("/hooks/desk/{}", desk.incoming);
    let posts = async |kind: &str, body: &str| {
        portal::post(desk.server.at(0), &path, &format!("content-type: {kind}\r\n"), body).await.expect("an answer")
    };
    let form = "application/x-www-form-urlencoded; charset=UTF-8";
    for (kind, body, passed_over) in [
        (form, "EventType=onMessageAdded&ConversationSid=CH1&Body=Gr%C3%BC%C3%9Fe&MessageSid=IM1&Author=Ada", false),
        (
            form,
            "EventType=onMessageAdded&ConversationSid=CH1&MessageSid=IM2&MediaUrl0=https%3A%2F%2Fm.example%2F1&MediaUrl1=https%3A%2F%2Fm.example%2F2",
            false,
        ),
        (form, "EventType=onConversationAdded", true),
        (
            "text/plain; charset=UTF-8",
            r#"{"event_id":"E1","event":{"type":"message","channel":"CH1","user":"U1","text":"<https://e.example|see> &amp; <@U2>"}}"#,
            false,
        ),
        ("application/cloudevents+json", r#"{"event":{"type":"message","bot_id":"B1"}}"#, true),
        (
            "application/json",
            r#"{"item":{"id":"CH1"},"parts":[{"part_type":"note"},{"part_type":"comment","id":5,"body":"<p>See:</p><img src=https://e.example/x.png>"}]}"#,
            false,
        ),
        ("application/json", r#"{"topic":"ping"}"#, true),
    ] {
        let (status, text) = posts(kind, body).await;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            (status, answer["messages"].as_array().map(Vec::is_empty)),
            (200, Some(passed_over)),
            "{body}: {text}"
        );
    }
    assert_eq!(posts("text/html", "<p>").await.0, 415);
    let log = desk.log("s1").await;
    assert_eq!(texts(&log), ["Grüße", "", "see (https://e.example) & @U2", "See:\nhttps://e.example/x.png"]);
    let media = desk.server.log("s1").await;
    let media = media.iter().find(|entry| entry["text"] == "").expect("the message of pictures");
    assert_eq!(media["data"]["attachments"], json!(["https://m.example/1", "https://m.example/2"]));
    let dry = desk
        .api("POST", "/v1/portals/desk/dry-run", &json!({ "event": { "type": "message", "bot_id": "B1" } }))
        .await
        .json();
    assert_eq!((&dry["passed_over"], &dry["refusals"][0]["mapping"]), (&json!(1), &json!(1)), "{dry}");
    assert_eq!(dry["refusals"][0]["why"], "`forbid`: `/event/bot_id` finds \"B1\"", "{dry}");
}
