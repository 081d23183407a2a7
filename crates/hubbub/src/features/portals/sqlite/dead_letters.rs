//! Dead letters: listed, sent again, thrown away.

use super::number;
use crate::{
    features::portals::store::{DeadLetter, Filter, Which, portal_id},
    store::{
        StoreError,
        columns::{self, count, seq, weight_of},
        cursors::{CursorRow, attempts_of, progress_of},
        entry_row::SELECTED,
        sqlite::{cursors, lists::Filling, read},
    },
};
use hubbub_core::{
    limits::REPLAYED_TOGETHER,
    log::room::ListPart,
    model::{
        ids::{RoomId, UserId},
        time::Timestamp,
    },
    portal::PortalId,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// The columns of a dead letter.
const DEAD_LETTER: &str = "d.no AS letter_no, d.at AS letter_at, d.why AS letter_why, d.attempts AS letter_attempts, \
    d.replaying AS letter_replaying, d.delivered_at AS letter_delivered_at, d.progress AS letter_progress";

fn dead_letter(row: &Row<'_>, portal: &PortalId, session: &RoomId) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        number: number(row.get("letter_no")?),
        portal: portal.clone(),
        at: Timestamp(row.get("letter_at")?),
        why: row.get("letter_why")?,
        attempts: attempts_of(&row.get::<_, String>("letter_attempts")?)?,
        replaying: row.get("letter_replaying")?,
        delivered_at: row.get::<_, Option<i64>>("letter_delivered_at")?.map(Timestamp),
        progress: progress_of(row.get::<_, Option<String>>("letter_progress")?.as_deref())?,
        entry: read::entry(row, session)?,
    })
}

/// The next dead letter of a session to be sent again.
pub(crate) fn next(
    transaction: &Transaction<'_>,
    CursorRow { room, cursor, .. }: &CursorRow,
    portal: &PortalId,
    session: &RoomId,
) -> Result<Option<DeadLetter>, StoreError> {
    if cursor.replays == 0 {
        return Ok(None);
    }
    transaction
        .prepare_cached(&format!(
            "SELECT {DEAD_LETTER}, {SELECTED} FROM dead_letters d JOIN entries e ON e.room = d.room AND e.seq = d.seq
             WHERE d.room = ?1 AND d.replaying ORDER BY d.no LIMIT 1"
        ))?
        .query_row([room], |row| Ok(dead_letter(row, portal, session)))
        .optional()?
        .transpose()
}

pub(crate) fn list(
    snapshot: &Connection,
    filter: &Filter,
    after: u64,
    limit: usize,
) -> Result<ListPart<DeadLetter>, StoreError> {
    let only = |is: bool, condition: &'static str, any: &'static str| if is { condition } else { any };
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT {DEAD_LETTER}, {SELECTED}, p.id AS portal_id, r.id AS room_id FROM dead_letters d JOIN entries e ON e.room = d.room AND e.seq = d.seq
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
        let text = |name: &str| row.get::<_, String>(name);
        let (portal, session, attempts) = (text("portal_id")?, text("room_id")?, text("letter_attempts")?);
        let letter = dead_letter(row, &portal_id(&portal)?, &columns::room(&session)?)?;
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
        .query_map(params![portal.as_str(), from, to, REPLAYED_TOGETHER as i64], |row| row.get("room"))?
        .collect::<Result<Vec<i64>, _>>()?;
    for room in &rooms {
        if let Some(mut row) = cursors::of(transaction, *room)? {
            row.cursor.ask_again(1, at);
            cursors::write(transaction, &row)?;
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
             RETURNING room, seq, replaying AND delivered_at IS NULL AS was_asked",
            params![portal.as_str(), number.cast_signed()],
            |row| Ok((row.get("room")?, row.get("seq")?, row.get("was_asked")?)),
        )
        .optional()?;
    let Some((room, letter, was_asked)) = gone else { return Ok(false) };
    if let Some(mut row) = cursors::of(transaction, room)? {
        row.cursor.discarded(seq(letter), was_asked, at);
        cursors::write(transaction, &row)?;
    }
    Ok(true)
}
