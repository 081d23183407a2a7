//! Dead letters: listed, sent again, thrown away.

use super::{BYTES, EACH, Listing, PostgresPortals, Row, StoreError, beyond, claim::dead_letter, part};
use crate::{
    features::portals::store::{DeadLetter, Filter, Which, portal_id},
    store::columns::{self, count},
};
use hubbub_core::{
    log::room::ListPart,
    model::ids::{RoomId, UserId},
    portal::PortalId,
};
use std::collections::{BTreeSet, HashMap};

impl PostgresPortals {
    pub(crate) async fn list_dead_letters(
        &self,
        filter: &Filter,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<DeadLetter>, StoreError> {
        let (portal, session) =
            (filter.portal.as_ref().map(PortalId::as_str), filter.session.as_ref().map(RoomId::as_str));
        let customer = filter.customer.as_ref().map(UserId::as_str);
        let (limit, after) = (count(limit), beyond(after));
        let mut listing = Listing::new(&[&limit, &BYTES, &EACH]);
        listing.only("d.no > ?", &after);
        if portal.is_some() {
            listing.only(&self.sql.dead_letter_of_portal, &portal);
        }
        if session.is_some() {
            listing.only(&self.sql.dead_letter_of_session, &session);
        }
        if customer.is_some() {
            listing.only(&self.sql.dead_letter_of_customer, &customer);
        }
        let sql = self.sql.dead_letters.replace("/* which */", &listing.which);
        let rows = self.store.ask(&sql, &listing.params).await?;
        part(&rows, |row: &Row| {
            let (portal, session) = (portal_id(row.get("portal_id"))?, columns::room(row.get("room_id"))?);
            dead_letter(row, &portal, &session)
        })
    }

    pub(crate) async fn replay_dead_letters(&self, portal: &PortalId, which: Which) -> Result<u64, StoreError> {
        let (from, to) = which.numbers();
        let rows = self
            .store
            .ask(
                &self.sql.dead_letters_to_replay,
                &[&portal.as_str(), &from, &to, &(hubbub_core::limits::REPLAYED_TOGETHER as i64)],
            )
            .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let numbers: Vec<i64> = rows.iter().map(|row| row.get("no")).collect();
        let sessions: BTreeSet<&str> = rows.iter().map(|row| row.get("session_id")).collect();
        let sessions: Vec<&str> = sessions.into_iter().collect();
        let lease = self.store.pool.get().await?;
        let replay = lease.prepare_cached(&self.sql.replay_dead_letters).await?;
        let (mut cursors, now) = self.store.lock_cursors(&lease, &sessions).await?;
        let mut again: HashMap<i64, u32> = HashMap::new();
        for row in lease.query(&replay, &[&numbers]).await? {
            *again.entry(row.get("room")).or_default() += 1;
        }
        for row in cursors.values_mut() {
            row.cursor.ask_again(again.get(&row.room).copied().unwrap_or_default(), now);
        }
        self.store.write_cursors(&lease, cursors.values()).await?;
        lease.settle()?;
        self.store.due.notify_one();
        Ok(again.values().map(|n| u64::from(*n)).sum())
    }

    pub(crate) async fn discard_dead_letter(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
        let number = number.cast_signed();
        let found = self.store.ask(&self.sql.find_dead_letter, &[&portal.as_str(), &number]).await?;
        let Some(found) = found.first() else { return Ok(false) };
        let (session, seq): (&str, _) = (found.get("session_id"), columns::seq(found.get("seq")));
        let lease = self.store.pool.get().await?;
        let discard = lease.prepare_cached(&self.sql.discard_dead_letter).await?;
        let (mut cursors, now) = self.store.lock_cursors(&lease, &[session]).await?;
        let gone = lease.query_opt(&discard, &[&number]).await?;
        if let (Some(gone), Some(row)) = (&gone, cursors.values_mut().next()) {
            row.cursor.discarded(seq, gone.get("was_asked"), now);
        }
        self.store.write_cursors(&lease, cursors.values()).await?;
        lease.settle()?;
        self.store.due.notify_one();
        Ok(gone.is_some())
    }
}
