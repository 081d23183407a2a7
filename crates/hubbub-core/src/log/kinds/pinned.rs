//! `pinned`, `unpinned`: a message was pinned to its room, or is so no more.

use super::{Change, Kind, Needs, Situation, about::Member};
use crate::{
    limits::PINS,
    log::{
        body::{BodyWriter, Column, Columns, Damaged},
        effects::{Effects, ListKind},
        situation::Right,
    },
    model::{access::Refusal, rights::Act, seq::Seq},
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The message.
    pub target: Seq,
    /// Whether it is pinned now.
    pub pinned: bool,
}

impl Kind for Pinned {
    const WORDS: &'static [&'static str] = &["pinned", "unpinned"];
    const MEANING: &'static str = "The message `target` was pinned to the room, or is pinned no more. A deletion unpins without saying so.";
    const MEMBERS: &'static [Member] = &[Member::TARGET];

    fn word(&self) -> &'static str {
        Self::WORDS[usize::from(!self.pinned)]
    }

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.seq("target", Column::Target, Some(self.target));
    }

    fn read(word: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        Ok(Self { target: columns.target("pinned")?, pinned: word == Self::WORDS[0] })
    }

    fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.targets.push(self.target);
        needs.pins = true;
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        if situation.right != Right::Backend {
            situation.may_take_part()?;
            situation.may(Act::Pin)?;
        }
        situation.is_not_archived(Act::Pin)?;
        if self.pinned {
            situation.message("target", self.target)?;
        } else {
            situation.any_message("target", self.target)?;
        }
        if situation.facts.is_pinned(self.target) == self.pinned {
            return Ok(None);
        }
        if self.pinned && situation.facts.pins() >= PINS {
            return Err(Refusal::TooMany { field: "target", what: "pinned messages in this room", limit: PINS });
        }
        Ok(Some(Change::Pinned))
    }

    fn effects(&self) -> Effects {
        Effects::default().lists(ListKind::Pins)
    }
}
