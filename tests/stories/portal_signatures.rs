//! Signatures, with a library other than ours at the other end: `standardwebhooks` for Python.

use crate::{
    cluster::Cluster,
    support::portal::{self, Portal},
    wire::DEADLINE,
};
use serde_json::json;
use std::{
    io::Write,
    process::{Command, Stdio},
};

/// Reads `{secret, id, timestamp, body, signature?}`: verifies, or signs.
const LIBRARY: &str = r#"
import json, sys, datetime
from standardwebhooks import Webhook
asked = json.load(sys.stdin)
hook = Webhook(asked["secret"])
if "signature" in asked:
    headers = {"webhook-id": asked["id"], "webhook-timestamp": str(asked["timestamp"]), "webhook-signature": asked["signature"]}
    hook.verify(asked["body"], headers)
    print("verified")
else:
    at = datetime.datetime.fromtimestamp(asked["timestamp"], tz=datetime.timezone.utc)
    print(hook.sign(asked["id"], at, asked["body"]))
"#;

/// What the library makes of it; `None`: it refused.
fn library(asked: &serde_json::Value) -> Option<String> {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/venv/bin/python");
    let mut process = Command::new(python)
        .args(["-c", LIBRARY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{python} ({error}): run make sdk"));
    process.stdin.take().expect("stdin").write_all(asked.to_string().as_bytes()).expect("a request");
    let output = process.wait_with_output().expect("an answer");
    output.status.success().then(|| String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned())
}

#[tokio::test]
async fn another_library_verifies_ours_and_ours_verifies_its() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
    let desk = Portal::start().await;
    let made = json!({ "id": "desk", "settings": { "url": desk.url() } });
    let made = server.api("POST", "/v1/portals", &made).await.json();
    let secret = |which: &str| made[which].as_str().expect("a secret").to_owned();
    let (outgoing, incoming) = (secret("outgoing_secret"), secret("incoming_secret"));
    desk.knows(&[&outgoing]);
    server.api("POST", "/v1/sessions", &json!({ "id": "s1", "portal": "desk", "customer": "ana" })).await;
    server.api("POST", "/v1/rooms/s1/messages", &json!({ "from": "ana", "text": "Grüße \u{1f642}" })).await;
    let began = std::time::Instant::now();
    while desk.arrivals().is_empty() {
        assert!(began.elapsed() < DEADLINE, "no webhook arrived");
        crate::cluster::breathe().await;
    }
    let arrival = &desk.arrivals()[0];
    let mut asked = json!({
        "secret": outgoing,
        "id": arrival.id,
        "timestamp": arrival.timestamp,
        "body": arrival.body,
        "signature": arrival.signature,
    });
    assert_eq!(library(&asked).as_deref(), Some("verified"));
    asked["body"] = format!("{} ", arrival.body).into();
    assert_eq!(library(&asked), None, "the library looks at the body");

    let (now, body) = (portal::unix_now(), r#"{"sessionId":"s1","message":"Hallo Ana \u00fc"}"#);
    let signature = library(&json!({ "secret": incoming, "id": "msg_1", "timestamp": now, "body": body }));
    let signature = signature.expect("a signature");
    let headers = |id: &str| {
        format!(
            "content-type: application/json\r\nwebhook-id: {id}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\n"
        )
    };
    let (status, text) = portal::post(server.at(0), "/hooks/desk", &headers("msg_1"), body).await.expect("an answer");
    assert_eq!(status, 200, "{text}");
    let (status, _) = portal::post(server.at(0), "/hooks/desk", &headers("msg_2"), body).await.expect("an answer");
    assert_eq!(status, 401, "the id is signed, too");
}
