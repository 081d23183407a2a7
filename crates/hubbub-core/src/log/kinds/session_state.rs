//! `opened`, `waiting`, `closed`: a support session stands elsewhere.

use super::{Change, Kind, Right, Situation, about::Member};
use crate::{
    log::body::{BodyWriter, Columns, Damaged},
    model::{access::Refusal, ids::Invalid},
};

/// Where a support session stands. Each change is an entry of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// The conversation is going on.
    Open,
    /// The customer waits for an agent: the portal or the product says so.
    Waiting,
    /// It has ended. The customer's messages are refused until it is opened again; an agent's answer opens it.
    Closed,
}

impl SessionState {
    const ALL: [Self; 3] = [Self::Open, Self::Waiting, Self::Closed];

    /// The word for the state, in REST and in the store's rooms.
    pub const fn state(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Closed => "closed",
        }
    }

    /// Reads the word for the state.
    ///
    /// # Errors
    /// When it is none of the three.
    pub fn parse(state: &str) -> Result<Self, Invalid> {
        let known = Self::ALL.into_iter().find(|known| known.state() == state);
        known.ok_or_else(|| Invalid::new("state", "one of open, waiting, closed"))
    }
}

impl Kind for SessionState {
    const WORDS: &'static [&'static str] = &["opened", "waiting", "closed"];
    const IS_LINE: bool = true;
    const MEANING: &'static str = "A support session was opened, or opened again; its customer waits for an agent; it has ended.";
    const MEMBERS: &'static [Member] = &[];

    fn word(&self) -> &'static str {
        Self::WORDS[*self as usize]
    }

    /// The word says it all.
    fn write<'a>(&'a self, _: &mut impl BodyWriter<'a>) {}

    fn read(word: &str, _: &Columns<'_>) -> Result<Self, Damaged> {
        let known = Self::ALL.into_iter().find(|known| known.word() == word);
        known.ok_or(Damaged { kind: "opened", member: "type" })
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        let own = situation.own();
        if situation.right == Right::Own && !own.is_member() {
            situation.room.kind.may_read(own)?;
            return Err(Refusal::NotMember);
        }
        let stands = situation.room.session.ok_or(Refusal::NotSession)?;
        Ok((stands != *self).then_some(Change::Session(*self)))
    }

    fn founds(&self) -> Option<Change> {
        Some(Change::Session(*self))
    }
}
