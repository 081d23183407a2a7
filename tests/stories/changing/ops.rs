//! What somebody may try in a room, how it is said over a socket and over REST, and what came of it.

use super::{model::BACKEND, wishes::PEOPLE};
use crate::{cluster::API_KEY, http, person::Person};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// Something to be done. `content` is an object of `text`, `data`, `mentions` and `mention_all`.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    Say {
        content: Value,
        reply_to: Option<u64>,
        thread: Option<u64>,
        in_room: bool,
    },
    Edit {
        target: u64,
        content: Value,
    },
    Delete {
        target: u64,
    },
    React {
        target: u64,
        reaction: String,
        added: bool,
    },
    Pin {
        target: u64,
        pinned: bool,
    },
    Mute {
        user: String,
        until: Option<String>,
    },
    Settings(Value),
    Rename(String),
    /// To be banned is a role here.
    Role {
        user: String,
        role: String,
    },
    Remove {
        user: String,
    },
    Join,
    Leave,
}

/// Somebody does something.
#[derive(Debug, Clone, PartialEq)]
pub struct Doing {
    pub who: String,
    pub op: Op,
    /// The client's key; what has none cannot be told from something like it.
    pub key: Option<String>,
}

/// Over what it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The person's own connection.
    Socket,
    /// REST at this instance, in the person's name or the backend's own.
    Rest(usize),
}

impl Way {
    /// Which of the instances is asked. People come back to where they began.
    pub fn at(self, who: &str, instances: usize) -> usize {
        let home = || PEOPLE.iter().position(|one| *one == who).unwrap_or(0) % instances;
        if let Self::Rest(n) = self { n } else { home() }
    }
}

/// What it was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It is the entry of this number.
    Taken(u64),
    /// Things are so already.
    Unchanged,
    /// A code, as the way has them, and what was said along with it.
    Refused(String, String),
}

impl Op {
    /// Its kind of entry, and what stands in that beside what all have.
    pub fn entry(&self, who: &str) -> Value {
        let with = |mut entry: Value, more: &Value| {
            for (name, value) in more.as_object().expect("an object") {
                entry[name] = value.clone();
            }
            entry
        };
        match self {
            Self::Say { content, .. } => {
                let mut entry = with(json!({ "type": "message" }), content);
                self.place(&mut entry);
                entry
            }
            Self::Edit { target, content } => with(json!({ "type": "edited", "target": target }), content),
            Self::Delete { target } => json!({ "type": "deleted", "target": target }),
            Self::React { target, reaction, added } => {
                json!({ "type": if *added { "reacted" } else { "unreacted" }, "target": target, "reaction": reaction })
            }
            Self::Pin { target, pinned } => {
                json!({ "type": if *pinned { "pinned" } else { "unpinned" }, "target": target })
            }
            Self::Mute { user, until: Some(until) } => json!({ "type": "muted", "user": user, "until": until }),
            Self::Mute { user, until: None } => json!({ "type": "unmuted", "user": user }),
            Self::Settings(change) => json!({ "type": "changed", "settings": change }),
            Self::Rename(name) => json!({ "type": "renamed", "name": name }),
            Self::Role { user, role } if role == "banned" => json!({ "type": "banned", "user": user }),
            Self::Role { user, role } => json!({ "type": "joined", "user": user, "role": role }),
            Self::Remove { user } => json!({ "type": "left", "user": user }),
            Self::Join => json!({ "type": "joined", "user": who, "role": "member" }),
            Self::Leave => json!({ "type": "left", "user": who }),
        }
    }

    /// What an entry without a client's key was asked for as; `is_member`: whoever did it was one already.
    pub fn of(entry: &Value, is_member: bool) -> Result<Self, String> {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let own = entry["user"] == entry["from"];
        Ok(match &*text("type") {
            // As a reader who was one before.
            "joined" if own && (entry["role"] == "member" || entry["role"] == "reader") && !is_member => Self::Join,
            "joined" => Self::Role { user: text("user"), role: text("role") },
            "banned" => Self::Role { user: text("user"), role: "banned".into() },
            "left" if own => Self::Leave,
            "left" => Self::Remove { user: text("user") },
            _ => return Err(format!("nobody asked for {entry}")),
        })
    }

    fn place(&self, to: &mut Value) {
        let Self::Say { reply_to, thread, in_room, .. } = self else { return };
        for (name, seq) in [("reply_to", reply_to), ("thread", thread)] {
            if let Some(seq) = seq {
                to[name] = json!(seq);
            }
        }
        if *in_room {
            to["in_room"] = json!(true);
        }
    }

    /// The method of rpc and its `data`.
    fn call(&self) -> (&'static str, Value) {
        match self {
            Self::Say { content, .. } => {
                let mut data = content.clone();
                self.place(&mut data);
                ("send", data)
            }
            Self::Edit { target, content } => {
                let mut data = content.clone();
                data["target"] = json!(target);
                ("edit", data)
            }
            Self::Delete { target } => ("delete", json!({ "target": target })),
            Self::React { target, reaction, added } => {
                (if *added { "react" } else { "unreact" }, json!({ "target": target, "reaction": reaction }))
            }
            Self::Pin { target, pinned } => (if *pinned { "pin" } else { "unpin" }, json!({ "target": target })),
            Self::Mute { user, until: Some(until) } => ("mute", json!({ "user": user, "until": until })),
            Self::Mute { user, until: None } => ("unmute", json!({ "user": user })),
            Self::Settings(change) => ("change_room", json!({ "settings": change })),
            Self::Rename(name) => ("change_room", json!({ "name": name })),
            Self::Role { user, role } => ("set_role", json!({ "user": user, "role": role })),
            Self::Remove { user } => ("remove_member", json!({ "user": user })),
            Self::Join => ("join", json!({})),
            Self::Leave => ("leave", json!({})),
        }
    }

    /// The request of REST, below `/v1/rooms/{room}`. Joining and leaving are said over sockets alone.
    fn request(&self) -> (&'static str, String, Value) {
        let message = |target: &u64| format!("/messages/{target}");
        let member = |user: &str| format!("/members/{user}");
        match self {
            Self::Say { content, .. } => {
                let mut body = content.clone();
                self.place(&mut body);
                ("POST", "/messages".into(), body)
            }
            Self::Edit { target, content } => ("PATCH", message(target), content.clone()),
            Self::Delete { target } => ("DELETE", message(target), Value::Null),
            Self::React { target, reaction, added } => {
                let verb = if *added { "PUT" } else { "DELETE" };
                (verb, format!("{}/reactions/{}", message(target), encoded(reaction)), Value::Null)
            }
            Self::Pin { target, pinned } => {
                (if *pinned { "PUT" } else { "DELETE" }, format!("{}/pin", message(target)), Value::Null)
            }
            Self::Mute { user, until: Some(until) } => {
                ("PUT", format!("{}/mute", member(user)), json!({ "until": until }))
            }
            Self::Mute { user, until: None } => ("DELETE", format!("{}/mute", member(user)), Value::Null),
            Self::Settings(change) => ("PATCH", String::new(), json!({ "settings": change })),
            Self::Rename(name) => ("PATCH", String::new(), json!({ "name": name })),
            Self::Role { user, role } => ("PUT", member(user), json!({ "role": role })),
            Self::Remove { user } => ("DELETE", member(user), Value::Null),
            Self::Join | Self::Leave => panic!("over sockets alone"),
        }
    }

    /// Whether this way heeds a key for it.
    pub fn is_keyed(&self, way: Way) -> bool {
        match self {
            Self::Join | Self::Leave => false,
            Self::Role { .. } => way == Way::Socket,
            _ => true,
        }
    }

    /// The message it is about.
    pub fn target(&self) -> Option<u64> {
        match self {
            Self::Edit { target, .. } | Self::Delete { target } => Some(*target),
            Self::React { target, .. } | Self::Pin { target, .. } => Some(*target),
            Self::Say { reply_to, thread, .. } => thread.or(*reply_to),
            _ => None,
        }
    }

    /// Whom it is about.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Mute { user, .. } | Self::Role { user, .. } | Self::Remove { user } => Some(user),
            _ => None,
        }
    }
}

/// As a part of a path.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl Doing {
    /// Tries it once. `Err`: nobody knows yet what came of it, and why.
    pub async fn attempt(
        &self,
        room: &str,
        way: Way,
        person: &Person,
        instances: &[SocketAddr],
    ) -> Result<Answered, String> {
        match way {
            Way::Socket => self.say(room, person).await,
            Way::Rest(n) => self.ask(room, instances[n]).await,
        }
    }

    async fn say(&self, room: &str, person: &Person) -> Result<Answered, String> {
        let (method, mut data) = self.op.call();
        data["room"] = json!(room);
        if let Some(key) = &self.key {
            data["key"] = json!(key);
        }
        let answer = person.asks(json!({ "rpc": { "method": method, "data": data } })).await.ok_or("no answer")?;
        let error = &answer["error"];
        if error.is_object() {
            // Slow mode is temporary, too, and an answer.
            let is_final = error["temporary"] != true || error["code"] == 111;
            let message = error["message"].as_str().unwrap_or_default();
            let refused = || Answered::Refused(error["code"].to_string(), message.into());
            return is_final.then(refused).ok_or_else(|| answer.to_string());
        }
        Ok(answer["rpc"]["data"]["seq"].as_u64().map_or(Answered::Unchanged, Answered::Taken))
    }

    async fn ask(&self, room: &str, at: SocketAddr) -> Result<Answered, String> {
        let (verb, path, mut body) = self.op.request();
        let mut path = format!("/v1/rooms/{room}{path}");
        if self.who != BACKEND {
            if body.is_null() {
                path = format!("{path}?from={}", self.who);
            } else {
                body["from"] = json!(self.who);
            }
        }
        let bearer = format!("Bearer {API_KEY}");
        let mut headers = vec![("authorization", &*bearer), ("content-type", "application/json")];
        headers.extend(self.key.iter().map(|key| ("idempotency-key", &**key)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = http::ask(at, verb, &path, &headers, &body).await.map_err(|error| error.to_string())?;
        let said = answer.json();
        if answer.status < 300 {
            return Ok(said["seq"].as_u64().map_or(Answered::Unchanged, Answered::Taken));
        }
        let code = said["code"].as_str().unwrap_or_default();
        let is_starting = answer.status == 503 && code.is_empty();
        let is_final = !is_starting && !["busy", "unavailable", "not_yet"].contains(&code);
        let refused = || Answered::Refused(code.into(), said["detail"].as_str().unwrap_or(&answer.text).into());
        is_final.then(refused).ok_or_else(|| answer.text.clone())
    }
}
