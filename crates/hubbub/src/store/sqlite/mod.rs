//! Logs in one SQLite file: nothing to install, one process.
//! One thread writes, a batch per transaction; readers have connections of their own and never wait for it (WAL).

use super::{
    Created, DatabaseIdentity, FoundRooms, Head, Lease, ListPart, Listed, Member, Page, Reactors, ReactorsOf, RoomInfo,
    RoomProposal, RoomQuery, ShownOf, ShownPage, Store, StoreError, View,
    audit::{AuditFilter, AuditedAct, NewAct},
    foreign_json::ForeignJson,
};
use async_trait::async_trait;
use hubbub_core::{
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
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::Notify;
use uuid::Uuid;

pub(crate) mod append;
mod archive;
mod audit;
pub(crate) mod cursors;
mod deep;
pub(crate) mod deleted;
pub(crate) mod events;
pub(crate) mod file;
pub(crate) mod inspect;
pub(crate) mod leases;
mod leftovers;
pub(crate) mod lists;
pub(crate) mod migrate;
pub(crate) mod mounts;
pub(crate) mod people;
pub(crate) mod read;
pub(crate) mod readers;
mod reads;
mod revocations;
pub(crate) mod scrub;
pub(crate) mod shown;
pub mod traced;
pub(crate) mod writer;

/// The store in a file.
pub struct SqliteStore {
    identity: DatabaseIdentity,
    pub(crate) readers: readers::Readers,
    pub(crate) writer: writer::Writer,
    /// A stored cursor became due.
    pub(crate) due: Arc<Notify>,
}

impl SqliteStore {
    /// Whether the file is there and has been Hubbub's before. Makes nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be read, [`StoreError::Broken`] when it is no database.
    pub fn is_there(path: &Path) -> Result<bool, StoreError> {
        match std::fs::metadata(path) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(StoreError::Unavailable(error.to_string())),
        }
        let version = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|file| file.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)));
        version.map(|version| version > 0).map_err(|e| cannot_open(path, &e))
    }

    /// Whether a file that is there could be opened. Changes nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn inspect(path: &Path) -> Result<(), StoreError> {
        let _file = file::DatabaseFile::take(path)?;
        let version = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|file| file.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)));
        migrate::check(version.map_err(|e| cannot_open(path, &e))?, path)
    }

    /// Opens the file, making it if there is none, and keeps it locked for this process until the store is dropped.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when another process has the file, by whatever name, or may have it by one, and when it cannot
    /// be opened. [`StoreError::Broken`] when it is no database of Hubbub's, a newer version's, or on a network file system.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = file::DatabaseFile::take(path)?;
        file.close_to_others();
        let path = file.path();
        let mut connection = Connection::open(path).map_err(|e| cannot_open(path, &e))?;
        let mode = prepare(&connection).map_err(|e| cannot_open(path, &e))?;
        if mode != "wal" {
            let why = format!("{}: its file system allows the journal `{mode}` and not `wal`", path.display());
            return Err(StoreError::Broken(why));
        }
        let identity = migrate::run(&mut connection, path)?;
        file.opened();
        file.check()?;
        let file = Arc::new(file);
        let scrubber = scrub::Scrubber::start(&mut connection, file.clone())?;
        Ok(Self {
            identity,
            readers: readers::Readers::new(file.clone()),
            writer: writer::Writer::start(connection, scrubber, file)?,
            due: Arc::default(),
        })
    }

    /// Looks for JSON that was stored before it was checked, until the time is over; also beside whoever has the file open.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn foreign_json(path: &Path, until: Instant) -> Result<ForeignJson, StoreError> {
        inspect::foreign_json(path, until)
    }

    /// The secrets of portals as they lie there: of each a JSON object, and its tokens. Also beside whoever has the file open.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn portal_secrets(path: &Path) -> Result<Vec<String>, StoreError> {
        inspect::portal_secrets(path)
    }

    /// The settings of portals by their ids, JSON. Also beside whoever has the file open.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn portal_settings(path: &Path) -> Result<Vec<(String, String)>, StoreError> {
        inspect::portal_settings(path)
    }

    /// Which of the file, and of what SQLite keeps beside it, others than its owner may read or write, and their modes.
    pub fn open_to_others(path: &Path) -> Vec<(PathBuf, u32)> {
        file::resolved(path).map(|path| file::open_to_others(&path)).unwrap_or_default()
    }
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Broken(format!("{}: {error}", path.display()))
        }
        _ => StoreError::Unavailable(format!("{}: {error}", path.display())),
    }
}

/// Pages each connection may keep, in KiB; they are taken as they are used.
const CACHE_KIB: i64 = 64 * 1024;

/// Returns the journal's mode.
fn prepare(connection: &Connection) -> rusqlite::Result<String> {
    connection.busy_timeout(hubbub_core::limits::LOCK_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "synchronous", "full")?;
    // In KiB, below zero. With the default of 2 MB the writer spills and reads its own pages back: a third more CPU measured.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // What is deleted is overwritten, and nothing is sorted in files beside.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, OutOfMemory, ReadOnly, SystemIoFailure};
        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked | DiskFull | SystemIoFailure | OutOfMemory | CannotOpen | ReadOnly) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// The time by this machine, which is the database's.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

pub(crate) fn incarnation(connection: &Connection) -> Result<u32, StoreError> {
    let number = connection.prepare_cached("SELECT incarnation FROM meta")?.query_row([], |row| row.get(0))?;
    super::columns::epoch_part(number)
}

#[async_trait]
impl Store for SqliteStore {
    fn identity(&self) -> &DatabaseIdentity {
        &self.identity
    }

    fn due(&self) -> Arc<Notify> {
        self.due.clone()
    }

    fn committers(&self) -> usize {
        1
    }

    async fn append(&self, drafts: &[Draft]) -> Result<Vec<Outcome>, StoreError> {
        let drafts = drafts.to_vec();
        let append = move |transaction: &Transaction<'_>, at| append::append(transaction, &drafts, at);
        let done = self.writer.write_or_delete(append, |done| done.deleted).await?;
        if done.due {
            self.due.notify_one();
        }
        Ok(done.outcomes)
    }

    async fn create_room(&self, new: &RoomProposal) -> Result<Created, StoreError> {
        let new = new.clone();
        self.writer.write(move |transaction, at| append::create_room(transaction, &new, at)).await
    }

    async fn look_up(&self, asks: &[(RoomId, UserId)]) -> Result<Vec<Option<View>>, StoreError> {
        let asks = asks.to_vec();
        self.readers.read(move |snapshot| lists::look_up(snapshot, &asks)).await
    }

    async fn person(&self, room: &RoomId, user: &UserId) -> Result<Option<(RoomState, Person)>, StoreError> {
        let (room, user) = (room.clone(), user.clone());
        self.readers.read(move |snapshot| people::person(snapshot, &room, &user)).await
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, StoreError> {
        let rooms = rooms.to_vec();
        self.readers.read(move |snapshot| lists::heads(snapshot, &rooms)).await
    }

    async fn page(&self, room: &RoomId, page: PageOf, limit: usize) -> Result<Option<Page>, StoreError> {
        let room = room.clone();
        let found = self.readers.read(move |snapshot| read::page(snapshot, None, &room, page, limit)).await?;
        Ok(found.filter(|(view, _)| view.is_there().is_ok()).map(|(_, page)| page))
    }

    async fn page_for(
        &self,
        user: &UserId,
        room: &RoomId,
        page: PageOf,
        limit: usize,
    ) -> Result<Option<(View, Page)>, StoreError> {
        let (user, room) = (user.clone(), room.clone());
        self.readers.read(move |snapshot| read::page(snapshot, Some(&user), &room, page, limit)).await
    }

    async fn shown(
        &self,
        user: Option<&UserId>,
        room: &RoomId,
        of: ShownOf,
        limit: usize,
    ) -> Result<Option<(View, ShownPage)>, StoreError> {
        let (user, room) = (user.cloned(), room.clone());
        self.readers.read(move |snapshot| shown::page(snapshot, user.as_ref(), &room, of, limit)).await
    }

    async fn reactors(
        &self,
        user: Option<&UserId>,
        room: &RoomId,
        target: Seq,
        of: &ReactorsOf,
        limit: usize,
    ) -> Result<Option<(View, Reactors)>, StoreError> {
        let (user, room, of) = (user.cloned(), room.clone(), of.clone());
        self.readers.read(move |snapshot| shown::reactors(snapshot, user.as_ref(), &room, target, &of, limit)).await
    }

    async fn rooms_of(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
        unread: bool,
    ) -> Result<ListPart<Listed>, StoreError> {
        let (user, after) = (user.clone(), after.cloned());
        self.readers.read(move |snapshot| lists::rooms_of(snapshot, &user, after.as_ref(), limit, unread)).await
    }

    async fn find_rooms(&self, query: &RoomQuery, limit: usize) -> Result<FoundRooms, StoreError> {
        let query = query.clone();
        self.readers.read(move |snapshot| lists::find_rooms(snapshot, &query, limit)).await
    }

    async fn room_info(&self, room: &RoomId) -> Result<RoomInfo, StoreError> {
        let room = room.clone();
        self.readers.read(move |snapshot| lists::info(snapshot, &room)).await
    }

    async fn delete_room(&self, room: &RoomId) -> Result<Option<Head>, StoreError> {
        let room = room.clone();
        self.writer.write(move |transaction, at| deleted::delete(transaction, &room, at)).await
    }

    async fn members_of_deleted(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        let (room, after) = (room.clone(), after.cloned());
        self.readers.read(move |snapshot| deleted::members(snapshot, &room, after.as_ref(), limit)).await
    }

    async fn purge(&self, rows: usize, members_for: Duration) -> Result<bool, StoreError> {
        let purge = move |transaction: &Transaction<'_>, at| deleted::purge(transaction, rows, members_for, at);
        self.writer.write_or_delete(purge, |done| *done).await
    }

    async fn members(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
        banned: bool,
    ) -> Result<ListPart<Member>, StoreError> {
        let (room, after) = (room.clone(), after.cloned());
        self.readers.read(move |snapshot| lists::members(snapshot, &room, after.as_ref(), limit, banned)).await
    }

    async fn memberships(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomId, Head)>, StoreError> {
        let (user, after) = (user.clone(), after.cloned());
        self.readers.read(move |snapshot| people::memberships(snapshot, &user, after.as_ref(), limit)).await
    }

    async fn member_ids(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Option<(Head, Vec<UserId>)>, StoreError> {
        let (room, after) = (room.clone(), after.cloned());
        self.readers.read(move |snapshot| people::member_ids(snapshot, &room, after.as_ref(), limit)).await
    }

    async fn who_shares_a_room(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let (user, others) = (user.clone(), others.to_vec());
        self.readers.read(move |snapshot| people::who_shares_a_room(snapshot, &user, &others)).await
    }

    async fn see(&self, users: &[UserId], at: Timestamp) -> Result<(), StoreError> {
        let users = users.to_vec();
        self.writer.write(move |transaction, _| people::see(transaction, &users, at)).await
    }

    async fn last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, Timestamp)>, StoreError> {
        let users = users.to_vec();
        self.readers.read(move |snapshot| people::last_seen(snapshot, &users)).await
    }

    async fn show_last_seen(&self, user: &UserId, shown: bool) -> Result<(), StoreError> {
        let user = user.clone();
        self.writer.write(move |transaction, _| people::show_last_seen(transaction, &user, shown)).await
    }

    async fn put_marks(&self, marks: &[Mark]) -> Result<Vec<Option<Marked>>, StoreError> {
        let marks = marks.to_vec();
        self.writer.write(move |transaction, at| reads::put_marks(transaction, &marks, at)).await
    }

    async fn unread(&self, user: &UserId, after: Option<&RoomId>, limit: usize) -> Result<UnreadPart, StoreError> {
        let (user, after) = (user.clone(), after.cloned());
        self.readers.read(move |snapshot| reads::unread_rooms(snapshot, &user, after.as_ref(), limit)).await
    }

    async fn receipts(&self, room: &RoomId) -> Result<Option<Receipts>, StoreError> {
        let room = room.clone();
        self.readers.read(move |snapshot| reads::receipts(snapshot, &room)).await
    }

    async fn blockers(&self, room: &RoomId, entries: &[Seq]) -> Result<Vec<(Seq, UserId)>, StoreError> {
        let (room, entries) = (room.clone(), entries.to_vec());
        self.readers.read(move |snapshot| people::blockers(snapshot, &room, &entries)).await
    }

    async fn begin_act(&self, new: &NewAct) -> Result<u64, StoreError> {
        let new = new.clone();
        self.writer.write(move |transaction, at| audit::begin(transaction, &new, at)).await
    }

    async fn end_act(&self, number: u64, outcome: &str) -> Result<(), StoreError> {
        let outcome = outcome.to_owned();
        self.writer.write(move |transaction, _| audit::end(transaction, number, &outcome)).await
    }

    async fn acts(&self, filter: &AuditFilter, limit: usize) -> Result<ListPart<AuditedAct>, StoreError> {
        let filter = filter.clone();
        self.readers.read(move |snapshot| audit::list(snapshot, &filter, limit)).await
    }

    async fn has_key(&self, room: &RoomId, author: &UserId, key: &Key) -> Result<bool, StoreError> {
        let (room, author, key) = (room.clone(), author.clone(), key.clone());
        self.readers.read(move |snapshot| read::has_key(snapshot, &room, &author, &key)).await
    }

    async fn put_users(&self, users: &[(UserId, Json)]) -> Result<(), StoreError> {
        let users = users.to_vec();
        self.writer.write(move |transaction, at| lists::put_users(transaction, &users, at)).await
    }

    async fn user(&self, user: &UserId) -> Result<Option<(Json, Timestamp)>, StoreError> {
        let user = user.clone();
        self.readers.read(move |snapshot| lists::user(snapshot, &user)).await
    }

    async fn bump_epoch(&self, seen: Option<u32>) -> Result<u32, StoreError> {
        self.writer
            .write(move |transaction, _| {
                let now = incarnation(transaction)?;
                if seen.is_some_and(|seen| seen != now) {
                    return Ok(now);
                }
                let next = super::columns::another_incarnation(Some(now));
                transaction.execute("UPDATE meta SET incarnation = ?1", [next])?;
                Ok(next)
            })
            .await
    }

    async fn renew_lease(&self, lease: Lease, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        self.writer.write(move |transaction, at| leases::renew(transaction, lease, ttl, at)).await
    }

    async fn end_lease(&self, boot: Uuid) -> Result<(), StoreError> {
        self.writer.write(move |transaction, _| leases::end(transaction, boot)).await
    }
}
