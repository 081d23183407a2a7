//! Rows of stored cursors. They are marked where entries are written: [`super::general`] and `number_messages.sql`.

use super::{PostgresStore, pool::Lease};
use crate::store::{
    StoreError,
    columns::{self, number, seq},
    cursors::{CursorRow, CursorValues, attempts_of, calls_of},
};
use hubbub_core::{
    delivery::stored_cursor::StoredCursor,
    model::{ids::RoomId, seq::Seq, time::Timestamp},
};
use std::collections::HashMap;
use tokio_postgres::{Row, types::ToSql};

/// Reads a cursor from [`crate::store::cursors::COLUMNS`].
pub(crate) fn read(row: &Row) -> Result<CursorRow, StoreError> {
    let time = |name: &str| row.get::<_, Option<i64>>(name).map(Timestamp);
    let count = |name: &str| u32::try_from(row.get::<_, i32>(name)).unwrap_or_default();
    Ok(CursorRow {
        room: row.get("cursor_room"),
        reader: row.get("cursor_reader"),
        cursor: StoredCursor {
            position: seq(row.get("cursor_position")),
            head: seq(row.get("cursor_head")),
            due_at: time("cursor_due_at"),
            leased: row.get("cursor_leased"),
            fence: row.get::<_, i64>("cursor_fence").cast_unsigned(),
            waiting_since: time("cursor_waiting_since"),
            counted: count("cursor_counted"),
            since: time("cursor_since"),
            attempts: attempts_of(row.get("cursor_attempts"))?,
            blocked: row.get("cursor_blocked"),
            replays: count("cursor_replays"),
            calls: calls_of(row.get("cursor_calls"))?,
        },
    })
}

impl PostgresStore {
    /// Begins a transaction and locks the cursors on the logs of these rooms, in the order of the rooms' numbers. Says the
    /// time by the database's clock.
    pub(crate) async fn lock_cursors(
        &self,
        lease: &Lease,
        rooms: &[&str],
    ) -> Result<(HashMap<RoomId, CursorRow>, Timestamp), StoreError> {
        let lock = lease.prepare_cached(&self.sql.lock_cursors).await?;
        let (begun, rows) = tokio::join!(
            biased;
            lease.batch_execute(lease.begin()),
            async { lease.query(&lock, &[&rooms]).await },
        );
        begun?;
        let rows = rows?;
        let mut now = Timestamp::default();
        let mut cursors = HashMap::with_capacity(rows.len());
        for row in &rows {
            now = now.max(Timestamp(row.get("now")));
            cursors.insert(columns::room(row.get("room_id"))?, read(row)?);
        }
        Ok((cursors, now))
    }

    /// Writes cursors back, and commits.
    pub(crate) async fn write_cursors<'a>(
        &self,
        lease: &Lease,
        cursors: impl Iterator<Item = &'a CursorRow>,
    ) -> Result<(), StoreError> {
        let write = lease.prepare_cached(&self.sql.write_cursors).await?;
        let cursors: Vec<_> = cursors.map(|row| (row, CursorValues::of(&row.cursor))).collect();
        macro_rules! column {
            (|$row:ident, $values:ident| $value:expr) => {
                cursors.iter().map(|($row, $values)| $value).collect::<Vec<_>>()
            };
        }
        let (rooms, positions) = (column!(|row, _values| row.room), column!(|_row, values| values.position));
        let (due, leased) = (column!(|_row, values| values.due_at), column!(|row, _values| row.cursor.leased));
        let (counted, since) = (column!(|_row, values| values.counted), column!(|_row, values| values.since));
        let attempts = column!(|_row, values| values.attempts.as_str());
        let (blocked, replays) = (column!(|row, _values| row.cursor.blocked), column!(|_row, values| values.replays));
        let calls = column!(|_row, values| values.calls.as_deref());
        let columns: [&(dyn ToSql + Sync); 10] =
            [&rooms, &positions, &due, &leased, &counted, &since, &attempts, &blocked, &replays, &calls];
        let (written, committed) = tokio::join!(
            biased;
            lease.execute(&write, &columns),
            lease.batch_execute("COMMIT"),
        );
        Ok(written.and(committed)?)
    }

    /// Makes the cursor of a reader on a new room's log, at its end.
    pub(crate) async fn make_cursor(&self, lease: &Lease, room: i64, reader: i64, head: Seq) -> Result<(), StoreError> {
        let make = lease.prepare_cached(&self.sql.make_cursor).await?;
        lease.execute(&make, &[&room, &reader, &number(head)]).await?;
        Ok(())
    }
}
