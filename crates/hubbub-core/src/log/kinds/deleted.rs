//! `deleted`: a message was deleted, and its content and that of its edits was blanked.

use super::{Change, Kind, Needs, Situation, about::{Member, Value}};
use crate::{
    log::{
        body::{BodyWriter, Column, Columns, Damaged},
        effects::{Effects, ListKind},
        situation::Right,
    },
    model::{
        access::Refusal,
        ids::UserId,
        json::to_json,
        rights::Act,
        seq::Seq,
    },
};
use serde::Deserialize;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The message.
    pub target: Seq,
    /// What the log knows of it: a draft has none of it.
    pub of: Option<Box<DeletedMessage>>,
}

/// What surrounds a message that was deleted: for those who count replies and do not have the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedMessage {
    /// Who wrote it.
    pub author: UserId,
    /// The root of its thread.
    pub thread: Option<Seq>,
    /// Whether it was shown in the room although it is in a thread.
    pub in_room: bool,
    /// Its edits, which are blanked along with it.
    pub edits: Vec<Seq>,
}

/// The members that lie in [`Column::Body`].
#[derive(Deserialize)]
struct Rest {
    author: Option<UserId>,
    thread: Option<Seq>,
    #[serde(default)]
    in_room: bool,
    #[serde(default)]
    edits: Vec<Seq>,
}

impl Kind for Deleted {
    const WORDS: &'static [&'static str] = &["deleted"];
    const MEANING: &'static str = "The message `target` was deleted; its content and that of its edits is blanked.";
    const MEMBERS: &'static [Member] = &[Member::TARGET, Member::maybe("author", Value::User, "Who had written it."), Member::maybe("thread", Value::Seq, "The message whose thread it was in."), Member::maybe("in_room", Value::Yes, "It was shown in the room although it was in a thread."), Member::maybe("edits", Value::Seqs, "Its edits, which are blanked, too.")];

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.seq("target", Column::Target, Some(self.target));
        let Some(of) = self.of.as_deref() else { return };
        to.rest("author", &to_json(&of.author));
        if let Some(thread) = of.thread {
            to.rest("thread", &to_json(&thread));
        }
        if of.in_room {
            to.rest("in_room", "true");
        }
        if !of.edits.is_empty() {
            to.rest("edits", &to_json(&of.edits));
        }
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        let Rest { author, thread, in_room, edits } = columns.members("deleted")?;
        let of = author.map(|author| DeletedMessage { author, thread, in_room, edits }.into());
        Ok(Self { target: columns.target("deleted")?, of })
    }

    fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.targets.push(self.target);
        needs.edits.push(self.target);
        needs.pins = true;
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        if situation.right != Right::Backend {
            situation.may_take_part()?;
        }
        let target = situation.any_message("target", self.target)?;
        if situation.right != Right::Backend {
            if !situation.is_author(target) {
                situation.may(Act::DeleteOthers)?;
                if situation.right == Right::Portal {
                    return Err(Refusal::NotAuthor);
                }
            } else if situation.may(Act::DeleteOthers).is_err() || situation.right == Right::Portal {
                situation.may(Act::DeleteOwn)?;
                if !target.gone {
                    situation.is_in_window(target)?;
                }
            }
        }
        Ok((!target.gone).then_some(Change::Deleted))
    }

    fn fill(&self, situation: &Situation<'_>) -> Option<Self> {
        let target = situation.facts.target(self.target)?;
        let of = DeletedMessage {
            author: target.from.clone(),
            thread: target.thread,
            in_room: target.in_room,
            edits: target.edit_seqs.clone().unwrap_or_default(),
        };
        Some(Self { target: self.target, of: Some(of.into()) })
    }

    fn effects(&self) -> Effects {
        let edits = self.of.iter().flat_map(|of| of.edits.iter().copied());
        Effects::default().blanks(std::iter::once(self.target).chain(edits)).lists(ListKind::Rooms)
    }
}
