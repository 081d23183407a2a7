//! Rows of cursors.

use crate::store::{
    StoreError,
    columns::{number, seq},
    cursors::{COLUMNS, Cursor, attempts_of},
};
use hubbub_core::log::batch::Raised;
use hubbub_core::model::{seq::Seq, time::Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Reads a cursor from [`COLUMNS`], which begin at `first`.
pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Cursor, StoreError> {
    Ok(Cursor {
        room: row.get(first)?,
        portal: row.get(first + 1)?,
        position: seq(row.get(first + 2)?),
        head: seq(row.get(first + 3)?),
        due_at: row.get(first + 4)?,
        leased: row.get(first + 5)?,
        fence: row.get(first + 6)?,
        waiting_since: row.get(first + 7)?,
        counted: row.get(first + 8)?,
        since: row.get(first + 9)?,
        attempts: attempts_of(&row.get::<_, String>(first + 10)?)?,
        blocked: row.get(first + 11)?,
        replays: row.get(first + 12)?,
    })
}

/// The cursor of a room, if it is a session.
pub(crate) fn of(connection: &Connection, room: i64) -> Result<Option<Cursor>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM cursors c WHERE c.room = ?1"))?;
    statement.query_row([room], |row| Ok(read(row, 0))).optional()?.transpose()
}

/// Writes a cursor back. What waits longest is the entry after the position.
pub(crate) fn write(connection: &Connection, cursor: &Cursor) -> Result<(), StoreError> {
    let row = cursor.row();
    connection
        .prepare_cached(
            "UPDATE cursors SET position = ?2, head = ?3, due_at = ?4, leased = ?5, fence = ?6, counted = ?7, since = ?8,
                attempts = ?9, blocked = ?10, replays = ?11,
                waiting_since = CASE WHEN ?2 < ?3 THEN coalesce(
                    (SELECT at FROM entries e WHERE e.room = ?1 AND e.seq = ?2 + 1), ?12) END
             WHERE room = ?1",
        )?
        .execute(params![
            cursor.room,
            row.position,
            row.head,
            cursor.due_at,
            cursor.leased,
            cursor.fence,
            row.counted,
            cursor.since,
            row.attempts,
            cursor.blocked,
            row.replays,
            cursor.waiting_since,
        ])?;
    Ok(())
}

/// The log of a session has grown. Says whether something became due.
pub fn mark(connection: &Connection, room: i64, new: &Raised, own: bool, now: Timestamp) -> Result<bool, StoreError> {
    let Some(mut cursor) = of(connection, room)? else { return Ok(false) };
    let due = cursor.mark(new.first, new.head, own, now);
    write(connection, &cursor)?;
    Ok(due)
}

/// Makes the cursor of a new session, at the end of its log.
pub(crate) fn make(connection: &Connection, room: i64, portal: i64, head: Seq) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO cursors (room, portal, position, head) VALUES (?1, ?2, ?3, ?3)")?
        .execute(params![room, portal, number(head)])?;
    Ok(())
}
