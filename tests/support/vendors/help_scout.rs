//! Help Scout: conversations of an inbox. What it makes has no body in its answer: the id is in a header.
//!
//! Written from, on 2026-11-29:
//! - <https://developer.helpscout.com/mailbox-api/endpoints/conversations/create>: `POST /v2/conversations`, with the first thread in it;
//!   a customer who is named by an e-mail address is made where there is none
//! - <https://app.unpkg.com/helpscout-mailbox-api@1.0.1/files/src/resources/Conversation/Thread.js>: `POST …/conversations/{id}/customer`
//! - <https://developer.helpscout.com/webhooks>: the body is the conversation; its event is told by a header
//!
//! Not verified, but from memory: 201 with `Resource-ID`, tokens at `/v2/oauth2/token` by client credentials in the form,
//! `X-HelpScout-Signature` as the base64 HMAC-SHA1 of the body, and threads in `_embedded`, the newest first.

use super::{Answer, Asked, Vendor, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// See the module.
pub struct HelpScout {
    pub client: (String, String),
    pub hook_secret: String,
    /// The customer's address, and the threads: their type, and what they say.
    pub conversations: Vec<(String, Vec<(&'static str, String)>)>,
}

impl HelpScout {
    pub fn new(client: (&str, &str), hook_secret: &str) -> Self {
        let client = (client.0.to_owned(), client.1.to_owned());
        Self { client, hook_secret: hook_secret.to_owned(), conversations: vec![] }
    }

    /// Somebody of the team answers.
    pub fn user_replies(&mut self, at: usize, html: &str) -> String {
        self.told(at, "message", html)
    }

    /// Somebody of the team writes a note.
    pub fn user_notes(&mut self, at: usize, html: &str) -> String {
        self.told(at, "note", html)
    }

    fn told(&mut self, at: usize, kind: &'static str, html: &str) -> String {
        let threads = &mut self.conversations[at].1;
        threads.push((kind, html.to_owned()));
        let thread = |(n, (kind, body)): (usize, &(&str, String))| {
            let (by, first) = if *kind == "customer" { ("customer", "Ana") } else { ("user", "Ada") };
            json!({ "id": 1_000 * (at + 1) + n, "type": kind, "status": "active", "body": body,
                "createdBy": { "id": 7, "type": by, "first": first, "last": "L." } })
        };
        let threads: Vec<Value> = threads.iter().enumerate().rev().map(thread).collect();
        json!({ "id": at + 1, "number": 349, "type": "chat", "status": "active", "mailboxId": 85, "_embedded": { "threads": threads } })
            .to_string()
    }
}

fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "logRef": "…", "message": message, "_embedded": { "errors": [] } }))
}

fn made(id: usize) -> Answer {
    Answer::text(201, "").with("resource-id", &id.to_string()).with("location", "https://api.helpscout.example/v2/…")
}

impl Vendor for HelpScout {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.path == "/v2/oauth2/token" {
            let form = asked.form().unwrap_or_default();
            let client = (form["client_id"].clone(), form["client_secret"].clone());
            if client != self.client || form["grant_type"] != "client_credentials" {
                return Answer::json(401, &json!({ "error": "invalid_client" }));
            }
            return Answer::json(200, &json!({ "token_type": "bearer", "access_token": "t-1", "expires_in": 172_800 }));
        }
        if asked.bearer() != Some("t-1") {
            return error(401, "Unauthorized");
        }
        let body = asked.json().unwrap_or_default();
        match (asked.method.as_str(), asked.parts().as_slice()) {
            ("POST", ["v2", "conversations"]) => {
                let first = &body["threads"][0];
                let (Some(email), Some(text)) = (body["customer"]["email"].as_str(), first["text"].as_str()) else {
                    return error(400, "Bad request");
                };
                if body["mailboxId"] != 85 || body["type"] != "chat" || first["type"] != "customer" {
                    return error(400, "Bad request");
                }
                self.conversations.push((email.to_owned(), vec![("customer", text.to_owned())]));
                made(self.conversations.len())
            }
            ("POST", ["v2", "conversations", id, "customer"]) => {
                let at = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
                let Some((email, threads)) = at.and_then(|at| self.conversations.get_mut(at)) else {
                    return error(404, "Not found");
                };
                let Some(text) = body["text"].as_str().filter(|_| body["customer"]["email"] == **email) else {
                    return error(400, "Bad request");
                };
                threads.push(("customer", text.to_owned()));
                made(threads.len())
            }
            _ => error(404, "Not found"),
        }
    }

    fn too_many(&self) -> Answer {
        error(429, "Too many requests").with("x-ratelimit-retry-after", "1")
    }

    fn signed(&self, _url: &str, body: &str) -> Vec<(&'static str, String)> {
        let signature = hmac(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.hook_secret, body);
        vec![
            ("content-type", "application/json".into()),
            ("x-helpscout-event", "convo.agent.reply.created".into()),
            ("x-helpscout-signature", STANDARD.encode(signature)),
        ]
    }
}
