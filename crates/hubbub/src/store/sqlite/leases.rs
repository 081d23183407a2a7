//! Which instances live: of a file, one at a time.

use super::super::{Lease, StoreError};
use hubbub_core::model::time::Timestamp;
use rusqlite::{Transaction, params};
use std::time::Duration;
use uuid::Uuid;

pub(crate) fn renew(
    transaction: &Transaction<'_>,
    lease: Lease,
    ttl: Duration,
    at: Timestamp,
) -> Result<Vec<Lease>, StoreError> {
    let expires_at = at.0.saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
    transaction.prepare_cached("DELETE FROM instances WHERE expires_at <= ?1")?.execute([at.0])?;
    transaction
        .prepare_cached(
            "INSERT INTO instances (boot, bus, expires_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (boot) DO UPDATE SET bus = excluded.bus, expires_at = excluded.expires_at",
        )?
        .execute(params![lease.boot.as_bytes(), lease.bus, expires_at])?;
    let mut statement = transaction.prepare_cached("SELECT boot, bus FROM instances ORDER BY boot")?;
    let leases = statement.query_map([], |row| Ok(Lease { boot: Uuid::from_bytes(row.get(0)?), bus: row.get(1)? }))?;
    Ok(leases.collect::<Result<_, _>>()?)
}

pub(crate) fn end(transaction: &Transaction<'_>, boot: Uuid) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM instances WHERE boot = ?1", [boot.as_bytes()])?;
    Ok(())
}
