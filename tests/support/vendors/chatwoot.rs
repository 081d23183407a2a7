//! Chatwoot: an inbox of the kind "API channel", self-hosted or in the cloud.
//!
//! Written from, on 2026-11-29:
//! - <https://developers.chatwoot.com/api-reference/contacts-api/create-a-contact> and its neighbours: the public API needs the
//!   inbox's identifier and no other secret
//! - <https://developers.chatwoot.com/api-reference/messages-api/create-a-message>: `content`, `echo_id`
//! - <https://github.com/chatwoot/chatwoot>, `app/controllers/public/api/v1/inboxes`: 404 with `Resource could not be found`; a
//!   contact that is made again under the same `source_id` is the one that there is; conversations are a plain array
//! - the same, `app/models/message.rb`: at most 150,000 characters, 422; a customer's message opens a resolved conversation
//! - the same, `config/initializers/rack_attack.rb`: 3,000 requests a minute and address, then 429 `Retry later`
//! - the same, `app/listeners/webhook_listener.rb` and `lib/webhooks/trigger.rb`: everything that happens in the inbox is POSTed to
//!   its `webhook_url`, what the customer wrote through the API included; 5 s, and no second attempt
//! - the same, `app/controllers/api/v1/accounts/conversations/messages_controller.rb`: a message that is deleted has another content,
//!   and `deleted` among its `content_attributes`; `message_updated` is POSTed, as for every change of a message's row
//! - <https://www.chatwoot.com/hc/user-guide/articles/1677693021-how-to-use-webhooks>: `X-Chatwoot-Signature`, `sha256=` and the
//!   HMAC-SHA256 of `timestamp.body`

use super::{Answer, Asked, Vendor, hex_hmac, now};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet, hash_map::DefaultHasher},
    hash::{BuildHasher, BuildHasherDefault},
};

/// Characters of a message.
const LONGEST: usize = 150_000;

/// See the module.
pub struct Chatwoot {
    pub inbox: String,
    pub secret: String,
    /// By `source_id`: the contact's name.
    pub contacts: BTreeMap<String, String>,
    pub conversations: Vec<Conversation>,
    /// Every message is answered, once: `re: …`.
    pub has_agents: bool,
    answered: HashSet<String>,
    last_id: u64,
    /// What the last message was told with.
    last: Value,
}

/// A conversation; its number among those of the account is its place, from 1.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub source: String,
    pub status: &'static str,
    /// Who wrote, `contact` or `user`, and what.
    pub messages: Vec<(&'static str, String)>,
}

impl Chatwoot {
    pub fn new(inbox: &str, secret: &str) -> Self {
        Self {
            inbox: inbox.to_owned(),
            secret: secret.to_owned(),
            contacts: BTreeMap::new(),
            conversations: vec![],
            has_agents: false,
            answered: HashSet::new(),
            last_id: 100,
            last: Value::Null,
        }
    }

    /// What was said in the conversations of a contact.
    pub fn said(&self, source: &str) -> Vec<String> {
        let all = self.conversations.iter().filter(|one| one.source == source).flat_map(|one| &one.messages);
        all.map(|(by, text)| format!("{by}: {text}")).collect()
    }

    /// An agent answers in the newest conversation of a contact, or leaves a note for others.
    pub fn agent_writes(&mut self, source: &str, text: &str, is_private: bool) -> String {
        let at = self.conversations.iter().rposition(|one| one.source == source).expect("a conversation");
        if !is_private {
            self.conversations[at].messages.push(("user", text.to_owned()));
        }
        let sender = json!({ "id": 1, "name": "Ada", "email": "ada@example.com", "type": "user" });
        self.created(at, text, "outgoing", &sender, is_private)
    }

    /// Something of the newest message has changed, like whether it was read; what the vendor POSTs.
    pub fn updates(&mut self, changes: &Value) -> String {
        self.last["event"] = "message_updated".into();
        for (name, value) in changes.as_object().expect("an object") {
            self.last[name] = value.clone();
        }
        self.last.to_string()
    }

    /// An agent deletes the newest message.
    pub fn agent_deletes(&mut self) -> String {
        self.updates(&json!({ "content": "This message was deleted", "content_attributes": { "deleted": true } }))
    }

    /// The agent is done with it.
    pub fn resolves(&mut self, source: &str) -> String {
        let at = self.conversations.iter().rposition(|one| one.source == source).expect("a conversation");
        self.conversations[at].status = "resolved";
        let mut told = self.shown(at);
        told["event"] = "conversation_status_changed".into();
        told.to_string()
    }

    fn created(&mut self, at: usize, text: &str, kind: &str, sender: &Value, is_private: bool) -> String {
        self.last_id += 1;
        self.last = json!({
            "id": self.last_id, "content": text, "created_at": "2026-11-29T12:00:00.000Z", "message_type": kind,
            "content_type": "text", "content_attributes": {}, "source_id": null, "private": is_private, "sender": sender,
            "inbox": { "id": 1, "name": "App" }, "conversation": self.shown(at), "account": { "id": 1, "name": "Acme" },
            "event": "message_created",
        });
        self.last.to_string()
    }

    fn shown(&self, at: usize) -> Value {
        let one = &self.conversations[at];
        json!({ "id": at + 1, "inbox_id": 1, "status": one.status, "channel": "Channel::Api", "can_reply": true,
            "contact_inbox": { "id": 12, "contact_id": 14, "inbox_id": 1, "source_id": one.source, "hmac_verified": false } })
    }

    fn contact(&self, source: &str) -> Answer {
        match self.contacts.get(source) {
            Some(name) => {
                let contact =
                    json!({ "source_id": source, "pubsub_token": "p", "id": 14, "name": name, "email": null });
                Answer::json(200, &contact)
            }
            None => not_found(),
        }
    }

    fn message(&mut self, source: &str, number: &str, body: &Value) -> Answer {
        let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let Some(at) = at.filter(|at| self.conversations.get(*at).is_some_and(|one| one.source == source)) else {
            return not_found();
        };
        let text = body["content"].as_str().unwrap_or_default().to_owned();
        if text.chars().count() > LONGEST {
            let words = format!("Content is too long (maximum is {LONGEST} characters)");
            return Answer::json(422, &json!({ "message": words, "attributes": ["content"] }));
        }
        let one = &mut self.conversations[at];
        one.status = "open";
        one.messages.push(("contact", text.clone()));
        let sender = json!({ "id": 14, "name": self.contacts[source], "type": "contact" });
        let told = self.created(at, &text, "incoming", &sender, false);
        let made = json!({ "id": self.last_id, "content": text, "message_type": 0, "content_type": "text",
            "content_attributes": {}, "created_at": now(), "conversation_id": at + 1, "sender": sender });
        let mut answer = Answer::json(200, &made).hooks(told);
        let echo = body["echo_id"].as_str().unwrap_or_default();
        if self.has_agents && self.answered.insert(echo.to_owned()) {
            let body = self.agent_writes(source, &format!("re: {text}"), false);
            answer.by_agents.push((source.to_owned(), body));
        }
        answer
    }
}

fn not_found() -> Answer {
    Answer::json(404, &json!({ "error": "Resource could not be found" }))
}

impl Vendor for Chatwoot {
    fn answer(&mut self, asked: &Asked) -> Answer {
        let parts = asked.parts();
        let ["public", "api", "v1", "inboxes", inbox, "contacts", rest @ ..] = parts.as_slice() else {
            return not_found();
        };
        if *inbox != self.inbox {
            return not_found();
        }
        let body = match (asked.method.as_str(), asked.json()) {
            ("POST", None) => return Answer::json(400, &json!({ "status": 400, "error": "Bad Request" })),
            (_, body) => body.unwrap_or_default(),
        };
        match (asked.method.as_str(), rest) {
            ("GET", [source]) => self.contact(source),
            ("POST", []) => {
                let made = self.contacts.len();
                let source = body["source_id"].as_str().map_or_else(|| format!("made-{made}"), ToOwned::to_owned);
                let name = body["name"].as_str().unwrap_or("nameless-cloud-1").to_owned();
                self.contacts.entry(source.clone()).or_insert(name);
                self.contact(&source)
            }
            (_, [source, "conversations", ..]) if !self.contacts.contains_key(*source) => not_found(),
            ("GET", [source, "conversations"]) => {
                let all = (0..self.conversations.len()).filter(|at| self.conversations[*at].source == *source);
                Answer::json(200, &all.map(|at| self.shown(at)).collect())
            }
            ("POST", [source, "conversations"]) => {
                let source = (*source).to_owned();
                self.conversations.push(Conversation { source, status: "open", messages: vec![] });
                let shown = self.shown(self.conversations.len() - 1);
                let mut told = shown.clone();
                told["event"] = "conversation_created".into();
                Answer::json(200, &shown).hooks(told.to_string())
            }
            ("POST", [source, "conversations", number, "messages"]) => self.message(source, number, &body),
            _ => not_found(),
        }
    }

    fn too_many(&self) -> Answer {
        Answer::text(429, "Retry later\n").with("content-type", "text/plain")
    }

    fn signed(&self, _url: &str, body: &str) -> Vec<(&'static str, String)> {
        let at = now();
        let signature = hex_hmac(ring::hmac::HMAC_SHA256, &self.secret, &format!("{at}.{body}"));
        vec![
            ("content-type", "application/json".into()),
            // Another for each webhook, and the same when it is sent again.
            (
                "x-chatwoot-delivery",
                format!("delivery-{}", BuildHasherDefault::<DefaultHasher>::default().hash_one(body)),
            ),
            ("x-chatwoot-timestamp", at.to_string()),
            ("x-chatwoot-signature", format!("sha256={signature}")),
        ]
    }
}
