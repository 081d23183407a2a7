//! The recipes in `deploy/portals`: a customer, the vendor and its agents, in both directions, and what the vendor refuses.

mod catch_hook;
mod chatwoot;
mod intercom;
mod killed;
mod others;
mod slack;
mod twilio;
mod zendesk;

use crate::{
    cluster::{API_KEY, Cluster, breathe, program},
    person::Person,
    support::vendors::{Mock, Vendor},
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::{path::Path, time::Instant};

/// Where the recipes are.
const RECIPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/portals");

/// A server with a portal "desk", which was made from a recipe, and the vendor.
pub struct Shop<V> {
    pub server: Cluster,
    pub vendor: Mock<V>,
    _directory: tempfile::TempDir,
}

/// What a recipe is filled in with.
pub struct Filled<'a> {
    pub recipe: &'a str,
    /// Below the vendor's address.
    pub path: &'a str,
    /// `NAME=VALUE` of settings.
    pub sets: &'a [&'a str],
    /// What the vendor knows us by.
    pub access: Option<&'a str>,
    /// What its webhooks are known by.
    pub incoming: &'a str,
}

impl<V: Vendor> Shop<V> {
    pub async fn opens(vendor: V, filled: Filled<'_>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
        Self::at(server, directory, vendor, filled).await
    }

    /// On this server.
    pub async fn at(server: Cluster, directory: tempfile::TempDir, vendor: V, filled: Filled<'_>) -> Self {
        let vendor = Mock::start(vendor).await;
        vendor.hooks_to(server.at(0), "/hooks/desk");
        let file = format!("{RECIPES}/{}.json", filled.recipe);
        let incoming = write(directory.path(), "incoming", filled.incoming);
        let access = filled.access.map(|secret| write(directory.path(), "access", secret));
        let (url, to) = (format!("url={}{}", vendor.url(), filled.path), format!("http://{}", server.at(0)));
        let mut command = vec!["portals", "create", "desk", "--from", &file, "--incoming-secret-file", &incoming];
        if let Some(access) = &access {
            command.extend(["--access-secret-file", access]);
        }
        for set in [url.as_str()].iter().chain(filled.sets) {
            command.extend(["--set", set]);
        }
        command.extend(["--server", &to, "--api-key", API_KEY]);
        let (made, said, complaints) = program(&command).await;
        assert!(made, "{said}{complaints}");
        Self { server, vendor, _directory: directory }
    }

    /// A portal of these settings, without a recipe. Their addresses are below the vendor's.
    pub async fn configured(vendor: V, access: Option<&str>, incoming: &str, mut settings: Value) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
        let vendor = Mock::start(vendor).await;
        vendor.hooks_to(server.at(0), "/hooks/desk");
        settings["url"] = format!("{}{}", vendor.url(), settings["url"].as_str().unwrap_or_default()).into();
        if let Some(path) = settings.pointer("/auth/token_url").and_then(Value::as_str) {
            settings["auth"]["token_url"] = format!("{}{path}", vendor.url()).into();
        }
        let mut new = json!({ "id": "desk", "settings": settings, "incoming_secret": incoming });
        if let Some(access) = access {
            new["access_secret"] = access.into();
        }
        let made = server.api("POST", "/v1/portals", &new).await;
        assert_eq!(made.status, 201, "{}", made.text);
        Self { server, vendor, _directory: directory }
    }

    /// A customer, and their session.
    pub async fn customer(&self, name: &str) -> (Person, String) {
        self.customer_in(name, Value::Null).await
    }

    /// The same, in a session of its own.
    pub async fn customer_in(&self, name: &str, session: Value) -> (Person, String) {
        let person = self.server.person(name, 0).await;
        let mut ask = json!({ "portal": "desk" });
        if !session.is_null() {
            ask["id"] = session;
        }
        let opened = person.calls("open_session", ask).await;
        let session = opened["rpc"]["data"]["id"].as_str().unwrap_or_else(|| panic!("{opened}")).to_owned();
        person.follows(&session).await;
        (person, session)
    }

    /// Waits until the vendor is so.
    pub async fn until(&self, what: &str, is: impl Fn(&V) -> bool) {
        let began = Instant::now();
        loop {
            if is(&self.vendor.vendor()) {
                return;
            }
            assert!(began.elapsed() < 6 * DEADLINE, "never: {what}; asked: {:#?}", self.vendor.asked());
            breathe().await;
        }
    }

    /// Waits until a session looks so.
    pub async fn session_is(&self, session: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let (began, path) = (Instant::now(), format!("/v1/sessions/{session}"));
        loop {
            let seen = self.server.api("GET", &path, &Value::Null).await.json();
            if is(&seen) {
                return seen;
            }
            assert!(began.elapsed() < 6 * DEADLINE, "not {what}: {seen}; asked: {:#?}", self.vendor.asked());
            breathe().await;
        }
    }

    /// An agent's webhook, which must be taken.
    pub async fn takes(&self, body: &str) {
        let (status, answer) = self.vendor.sends(body).await;
        assert!(matches!(status, 200 | 202), "{status} {answer}");
    }

    /// What was said in a session, and by whom.
    pub async fn log(&self, session: &str) -> Vec<String> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let log = self.server.log(session).await;
        let said = log.iter().filter(|entry| entry["type"] == "message");
        said.map(|entry| format!("{}: {}", word(&entry["from"]), word(&entry["text"]))).collect()
    }

    /// What is to be seen in a session: who wrote, and what it says now.
    pub async fn shown(&self, session: &str) -> Vec<String> {
        let path = format!("/v1/rooms/{session}/messages?limit=1000");
        let page = self.server.api("GET", &path, &Value::Null).await.json();
        let said = page["entries"].as_array().expect("entries").iter().filter(|entry| entry["type"] == "message");
        let word = |value: &Value| value.as_str().unwrap_or("(gone)").to_owned();
        said.map(|entry| format!("{}: {}", word(&entry["from"]), word(&entry["text"]))).collect()
    }

    /// Waits until a session shows this. A change that came before its message, and those behind it, are answered with 202 and
    /// are stored a moment later.
    pub async fn shows(&self, session: &str, said: &[&str]) {
        let began = Instant::now();
        loop {
            let shown = self.shown(session).await;
            if shown == said {
                return;
            }
            assert!(began.elapsed() < 6 * DEADLINE, "not {said:?}: {shown:?}");
            breathe().await;
        }
    }

    /// The edits and deletions in a session, and by whom they are.
    pub async fn changes(&self, session: &str) -> Vec<String> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let log = self.server.log(session).await;
        let changes = log.iter().filter(|entry| entry["type"] == "edited" || entry["type"] == "deleted");
        changes.map(|entry| format!("{} {}", word(&entry["from"]), word(&entry["type"]))).collect()
    }

    /// The vendor has refused our credentials, or our configuration: the portal waits, everybody can see why, and nothing is
    /// lost.
    pub async fn waits_for_an_operator(&self, session: &str) {
        self.session_is(session, "waiting", |seen| seen["attempts"].as_array().is_some_and(|all| !all.is_empty()))
            .await;
        let dead = self.server.api("GET", "/v1/portals/desk/dead-letters", &Value::Null).await.json();
        assert_eq!(dead["items"], json!([]), "a message was given up for what no message can help");
    }

    /// The operator gives the portal another secret for the vendor's API.
    pub async fn has_another_access_secret(&self, secret: &str) {
        let rotated = json!({ "direction": "access", "secret": secret });
        let answer = self.server.api("POST", "/v1/portals/desk/secrets", &rotated).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.server.api("POST", "/v1/portals/desk/resume", &Value::Null).await;
    }

    /// All webhooks that the vendor has sent by itself were taken.
    pub fn every_hook_was_taken(&self) {
        let hooked = self.vendor.hooked();
        assert!(hooked.iter().all(|(status, _)| matches!(status, 200 | 202)), "{hooked:?}");
    }
}

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}
