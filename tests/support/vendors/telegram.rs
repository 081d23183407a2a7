//! Telegram: a bot in a group with topics, in which the agents are.
//!
//! Written from, on 2026-11-29, <https://core.telegram.org/bots/api> (in the copy at
//! <https://vault.1.foo/telegram-bot-api-reference.txt>): the token is a part of the path, `/bot<token>/METHOD`; every answer has `ok`,
//! and `error_code`, `description` and `parameters.retry_after` where it is false; `createForumTopic` answers `message_thread_id`;
//! `setWebhook` takes a `secret_token`, which comes in `X-Telegram-Bot-Api-Secret-Token`; a text has 4,096 characters.
//!
//! Not verified: that the status is the `error_code`, and that a bot gets no updates about what it wrote itself.

use super::{Answer, Asked, Vendor};
use serde_json::{Value, json};

/// See the module.
pub struct Telegram {
    pub token: String,
    pub secret: String,
    /// What was said, by topics.
    pub topics: Vec<(String, Vec<String>)>,
    sent: i64,
}

const GROUP: i64 = -1_001_234_567_890;

impl Telegram {
    pub fn new(token: &str, secret: &str) -> Self {
        Self { token: token.to_owned(), secret: secret.to_owned(), topics: vec![], sent: 0 }
    }

    /// A member of the group writes in a topic.
    pub fn member_writes(&mut self, topic: usize, text: &str) -> String {
        self.told(json!({ "message_thread_id": 100 + topic, "is_topic_message": true, "text": text }))
    }

    /// A member of the group writes, in no topic.
    pub fn member_chats(&mut self, text: &str) -> String {
        self.told(json!({ "text": text }))
    }

    /// The member changes what was said last; deletions are told to no bot.
    pub fn member_edits(&mut self, topic: usize, text: &str) -> String {
        let id = self.sent;
        let said = json!({ "message_thread_id": 100 + topic, "is_topic_message": true, "text": text, "edit_date": 1_700_000_060 });
        let told = self.told(said);
        let mut update: Value = serde_json::from_str(&told).expect("JSON");
        let mut message = update["message"].take();
        message["message_id"] = id.into();
        json!({ "update_id": update["update_id"], "edited_message": message }).to_string()
    }

    fn told(&mut self, mut message: Value) -> String {
        self.sent += 1;
        message["message_id"] = self.sent.into();
        message["chat"] = json!({ "id": GROUP, "type": "supergroup", "is_forum": true });
        message["from"] = json!({ "id": 7, "is_bot": false, "first_name": "Ada" });
        message["date"] = 1_700_000_000.into();
        json!({ "update_id": 9_000 + self.sent, "message": message }).to_string()
    }
}

fn error(code: u16, description: &str) -> Answer {
    Answer::json(code, &json!({ "ok": false, "error_code": code, "description": description }))
}

impl Vendor for Telegram {
    fn answer(&mut self, asked: &Asked) -> Answer {
        let Some(method) = asked.path.strip_prefix(&format!("/bot{}/", self.token)) else {
            return error(401, "Unauthorized");
        };
        let body = asked.json().unwrap_or_default();
        if body["chat_id"].as_str() != Some(&GROUP.to_string()) {
            return error(400, "Bad Request: chat not found");
        }
        match method {
            "createForumTopic" => {
                let Some(name) = body["name"].as_str().filter(|name| (1..=128).contains(&name.len())) else {
                    return error(400, "Bad Request: TOPIC_NAME_INVALID");
                };
                self.topics.push((name.to_owned(), vec![]));
                let topic =
                    json!({ "message_thread_id": 99 + self.topics.len(), "name": name, "icon_color": 7_322_096 });
                Answer::json(200, &json!({ "ok": true, "result": topic }))
            }
            "sendMessage" => {
                let id = body["message_thread_id"].as_u64().and_then(|id| usize::try_from(id).ok());
                let topic = id.and_then(|id| self.topics.get_mut(id.checked_sub(100)?));
                let Some((_, said)) = topic else { return error(400, "Bad Request: message thread not found") };
                let text = body["text"].as_str().unwrap_or_default();
                if text.chars().count() > 4_096 {
                    return error(400, "Bad Request: message is too long");
                }
                said.push(text.to_owned());
                self.sent += 1;
                Answer::json(200, &json!({ "ok": true, "result": { "message_id": self.sent, "text": text } }))
            }
            _ => error(404, "Not Found"),
        }
    }

    fn too_many(&self) -> Answer {
        Answer::json(
            429,
            &json!({ "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 1",
            "parameters": { "retry_after": 1 } }),
        )
    }

    fn signed(&self, _url: &str, _body: &str) -> Vec<(&'static str, String)> {
        vec![("content-type", "application/json".into()), ("x-telegram-bot-api-secret-token", self.secret.clone())]
    }
}
