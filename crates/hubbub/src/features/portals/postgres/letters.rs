//! Dead letters: listed, sent again, thrown away.

use super::{BYTES, EACH, Listing, PostgresStore, Row, StoreError, beyond, claim::letter, part};
use crate::{
    features::portals::store::{DeadLetter, Filter, Which},
    store::columns::{self, count},
};
use hubbub_core::{
    log::room::Part,
    model::ids::{RoomId, UserId},
    portal::PortalId,
};
use std::collections::{BTreeSet, HashMap};

impl PostgresStore {
    pub(crate) async fn list_letters(
        &self,
        filter: &Filter,
        after: u64,
        limit: usize,
    ) -> Result<Part<DeadLetter>, StoreError> {
        let (portal, session) =
            (filter.portal.as_ref().map(PortalId::as_str), filter.session.as_ref().map(RoomId::as_str));
        let customer = filter.customer.as_ref().map(UserId::as_str);
        let (limit, after) = (count(limit), beyond(after));
        let mut listing = Listing::new(&[&limit, &BYTES, &EACH]);
        listing.only("d.no > ?", &after);
        if portal.is_some() {
            listing.only(&self.sql.letter_of_portal, &portal);
        }
        if session.is_some() {
            listing.only(&self.sql.letter_of_session, &session);
        }
        if customer.is_some() {
            listing.only(&self.sql.letter_of_customer, &customer);
        }
        let sql = self.sql.letters.replace("/* which */", &listing.which);
        let rows = self.ask(&sql, &listing.params).await?;
        part(&rows, |row: &Row| {
            let (portal, session) = (columns::portal(row.get(0))?, columns::room(row.get(1))?);
            letter(row, 2, &portal, &session)
        })
    }

    pub(crate) async fn replay_letters(&self, portal: &PortalId, which: Which) -> Result<u64, StoreError> {
        let (from, to) = which.numbers();
        let rows = self
            .ask(
                &self.sql.letters_to_replay,
                &[&portal.as_str(), &from, &to, &(hubbub_core::limits::REPLAYED_TOGETHER as i64)],
            )
            .await?;
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

    pub(crate) async fn discard_letter(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
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
