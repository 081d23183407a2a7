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
    delivery::{
        attempt::{Attempt, keep},
        stored_cursor::Beside,
    },
    model::{ids::RoomId, time::Timestamp},
    portal::externals::{Learned, Teacher},
};
use std::collections::{BTreeSet, HashMap};

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
            held.push(settlement.leaves_held(&row.cursor));
        }
        self.learn_settled(&lease, settlements, &held, &cursors).await?;
        self.store.write_cursors(&lease, changed.iter().filter_map(|session| cursors.get(session))).await?;
        lease.settle()?;
        let is_due = |row: &CursorRow| !row.cursor.leased && row.cursor.due_at == Some(now);
        if changed.iter().filter_map(|session| cursors.get(session)).any(is_due) {
            self.store.due.notify_one();
        }
        for (settlement, _) in settlements.iter().zip(&held).filter(|(_, held)| **held) {
            if let Some(external) = &settlement.external {
                self.tell_program_before(&settlement.session, external).await;
            }
        }
        Ok(held)
    }

    pub(super) async fn write_beside(
        &self,
        lease: &Lease,
        row: &mut CursorRow,
        beside: Beside,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match beside {
            Beside::Dead { seq, why, mut attempts, progress } => {
                if self.is_gone(lease, row.room, columns::number(seq)).await? {
                    attempts = attempts.into_iter().map(Attempt::unquoted).collect();
                }
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
            Beside::Replayed { number, attempt, withdrawn } => {
                let number = number.cast_signed();
                let lock = lease.prepare_cached(&self.sql.lock_dead_letter).await?;
                let write = lease.prepare_cached(&self.sql.write_dead_letter).await?;
                // Somebody may have thrown it away meanwhile.
                let Some(letter) = lease.query_opt(&lock, &[&number, &row.room]).await? else { return Ok(()) };
                let mut attempts = attempts_of(letter.get("attempts"))?;
                let delivered = attempt.error.is_none();
                let attempt = match !withdrawn && self.is_gone(lease, row.room, letter.get("seq")).await? {
                    true => attempt.unquoted(),
                    false => attempt,
                };
                keep(&mut attempts, &attempt);
                lease.execute(&write, &[&number, &attempts_json(&attempts), &delivered]).await?;
                row.cursor.replayed(
                    columns::seq(letter.get("seq")),
                    letter.get("replaying"),
                    delivered || withdrawn,
                    now,
                );
            }
        }
        Ok(())
    }

    /// Whether an entry was blanked, as the row of its session's cursor is locked: whoever blanks one locks that, too.
    async fn is_gone(&self, lease: &Lease, room: i64, seq: i64) -> Result<bool, StoreError> {
        let look = lease.prepare_cached(&self.sql.is_gone).await?;
        Ok(lease.query_opt(&look, &[&room, &seq]).await?.is_some_and(|entry| entry.get("gone")))
    }

    /// What the portal's answers tell, in the same transaction: its own ids of conversations, and that it took something.
    async fn learn_settled(
        &self,
        lease: &Lease,
        settlements: &[Settlement],
        held: &[bool],
        cursors: &HashMap<RoomId, CursorRow>,
    ) -> Result<(), StoreError> {
        let settled: Vec<(&Settlement, i64)> = settlements
            .iter()
            .zip(held)
            .filter(|(_, held)| **held)
            .filter_map(|(one, _)| Some((one, cursors.get(&one.session)?.reader)))
            .collect();
        let told = || settled.iter().filter_map(|(one, portal)| Some((*one, *portal, one.external.as_deref()?)));
        let names: Vec<(i64, &str)> = told().map(|(_, portal, external)| (portal, external)).collect();
        if !names.is_empty() {
            self.lock_names(lease, &names).await?;
        }
        for (settlement, _, external) in told() {
            let (session, external) = (settlement.session.clone(), external.to_owned());
            self.learn_within(lease, &Learned { session, external, by: Teacher::Answer }).await?;
        }
        let took: BTreeSet<i64> =
            settled.iter().filter(|(one, _)| one.step.is_taken()).map(|(_, portal)| *portal).collect();
        if !took.is_empty() {
            let note = lease.prepare_cached(&self.sql.note_success).await?;
            lease.execute(&note, &[&took.into_iter().collect::<Vec<_>>()]).await?;
        }
        Ok(())
    }
}
