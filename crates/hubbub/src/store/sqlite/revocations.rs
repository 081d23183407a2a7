//! Tokens that are not taken any more.

use super::{
    super::{
        StoreError,
        columns::{self, count},
        revocations::{Revocation, Revocations},
    },
    SqliteStore,
};
use async_trait::async_trait;
use hubbub_core::model::{farewell::Farewell, ids::UserId, time::Timestamp};
use rusqlite::{Row, params};

const COLUMNS: &str = "user_id, number, issued_before, reconnect, reason";

fn revocation(row: &Row<'_>) -> Result<Revocation, StoreError> {
    Ok(Revocation {
        user: columns::user(&row.get::<_, String>(0)?)?,
        number: row.get::<_, i64>(1)?.cast_unsigned(),
        before: Timestamp(row.get(2)?),
        farewell: Farewell { reconnect: row.get(3)?, reason: row.get(4)? },
    })
}

#[async_trait]
impl Revocations for SqliteStore {
    async fn revoke(&self, user: &UserId, before: Timestamp, farewell: &Farewell) -> Result<Revocation, StoreError> {
        let (user, farewell) = (user.clone(), farewell.clone());
        let write = move |transaction: &rusqlite::Transaction<'_>, _| {
            let mut statement = transaction.prepare_cached(&format!(
                "INSERT INTO revocations (user_id, number, issued_before, reconnect, reason)
                 VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM revocations), ?2, ?3, ?4)
                 ON CONFLICT (user_id) DO UPDATE SET number = excluded.number, reconnect = excluded.reconnect,
                    reason = excluded.reason, issued_before = max(issued_before, excluded.issued_before)
                 RETURNING {COLUMNS}"
            ))?;
            let Farewell { reconnect, reason } = &farewell;
            let mut rows = statement.query(params![user.as_str(), before.0, reconnect, reason])?;
            let row = rows.next()?.ok_or_else(|| StoreError::Broken("a revocation that was not kept".into()))?;
            let made = revocation(row)?;
            // To its end, or the statement is undone.
            while rows.next()?.is_some() {}
            Ok(made)
        };
        self.writer.write(write).await
    }

    async fn revocations(&self, from: u64, limit: usize) -> Result<Vec<Revocation>, StoreError> {
        let read = move |snapshot: &rusqlite::Connection| {
            let sql = format!("SELECT {COLUMNS} FROM revocations WHERE number >= ?1 ORDER BY number LIMIT ?2");
            let mut statement = snapshot.prepare_cached(&sql)?;
            let mut rows = statement.query(params![from.cast_signed(), count(limit)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(revocation(row)?);
            }
            Ok(found)
        };
        self.readers.read(read).await
    }
}
