//! Dead letters: listed, sent again, thrown away.

use super::{PostgresStore, Row, StoreError, claim::letter, part};
use crate::store::{
    columns::{self, count},
    portals::{DeadLetter, Filter, Which},
};
use hubbub_core::{ids::RoomId, portal::PortalId, room::Part};
use std::collections::{BTreeSet, HashMap};

impl PostgresStore {
    pub(super) async fn list_letters(
        &self,
        filter: &Filter,
        after: u64,
        limit: usize,
    ) -> Result<Part<DeadLetter>, StoreError> {
        let (portal, session) =
            (filter.portal.as_ref().map(PortalId::as_str), filter.session.as_ref().map(RoomId::as_str));
        let rows = self.ask(&self.sql.letters, &[&portal, &session, &after.cast_signed(), &(count(limit) + 1)]).await?;
        part(&rows, limit, |row: &Row| {
            let (portal, session) = (columns::portal(row.get(1))?, columns::room(row.get(2))?);
            Ok(DeadLetter { number: row.get::<_, i64>(0).cast_unsigned(), ..letter(row, 2, &portal, 8, &session)? })
        })
    }

    pub(super) async fn replay_letters(&self, portal: &PortalId, which: Which) -> Result<u64, StoreError> {
        let (from, to) = match which {
            Which::One(number) => (number, number),
            Which::Range(from, to) => (from, to),
            Which::All => (0, i64::MAX.cast_unsigned()),
        };
        let (from, to) = (from.cast_signed(), to.min(i64::MAX.cast_unsigned()).cast_signed());
        let rows = self.ask(&self.sql.letters_to_replay, &[&portal.as_str(), &from, &to]).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let numbers: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        let sessions: BTreeSet<&str> = rows.iter().map(|row| row.get(1)).collect();
        let sessions: Vec<&str> = sessions.into_iter().collect();
        let lease = self.pool.get().await?;
        let replay = lease.prepare_cached(&self.sql.replay_letters).await?;
        let (mut cursors, now) = self.lock_cursors(&lease, &sessions).await?;
        let mut again: HashMap<i64, u32> = HashMap::new();
        for row in lease.query(&replay, &[&numbers]).await? {
            *again.entry(row.get(0)).or_default() += 1;
        }
        for cursor in cursors.values_mut() {
            cursor.replays += again.get(&cursor.room).copied().unwrap_or_default();
            cursor.wake(now);
        }
        self.write_cursors(&lease, cursors.values()).await?;
        lease.settle();
        self.due.notify_one();
        Ok(again.values().map(|n| u64::from(*n)).sum())
    }

    pub(super) async fn discard_letter(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
        let number = number.cast_signed();
        let found = self.ask(&self.sql.letter_of, &[&portal.as_str(), &number]).await?;
        let Some(found) = found.first() else { return Ok(false) };
        let (session, seq): (&str, _) = (found.get(0), columns::seq(found.get(1)));
        let lease = self.pool.get().await?;
        let discard = lease.prepare_cached(&self.sql.discard_letter).await?;
        let (mut cursors, now) = self.lock_cursors(&lease, &[session]).await?;
        let gone = lease.query_opt(&discard, &[&number]).await?;
        if let (Some(gone), Some(cursor)) = (&gone, cursors.values_mut().next()) {
            if gone.get(0) {
                cursor.replays = cursor.replays.saturating_sub(1);
            }
            cursor.buried(seq, now);
        }
        self.write_cursors(&lease, cursors.values()).await?;
        lease.settle();
        self.due.notify_one();
        Ok(gone.is_some())
    }
}
