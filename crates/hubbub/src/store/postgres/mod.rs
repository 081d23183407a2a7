//! Logs in Postgres: any number of instances, everything in one schema.

use super::{
    Created, DatabaseIdentity, FoundRooms, Head, Lease, ListPart, Listed, Member, Page, Reactors, ReactorsOf, RoomInfo,
    RoomProposal, RoomQuery, ShownOf, ShownPage, Store, StoreError, View,
    audit::{AuditFilter, AuditedAct, NewAct},
    foreign_json::ForeignJson,
};
use crate::{clock::Reading, crypto::login::Place};
use async_trait::async_trait;
use hubbub_core::{
    limits::{COMMITTERS, STORE_DIAL},
    log::{
        entry::{Draft, Outcome},
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
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use uuid::Uuid;

pub(crate) mod append;
pub mod archive;
mod audit;
pub(crate) mod connect;
pub(crate) mod cursors;
mod deep;
pub(crate) mod deleted;
pub(crate) mod epoch;
pub(crate) mod events;
pub(crate) mod fault;
pub(crate) mod general;
pub(crate) mod inspect;
pub(crate) mod leases;
pub(crate) mod listen;
pub(crate) mod lists;
mod long_way;
pub(crate) mod migrate;
pub(crate) mod people;
pub(crate) mod pool;
pub(crate) mod pooler;
pub(crate) mod read;
mod reads;
mod revocations;
pub(crate) mod session;
pub(crate) mod shown;
pub(crate) mod sql;
pub(crate) mod tls;
pub(crate) mod views;

pub use inspect::Inspection;
pub use listen::{Listener, Notifications};

/// The store in a Postgres database. Two stores of one database, wherever they run, share all they keep.
pub struct PostgresStore {
    identity: DatabaseIdentity,
    pub(crate) pool: pool::Pool,
    /// For lists of statements of their own.
    pub(crate) schema: sql::Schema,
    pub(crate) sql: sql::Texts,
    deep: deep::Texts,
    reads: reads::Texts,
    audit: audit::Texts,
    revocations: revocations::Texts,
    long_way: long_way::LongWay,
    /// A stored cursor became due through this very store.
    pub(crate) due: Arc<Notify>,
}

impl PostgresStore {
    /// Whether a URL and a schema's name are of use, without dialling. Returns what to show people: server and database.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when they are not.
    pub fn check(at: impl Into<Place>, schema: &str) -> Result<String, StoreError> {
        sql::Schema::parse(schema)?;
        Ok(connect::shown(&connect::server(at)?.config))
    }

    /// Whether `schema` has been Hubbub's before. Makes nothing.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn is_there(at: impl Into<Place>, schema: &str) -> Result<bool, StoreError> {
        let (server, schema) = (connect::server(at)?, sql::Schema::parse(schema)?);
        connect::within(STORE_DIAL, migrate::is_there(&server, &schema)).await
    }

    /// What the server and `schema` are like. Makes nothing.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn inspect(at: impl Into<Place>, schema: &str) -> Result<Inspection, StoreError> {
        inspect::inspect(at.into(), schema).await
    }

    /// Looks for JSON that was stored before it was checked, until the time is over.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn foreign_json(at: impl Into<Place>, schema: &str, until: Instant) -> Result<ForeignJson, StoreError> {
        inspect::foreign_json(at.into(), schema, until).await
    }

    /// The secrets of portals as they lie there: of each a JSON object, and its tokens.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn portal_secrets(at: impl Into<Place>, schema: &str) -> Result<Vec<String>, StoreError> {
        inspect::portal_secrets(at.into(), schema).await
    }

    /// The settings of portals by their ids, JSON.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn portal_settings(at: impl Into<Place>, schema: &str) -> Result<Vec<(String, String)>, StoreError> {
        inspect::portal_settings(at.into(), schema).await
    }

    /// Connects, and makes or migrates the tables in `schema` (`[a-z_][a-z0-9_]{0,62}`).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server cannot be reached: worth trying again. [`StoreError::Broken`] when it is of
    /// no use as it is: a wrong URL or schema name, `fsync` off, or tables of a newer version.
    pub async fn connect(at: impl Into<Place>, schema: &str) -> Result<Self, StoreError> {
        let schema = sql::Schema::parse(schema)?;
        let server = connect::server(at)?;
        let (identity, session) = migrate::run(&server, &schema).await?;
        let pool = pool::Pool::new(server, &schema, session);
        Ok(Self {
            identity,
            pool,
            sql: sql::Texts::new(&schema),
            deep: deep::Texts::new(&schema),
            reads: reads::Texts::new(&schema),
            audit: audit::Texts::new(&schema),
            revocations: revocations::Texts::new(&schema),
            long_way: long_way::LongWay::default(),
            schema,
            due: Arc::default(),
        })
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn identity(&self) -> &DatabaseIdentity {
        &self.identity
    }

    fn due(&self) -> Arc<Notify> {
        self.due.clone()
    }

    fn committers(&self) -> usize {
        COMMITTERS
    }

    async fn append(&self, drafts: &[Draft]) -> Result<Vec<Outcome>, StoreError> {
        connect::patiently(self.append_batch(drafts)).await
    }

    async fn create_room(&self, new: &RoomProposal) -> Result<Created, StoreError> {
        connect::patiently(self.create(new)).await
    }

    async fn look_up(&self, asks: &[(RoomId, UserId)]) -> Result<Vec<Option<View>>, StoreError> {
        connect::patiently(self.views(asks)).await
    }

    async fn person(&self, room: &RoomId, user: &UserId) -> Result<Option<(RoomState, Person)>, StoreError> {
        connect::patiently(self.look_at(room, user)).await
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, StoreError> {
        connect::patiently(self.heads_of(rooms)).await
    }

    async fn page(&self, room: &RoomId, page: PageOf, limit: usize) -> Result<Option<Page>, StoreError> {
        let found = connect::patiently(self.read_page(None, room, page, limit)).await?;
        Ok(found.filter(|(view, _)| view.is_there().is_ok()).map(|(_, page)| page))
    }

    async fn page_for(
        &self,
        user: &UserId,
        room: &RoomId,
        page: PageOf,
        limit: usize,
    ) -> Result<Option<(View, Page)>, StoreError> {
        connect::patiently(self.read_page(Some(user), room, page, limit)).await
    }

    async fn shown(
        &self,
        user: Option<&UserId>,
        room: &RoomId,
        of: ShownOf,
        limit: usize,
    ) -> Result<Option<(View, ShownPage)>, StoreError> {
        connect::patiently(self.read_shown(user, room, of, limit)).await
    }

    async fn reactors(
        &self,
        user: Option<&UserId>,
        room: &RoomId,
        target: Seq,
        of: &ReactorsOf,
        limit: usize,
    ) -> Result<Option<(View, Reactors)>, StoreError> {
        connect::patiently(self.read_reactors(user, room, target, of, limit)).await
    }

    async fn rooms_of(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
        unread: bool,
    ) -> Result<ListPart<Listed>, StoreError> {
        connect::patiently(self.list_rooms(user, after, limit, unread)).await
    }

    async fn find_rooms(&self, query: &RoomQuery, limit: usize) -> Result<FoundRooms, StoreError> {
        connect::patiently(self.search_rooms(query, limit)).await
    }

    async fn room_info(&self, room: &RoomId) -> Result<RoomInfo, StoreError> {
        connect::patiently(self.find_info(room)).await
    }

    async fn delete_room(&self, room: &RoomId) -> Result<Option<Head>, StoreError> {
        connect::patiently(self.delete(room)).await
    }

    async fn members_of_deleted(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        connect::patiently(self.list_members_of_deleted(room, after, limit)).await
    }

    async fn purge(&self, rows: usize, members_for: Duration) -> Result<bool, StoreError> {
        connect::patiently(self.clear_away(rows, members_for)).await
    }

    async fn members(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
        banned: bool,
    ) -> Result<ListPart<Member>, StoreError> {
        connect::patiently(self.list_members(room, after, limit, banned)).await
    }

    async fn memberships(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomId, Head)>, StoreError> {
        connect::patiently(self.list_memberships(user, after, limit)).await
    }

    async fn member_ids(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Option<(Head, Vec<UserId>)>, StoreError> {
        connect::patiently(self.list_member_ids(room, after, limit)).await
    }

    async fn who_shares_a_room(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        connect::patiently(self.list_company(user, others)).await
    }

    async fn see(&self, users: &[UserId], at: Timestamp) -> Result<(), StoreError> {
        connect::patiently(self.keep_seen(users, at)).await
    }

    async fn last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, Timestamp)>, StoreError> {
        connect::patiently(self.read_last_seen(users)).await
    }

    async fn show_last_seen(&self, user: &UserId, shown: bool) -> Result<(), StoreError> {
        connect::patiently(self.keep_shown(user, shown)).await
    }

    async fn blockers(&self, room: &RoomId, entries: &[Seq]) -> Result<Vec<(Seq, UserId)>, StoreError> {
        connect::patiently(self.list_blockers(room, entries)).await
    }

    async fn begin_act(&self, new: &NewAct) -> Result<u64, StoreError> {
        connect::patiently(self.note_act(new)).await
    }

    async fn end_act(&self, number: u64, outcome: &str) -> Result<(), StoreError> {
        connect::patiently(self.note_outcome(number, outcome)).await
    }

    async fn acts(&self, filter: &AuditFilter, limit: usize) -> Result<ListPart<AuditedAct>, StoreError> {
        connect::patiently(self.list_acts(filter, limit)).await
    }

    async fn put_marks(&self, marks: &[Mark]) -> Result<Vec<Option<Marked>>, StoreError> {
        connect::patiently(self.keep_marks(marks)).await
    }

    async fn unread(&self, user: &UserId, after: Option<&RoomId>, limit: usize) -> Result<UnreadPart, StoreError> {
        connect::patiently(self.list_unread(user, after, limit)).await
    }

    async fn receipts(&self, room: &RoomId) -> Result<Option<Receipts>, StoreError> {
        connect::patiently(self.read_receipts(room)).await
    }

    async fn has_key(&self, room: &RoomId, author: &UserId, key: &Key) -> Result<bool, StoreError> {
        connect::patiently(self.find_key(room, author, key)).await
    }

    async fn put_users(&self, users: &[(UserId, Json)]) -> Result<(), StoreError> {
        connect::patiently(self.keep_users(users)).await
    }

    async fn user(&self, user: &UserId) -> Result<Option<(Json, Timestamp)>, StoreError> {
        connect::patiently(self.read_user(user)).await
    }

    async fn bump_epoch(&self, seen: Option<u32>) -> Result<u32, StoreError> {
        connect::patiently(self.bump(seen)).await
    }

    async fn clock(&self) -> Result<Option<Reading>, StoreError> {
        connect::patiently(self.server_clock()).await.map(Some)
    }

    async fn renew_lease(&self, lease: Lease, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        connect::patiently(self.renew(lease, ttl)).await
    }

    async fn openings(&self) -> Result<u64, StoreError> {
        connect::patiently(self.count_openings()).await
    }

    async fn end_lease(&self, boot: Uuid) -> Result<(), StoreError> {
        connect::patiently(self.end(boot)).await
    }
}
