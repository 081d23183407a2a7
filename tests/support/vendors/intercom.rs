//! Intercom, version 2.11 of its API.
//!
//! Written from, on 2026-11-29:
//! - <https://developers.intercom.com/docs/references/2.11/rest-api/api.intercom.io/contacts>: `POST /contacts/search`,
//!   `POST /contacts` (409 `conflict` where `external_id` is taken)
//! - <https://developers.intercom.com/docs/references/2.11/rest-api/api.intercom.io/conversations>: `POST /conversations` with
//!   `from` and `body` makes the conversation with its first message and answers `conversation_id`; `POST /conversations/{id}/reply`;
//!   `POST /conversations/search` with `AND`, `=` and `~` (contains), `source.body` being what opened the conversation; what a
//!   contact writes is no HTML, and is shown as such
//! - <https://developers.intercom.com/docs/build-an-integration/learn-more/rest-apis/error-codes>: `{"type":"error.list","errors":[…]}`
//! - <https://developers.intercom.com/docs/references/2.11/rest-api/errors/rate-limiting>: 429, `X-RateLimit-Reset`, no `Retry-After`
//! - <https://developers.intercom.com/docs/references/2.11/webhooks/webhook-models>: `notification_event`, `ping`; an agent's
//!   answer is HTML in `conversation_parts`; `X-Hub-Signature`, `sha1=` and the HMAC-SHA1 of the body by the app's client secret;
//!   an answer within 5 s, and one more attempt after a minute

use super::{Answer, Asked, Vendor, hex_hmac, now};
use serde_json::{Value, json};

/// See the module.
pub struct Intercom {
    pub token: String,
    pub client_secret: String,
    /// Their own ids.
    pub contacts: Vec<String>,
    pub conversations: Vec<Conversation>,
    notifications: usize,
}

/// A conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub id: String,
    pub contact: String,
    pub created_at: i64,
    /// Who wrote, and what, in HTML.
    pub parts: Vec<(&'static str, String)>,
}

impl Intercom {
    pub fn new(token: &str, client_secret: &str) -> Self {
        let (token, client_secret) = (token.to_owned(), client_secret.to_owned());
        Self { token, client_secret, contacts: vec![], conversations: vec![], notifications: 0 }
    }

    /// What was said in each conversation of a customer.
    pub fn said(&self, external_id: &str) -> Vec<Vec<String>> {
        let contact = contact_id(external_id);
        let all = self.conversations.iter().filter(|one| one.contact == contact);
        all.map(|one| one.parts.iter().map(|(by, html)| format!("{by}: {html}")).collect()).collect()
    }

    /// An agent answers in the conversation with this number.
    pub fn agent_writes(&mut self, at: usize, html: &str) -> String {
        self.conversations[at].parts.push(("admin", html.to_owned()));
        self.told(at, "conversation.admin.replied", "comment", html)
    }

    /// A note that no customer should see.
    pub fn agent_notes(&mut self, at: usize, html: &str) -> String {
        self.told(at, "conversation.admin.noted", "note", html)
    }

    /// What is sent to try an address.
    pub fn ping() -> String {
        json!({ "type": "notification_event", "app_id": "a86dr8yl", "data": { "type": "notification_event_data",
            "item": { "type": "ping", "message": "hello" } }, "links": {}, "id": null, "topic": "ping",
            "delivery_status": null, "delivery_attempts": 1, "delivered_at": 0, "first_sent_at": now(), "created_at": now() })
        .to_string()
    }

    fn told(&mut self, at: usize, topic: &str, kind: &str, html: &str) -> String {
        self.notifications += 1;
        let one = &self.conversations[at];
        let part = json!({ "type": "conversation_part", "id": format!("{}{}", one.id, self.notifications), "part_type": kind,
            "body": html, "created_at": now(), "author": { "type": "admin", "id": "991267645", "name": "Ada" }, "attachments": [] });
        let parts = json!({ "type": "conversation_part.list", "conversation_parts": [part], "total_count": 1 });
        let item = json!({ "type": "conversation", "id": one.id, "created_at": one.created_at, "open": true,
            "contacts": { "type": "contact.list", "contacts": [{ "type": "contact", "id": one.contact }] },
            "conversation_parts": parts });
        json!({ "type": "notification_event", "app_id": "a86dr8yl", "data": { "type": "notification_event_data", "item": item },
            "links": {}, "id": format!("notif_{}", self.notifications), "topic": topic, "delivery_status": "pending",
            "delivery_attempts": 1, "delivered_at": 0, "first_sent_at": now(), "created_at": now() })
        .to_string()
    }

    fn shown(&self, at: usize) -> Value {
        let one = &self.conversations[at];
        json!({ "type": "conversation", "id": one.id, "created_at": one.created_at, "open": true, "state": "open" })
    }

    fn conversation(&mut self, body: &Value) -> Answer {
        let from = body["from"]["id"].as_str().unwrap_or_default().to_owned();
        if !self.contacts.iter().any(|id| contact_id(id) == from) {
            return error(404, "not_found", "User Not Found");
        }
        let Some(text) = said(body) else { return error(400, "parameter_invalid", "body is required") };
        let at = self.conversations.len();
        let id = format!("{}", 460 + at);
        self.conversations.push(Conversation {
            id,
            contact: from,
            created_at: now(),
            parts: vec![("user", text.clone())],
        });
        let told = self.told(at, "conversation.user.created", "comment", &text);
        let made = json!({ "type": "user_message", "id": format!("4036182{at}"), "created_at": now(), "body": text,
            "message_type": "inapp", "conversation_id": self.conversations[at].id });
        Answer::json(200, &made).hooks(told)
    }

    fn reply(&mut self, id: &str, body: &Value) -> Answer {
        let Some(at) = self.conversations.iter().position(|one| one.id == id) else {
            return error(404, "not_found", "Resource Not Found");
        };
        if body["message_type"] != "comment" || body["type"] != "user" {
            return error(400, "parameter_invalid", "message_type must be comment, type must be user");
        }
        if body["intercom_user_id"] != self.conversations[at].contact.as_str() {
            return error(404, "not_found", "User Not Found");
        }
        let Some(text) = said(body) else { return error(400, "parameter_invalid", "body is required") };
        self.conversations[at].parts.push(("user", text.clone()));
        let told = self.told(at, "conversation.user.replied", "comment", &text);
        Answer::json(200, &self.shown(at)).hooks(told)
    }

    /// `AND` of fields, or one.
    fn matching(&self, at: usize, query: &Value) -> bool {
        let one = &self.conversations[at];
        match query["field"].as_str() {
            None => query["value"].as_array().is_some_and(|all| all.iter().all(|part| self.matching(at, part))),
            Some("contact_ids") => query["operator"] == "=" && query["value"] == one.contact.as_str(),
            Some("source.body") => {
                query["operator"] == "~" && query["value"].as_str().is_some_and(|text| one.parts[0].1.contains(text))
            }
            Some(_) => false,
        }
    }
}

/// What a contact wrote, as it is kept: HTML.
fn said(body: &Value) -> Option<String> {
    let text = body["body"].as_str().filter(|text| !text.is_empty())?;
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Some(format!("<p>{text}</p>"))
}

fn contact_id(external_id: &str) -> String {
    format!("5ba682d23d7cf92bef87bfd4-{external_id}")
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    let one = json!({ "code": code, "message": message });
    Answer::json(status, &json!({ "type": "error.list", "request_id": "b68959ea-6328-4f70", "errors": [one] }))
}

impl Vendor for Intercom {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.bearer() != Some(&self.token) {
            return error(401, "unauthorized", "Access Token Invalid");
        }
        if asked.header("intercom-version") != "2.11" {
            return error(400, "intercom_version_invalid", "The requested version could not be found");
        }
        let Some(body) = asked.json() else { return error(400, "bad_request", "bad 'Content-Type' header") };
        let parts = asked.parts();
        let contact = |id: &str| json!({ "type": "contact", "id": contact_id(id), "external_id": id, "role": "user" });
        match (asked.method.as_str(), parts.as_slice()) {
            ("POST", ["contacts", "search"]) => {
                let query = &body["query"];
                if query["field"] != "external_id" || query["operator"] != "=" {
                    return error(400, "client_error", "Invalid query");
                }
                let found = self.contacts.iter().filter(|id| query["value"] == id.as_str());
                let found: Vec<_> = found.map(|id| contact(id)).collect();
                Answer::json(200, &json!({ "type": "list", "total_count": found.len(), "data": found }))
            }
            ("POST", ["contacts"]) => {
                let Some(id) = body["external_id"].as_str() else {
                    return error(400, "parameter_not_found", "email, external_id or phone is required");
                };
                if self.contacts.iter().any(|one| one == id) {
                    let words = format!("A contact matching those details already exists with id={}", contact_id(id));
                    return error(409, "conflict", &words);
                }
                self.contacts.push(id.to_owned());
                Answer::json(200, &contact(id))
            }
            ("POST", ["conversations", "search"]) => {
                let all = (0..self.conversations.len()).filter(|at| self.matching(*at, &body["query"]));
                let all: Vec<_> = all.map(|at| self.shown(at)).collect();
                Answer::json(
                    200,
                    &json!({ "type": "conversation.list", "total_count": all.len(), "conversations": all }),
                )
            }
            ("POST", ["conversations"]) => self.conversation(&body),
            ("POST", ["conversations", id, "reply"]) => self.reply(id, &body),
            _ => error(404, "not_found", "Resource Not Found"),
        }
    }

    fn too_many(&self) -> Answer {
        let reset = (now() + 1).to_string();
        error(429, "rate_limit_exceeded", "Exceeded rate limit of 167 in 10_seconds").with("x-ratelimit-reset", &reset)
    }

    fn signed(&self, _url: &str, body: &str) -> Vec<(&'static str, String)> {
        let signature = hex_hmac(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.client_secret, body);
        vec![("content-type", "application/json".into()), ("x-hub-signature", format!("sha1={signature}"))]
    }
}
