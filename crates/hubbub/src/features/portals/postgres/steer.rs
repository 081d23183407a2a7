//! What operators do about portals and sessions.

use super::{PostgresPortals, StoreError};
use crate::{
    features::portals::store::{Orphan, Steer},
    store::columns::{self, count},
};
use hubbub_core::{
    model::{ids::RoomId, seq::Seq},
    portal::PortalId,
};

impl PostgresPortals {
    pub(crate) async fn mark_deleted(&self, portal: &PortalId) -> Result<bool, StoreError> {
        let lease = self.store.pool.get().await?;
        let delete = lease.prepare_cached(&self.sql.delete_portal).await?;
        lease.batch_execute(lease.begin()).await?;
        self.lock_refused(&lease, &[portal.as_str()]).await?;
        let deleted = lease.query(&delete, &[&portal.as_str()]).await?;
        lease.batch_execute("COMMIT").await?;
        lease.settle()?;
        Ok(!deleted.is_empty())
    }

    pub(crate) async fn list_orphans(&self, limit: usize) -> Result<Vec<Orphan>, StoreError> {
        let rows = self.store.ask(&self.sql.orphans, &[&count(limit)]).await?;
        if rows.is_empty() {
            self.store.ask(&self.sql.no_orphans, &[]).await?;
        }
        let orphan = |row: &super::Row| {
            Ok(Orphan {
                session: columns::room(row.get("id"))?,
                customer: columns::user(row.get("customer"))?,
                waits: row.get::<_, Option<i64>>("waits").map(columns::seq),
            })
        };
        rows.iter().map(orphan).collect()
    }

    pub(crate) async fn steer_session(&self, session: &RoomId, how: &Steer) -> Result<bool, StoreError> {
        let lease = self.store.pool.get().await?;
        let look = lease.prepare_cached(&self.sql.at_dead_letter).await?;
        let (mut cursors, now) = self.store.lock_cursors(&lease, &[session.as_str()]).await?;
        let mut done = false;
        if let Some(row) = cursors.get_mut(session) {
            let next = Seq::new(row.cursor.position.get() + 1);
            let found = lease.query_one(&look, &[&row.room, &columns::number(next)]).await?;
            let at_dead_letter = row.cursor.blocked && found.get::<_, bool>("there");
            let (is_done, beside) = how.apply(&mut row.cursor, at_dead_letter, now);
            done = is_done;
            if let Some(beside) = beside {
                self.write_beside(&lease, row, beside, now).await?;
            }
        }
        self.store.write_cursors(&lease, cursors.values()).await?;
        lease.settle()?;
        self.store.due.notify_one();
        Ok(done)
    }
}
