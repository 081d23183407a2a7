//! Claiming what is due, and reading what is behind it.

use super::{PostgresPortals, Row, StoreError, number};
use crate::{
    features::portals::store::{Claim, DeadLetter, Wanted, portal_id},
    store::{
        columns::{self, ENTRY_BYTES, count},
        cursors::{attempts_of, progress_of},
        postgres::{cursors, read::entry},
    },
};
use hubbub_core::{
    delivery::turns::Candidate,
    limits::{DELIVERY_ENTRIES, PAGE_BYTES, TURNS_LOOKED_AT, TURNS_LOOKED_AT_FAILING},
    model::{ids::RoomId, time::Timestamp},
    portal::PortalId,
};
use std::time::Duration;

impl PostgresPortals {
    pub(crate) async fn claim_due(&self, wanted: &[Wanted], lease: Duration) -> Result<Vec<Claim>, StoreError> {
        let portals: Vec<&str> = wanted.iter().map(|wanted| wanted.portal.as_str()).collect();
        let turns = self.turns(wanted, &portals).await?;
        if turns.is_empty() {
            return Ok(vec![]);
        }
        let most: Vec<i64> = wanted.iter().map(|wanted| count(wanted.places.most)).collect();
        let lease = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 2);
        let (rooms, of): (Vec<i64>, Vec<&str>) = turns.into_iter().unzip();
        let rows = self.store.ask(&self.sql.claim, &[&portals, &most, &rooms, &of, &lease]).await?;
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

impl PostgresPortals {
    /// Whose turn it is, of each portal in this order: rooms, and their portals. Others may claim some of them meanwhile.
    async fn turns<'a>(&self, wanted: &[Wanted], portals: &[&'a str]) -> Result<Vec<(i64, &'a str)>, StoreError> {
        let full =
            wanted.iter().zip(portals).flat_map(|(wanted, portal)| wanted.places.full().map(|c| (*portal, c.as_str())));
        let (of, full): (Vec<&str>, Vec<&str>) = full.unzip();
        let (near, failing) = (count(TURNS_LOOKED_AT), count(TURNS_LOOKED_AT_FAILING));
        let rows = self.store.ask(&self.sql.candidates, &[&portals, &of, &near, &failing, &full]).await?;
        let mut turns = Vec::new();
        for (Wanted { portal, places }, id) in wanted.iter().zip(portals) {
            let due: Vec<&Row> = rows.iter().filter(|row| row.get::<_, &str>("portal_id") == portal.as_str()).collect();
            let candidates: Vec<Candidate> = due.iter().map(|row| candidate(row)).collect::<Result<_, _>>()?;
            turns.extend(places.choose(&candidates).into_iter().map(|n| (due[n].get("room"), *id)));
        }
        Ok(turns)
    }
}

fn candidate(row: &Row) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        customer: columns::user(row.get("customer"))?,
        fresh: row.get("fresh"),
        counted: u32::try_from(row.get::<_, i32>("counted")).unwrap_or_default(),
        due_at: row.get("due_at"),
    })
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
        progress: progress_of(row.get("letter_progress"))?,
    })
}
