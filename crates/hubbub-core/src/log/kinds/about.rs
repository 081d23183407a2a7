//! What documents say of a kind of entry: the OpenAPI document is made of it.

/// A kind.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The words for `type`.
    pub words: &'static [&'static str],
    /// What it means, in a sentence.
    pub meaning: &'static str,
    /// The members of its body.
    pub members: &'static [Member],
}

/// A member of an entry's JSON.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub value: Value,
    /// Whether every entry of the kind has it.
    pub is_needed: bool,
    /// What it says, in a sentence.
    pub about: &'static str,
}

/// What a member's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text,
    /// Any JSON.
    Json,
    /// The number of an entry.
    Seq,
    /// Numbers of entries.
    Seqs,
    /// A user.
    User,
    /// Users.
    Users,
    /// A moment.
    Time,
    /// `true`, or the member is absent.
    Yes,
    /// A role.
    Role,
    /// Some settings of the room.
    Settings,
}

impl Member {
    /// Every entry of the kind has it.
    pub const fn needed(name: &'static str, value: Value, about: &'static str) -> Self {
        Self { name, value, is_needed: true, about }
    }

    /// It may be absent.
    pub const fn maybe(name: &'static str, value: Value, about: &'static str) -> Self {
        Self { name, value, is_needed: false, about }
    }

    /// Who it is about.
    pub const USER: Self = Self::needed("user", Value::User, "Whom it is about.");

    /// Which message it is about.
    pub const TARGET: Self = Self::needed("target", Value::Seq, "The message that it is about.");

    /// The text of a message.
    pub const TEXT: Self = Self::maybe(
        "text",
        Value::Text,
        "What is said. It may be empty where there is `data`; absent where it is gone.",
    );

    /// The data of a message.
    pub const DATA: Self = Self::maybe("data", Value::Json, "What the product has put beside the text: any JSON.");

    /// Who is mentioned.
    pub const MENTIONS: Self = Self::maybe("mentions", Value::Users, "The members who are mentioned.");

    /// Whether everybody is mentioned.
    pub const MENTION_ALL: Self = Self::maybe("mention_all", Value::Yes, "Everybody is mentioned.");

    /// The thread of a message.
    pub const THREAD: Self = Self::maybe("thread", Value::Seq, "The message whose thread it is in.");

    /// Whether a reply is shown in the room.
    pub const IN_ROOM: Self = Self::maybe("in_room", Value::Yes, "It is shown in the room although it is in a thread.");

    /// Whether it was blanked.
    pub const GONE: Self = Self::maybe("gone", Value::Yes, "Its content was blanked.");
}
