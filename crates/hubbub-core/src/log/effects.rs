//! What every instance does when it meets an entry, whether or not it knows the entry's kind.
//!
//! Effects lie outside the body: in a column of their own, and in the head of the wake. An instance of an older version obeys
//! them for kinds that it does not know: it must not go on delivering to somebody whom a newer kind has removed. The
//! vocabulary is closed. What it cannot say raises the version of the database's tables.

use crate::model::{ids::UserId, json::to_json, seq::Seq};
use serde::{Deserialize, Serialize};

/// See the module. Most entries have none, and cost nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Effects(Option<Box<Vocabulary>>);

/// Everything an effect can be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Vocabulary {
    #[serde(skip_serializing_if = "Option::is_none")]
    admits: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removes: Option<UserId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blanks: Vec<Seq>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lists: Vec<ListKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<EntryHint>,
}

/// A list that an entry changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// The room's members.
    Members,
    /// What lists of rooms show of this room.
    Rooms,
    /// The room's pinned messages.
    Pins,
}

/// What somebody's devices are told because of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryHint {
    /// Whose devices.
    pub user: UserId,
    /// What they are told.
    #[serde(rename = "type")]
    pub kind: HintKind,
}

/// What a hint says of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HintKind {
    /// The user became a member.
    Added,
    /// The user is a member no more.
    Removed,
    /// Something else about the room changed for this user.
    Changed,
}

impl HintKind {
    /// The word for `type` on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl Effects {
    /// Reads the column or the member of a wake. `None`: it is none of ours, not even of a newer version.
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// How they lie in the column and in a wake; `None`: there are none.
    pub fn json(&self) -> Option<String> {
        self.0.as_ref().map(to_json)
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn with(mut self, set: impl FnOnce(&mut Vocabulary)) -> Self {
        set(self.0.get_or_insert_default());
        self
    }

    /// This user may read from here on.
    #[must_use]
    pub fn admits(self, user: &UserId) -> Self {
        self.with(|all| all.admits = Some(user.clone()))
    }

    /// This user may not read what comes after: subscriptions end with the entry.
    #[must_use]
    pub fn removes(self, user: &UserId) -> Self {
        self.with(|all| all.removes = Some(user.clone()))
    }

    /// The content of these entries is blanked, wherever it is kept.
    #[must_use]
    pub fn blanks(self, seqs: impl IntoIterator<Item = Seq>) -> Self {
        self.with(|all| all.blanks.extend(seqs))
    }

    /// This list changes.
    #[must_use]
    pub fn lists(self, list: ListKind) -> Self {
        self.with(|all| all.lists.push(list))
    }

    /// This user's devices are told so.
    #[must_use]
    pub fn hints(self, user: &UserId, kind: HintKind) -> Self {
        self.with(|all| all.hint = Some(EntryHint { user: user.clone(), kind }))
    }

    /// Who may read from here on.
    pub fn admitted(&self) -> Option<&UserId> {
        self.0.as_ref()?.admits.as_ref()
    }

    /// Who may not read what comes after.
    pub fn removed(&self) -> Option<&UserId> {
        self.0.as_ref()?.removes.as_ref()
    }

    /// The entries whose content is blanked.
    pub fn blanked(&self) -> &[Seq] {
        self.0.as_ref().map_or(&[], |all| &all.blanks)
    }

    /// The lists that change. No instance keeps a list today; one that does drops it here.
    pub fn changed(&self) -> &[ListKind] {
        self.0.as_ref().map_or(&[], |all| &all.lists)
    }

    /// Whose devices are told what.
    pub fn hint(&self) -> Option<&EntryHint> {
        self.0.as_ref()?.hint.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_survive_the_column_and_the_wake_and_none_cost_nothing() {
        let ana = UserId::parse("ana \"a\"").unwrap();
        let all = Effects::default()
            .admits(&ana)
            .removes(&ana)
            .blanks([Seq::new(3), Seq::new(4)])
            .lists(ListKind::Pins)
            .hints(&ana, HintKind::Changed);
        let json = all.json().unwrap();
        assert_eq!(Effects::parse(&json), Some(all), "{json}");
        assert_eq!(Effects::default().json(), None);
        assert_eq!(size_of::<Effects>(), size_of::<usize>());
    }

    #[test]
    fn users_and_numbers_are_checked_when_they_are_read() {
        assert_eq!(Effects::parse(r#"{"removes":"a\u0000b"}"#), None);
        assert_eq!(Effects::parse(r#"{"blanks":["x"]}"#), None);
        assert_eq!(Effects::parse(r#"{"removes":"ana"}"#).unwrap().removed(), UserId::parse("ana").ok().as_ref());
    }
}
