//! Where webhooks are not sent: what is behind our own walls.

use crate::{
    cluster::Cluster,
    desk::open,
    support::portal::{Mood, Portal},
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::time::Instant;

/// The words of the first attempt of what is said in a session of a portal at this address.
async fn attempt(server: &Cluster, n: usize, url: &str) -> String {
    let (portal, session) = (format!("p{n}"), format!("s{n}"));
    let made = json!({ "id": portal, "settings": { "url": url } });
    let made = server.api("POST", "/v1/portals", &made).await;
    assert_eq!(made.status, 201, "{url}: {}", made.text);
    open(server, &session, &portal, "ana").await;
    let said = json!({ "from": "ana", "text": "hi" });
    assert_eq!(server.api("POST", &format!("/v1/rooms/{session}/messages"), &said).await.status, 201);
    let began = Instant::now();
    loop {
        let seen = server.api("GET", &format!("/v1/sessions/{session}"), &Value::Null).await.json();
        if let Some(error) = seen["attempts"][0]["error"].as_str() {
            assert_eq!(seen["forwarded"], 2, "{seen}");
            return error.to_owned();
        }
        assert!(began.elapsed() < DEADLINE, "{url} was not tried: {seen}");
        crate::cluster::breathe().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_cannot_be_behind_our_own_walls() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Cluster::laptop(directory.path()).await;
    let listener = Portal::start().await;
    let port = listener.addr().port();
    let hosts = [
        "127.0.0.1",
        "[::1]",
        "169.254.169.254",
        "10.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "localhost",
    ];
    let mut n = 0;
    for scheme in ["http", "https"] {
        for host in hosts {
            let why = attempt(&server, n, &format!("{scheme}://{host}:{port}/")).await;
            println!("{scheme}://{host}: {why}");
            let says = ["is not public, and not allowed", "plain http to localhost", "no address that may be called"];
            assert!(says.iter().any(|words| why.contains(words)), "{scheme}://{host} was called: {why}");
            n += 1;
        }
    }
    assert_eq!(listener.connections(), 0, "somebody connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.0/8"]).await;
    let (inside, outside) = (Portal::start().await, Portal::start().await);
    outside.is(Mood::Status(302, format!("location: {}\r\n", inside.url())));
    let why = attempt(&server, 0, &outside.url()).await;
    assert!(why.contains("redirects are not followed"), "{why}");
    assert_eq!(inside.connections(), 0);
    assert!(outside.connections() > 0);
}
