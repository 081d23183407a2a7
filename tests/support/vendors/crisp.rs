//! Crisp: conversations of a website, by a plugin.
//!
//! Written from, on 2026-11-29:
//! - <https://docs.crisp.chat/references/rest-api/v1/>: `POST …/conversation` (201) answers `session_id`; messages (202) answer a
//!   `fingerprint`; `{"error":true,"reason":…}`
//! - <https://docs.crisp.chat/guides/rest-api/authentication/>: basic, identifier and key, and `X-Crisp-Tier: plugin`
//! - <https://docs.crisp.chat/guides/rest-api/rate-limits/>: 420 or 429, `rate_limited`
//! - <https://docs.crisp.chat/references/web-hooks/v1/>, and `verifyHook` of <https://github.com/crisp-im/node-crisp-api>:
//!   `X-Crisp-Signature`, the hex HMAC-SHA256 of `[timestamp;body]`, with `X-Crisp-Request-Timestamp`. That is what plugins get: web hooks
//!   of a website have no signature, but whatever `?key=` their address was given

use super::{Answer, Asked, Vendor, hex_hmac, now};
use serde_json::{Value, json};

/// See the module.
pub struct Crisp {
    pub website: String,
    pub key: (String, String),
    pub hook_secret: String,
    /// Who wrote, and what.
    pub conversations: Vec<Vec<(&'static str, String)>>,
}

impl Crisp {
    pub fn new(website: &str, key: (&str, &str), hook_secret: &str) -> Self {
        let key = (key.0.to_owned(), key.1.to_owned());
        Self { website: website.to_owned(), key, hook_secret: hook_secret.to_owned(), conversations: vec![] }
    }

    /// An operator answers in a conversation.
    pub fn operator_writes(&mut self, at: usize, text: &str) -> String {
        self.conversations[at].push(("operator", text.to_owned()));
        self.told(at, "operator", "text", &text.into())
    }

    /// An operator sends a file.
    pub fn operator_sends(&mut self, at: usize, url: &str) -> String {
        self.conversations[at].push(("operator", url.to_owned()));
        self.told(at, "operator", "file", &json!({ "name": "bill.pdf", "url": url, "type": "application/pdf" }))
    }

    fn told(&self, at: usize, from: &str, kind: &str, content: &Value) -> String {
        let event = if from == "operator" { "message:received" } else { "message:send" };
        let print = 163_239_819_309_854_u64 + self.conversations[at].len() as u64;
        json!({ "website_id": self.website, "event": event, "timestamp": now() * 1_000, "data": {
            "website_id": self.website, "session_id": session_id(at), "type": kind, "from": from, "origin": "chat",
            "content": content, "fingerprint": print, "user": { "nickname": "Ada", "user_id": "u-1" } } })
        .to_string()
    }
}

fn session_id(at: usize) -> String {
    format!("session_{at:08x}-e4c5-4a2c-a3b6-000000000000")
}

fn error(status: u16, reason: &str) -> Answer {
    Answer::json(status, &json!({ "error": true, "reason": reason, "data": {} }))
}

impl Vendor for Crisp {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.header("x-crisp-tier") != "plugin" || asked.basic().as_ref() != Some(&self.key) {
            return error(401, "invalid_session");
        }
        let parts = asked.parts();
        let body = asked.json().unwrap_or_default();
        let ["v1", "website", website, "conversation", rest @ ..] = parts.as_slice() else {
            return error(404, "route_not_found");
        };
        if *website != self.website {
            return error(403, "not_allowed");
        }
        let at = rest.first().and_then(|id| (0..self.conversations.len()).find(|at| session_id(*at) == *id));
        match (asked.method.as_str(), rest, at) {
            ("POST", [], _) => {
                self.conversations.push(vec![]);
                let id = session_id(self.conversations.len() - 1);
                Answer::json(201, &json!({ "error": false, "reason": "added", "data": { "session_id": id } }))
            }
            (_, [_, ..], None) => error(404, "session_not_found"),
            ("PATCH", [_, "meta"], Some(_)) if body["nickname"].is_string() => {
                Answer::json(200, &json!({ "error": false, "reason": "updated", "data": {} }))
            }
            ("POST", [_, "message"], Some(at)) => {
                let text = body["content"].as_str().unwrap_or_default().to_owned();
                if body["type"] != "text" || body["from"] != "user" || body["origin"] != "chat" || text.is_empty() {
                    return error(400, "invalid_data");
                }
                self.conversations[at].push(("user", text.clone()));
                let told = self.told(at, "user", "text", &text.into());
                let data = json!({ "fingerprint": 163_239_819_309_854_u64 });
                Answer::json(202, &json!({ "error": false, "reason": "dispatched", "data": data })).hooks(told)
            }
            _ => error(404, "route_not_found"),
        }
    }

    fn too_many(&self) -> Answer {
        error(429, "rate_limited")
    }

    fn signed(&self, _url: &str, body: &str) -> Vec<(&'static str, String)> {
        let at = now() * 1_000;
        let signature = hex_hmac(ring::hmac::HMAC_SHA256, &self.hook_secret, &format!("[{at};{body}]"));
        vec![
            ("content-type", "application/json".into()),
            ("x-crisp-request-timestamp", at.to_string()),
            ("x-crisp-signature", signature),
        ]
    }
}
