//! What a message says: what `message` and `edited` have in common.

use super::{
    body::{BodyWriter, Column, Columns, Damaged},
    kinds::{Text, What},
    situation::{Needs, Situation},
};
use crate::model::{
    access::Refusal,
    ids::UserId,
    json::{Json, to_json},
    rights::Act,
};
use serde::Deserialize;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The text; may be empty where there is data.
    pub text: Text,
    /// What the product attached.
    pub data: Option<Json>,
    /// Who is mentioned: members, by id, each once, at most [`MENTIONS`](crate::limits::MENTIONS).
    pub mentions: Box<[UserId]>,
    /// Whether everybody is.
    pub mention_all: bool,
}

/// The members that lie in [`Column::Body`].
#[derive(Deserialize, Default)]
#[serde(default)]
struct Rest {
    mentions: Vec<UserId>,
    mention_all: bool,
}

impl Content {
    /// A text that mentions nobody.
    pub fn text(text: Text) -> Self {
        Self { text, data: None, mentions: Box::default(), mention_all: false }
    }

    /// What an entry says, where it says something.
    pub const fn of(what: &What) -> Option<&Self> {
        match what {
            What::Message(message) => Some(&message.content),
            What::Edited(edited) => Some(&edited.content),
            _ => None,
        }
    }

    /// What is left once it was blanked.
    pub fn gone() -> Self {
        Self::text(Text::trusted(String::new()))
    }

    /// Names the members with columns of their own; [`write_rest`](Self::write_rest) names the others, behind those.
    pub fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.string("text", Column::Text, Some(self.text.as_str()));
        to.json("data", Column::Data, self.data.as_ref());
    }

    /// See [`write`](Self::write).
    pub fn write_rest<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        if !self.mentions.is_empty() {
            to.rest("mentions", &to_json(&self.mentions));
        }
        if self.mention_all {
            to.rest("mention_all", "true");
        }
    }

    /// Reads what the store has of it.
    ///
    /// # Errors
    /// [`Damaged`] when the mentions cannot be read.
    pub fn read(kind: &'static str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        let rest: Rest = columns.members(kind)?;
        Ok(Self {
            text: Text::trusted(columns.text.as_deref().unwrap_or_default().to_owned()),
            data: columns.data.as_deref().map(|data| Json::trusted(data.to_owned())),
            mentions: rest.mentions.into(),
            mention_all: rest.mention_all,
        })
    }

    /// Asks for what [`may_be`](Self::may_be) looks at.
    pub fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.people.extend(&self.mentions);
    }

    /// Whether the sender may mention whom it mentions. Who was mentioned `before` may have left since.
    ///
    /// # Errors
    /// Names who is not a member.
    pub fn may_be(&self, situation: &Situation<'_>, before: Option<&Self>) -> Result<(), Refusal> {
        if self.mention_all && situation.right.is_own() && !before.is_some_and(|before| before.mention_all) {
            situation.may(Act::MentionAll)?;
        }
        let is_new = |user: &&UserId| !before.is_some_and(|before| before.mentions.contains(user));
        let stranger = self.mentions.iter().filter(is_new).find(|user| !situation.standing(user).is_member());
        stranger.map_or(Ok(()), |user| Err(Refusal::NoSuchMember { field: "mentions", user: user.clone() }))
    }
}
