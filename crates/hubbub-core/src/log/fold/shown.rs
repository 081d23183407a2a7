//! An entry as a page shows it: with what became of it.

use crate::{
    limits::{REACTION_SAMPLE, THREAD_SAMPLE},
    log::{
        body::Columns,
        content::Content,
        effects::Effects,
        encoded,
        entry::Entry,
        kinds::{Gone, Kind, Message, ReactionWord, What},
    },
    model::{ids::UserId, json::to_json, seq::Seq, time::Timestamp},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The entry. Where it is a message, what it says now.
    pub entry: Entry,
    /// What hangs on it.
    pub hung: Hung,
}

/// What hangs on a message; nothing on any other entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hung {
    /// When it was edited last.
    pub edited_at: Option<Timestamp>,
    /// Reactions, in the order in which the first of each came.
    pub reactions: Vec<ReactionShown>,
    /// The thread of which it is the root.
    pub replies: Option<Replies>,
    /// Whether it is pinned.
    pub pinned: bool,
}

/// A reaction on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReactionShown {
    /// The emoji or word.
    #[schema(value_type = String)]
    pub reaction: ReactionWord,
    /// How many people have added it.
    pub count: u64,
    /// Whether the reader has.
    pub me: bool,
    /// Some of them, at most [`REACTION_SAMPLE`].
    #[schema(value_type = Vec<String>)]
    pub users: Vec<UserId>,
}

/// A thread, at its root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Replies {
    /// How many replies there are; those that were deleted are left out.
    pub count: u64,
    /// The newest reply, also where that was deleted.
    #[schema(value_type = u64)]
    pub last: Seq,
    /// When that came.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub last_at: Timestamp,
    /// Some who have written in it, at most [`THREAD_SAMPLE`], the latest first.
    #[schema(value_type = Vec<String>)]
    pub users: Vec<UserId>,
}

fn as_text<S: serde::Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(at)
}

impl Shown {
    /// An entry on which nothing hangs.
    pub fn new(entry: Entry) -> Self {
        Self { entry, hung: Hung::default() }
    }

    /// Whether it is a message, also where that was deleted.
    pub fn is_message(&self) -> bool {
        Message::WORDS.contains(&self.entry.what.word())
    }

    /// The root of the thread that it stands in.
    pub const fn thread(&self) -> Option<Seq> {
        match &self.entry.what {
            What::Message(message) => message.thread,
            What::Gone(gone) => gone.thread,
            _ => None,
        }
    }

    /// Whether its content was blanked.
    pub const fn is_gone(&self) -> bool {
        matches!(self.entry.what, What::Gone(_))
    }

    /// A message says this now.
    pub fn edit(&mut self, content: Content, at: Timestamp) {
        if let What::Message(message) = &mut self.entry.what {
            message.content = content;
            self.hung.edited_at = Some(at);
        }
    }

    /// Its content is blanked, and with it what hangs on that. Its thread stays.
    pub fn blank(&mut self) {
        if self.is_gone() {
            return;
        }
        let Columns { target, thread, in_room, .. } = Columns::of(&self.entry.what);
        let word = self.entry.what.word().into();
        self.entry.what = What::Gone(Gone { word, effects: Effects::default(), target, thread, in_room });
        self.hung = Hung { replies: self.hung.replies.take(), ..Hung::default() };
    }

    /// Somebody added a reaction, or took it back. `me`: it was the reader.
    pub fn react(&mut self, word: &ReactionWord, user: &UserId, added: bool, me: bool) {
        if self.is_gone() {
            return;
        }
        let all = &mut self.hung.reactions;
        let Some(nth) = all.iter().position(|shown| shown.reaction == *word) else {
            if added {
                all.push(ReactionShown { reaction: word.clone(), count: 1, me, users: vec![user.clone()] });
            }
            return;
        };
        let shown = &mut all[nth];
        shown.me = if me { added } else { shown.me };
        if added {
            shown.count += 1;
            if shown.users.len() < REACTION_SAMPLE && !shown.users.contains(user) {
                shown.users.push(user.clone());
            }
        } else if shown.count > 1 {
            shown.count -= 1;
            shown.users.retain(|other| other != user);
        } else {
            all.remove(nth);
        }
    }

    /// Somebody wrote in its thread.
    pub fn reply(&mut self, seq: Seq, from: &UserId, at: Timestamp) {
        let users = self.hung.replies.take();
        let (count, mut users) = users.map_or((0, Vec::new()), |replies| (replies.count, replies.users));
        users.retain(|user| user != from);
        users.insert(0, from.clone());
        users.truncate(THREAD_SAMPLE);
        self.hung.replies = Some(Replies { count: count + 1, last: seq, last_at: at, users });
    }

    /// A reply in its thread was deleted.
    pub const fn lose_reply(&mut self) {
        if let Some(replies) = &mut self.hung.replies {
            replies.count = replies.count.saturating_sub(1);
        }
    }

    /// It was pinned, or is not any more.
    pub const fn pin(&mut self, pinned: bool) {
        self.hung.pinned = pinned && !self.is_gone();
    }

    /// Its JSON, one line: that of the entry, and then what hangs on it.
    pub fn json(&self) -> String {
        let mut json = encoded::encode(&self.entry);
        json.pop();
        let Hung { edited_at, reactions, replies, pinned } = &self.hung;
        let mut member = |name: &str, value: String| {
            json.push_str(&format!(",\"{name}\":{value}"));
        };
        if let Some(at) = edited_at {
            member("edited_at", to_json(&at.to_string()));
        }
        if !reactions.is_empty() {
            member("reactions", to_json(reactions));
        }
        if let Some(replies) = replies {
            member("replies", to_json(replies));
        }
        if *pinned {
            member("pinned", "true".into());
        }
        json.push('}');
        json
    }

    /// The same, as a part of other JSON.
    pub fn raw(&self) -> Box<RawValue> {
        RawValue::from_string(self.json()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}
