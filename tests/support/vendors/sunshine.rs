//! Zendesk: Sunshine Conversations, version 2 of its API.
//!
//! Written from, on 2026-11-29:
//! - <https://developer.zendesk.com/api-reference/conversations/>: basic with key id and secret; 401
//!   `{"errors":[{"code":"unauthorized","title":"Authorization is required"}]}`; 429; the shapes of users, conversations, messages
//! - <https://github.com/zendesk/sunshine-conversations-javascript>, `docs/`: `GET …/users/{userIdOrExternalId}`, `externalId` is
//!   there once (409); `GET …/conversations?filter[userExternalId]=`, cursors, at most 100 on a page; a personal conversation has
//!   exactly one participant; metadata is flat; a text has at most 4,096 characters
//! - <https://developer.zendesk.com/documentation/conversations/messaging-platform/programmable-conversations/webhooks/>:
//!   `X-API-Key` holds the shared secret; several events in one body; an answer within 20 s; five attempts in 15 minutes, and none
//!   after 400, 401, 403, 404, 406; users' messages are sent, too

use super::{Answer, Asked, Vendor};
use serde_json::{Value, json};

/// Characters of a text.
const LONGEST: usize = 4_096;

/// See the module.
pub struct Sunshine {
    pub app: String,
    pub key: (String, String),
    pub webhook_secret: String,
    /// Ids that their maker gave them.
    pub users: Vec<String>,
    pub conversations: Vec<Conversation>,
    events: usize,
}

/// A conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub id: String,
    pub user: String,
    pub metadata: Value,
    /// Who wrote, and what.
    pub messages: Vec<(&'static str, String)>,
}

impl Sunshine {
    pub fn new(app: &str, key: (&str, &str), webhook_secret: &str) -> Self {
        Self {
            app: app.to_owned(),
            key: (key.0.to_owned(), key.1.to_owned()),
            webhook_secret: webhook_secret.to_owned(),
            users: vec![],
            conversations: vec![],
            events: 0,
        }
    }

    /// What was said in each conversation of a user.
    pub fn said(&self, user: &str) -> Vec<Vec<String>> {
        let all = self.conversations.iter().filter(|one| one.user == user);
        all.map(|one| one.messages.iter().map(|(by, text)| format!("{by}: {text}")).collect()).collect()
    }

    /// Agents answer in the conversations with these numbers; one webhook tells of all.
    pub fn agents_write(&mut self, answers: &[(usize, &str)]) -> String {
        let events: Vec<_> = answers.iter().map(|(at, text)| self.business(*at, text)).collect();
        self.body(&events)
    }

    fn business(&mut self, at: usize, text: &str) -> Value {
        self.conversations[at].messages.push(("business", text.to_owned()));
        self.event(
            at,
            text,
            &json!({ "type": "business", "displayName": "Ada", "avatarUrl": "https://example.org/a.png" }),
        )
    }

    fn event(&mut self, at: usize, text: &str, author: &Value) -> Value {
        self.events += 1;
        let one = &self.conversations[at];
        json!({
            "id": format!("5f74a0d52b5315fc{:08x}", self.events), "createdAt": "2026-11-29T12:00:00.834Z",
            "type": "conversation:message",
            "payload": {
                "conversation": { "id": one.id, "type": "personal" },
                "message": { "id": message_id(at, one.messages.len()), "received": "2026-11-29T12:00:00.820Z", "author": author,
                    "content": { "type": "text", "text": text }, "source": { "type": "api:conversations" } },
            },
        })
    }

    fn body(&self, events: &[Value]) -> String {
        json!({ "app": { "id": self.app }, "webhook": { "id": "5f4eaef81e3dcc117c7ba48a", "version": "v2" }, "events": events })
            .to_string()
    }

    fn shown(&self, at: usize) -> Value {
        let one = &self.conversations[at];
        json!({ "id": one.id, "type": "personal", "isDefault": false, "metadata": one.metadata })
    }

    fn conversation(&mut self, body: &Value) -> Answer {
        let participants = body["participants"].as_array().cloned().unwrap_or_default();
        if body["type"] != "personal" || participants.len() != 1 {
            return error(400, "bad_request", "A personal conversation has exactly one participant");
        }
        let flat = |metadata: &Value| {
            metadata.as_object().is_none_or(|all| !all.values().any(|one| one.is_object() || one.is_array()))
        };
        if !flat(&body["metadata"]) {
            return error(400, "bad_request", "Invalid metadata");
        }
        let user = participants[0]["userExternalId"].as_str().unwrap_or_default().to_owned();
        if !self.users.contains(&user) {
            return error(404, "user_not_found", "User not found");
        }
        let at = self.conversations.len();
        let id = format!("c0{at:022x}");
        self.conversations.push(Conversation { id, user, metadata: body["metadata"].clone(), messages: vec![] });
        let created = json!({ "id": "e", "createdAt": "2026-11-29T12:00:00.834Z", "type": "conversation:create",
            "payload": { "conversation": self.shown(at), "creationReason": "api" } });
        Answer::json(201, &json!({ "conversation": self.shown(at) })).hooks(self.body(&[created]))
    }

    fn message(&mut self, conversation: &str, body: &Value) -> Answer {
        let Some(at) = self.conversations.iter().position(|one| one.id == conversation) else {
            return error(404, "conversation_not_found", "Conversation not found");
        };
        let author = &body["author"];
        let user = self.conversations[at].user.clone();
        if author["type"] != "user" || author["userExternalId"] != user.as_str() {
            return error(400, "bad_request", "author must be a participant of the conversation");
        }
        let text = body["content"]["text"].as_str().unwrap_or_default().to_owned();
        if body["content"]["type"] != "text" || text.is_empty() {
            return error(400, "bad_request", "content.text is required");
        }
        if text.chars().count() > LONGEST {
            return error(400, "bad_request", "content.text must be no longer than 4096 characters");
        }
        self.conversations[at].messages.push(("user", text.clone()));
        let by = json!({ "type": "user", "userId": "u1", "user": { "id": "u1", "externalId": user } });
        let event = self.event(at, &text, &by);
        let id = message_id(at, self.conversations[at].messages.len());
        let made = json!({ "id": id, "author": by, "content": { "type": "text", "text": text } });
        Answer::json(201, &json!({ "messages": [made] })).hooks(self.body(&[event]))
    }
}

fn message_id(at: usize, place: usize) -> String {
    format!("67a1{at:010x}{place:010x}")
}

fn error(status: u16, code: &str, title: &str) -> Answer {
    Answer::json(status, &json!({ "errors": [{ "code": code, "title": title }] }))
}

impl Vendor for Sunshine {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.basic().as_ref() != Some(&self.key) {
            return error(401, "unauthorized", "Authorization is required");
        }
        let parts = asked.parts();
        let ["v2", "apps", app, rest @ ..] = parts.as_slice() else {
            return error(404, "not_found", "Endpoint not found");
        };
        if *app != self.app {
            return error(404, "app_not_found", "App not found");
        }
        let body = match (asked.method.as_str(), asked.json()) {
            ("POST", None) => return error(415, "unsupported_media_type", "Content-Type must be application/json"),
            (_, body) => body.unwrap_or_default(),
        };
        let user = |id: &str| json!({ "user": { "id": format!("u-{id}"), "externalId": id, "profile": {} } });
        match (asked.method.as_str(), rest) {
            ("GET", ["users", id]) if self.users.iter().any(|one| one == id) => Answer::json(200, &user(id)),
            ("GET", ["users", _]) => error(404, "user_not_found", "User not found"),
            ("POST", ["users"]) => {
                let Some(id) = body["externalId"].as_str() else {
                    return error(400, "bad_request", "externalId is required");
                };
                if self.users.iter().any(|one| one == id) {
                    return error(409, "conflict", "The user already exists");
                }
                self.users.push(id.to_owned());
                Answer::json(201, &user(id))
            }
            ("GET", ["conversations"]) => {
                let Some(of) = asked.query.get("filter[userExternalId]") else {
                    return error(400, "bad_request", "One of filter[userId], filter[userExternalId] is required");
                };
                if !self.users.contains(of) {
                    return error(404, "user_not_found", "User not found");
                }
                let all = (0..self.conversations.len()).filter(|at| self.conversations[*at].user == *of);
                let all: Vec<_> = all.map(|at| self.shown(at)).collect();
                Answer::json(200, &json!({ "conversations": all, "meta": { "hasMore": false }, "links": {} }))
            }
            ("POST", ["conversations"]) => self.conversation(&body),
            ("POST", ["conversations", id, "messages"]) => self.message(id, &body),
            _ => error(404, "not_found", "Endpoint not found"),
        }
    }

    fn too_many(&self) -> Answer {
        error(429, "too_many_requests", "Too many requests").with("retry-after", "1")
    }

    fn signed(&self, _url: &str, _body: &str) -> Vec<(&'static str, String)> {
        vec![("content-type", "application/json".into()), ("x-api-key", self.webhook_secret.clone())]
    }
}
