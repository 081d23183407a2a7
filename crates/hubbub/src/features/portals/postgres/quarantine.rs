//! What is in quarantine: shown, and released once its session is known.

use super::{BYTES, EACH, PostgresPortals, Row, StoreError, beyond, number, part};
use crate::{
    features::portals::store::{Quarantined, Releasable, portal_id},
    store::columns::{self, count},
};
use hubbub_core::{limits::RELEASED_TOGETHER, log::room::ListPart, model::time::Timestamp, portal::PortalId};

impl PostgresPortals {
    pub(crate) async fn list_quarantined(
        &self,
        portal: &PortalId,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<Quarantined>, StoreError> {
        let (id, after) = (portal.as_str(), beyond(after));
        let rows = self.store.ask(&self.sql.quarantined, &[&count(limit), &BYTES, &EACH, &id, &after]).await?;
        part(&rows, quarantined)
    }

    pub(crate) async fn list_releasable(&self) -> Result<Vec<Releasable>, StoreError> {
        let each = RELEASED_TOGETHER as i64;
        let rows = self.store.ask(&self.sql.releasable, &[&each, &(8 * each)]).await?;
        let read = |row: &Row| {
            Ok(Releasable {
                kept: quarantined(row)?,
                portal: row.get("portal_no"),
                session: columns::room(row.get("session_id"))?,
            })
        };
        rows.iter().map(read).collect()
    }

    pub(crate) async fn note_released(&self, gone: &[u64], held: &[u64]) -> Result<(), StoreError> {
        for (sql, numbers) in [(&self.sql.drop_released, gone), (&self.sql.hold_released, held)] {
            if numbers.is_empty() {
                continue;
            }
            let numbers: Vec<i64> = numbers.iter().map(|number| number.cast_signed()).collect();
            let lease = self.store.pool.get().await?;
            let note = lease.prepare_cached(sql).await?;
            lease.execute(&note, &[&numbers]).await?;
            lease.settle()?;
        }
        Ok(())
    }

    pub(crate) async fn sweep(&self) -> Result<Vec<(PortalId, u64)>, StoreError> {
        let lease = self.store.pool.get().await?;
        let bind = lease.prepare_cached(&self.sql.bind_all).await?;
        let expire = lease.prepare_cached(&self.sql.expire).await?;
        lease.execute(&bind, &[]).await?;
        let rows = lease.query(&expire, &[]).await?;
        lease.settle()?;
        rows.iter().map(|row| Ok((portal_id(row.get("id"))?, number(row.get("events"))))).collect()
    }
}

fn quarantined(row: &Row) -> Result<Quarantined, StoreError> {
    Ok(Quarantined {
        number: number(row.get("no")),
        portal: portal_id(row.get("portal_id"))?,
        at: Timestamp(row.get("at")),
        session: row.get("session"),
        external: row.get("external"),
        from: columns::user(row.get("author"))?,
        text: row.get("text"),
        data: row.get("data"),
        event: row.get("event"),
        awaits: row.get("awaits"),
        until: row.get::<_, Option<i64>>("until").map(Timestamp),
    })
}
