//! How far people have read, and what they have not.

use super::{
    super::{
        StoreError,
        columns::{self, count, number, seq},
    },
    shown::SHOWN,
};
use hubbub_core::{
    limits::{RECEIPTS_MEMBERS, UNREAD_MAX, UNREAD_ROWS},
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
    people::{
        marks::{Mark, Marked},
        unread::{Counted, Look, Looked, Receipt, Receipts, Unread, UnreadPart, UnreadRoom},
    },
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::HashMap;

/// Puts marks of members forward.
pub(crate) fn put_marks(
    transaction: &Transaction<'_>,
    marks: &[Mark],
    at: Timestamp,
) -> Result<Vec<Option<Marked>>, StoreError> {
    let mut before = transaction.prepare_cached("SELECT seq FROM reads WHERE room = ?1 AND user_id = ?2")?;
    let mut is_member = transaction
        .prepare_cached("SELECT 1 FROM members WHERE room = ?1 AND user_id = ?2 AND standing <> 'banned'")?;
    let mut put = transaction.prepare_cached(
        "INSERT INTO reads (room, user_id, seq, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (room, user_id) DO UPDATE SET seq = max(seq, excluded.seq), at = excluded.at
         WHERE seq < excluded.seq",
    )?;
    let mut rooms: HashMap<&RoomId, Option<(i64, bool)>> = HashMap::new();
    let mut became = Vec::with_capacity(marks.len());
    for Mark { room, user, seq: to } in marks {
        let found = match rooms.get(room) {
            Some(found) => *found,
            None => *rooms.entry(room).or_insert(has_few(transaction, room)?),
        };
        let Some((no, is_shown)) = found else {
            became.push(None);
            continue;
        };
        if !is_member.exists(params![no, user.as_str()])? {
            became.push(None);
            continue;
        }
        let was: Option<i64> = before.query_row(params![no, user.as_str()], |row| row.get(0)).optional()?;
        let moved = *to > Seq::ZERO && put.execute(params![no, user.as_str(), number(*to), at.0])? > 0;
        became.push(Some(Marked { before: seq(was.unwrap_or_default()), moved, is_shown }));
    }
    Ok(became)
}

/// The number of a room, and whether it has few members.
fn has_few(snapshot: &Connection, room: &RoomId) -> Result<Option<(i64, bool)>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT no, (SELECT count(*) FROM (
            SELECT 1 FROM members WHERE room = no AND standing <> 'banned' LIMIT ?2 + 1)) <= ?2
         FROM rooms WHERE id = ?1",
    )?;
    let found = statement.query_row(params![room.as_str(), RECEIPTS_MEMBERS as i64], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
    });
    Ok(found.optional()?)
}

/// What somebody has not read of the room of this number, which they joined with that entry.
pub(super) fn unread(snapshot: &Connection, user: &UserId, no: i64, joined: Seq) -> Result<Unread, StoreError> {
    let mut marks = snapshot.prepare_cached("SELECT seq FROM reads WHERE room = ?1 AND user_id = ?2")?;
    let mut mark_of = |whom: &str| -> Result<Seq, StoreError> {
        let mark: Option<i64> = marks.query_row(params![no, whom], |row| row.get(0)).optional()?;
        Ok(seq(mark.unwrap_or_default()))
    };
    // Where marks began, that of '', is no mark of theirs.
    let (read, begun) = (mark_of(user.as_str())?, mark_of("")?);
    let (from, mut look) = (read.max(joined).max(begun), Look::default());
    let mut shown = snapshot.prepare_cached(&shown_above())?;
    let mut rows = shown.query(params![no, number(from), user.as_str(), UNREAD_ROWS.cast_signed()])?;
    while let Some(row) = rows.next()? {
        let looked = Looked {
            seq: seq(row.get(0)?),
            is_message: row.get(1)?,
            is_own: row.get(2)?,
            is_gone: row.get::<_, Option<bool>>(3)?.unwrap_or_default(),
        };
        if !look.at(looked) {
            break;
        }
    }
    let mut mentions = snapshot.prepare_cached(MENTIONS)?;
    let mut mentioned = |whom: &str| {
        let params = params![no, whom, number(look.read(from)), user.as_str(), UNREAD_MAX.cast_signed() + 1];
        mentions.query_row(params, |row| row.get::<_, i64>(0))
    };
    let many = mentioned(user.as_str())? + mentioned("")?;
    Ok(Unread { read, unread: look.unread(), mentions: Counted::of(many.unsigned_abs(), look.ended()) })
}

/// Entries that a room shows above ?2, the newest first.
fn shown_above() -> String {
    format!(
        "SELECT e.seq, e.kind = 'message', e.author = ?3, e.gone FROM entries e INDEXED BY entries_shown
         WHERE e.room = ?1 AND e.seq > ?2 AND {SHOWN} ORDER BY e.seq DESC LIMIT ?4"
    )
}

/// How many messages of others above ?3 mention ?2.
const MENTIONS: &str = "SELECT count(*) FROM (
    SELECT 1 FROM mentions WHERE room = ?1 AND user_id = ?2 AND seq > ?3 AND author <> ?4 LIMIT ?5)";

pub(crate) fn unread_rooms(
    snapshot: &Connection,
    user: &UserId,
    after: Option<&RoomId>,
    limit: usize,
) -> Result<UnreadPart, StoreError> {
    let mut rooms = snapshot.prepare_cached(
        "SELECT r.no, r.id, r.head, coalesce(m.joined, m.since) FROM members m JOIN rooms r ON r.no = m.room
         WHERE m.user_id = ?1 AND m.standing <> 'banned' AND r.id > ?2 ORDER BY r.id LIMIT ?3",
    )?;
    let after = after.map_or("", RoomId::as_str);
    let found = rooms
        .query_map(params![user.as_str(), after, count(limit) + 1], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut part = UnreadPart::default();
    let looked_at = found.len().min(limit);
    for (no, id, head, joined) in &found[..looked_at] {
        let unread = unread(snapshot, user, *no, seq(*joined))?;
        if !unread.is_none() {
            part.rooms.push(UnreadRoom { room: columns::room(id)?, head: seq(*head), unread });
        }
    }
    if found.len() > looked_at {
        part.next = looked_at.checked_sub(1).map(|last| columns::room(&found[last].1)).transpose()?;
    }
    Ok(part)
}

pub(crate) fn receipts(snapshot: &Connection, room: &RoomId) -> Result<Option<Receipts>, StoreError> {
    let Some((no, is_few)) = has_few(snapshot, room)? else { return Ok(None) };
    if !is_few {
        return Ok(Some(Receipts::TooMany));
    }
    let mut statement = snapshot.prepare_cached(
        "SELECT m.user_id, d.seq, d.at FROM members m JOIN reads d ON d.room = m.room AND d.user_id = m.user_id
         WHERE m.room = ?1 AND m.standing <> 'banned' ORDER BY m.user_id",
    )?;
    let (mut rows, mut all) = (statement.query([no])?, Vec::new());
    while let Some(row) = rows.next()? {
        let user = columns::user(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
        all.push(Receipt { user, read: seq(row.get(1)?), at: Timestamp(row.get(2)?) });
    }
    Ok(Some(Receipts::Of(all)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteStore;

    #[test]
    fn what_is_unread_is_found_by_indexes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hubbub.db");
        let store = SqliteStore::open(&path).unwrap();
        let file = Connection::open(&path).unwrap();
        for (sql, steps) in [
            (&*shown_above(), "SEARCH e USING INDEX entries_shown (room=? AND seq>?)"),
            (MENTIONS, "SEARCH mentions USING PRIMARY KEY (room=? AND user_id=? AND seq>?)"),
        ] {
            let mut statement = file.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let (mut rows, mut found) = (statement.raw_query(), Vec::<String>::new());
            while let Some(row) = rows.next().unwrap() {
                found.push(row.get(3).unwrap());
            }
            assert!(found.iter().any(|step| step == steps), "{found:#?}");
            assert!(!found.iter().any(|step| step.contains("TEMP B-TREE")), "{found:#?}");
        }
        drop(store);
    }
}
