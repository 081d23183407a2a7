//! Rooms are deleted, and what they leave is cleared away.

use super::{
    super::{
        Head, StoreError, columns,
        deleted::{MEMBERS, TABLES},
    },
    PostgresStore,
    pool::Lease,
};
use hubbub_core::model::{
    access::RoomKind,
    ids::{RoomId, UserId},
    seq::{Epoch, Seq},
};
use std::time::Duration;
use tokio_postgres::Row;

impl PostgresStore {
    pub(crate) async fn list_members_of_deleted(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        let after = after.map_or("", UserId::as_str);
        let rows = self.ask(&self.sql.members_of_deleted, &[&room.as_str(), &after, &columns::count(limit)]).await?;
        rows.iter().map(|row| columns::user(row.get("user_id"))).collect()
    }

    pub(crate) async fn delete(&self, room: &RoomId) -> Result<Option<Head>, StoreError> {
        let lease = self.pool.get().await?;
        let sql = &self.sql;
        let (lock, delete, note, cursor, session, externals) = tokio::try_join!(
            lease.prepare_cached(&sql.lock),
            lease.prepare_cached(&sql.delete_room),
            lease.prepare_cached(&sql.note_deleted),
            lease.prepare_cached(&sql.forget_cursor),
            lease.prepare_cached(&sql.forget_session),
            lease.prepare_cached(&sql.forget_externals),
        )?;
        let rooms = [room.as_str()];
        let (begun, locked) = tokio::join!(
            biased;
            lease.batch_execute(lease.begin()),
            async { lease.query(&lock, &[&rooms.as_slice()]).await },
        );
        let locked = match begun.and(locked).map_err(StoreError::from) {
            Err(StoreError::Locked) => {
                lease.batch_execute("ROLLBACK").await?;
                lease.give_back();
                return Err(StoreError::Locked);
            }
            locked => locked?,
        };
        let Some(found) = locked.first() else {
            lease.batch_execute("ROLLBACK").await?;
            lease.give_back();
            return Ok(None);
        };
        if columns::kind(found.get("kind"))? == RoomKind::Deleted {
            // Whoever was first may have committed without waiting for a standby: this commit waits for it.
            lease.batch_execute("COMMIT").await?;
            lease.settle()?;
            return self.heads_of(std::slice::from_ref(room)).await.map(|mut heads| heads.pop().flatten());
        }
        let no: i64 = found.get("no");
        // Conversations are free for other sessions at once.
        let (noted, cursor, session, externals, left, committed) = tokio::join!(
            biased;
            async { lease.execute(&note, &[&no]).await },
            async { lease.execute(&cursor, &[&no]).await },
            async { lease.execute(&session, &[&no]).await },
            async { lease.execute(&externals, &[&no]).await },
            async { lease.query_one(&delete, &[&no]).await },
            lease.batch_execute("COMMIT"),
        );
        let left = noted.and(cursor).and(session).and(externals).and(left).and_then(|left| committed.map(|()| left))?;
        let part = |row: &Row, name: &str| columns::epoch_part(row.get(name));
        let epoch = Epoch { incarnation: part(&left, "incarnation")?, generation: part(&left, "generation")? };
        lease.settle()?;
        Ok(Some(Head { seq: Seq::ZERO, epoch, deleted: true }))
    }

    pub(crate) async fn clear_away(&self, rows: usize, members_for: Duration) -> Result<bool, StoreError> {
        let members_for = i64::try_from(members_for.as_millis()).unwrap_or(i64::MAX);
        let lease = self.pool.get().await?;
        let find = lease.prepare_cached(&self.sql.deleted_room).await?;
        let (begun, found) = tokio::join!(
            biased;
            lease.batch_execute(lease.begin()),
            async { lease.query_opt(&find, &[&members_for]).await },
        );
        let Some(found) = begun.and(found)? else {
            lease.batch_execute("ROLLBACK").await?;
            lease.give_back();
            return Ok(false);
        };
        let (no, is_old): (i64, bool) = (found.get("no"), found.get("is_old"));
        let left = self.clear_tables(&lease, no, rows, is_old).await?;
        if left > 0 {
            lease.execute(&self.sql.empty_quarantine, &[&no]).await?;
            match is_old {
                true => lease.execute(&self.sql.forget_deleted, &[&no]).await?,
                false => lease.execute(&self.sql.put_off_deleted, &[&no, &members_for]).await?,
            };
        } else {
            // A large room holds no other up.
            lease.execute(&self.sql.stand_behind, &[&no]).await?;
        }
        lease.batch_execute("COMMIT").await?;
        lease.settle()?;
        Ok(true)
    }

    /// Returns how many rows more might have been: 0, there may be others.
    async fn clear_tables(&self, lease: &Lease, no: i64, rows: usize, is_old: bool) -> Result<u64, StoreError> {
        let mut left = rows as u64;
        for (table, _) in TABLES.into_iter().filter(|(table, _)| is_old || *table != MEMBERS) {
            let sql = self.schema.put_into(&format!(
                "DELETE FROM hubbub.{table} WHERE ctid = ANY(ARRAY(
                    SELECT ctid FROM hubbub.{table} WHERE room = $1::bigint LIMIT $2::bigint))"
            ));
            let most = i64::try_from(left).unwrap_or(i64::MAX);
            left = left.saturating_sub(lease.execute(&sql, &[&no, &most]).await?);
            if left == 0 {
                break;
            }
        }
        Ok(left)
    }
}
