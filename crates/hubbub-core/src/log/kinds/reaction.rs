//! `reacted`, `unreacted`: somebody added a reaction to a message, or took it back.

use super::{Change, Kind, Needs, Situation, about::{Member, Value}};
use crate::{
    limits::{REACTION_BYTES, REACTIONS_OF_MESSAGE},
    log::body::{BodyWriter, Column, Columns, Damaged},
    model::{
        access::Refusal,
        ids::{Invalid, is_invisible, is_no_path_step},
        json::to_json,
        rights::Act,
        seq::Seq,
    },
};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reacted {
    /// The message.
    pub target: Seq,
    /// The emoji or word.
    pub reaction: ReactionWord,
    /// Whether it was added.
    pub added: bool,
}

/// An emoji or a word, of at most [`REACTION_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ReactionWord(Box<str>);

impl ReactionWord {
    /// Takes a client's.
    ///
    /// # Errors
    /// When it is empty, too long, or has white space at its ends, characters that nobody writes, that turn the direction of what is
    /// beside it or that belong to a letter before it, or nothing that can be seen, or no URL can name it.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        let wrong = |why: &str| Err(Invalid::new("reaction", why));
        if word.is_empty() {
            return wrong("empty");
        }
        if word.len() > REACTION_BYTES {
            return Err(Invalid::too_long("reaction", word.len(), REACTION_BYTES));
        }
        if word.chars().any(char::is_control) {
            return wrong("control characters are not allowed");
        }
        if word.chars().any(turns_direction) {
            return wrong("characters that turn the direction are not allowed");
        }
        if word.chars().any(is_no_character) {
            return wrong("characters that Unicode keeps for no text are not allowed");
        }
        if word.trim() != word {
            return wrong("white space at its ends is not allowed");
        }
        is_no_path_step("reaction", word)?;
        if word.chars().all(is_invisible) {
            return wrong("nothing of it can be seen");
        }
        if is_mark_alone(word) {
            return wrong("it begins with a mark that belongs to a letter before it");
        }
        Ok(Self(word.into()))
    }

    /// A word that this program stored itself.
    pub fn trusted(word: &str) -> Self {
        Self(word.into())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Marks, embeddings, overrides and isolates of direction: they reach beyond the reaction.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Unicode's noncharacters.
const fn is_no_character(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || c as u32 & 0xfffe == 0xfffe
}

/// Whether its beginning would join a letter before it. A tone of skin alone is an emoji of its own.
fn is_mark_alone(word: &str) -> bool {
    let is_tone = word.starts_with(|c| matches!(c, '\u{1f3fb}'..='\u{1f3ff}'));
    !is_tone && format!("a{word}").graphemes(true).next().is_some_and(|first| first.len() > 1)
}

/// The member that lies in [`Column::Body`].
#[derive(Deserialize)]
struct Rest {
    reaction: Box<str>,
}

impl Kind for Reacted {
    const WORDS: &'static [&'static str] = &["reacted", "unreacted"];
    const MEANING: &'static str = "`from` added a reaction to the message `target`, or took it back.";
    const MEMBERS: &'static [Member] = &[Member::TARGET, Member::needed("reaction", Value::Text, "The emoji or word.")];

    fn word(&self) -> &'static str {
        Self::WORDS[usize::from(!self.added)]
    }

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.seq("target", Column::Target, Some(self.target));
        to.rest("reaction", &to_json(&self.reaction.as_str()));
    }

    fn read(word: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        let Rest { reaction } = columns.members("reacted")?;
        Ok(Self {
            target: columns.target("reacted")?,
            reaction: ReactionWord(reaction),
            added: word == Self::WORDS[0],
        })
    }

    fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.targets.push(self.target);
        needs.reactions.push((self.target, self.reaction.as_str()));
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        situation.may_take_part()?;
        situation.may(Act::React)?;
        let word = self.reaction.as_str();
        let target = situation.any_message("target", self.target)?;
        // With the message its reactions have gone.
        if target.gone {
            return if self.added { Err(Refusal::Deleted("target")) } else { Ok(None) };
        }
        if situation.facts.has_reacted(self.target, word, situation.from) == self.added {
            return Ok(None);
        }
        let (different, is_one) = situation.facts.reactions(self.target, word);
        if self.added && !is_one && different >= REACTIONS_OF_MESSAGE {
            let what = "different reactions on this message";
            return Err(Refusal::TooMany { field: "reaction", what, limit: REACTIONS_OF_MESSAGE });
        }
        Ok(Some(Change::Reacted))
    }
}
