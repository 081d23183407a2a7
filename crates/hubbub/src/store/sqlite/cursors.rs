//! Rows of stored cursors.

use crate::store::{
    StoreError,
    columns::{number, seq},
    cursors::{COLUMNS, CursorRow, CursorValues, attempts_of, calls_of},
};
use hubbub_core::{
    delivery::stored_cursor::StoredCursor,
    log::batch::Raised,
    model::{seq::Seq, time::Timestamp},
};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Reads a cursor from [`COLUMNS`].
pub(crate) fn read(row: &Row<'_>) -> Result<CursorRow, StoreError> {
    let time = |name: &str| row.get::<_, Option<i64>>(name).map(|at| at.map(Timestamp));
    Ok(CursorRow {
        room: row.get("cursor_room")?,
        reader: row.get("cursor_reader")?,
        cursor: StoredCursor {
            position: seq(row.get("cursor_position")?),
            head: seq(row.get("cursor_head")?),
            due_at: time("cursor_due_at")?,
            leased: row.get("cursor_leased")?,
            fence: row.get::<_, i64>("cursor_fence")?.cast_unsigned(),
            waiting_since: time("cursor_waiting_since")?,
            counted: row.get("cursor_counted")?,
            since: time("cursor_since")?,
            attempts: attempts_of(&row.get::<_, String>("cursor_attempts")?)?,
            blocked: row.get("cursor_blocked")?,
            replays: row.get("cursor_replays")?,
            calls: calls_of(row.get::<_, Option<String>>("cursor_calls")?.as_deref())?,
        },
    })
}

/// The cursor on a room's log, where there is one.
pub(crate) fn of(connection: &Connection, room: i64) -> Result<Option<CursorRow>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM cursors c WHERE c.room = ?1"))?;
    statement.query_row([room], |row| Ok(read(row))).optional()?.transpose()
}

/// Writes a cursor back. What waits longest is the entry after the position.
pub(crate) fn write(connection: &Connection, CursorRow { room, cursor, .. }: &CursorRow) -> Result<(), StoreError> {
    let values = CursorValues::of(cursor);
    connection
        .prepare_cached(
            "UPDATE cursors SET position = ?2, head = ?3, due_at = ?4, leased = ?5, fence = ?6, counted = ?7, since = ?8,
                attempts = ?9, blocked = ?10, replays = ?11, calls = ?13,
                waiting_since = CASE WHEN ?2 < ?3 THEN coalesce(
                    (SELECT at FROM entries e WHERE e.room = ?1 AND e.seq = ?2 + 1), ?12) END
             WHERE room = ?1",
        )?
        .execute(params![
            room,
            values.position,
            values.head,
            values.due_at,
            cursor.leased,
            values.fence,
            values.counted,
            values.since,
            values.attempts,
            cursor.blocked,
            values.replays,
            values.waiting_since,
            values.calls,
        ])?;
    Ok(())
}

/// The log of a room has grown: marks the cursor on it, where there is one. Says whether something became due.
pub fn mark(connection: &Connection, room: i64, new: &Raised, now: Timestamp) -> Result<bool, StoreError> {
    let Some(CursorRow { mut cursor, .. }) = of(connection, room)? else { return Ok(false) };
    let due = cursor.mark(new.first, new.head, new.by_portal, now);
    let values = CursorValues::of(&cursor);
    let sql = "UPDATE cursors SET position = ?2, head = ?3, waiting_since = ?4, due_at = ?5 WHERE room = ?1";
    let changed = params![room, values.position, values.head, values.waiting_since, values.due_at];
    connection.prepare_cached(sql)?.execute(changed)?;
    Ok(due)
}

/// Makes the cursor of a reader on a new room's log, at its end.
pub(crate) fn make(connection: &Connection, room: i64, reader: i64, head: Seq) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO cursors (room, portal, position, head) VALUES (?1, ?2, ?3, ?3)")?
        .execute(params![room, reader, number(head)])?;
    Ok(())
}
