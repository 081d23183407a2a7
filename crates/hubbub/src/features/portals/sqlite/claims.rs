//! Claims: made, and settled.

use super::externals::{self, CURRENT};
use crate::{
    features::portals::store::{Claim, Settlement, Teacher, Wanted},
    store::{
        StoreError,
        columns::{self, number, seq},
        cursors::{COLUMNS, CursorRow, attempts_json, attempts_of, progress_json, refs_json},
        entry_row::SELECTED,
        sqlite::{cursors, read},
    },
};
use hubbub_core::{
    delivery::{
        attempt::{Attempt, keep},
        stored_cursor::Beside,
        turns::Candidate,
    },
    limits::{DELIVERY_ENTRIES, PAGE_BYTES, TURNS_LOOKED_AT, TURNS_LOOKED_AT_FAILING},
    model::{
        ids::{RoomId, UserId},
        time::Timestamp,
    },
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::time::Duration;

/// Whether any of these portals has a cursor that is due.
pub(crate) fn is_any_due(snapshot: &Connection, wanted: &[Wanted], now: Timestamp) -> Result<bool, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM portals p JOIN cursors c ON c.portal = p.no
         WHERE p.id = ?1 AND p.standing = 'active' AND c.due_at IS NOT NULL AND c.due_at <= ?2) AS due",
    )?;
    for one in wanted {
        if statement.query_row(params![one.portal.as_str(), now.0], |row| row.get("due"))? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn claim(
    transaction: &Transaction<'_>,
    wanted: &[Wanted],
    lease: Duration,
    at: Timestamp,
) -> Result<Vec<Claim>, StoreError> {
    let mut claims = Vec::new();
    let mut statement = transaction.prepare_cached(&format!(
        "SELECT {COLUMNS}, r.id AS session_id, s.customer AS customer, {CURRENT} AS external
         FROM cursors c JOIN rooms r ON r.no = c.room JOIN sessions s ON s.room = c.room WHERE c.room = ?1"
    ))?;
    for one in wanted {
        let mut due = Vec::new();
        for room in turns(transaction, one, at)?.into_iter().take(one.places.most) {
            let claimed = statement.query_row([room], |row| {
                let (session, customer): (String, String) = (row.get("session_id")?, row.get("customer")?);
                Ok((cursors::read(row), session, customer, row.get("external")?))
            })?;
            let (row, session, customer, external) = claimed;
            due.push((row?, columns::room(&session)?, columns::user(&customer)?, external));
        }
        for (mut row, session, customer, external) in due {
            row.cursor.claim(lease, at);
            cursors::write(transaction, &row)?;
            let replay = super::dead_letters::next(transaction, &row, &one.portal, &session)?;
            claims.push(Claim {
                entries: behind(transaction, &row, &session)?,
                portal: one.portal.clone(),
                fence: row.cursor.fence,
                delivery: row.cursor.delivery(vec![]),
                session,
                customer,
                external,
                replay,
            });
        }
    }
    Ok(claims)
}

/// Whose turn it is, in this order.
fn turns(snapshot: &Connection, Wanted { portal, places }: &Wanted, now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let full: Vec<&str> = places.full().map(UserId::as_str).collect();
    let due = "SELECT c.room AS room, s.customer AS customer, c.since IS NULL AS fresh, c.counted AS counted, c.due_at AS due_at
         FROM portals p JOIN cursors c ON c.portal = p.no JOIN sessions s ON s.room = c.room
         WHERE p.id = ?1 AND p.standing = 'active' AND c.due_at IS NOT NULL AND c.due_at <= ?2
             AND s.customer NOT IN (SELECT value FROM json_each(?3))";
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT * FROM (SELECT * FROM ({due} ORDER BY c.due_at LIMIT ?4)
             UNION SELECT * FROM ({due} ORDER BY c.due_at DESC LIMIT ?4)
             UNION SELECT * FROM ({due} AND c.since IS NOT NULL ORDER BY c.due_at LIMIT ?5)) ORDER BY due_at"
    ))?;
    let full = columns::to_json(&full);
    let mut rows = statement.query(params![
        portal.as_str(),
        now.0,
        full,
        TURNS_LOOKED_AT as i64,
        TURNS_LOOKED_AT_FAILING as i64
    ])?;
    let (mut rooms, mut candidates) = (Vec::<i64>::new(), Vec::new());
    while let Some(row) = rows.next()? {
        rooms.push(row.get("room")?);
        candidates.push(Candidate {
            customer: columns::user(&row.get::<_, String>("customer")?)?,
            fresh: row.get("fresh")?,
            counted: row.get("counted")?,
            due_at: row.get("due_at")?,
        });
    }
    Ok(places.choose(&candidates).into_iter().map(|n| rooms[n]).collect())
}

/// What follows the position. A session that stands still has nothing to read.
fn behind(
    transaction: &Transaction<'_>,
    CursorRow { room, cursor, .. }: &CursorRow,
    session: &RoomId,
) -> Result<Vec<hubbub_core::log::entry::Entry>, StoreError> {
    if !cursor.has_entries() {
        return Ok(vec![]);
    }
    let sql =
        format!("SELECT {SELECTED} FROM entries e WHERE room = ?1 AND seq > ?2 AND seq >= ?3 ORDER BY seq LIMIT ?4");
    let span = (*room, number(cursor.position), 0, DELIVERY_ENTRIES as i64);
    read::part(transaction, session, &sql, span, PAGE_BYTES)
}

/// For each settlement whether it was of the claim that stands; and whether something is due now.
pub(crate) fn settle(
    transaction: &Transaction<'_>,
    settlements: &[Settlement],
    at: Timestamp,
) -> Result<(Vec<bool>, bool), StoreError> {
    let mut held = Vec::with_capacity(settlements.len());
    let mut due = false;
    for settlement in settlements {
        let room: Option<i64> = transaction
            .prepare_cached("SELECT no FROM rooms WHERE id = ?1")?
            .query_row([settlement.session.as_str()], |row| row.get("no"))
            .optional()?;
        let found = room.map(|room| cursors::of(transaction, room)).transpose()?.flatten();
        let Some(mut row) = found.filter(|row| row.cursor.is_held_by(settlement.fence)) else {
            held.push(false);
            continue;
        };
        if let Some(beside) = row.cursor.settle(&settlement.step, at) {
            write_beside(transaction, &mut row, beside, at)?;
        }
        if let Some(refs) = &settlement.refs {
            let sql = "UPDATE sessions SET refs = ?2 WHERE room = ?1";
            transaction.prepare_cached(sql)?.execute(params![row.room, refs_json(refs)])?;
        }
        row.cursor.note_sent(&settlement.sent);
        row.cursor.conclude(&settlement.step, settlement.keep, at);
        cursors::write(transaction, &row)?;
        due |= !row.cursor.leased && row.cursor.due_at == Some(at);
        if settlement.step.is_taken() {
            let sql = "UPDATE portals SET succeeded_at = ?2 WHERE no = ?1";
            transaction.prepare_cached(sql)?.execute(params![row.reader, at.0])?;
        }
        if let Some(external) = &settlement.external {
            externals::learn_for(transaction, row.room, external, Teacher::Answer, at)?;
        }
        held.push(settlement.leaves_held(&row.cursor));
    }
    Ok((held, due))
}

pub(crate) fn write_beside(
    transaction: &Transaction<'_>,
    row: &mut CursorRow,
    beside: Beside,
    at: Timestamp,
) -> Result<(), StoreError> {
    match beside {
        Beside::Dead { seq, why, mut attempts, progress } => {
            if is_gone(transaction, row.room, number(seq))? {
                attempts = attempts.into_iter().map(Attempt::unquoted).collect();
            }
            transaction.execute(
                "INSERT INTO dead_letters (portal, room, seq, at, why, attempts, progress) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (room, seq) DO UPDATE SET at = excluded.at, why = excluded.why, attempts = excluded.attempts,
                    progress = excluded.progress",
                params![
                    row.reader,
                    row.room,
                    number(seq),
                    at.0,
                    why,
                    attempts_json(&attempts),
                    progress_json(progress.as_ref())
                ],
            )?;
        }
        Beside::Called { number, progress } => {
            let sql = "UPDATE dead_letters SET progress = ?3 WHERE no = ?1 AND room = ?2";
            transaction.execute(sql, params![number.cast_signed(), row.room, progress_json(Some(&progress))])?;
        }
        Beside::Replayed { number, attempt, withdrawn } => {
            let number = number.cast_signed();
            let sql = "SELECT attempts, seq, replaying FROM dead_letters WHERE no = ?1 AND room = ?2";
            let found: Option<(String, i64, bool)> = transaction
                .query_row(sql, params![number, row.room], |letter| {
                    Ok((letter.get("attempts")?, letter.get("seq")?, letter.get("replaying")?))
                })
                .optional()?;
            // Somebody may have thrown it away meanwhile.
            let Some((attempts, letter, replaying)) = found else { return Ok(()) };
            let mut attempts = attempts_of(&attempts)?;
            let delivered = attempt.error.is_none();
            let attempt = match !withdrawn && is_gone(transaction, row.room, letter)? {
                true => attempt.unquoted(),
                false => attempt,
            };
            keep(&mut attempts, &attempt);
            transaction.execute(
                "UPDATE dead_letters SET attempts = ?2, replaying = 0,
                    delivered_at = CASE WHEN ?3 THEN ?4 ELSE delivered_at END WHERE no = ?1",
                params![number, attempts_json(&attempts), delivered, at.0],
            )?;
            row.cursor.replayed(seq(letter), replaying, delivered || withdrawn, at);
        }
    }
    Ok(())
}

/// Whether an entry was blanked.
fn is_gone(transaction: &Transaction<'_>, room: i64, seq: i64) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM entries WHERE room = ?1 AND seq = ?2 AND gone) AS gone";
    Ok(transaction.prepare_cached(sql)?.query_row(params![room, seq], |row| row.get("gone"))?)
}

/// Takes the names of events that are echoes of a message of ours.
pub(crate) fn note_echoes(
    transaction: &Transaction<'_>,
    session: &RoomId,
    seq: hubbub_core::model::seq::Seq,
    events: &[String],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO portal_events (portal, event, room, seq)
        SELECT s.portal, ?3, s.room, ?2 FROM sessions s WHERE s.id = ?1 ON CONFLICT DO NOTHING";
    let mut insert = transaction.prepare_cached(sql)?;
    for event in events {
        insert.execute(params![session.as_str(), number(seq), event])?;
    }
    Ok(())
}
