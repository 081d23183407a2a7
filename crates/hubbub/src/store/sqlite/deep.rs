//! What hangs on messages: read and written along with the group commit.

use super::{
    super::{
        StoreError,
        columns::{self, number, seq},
    },
    append::Numbers,
};
use hubbub_core::{
    limits::BLANKED_AT_ONCE,
    log::{
        batch::BatchReads,
        ledger::{Changes, ReactionCount, RoomFacts, Speaker, Target},
        room::RoomInfo,
    },
    model::{ids::RoomId, json::Json, seq::Seq, time::Timestamp},
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::HashMap;

/// Reads it.
pub(super) fn load(
    transaction: &Transaction<'_>,
    asked: &BatchReads<'_>,
    numbers: &Numbers,
) -> Result<HashMap<RoomId, RoomFacts>, StoreError> {
    let mut facts = asked.unknown_facts();
    if !asked.is_deep() {
        return Ok(facts);
    }
    let no = |room: &RoomId| numbers.get(room).copied();
    let mut deletions = Vec::new();
    for ((room, target), depth) in &asked.targets {
        let Some(no) = no(room) else { continue };
        if let Some(found) = read_target(transaction, no, *target, depth.content)? {
            deletions.extend(depth.edits.filter(|_| !found.gone).map(|nth| (nth, no, *room, *target)));
            facts.entry((*room).clone()).or_default().targets.insert(*target, Some(found));
        }
    }
    deletions.sort_unstable();
    let mut blanked = 0;
    for (_, no, room, target) in deletions {
        let found = facts.get_mut(room).and_then(|facts| facts.targets.get_mut(&target)?.as_mut());
        let Some(found) = found else { continue };
        let more = 1 + found.edits as usize;
        if blanked > 0 && blanked + more > BLANKED_AT_ONCE {
            break;
        }
        blanked += more;
        found.edit_seqs = Some(read_edits(transaction, no, found.edit)?);
    }
    let mut counts = transaction
        .prepare_cached("SELECT count, first FROM reaction_counts WHERE room = ?1 AND target = ?2 AND reaction = ?3")?;
    let mut different =
        transaction.prepare_cached("SELECT count(*) FROM reaction_counts WHERE room = ?1 AND target = ?2")?;
    let mut reacted = transaction
        .prepare_cached("SELECT 1 FROM reactions WHERE room = ?1 AND target = ?2 AND reaction = ?3 AND user_id = ?4")?;
    for (room, target, word, user) in &asked.reactions {
        let Some(no) = no(room) else { continue };
        let all = facts.entry((*room).clone()).or_default().reactions.entry(*target).or_default();
        let count = counts.query_row(params![no, number(*target), word], |row| {
            Ok(ReactionCount { count: row.get::<_, i64>(0)?.unsigned_abs(), first: seq(row.get(1)?) })
        });
        match count.optional()? {
            Some(count) => drop(all.counts.insert((*word).into(), count)),
            None => {
                all.different = different.query_row(params![no, number(*target)], |row| row.get::<_, u32>(0))? as usize;
            }
        }
        if reacted.exists(params![no, number(*target), word, user.as_str()])? {
            all.by.insert(((*word).into(), (*user).clone()));
        }
    }
    let mut pins = transaction.prepare_cached("SELECT target, seq FROM pins WHERE room = ?1")?;
    for room in &asked.pins {
        let Some(no) = no(room) else { continue };
        let mut rows = pins.query([no])?;
        while let Some(row) = rows.next()? {
            facts.entry((*room).clone()).or_default().pins.insert(seq(row.get(0)?), seq(row.get(1)?));
        }
    }
    let mut admins = transaction.prepare_cached(
        "SELECT (SELECT count(*) FROM members WHERE room = ?1 AND standing = 'admin'),
            (SELECT count(*) FROM (SELECT 1 FROM members WHERE room = ?1 AND standing <> 'banned' LIMIT 1000))",
    )?;
    for room in &asked.admins {
        let Some(no) = no(room) else { continue };
        let counted: (i64, i64) = admins.query_row([no], |row| Ok((row.get(0)?, row.get(1)?)))?;
        facts.entry((*room).clone()).or_default().admins = (counted.0.unsigned_abs(), counted.1.unsigned_abs());
    }
    for room in &asked.infos {
        let Some(no) = no(room) else { continue };
        facts.entry((*room).clone()).or_default().info = read_info(transaction, no)?;
    }
    Ok(facts)
}

/// Topic and data of a room.
pub(super) fn read_info(snapshot: &Connection, no: i64) -> Result<RoomInfo, StoreError> {
    let mut statement = snapshot.prepare_cached("SELECT topic, data FROM room_infos WHERE room = ?1")?;
    let found = statement.query_row([no], |row| {
        let data = row.get::<_, Option<String>>(1)?.map(Json::trusted);
        Ok(RoomInfo { topic: row.get::<_, String>(0)?.into(), data })
    });
    Ok(found.optional()?.unwrap_or_default())
}

fn read_target(
    transaction: &Transaction<'_>,
    no: i64,
    target: Seq,
    content: bool,
) -> Result<Option<Target>, StoreError> {
    let mut statement = transaction.prepare_cached(
        "SELECT e.author, e.at, coalesce(e.gone, 0), e.thread, coalesce(e.in_room, 0), e.edit, coalesce(e.edits, 0),
            c.text, c.data, c.body
         FROM entries e LEFT JOIN entries c ON ?3 AND c.room = e.room AND c.seq = coalesce(e.edit, e.seq)
         WHERE e.room = ?1 AND e.seq = ?2 AND e.kind = 'message'",
    )?;
    let mut rows = statement.query(params![no, number(target), content])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let says = |nth: usize| row.get_ref(nth)?.as_str_or_null().map_err(rusqlite::Error::from);
    Ok(Some(Target {
        from: columns::user(&row.get::<_, String>(0)?)?,
        at: Timestamp(row.get(1)?),
        gone: row.get(2)?,
        thread: row.get::<_, Option<i64>>(3)?.map(seq),
        in_room: row.get(4)?,
        edit: row.get::<_, Option<i64>>(5)?.map(seq),
        edits: row.get(6)?,
        content: if content { Some(columns::content(says(7)?, says(8)?, says(9)?)?) } else { None },
        edit_seqs: None,
    }))
}

/// The edits of a message, the newest first: each names the one before it.
fn read_edits(transaction: &Transaction<'_>, no: i64, newest: Option<Seq>) -> Result<Vec<Seq>, StoreError> {
    let mut before = transaction.prepare_cached("SELECT edit FROM entries WHERE room = ?1 AND seq = ?2")?;
    let (mut edits, mut next) = (Vec::new(), newest);
    while let Some(edit) = next {
        edits.push(edit);
        let previous: Option<Option<i64>> = before.query_row(params![no, number(edit)], |row| row.get(0)).optional()?;
        next = previous.flatten().map(seq);
    }
    Ok(edits)
}

/// Writes it.
pub(super) fn write(transaction: &Transaction<'_>, changes: &Changes, numbers: &Numbers) -> Result<(), StoreError> {
    let no = |room: &RoomId| {
        numbers.get(room).copied().ok_or_else(|| StoreError::Broken(format!("room {room} was not read")))
    };
    for ((room, user), Speaker { muted_until, wrote_at, was_reader }) in &changes.speakers {
        let row = params![no(room)?, user.as_str(), muted_until.map(|at| at.0), wrote_at.map(|at| at.0), was_reader];
        transaction
            .prepare_cached(
                "INSERT INTO speakers (room, user_id, muted_until, wrote_at, was_reader) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (room, user_id) DO UPDATE SET muted_until = excluded.muted_until,
                    wrote_at = excluded.wrote_at, was_reader = excluded.was_reader",
            )?
            .execute(row)?;
    }
    for (room, RoomInfo { topic, data }) in &changes.infos {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO room_infos (room, topic, data) VALUES (?1, ?2, ?3)")?
            .execute(params![no(room)?, &**topic, data.as_ref().map(Json::as_str)])?;
    }
    for ((room, target), newest) in &changes.edits {
        transaction
            .prepare_cached("UPDATE entries SET edit = ?3, edits = ?4 WHERE room = ?1 AND seq = ?2")?
            .execute(params![no(room)?, number(*target), number(newest.seq), newest.edits])?;
    }
    for ((room, root), thread) in &changes.threads {
        let (last, at) = thread.last.map_or((0, 0), |(seq, at)| (number(seq), at.0));
        transaction
            .prepare_cached(
                "INSERT INTO threads (room, root, replies, last, last_at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (room, root) DO UPDATE SET replies = replies + excluded.replies,
                    last = max(last, excluded.last), last_at = max(last_at, excluded.last_at)",
            )?
            .execute(params![no(room)?, number(*root), thread.replies, last, at])?;
    }
    for ((room, target, word, user), seq) in &changes.reactions {
        let key = (no(room)?, number(*target), &**word, user.as_str());
        match seq {
            Some(seq) => transaction
                .prepare_cached(
                    "INSERT INTO reactions (room, target, reaction, user_id, seq) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (room, target, reaction, user_id) DO UPDATE SET seq = excluded.seq",
                )?
                .execute(params![key.0, key.1, key.2, key.3, number(*seq)])?,
            None => transaction
                .prepare_cached(
                    "DELETE FROM reactions WHERE room = ?1 AND target = ?2 AND reaction = ?3 AND user_id = ?4",
                )?
                .execute(key)?,
        };
    }
    for ((room, target, word), count) in &changes.counts {
        match count {
            Some(ReactionCount { count, first }) => transaction
                .prepare_cached(
                    "INSERT INTO reaction_counts (room, target, reaction, count, first) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (room, target, reaction) DO UPDATE SET count = excluded.count, first = excluded.first",
                )?
                .execute(params![no(room)?, number(*target), &**word, count.cast_signed(), number(*first)])?,
            None => transaction
                .prepare_cached("DELETE FROM reaction_counts WHERE room = ?1 AND target = ?2 AND reaction = ?3")?
                .execute(params![no(room)?, number(*target), &**word])?,
        };
    }
    for ((room, target), seq) in &changes.pins {
        match seq {
            Some(seq) => transaction
                .prepare_cached("INSERT OR REPLACE INTO pins (room, target, seq) VALUES (?1, ?2, ?3)")?
                .execute(params![no(room)?, number(*target), number(*seq)])?,
            None => transaction
                .prepare_cached("DELETE FROM pins WHERE room = ?1 AND target = ?2")?
                .execute(params![no(room)?, number(*target)])?,
        };
    }
    // Last: what is deleted in this batch may have been written, edited and reacted to in it.
    let mut blank = transaction.prepare_cached(
        "UPDATE entries SET text = NULL, data = NULL, body = NULL, hash = NULL, gone = 1 WHERE room = ?1 AND seq = ?2",
    )?;
    // A portal that did not take it may have quoted it. Which entry a session has tried last is not written down: it is behind the position.
    let mut unquote =
        transaction.prepare_cached("UPDATE dead_letters SET attempts = '[]' WHERE room = ?1 AND seq = ?2")?;
    let mut unquote_next = transaction
        .prepare_cached("UPDATE cursors SET attempts = '[]' WHERE room = ?1 AND position < ?2 AND attempts <> '[]'")?;
    for (room, seqs) in &changes.blanked {
        let no = no(room)?;
        for seq in seqs {
            blank.execute(params![no, number(*seq)])?;
            unquote.execute(params![no, number(*seq)])?;
            unquote_next.execute(params![no, number(*seq)])?;
        }
    }
    let mut uncount = transaction.prepare_cached("DELETE FROM reaction_counts WHERE room = ?1 AND target = ?2")?;
    for (room, target) in &changes.deleted {
        uncount.execute(params![no(room)?, number(*target)])?;
    }
    Ok(())
}
