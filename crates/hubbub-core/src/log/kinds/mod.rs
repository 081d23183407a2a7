//! The kinds of entries: one file each. A new kind is a new file and one line in the list below.

use super::{
    body::{BodyWriter, Columns, Damaged},
    effects::Effects,
};
pub use super::{
    content::Content,
    situation::{Needs, Right, Situation},
};
use crate::model::{
    access::{Refusal, Standing},
    ids::UserId,
    seq::Seq,
};
use about::{About, Member};

pub mod about;

/// What a kind of entry consists of.
pub trait Kind: Sized {
    /// The words for `type` on the wire and in the store.
    const WORDS: &'static [&'static str];

    /// What it means, in a sentence, for documents.
    const MEANING: &'static str;

    /// The members of its body, for documents.
    const MEMBERS: &'static [Member];

    /// The word of this one.
    fn word(&self) -> &'static str {
        Self::WORDS[0]
    }

    /// Names the members of the body, in their order: for JSON, for the store and for the body's hash alike.
    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>);

    /// Reads what the store has of an entry with one of [`WORDS`](Self::WORDS).
    ///
    /// # Errors
    /// [`Damaged`] when a member is missing or is not what it must be.
    fn read(word: &str, columns: &Columns<'_>) -> Result<Self, Damaged>;

    /// Asks for what the rule looks at, beside the room and how the sender stands.
    fn needs<'a>(&'a self, _: &mut Needs<'a>) {}

    /// The rule: what is to change in the room when the log takes this, or why it does not take it. `Ok(None)`: things are as
    /// asked already, and nothing is written.
    ///
    /// # Errors
    /// The reason, for the sender.
    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal>;

    /// The same with what only the log knows of it: for a draft that the rule has let through. `None`: there is nothing to add.
    fn fill(&self, _: &Situation<'_>) -> Option<Self> {
        None
    }

    /// What is to change when this is one of the first entries of a new room. `None`: it cannot be one.
    fn founds(&self) -> Option<Change> {
        None
    }

    /// Whether pages show it as a line of its own. Messages are shown by where they are.
    const IS_LINE: bool = false;

    /// What every instance does when it meets the entry, whether or not it knows the kind.
    fn effects(&self) -> Effects {
        Effects::default()
    }
}

/// What an entry changes in its room, in the entry's own transaction; a small closed vocabulary that the stores write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing but the log itself.
    Nothing,
    /// There is another message.
    Said,
    /// A message says something else.
    Edited,
    /// A message and its edits are blanked.
    Deleted,
    /// There is a reaction more, or less.
    Reacted,
    /// A message is pinned, or not any more.
    Pinned,
    /// Somebody may not write for a while, or may again.
    Muted,
    /// The room has other settings.
    Settings,
    /// Somebody stands otherwise.
    Stands(UserId, Standing),
    /// The room has another name.
    Named(String),
    /// The support session stands elsewhere.
    Session(SessionState),
}

/// An entry whose kind a newer version has added: carried as it lies, and its effects are obeyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The kind's word.
    pub word: Box<str>,
    /// What lies in its columns.
    pub columns: Box<Columns<'static>>,
    /// Its effects, as they were written beside it.
    pub effects: Effects,
}

/// An entry whose content was blanked: only what surrounds the content is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The kind's word.
    pub word: Box<str>,
    /// Its effects stay.
    pub effects: Effects,
    /// The message that it answers or is about.
    pub target: Option<Seq>,
    /// The root of the thread it is in.
    pub thread: Option<Seq>,
    /// Whether it is shown in the room although it is in a thread.
    pub in_room: bool,
}

macro_rules! kinds {
    ($($file:ident::$kind:ident as $variant:ident,)*) => {
        $(mod $file; pub use $file::*;)*

        /// What happened.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum What {
            $(
                #[doc = concat!("See [`", stringify!($kind), "`].")]
                $variant($kind),
            )*
            /// See [`Other`].
            Other(Other),
            /// See [`Gone`].
            Gone(Gone),
        }

        impl What {
            /// The words of all kinds that this version knows.
            pub const WORDS: &'static [&'static [&'static str]] = &[$($kind::WORDS,)*];

            /// What documents say of all kinds that this version knows.
            pub const ABOUT: &'static [About] = &[
                $(About { words: $kind::WORDS, meaning: $kind::MEANING, members: $kind::MEMBERS },)*
            ];

            /// The word for `type` on the wire and in the store.
            pub fn word(&self) -> &str {
                match self {
                    $(Self::$variant(kind) => kind.word(),)*
                    Self::Other(other) => &other.word,
                    Self::Gone(gone) => &gone.word,
                }
            }

            /// Names the members of the body: see [`Kind::write`].
            pub fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
                match self {
                    $(Self::$variant(kind) => kind.write(to),)*
                    // They are never written anew: see `body::push_json`.
                    Self::Other(_) | Self::Gone(_) => {}
                }
            }

            /// Reads what the store has of an entry. A word that this version does not know is no error: see [`Other`].
            ///
            /// # Errors
            /// [`Damaged`] when the row of a known kind cannot be read.
            pub fn read(word: &str, columns: Columns<'_>, effects: Effects) -> Result<Self, Damaged> {
                $(if $kind::WORDS.contains(&word) {
                    return $kind::read(word, &columns).map(Self::$variant);
                })*
                Ok(Self::Other(Other { word: word.into(), columns: Box::new(columns.into_owned()), effects }))
            }

            /// Asks for what the rule looks at: see [`Kind::needs`].
            pub fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
                match self {
                    $(Self::$variant(kind) => kind.needs(needs),)*
                    Self::Other(_) | Self::Gone(_) => {}
                }
            }

            /// The same with what only the log knows of it: see [`Kind::fill`].
            pub fn fill(&self, situation: &Situation<'_>) -> Option<Self> {
                match self {
                    $(Self::$variant(kind) => kind.fill(situation).map(Self::$variant),)*
                    Self::Other(_) | Self::Gone(_) => None,
                }
            }

            /// The rule: see [`Kind::rule`].
            ///
            /// # Errors
            /// The reason, for the sender.
            pub fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
                match self {
                    $(Self::$variant(kind) => kind.rule(situation),)*
                    // Nobody can ask for either.
                    Self::Other(_) | Self::Gone(_) => Ok(None),
                }
            }

            /// What it changes as one of the first entries of a new room: see [`Kind::founds`].
            pub fn founds(&self) -> Option<Change> {
                match self {
                    $(Self::$variant(kind) => kind.founds(),)*
                    Self::Other(_) | Self::Gone(_) => None,
                }
            }

            /// Whether pages show it as a line of its own: see [`Kind::IS_LINE`]. What is not known is not shown.
            pub fn is_line(&self) -> bool {
                match self {
                    $(Self::$variant(_) => $kind::IS_LINE,)*
                    Self::Other(_) | Self::Gone(_) => false,
                }
            }

            /// The words of what pages show: messages and lines.
            pub fn shown_words() -> Vec<&'static str> {
                let mut words = Message::WORDS.to_vec();
                $(if $kind::IS_LINE {
                    words.extend($kind::WORDS);
                })*
                words
            }

            /// What every instance does when it meets the entry: see [`Kind::effects`].
            pub fn effects(&self) -> Effects {
                match self {
                    $(Self::$variant(kind) => kind.effects(),)*
                    Self::Other(other) => other.effects.clone(),
                    Self::Gone(gone) => gone.effects.clone(),
                }
            }
        }
    };
}

kinds! {
    message::Message as Message,
    joined::Joined as Joined,
    left::Left as Left,
    banned::Banned as Banned,
    renamed::Renamed as Renamed,
    session_state::SessionState as State,
    edited::Edited as Edited,
    deleted::Deleted as Deleted,
    reaction::Reacted as Reacted,
    pinned::Pinned as Pinned,
    muted::Muted as Muted,
    changed::Changed as Changed,
}
