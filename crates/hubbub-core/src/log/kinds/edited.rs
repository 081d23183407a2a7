//! `edited`: a message says something else now.

use super::{Change, Content, Kind, Needs, Situation, about::Member};
use crate::{
    limits::EDITS_OF_MESSAGE,
    log::{
        body::{BodyWriter, Column, Columns, Damaged},
        situation::Right,
    },
    model::{access::Refusal, rights::Act, seq::Seq},
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The message.
    pub target: Seq,
    /// What it says now, all of it.
    pub content: Content,
}

impl Kind for Edited {
    const WORDS: &'static [&'static str] = &["edited"];
    const MEANING: &'static str = "The message `target` says this now, and nothing else of what it said.";
    const MEMBERS: &'static [Member] = &[Member::TARGET, Member::TEXT, Member::DATA, Member::MENTIONS, Member::MENTION_ALL, Member::GONE];

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        self.content.write(to);
        to.seq("target", Column::Target, Some(self.target));
        self.content.write_rest(to);
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        Ok(Self { target: columns.target("edited")?, content: Content::read("edited", columns)? })
    }

    fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.targets.push(self.target);
        needs.content.push(self.target);
        self.content.needs(needs);
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        if situation.right != Right::Backend {
            situation.may_take_part()?;
            situation.may(Act::EditOwn)?;
        }
        situation.is_not_archived(Act::EditOwn)?;
        let target = situation.message("target", self.target)?;
        if situation.right != Right::Backend {
            if !situation.is_author(target) {
                return Err(Refusal::NotAuthor);
            }
            situation.is_in_window(target)?;
        }
        if target.content.as_ref() == Some(&self.content) {
            return Ok(None);
        }
        if target.edits as usize >= EDITS_OF_MESSAGE {
            return Err(Refusal::TooMany { field: "target", what: "edits of this message", limit: EDITS_OF_MESSAGE });
        }
        self.content.may_be(situation, target.content.as_ref())?;
        Ok(Some(Change::Edited))
    }
}
