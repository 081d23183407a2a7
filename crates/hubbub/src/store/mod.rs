//! Where logs are kept: the truth. Two implementations, one conformance suite.

use crate::clock::Reading;
use async_trait::async_trait;
use audit::{AuditFilter, AuditedAct, NewAct};
pub use hubbub_core::log::room_query::{FoundRoom, FoundRooms, RoomQuery};
pub use hubbub_core::{
    log::room::{
        Head, ListPart, Member, Page, Reactors, ReactorsOf, Room, RoomInfo, RoomProposal, ShownOf, ShownPage, View,
    },
    people::listed::Listed,
};
use hubbub_core::{
    log::{
        entry::{Draft, Entry, Outcome},
        features::Features,
        hash::HashKey,
        room::PageOf,
        situation::{Person, RoomState},
    },
    model::{
        ids::{Key, RoomId, UserId},
        json::Json,
        seq::Seq,
        time::Timestamp,
    },
    people::{
        marks::{Mark, Marked},
        unread::{Receipts, UnreadPart},
    },
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use uuid::Uuid;

pub mod archive;
pub mod audit;
pub mod foreign_json;
pub mod postgres;
pub mod revocations;
pub mod sqlite;

pub(crate) mod columns;
pub(crate) mod cursors;
pub(crate) mod deleted;
pub(crate) mod entry_row;
pub(crate) mod found;
pub(crate) mod shown_row;
pub(crate) mod span;

/// Why a store did not answer. What was refused by a rule is no error but an [`Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time. A write may or may not have happened: doing it again settles it.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A room in the batch stayed locked by somebody else for longer than [`hubbub_core::limits::LOCK_TIMEOUT`]; nothing was written.
    #[error("a room stayed locked")]
    Locked,
    /// It answered something that should not be: a bug, or a damaged database.
    #[error("the store is broken: {0}")]
    Broken(String),
}

/// What a database says about itself.
#[derive(Debug, Clone)]
pub struct DatabaseIdentity {
    /// Made once, with the schema; names the lanes of the bus, so that two databases may share one Redis.
    pub database: String,
    /// For [`hubbub_core::log::hash::BodyHash`].
    pub hash_key: HashKey,
}

impl DatabaseIdentity {
    /// What clients know this database by: the same from every instance and after every restart.
    pub fn public_name(&self) -> String {
        self.hash_key.name_of(&self.database)
    }
}

/// What became of a new room.
#[derive(Debug, Clone)]
pub enum Created {
    /// It was made; these are the outcomes of its first entries.
    New(Room, Vec<Entry>),
    /// There is one of this id already, and this is it.
    Exists(Room),
}

/// One life of an instance, as the store knows it: it lives while it renews this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Made anew each time an instance starts.
    pub boot: Uuid,
    /// Whether its wakes travel, as far as it can tell.
    pub bus: bool,
    /// What it knows of what was added to logs.
    pub knows: Features,
}

/// The log of every room, and who may read it.
///
/// All methods answer within about [`hubbub_core::limits::STORE_PATIENCE`]; all reads see everything that was committed
/// before they were called. Cancelling a call neither undoes nor half does what it began.
#[async_trait]
pub trait Store: revocations::Revocations + Send + Sync + 'static {
    /// What this database says about itself.
    fn identity(&self) -> &DatabaseIdentity;

    /// Notified when a stored cursor became due through this very store object: an entry was written that its reader is to be
    /// sent, or something else is to be done about it. One of those who wait is woken.
    fn due(&self) -> Arc<Notify>;

    /// How many group commits may run side by side.
    fn committers(&self) -> usize;

    /// The group commit: one outcome per draft, as if they were taken one after another in this order. Those that are
    /// [put off](Outcome::PutOff) are for the next.
    /// All of it is committed when this returns, or none of it (then calling it again with the same drafts settles it).
    async fn append(&self, drafts: &[Draft]) -> Result<Vec<Outcome>, StoreError>;

    /// Makes a room with its first members, unless there is one of that id.
    async fn create_room(&self, new: &RoomProposal) -> Result<Created, StoreError>;

    /// For each question, the room and the asker's standing, from one snapshot; `None` where there is no such room, or where
    /// its row cannot be read: that is logged, and is no reason to fail the others.
    async fn look_up(&self, asks: &[(RoomId, UserId)]) -> Result<Vec<Option<View>>, StoreError>;

    /// The room and somebody in it, as rules look at them, from one snapshot; for what is no entry. `None` where there is no such room.
    async fn person(&self, room: &RoomId, user: &UserId) -> Result<Option<(RoomState, Person)>, StoreError>;

    /// The heads of rooms, in the order asked; `None` where there is no such room, or where its row cannot be read: as in
    /// [`look_up`](Self::look_up).
    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, StoreError>;

    /// A page of a room's log, for the server itself; `None` where there is no such room.
    /// `Around(n)` gives about half of `limit` before `n`, then `n` and what follows.
    async fn page(&self, room: &RoomId, page: PageOf, limit: usize) -> Result<Option<Page>, StoreError>;

    /// The same for somebody, from where they may read on: the standing is of the same snapshot or an earlier one than `head`, so
    /// that nothing after a removal is in the page. `None` where there is no such room; whether the page may be shown is the caller's to ask.
    async fn page_for(
        &self,
        user: &UserId,
        room: &RoomId,
        page: PageOf,
        limit: usize,
    ) -> Result<Option<(View, Page)>, StoreError>;

    /// What people read, as it is now, with the standing of the same snapshot: the number of statements is fixed, whatever hangs
    /// on it. `None` for `user`: the product's backend, which reads everything that is kept. `None` where there is no such room;
    /// whether it may be shown is the caller's to ask.
    async fn shown(
        &self,
        user: Option<&UserId>,
        room: &RoomId,
        of: ShownOf,
        limit: usize,
    ) -> Result<Option<(View, ShownPage)>, StoreError>;

    /// Who has reacted to a message, with the standing of the same snapshot; the rest as in [`shown`](Self::shown).
    async fn reactors(
        &self,
        user: Option<&UserId>,
        room: &RoomId,
        target: Seq,
        of: &ReactorsOf,
        limit: usize,
    ) -> Result<Option<(View, Reactors)>, StoreError>;

    /// The rooms a user is a member of, by id, after `after`: at most `limit`, and fewer where their newest messages are heavy.
    /// With what is `unread` there, or without.
    async fn rooms_of(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
        unread: bool,
    ) -> Result<ListPart<Listed>, StoreError>;

    /// Some of all rooms, by id: at most `limit`, in one statement. Rooms that were deleted are none.
    async fn find_rooms(&self, query: &RoomQuery, limit: usize) -> Result<FoundRooms, StoreError>;

    /// A room's topic and data; nothing where there is no such room. Whether they may be shown is the caller's to ask.
    async fn room_info(&self, room: &RoomId) -> Result<RoomInfo, StoreError>;

    /// Deletes a room, whoever is in it: its id stays taken, and nothing of the rest is found any more. Whoever writes into it meanwhile
    /// comes before or after. `None`: there is no such room. One that was deleted already stays so. Returns what is left.
    async fn delete_room(&self, room: &RoomId) -> Result<Option<Head>, StoreError>;

    /// Who was a member of a room that was deleted, by id, after `after`: at most `limit`, as long as that is remembered.
    async fn members_of_deleted(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError>;

    /// Clears away a part of what deleted rooms have left: about `rows` rows of one of them. Who was in it is remembered for
    /// `members_for`. Says whether there was something to do.
    async fn purge(&self, rows: usize, members_for: Duration) -> Result<bool, StoreError>;

    /// The members of a room, by id, after `after`: at most `limit`, and fewer where their infos are heavy. Bans are not members;
    /// with `banned`, it is those instead.
    async fn members(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
        banned: bool,
    ) -> Result<ListPart<Member>, StoreError>;

    /// The rooms a user is a member of, by id, after `after`, with their heads: at most `limit`, from one snapshot.
    async fn memberships(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomId, Head)>, StoreError>;

    /// The members of a room, by id, after `after`: at most `limit`, and its head, from one snapshot. `None` where there is no such room.
    async fn member_ids(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Option<(Head, Vec<UserId>)>, StoreError>;

    /// Those of `others` who are members of a room of which `user` is one, too.
    async fn who_shares_a_room(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError>;

    /// These users were seen at this time, or later already.
    async fn see(&self, users: &[UserId], at: Timestamp) -> Result<(), StoreError>;

    /// When they were last seen, those of whom that is known and shown.
    async fn last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, Timestamp)>, StoreError>;

    /// Whether it is shown when this user was last seen.
    async fn show_last_seen(&self, user: &UserId, shown: bool) -> Result<(), StoreError>;

    /// Which members of a room have blocked the authors of these entries.
    async fn blockers(&self, room: &RoomId, entries: &[Seq]) -> Result<Vec<(Seq, UserId)>, StoreError>;

    /// Keeps that something is about to be done, and forgets some of what is older than it is kept. Gives it a number.
    async fn begin_act(&self, new: &NewAct) -> Result<u64, StoreError>;

    /// Keeps what became of it: a word.
    async fn end_act(&self, number: u64, outcome: &str) -> Result<(), StoreError>;

    /// What was done, the newest first.
    async fn acts(&self, filter: &AuditFilter, limit: usize) -> Result<ListPart<AuditedAct>, StoreError>;

    /// Puts marks forward, of each person and room one: in this order, and without a room's lock. What became of each; `None` where
    /// there is no such room.
    async fn put_marks(&self, marks: &[Mark]) -> Result<Vec<Option<Marked>>, StoreError>;

    /// What a user has not read of their rooms, by id, after `after`: so many rooms are looked at, and those with something are
    /// answered.
    async fn unread(&self, user: &UserId, after: Option<&RoomId>, limit: usize) -> Result<UnreadPart, StoreError>;

    /// How far the members of a room have read; `None` where there is no such room.
    async fn receipts(&self, room: &RoomId) -> Result<Option<Receipts>, StoreError>;

    /// Whether a room's log has an entry with this key by this author. Waits for no lock.
    async fn has_key(&self, room: &RoomId, author: &UserId, key: &Key) -> Result<bool, StoreError>;

    /// Keeps what the product says about users.
    async fn put_users(&self, users: &[(UserId, Json)]) -> Result<(), StoreError>;

    /// What the product says about a user: `None` where nothing is kept; and when that was last changed.
    async fn user(&self, user: &UserId) -> Result<Option<(Json, Timestamp)>, StoreError>;

    /// Begins another life of the database: every position handed out before is answered "not recovered". With `seen`,
    /// only if the incarnation still is that one (others may have noticed the same and been first). Returns the incarnation.
    async fn bump_epoch(&self, seen: Option<u32>) -> Result<u32, StoreError>;

    /// What time it is there; `None` where the store has no clock of its own.
    async fn clock(&self) -> Result<Option<Reading>, StoreError> {
        Ok(None)
    }

    /// Keeps this lease for `ttl` from now, by the database's clock, and removes those that have expired. Returns every lease
    /// that lives, this one among them, by boot.
    async fn renew_lease(&self, lease: Lease, ttl: Duration) -> Result<Vec<Lease>, StoreError>;

    /// How many times others have opened rooms that they had imported: where it is another number than before, somebody may be a
    /// member of a room of which no wake has said anything. Always 0 where nobody else may write to the store.
    async fn openings(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Ends the lease of an instance that goes, if it has one.
    async fn end_lease(&self, boot: Uuid) -> Result<(), StoreError>;
}
