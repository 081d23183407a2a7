//! `message`: somebody said something.

use super::{Change, Kind, Right, SessionState, Situation};
use crate::{
    limits::TEXT_BYTES,
    log::body::{BodyWriter, Column, Columns, Damaged},
    model::{access::Refusal, ids::Invalid, json::Json, seq::Seq},
};

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The text; may be empty where there is data.
    pub text: Text,
    /// What the product attached.
    pub data: Option<Json>,
    /// The entry this answers.
    pub reply_to: Option<Seq>,
}

impl Kind for Message {
    const WORDS: &'static [&'static str] = &["message"];

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.string("text", Column::Text, Some(self.text.as_str()));
        to.json("data", Column::Data, self.data.as_ref());
        to.seq("reply_to", Column::Target, self.reply_to);
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            text: Text::trusted(columns.text.as_deref().unwrap_or_default().to_owned()),
            data: columns.data.as_deref().map(|data| Json::trusted(data.to_owned())),
            reply_to: columns.target,
        })
    }

    /// The verdicts of `store/postgres/number_messages.sql` are the same; the conformance suite compares them.
    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        let own = situation.own();
        if situation.right == Right::Portal {
            situation.session.ok_or(Refusal::NotSession)?;
        } else if !own.is_member() {
            situation.kind.may_read(own)?;
            return Err(Refusal::NotMember);
        } else if situation.session == Some(SessionState::Closed) {
            return Err(Refusal::SessionClosed);
        }
        match self.reply_to {
            Some(target) if target > situation.head || target == Seq::ZERO => Err(Refusal::NoSuchEntry),
            _ => Ok(Some(Change::Newest)),
        }
    }
}

/// A text within its limit, without U+0000 (which Postgres cannot keep).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(Box<str>);

impl Text {
    /// Takes a client's text.
    ///
    /// # Errors
    /// When it is longer than [`TEXT_BYTES`] or has the character U+0000.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > TEXT_BYTES {
            return Err(Invalid::too_long("text", text.len(), TEXT_BYTES));
        }
        if text.contains('\0') {
            return Err(Invalid::new("text", "the character U+0000 is not allowed"));
        }
        Ok(Self(text.into()))
    }

    /// A text that this program stored itself.
    pub fn trusted(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
