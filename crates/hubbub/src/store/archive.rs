//! Data that moves: rooms as a whole, written and read by the one who operates the store.

use super::StoreError;
use async_trait::async_trait;
use hubbub_core::{
    log::{
        entry::{Draft, Outcome},
        ledger::Happened,
    },
    model::{
        access::RoomKind,
        ids::{RoomId, UserId},
        time::Timestamp,
    },
    moving::{RoomLine, UserLine},
};

/// How a room stands that is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is closed: entries are taken. Some may be there.
    Closed,
    /// It was imported before as a room of this kind, and is open: nothing is added.
    Open,
    /// An import that is not done made it as a room of this kind.
    Other(RoomKind),
    /// It is closed and has entries, and this member of its line was another when it was begun.
    Changed(&'static str),
    /// No import made it, or it was deleted since.
    Taken,
}

/// What was left of an import that is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned {
    /// It is gone, and its id is free.
    Free,
    /// It is gone. Its id belongs to the room that kept it, which was changed or deleted meanwhile.
    Kept,
    /// It was opened: it is a room as all others are, and stays.
    Open,
    /// No import has begun it.
    Unknown,
}

/// What imports and exports need beside [`Store`](super::Store).
///
/// A room that is imported is found by nobody until it is opened: its id belongs to a room without members in which nobody says anything.
#[async_trait]
pub trait Archive: Send + Sync + 'static {
    /// Makes a room that is to be imported, unless it is there. What its line says of it may change until it has entries.
    async fn begin(&self, room: &RoomLine) -> Result<Begun, StoreError>;

    /// Writes what happened there and then, one behind another, in rooms that are closed: up to the first that is not taken and
    /// not there already, whose outcome is then the last. Where a room is not closed, [`UnknownRoom`] says so; where its log stands
    /// elsewhere, [`Outcome::Unchanged`].
    ///
    /// [`UnknownRoom`]: hubbub_core::model::access::Refusal::UnknownRoom
    async fn replay(&self, drafts: &[Draft], happened: &[Happened]) -> Result<Vec<Outcome>, StoreError>;

    /// Opens rooms that are whole; those that are open stay so. Nothing that is in them counts as unread. Returns those that stay
    /// closed, because the room that kept the id was changed or deleted meanwhile.
    async fn open(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>, StoreError>;

    /// Gives up a room that is closed: what was imported of it is deleted, at once or by and by.
    async fn abandon(&self, room: &RoomId) -> Result<Abandoned, StoreError>;

    /// Keeps what the product says about users, of whom nothing is kept.
    async fn put_new_users(&self, users: &[UserLine]) -> Result<(), StoreError>;

    /// Rooms by their ids, after `after`, at most `limit`. None that was deleted or is closed.
    async fn rooms(&self, after: Option<&RoomId>, limit: usize) -> Result<Vec<RoomLine>, StoreError>;

    /// Users of whom something is kept, by their ids, after `after`, at most `limit`.
    async fn users(&self, after: Option<&UserId>, limit: usize) -> Result<Vec<UserLine>, StoreError>;
}

/// The kind of the room that keeps the id of one that is imported: nobody is in it, and it is shown to nobody else. A direct room's
/// is one, too, so that its people do not get another.
pub(super) const fn keeper(kind: RoomKind) -> RoomKind {
    match kind {
        RoomKind::Direct => RoomKind::Direct,
        RoomKind::Open | RoomKind::Private | RoomKind::Deleted => RoomKind::Private,
    }
}

/// What is set of it: nobody says anything in it. The product's backend may add members, or take the archiving back: a room that was
/// changed is not opened over.
pub(super) const KEEPER_SETTINGS: &str = r#"{"archived":true}"#;

/// What a line says of a room that was begun with another, and the kinds of entries that change the same: where there are some of
/// them, the line says nothing.
pub(super) fn differing(begun: &RoomLine, line: &RoomLine) -> Vec<(&'static str, &'static [&'static str])> {
    let mut differing: Vec<(&'static str, &'static [&'static str])> = Vec::new();
    let mut note = |is_another: bool, field, kinds| {
        if is_another {
            differing.push((field, kinds));
        }
    };
    note(begun.name != line.name, "name", &["renamed"]);
    note(begun.topic != line.topic, "topic", &["changed"]);
    note(begun.data != line.data, "data", &["changed"]);
    note(begun.settings != line.settings, "settings", &["changed"]);
    note(begun.session != line.session, "session", &["opened", "waiting", "closed"]);
    note(line.at.is_some() && begun.at != line.at, "at", &[]);
    differing
}

/// What a row of a room says.
pub(super) struct RoomRow<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub name: String,
    pub created_at: i64,
    pub settings: Option<&'a str>,
    pub session: Option<&'a str>,
    pub topic: Option<&'a str>,
    pub data: Option<String>,
}

impl RoomRow<'_> {
    pub fn line(self) -> Result<RoomLine, StoreError> {
        use super::columns;
        use hubbub_core::model::json::Json;
        use std::collections::BTreeSet;
        Ok(RoomLine {
            id: columns::room(self.id)?,
            kind: columns::kind(self.kind)?,
            people: BTreeSet::new(),
            name: self.name,
            topic: self.topic.unwrap_or_default().into(),
            data: self.data.map(Json::trusted),
            settings: columns::settings(self.settings)?,
            session: columns::session(self.session)?,
            at: Some(Timestamp(self.created_at)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::log::settings::Settings;

    #[test]
    fn the_room_that_keeps_an_id_is_archived() {
        assert!(Settings::read(Some(KEEPER_SETTINGS)).unwrap().archived);
    }
}
