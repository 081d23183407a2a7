//! How far people have read, and what they have not.

use super::{
    super::{
        StoreError,
        columns::{self, count, number, seq},
    },
    incarnation,
    shown::SHOWN,
};
use hubbub_core::{
    limits::{RECEIPTS_MEMBERS, UNREAD_ROWS},
    model::{
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
        time::Timestamp,
    },
    people::{
        marks::{Mark, Marked},
        unread::{Look, Looked, Receipt, Receipts, Unread, UnreadPart, UnreadRoom},
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
    // Where it was said that unread begins.
    let mut ends = transaction.prepare_cached(
        "UPDATE preferences SET unread_from = NULL WHERE room = ?1 AND user_id = ?2 AND unread_from <= ?3",
    )?;
    let incarnation = incarnation(transaction)?;
    let mut rooms: HashMap<&RoomId, Option<Found>> = HashMap::new();
    let mut became = Vec::with_capacity(marks.len());
    for Mark { room, user, seq: to } in marks {
        let found = match rooms.get(room) {
            Some(found) => *found,
            None => *rooms.entry(room).or_insert(has_few(transaction, room)?),
        };
        let Some(Found { no, is_few, head, generation }) = found else {
            became.push(None);
            continue;
        };
        if !is_member.exists(params![no, user.as_str()])? {
            became.push(None);
            continue;
        }
        let was: Option<i64> = before.query_row(params![no, user.as_str()], |row| row.get(0)).optional()?;
        let is_there = *to > Seq::ZERO && *to <= head;
        let moved = is_there && put.execute(params![no, user.as_str(), number(*to), at.0])? > 0;
        if is_there {
            ends.execute(params![no, user.as_str(), number(*to)])?;
        }
        let head = (Epoch { incarnation, generation: columns::epoch_part(generation)? }, head);
        became.push(Some(Marked { before: seq(was.unwrap_or_default()), moved, is_shown: is_few, head }));
    }
    Ok(became)
}

/// A room, and whether it has few members.
#[derive(Clone, Copy)]
struct Found {
    no: i64,
    is_few: bool,
    head: Seq,
    generation: i64,
}

fn has_few(snapshot: &Connection, room: &RoomId) -> Result<Option<Found>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT no, (SELECT count(*) FROM (
            SELECT 1 FROM members WHERE room = no AND standing <> 'banned' LIMIT ?2 + 1)) <= ?2, head, generation
         FROM rooms WHERE id = ?1",
    )?;
    let found = statement.query_row(params![room.as_str(), RECEIPTS_MEMBERS as i64], |row| {
        Ok(Found { no: row.get(0)?, is_few: row.get(1)?, head: seq(row.get(2)?), generation: row.get(3)? })
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
    let mut mentioned = |whom: &str| -> Result<(u64, u64), StoreError> {
        let params = params![no, whom, number(look.read(from)), user.as_str(), UNREAD_ROWS.cast_signed()];
        let found: (i64, i64) = mentions.query_row(params, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((found.0.unsigned_abs(), found.1.unsigned_abs()))
    };
    // Nobody is named by themselves.
    let ((named, _), (of_all, meant)) = (mentioned(user.as_str())?, mentioned("")?);
    Ok(Unread { read, unread: look.unread(), mentions: look.mentions(named + meant, of_all) })
}

/// Entries that a room shows above ?2, the newest first.
fn shown_above() -> String {
    format!(
        "SELECT e.seq, e.kind = 'message', e.author = ?3, e.gone FROM entries e INDEXED BY entries_shown
         WHERE e.room = ?1 AND e.seq > ?2 AND {SHOWN} ORDER BY e.seq DESC LIMIT ?4"
    )
}

/// How many messages above ?3 mention ?2, and how many of these are of others.
const MENTIONS: &str = "SELECT count(*), count(CASE WHEN author <> ?4 THEN 1 END) FROM (
    SELECT author FROM mentions WHERE room = ?1 AND user_id = ?2 AND seq > ?3 ORDER BY seq DESC LIMIT ?5)";

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
    let Some(Found { no, is_few, .. }) = has_few(snapshot, room)? else { return Ok(None) };
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
