//! `message`: somebody said something.

use super::{Change, Content, Kind, Needs, Situation, about::{Member, Value}};
use crate::{
    limits::TEXT_BYTES,
    log::body::{BodyWriter, Column, Columns, Damaged},
    model::{access::Refusal, ids::Invalid, json::Json, rights::Act, seq::Seq},
};

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What.
    pub content: Content,
    /// The message this answers.
    pub reply_to: Option<Seq>,
    /// The message that is the root of the thread this is in.
    pub thread: Option<Seq>,
    /// Whether it is shown in the room although it is in a thread.
    pub in_room: bool,
}

impl Message {
    /// A message that mentions nobody and is in no thread.
    pub fn new(text: Text, data: Option<Json>, reply_to: Option<Seq>) -> Self {
        Self { content: Content { data, ..Content::text(text) }, reply_to, thread: None, in_room: false }
    }

    /// Whether it is shown among the messages of the room, and not only in its thread.
    pub const fn is_shown(&self) -> bool {
        self.thread.is_none() || self.in_room
    }

    /// Whether the store may number it by the shorter way: nothing hangs on it but the sender's membership and whom it answers.
    pub fn is_plain(&self) -> bool {
        self.thread.is_none() && self.content.mentions.is_empty() && !self.content.mention_all
    }
}

impl Kind for Message {
    const WORDS: &'static [&'static str] = &["message"];
    const MEANING: &'static str = "`from` said something.";
    const MEMBERS: &'static [Member] = &[Member::TEXT, Member::DATA, Member::maybe("reply_to", Value::Seq, "The message that it answers."), Member::THREAD, Member::IN_ROOM, Member::MENTIONS, Member::MENTION_ALL, Member::GONE];

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        self.content.write(to);
        to.seq("reply_to", Column::Target, self.reply_to);
        to.seq("thread", Column::Thread, self.thread);
        to.flag("in_room", Column::InRoom, self.in_room);
        self.content.write_rest(to);
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            content: Content::read("message", columns)?,
            reply_to: columns.target,
            thread: columns.thread,
            in_room: columns.in_room,
        })
    }

    fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.targets.extend(self.reply_to);
        needs.targets.extend(self.thread);
        self.content.needs(needs);
    }

    /// The verdicts of `store/postgres/number_messages.sql` are the same; the conformance suite compares them.
    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        situation.may_take_part()?;
        situation.may(Act::Write)?;
        if let Some(answered) = self.reply_to {
            situation.any_message("reply_to", answered)?;
        }
        if let Some(root) = self.thread
            && let Some(root) = situation.message("thread", root)?.thread
        {
            return Err(Refusal::InThread(root));
        }
        self.content.may_be(situation, None)?;
        situation.is_time()?;
        Ok(Some(Change::Said))
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
