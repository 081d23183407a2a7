//! Writing back what came of claims.

use super::{PostgresStore, StoreError, cursor};
use crate::{
    features::portals::store::Settlement,
    store::{
        columns,
        cursors::{Beside, Cursor, attempts_json, attempts_of, keep},
        postgres::connect::Lease,
    },
};
use hubbub_core::model::{ids::RoomId, time::Timestamp};
use std::collections::{BTreeSet, HashMap};

impl PostgresStore {
    /// Begins a transaction and locks the cursors of these sessions, in the order of their rooms. Says the time.
    pub(crate) async fn lock_cursors(
        &self,
        lease: &Lease,
        sessions: &[&str],
    ) -> Result<(HashMap<RoomId, Cursor>, Timestamp), StoreError> {
        let lock = lease.prepare_cached(&self.sql.lock_cursors).await?;
        let (begun, rows) = tokio::join!(
            biased;
            lease.batch_execute("BEGIN"),
            async { lease.query(&lock, &[&sessions]).await },
        );
        begun?;
        let rows = rows?;
        let mut now = Timestamp::default();
        let mut cursors = HashMap::with_capacity(rows.len());
        for row in &rows {
            now = now.max(Timestamp(row.get(14)));
            cursors.insert(columns::room(row.get(13))?, cursor(row, 0)?);
        }
        Ok((cursors, now))
    }

    /// Writes cursors back, and commits.
    pub(crate) async fn write_cursors<'a>(
        &self,
        lease: &Lease,
        cursors: impl Iterator<Item = &'a Cursor>,
    ) -> Result<(), StoreError> {
        let write = lease.prepare_cached(&self.sql.write_cursors).await?;
        let cursors: Vec<_> = cursors.map(|cursor| (cursor, cursor.row())).collect();
        macro_rules! column {
            ($of:ident => $value:expr) => {
                cursors.iter().map(|$of| $value).collect::<Vec<_>>()
            };
        }
        let (rooms, positions) = (column!(c => c.0.room), column!(c => c.1.position));
        let (due, leased) = (column!(c => c.0.due_at), column!(c => c.0.leased));
        let (counted, since) = (column!(c => c.1.counted), column!(c => c.0.since));
        let (attempts, blocked) = (column!(c => c.1.attempts.as_str()), column!(c => c.0.blocked));
        let replays = column!(c => c.1.replays);
        let columns: [&(dyn tokio_postgres::types::ToSql + Sync); 9] =
            [&rooms, &positions, &due, &leased, &counted, &since, &attempts, &blocked, &replays];
        let (written, committed) = tokio::join!(
            biased;
            lease.execute(&write, &columns),
            lease.batch_execute("COMMIT"),
        );
        Ok(written.and(committed)?)
    }

    pub(crate) async fn settle_all(&self, settlements: &[Settlement]) -> Result<Vec<bool>, StoreError> {
        let lease = self.pool.get().await?;
        let sessions: BTreeSet<&str> = settlements.iter().map(|one| one.session.as_str()).collect();
        let sessions: Vec<&str> = sessions.into_iter().collect();
        let (mut cursors, now) = self.lock_cursors(&lease, &sessions).await?;
        let mut held = Vec::with_capacity(settlements.len());
        let mut changed = BTreeSet::new();
        for settlement in settlements {
            let Some(cursor) = cursors.get_mut(&settlement.session).filter(|cursor| cursor.holds(settlement)) else {
                held.push(false);
                continue;
            };
            let beside = cursor.settle(settlement, now);
            if let Some(beside) = beside {
                self.write_beside(&lease, cursor, beside, now).await?;
            }
            cursor.conclude(settlement, now);
            changed.insert(&settlement.session);
            held.push(true);
        }
        self.write_cursors(&lease, changed.iter().filter_map(|session| cursors.get(session))).await?;
        lease.settle();
        if changed.iter().filter_map(|session| cursors.get(session)).any(|c| !c.leased && c.due_at == Some(now.0)) {
            self.due.notify_one();
        }
        self.after(settlements, &held).await;
        Ok(held)
    }

    async fn write_beside(
        &self,
        lease: &Lease,
        cursor: &mut Cursor,
        beside: Beside,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match beside {
            Beside::Dead { seq, why, attempts } => {
                let dead = lease.prepare_cached(&self.sql.dead_letter).await?;
                let (seq, attempts) = (columns::number(seq), attempts_json(&attempts));
                lease.execute(&dead, &[&cursor.portal, &cursor.room, &seq, &why, &attempts]).await?;
            }
            Beside::Replayed { number, attempt } => {
                let tried = lease.prepare_cached(&self.sql.tried_letter).await?;
                let write = lease.prepare_cached(&self.sql.write_letter).await?;
                // Somebody may have thrown it away meanwhile.
                let Some(row) = lease.query_opt(&tried, &[&number, &cursor.room]).await? else { return Ok(()) };
                let mut attempts = attempts_of(row.get(0))?;
                let delivered = attempt.error.is_none();
                keep(&mut attempts, &attempt);
                lease.execute(&write, &[&number, &attempts_json(&attempts), &delivered]).await?;
                cursor.tried(columns::seq(row.get(1)), row.get(2), delivered, now);
            }
        }
        Ok(())
    }

    /// What need not be in the transaction: lost, it is told again with the next success.
    async fn after(&self, settlements: &[Settlement], held: &[bool]) {
        let settled = || settlements.iter().zip(held).filter(|(_, held)| **held).map(|(one, _)| one);
        for settlement in settled() {
            if let Some(external) = &settlement.external {
                self.learn(&settlement.session, external).await;
            }
        }
        let taken = |one: &&Settlement| one.step.is_taken();
        let sessions: Vec<&str> = settled().filter(taken).map(|one| one.session.as_str()).collect();
        if !sessions.is_empty()
            && let Err(error) = self.ask(&self.sql.succeeded_sessions, &[&sessions]).await
        {
            tracing::debug!(%error, "that a portal took something was not noted");
        }
    }

    /// Remembers the portal's own id of a conversation, unless another session has it.
    pub(crate) async fn learn(&self, session: &RoomId, external: &str) {
        if let Err(error) = self.ask(&self.sql.learn, &[&session.as_str(), &external]).await {
            tracing::debug!(%error, %session, "a portal's id of a conversation was not kept");
        }
    }
}
