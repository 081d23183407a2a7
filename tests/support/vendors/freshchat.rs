//! Freshchat (Freshworks): users, and conversations of a channel.
//!
//! Written from, on 2026-11-29:
//! - <https://developers.freshchat.com/api/>: a bearer; `{"code","status","message"}` for what goes wrong; 429
//! - <https://github.com/botpress/botpress>, `integrations/freshchat/src/client.ts`: `GET /users?reference_id=` answers `users`;
//!   `POST /users`, `/conversations` (answers `conversation_id`), `/conversations/{id}/messages` (answers `id`)
//! - <https://crmsupport.freshworks.com/en/support/solutions/articles/50000004461>: webhooks, their `action`, `actor_type` and
//!   `message_type`, which some bodies lack
//! - <https://github.com/nyaruka/courier>, `handlers/freshchat`: `X-Freshchat-Signature`, RSA (PKCS #1 v1.5, SHA-256) of the body in
//!   base64; the key's PEM calls itself `RSA PUBLIC KEY` and is a `SubjectPublicKeyInfo`
//!
//! Not verified: the statuses of success, and that a search without a result is 200 with an empty list.

use super::{Answer, Asked, Vendor};
use crate::support::signer::Signer;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// See the module.
pub struct Freshchat {
    pub token: String,
    pub signer: Signer,
    /// Their `reference_id`.
    pub users: Vec<String>,
    /// The user, and what was said.
    pub conversations: Vec<(usize, Vec<String>)>,
}

const CHANNEL: &str = "c-support";

impl Freshchat {
    pub fn new(token: &str, signer: Signer) -> Self {
        Self { token: token.to_owned(), signer, users: vec![], conversations: vec![] }
    }

    /// Its public key, as its settings show it.
    pub fn public_key(&self) -> String {
        let bare: String = self.signer.pem.lines().filter(|line| !line.starts_with("---")).collect();
        format!("-----BEGIN RSA PUBLIC KEY----- {bare} -----END RSA PUBLIC KEY-----")
    }

    /// An agent answers in a conversation.
    pub fn agent_writes(&mut self, at: usize, text: &str, picture: Option<&str>) -> String {
        let mut parts = vec![json!({ "text": { "content": text } })];
        parts.extend(picture.map(|url| json!({ "image": { "url": url } })));
        self.told(at, "agent", None, &parts)
    }

    /// An agent writes something for colleagues.
    pub fn agent_notes(&mut self, at: usize, text: &str) -> String {
        self.told(at, "agent", Some("private"), &[json!({ "text": { "content": text } })])
    }

    fn told(&mut self, at: usize, by: &str, kind: Option<&str>, parts: &[Value]) -> String {
        let (_, said) = &mut self.conversations[at];
        said.push(format!("{by}: {}", parts[0]["text"]["content"].as_str().unwrap_or_default()));
        let mut message = json!({ "message_parts": parts, "app_id": "app", "actor_id": "a-1", "id": format!("m-{at}-{}", said.len()),
            "channel_id": CHANNEL, "conversation_id": format!("conv-{at}"), "actor_type": by, "user_id": "u",
            "created_time": "2022-11-22T10:55:23.126Z", "restrictResponse": false });
        if let Some(kind) = kind {
            message["message_type"] = kind.into();
        }
        json!({ "actor": { "actor_type": by, "actor_id": "a-1" }, "action": "message_create",
            "action_time": "2022-11-22T10:55:23.126Z", "data": { "message": message } })
        .to_string()
    }

    fn user(&self, id: &Value) -> Option<usize> {
        let at = id.as_str()?.strip_prefix("user-")?.parse().ok()?;
        (at < self.users.len()).then_some(at)
    }
}

fn error(status: u16, name: &str) -> Answer {
    Answer::json(status, &json!({ "code": status, "status": name, "message": name.to_lowercase() }))
}

impl Vendor for Freshchat {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.bearer() != Some(&self.token) {
            return error(401, "UNAUTHENTICATED");
        }
        let parts = asked.parts();
        let body = asked.json().unwrap_or_default();
        let shown = |at: usize, who: &str| json!({ "id": format!("user-{at}"), "reference_id": who, "properties": [] });
        match (asked.method.as_str(), parts.as_slice()) {
            ("GET", ["v2", "users"]) => {
                let wanted = asked.query.get("reference_id");
                let found = self.users.iter().enumerate().filter(|(_, who)| Some(*who) == wanted);
                Answer::json(200, &json!({ "users": found.map(|(at, who)| shown(at, who)).collect::<Vec<_>>() }))
            }
            ("POST", ["v2", "users"]) => {
                let Some(who) = body["reference_id"].as_str() else { return error(400, "BAD_REQUEST") };
                self.users.push(who.to_owned());
                Answer::json(201, &shown(self.users.len() - 1, who))
            }
            ("POST", ["v2", "conversations"]) => {
                let message = &body["messages"][0];
                let text = message["message_parts"][0]["text"]["content"].as_str();
                let (Some(text), Some(user)) = (text, self.user(&body["users"][0]["id"])) else {
                    return error(400, "BAD_REQUEST");
                };
                if body["channel_id"] != CHANNEL || message["actor_type"] != "user" {
                    return error(404, "CHANNEL_NOT_FOUND");
                }
                self.conversations.push((user, vec![]));
                let at = self.conversations.len() - 1;
                let told = self.told(at, "user", None, &[json!({ "text": { "content": text } })]);
                let made = json!({ "conversation_id": format!("conv-{at}"), "channel_id": CHANNEL, "status": "new" });
                Answer::json(202, &made).hooks(told)
            }
            ("POST", ["v2", "conversations", id, "messages"]) => {
                let at = id.strip_prefix("conv-").and_then(|at| at.parse::<usize>().ok());
                let Some(at) = at.filter(|at| *at < self.conversations.len()) else {
                    return error(404, "CONVERSATION_NOT_FOUND");
                };
                let text = body["message_parts"][0]["text"]["content"].as_str().unwrap_or_default().to_owned();
                if text.is_empty() || body["actor_type"] != "user" || self.user(&body["actor_id"]).is_none() {
                    return error(400, "BAD_REQUEST");
                }
                let told = self.told(at, "user", Some("normal"), &[json!({ "text": { "content": text } })]);
                Answer::json(200, &json!({ "id": format!("m-{at}-{}", self.conversations[at].1.len()) })).hooks(told)
            }
            _ => error(404, "NOT_FOUND"),
        }
    }

    fn too_many(&self) -> Answer {
        error(429, "TOO_MANY_REQUESTS")
    }

    fn signed(&self, _url: &str, body: &str) -> Vec<(&'static str, String)> {
        let signature = STANDARD.encode(self.signer.signs_bytes(body.as_bytes()));
        vec![("content-type", "application/json".into()), ("x-freshchat-signature", signature)]
    }
}
