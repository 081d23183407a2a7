//! Brings a file to this version's tables.
//!
//! A version is raised only by what the program before cannot live with: it refuses a version above what it knows. What is
//! merely added is recorded apart, by name, so that one may go back to the program before (`docs/decisions/0012-additions.md`).

use super::super::{DatabaseIdentity, StoreError, columns};
use hubbub_core::log::hash::HashKey;
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::Path;
use uuid::Uuid;

/// In order; the first is version 1. Never change one that has been released.
const MIGRATIONS: [&str; 1] = [include_str!("../../../../../migrations/sqlite/0001_logs.sql")];

/// Tables, indexes and views beside those of a version, in order, by name; each once. Never change or rename one that has been
/// released. The program before knows nothing of them and must get on.
const ADDITIONS: [(&str, &str); 22] = [
    ("instances", include_str!("../../../../../migrations/sqlite/additions/instances.sql")),
    ("portals", include_str!("../../../../../migrations/sqlite/additions/portals.sql")),
    ("kinds", include_str!("../../../../../migrations/sqlite/additions/kinds.sql")),
    ("turns", include_str!("../../../../../migrations/sqlite/additions/turns.sql")),
    ("calls", include_str!("../../../../../migrations/sqlite/additions/calls.sql")),
    ("externals", include_str!("../../../../../migrations/sqlite/additions/externals.sql")),
    ("portal_grants", include_str!("../../../../../migrations/sqlite/additions/portal_grants.sql")),
    ("ways_out", include_str!("../../../../../migrations/sqlite/additions/ways_out.sql")),
    ("refused_hooks", include_str!("../../../../../migrations/sqlite/additions/refused_hooks.sql")),
    ("messages", include_str!("../../../../../migrations/sqlite/additions/messages.sql")),
    ("knows", include_str!("../../../../../migrations/sqlite/additions/knows.sql")),
    ("portal_changes", include_str!("../../../../../migrations/sqlite/additions/portal_changes.sql")),
    ("past_readers", include_str!("../../../../../migrations/sqlite/additions/past_readers.sql")),
    ("last_seen", include_str!("../../../../../migrations/sqlite/additions/last_seen.sql")),
    ("rooms", include_str!("../../../../../migrations/sqlite/additions/rooms.sql")),
    ("people", include_str!("../../../../../migrations/sqlite/additions/people.sql")),
    ("choices", include_str!("../../../../../migrations/sqlite/additions/choices.sql")),
    ("invites", include_str!("../../../../../migrations/sqlite/additions/invites.sql")),
    ("audit", include_str!("../../../../../migrations/sqlite/additions/audit.sql")),
    ("blocks_by_other", include_str!("../../../../../migrations/sqlite/additions/blocks_by_other.sql")),
    ("imports", include_str!("../../../../../migrations/sqlite/additions/imports.sql")),
    ("revocations", include_str!("../../../../../migrations/sqlite/additions/revocations.sql")),
];

const KNOWN: u32 = MIGRATIONS.len() as u32;

/// Whether this program knows tables of this version.
pub(crate) fn check(version: u32, path: &Path) -> Result<(), StoreError> {
    if version <= KNOWN {
        return Ok(());
    }
    Err(StoreError::Broken(format!(
        "{} has tables of version {version}, and this program knows them up to {KNOWN}: use the newer program",
        path.display()
    )))
}

pub(crate) fn run(connection: &mut Connection, path: &Path) -> Result<DatabaseIdentity, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    check(version, path)?;
    for (number, sql) in (1..=KNOWN).zip(MIGRATIONS).skip(version as usize) {
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", number)?;
        if version > 0 {
            tracing::info!(version = number, "changed the tables of the SQLite file to another version");
        }
    }
    add(&transaction, version == 0)?;
    transaction.execute(
        "INSERT INTO meta (one, database, hash_key, incarnation) VALUES (1, ?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![Uuid::new_v4().to_string(), rand::random::<[u8; 32]>(), columns::another_incarnation(None)],
    )?;
    let identity = transaction.query_row("SELECT database, hash_key FROM meta", [], |row| {
        Ok(DatabaseIdentity { database: row.get(0)?, hash_key: HashKey(row.get(1)?) })
    })?;
    transaction.commit()?;
    if version == 0 {
        tracing::info!(version = KNOWN, "made the tables of a new SQLite file");
    }
    Ok(identity)
}

/// What is new in tables that were there is said, one by one.
fn add(transaction: &Connection, is_new: bool) -> Result<(), StoreError> {
    transaction
        .execute_batch("CREATE TABLE IF NOT EXISTS additions (name TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT")?;
    for (name, sql) in ADDITIONS {
        let new = "INSERT INTO additions (name, at) VALUES (?1, unixepoch() * 1000) ON CONFLICT DO NOTHING";
        if transaction.execute(new, [name])? == 1 {
            transaction.execute_batch(sql)?;
            if !is_new {
                tracing::info!(name, "added to the tables of the SQLite file");
            }
        }
    }
    Ok(())
}
