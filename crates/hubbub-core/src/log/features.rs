//! What was added to logs since instances keep leases: in its lease an instance says which of it it knows, and what is new is
//! taken only while every instance that lives knows it.

use super::{
    content::Content,
    kinds::{Changed, Deleted, Edited, Joined, Message, Muted, Pinned, Reacted, What},
    settings::{MembersMayChange, SettingsChange},
};
use crate::model::access::Role;
use std::fmt;

macro_rules! features {
    ($($(#[$doc:meta])* $feature:ident = $word:literal,)*) => {
        /// One of these things. New ones are added at the end.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Feature {
            $($(#[$doc])* $feature,)*
        }

        impl Feature {
            /// All that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$feature,)*];

            /// Its word, in leases and for clients.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$feature => $word,)*
                }
            }
        }
    };
}

features! {
    /// `edited`.
    Edits = "edits",
    /// `deleted`.
    Deletions = "deletions",
    /// `reacted` and `unreacted`.
    Reactions = "reactions",
    /// `thread` and `in_room` of a message.
    Threads = "threads",
    /// `mentions` and `mention_all` of a message.
    Mentions = "mentions",
    /// `pinned` and `unpinned`.
    Pins = "pins",
    /// `muted` and `unmuted`.
    Mutes = "mutes",
    /// The roles reader and moderator.
    Roles = "roles",
    /// `changed`, with the settings of its first version.
    Settings = "settings",
    /// The setting `archived`.
    Archives = "archives",
    /// Rooms that are deleted.
    RoomDeletions = "room_deletions",
    /// `topic` and `data` in `changed`.
    RoomInfos = "room_infos",
    /// Answers which users are connected to it.
    Online = "online",
    /// Read marks, and counts of what is unread.
    Unread = "unread",
    /// Blocks between two people.
    Blocks = "blocks",
}

/// Why something new is not taken: an instance of an older version runs, or it cannot be told whether one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not yet: an older instance that does not know `{0}` may still be running; nothing was written, retry later with the same key"
)]
pub struct NotYet(pub Feature);

/// A set of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Features(u64);

impl Features {
    /// None of them: what an instance knows that says nothing.
    pub const NONE: Self = Self(0);

    /// All that this version knows.
    pub fn all() -> Self {
        Feature::ALL.iter().copied().collect()
    }

    /// What must be known to whoever meets an entry. Every kind and every member stands here: what is added to one of them
    /// belongs to a feature of its own, unless the versions before know it.
    pub fn of(what: &What) -> Self {
        match what {
            What::Message(Message { content, reply_to: _, thread, in_room }) => {
                let in_thread = Self::if_so(thread.is_some() || *in_room, Feature::Threads);
                in_thread.and(Self::of_content(content))
            }
            What::Joined(Joined { user: _, role }) => match role {
                Role::Member | Role::Admin => Self::NONE,
                Role::Reader | Role::Moderator => Feature::Roles.into(),
            },
            What::Left(_) | What::Banned(_) | What::Renamed(_) | What::State(_) => Self::NONE,
            What::Edited(Edited { target: _, content }) => Self::from(Feature::Edits).and(Self::of_content(content)),
            What::Deleted(Deleted { target: _, of: _ }) => Feature::Deletions.into(),
            What::Reacted(Reacted { target: _, reaction: _, added: _ }) => Feature::Reactions.into(),
            What::Pinned(Pinned { target: _, pinned: _ }) => Feature::Pins.into(),
            What::Muted(Muted { user: _, until: _ }) => Feature::Mutes.into(),
            What::Changed(changed) => Self::of_settings(changed),
            // Nobody can ask for either.
            What::Other(_) | What::Gone(_) => Self::NONE,
        }
    }

    fn of_content(Content { text: _, data: _, mentions, mention_all }: &Content) -> Self {
        Self::if_so(!mentions.is_empty() || *mention_all, Feature::Mentions)
    }

    fn of_settings(changed: &Changed) -> Self {
        let SettingsChange { slow_mode: _, frozen: _, edit_window: _, members_may, history_from: _, archived } =
            changed.change();
        let MembersMayChange { pin: _, mention_all: _, invite: _ } = members_may.unwrap_or_default();
        Self::from(Feature::Settings)
            .and(Self::if_so(archived.is_some(), Feature::Archives))
            .and(Self::if_so(changed.is_of_info(), Feature::RoomInfos))
    }

    fn if_so(is_so: bool, feature: Feature) -> Self {
        if is_so { feature.into() } else { Self::NONE }
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn in_common_with(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in here and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether this is one of them.
    pub const fn has(self, feature: Feature) -> bool {
        self.0 & bit(feature) != 0
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each, in the order of [`Feature::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.iter().copied().filter(move |feature| self.has(*feature))
    }

    /// The words of each.
    pub fn words(self) -> Vec<&'static str> {
        self.iter().map(Feature::word).collect()
    }

    /// Reads what a lease says. Words of a newer version are passed over; who says nothing knows nothing of it.
    pub fn read(said: Option<&str>) -> Self {
        let words = said.unwrap_or_default().split(' ');
        words.filter_map(|word| Feature::ALL.iter().find(|feature| feature.word() == word).copied()).collect()
    }
}

const fn bit(feature: Feature) -> u64 {
    1 << feature as u64
}

impl From<Feature> for Features {
    fn from(feature: Feature) -> Self {
        Self(bit(feature))
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        features.into_iter().fold(Self::NONE, |all, feature| all.and(feature.into()))
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a lease says: words with a space between them.
impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        log::kinds::{Banned, Left, Renamed, SessionState, Text},
        model::{ids::UserId, seq::Seq, time::Timestamp},
    };

    fn message(change: impl FnOnce(&mut Message)) -> What {
        let mut message = Message::new(Text::parse("hi").unwrap(), None, Some(Seq::new(1)));
        change(&mut message);
        What::Message(message)
    }

    fn ana() -> UserId {
        UserId::parse("ana").unwrap()
    }

    fn joined(role: Role) -> What {
        What::Joined(Joined { user: ana(), role })
    }

    fn changed(json: &str) -> What {
        What::Changed(Changed::new(&serde_json::from_str(json).unwrap()))
    }

    #[test]
    fn what_every_version_knows_needs_nothing() {
        for what in [
            message(|_| {}),
            joined(Role::Member),
            joined(Role::Admin),
            What::Left(Left { user: ana() }),
            What::Banned(Banned { user: ana() }),
            What::Renamed(Renamed { name: "Kitchen".into() }),
            What::State(SessionState::Closed),
        ] {
            assert!(Features::of(&what).is_empty(), "{what:?}");
        }
    }

    #[test]
    fn new_kinds_fields_roles_and_settings_need_each_its_own() {
        let (target, user) = (Seq::new(1), ana());
        let content =
            |mentions: &[UserId]| Content { mentions: mentions.into(), ..Content::text(Text::parse("hi").unwrap()) };
        for (what, words) in [
            (message(|m| m.thread = Some(target)), vec!["threads"]),
            (message(|m| m.in_room = true), vec!["threads"]),
            (message(|m| m.content.mention_all = true), vec!["mentions"]),
            (message(|m| m.content.mentions = [ana()].into()), vec!["mentions"]),
            (
                message(|m| {
                    m.thread = Some(target);
                    m.content.mention_all = true;
                }),
                vec!["threads", "mentions"],
            ),
            (joined(Role::Reader), vec!["roles"]),
            (joined(Role::Moderator), vec!["roles"]),
            (What::Edited(Edited { target, content: content(&[]) }), vec!["edits"]),
            (What::Edited(Edited { target, content: content(&[ana()]) }), vec!["edits", "mentions"]),
            (What::Deleted(Deleted { target, of: None }), vec!["deletions"]),
            (What::Muted(Muted { user: user.clone(), until: Some(Timestamp(1)) }), vec!["mutes"]),
            (What::Muted(Muted { user, until: None }), vec!["mutes"]),
            (changed(r#"{"frozen":true}"#), vec!["settings"]),
            (changed(r#"{"history_from":"joined","members_may":{"pin":true}}"#), vec!["settings"]),
            (changed(r#"{"archived":true}"#), vec!["settings", "archives"]),
            (
                What::Changed(Changed::new(&SettingsChange::default()).with_info(Some(""), None)),
                vec!["settings", "room_infos"],
            ),
            (
                What::Changed(Changed::new(&SettingsChange::default()).with_info(None, Some(None))),
                vec!["settings", "room_infos"],
            ),
            (changed(r#"{"archived":false,"frozen":true}"#), vec!["settings", "archives"]),
        ] {
            assert_eq!(Features::of(&what).words(), words, "{what:?}");
        }
    }

    #[test]
    fn a_lease_says_words_and_those_of_a_newer_version_are_passed_over() {
        let all = Features::all();
        assert_eq!(Features::read(Some(&all.to_string())), all);
        assert_eq!(
            all.to_string(),
            "edits deletions reactions threads mentions pins mutes roles settings archives room_deletions room_infos online unread blocks"
        );
        assert_eq!(Features::read(None), Features::NONE);
        assert_eq!(Features::read(Some("")), Features::NONE);
        let some = Features::read(Some("attachments  pins edits"));
        assert_eq!(some.words(), ["edits", "pins"]);
        assert!(some.has(Feature::Pins) && !some.has(Feature::Online));
        assert_eq!(all.without(some).and(some), all);
        assert_eq!(some.without(all), Features::NONE);
        assert_eq!(some.in_common_with(Feature::Pins.into()).words(), ["pins"]);
    }
}
