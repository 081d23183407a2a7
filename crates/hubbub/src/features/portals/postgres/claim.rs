//! Claiming what is due, and reading what is behind it.

use super::{PostgresStore, Row, StoreError, cursor, number};
use crate::{
    features::portals::store::{Claim, DeadLetter, Wanted},
    store::{
        columns::{self, ENTRY_BYTES},
        cursors::attempts_of,
        postgres::read::entry,
    },
};
use hubbub_core::{
    limits::{DELIVERY_ENTRIES, PAGE_BYTES},
    model::time::Timestamp,
    portal::PortalId,
};
use std::time::Duration;

impl PostgresStore {
    pub(crate) async fn claim_due(&self, wanted: &[Wanted], lease: Duration) -> Result<Vec<Claim>, StoreError> {
        let portals: Vec<&str> = wanted.iter().map(|wanted| wanted.portal.as_str()).collect();
        let most: Vec<i64> = wanted.iter().map(|wanted| wanted.most as i64).collect();
        let lease = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 2);
        let rows = self.ask(&self.sql.claim, &[&portals, &most, &lease]).await?;
        let mut claims = Vec::with_capacity(rows.len());
        let mut behind = Vec::with_capacity(rows.len());
        for row in &rows {
            let cursor = cursor(row, 0)?;
            claims.push(Claim {
                session: columns::room(row.get(14))?,
                portal: columns::portal(row.get(13))?,
                customer: columns::user(row.get(15))?,
                external: row.get(16),
                fence: cursor.fence.cast_unsigned(),
                delivery: cursor.delivery(vec![]),
                entries: vec![],
                replay: None,
            });
            behind.push(cursor);
        }
        if claims.is_empty() {
            return Ok(claims);
        }
        // A session that stands still has nothing to read but what is sent again.
        let goes_on = |n: &usize| !behind[*n].blocked && behind[*n].position < behind[*n].head;
        let reads: Vec<usize> = (0..claims.len()).filter(goes_on).collect();
        let rooms: Vec<i64> = reads.iter().map(|n| behind[*n].room).collect();
        let positions: Vec<i64> = reads.iter().map(|n| columns::number(behind[*n].position)).collect();
        let (most, bytes, each) = (DELIVERY_ENTRIES as i64, PAGE_BYTES as i64, ENTRY_BYTES as i64);
        for row in self.ask(&self.sql.claimed_entries, &[&rooms, &positions, &most, &bytes, &each]).await? {
            if let Some(claim) = reads.get(ordinal(&row)).and_then(|n| claims.get_mut(*n)) {
                let entry = entry(&row, &claim.session)?;
                claim.entries.extend(entry);
            }
        }
        let again: Vec<usize> = (0..claims.len()).filter(|n| behind[*n].replays > 0).collect();
        if again.is_empty() {
            return Ok(claims);
        }
        let rooms: Vec<i64> = again.iter().map(|n| behind[*n].room).collect();
        for row in self.ask(&self.sql.claimed_letters, &[&rooms]).await? {
            if let Some(claim) = again.get(ordinal(&row)).and_then(|n| claims.get_mut(*n)) {
                claim.replay = Some(letter(&row, 1, &claim.portal, &claim.session)?);
            }
        }
        Ok(claims)
    }
}

fn ordinal(row: &Row) -> usize {
    usize::try_from(row.get::<_, i64>(0) - 1).unwrap_or(usize::MAX)
}

/// Reads a dead letter from the column `first` on.
pub(crate) fn letter(
    row: &Row,
    first: usize,
    portal: &PortalId,
    session: &hubbub_core::model::ids::RoomId,
) -> Result<DeadLetter, StoreError> {
    let entry = entry(row, session)?;
    Ok(DeadLetter {
        number: number(row.get(first)),
        portal: portal.clone(),
        entry: entry.ok_or_else(|| StoreError::Broken("a dead letter without an entry".into()))?,
        at: Timestamp(row.get(first + 1)),
        why: row.get(first + 2),
        attempts: attempts_of(row.get(first + 3))?,
        replaying: row.get(first + 4),
        delivered_at: row.get::<_, Option<i64>>(first + 5).map(Timestamp),
    })
}
