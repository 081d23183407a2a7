//! What the model shows: the answer of every method that reads, for everybody.

use super::{
    model::{BACKEND, Message, Model},
    rights::Why,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Something to be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// `at` is nothing, or one of `before`, `after` and `around`.
    Messages {
        at: Option<(&'static str, u64)>,
        limit: u64,
    },
    Thread {
        root: u64,
        at: Option<(&'static str, u64)>,
        limit: u64,
    },
    Pins,
    Message(u64),
    Reactions {
        target: u64,
        reaction: Option<String>,
    },
    /// The room among those of the reader.
    Rooms,
    /// The room among those in which the reader has something unread.
    Unread,
    Members,
    /// The raw log.
    History {
        at: Option<(&'static str, u64)>,
        limit: u64,
    },
}

/// Kinds that stand on the room's page, beside messages.
const LINES: [&str; 10] =
    ["joined", "left", "banned", "renamed", "opened", "waiting", "closed", "muted", "unmuted", "changed"];

impl Model {
    /// The first seq that somebody may read.
    pub fn floor(&self, who: &str) -> u64 {
        let me = self.somebody(who);
        match self.settings["history_from"] == "joined" && who != BACKEND {
            false => 1,
            true if me.standing.is_member() => me.joined,
            true => self.head() + 1,
        }
    }

    /// What somebody is answered.
    pub fn sees(&self, who: &str, look: &Look) -> Result<Value, Why> {
        match look {
            Look::Rooms => return Ok(self.listed(who)),
            Look::Unread => return Ok(self.unread_room(who)),
            _ => {}
        }
        self.may_read(who)?;
        let floor = self.floor(who);
        let readable = |seq: &u64| *seq >= floor;
        match look {
            Look::Messages { at, limit } => {
                let all = (1..=self.head()).filter(|seq| self.stands_in_room(*seq));
                Ok(self.page(who, all, *at, *limit))
            }
            Look::Thread { root, at, limit } => {
                let replies = self.messages.values().filter(|one| one.thread == Some(*root)).map(|one| one.seq);
                let page = self.page(who, replies, *at, *limit);
                if page["entries"] == json!([]) && (*root >= floor || *root == 0) {
                    let message = self.any_message(*root)?;
                    if message.thread.is_some() {
                        return Err(Why::InThread);
                    }
                }
                Ok(page)
            }
            Look::Pins => Ok(self.page(who, self.pins.keys().copied(), None, 1_000)),
            Look::Message(seq) => {
                if !readable(seq) && *seq != 0 {
                    return Err(Why::BelowFloor);
                }
                self.any_message(*seq)?;
                Ok(self.page(who, std::iter::once(*seq), None, 1))
            }
            Look::Reactions { target, reaction } => {
                if !readable(target) && *target != 0 {
                    return Err(Why::BelowFloor);
                }
                self.any_message(*target)?;
                let is = |(of, word, _): &&(u64, String, String)| {
                    of == target && reaction.as_ref().is_none_or(|one| one == word)
                };
                let those = self.reactions.keys().filter(is);
                let shown = |key: &(u64, String, String)| json!({ "reaction": key.1, "user": key.2, "seq": self.reactions[key] });
                Ok(json!({ "reactions": those.map(shown).collect::<Vec<_>>(), "as_of": self.head() }))
            }
            Look::Members => {
                let members = self.people.iter().filter(|(_, one)| one.standing.is_member());
                let shown = members.map(|(user, one)| {
                    let mut member = json!({ "user": user, "role": one.standing.word(), "since": one.since });
                    if let Some(until) = &one.muted {
                        member["muted_until"] = json!(until);
                    }
                    member
                });
                Ok(json!({ "members": shown.collect::<Vec<_>>() }))
            }
            Look::History { at, limit } => {
                let seqs = nearest((1..=self.head()).filter(readable).collect(), *at, *limit);
                let entries: Vec<&Value> = seqs.iter().map(|seq| &self.log[*seq as usize - 1]).collect();
                Ok(json!({ "entries": entries, "head": self.head(), "floor": floor }))
            }
            Look::Rooms | Look::Unread => Ok(Value::Null),
        }
    }

    /// Whether an entry stands on the room's page.
    fn stands_in_room(&self, seq: u64) -> bool {
        match self.messages.get(&seq) {
            Some(message) => message.thread.is_none() || message.in_room,
            None => LINES.iter().any(|kind| self.log[seq as usize - 1]["type"] == *kind),
        }
    }

    fn page(&self, who: &str, all: impl Iterator<Item = u64>, at: Option<(&str, u64)>, limit: u64) -> Value {
        let floor = self.floor(who);
        let seqs = nearest(all.filter(|seq| *seq >= floor).collect(), at, limit);
        let entries: Vec<Value> = seqs.iter().map(|seq| self.shown(who, *seq)).collect();
        json!({ "entries": entries, "as_of": self.head(), "head": self.head(), "floor": floor })
    }

    /// An entry with what became of it.
    pub fn shown(&self, who: &str, seq: u64) -> Value {
        let mut entry = self.log[seq as usize - 1].clone();
        let Some(message) = self.messages.get(&seq) else { return entry };
        if !message.gone {
            self.show_state(who, message, &mut entry);
        }
        let replies: Vec<&Message> = self.messages.values().filter(|one| one.thread == Some(seq)).collect();
        if let Some(last) = replies.last() {
            let count = replies.iter().filter(|reply| !reply.gone).count();
            entry["replies"] =
                json!({ "count": count, "last": last.seq, "last_at": self.log[last.seq as usize - 1]["at"] });
        }
        entry
    }

    fn show_state(&self, who: &str, message: &Message, entry: &mut Value) {
        let members = entry.as_object_mut().expect("an object");
        for name in ["text", "data", "mentions", "mention_all"] {
            members.remove(name);
        }
        members.extend(message.content.as_object().expect("an object").clone());
        if let Some(edit) = message.edits.last() {
            members.insert("edited_at".into(), self.log[*edit as usize - 1]["at"].clone());
        }
        let reactions = self.reactions_of(message.seq);
        if !reactions.is_empty() {
            let shown = reactions
                .iter()
                .map(|(word, users)| json!({ "reaction": word, "count": users.len(), "me": users.contains(who) }));
            members.insert("reactions".into(), shown.collect());
        }
        if self.pins.contains_key(&message.seq) {
            members.insert("pinned".into(), true.into());
        }
    }

    /// Who has reacted, in the order in which the first of each reaction came since there was none of it.
    fn reactions_of(&self, target: u64) -> Vec<(String, BTreeSet<String>)> {
        let mut found: Vec<(String, BTreeSet<String>)> = Vec::new();
        for done in &self.done {
            match &done.op {
                super::ops::Op::React { target: of, reaction, added } if *of == target => {
                    let nth = found.iter().position(|(word, _)| word == reaction);
                    match (nth, added) {
                        (Some(nth), true) => drop(found[nth].1.insert(done.who.clone())),
                        (None, true) => found.push((reaction.clone(), [done.who.clone()].into())),
                        (Some(nth), false) => {
                            found[nth].1.remove(&done.who);
                            found.retain(|(_, users)| !users.is_empty());
                        }
                        (None, false) => {}
                    }
                }
                _ => {}
            }
        }
        found
    }

    pub fn listed(&self, who: &str) -> Value {
        let me = self.somebody(who);
        if !me.standing.is_member() {
            return Value::Null;
        }
        let floor = self.floor(who);
        let mut room = json!({
            "id": self.room, "kind": self.kind, "name": self.name, "head": self.head(), "floor": floor, "role": me.standing.word(),
        });
        let unset = Self::new("", "").settings;
        if self.settings != unset {
            room["settings"] = self.settings.clone();
        }
        let shown = |message: &&Message| message.thread.is_none() || message.in_room;
        if let Some(last) = self.messages.values().rfind(shown).filter(|last| last.seq >= floor) {
            room["last"] = self.shown(who, last.seq);
        }
        for (name, value) in self.unread(who).as_object().expect("an object") {
            room[name] = value.clone();
        }
        room
    }

    /// How far somebody has read, what is unread, and what of it is for them.
    fn unread(&self, who: &str) -> Value {
        let (me, messages) = (self.somebody(who), || self.messages.values());
        let is_shown = |one: &&Message| one.thread.is_none() || one.in_room;
        let own = messages().filter(is_shown).filter(|one| one.from == who).map(|one| one.seq).max();
        let from = me.read.max(me.joined).max(own.unwrap_or(0));
        let is_new = |one: &&Message| one.seq > from && one.from != who && !one.gone;
        let is_meant = |one: &&Message| {
            let names = one.content["mentions"].as_array().cloned().unwrap_or_default();
            one.content["mention_all"] == true || names.iter().any(|name| name == who)
        };
        let unread = messages().filter(is_new).filter(is_shown).count();
        let mentions = messages().filter(is_new).filter(is_meant).count();
        json!({ "read": me.read, "unread": { "count": unread }, "mentions": { "count": mentions } })
    }

    fn unread_room(&self, who: &str) -> Value {
        let mut room = self.unread(who);
        let is_there = room["unread"]["count"] != 0 || room["mentions"]["count"] != 0;
        if !self.somebody(who).standing.is_member() || !is_there {
            return Value::Null;
        }
        (room["room"], room["head"]) = (json!(self.room), json!(self.head()));
        room
    }
}

/// Of these the nearest to a place, ascending.
fn nearest(all: Vec<u64>, at: Option<(&str, u64)>, limit: u64) -> Vec<u64> {
    let limit = limit as usize;
    let last = |seqs: Vec<u64>, most: usize| seqs[seqs.len().saturating_sub(most)..].to_vec();
    let (below, from): (Vec<u64>, Vec<u64>) = match at {
        None => (all, Vec::new()),
        Some(("before" | "around", seq)) => all.into_iter().partition(|one| *one < seq),
        Some((_, seq)) => all.into_iter().partition(|one| *one <= seq),
    };
    match at {
        None | Some(("before", _)) => last(below, limit),
        Some(("around", _)) => {
            let mut seqs = last(below, limit / 2);
            seqs.extend(from.into_iter().take(limit - limit / 2));
            seqs
        }
        Some(_) => from.into_iter().take(limit).collect(),
    }
}

/// A page without what is outside of the law: which users are named as a sample, and the epoch. Says what is wrong with a sample.
pub fn compared(mut page: Value, model: &Model) -> Result<Value, String> {
    let Some(members) = page.as_object_mut() else { return Ok(page) };
    members.remove("epoch");
    let entries = members.get_mut("entries").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        without_samples(entry, model)?;
    }
    if let Some(last) = members.get_mut("last") {
        without_samples(last, model)?;
    }
    Ok(page)
}

/// One entry of a page without its samples.
pub fn without_samples(entry: &mut Value, model: &Model) -> Result<(), String> {
    let seq = entry["seq"].as_u64().unwrap_or(0);
    for reaction in entry.get_mut("reactions").and_then(Value::as_array_mut).into_iter().flatten() {
        let word = reaction["reaction"].as_str().unwrap_or_default().to_owned();
        let users = reaction.as_object_mut().and_then(|members| members.remove("users")).unwrap_or_default();
        for user in users.as_array().into_iter().flatten() {
            let key = (seq, word.clone(), user.as_str().unwrap_or_default().to_owned());
            if !model.reactions.contains_key(&key) {
                return Err(format!("{user} is named with {word} on {seq}, and has not added it"));
            }
        }
    }
    if let Some(replies) = entry.get_mut("replies").and_then(Value::as_object_mut) {
        let users = replies.remove("users").unwrap_or_default();
        for user in users.as_array().into_iter().flatten() {
            if !model.messages.values().any(|one| one.thread == Some(seq) && one.from == *user) {
                return Err(format!("{user} is named in the thread of {seq}, and has not written there"));
            }
        }
    }
    Ok(())
}
