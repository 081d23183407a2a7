//! Front: a custom channel.
//!
//! Written from, on 2026-11-29:
//! - <https://dev.frontapp.com/reference/receive-custom-messages>: `POST /channels/{id}/incoming_messages` (202), `sender.handle` and
//!   `body` required, `metadata.thread_ref` says which conversation it belongs to; `message_uid`
//! - <https://dev.frontapp.com/docs/errors>, <https://dev.frontapp.com/docs/rate-limiting>: `{"_error":{status,title,message}}`; 429
//!   with `Retry-After`
//! - <https://dev.frontapp.com/docs/creating-a-custom-channel>: what a teammate answers is POSTed to the channel's address, as a
//!   message with HTML in `body`
//! - <https://dev.frontapp.com/docs/rule-webhooks>: `X-Front-Signature`, the base64 HMAC-SHA1 of the body by the API secret
//! - <https://dev.frontapp.com/docs/application-webhooks>, <https://dev.frontapp.com/docs/security-1>: of an application, and of its
//!   channels, the base64 HMAC-SHA256 of `timestamp:body`, with `X-Front-Request-Timestamp` in milliseconds
//!
//! Not verified: which of the two signs what a custom channel sends; both are tried.

use super::{Answer, Asked, Vendor, hmac, now};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use std::collections::BTreeMap;

/// See the module.
pub struct Front {
    pub token: String,
    pub secret: String,
    pub channel: String,
    /// It signs as applications do.
    pub by_application: bool,
    /// By `thread_ref`: who wrote, and what.
    pub threads: BTreeMap<String, Vec<(String, String)>>,
    sent: usize,
}

impl Front {
    pub fn new(token: &str, secret: &str, channel: &str) -> Self {
        let [token, secret, channel] = [token, secret, channel].map(ToOwned::to_owned);
        Self { token, secret, channel, by_application: false, threads: BTreeMap::new(), sent: 0 }
    }

    /// A teammate answers in a thread.
    pub fn teammate_writes(&mut self, thread: &str, html: &str) -> String {
        self.sent += 1;
        json!({ "_links": {}, "id": format!("msg_{}", self.sent), "type": "custom", "is_inbound": false, "created_at": 1.5,
            "blurb": "…", "body": html, "text": "…", "author": { "id": "tea_1", "first_name": "Ada", "username": "ada" },
            "recipients": [{ "handle": "ana", "role": "to" }], "attachments": [{ "filename": "a.png", "url": "https://f.example/a" }],
            "metadata": { "thread_ref": thread } })
        .to_string()
    }
}

fn error(status: u16, title: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "_error": { "status": status, "title": title, "message": message } }))
}

impl Vendor for Front {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.bearer() != Some(&self.token) {
            return error(401, "Unauthenticated", "Invalid token");
        }
        if asked.method != "POST" || asked.path != format!("/channels/{}/incoming_messages", self.channel) {
            return error(404, "Not found", "The resource was not found");
        }
        let body = asked.json().unwrap_or_default();
        let word = |pointer: &str| body.pointer(pointer).and_then(|word| word.as_str()).unwrap_or_default().to_owned();
        let (handle, text, thread) = (word("/sender/handle"), word("/body"), word("/metadata/thread_ref"));
        if handle.is_empty() || text.is_empty() {
            return error(400, "Bad request", "Body did not satisfy requirements");
        }
        self.threads.entry(thread).or_default().push((handle, text));
        self.sent += 1;
        Answer::json(202, &json!({ "status": "accepted", "message_uid": format!("uid-{}", self.sent) }))
    }

    fn too_many(&self) -> Answer {
        error(429, "Rate limit exceeded", "Too many requests").with("retry-after", "1")
    }

    fn signed(&self, _url: &str, body: &str) -> Vec<(&'static str, String)> {
        if self.by_application {
            let at = now() * 1_000;
            let signature = hmac(ring::hmac::HMAC_SHA256, &self.secret, &format!("{at}:{body}"));
            return vec![
                ("content-type", "application/json".into()),
                ("x-front-request-timestamp", at.to_string()),
                ("x-front-signature", STANDARD.encode(signature)),
            ];
        }
        let signature = hmac(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret, body);
        vec![("content-type", "application/json".into()), ("x-front-signature", STANDARD.encode(signature))]
    }
}
