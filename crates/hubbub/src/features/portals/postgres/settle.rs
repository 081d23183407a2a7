//! Writing back what came of claims.

use super::{PostgresPortals, StoreError};
use crate::{
    features::portals::store::Settlement,
    store::{
        columns,
        cursors::{CursorRow, attempts_json, attempts_of, progress_json, refs_json},
        postgres::pool::Lease,
    },
};
use hubbub_core::{
    delivery::{attempt::keep, stored_cursor::Beside},
    model::{ids::RoomId, time::Timestamp},
};
use std::collections::BTreeSet;

impl PostgresPortals {
    pub(crate) async fn settle_all(&self, settlements: &[Settlement]) -> Result<Vec<bool>, StoreError> {
        let lease = self.store.pool.get().await?;
        let sessions: BTreeSet<&str> = settlements.iter().map(|one| one.session.as_str()).collect();
        let sessions: Vec<&str> = sessions.into_iter().collect();
        let (mut cursors, now) = self.store.lock_cursors(&lease, &sessions).await?;
        let mut held = Vec::with_capacity(settlements.len());
        let mut changed = BTreeSet::new();
        for settlement in settlements {
            let stands = |row: &&mut CursorRow| row.cursor.is_held_by(settlement.fence);
            let Some(row) = cursors.get_mut(&settlement.session).filter(stands) else {
                held.push(false);
                continue;
            };
            if let Some(beside) = row.cursor.settle(&settlement.step, now) {
                self.write_beside(&lease, row, beside, now).await?;
            }
            if let Some(refs) = &settlement.refs {
                let write = lease.prepare_cached(&self.sql.write_refs).await?;
                lease.execute(&write, &[&row.room, &refs_json(refs)]).await?;
            }
            row.cursor.note_sent(&settlement.sent);
            row.cursor.conclude(&settlement.step, settlement.keep, now);
            changed.insert(&settlement.session);
            held.push(true);
        }
        self.store.write_cursors(&lease, changed.iter().filter_map(|session| cursors.get(session))).await?;
        lease.settle()?;
        let is_due = |row: &CursorRow| !row.cursor.leased && row.cursor.due_at == Some(now);
        if changed.iter().filter_map(|session| cursors.get(session)).any(is_due) {
            self.store.due.notify_one();
        }
        self.after(settlements, &held).await;
        Ok(held)
    }

    async fn write_beside(
        &self,
        lease: &Lease,
        row: &mut CursorRow,
        beside: Beside,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match beside {
            Beside::Dead { seq, why, attempts, progress } => {
                let dead = lease.prepare_cached(&self.sql.make_dead_letter).await?;
                let (seq, attempts) = (columns::number(seq), attempts_json(&attempts));
                let progress = progress_json(progress.as_ref());
                lease.execute(&dead, &[&row.reader, &row.room, &seq, &why, &attempts, &progress]).await?;
            }
            Beside::Called { number, progress } => {
                let write = lease.prepare_cached(&self.sql.write_progress).await?;
                let progress = progress_json(Some(&progress));
                lease.execute(&write, &[&number.cast_signed(), &row.room, &progress]).await?;
            }
            Beside::Replayed { number, attempt } => {
                let number = number.cast_signed();
                let lock = lease.prepare_cached(&self.sql.lock_dead_letter).await?;
                let write = lease.prepare_cached(&self.sql.write_dead_letter).await?;
                // Somebody may have thrown it away meanwhile.
                let Some(letter) = lease.query_opt(&lock, &[&number, &row.room]).await? else { return Ok(()) };
                let mut attempts = attempts_of(letter.get("attempts"))?;
                let delivered = attempt.error.is_none();
                keep(&mut attempts, &attempt);
                lease.execute(&write, &[&number, &attempts_json(&attempts), &delivered]).await?;
                row.cursor.replayed(columns::seq(letter.get("seq")), letter.get("replaying"), delivered, now);
            }
        }
        Ok(())
    }

    /// What need not be in the transaction: lost, it is told again with the next success.
    async fn after(&self, settlements: &[Settlement], held: &[bool]) {
        let settled = || settlements.iter().zip(held).filter(|(_, held)| **held).map(|(one, _)| one);
        for settlement in settled() {
            if let Some(external) = &settlement.external {
                let session = &settlement.session;
                if let Err(error) = self.keep_external(session, external).await {
                    tracing::debug!(%error, %session, "a portal's id of a conversation was not kept");
                }
            }
        }
        let taken = |one: &&Settlement| one.step.is_taken();
        let sessions: Vec<&str> = settled().filter(taken).map(|one| one.session.as_str()).collect();
        if !sessions.is_empty()
            && let Err(error) = self.store.ask(&self.sql.succeeded_sessions, &[&sessions]).await
        {
            tracing::debug!(%error, "that a portal took something was not noted");
        }
    }

    /// Remembers the portal's own id of a conversation, unless another session has it.
    pub(crate) async fn keep_external(&self, session: &RoomId, external: &str) -> Result<(), StoreError> {
        self.store.ask(&self.sql.learn, &[&session.as_str(), &external]).await.map(drop)
    }
}
