//! Which instances live: of a file, one at a time.

use super::super::{Lease, StoreError};
use hubbub_core::{log::features::Features, model::time::Timestamp};
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
            "INSERT INTO instances (boot, bus, expires_at, knows) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (boot) DO UPDATE SET bus = excluded.bus, expires_at = excluded.expires_at, knows = excluded.knows",
        )?
        .execute(params![lease.boot.as_bytes(), lease.bus, expires_at, lease.knows.to_string()])?;
    let mut statement = transaction.prepare_cached("SELECT boot, bus, knows FROM instances ORDER BY boot")?;
    let leases = statement.query_map([], |row| {
        let knows: Option<String> = row.get(2)?;
        Ok(Lease { boot: Uuid::from_bytes(row.get(0)?), bus: row.get(1)?, knows: Features::read(knows.as_deref()) })
    })?;
    Ok(leases.collect::<Result<_, _>>()?)
}

pub(crate) fn end(transaction: &Transaction<'_>, boot: Uuid) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM instances WHERE boot = ?1", [boot.as_bytes()])?;
    Ok(())
}
