//! Pages.

use super::{
    super::{
        Page, Room, StoreError, View,
        columns::{self, seq, weight},
        entry_row::{EntryRow, FIRST, SELECTED},
        span::Span,
    },
    incarnation,
};
use hubbub_core::{
    log::{
        entry::Entry,
        room::{PageOf, floor_of},
        settings::{HistoryFrom, Settings},
    },
    model::{
        access::Standing,
        ids::{Key, RoomId, UserId},
        seq::Epoch,
    },
};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

/// A room, its number inside the database, and how `user` stands to it.
pub(crate) fn room(
    snapshot: &Connection,
    user: Option<&UserId>,
    id: &RoomId,
) -> Result<Option<(i64, View)>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT r.no, r.kind, r.name, r.head, r.floor, r.generation, m.standing, m.rank, coalesce(m.joined, m.since, 0),
            CASE WHEN r.settings IS NULL OR instr(r.settings, ?3) = 0 THEN 0 ELSE 1 END, r.settings
         FROM rooms r LEFT JOIN members m ON m.room = coalesce(r.was, r.no) AND m.user_id = ?2 WHERE r.id = ?1",
    )?;
    let mut rows = statement.query(params![id.as_str(), user.map(UserId::as_str), Settings::READ_FROM_JOINED])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let text = |nth: usize| row.get_ref(nth)?.as_str_or_null().map_err(rusqlite::Error::from);
    let standing = Standing::read(text(6)?, text(7)?);
    let (kept, head) = (seq(row.get(4)?), seq(row.get(3)?));
    let from = if row.get(9)? { HistoryFrom::Joined } else { HistoryFrom::All };
    let reads_all = user.is_none_or(|user| *user == UserId::backend());
    let room = Room {
        id: id.clone(),
        kind: columns::kind(text(1)?.unwrap_or_default())?,
        name: row.get(2)?,
        head,
        floor: if reads_all { kept } else { floor_of(kept, head, from, standing, seq(row.get(8)?)) },
        epoch: Epoch { incarnation: incarnation(snapshot)?, generation: columns::epoch_part(row.get(5)?)? },
        settings: columns::settings(text(10)?)?,
    };
    Ok(Some((row.get(0)?, View { room, standing })))
}

pub(crate) fn page(
    snapshot: &Connection,
    user: Option<&UserId>,
    id: &RoomId,
    page: PageOf,
    limit: usize,
) -> Result<Option<(View, Page)>, StoreError> {
    let Some((no, view)) = room(snapshot, user, id)? else { return Ok(None) };
    let span = Span::of(page, limit);
    let mut entries = part(
        snapshot,
        id,
        &format!(
            "SELECT {SELECTED} FROM entries e WHERE room = ?1 AND seq < ?2 AND seq >= ?3 ORDER BY seq DESC LIMIT ?4"
        ),
        (no, span.pivot, columns::number(view.room.floor), span.before),
        span.before_bytes,
    )?;
    entries.reverse();
    entries.extend(part(
        snapshot,
        id,
        &format!("SELECT {SELECTED} FROM entries e WHERE room = ?1 AND seq >= max(?2, ?3) ORDER BY seq LIMIT ?4"),
        (no, span.pivot, columns::number(view.room.floor), span.from),
        span.from_bytes,
    )?);
    let page = Page { epoch: view.room.epoch, floor: view.room.floor, head: view.room.head, entries };
    Ok(Some((view, page)))
}

pub(crate) fn has_key(snapshot: &Connection, room: &RoomId, author: &UserId, key: &Key) -> Result<bool, StoreError> {
    Ok(snapshot
        .prepare_cached(
            "SELECT 1 FROM entries WHERE room = (SELECT no FROM rooms WHERE id = ?1) AND author = ?2 AND key = ?3",
        )?
        .exists([room.as_str(), author.as_str(), key.as_str()])?)
}

pub(crate) fn part(
    snapshot: &Connection,
    room: &RoomId,
    sql: &str,
    (no, pivot, floor, limit): (i64, i64, i64, i64),
    bytes: usize,
) -> Result<Vec<Entry>, StoreError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut statement = snapshot.prepare_cached(sql)?;
    let mut rows = statement.query(params![no, pivot, floor, limit])?;
    let (mut entries, mut weighed) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let text = |column: &str| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
        weighed += weight([text("e_text")?, text("e_data")?, text("e_body")?]);
        if weighed > bytes && !entries.is_empty() {
            break;
        }
        entries.push(entry(row, room)?);
    }
    Ok(entries)
}

/// Reads the entry of a row.
pub(crate) fn entry(row: &Row<'_>, room: &RoomId) -> Result<Entry, StoreError> {
    // Looked for once: the others follow it.
    let first = row.as_ref().column_index(FIRST)?;
    let text = |nth: usize| row.get_ref(first + nth)?.as_str().map_err(rusqlite::Error::from);
    let optional = |nth: usize| row.get_ref(first + nth)?.as_str_or_null().map_err(rusqlite::Error::from);
    let row = EntryRow {
        seq: row.get(first)?,
        id: Uuid::from_bytes(row.get(first + 1)?),
        author: text(2)?,
        at: row.get(first + 3)?,
        key: text(4)?,
        kind: text(5)?,
        text: optional(6)?,
        data: optional(7)?,
        target: row.get(first + 8)?,
        subject: optional(9)?,
        role: optional(10)?,
        body: optional(11)?,
        effects: optional(12)?,
        gone: row.get::<_, Option<bool>>(first + 13)?.unwrap_or_default(),
        rank: optional(14)?,
        thread: row.get(first + 15)?,
        in_room: row.get::<_, Option<bool>>(first + 16)?.unwrap_or_default(),
    };
    row.entry(room)
}
