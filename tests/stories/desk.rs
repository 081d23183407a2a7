//! A server on a laptop with a portal "desk": what stories about portals begin with.

use crate::{
    cluster::{Cluster, breathe},
    http::Answer,
    support::portal::{self, Portal},
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// See the module.
pub struct Desk {
    pub server: Cluster,
    pub portal: Portal,
    /// What webhooks to us are signed with.
    pub incoming: String,
    _directory: tempfile::TempDir,
}

impl Desk {
    /// With these settings besides the portal's address.
    pub async fn with(settings: Value) -> Self {
        Self::with_flags(settings, &[]).await
    }

    /// The same, with more flags.
    pub async fn with_flags(settings: Value, flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let flags = [&["--portal-allow", "127.0.0.1"], flags].concat();
        let server = Cluster::laptop_with(directory.path(), &flags).await;
        let portal = Portal::start().await;
        let made = make(&server, "desk", &portal, settings).await;
        let secret = |which: &str| made[which].as_str().expect("a secret").to_owned();
        portal.knows(&[&secret("outgoing_secret")]);
        Self { server, portal, incoming: secret("incoming_secret"), _directory: directory }
    }

    /// A session of the portal.
    pub async fn session(&self, id: &str, customer: &str) {
        open(&self.server, id, "desk", customer).await;
    }

    /// The customer of a session says something, by way of the product's backend.
    pub async fn says(&self, session: &str, customer: &str, text: &str) {
        let path = format!("/v1/rooms/{session}/messages");
        let said = self.server.api("POST", &path, &json!({ "from": customer, "text": text })).await;
        assert_eq!(said.status, 201, "{}", said.text);
    }

    /// A webhook of the portal, signed.
    pub async fn answers(&self, id: &str, body: &Value) -> (u16, Value) {
        let to = self.server.at(0);
        let answer = portal::call(to, "desk", &self.incoming, id, &body.to_string()).await.expect("an answer");
        (answer.0, serde_json::from_str(&answer.1).unwrap_or(Value::String(answer.1)))
    }

    /// A webhook with these headers.
    pub async fn posts(&self, headers: &str, body: &str) -> (u16, String) {
        portal::post(self.server.at(0), "/hooks/desk", headers, body).await.expect("an answer")
    }

    pub async fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.server.api(method, path, body).await
    }

    /// What was said in a session: who, and what.
    pub async fn log(&self, session: &str) -> Vec<(String, String)> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let log = self.server.log(session).await;
        log.iter().filter(|e| e["type"] == "message").map(|e| (word(&e["from"]), word(&e["text"]))).collect()
    }

    /// The server knows the portals' settings as they are now: it has to look who somebody is whom it does not know.
    pub async fn is_known(&self) {
        let (status, text) = portal::post(self.server.at(0), "/hooks/nobody", "", "{}").await.expect("an answer");
        assert_eq!(status, 404, "{text}");
    }

    /// Waits until the portal has taken exactly these texts of a session, in this order.
    pub async fn takes(&self, session: &str, texts: &[&str]) -> Duration {
        takes(&self.portal, session, texts).await
    }

    /// Waits until a session looks so.
    pub async fn session_is(&self, session: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let (began, path) = (Instant::now(), format!("/v1/sessions/{session}"));
        loop {
            let seen = self.api("GET", &path, &Value::Null).await.json();
            if is(&seen) {
                return seen;
            }
            assert!(began.elapsed() < 3 * DEADLINE, "{session} is not {what}: {seen}");
            breathe().await;
        }
    }
}

/// Waits until a portal has taken exactly these texts of a session, in this order.
pub async fn takes(portal: &Portal, session: &str, texts: &[&str]) -> Duration {
    let began = Instant::now();
    loop {
        let taken: Vec<String> = portal.taken(session).iter().map(|arrival| arrival.text()).collect();
        if taken == texts {
            return began.elapsed();
        }
        assert!(began.elapsed() < 6 * DEADLINE, "{session}: {taken:?} was taken, not {texts:?}");
        breathe().await;
    }
}

/// Makes a portal; the answer, with its secrets.
pub async fn make(server: &Cluster, id: &str, portal: &Portal, mut settings: Value) -> Value {
    if settings["url"].is_null() {
        settings["url"] = portal.url().into();
    }
    let made = server.api("POST", "/v1/portals", &json!({ "id": id, "settings": settings })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

pub async fn open(server: &Cluster, id: &str, portal: &str, customer: &str) {
    let new = json!({ "id": id, "portal": portal, "customer": customer });
    let opened = server.api("POST", "/v1/sessions", &new).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
}
