//! Dead letters: listed, sent again, thrown away.

use super::number;
use crate::store::entry_row::SELECTED;
use crate::store::sqlite::cursors;
use crate::{
    features::portals::store::{DeadLetter, Filter, Which},
    store::{
        StoreError,
        columns::{self, count, seq, weight_of},
        cursors::{Cursor, attempts_of},
        sqlite::{lists::Filling, read},
    },
};
use hubbub_core::{
    log::room::Part,
    model::{
        ids::{RoomId, UserId},
        time::Timestamp,
    },
    portal::PortalId,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

const LETTER: &str = "d.no, d.at, d.why, d.attempts, d.replaying, d.delivered_at";

fn letter(row: &Row<'_>, portal: &PortalId, session: &RoomId) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        number: number(row.get(0)?),
        portal: portal.clone(),
        at: Timestamp(row.get(1)?),
        why: row.get(2)?,
        attempts: attempts_of(&row.get::<_, String>(3)?)?,
        replaying: row.get(4)?,
        delivered_at: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        entry: read::entry(row, session)?,
    })
}

/// The next dead letter of a session to be sent again.
pub(crate) fn next(
    transaction: &Transaction<'_>,
    cursor: &Cursor,
    portal: &PortalId,
    session: &RoomId,
) -> Result<Option<DeadLetter>, StoreError> {
    if cursor.replays == 0 {
        return Ok(None);
    }
    transaction
        .prepare_cached(&format!(
            "SELECT {LETTER}, {SELECTED} FROM dead_letters d JOIN entries e ON e.room = d.room AND e.seq = d.seq
             WHERE d.room = ?1 AND d.replaying ORDER BY d.no LIMIT 1"
        ))?
        .query_row([cursor.room], |row| Ok(letter(row, portal, session)))
        .optional()?
        .transpose()
}

pub(crate) fn list(
    snapshot: &Connection,
    filter: &Filter,
    after: u64,
    limit: usize,
) -> Result<Part<DeadLetter>, StoreError> {
    let only = |is: bool, condition: &'static str, any: &'static str| if is { condition } else { any };
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT {LETTER}, {SELECTED}, p.id AS portal_id, r.id AS room_id FROM dead_letters d JOIN entries e ON e.room = d.room AND e.seq = d.seq
         JOIN portals p ON p.no = d.portal JOIN rooms r ON r.no = d.room
         WHERE d.no > ?4 AND {} AND {} AND {} ORDER BY d.no LIMIT ?5",
        only(filter.portal.is_some(), "d.portal = (SELECT no FROM portals WHERE id = ?1)", "?1 IS NULL"),
        only(filter.session.is_some(), "d.room = (SELECT room FROM sessions WHERE id = ?2)", "?2 IS NULL"),
        only(filter.customer.is_some(), "d.room IN (SELECT room FROM sessions WHERE customer = ?3)", "?3 IS NULL"),
    ))?;
    let mut rows = statement.query(params![
        filter.portal.as_ref().map(PortalId::as_str),
        filter.session.as_ref().map(RoomId::as_str),
        filter.customer.as_ref().map(UserId::as_str),
        i64::try_from(after).unwrap_or(i64::MAX),
        count(limit) + 1,
    ])?;
    let mut part = Filling::new(limit);
    while let Some(row) = rows.next()? {
        let (portal, session, attempts): (String, String, String) =
            (row.get("portal_id")?, row.get("room_id")?, row.get(3)?);
        let letter = letter(row, &columns::portal(&portal)?, &columns::room(&session)?)?;
        if !part.take(weight_of(&letter.entry) + attempts.len(), || letter) {
            break;
        }
    }
    Ok(part.done)
}

pub(crate) fn replay(
    transaction: &Transaction<'_>,
    portal: &PortalId,
    which: Which,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let (from, to) = which.numbers();
    let mut statement = transaction.prepare_cached(
        "UPDATE dead_letters SET replaying = 1
         WHERE no IN (SELECT no FROM dead_letters
             WHERE portal = (SELECT no FROM portals WHERE id = ?1) AND no BETWEEN ?2 AND ?3
                 AND delivered_at IS NULL AND NOT replaying ORDER BY no LIMIT ?4)
         RETURNING room",
    )?;
    let rooms = statement
        .query_map(params![portal.as_str(), from, to, hubbub_core::limits::REPLAYED_TOGETHER as i64], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    for room in &rooms {
        if let Some(mut cursor) = cursors::of(transaction, *room)? {
            cursor.replays += 1;
            cursor.wake(at);
            cursors::write(transaction, &cursor)?;
        }
    }
    Ok(rooms.len() as u64)
}

pub(crate) fn discard(
    transaction: &Transaction<'_>,
    portal: &PortalId,
    number: u64,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let gone: Option<(i64, i64, bool)> = transaction
        .query_row(
            "DELETE FROM dead_letters WHERE no = ?2 AND portal = (SELECT no FROM portals WHERE id = ?1)
             RETURNING room, seq, replaying AND delivered_at IS NULL",
            params![portal.as_str(), number.cast_signed()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let Some((room, letter, replaying)) = gone else { return Ok(false) };
    if let Some(mut cursor) = cursors::of(transaction, room)? {
        cursor.replays = cursor.replays.saturating_sub(u32::from(replaying));
        cursor.buried(seq(letter), at);
        cursors::write(transaction, &cursor)?;
    }
    Ok(true)
}
