//! What every store must do.

use hubbub::{
    features::{
        people::{postgres::PostgresPeople, sqlite::SqlitePeople},
        portals::{postgres::PostgresPortals, sqlite::SqlitePortals},
    },
    server::Stores,
    store::{Created, Room, RoomProposal, Store, StoreError, postgres::PostgresStore, sqlite::SqliteStore},
};
use hubbub_core::{
    log::{
        entry::{Draft, Outcome, Place, Right},
        kinds::{Joined, Message, Text, What},
    },
    model::{
        access::{Role, RoomKind, Standing},
        ids::{Key, RoomId, UserId},
        json::Json,
        seq::Seq,
    },
};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tempfile::TempDir;
use uuid::Uuid;

mod appending;
mod audit;
mod choices;
mod encrypted;
mod files;
mod foreign_json;
pub mod instances;
mod invites;
mod leases;
mod leftovers;
mod lives;
mod people;
mod pooled;
mod reading;
mod reference;
mod reports;
mod revocations;
mod rooms;
mod rules;
mod shown;
mod standby;
mod unread;
mod verdicts;

/// Where a test keeps its logs; opened any number of times.
pub enum Home {
    Sqlite(TempDir),
    Postgres { schema: String },
}

impl Home {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a directory"))
    }

    pub fn postgres() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self::Postgres { schema: format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed)) }
    }

    async fn try_open(&self) -> Result<Stores, StoreError> {
        Ok(match self {
            Self::Sqlite(_) => {
                let logs = Arc::new(SqliteStore::open(&self.file())?);
                let people = Arc::new(SqlitePeople::new(logs.clone()));
                Stores { portals: Arc::new(SqlitePortals::new(logs.clone())), people, logs }
            }
            Self::Postgres { schema } => {
                let logs = Arc::new(PostgresStore::connect(&pooled::url().await, schema).await?);
                let people = Arc::new(PostgresPeople::new(logs.clone()));
                Stores { portals: Arc::new(PostgresPortals::new(logs.clone())), people, logs }
            }
        })
    }

    /// The logs.
    pub async fn open(&self) -> Arc<dyn Store> {
        self.open_all().await.logs
    }

    /// The logs, and what features keep beside them.
    pub async fn open_all(&self) -> Stores {
        self.try_open().await.expect("the store opens")
    }

    /// Does what no store would do.
    pub async fn change(&self, sql: &str) {
        match self {
            Self::Sqlite(_) => {
                rusqlite::Connection::open(self.file()).and_then(|file| file.execute_batch(sql)).expect("the change");
            }
            Self::Postgres { schema } => {
                let sql = format!("SET search_path = {schema}; {sql}");
                instances::raw().await.batch_execute(&sql).await.expect("the change");
            }
        }
    }

    /// Reads columns of whole numbers.
    pub async fn numbers<const N: usize>(&self, columns: [&str; N], rest: &str) -> Vec<[Option<i64>; N]> {
        let columns: Vec<_> = columns.iter().map(|name| format!("CAST({name} AS bigint)")).collect();
        let sql = format!("SELECT {} {rest}", columns.join(", "));
        match self {
            Self::Sqlite(_) => {
                let file = rusqlite::Connection::open(self.file()).expect("the file");
                let mut statement = file.prepare(&sql).expect("a statement");
                let rows = statement.query_map([], |row| {
                    let mut numbers = [None; N];
                    numbers.iter_mut().enumerate().try_for_each(|(n, number)| row.get(n).map(|got| *number = got))?;
                    Ok(numbers)
                });
                rows.and_then(Iterator::collect).expect("numbers")
            }
            Self::Postgres { schema } => {
                let client = instances::raw().await;
                client.batch_execute(&format!("SET search_path = {schema}")).await.expect("the schema");
                let rows = client.query(&sql, &[]).await.expect("numbers");
                rows.iter().map(|row| std::array::from_fn(|n| row.get(n))).collect()
            }
        }
    }

    fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(directory) => directory.path().join("hubbub.db"),
            Self::Postgres { .. } => panic!("Postgres has no file"),
        }
    }

    pub fn schema(&self) -> &str {
        match self {
            Self::Sqlite(_) => panic!("SQLite has no schema"),
            Self::Postgres { schema } => schema,
        }
    }
}

pub fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a user id")
}

pub fn room(id: &str) -> RoomId {
    RoomId::parse(id).expect("a room id")
}

const MEMBER: Standing = Standing::Member(Role::Member);
const ADMIN: Standing = Standing::Member(Role::Admin);

/// Drafts by one store's hash key.
#[derive(Clone)]
pub struct Pen(pub Arc<dyn Store>);

impl Pen {
    pub fn draft(&self, in_room: &str, from: &str, key: &str, what: What) -> Draft {
        Draft {
            room: room(in_room),
            id: Uuid::now_v7(),
            from: user(from),
            key: Key::parse(key).expect("a key"),
            hash: self.0.identity().hash_key.hash(&what),
            what,
            right: Right::Own,
            once: None,
            before: None,
            not_yet: None,
        }
    }

    pub fn by_backend(&self, in_room: &str, key: &str, what: What) -> Draft {
        Draft { right: Right::Backend, ..self.draft(in_room, "hubbub:api", key, what) }
    }

    pub fn says(&self, in_room: &str, from: &str, key: &str, text: &str) -> Draft {
        self.draft(in_room, from, key, says(text))
    }

    /// Makes a room with members, one `joined` each.
    pub async fn room(&self, id: &str, kind: RoomKind, members: &[(&str, Role)]) -> Room {
        let joined = |(name, role): &(&str, Role)| {
            self.by_backend(id, &format!("first-{name}"), What::Joined(Joined { user: user(name), role: *role }))
        };
        let new = RoomProposal {
            id: room(id),
            kind,
            name: format!("The room {id}"),
            first: members.iter().map(joined).collect(),
        };
        match self.0.create_room(&new).await.expect("a room") {
            Created::New(room, entries) => {
                assert_eq!(entries.len(), members.len());
                room
            }
            Created::Exists(room) => panic!("there is a {room:?} already"),
        }
    }

    /// A room where ana is the admin and ben a member, with head 2.
    async fn general(&self) -> Room {
        self.room("general", RoomKind::Private, &[("ana", Role::Admin), ("ben", Role::Member)]).await
    }

    pub async fn append(&self, draft: Draft) -> Outcome {
        let outcomes = self.0.append(&[draft]).await.expect("an answer");
        assert_eq!(outcomes.len(), 1);
        outcomes.into_iter().next().expect("an outcome")
    }
}

pub fn says(text: &str) -> What {
    answers(text, None)
}

fn answers(text: &str, reply_to: Option<u64>) -> What {
    What::Message(Message::new(Text::parse(text).expect("a text"), None, reply_to.map(Seq::new)))
}

/// A message in the thread of another.
fn answers_in_thread(text: &str, root: u64) -> What {
    let message = Message::new(Text::parse(text).expect("a text"), None, None);
    What::Message(Message { thread: Some(Seq::new(root)), ..message })
}

fn place(outcome: &Outcome) -> Place {
    match outcome {
        Outcome::Appended(place) | Outcome::Known(place) => *place,
        other => panic!("not in the log: {other:?}"),
    }
}

pub fn seqs(entries: &[hubbub_core::log::entry::Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq.get()).collect()
}

fn json(text: &str) -> Json {
    Json::trusted(text.to_owned())
}

/// Declares each test twice: for SQLite and for Postgres.
macro_rules! for_every_store {
    ($($(#[$doc:meta])* async fn $name:ident($home:ident: &Home) $body:block)*) => {
        $($(#[$doc])* async fn $name($home: &$crate::store::Home) $body)*

        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&$crate::store::Home::sqlite()).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&$crate::store::Home::postgres()).await;
            })*
        }
    };
}
pub(crate) use for_every_store;
