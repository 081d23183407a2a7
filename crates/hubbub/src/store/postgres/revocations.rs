//! Tokens that are not taken any more.

use super::{
    super::{
        StoreError,
        columns::{self, count},
        revocations::{Revocation, Revocations},
    },
    PostgresStore,
    sql::texts,
};
use async_trait::async_trait;
use hubbub_core::model::{farewell::Farewell, ids::UserId, time::Timestamp};
use tokio_postgres::Row;

texts! {
    revoke = "WITH next AS (UPDATE hubbub.revocation_number SET number = number + 1 RETURNING number)
        INSERT INTO hubbub.revocations AS r (user_id, number, issued_before, reconnect, reason)
        SELECT $1::text, next.number, $2::bigint, $3::boolean, $4::text FROM next
        ON CONFLICT (user_id) DO UPDATE SET number = excluded.number, reconnect = excluded.reconnect, reason = excluded.reason,
            issued_before = greatest(r.issued_before, excluded.issued_before)
        RETURNING user_id, number, issued_before, reconnect, reason";
    list = "SELECT user_id, number, issued_before, reconnect, reason FROM hubbub.revocations
        WHERE number >= $1::bigint ORDER BY number LIMIT $2::bigint";
}

fn revocation(row: &Row) -> Result<Revocation, StoreError> {
    Ok(Revocation {
        number: row.get::<_, i64>("number").cast_unsigned(),
        user: columns::user(row.get("user_id"))?,
        before: Timestamp(row.get("issued_before")),
        farewell: Farewell { reconnect: row.get("reconnect"), reason: row.get("reason") },
    })
}

#[async_trait]
impl Revocations for PostgresStore {
    async fn revoke(&self, user: &UserId, before: Timestamp, farewell: &Farewell) -> Result<Revocation, StoreError> {
        let Farewell { reconnect, reason } = farewell;
        let rows = self.ask(&self.revocations.revoke, &[&user.as_str(), &before.0, reconnect, reason]).await?;
        let row = rows.first().ok_or_else(|| StoreError::Broken("revocations are not numbered".into()))?;
        revocation(row)
    }

    async fn revocations(&self, from: u64, limit: usize) -> Result<Vec<Revocation>, StoreError> {
        let rows = self.ask(&self.revocations.list, &[&from.cast_signed(), &count(limit)]).await?;
        rows.iter().map(revocation).collect()
    }
}
