//! What a room is: a plain model of it, made from the laws and from nothing of the server's own rules.
//!
//! It takes one entry after another and remembers everything. What pages show is counted anew for each page: nothing is kept up to
//! date, so nothing can drift. `rights.rs` says what it takes, `views.rs` what it shows; whoever adds a kind, a setting or a
//! method that reads adds a line to each (`Op`, `Model::change`, `Model::weigh`; `Look`, `Model::sees`). What is no entry, such as
//! how far somebody has read, belongs into `Somebody`, and is counted from `messages` when it is looked at.

use super::ops::{Doing, Op};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The product's backend.
pub const BACKEND: &str = "hubbub:api";

/// How somebody stands. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Standing {
    Banned,
    #[default]
    Stranger,
    Reader,
    Member,
    Moderator,
    Admin,
}

impl Standing {
    pub fn of(word: &str) -> Self {
        match word {
            "banned" => Self::Banned,
            "reader" => Self::Reader,
            "member" => Self::Member,
            "moderator" => Self::Moderator,
            "admin" => Self::Admin,
            _ => panic!("no role: {word}"),
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Banned => "banned",
            Self::Stranger => "stranger",
            Self::Reader => "reader",
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }

    pub fn is_member(self) -> bool {
        self >= Self::Reader
    }
}

/// Somebody, as the room knows them.
#[derive(Debug, Clone, Default)]
pub struct Somebody {
    pub standing: Standing,
    /// The entry that made it so.
    pub since: u64,
    /// The entry with which they last became a member.
    pub joined: u64,
    /// Until when they are muted: always later than any round ends.
    pub muted: Option<String>,
    /// They were a reader when they were last a member.
    pub was_reader: bool,
    /// They have written while slow mode was on, which is always longer than any round lasts.
    pub wrote: bool,
    /// How far they have said that they have read.
    pub read: u64,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Message {
    pub seq: u64,
    pub from: String,
    pub thread: Option<u64>,
    pub in_room: bool,
    pub gone: bool,
    /// `text`, `data`, `mentions`, `mention_all`, as of now.
    pub content: Value,
    /// The entries that have edited it.
    pub edits: Vec<u64>,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Model {
    pub room: String,
    pub kind: String,
    pub name: String,
    pub settings: Value,
    pub people: BTreeMap<String, Somebody>,
    pub messages: BTreeMap<u64, Message>,
    /// Message, reaction, who: the entry that added it.
    pub reactions: BTreeMap<(u64, String, String), u64>,
    pub pins: BTreeMap<u64, u64>,
    /// The raw log as it is now.
    pub log: Vec<Value>,
    /// What every entry was asked for as.
    pub done: Vec<Doing>,
}

impl Model {
    pub fn new(room: &str, kind: &str) -> Self {
        let may = json!({ "pin": false, "mention_all": true, "invite": false });
        Self {
            room: room.into(),
            kind: kind.into(),
            name: String::new(),
            settings: json!({ "slow_mode": null, "frozen": false, "edit_window": null, "members_may": may, "history_from": "all", "archived": false }),
            people: BTreeMap::new(),
            messages: BTreeMap::new(),
            reactions: BTreeMap::new(),
            pins: BTreeMap::new(),
            log: Vec::new(),
            done: Vec::new(),
        }
    }

    pub fn head(&self) -> u64 {
        self.log.len() as u64
    }

    pub fn somebody(&self, user: &str) -> Somebody {
        self.people.get(user).cloned().unwrap_or_default()
    }

    /// The entry of somebody's key.
    pub fn keyed(&self, doing: &Doing) -> Option<(u64, &Doing)> {
        let nth =
            self.done.iter().position(|done| done.key.is_some() && done.key == doing.key && done.who == doing.who)?;
        Some((nth as u64 + 1, &self.done[nth]))
    }

    /// Takes the next entry of the log, which is this. `Err`: it is another.
    pub fn take(&mut self, entry: &Value, doing: &Doing) -> Result<(), String> {
        let seq = self.head() + 1;
        let mut expected = self.entry(doing);
        for (name, value) in [("room", json!(self.room)), ("seq", json!(seq)), ("from", json!(doing.who))] {
            expected[name] = value;
        }
        // What the server alone makes; what it made is the same everywhere from now on.
        for name in ["id", "at"] {
            expected[name] = entry[name].clone();
        }
        expected["key"] = doing.key.as_ref().map_or_else(|| entry["key"].clone(), |key| json!(key));
        let found = if entry["gone"] == true { &blanked(&expected) } else { &expected };
        if found != entry {
            return Err(format!("entry {seq} is {entry}, expected {found}"));
        }
        self.log.push(expected);
        self.done.push(doing.clone());
        self.change(seq, doing);
        Ok(())
    }

    /// What stands in the entry beside what all have.
    fn entry(&self, doing: &Doing) -> Value {
        let mut entry = doing.op.entry(&doing.who);
        if let Some((_, standing)) = self.given(doing) {
            entry["role"] = json!(standing.word());
        }
        if let Op::Delete { target } = &doing.op
            && let Some(message) = self.messages.get(target)
        {
            entry["author"] = json!(message.from);
            if let Some(root) = message.thread {
                entry["thread"] = json!(root);
            }
            if message.in_room {
                entry["in_room"] = json!(true);
            }
            if !message.edits.is_empty() {
                // The newest first.
                entry["edits"] = message.edits.iter().rev().copied().collect();
            }
        }
        entry
    }

    /// Who becomes a member by this, and as what: who was a reader when they left is one again, unless whoever gives roles says
    /// otherwise.
    fn given(&self, doing: &Doing) -> Option<(String, Standing)> {
        let (user, wanted) = match &doing.op {
            Op::Join => (&doing.who, Standing::Member),
            Op::Role { user, role } if role != "banned" => (user, Standing::of(role)),
            _ => return None,
        };
        let somebody = self.somebody(user);
        let comes_back = wanted == Standing::Member && !somebody.standing.is_member() && somebody.was_reader;
        let is_again = comes_back && !self.gives_roles(&doing.who);
        Some((user.clone(), if is_again { Standing::Reader } else { wanted }))
    }

    fn change(&mut self, seq: u64, doing: &Doing) {
        let who = doing.who.clone();
        if let Some((user, standing)) = self.given(doing) {
            self.stands(&user, standing, seq);
            return;
        }
        match doing.op.clone() {
            Op::Say { content, thread, in_room, .. } => {
                let message =
                    Message { seq, from: who.clone(), thread, in_room, gone: false, content, edits: Vec::new() };
                self.messages.insert(seq, message);
                if !self.settings["slow_mode"].is_null() {
                    self.people.entry(who).or_default().wrote = true;
                }
            }
            Op::Edit { target, content } => {
                let message = self.messages.get_mut(&target).expect("a message");
                message.content = content;
                message.edits.push(seq);
            }
            Op::Delete { target } => {
                let message = self.messages.get_mut(&target).expect("a message");
                message.gone = true;
                message.content = json!({});
                for blank in message.edits.iter().copied().chain([target]) {
                    let entry = &mut self.log[blank as usize - 1];
                    *entry = blanked(entry);
                }
                self.reactions.retain(|(of, ..), _| *of != target);
                self.pins.remove(&target);
            }
            Op::React { target, reaction, added: true } => {
                self.reactions.insert((target, reaction, who), seq);
            }
            Op::React { target, reaction, added: false } => {
                self.reactions.remove(&(target, reaction, who));
            }
            Op::Pin { target, pinned: true } => drop(self.pins.insert(target, seq)),
            Op::Pin { target, pinned: false } => drop(self.pins.remove(&target)),
            Op::Mute { user, until } => self.people.entry(user).or_default().muted = until,
            Op::Settings(change) => self.settings = self.with(&change),
            Op::Rename(name) => self.name = name,
            Op::Role { user, .. } => self.stands(&user, Standing::Banned, seq),
            Op::Remove { user } => self.stands(&user, Standing::Stranger, seq),
            Op::Join => {}
            Op::Leave => self.stands(&who, Standing::Stranger, seq),
        }
    }

    fn stands(&mut self, user: &str, standing: Standing, seq: u64) {
        let somebody = self.people.entry(user.into()).or_default();
        if !somebody.standing.is_member() {
            somebody.joined = seq;
        }
        somebody.was_reader = match somebody.standing.is_member() {
            true => somebody.standing == Standing::Reader && !standing.is_member(),
            false => somebody.was_reader && !standing.is_member(),
        };
        (somebody.standing, somebody.since) = (standing, seq);
    }

    /// The settings with a change made: what is absent stays.
    pub fn with(&self, change: &Value) -> Value {
        let mut settings = self.settings.clone();
        for (name, value) in change.as_object().expect("an object") {
            match value.as_object() {
                Some(parts) => parts.iter().for_each(|(part, value)| settings[name][part] = value.clone()),
                None => settings[name] = value.clone(),
            }
        }
        settings
    }
}

/// An entry of which the content is gone: its envelope stays.
pub fn blanked(entry: &Value) -> Value {
    let stays = ["type", "id", "room", "seq", "from", "at", "key", "reply_to", "target", "thread", "in_room"];
    let mut left: Map<String, Value> = entry.as_object().expect("an object").clone();
    left.retain(|name, _| stays.contains(&name.as_str()));
    left.insert("gone".into(), true.into());
    left.into()
}
