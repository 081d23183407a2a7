//! Brings a file to this version's tables.

use super::super::{Identity, StoreError, columns};
use hubbub_core::entry::HashKey;
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::Path;
use uuid::Uuid;

/// In order; the first is version 1. Never change one that has been released.
const MIGRATIONS: [&str; 1] = [include_str!("../../../../../migrations/sqlite/0001_logs.sql")];

const KNOWN: u32 = MIGRATIONS.len() as u32;

/// Whether this program knows tables of this version.
pub(super) fn check(version: u32, path: &Path) -> Result<(), StoreError> {
    if version <= KNOWN {
        return Ok(());
    }
    Err(StoreError::Broken(format!(
        "{} has tables of version {version}, and this program knows them up to {KNOWN}: use the newer program",
        path.display()
    )))
}

pub(super) fn run(connection: &mut Connection, path: &Path) -> Result<Identity, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    check(version, path)?;
    for (number, sql) in (1..=KNOWN).zip(MIGRATIONS).skip(version as usize) {
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", number)?;
        tracing::info!(version = number, "migrated the SQLite file");
    }
    transaction.execute(
        "INSERT INTO meta (one, database, hash_key, incarnation) VALUES (1, ?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![Uuid::new_v4().to_string(), rand::random::<[u8; 32]>(), columns::another_incarnation(None)],
    )?;
    let identity = transaction.query_row("SELECT database, hash_key FROM meta", [], |row| {
        Ok(Identity { database: row.get(0)?, hash_key: HashKey(row.get(1)?) })
    })?;
    transaction.commit()?;
    Ok(identity)
}
