//! Twilio Conversations.
//!
//! Written from, on 2026-11-29:
//! - <https://www.twilio.com/docs/conversations/api/conversation-resource>: form bodies; a conversation is addressed by its SID or
//!   its `UniqueName`, which there is once (409, 50353)
//! - <https://www.twilio.com/docs/conversations/api/conversation-message-resource>: `Author`, `Body` of at most 1,600 characters,
//!   `Attributes` that must be JSON; webhooks only with `X-Twilio-Webhook-Enabled: true`
//! - <https://www.twilio.com/docs/usage/requests-to-twilio>: basic, account and token; errors as `{code, message, more_info, status}`
//! - <https://www.twilio.com/docs/api/errors/50504>, <https://www.twilio.com/docs/api/errors/20429>: too long; too many
//! - the same: a message is changed by POST (200) and deleted by DELETE (204) to its own address
//! - <https://www.twilio.com/docs/conversations/conversations-webhooks>: `onMessageAdded`, `onMessageUpdated` and
//!   `onMessageRemoved` as a form, an answer within 5 s
//! - <https://www.twilio.com/docs/usage/security>: `X-Twilio-Signature`, HMAC-SHA1 over the URL and the sorted fields

use super::{Answer, Asked, Vendor, asked::form, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

/// Characters of a message.
const LONGEST: usize = 1_600;

/// See the module.
pub struct Twilio {
    pub account: String,
    pub token: String,
    pub conversations: Vec<Conversation>,
}

/// A conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub sid: String,
    pub unique_name: Option<String>,
    /// Who wrote, and what.
    pub messages: Vec<(String, String)>,
}

impl Twilio {
    pub fn new(account: &str, token: &str) -> Self {
        Self { account: account.to_owned(), token: token.to_owned(), conversations: vec![] }
    }

    /// What was said in a conversation.
    pub fn said(&self, unique_name: &str) -> Vec<String> {
        let all = self.conversations.iter().filter(|one| one.unique_name.as_deref() == Some(unique_name));
        all.flat_map(|one| &one.messages).map(|(by, text)| format!("{by}: {text}")).collect()
    }

    /// An agent answers with one of the SDKs.
    pub fn agent_writes(&mut self, unique_name: &str, text: &str) -> String {
        let at = self.conversations.iter().position(|one| one.unique_name.as_deref() == Some(unique_name));
        self.added(at.expect("a conversation"), "ada", text, "SDK")
    }

    fn added(&mut self, at: usize, author: &str, text: &str, source: &str) -> String {
        let one = &mut self.conversations[at];
        one.messages.push((author.to_owned(), text.to_owned()));
        let index = one.messages.len() - 1;
        form(&[
            ("EventType", "onMessageAdded"),
            ("Attributes", "{}"),
            ("DateCreated", "2026-11-29T12:00:00.111Z"),
            ("Index", &index.to_string()),
            ("MessageSid", &sid("IM", 1_000 * at + index)),
            ("AccountSid", &self.account),
            ("Source", source),
            ("ClientIdentity", author),
            ("RetryCount", "0"),
            ("Author", author),
            ("ParticipantSid", &sid("MB", at)),
            ("Body", text),
            ("ConversationSid", &one.sid),
        ])
    }

    /// An agent changes the message at this place, from 0.
    pub fn agent_edits(&mut self, unique_name: &str, index: usize, text: &str) -> String {
        let at = self.found(unique_name).expect("a conversation");
        self.conversations[at].messages[index].1 = text.to_owned();
        self.told("onMessageUpdated", at, index)
    }

    /// The same, and it is gone: its place stays empty.
    pub fn agent_deletes(&mut self, unique_name: &str, index: usize) -> String {
        let at = self.found(unique_name).expect("a conversation");
        let told = self.told("onMessageRemoved", at, index);
        self.conversations[at].messages[index].1 = String::new();
        told
    }

    fn told(&self, kind: &str, at: usize, index: usize) -> String {
        let one = &self.conversations[at];
        let (author, text) = &one.messages[index];
        form(&[
            ("EventType", kind),
            ("Attributes", "{}"),
            ("DateUpdated", "2026-11-29T12:05:00.111Z"),
            ("Index", &index.to_string()),
            ("MessageSid", &sid("IM", 1_000 * at + index)),
            ("AccountSid", &self.account),
            ("Source", "SDK"),
            ("RetryCount", "0"),
            ("Author", author),
            ("Body", text),
            ("ConversationSid", &one.sid),
        ])
    }

    fn conversation(&self, at: usize) -> Answer {
        let one = &self.conversations[at];
        let shown = json!({ "sid": one.sid, "account_sid": self.account, "chat_service_sid": sid("IS", 1),
            "friendly_name": null, "unique_name": one.unique_name, "attributes": "{}", "state": "active" });
        Answer::json(200, &shown)
    }

    /// The URL, then the fields in the order of their names, each name and value one after another.
    pub fn signature(&self, url: &str, body: &str) -> String {
        let fields = super::asked::fields(body);
        let signed = fields.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
        STANDARD.encode(hmac(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.token, &signed))
    }

    fn found(&self, name: &str) -> Option<usize> {
        self.conversations.iter().position(|one| one.sid == name || one.unique_name.as_deref() == Some(name))
    }
}

fn sid(kind: &str, number: usize) -> String {
    format!("{kind}{number:032x}")
}

fn error(status: u16, code: u32, message: &str) -> Answer {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    Answer::json(status, &json!({ "code": code, "message": message, "more_info": more, "status": status }))
}

impl Vendor for Twilio {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.basic() != Some((self.account.clone(), self.token.clone())) {
            return error(401, 20003, "Authenticate");
        }
        let parts = asked.parts();
        let not_found = || error(404, 20404, &format!("The requested resource {} was not found", asked.path));
        let fields = match (asked.method.as_str(), asked.form()) {
            ("POST", None) => return error(400, 20001, "Invalid parameters: the body is no form"),
            (_, fields) => fields.unwrap_or_default(),
        };
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        match (asked.method.as_str(), parts.as_slice()) {
            ("GET", ["v1", "Conversations", name]) => match self.found(name) {
                Some(at) => self.conversation(at),
                None => not_found(),
            },
            ("POST", ["v1", "Conversations"]) => {
                let unique_name = fields.get("UniqueName").cloned();
                if unique_name.as_deref().is_some_and(|name| self.found(name).is_some()) {
                    return error(409, 50353, "Conversation with provided unique name already exists");
                }
                let at = self.conversations.len();
                self.conversations.push(Conversation { sid: sid("CH", at), unique_name, messages: vec![] });
                Answer { status: 201, ..self.conversation(at) }
            }
            ("POST", ["v1", "Conversations", name, "Messages"]) => {
                let Some(at) = self.found(name) else { return not_found() };
                if field("Body").chars().count() > LONGEST {
                    return error(400, 50504, "Message body parameter is too long");
                }
                let attributes = field("Attributes");
                if !attributes.is_empty() && serde_json::from_str::<serde_json::Value>(attributes).is_err() {
                    return error(400, 50311, "Attributes not valid");
                }
                let author = if field("Author").is_empty() { "system" } else { field("Author") };
                let told = self.added(at, author, field("Body"), "API");
                let index = self.conversations[at].messages.len() - 1;
                let made = json!({ "sid": sid("IM", 1_000 * at + index), "index": index, "author": author,
                    "body": field("Body"), "conversation_sid": self.conversations[at].sid });
                let answer = Answer::json(201, &made);
                if asked.header("x-twilio-webhook-enabled") == "true" { answer.hooks(told) } else { answer }
            }
            (method @ ("POST" | "DELETE"), ["v1", "Conversations", name, "Messages", message]) => {
                let Some(at) = self.found(name) else { return not_found() };
                let has = |index: &usize| sid("IM", 1_000 * at + index) == *message;
                let all = &mut self.conversations[at].messages;
                let Some(index) = (0..all.len()).find(has).filter(|index| !all[*index].1.is_empty()) else {
                    return not_found();
                };
                if method == "DELETE" {
                    all[index].1.clear();
                    return Answer::text(204, "");
                }
                if field("Body").chars().count() > LONGEST {
                    return error(400, 50504, "Message body parameter is too long");
                }
                all[index].1 = field("Body").to_owned();
                Answer::json(200, &json!({ "sid": message, "body": field("Body") }))
            }
            _ => not_found(),
        }
    }

    fn too_many(&self) -> Answer {
        error(429, 20429, "Too Many Requests")
    }

    fn signed(&self, url: &str, body: &str) -> Vec<(&'static str, String)> {
        vec![
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8".into()),
            ("x-twilio-signature", self.signature(url, body)),
            ("i-twilio-idempotency-token", "0b1b3d6a-4c1e-4f3b-9f0e-7f6f5f1f0001".into()),
        ]
    }
}
