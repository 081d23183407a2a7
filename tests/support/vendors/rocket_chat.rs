//! Rocket.Chat: Omnichannel's livechat.
//!
//! Written from, on 2026-11-29:
//! - <https://developer.rocket.chat/v1-api/apidocs/register-livechat-visitor>: a visitor is who has the `token`; made again, it is
//!   the same
//! - <https://developer.rocket.chat/apidocs/create-livechat-room>: `GET /api/v1/livechat/room?token=` answers the open room of a
//!   visitor, or makes one
//! - <https://developer.rocket.chat/reference/api/rest-api/endpoints/omnichannel/livechat-endpoints/livechat-message/livechat-send-new-message>:
//!   `_id` may be ours; what is wrong is 400 with `success: false`
//! - <https://docs.rocket.chat/docs/webhooks>: `X-RocketChat-Livechat-Token`; `type` says which event it is, the messages of agents have
//!   an `agentId`; whatever is not answered 200 comes again, ten times, every 10 s
//!
//! Not verified: that the event of one message has the `type` `Message`, and an `_id` in it (the example is of `LivechatSession`).

use super::{Answer, Asked, Vendor};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// See the module.
pub struct RocketChat {
    pub secret: String,
    /// By their tokens: the visitor's name.
    pub visitors: BTreeMap<String, String>,
    /// Rooms: the visitor's token, and ids and texts of messages.
    pub rooms: Vec<(String, Vec<(String, String)>)>,
}

impl RocketChat {
    pub fn new(secret: &str) -> Self {
        Self { secret: secret.to_owned(), visitors: BTreeMap::new(), rooms: vec![] }
    }

    /// What was said in the rooms of a visitor.
    pub fn said(&self, token: &str) -> Vec<&str> {
        let rooms = self.rooms.iter().filter(|(of, _)| of == token);
        rooms.flat_map(|(_, said)| said).map(|(_, text)| text.as_str()).collect()
    }

    /// An agent answers a visitor.
    pub fn agent_writes(&mut self, token: &str, text: &str) -> String {
        let id = format!("agent-{}", self.rooms.len());
        self.told(
            token,
            "Message",
            &[json!({ "_id": id, "username": "ada", "msg": text, "agentId": "aX",
            "u": { "_id": "aX", "username": "ada", "name": "Ada" } })],
        )
    }

    fn told(&self, token: &str, kind: &str, messages: &[Value]) -> String {
        let mut told = json!({ "_id": "r", "label": "ana", "type": kind,
            "visitor": { "_id": "v", "token": token, "username": "guest-1", "name": self.visitors[token] } });
        if kind == "Message" {
            told["messages"] = messages.into();
        }
        told.to_string()
    }

    fn message(&mut self, body: &Value) -> Answer {
        let word = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (token, room, text, id) = (word("token"), word("rid"), word("msg"), word("_id"));
        let at = room.strip_prefix("room-").and_then(|at| at.parse::<usize>().ok());
        let Some((_, said)) = at.and_then(|at| self.rooms.get_mut(at)).filter(|(of, _)| *of == token) else {
            return failure("invalid-room");
        };
        if text.is_empty() {
            return failure("must have required property 'msg' [invalid-params]");
        }
        if !said.iter().any(|(known, _)| *known == id) {
            said.push((id.clone(), text.clone()));
        }
        let shown = json!({ "_id": id, "rid": room, "msg": text });
        let told = json!({ "_id": id, "username": "guest-1", "msg": text });
        let told = self.told(&token, "Message", &[told]);
        Answer::json(200, &json!({ "message": shown, "success": true })).hooks(told)
    }
}

fn failure(error: &str) -> Answer {
    Answer::json(400, &json!({ "success": false, "error": error }))
}

impl Vendor for RocketChat {
    fn answer(&mut self, asked: &Asked) -> Answer {
        let body = asked.json().unwrap_or_default();
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/api/v1/livechat/visitor") => {
                let visitor = &body["visitor"];
                let Some(token) = visitor["token"].as_str() else { return failure("Token is required") };
                self.visitors.insert(token.to_owned(), visitor["name"].as_str().unwrap_or("guest-1").to_owned());
                let shown = json!({ "_id": "v", "username": "guest-1", "token": token });
                Answer::json(200, &json!({ "visitor": shown, "success": true }))
            }
            ("GET", "/api/v1/livechat/room") => {
                let token = asked.query.get("token").cloned().unwrap_or_default();
                if !self.visitors.contains_key(&token) {
                    return failure("invalid-token");
                }
                let open = self.rooms.iter().position(|(of, _)| *of == token);
                let at = open.unwrap_or_else(|| {
                    self.rooms.push((token.clone(), vec![]));
                    self.rooms.len() - 1
                });
                let room = json!({ "_id": format!("room-{at}"), "open": true });
                let answer = Answer::json(200, &json!({ "room": room, "newRoom": open.is_none(), "success": true }));
                answer.hooks(self.told(&token, "LivechatSessionStart", &[]))
            }
            ("POST", "/api/v1/livechat/message") => self.message(&body),
            _ => Answer::json(404, &json!({ "success": false, "error": "Not found" })),
        }
    }

    fn too_many(&self) -> Answer {
        Answer::json(429, &json!({ "success": false, "error": "Error, too many requests. Please slow down." }))
    }

    fn signed(&self, _url: &str, _body: &str) -> Vec<(&'static str, String)> {
        vec![("content-type", "application/json".into()), ("x-rocketchat-livechat-token", self.secret.clone())]
    }
}
