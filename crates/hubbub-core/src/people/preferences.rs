//! How a room is shown to somebody: they say it once, for all of their devices.

use crate::{
    live::signal::{Audience, Signal},
    model::{
        ids::{Invalid, RoomId, UserId},
        json::{Json, to_json},
        seq::Seq,
    },
};

/// What somebody is told of in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notify {
    /// Every message.
    #[default]
    All,
    /// Messages that mention them.
    Mentions,
    /// Nothing.
    Nothing,
}

impl Notify {
    /// The words, in order.
    pub const WORDS: [&str; 3] = ["all", "mentions", "nothing"];

    /// Its word.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// Reads its word.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        let all = [Self::All, Self::Mentions, Self::Nothing];
        let found = all.into_iter().find(|notify| notify.word() == word);
        found.ok_or_else(|| Invalid::new("notify", "one of all, mentions, nothing"))
    }
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Preferences {
    /// What they are told of.
    pub notify: Notify,
    /// Whether it stands before the others.
    pub pinned: bool,
    /// Whether it is left out.
    pub hidden: bool,
    /// Where unread begins, whatever the mark says: until they read this entry, or one after it.
    pub unread_from: Option<Seq>,
}

/// Some of them, as they are to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PreferencesChange {
    /// See [`Preferences::notify`].
    pub notify: Option<Notify>,
    /// See [`Preferences::pinned`].
    pub pinned: Option<bool>,
    /// See [`Preferences::hidden`].
    pub hidden: Option<bool>,
    /// See [`Preferences::unread_from`]; the inner `None` takes it away.
    pub unread_from: Option<Option<Seq>>,
}

impl Preferences {
    /// Whether the room is shown as to whoever has said nothing.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// What the user's own devices are told once it is so.
    pub fn signal(&self, user: &UserId, room: &RoomId) -> Signal {
        let Self { notify, pinned, hidden, unread_from } = self;
        let from = unread_from.map_or_else(String::new, |seq| format!(r#","unread_from":{seq}"#));
        let body = format!(
            r#"{{"type":"preferences","room":"{room}","notify":"{}","pinned":{pinned},"hidden":{hidden}{from}}}"#,
            notify.word()
        );
        Signal { audience: Audience::User(user.clone()), body: Json::trusted(body) }
    }
}

/// What the devices of whoever has blocked somebody, or does not any more, are told.
pub fn block_signal(user: &UserId, other: &UserId, is_blocked: bool) -> Signal {
    let word = if is_blocked { "blocked" } else { "unblocked" };
    let body = format!(r#"{{"type":"{word}","user":{}}}"#, to_json(&other));
    Signal { audience: Audience::User(user.clone()), body: Json::trusted(body) }
}

/// What the devices of whoever is invited are told.
pub fn invite_signal(user: &UserId, room: &RoomId, by: &UserId) -> Signal {
    let body = format!(r#"{{"type":"invited","room":"{room}","by":{}}}"#, to_json(&by));
    Signal { audience: Audience::User(user.clone()), body: Json::trusted(body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_says_what_somebody_is_told_of() {
        for word in Notify::WORDS {
            assert_eq!(Notify::parse(word).unwrap().word(), word);
        }
        for word in ["", "All", "none", "mention"] {
            assert_eq!(Notify::parse(word).unwrap_err().to_string(), "notify: one of all, mentions, nothing", "{word}");
        }
    }

    #[test]
    fn own_devices_are_told_all_of_it() {
        let (user, room) = (UserId::parse("ana").unwrap(), RoomId::parse("hall").unwrap());
        let told = |preferences: Preferences| preferences.signal(&user, &room).body.as_str().to_owned();
        let usual = Preferences::default();
        assert!(usual.is_usual());
        let body = r#"{"type":"preferences","room":"hall","notify":"all","pinned":false,"hidden":false}"#;
        assert_eq!(told(usual), body);
        let other = Preferences { notify: Notify::Nothing, unread_from: Some(Seq::new(7)), ..usual };
        assert!(!other.is_usual());
        assert!(told(other).ends_with(r#""notify":"nothing","pinned":false,"hidden":false,"unread_from":7}"#));
        let blocked = block_signal(&user, &UserId::parse("eve \"e\"").unwrap(), true);
        assert_eq!(blocked.body.as_str(), r#"{"type":"blocked","user":"eve \"e\""}"#);
    }
}
