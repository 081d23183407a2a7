//! Claiming what is due, and reading what is behind it.

use super::{PostgresPortals, Row, StoreError, number};
use crate::{
    features::portals::store::{Claim, DeadLetter, Wanted, portal_id},
    store::{
        columns::{self, ENTRY_BYTES},
        cursors::attempts_of,
        postgres::{cursors, read::entry},
    },
};
use hubbub_core::{
    limits::{DELIVERY_ENTRIES, PAGE_BYTES},
    model::{ids::RoomId, time::Timestamp},
    portal::PortalId,
};
use std::time::Duration;

impl PostgresPortals {
    pub(crate) async fn claim_due(&self, wanted: &[Wanted], lease: Duration) -> Result<Vec<Claim>, StoreError> {
        let portals: Vec<&str> = wanted.iter().map(|wanted| wanted.portal.as_str()).collect();
        let most: Vec<i64> = wanted.iter().map(|wanted| wanted.most as i64).collect();
        let lease = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 2);
        let rows = self.store.ask(&self.sql.claim, &[&portals, &most, &lease]).await?;
        let mut claims = Vec::with_capacity(rows.len());
        let mut behind = Vec::with_capacity(rows.len());
        for row in &rows {
            let found = cursors::read(row)?;
            claims.push(Claim {
                session: columns::room(row.get("session_id"))?,
                portal: portal_id(row.get("portal_id"))?,
                customer: columns::user(row.get("customer"))?,
                external: row.get("external"),
                fence: found.cursor.fence,
                delivery: found.cursor.delivery(vec![]),
                entries: vec![],
                replay: None,
            });
            behind.push(found);
        }
        if claims.is_empty() {
            return Ok(claims);
        }
        // A session that stands still has nothing to read but what is sent again.
        let reads: Vec<usize> = (0..claims.len()).filter(|n| behind[*n].cursor.has_entries()).collect();
        let rooms: Vec<i64> = reads.iter().map(|n| behind[*n].room).collect();
        let positions: Vec<i64> = reads.iter().map(|n| columns::number(behind[*n].cursor.position)).collect();
        let (most, bytes, each) = (DELIVERY_ENTRIES as i64, PAGE_BYTES as i64, ENTRY_BYTES as i64);
        for row in self.store.ask(&self.sql.claimed_entries, &[&rooms, &positions, &most, &bytes, &each]).await? {
            if let Some(claim) = reads.get(ordinal(&row)).and_then(|n| claims.get_mut(*n)) {
                let entry = entry(&row, &claim.session)?;
                claim.entries.extend(entry);
            }
        }
        let again: Vec<usize> = (0..claims.len()).filter(|n| behind[*n].cursor.replays > 0).collect();
        if again.is_empty() {
            return Ok(claims);
        }
        let rooms: Vec<i64> = again.iter().map(|n| behind[*n].room).collect();
        for row in self.store.ask(&self.sql.claimed_dead_letters, &[&rooms]).await? {
            if let Some(claim) = again.get(ordinal(&row)).and_then(|n| claims.get_mut(*n)) {
                claim.replay = Some(dead_letter(&row, &claim.portal, &claim.session)?);
            }
        }
        Ok(claims)
    }
}

fn ordinal(row: &Row) -> usize {
    usize::try_from(row.get::<_, i64>("ord") - 1).unwrap_or(usize::MAX)
}

/// Reads a dead letter with its entry.
pub(crate) fn dead_letter(row: &Row, portal: &PortalId, session: &RoomId) -> Result<DeadLetter, StoreError> {
    let entry = entry(row, session)?;
    Ok(DeadLetter {
        number: number(row.get("letter_no")),
        portal: portal.clone(),
        entry: entry.ok_or_else(|| StoreError::Broken("a dead letter without an entry".into()))?,
        at: Timestamp(row.get("letter_at")),
        why: row.get("letter_why"),
        attempts: attempts_of(row.get("letter_attempts"))?,
        replaying: row.get("letter_replaying"),
        delivered_at: row.get::<_, Option<i64>>("letter_delivered_at").map(Timestamp),
    })
}
