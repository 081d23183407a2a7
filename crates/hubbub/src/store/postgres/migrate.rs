//! Brings a schema to this version's tables, whichever of several starting instances comes first.
//!
//! A version is raised only by what the program before cannot live with: it refuses a version above what it knows, and in a
//! rolling restart both run at once. What is merely added (a table, an index, a view, a column that has a default and that no
//! older statement names) is recorded apart, by name, in the table `additions` (`docs/decisions/0012-additions.md`).

use super::{
    super::{DatabaseIdentity, StoreError, columns},
    connect::{self, Server, first},
    epoch,
    session::Session,
    sql::Schema,
    views,
};
use hubbub_core::{limits::STORE_DIAL, log::hash::HashKey};
use tokio_postgres::{Client, GenericClient, SimpleQueryMessage, error::SqlState};
use uuid::Uuid;

/// In order; the first is version 1. Never change one that has been released.
const MIGRATIONS: [&str; 1] = [include_str!("../../../../../migrations/postgres/0001_logs.sql")];

/// What is beside the tables of a version, in order, by name; each once. Never change or rename one that has been released.
/// The program before knows nothing of them and must get on.
const ADDITIONS: [(&str, &str); 25] = [
    ("instances", include_str!("../../../../../migrations/postgres/additions/instances.sql")),
    ("portals", include_str!("../../../../../migrations/postgres/additions/portals.sql")),
    ("kinds", include_str!("../../../../../migrations/postgres/additions/kinds.sql")),
    ("turns", include_str!("../../../../../migrations/postgres/additions/turns.sql")),
    ("calls", include_str!("../../../../../migrations/postgres/additions/calls.sql")),
    ("externals", include_str!("../../../../../migrations/postgres/additions/externals.sql")),
    ("portal_grants", include_str!("../../../../../migrations/postgres/additions/portal_grants.sql")),
    ("ways_out", include_str!("../../../../../migrations/postgres/additions/ways_out.sql")),
    ("refused_hooks", include_str!("../../../../../migrations/postgres/additions/refused_hooks.sql")),
    ("messages", include_str!("../../../../../migrations/postgres/additions/messages.sql")),
    ("knows", include_str!("../../../../../migrations/postgres/additions/knows.sql")),
    ("no_samples", include_str!("../../../../../migrations/postgres/additions/no_samples.sql")),
    ("portal_changes", include_str!("../../../../../migrations/postgres/additions/portal_changes.sql")),
    ("past_readers", include_str!("../../../../../migrations/postgres/additions/past_readers.sql")),
    ("no_samples_of_answers", include_str!("../../../../../migrations/postgres/additions/no_samples_of_answers.sql")),
    ("last_seen", include_str!("../../../../../migrations/postgres/additions/last_seen.sql")),
    ("rooms", include_str!("../../../../../migrations/postgres/additions/rooms.sql")),
    ("people", include_str!("../../../../../migrations/postgres/additions/people.sql")),
    ("choices", include_str!("../../../../../migrations/postgres/additions/choices.sql")),
    ("invites", include_str!("../../../../../migrations/postgres/additions/invites.sql")),
    ("audit", include_str!("../../../../../migrations/postgres/additions/audit.sql")),
    ("blocks_by_other", include_str!("../../../../../migrations/postgres/additions/blocks_by_other.sql")),
    ("imports", include_str!("../../../../../migrations/postgres/additions/imports.sql")),
    ("revocations", include_str!("../../../../../migrations/postgres/additions/revocations.sql")),
    ("openings", include_str!("../../../../../migrations/postgres/additions/openings.sql")),
];

/// The newest version known here.
pub(crate) const KNOWN: i32 = MIGRATIONS.len() as i32;

/// What a server and a schema say of themselves, asked in one round trip.
struct Look {
    fsync: String,
    encoding: String,
    /// 0: there are no tables.
    version: i32,
    /// Additions that are there.
    additions: Vec<String>,
    /// The version of the views.
    views: u32,
    /// `None`: there are no tables.
    identity: Option<DatabaseIdentity>,
}

impl Look {
    async fn at(client: &Client, schema: &Schema) -> Result<Self, StoreError> {
        let ask = async |sql: &str| client.simple_query(&schema.put_into(sql)).await;
        let (fsync, encoding, version, additions, views, identity) = tokio::join!(
            biased;
            ask("SHOW fsync"),
            ask("SHOW server_encoding"),
            ask("SELECT coalesce(max(version), 0) FROM hubbub.migrations"),
            ask("SELECT name FROM hubbub.additions"),
            views::ask(client, schema),
            ask("SELECT database, encode(hash_key, 'hex') FROM hubbub.meta"),
        );
        let identity = if_there(identity)?;
        let row = identity.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.get(0)?, row.get(1)?)),
            _ => None,
        });
        let names = if_there(additions)?;
        let names = names.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
            _ => None,
        });
        Ok(Self {
            fsync: first(&fsync?).unwrap_or_default().to_owned(),
            encoding: first(&encoding?).unwrap_or_default().to_owned(),
            version: first(&if_there(version)?).and_then(|version| version.parse().ok()).unwrap_or(0),
            additions: names.collect(),
            views: views::version(&views?),
            identity: row.map(|(database, key)| identity_of(database, key)).transpose()?,
        })
    }

    fn is_complete(&self) -> bool {
        self.version >= KNOWN && left_out(&self.additions).is_empty()
    }
}

/// What a table says that may not be there yet.
fn if_there(
    said: Result<Vec<SimpleQueryMessage>, tokio_postgres::Error>,
) -> Result<Vec<SimpleQueryMessage>, tokio_postgres::Error> {
    let is_missing = |code: &SqlState| {
        [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME, SqlState::UNDEFINED_COLUMN].contains(code)
    };
    match said {
        Err(error) if error.code().is_some_and(is_missing) => Ok(Vec::new()),
        said => said,
    }
}

fn identity_of(database: &str, hex: &str) -> Result<DatabaseIdentity, StoreError> {
    let bytes = (0..hex.len() / 2).map(|n| u8::from_str_radix(hex.get(2 * n..2 * n + 2).unwrap_or_default(), 16));
    let key: Option<[u8; 32]> = bytes.collect::<Result<Vec<_>, _>>().ok().and_then(|key| key.try_into().ok());
    let key = key.ok_or_else(|| StoreError::Broken("a hash key that is not 32 bytes long".into()))?;
    Ok(DatabaseIdentity { database: database.to_owned(), hash_key: HashKey(key) })
}

/// Checks the server, migrates, and returns what the database says about itself, with a connection for the pool.
pub(crate) async fn run(server: &Server, schema: &Schema) -> Result<(DatabaseIdentity, Session), StoreError> {
    let (mut session, mut look) = connect::within(STORE_DIAL, async {
        let session = connect::dial(server).await?;
        let look = Look::at(&session, schema).await?;
        Ok((session, look))
    })
    .await?;
    if look.fsync != "on" {
        return Err(StoreError::Broken(format!(
            "the server runs with fsync = {}: it would acknowledge what a power cut takes back; turn it on",
            look.fsync
        )));
    }
    // In any other, texts that people may write are refused, or kept without anybody checking what they are.
    if !matches!(look.encoding.to_ascii_uppercase().as_str(), "UTF8" | "UTF-8") {
        return Err(StoreError::Broken(format!(
            "the database has the encoding {}: UTF8 is needed; make another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
            look.encoding
        )));
    }
    check(look.version, schema)?;
    if !look.is_complete() {
        migrate(&mut session, schema).await?;
    }
    if look.views < views::VERSION {
        views::make(&mut session, schema).await?;
    }
    let identity = connect::within(STORE_DIAL, async {
        if look.identity.is_none() {
            look = Look::at(&session, schema).await?;
        }
        epoch::compare_timeline(&session, schema).await?;
        look.identity.ok_or_else(|| StoreError::Broken("the table meta is empty".into()))
    })
    .await?;
    Ok((identity, session))
}

/// Whether there are tables, of whichever version.
pub(crate) async fn is_there(server: &Server, schema: &Schema) -> Result<bool, StoreError> {
    Ok(version(&*connect::dial(server).await?, schema).await? > 0)
}

/// The version of the tables that are there; 0 when there are none.
pub(crate) async fn version(client: &impl GenericClient, schema: &Schema) -> Result<i32, StoreError> {
    if !has(client, schema, "migrations").await? {
        return Ok(0);
    }
    let sql = schema.put_into("SELECT coalesce(max(version), 0) FROM hubbub.migrations");
    let version: i32 = client.query_one(&sql, &[]).await?.get(0);
    check(version, schema)?;
    Ok(version)
}

/// Whether this program knows tables of this version.
fn check(version: i32, schema: &Schema) -> Result<(), StoreError> {
    if version > KNOWN {
        return Err(StoreError::Broken(format!(
            "the schema {} has tables of version {version}, and this program knows them up to {KNOWN}: use the newer program",
            schema.as_str()
        )));
    }
    Ok(())
}

/// Whether the schema has this table.
async fn has(client: &impl GenericClient, schema: &Schema, table: &str) -> Result<bool, StoreError> {
    // Not to_regclass(): its cache, unlike a query's snapshot, may not have noticed what was made while we waited for the lock.
    let sql =
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1::text AND c.relname = $2::text)";
    Ok(client.query_one(sql, &[&schema.as_str(), &table]).await?.get(0))
}

/// The additions that are not there yet. Those of a newer program are none of ours.
async fn missing(
    client: &impl GenericClient,
    schema: &Schema,
) -> Result<Vec<(&'static str, &'static str)>, StoreError> {
    let mut there: Vec<String> = Vec::new();
    if has(client, schema, "additions").await? {
        let rows = client.query(&schema.put_into("SELECT name FROM hubbub.additions"), &[]).await?;
        there.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    Ok(left_out(&there))
}

/// The additions that are not among these.
fn left_out(there: &[String]) -> Vec<(&'static str, &'static str)> {
    ADDITIONS.into_iter().filter(|(name, _)| !there.iter().any(|there| there == name)).collect()
}

async fn migrate(session: &mut Session, schema: &Schema) -> Result<(), StoreError> {
    let warned = session.warnings().count();
    let transaction = connect::read_committed(session).await?;
    let name = format!("hubbub migrations {}", schema.as_str());
    transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", &[&name]).await?;
    // Another instance may have been first.
    let version = version(&transaction, schema).await?;
    if version == 0 {
        // IF NOT EXISTS would ask for the right to make schemas even where an operator has made this one.
        let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1::text)";
        let is_there: bool = transaction.query_one(sql, &[&schema.as_str()]).await?.get(0);
        if !is_there {
            transaction.batch_execute(&format!("CREATE SCHEMA \"{}\"", schema.as_str())).await?;
        }
        let sql = schema.put_into(
            "CREATE TABLE hubbub.migrations (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
        );
        transaction.batch_execute(&sql).await?;
    }
    let applied = schema.put_into("INSERT INTO hubbub.migrations (version) VALUES ($1)");
    for (number, sql) in (1..=KNOWN).zip(MIGRATIONS).filter(|(number, _)| *number > version) {
        transaction.batch_execute(&schema.put_into(sql)).await?;
        transaction.execute(&applied, &[&number]).await?;
        if version > 0 {
            tracing::info!(
                version = number,
                schema = schema.as_str(),
                "changed the tables of Postgres to another version"
            );
        }
    }
    add(&transaction, schema, version == 0).await?;
    let made = schema.put_into(
        "INSERT INTO hubbub.meta (database, hash_key, incarnation) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    );
    let hash_key: [u8; 32] = rand::random();
    let incarnation = i64::from(columns::another_incarnation(None));
    transaction.execute(&made, &[&Uuid::new_v4(), &hash_key.as_slice(), &incarnation]).await?;
    transaction.commit().await?;
    // Not the server's word for tables that are there already: those are notices.
    if session.warnings().count() != warned {
        let why = session.warnings().last();
        return Err(StoreError::Unavailable(format!("whether the tables are kept is unknown: {why}")));
    }
    if version == 0 {
        tracing::info!(version = KNOWN, schema = schema.as_str(), "made the tables in Postgres");
    }
    Ok(())
}

/// What is new in tables that were there is said, one by one.
async fn add(transaction: &impl GenericClient, schema: &Schema, is_new: bool) -> Result<(), StoreError> {
    if !has(transaction, schema, "additions").await? {
        let sql = "CREATE TABLE hubbub.additions (name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())";
        transaction.batch_execute(&schema.put_into(sql)).await?;
    }
    let added = schema.put_into("INSERT INTO hubbub.additions (name) VALUES ($1)");
    for (name, sql) in missing(transaction, schema).await? {
        transaction.batch_execute(&schema.put_into(sql)).await?;
        transaction.execute(&added, &[&name]).await?;
        if !is_new {
            tracing::info!(name, schema = schema.as_str(), "added to the tables of Postgres");
        }
    }
    Ok(())
}
