//! Rooms are deleted, and what they leave is cleared away.

use super::{
    super::{
        Head, StoreError, columns,
        deleted::{MEMBERS, TABLES},
    },
    lists,
};
use hubbub_core::model::{
    ids::{RoomId, UserId},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params, params_from_iter, types::Value};
use std::time::Duration;

pub(crate) fn delete(transaction: &Transaction<'_>, room: &RoomId, at: Timestamp) -> Result<Option<Head>, StoreError> {
    let found: Option<i64> = transaction
        .query_row("SELECT no FROM rooms WHERE id = ?1 AND kind <> 'deleted'", [room.as_str()], |row| row.get(0))
        .optional()?;
    if let Some(no) = found {
        transaction.execute("INSERT INTO deleted_rooms (no, at, due_at) VALUES (?1, ?2, ?2)", params![no, at.0])?;
        transaction.execute("DELETE FROM cursors WHERE room = ?1", [no])?;
        transaction.execute("DELETE FROM sessions WHERE room = ?1", [no])?;
        // Conversations are free for other sessions at once.
        transaction.execute("DELETE FROM session_externals WHERE room = ?1", [no])?;
        // The row that is left keeps the numbers below it from being given again.
        transaction.execute(
            "UPDATE rooms SET no = (SELECT max(no) + 1 FROM rooms), was = no, kind = 'deleted', name = '', head = 0, floor = 1,
                generation = generation + 1, last_message = 0, settings = NULL, session = NULL WHERE no = ?1",
            [no],
        )?;
    }
    Ok(lists::heads(transaction, std::slice::from_ref(room))?.pop().flatten())
}

pub(crate) fn members(
    snapshot: &Connection,
    room: &RoomId,
    after: Option<&UserId>,
    limit: usize,
) -> Result<Vec<UserId>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT user_id FROM members WHERE room = (SELECT was FROM rooms WHERE id = ?1) AND standing <> 'banned'
            AND user_id > ?2 ORDER BY user_id LIMIT ?3",
    )?;
    let mut rows = statement.query(params![room.as_str(), after.map_or("", UserId::as_str), columns::count(limit)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(columns::user(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(found)
}

pub(crate) fn purge(
    transaction: &Transaction<'_>,
    rows: usize,
    members_for: Duration,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let members_for = i64::try_from(members_for.as_millis()).unwrap_or(i64::MAX);
    let found: Option<(i64, i64)> = transaction
        .query_row("SELECT no, at FROM deleted_rooms WHERE due_at <= ?1 ORDER BY due_at, no LIMIT 1", [now.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((no, at)) = found else { return Ok(false) };
    let is_old = at <= now.0 - members_for;
    let mut left = rows;
    for (table, key) in TABLES.into_iter().filter(|(table, _)| is_old || *table != MEMBERS) {
        left -= clear(transaction, table, key, no, left)?;
        if left == 0 {
            // A large room holds no other up.
            transaction.execute("UPDATE deleted_rooms SET due_at = ?2 WHERE no = ?1", params![no, now.0])?;
            return Ok(true);
        }
    }
    transaction.execute("DELETE FROM quarantine WHERE room = ?1", [no])?;
    match is_old {
        true => transaction.execute("DELETE FROM deleted_rooms WHERE no = ?1", [no])?,
        false => {
            transaction.execute("UPDATE deleted_rooms SET due_at = at + ?2 WHERE no = ?1", params![no, members_for])?
        }
    };
    Ok(true)
}

/// Deletes at most so many rows of a room. Says how many.
fn clear(transaction: &Transaction<'_>, table: &str, key: &str, no: i64, most: usize) -> Result<usize, StoreError> {
    let bound = format!("SELECT {key} FROM {table} WHERE room = ?1 ORDER BY {key} LIMIT 1 OFFSET ?2");
    let columns = key.split(", ").count();
    let bound: Option<Vec<Value>> = transaction
        .prepare_cached(&bound)?
        .query_row(params![no, columns::count(most)], |row| (0..columns).map(|nth| row.get(nth)).collect())
        .optional()?;
    let Some(bound) = bound else {
        return Ok(transaction.prepare_cached(&format!("DELETE FROM {table} WHERE room = ?1"))?.execute([no])?);
    };
    let marks: Vec<String> = (0..columns).map(|nth| format!("?{}", nth + 2)).collect();
    let sql = format!("DELETE FROM {table} WHERE room = ?1 AND ({key}) < ({})", marks.join(", "));
    let values = std::iter::once(Value::Integer(no)).chain(bound);
    Ok(transaction.prepare_cached(&sql)?.execute(params_from_iter(values))?)
}
