//! Slack: one channel of a workspace, and an app in it.
//!
//! Written from, on 2026-11-29:
//! - <https://docs.slack.dev/reference/methods/chat.postMessage>: `{"ok":false,"error":…}` with status 200, `msg_too_long` above
//!   40,000 characters, one message a second and channel
//! - <https://docs.slack.dev/apis/web-api/rate-limits>: 429 with `Retry-After`
//! - <https://docs.slack.dev/messaging/formatting-message-text>: `&`, `<` and `>` are written as entities, both ways
//! - <https://docs.slack.dev/apis/events-api>: `url_verification`, `event_callback`, an answer within 3 s
//! - <https://docs.slack.dev/reference/events/message>: the app is told of its own messages, with `bot_id`
//! - <https://docs.slack.dev/reference/methods/chat.update>, <https://docs.slack.dev/reference/methods/chat.delete>: `ts`, and
//!   `message_not_found` with status 200; at most 4,000 characters
//! - <https://docs.slack.dev/reference/events/message/message_changed>, …/message_deleted: subtypes; the app is told of its own, too
//! - <https://docs.slack.dev/authentication/verifying-requests-from-slack>: `v0=`, HMAC-SHA256 over `v0:timestamp:body`

use super::{Answer, Asked, Vendor, hex_hmac, now};
use serde_json::{Value, json};

/// Characters of a text.
const LONGEST: usize = 40_000;
/// The same, where a message is changed.
const LONGEST_UPDATE: usize = 4_000;

/// See the module.
pub struct Slack {
    pub token: String,
    pub signing_secret: String,
    pub channel: String,
    /// The app was removed from it.
    pub is_out: bool,
    pub messages: Vec<Message>,
    changes: usize,
}

/// A message in the channel.
#[derive(Debug, Clone)]
pub struct Message {
    pub ts: String,
    /// The message that it answers.
    pub thread: Option<String>,
    /// As it was written.
    pub text: String,
}

impl Message {
    /// What people see.
    pub fn shown(&self) -> String {
        self.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }
}

impl Slack {
    pub fn new(token: &str, signing_secret: &str, channel: &str) -> Self {
        let words = [token, signing_secret, channel].map(ToOwned::to_owned);
        let [token, signing_secret, channel] = words;
        Self { token, signing_secret, channel, is_out: false, messages: vec![], changes: 0 }
    }

    /// The messages of a thread that starts with a text like this, without the first.
    pub fn thread(&self, start: &str) -> Vec<String> {
        let parent = self.messages.iter().find(|one| one.thread.is_none() && one.shown().contains(start));
        let Some(parent) = parent else { return vec![] };
        let all = self.messages.iter().filter(|one| one.thread.as_ref() == Some(&parent.ts));
        all.map(Message::shown).collect()
    }

    /// What the vendor POSTs when the address for events is set.
    pub fn challenge() -> String {
        json!({ "token": "Jhj5dZrVaK7ZwHHjRyZWjbDl", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
            "type": "url_verification" })
        .to_string()
    }

    /// A member of the workspace writes, in the thread that starts with a text like this, or in the channel.
    pub fn member_writes(&mut self, start: Option<&str>, text: &str) -> String {
        let is_start = |one: &&Message| one.thread.is_none() && start.is_some_and(|start| one.shown().contains(start));
        let thread = self.messages.iter().find(is_start).map(|one| one.ts.clone());
        assert_eq!(thread.is_some(), start.is_some(), "no such thread");
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let message = self.kept(thread, &text);
        let by = json!({ "user": "U061F7AUR", "client_msg_id": format!("c-{}", message.ts) });
        self.event(&message, &by)
    }

    /// The same, as the vendor writes it: with links and names in its own spelling.
    pub fn member_writes_as_it_is(&mut self, start: &str, text: &str) -> String {
        let thread = self.messages.iter().find(|one| one.thread.is_none() && one.shown().contains(start));
        let thread = thread.map(|one| one.ts.clone());
        let message = self.kept(thread, text);
        self.event(&message, &json!({ "user": "U061F7AUR" }))
    }

    /// A member changes the message of this text; what the vendor POSTs.
    pub fn member_edits(&mut self, text: &str, to: &str) -> String {
        let at = self.messages.iter().position(|one| one.shown() == text).expect("such a message");
        self.messages[at].text = to.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.changed(at, &json!({ "user": "U061F7AUR" }), true)
    }

    /// A link in the message of this text is shown with its page: nobody has changed what it says.
    pub fn unfurls(&mut self, text: &str) -> String {
        let at = self.messages.iter().position(|one| one.shown() == text).expect("such a message");
        self.changed(at, &json!({ "user": "U061F7AUR", "attachments": [{ "title": "A page" }] }), false)
    }

    /// A member deletes the message of this text.
    pub fn member_deletes(&mut self, text: &str) -> String {
        let at = self.messages.iter().position(|one| one.shown() == text).expect("such a message");
        let message = self.messages.remove(at);
        self.removed(&message, &json!({ "user": "U061F7AUR" }))
    }

    fn changed(&mut self, at: usize, by: &Value, edited: bool) -> String {
        let mut now = Self::shown(&self.messages[at], by);
        let before = now.clone();
        if edited {
            now["edited"] = json!({ "user": by["user"], "ts": format!("{}.000000", super::now()) });
        }
        self.hidden("message_changed", &json!({ "message": now, "previous_message": before }))
    }

    fn removed(&mut self, message: &Message, by: &Value) -> String {
        let before = Self::shown(message, by);
        self.hidden("message_deleted", &json!({ "deleted_ts": message.ts, "previous_message": before }))
    }

    fn shown(message: &Message, by: &Value) -> Value {
        let mut shown = json!({ "type": "message", "text": message.text, "ts": message.ts });
        if let Some(thread) = &message.thread {
            shown["thread_ts"] = thread.as_str().into();
        }
        for (name, value) in by.as_object().expect("an object") {
            shown[name] = value.clone();
        }
        shown
    }

    fn hidden(&mut self, subtype: &str, more: &Value) -> String {
        self.changes += 1;
        let ts = format!("{}.9{:05}", now(), self.changes);
        let mut event = json!({ "type": "message", "subtype": subtype, "hidden": true, "channel": self.channel,
            "channel_type": "channel", "ts": ts, "event_ts": ts });
        for (name, value) in more.as_object().expect("an object") {
            event[name] = value.clone();
        }
        json!({ "token": "z", "team_id": "T0", "api_app_id": "A0", "event": event, "type": "event_callback",
            "event_id": format!("Ev{ts}"), "event_time": now() })
        .to_string()
    }

    fn kept(&mut self, thread: Option<String>, text: &str) -> Message {
        let ts = format!("{}.{:06}", now(), 100 + self.messages.len());
        let message = Message { ts, thread, text: text.to_owned() };
        self.messages.push(message.clone());
        message
    }

    fn event(&self, message: &Message, by: &Value) -> String {
        let mut event = json!({
            "type": "message", "channel": self.channel, "channel_type": "channel",
            "text": message.text, "ts": message.ts, "event_ts": message.ts,
        });
        if let Some(thread) = &message.thread {
            event["thread_ts"] = thread.as_str().into();
            event["parent_user_id"] = "U0BOT".into();
        }
        for (name, value) in by.as_object().expect("an object") {
            event[name] = value.clone();
        }
        json!({ "token": "z", "team_id": "T0", "api_app_id": "A0", "event": event, "type": "event_callback",
            "event_id": format!("Ev{}", message.ts), "event_time": now() })
        .to_string()
    }

    /// `chat.update` and `chat.delete`, for the app's own messages.
    fn changes(&mut self, asked: &Asked, deletes: bool) -> Answer {
        let no = |error: &str| Answer::json(200, &json!({ "ok": false, "error": error }));
        if asked.bearer() != Some(self.token.as_str()) {
            return no("invalid_auth");
        }
        let Some(body) = asked.json() else { return no("invalid_form_data") };
        if body["channel"] != self.channel.as_str() {
            return no("channel_not_found");
        }
        let Some(at) = self.messages.iter().position(|one| body["ts"] == one.ts.as_str()) else {
            return no("message_not_found");
        };
        let by = json!({ "bot_id": "B0", "app_id": "A0", "user": "U0BOT" });
        let ts = self.messages[at].ts.clone();
        let told = if deletes {
            let message = self.messages.remove(at);
            self.removed(&message, &by)
        } else {
            let text = body["text"].as_str().unwrap_or_default().to_owned();
            if text.is_empty() {
                return no("no_text");
            }
            if text.chars().count() > LONGEST_UPDATE {
                return no("msg_too_long");
            }
            self.messages[at].text = text;
            self.changed(at, &by, true)
        };
        Answer::json(200, &json!({ "ok": true, "channel": self.channel, "ts": ts })).hooks(told)
    }

    fn posted(&mut self, asked: &Asked) -> Answer {
        let no = |error: &str| Answer::json(200, &json!({ "ok": false, "error": error }));
        match asked.bearer() {
            None => return no("not_authed"),
            Some(token) if token != self.token => return no("invalid_auth"),
            Some(_) => {}
        }
        let Some(body) = asked.json() else { return no("invalid_form_data") };
        let text = body["text"].as_str().unwrap_or_default();
        if body["channel"] != self.channel.as_str() {
            return no("channel_not_found");
        }
        if self.is_out {
            return no("not_in_channel");
        }
        if text.is_empty() {
            return no("no_text");
        }
        if text.chars().count() > LONGEST {
            return no("msg_too_long");
        }
        let thread = body["thread_ts"].as_str().map(ToOwned::to_owned);
        if body.get("thread_ts").is_some() && !self.messages.iter().any(|one| Some(&one.ts) == thread.as_ref()) {
            return no("invalid_arguments");
        }
        let message = self.kept(thread, text);
        let told = self.event(&message, &json!({ "bot_id": "B0", "app_id": "A0", "user": "U0BOT" }));
        let shown =
            json!({ "bot_id": "B0", "type": "message", "text": message.text, "user": "U0BOT", "ts": message.ts });
        Answer::json(200, &json!({ "ok": true, "channel": self.channel, "ts": message.ts, "message": shown }))
            .hooks(told)
    }
}

impl Vendor for Slack {
    fn answer(&mut self, asked: &Asked) -> Answer {
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/api/chat.postMessage") => self.posted(asked),
            ("POST", "/api/chat.update") => self.changes(asked, false),
            ("POST", "/api/chat.delete") => self.changes(asked, true),
            _ => Answer::json(200, &json!({ "ok": false, "error": "unknown_method" })),
        }
    }

    fn too_many(&self) -> Answer {
        Answer::json(429, &json!({ "ok": false, "error": "ratelimited" })).with("retry-after", "1")
    }

    fn signed(&self, _url: &str, body: &str) -> Vec<(&'static str, String)> {
        let at = now();
        let signature = hex_hmac(ring::hmac::HMAC_SHA256, &self.signing_secret, &format!("v0:{at}:{body}"));
        vec![
            ("content-type", "application/json".into()),
            ("x-slack-request-timestamp", at.to_string()),
            ("x-slack-signature", format!("v0={signature}")),
        ]
    }
}
