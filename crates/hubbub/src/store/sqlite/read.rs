//! Pages.

use super::{
    super::{
        Page, Room, StoreError, View,
        columns::{self, Stored, seq, weight},
        span::Span,
    },
    incarnation,
};
use hubbub_core::{
    log::entry::{Entry, Timestamp},
    model::{
        access::Standing,
        ids::{Key, RoomId, UserId},
        seq::Epoch,
    },
    wire::rpc::PageOf,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

/// A room, its number inside the database, and how `user` stands to it.
pub(crate) fn room(
    snapshot: &Connection,
    user: Option<&UserId>,
    id: &RoomId,
) -> Result<Option<(i64, View)>, StoreError> {
    let found = snapshot
        .prepare_cached(
            "SELECT r.no, r.kind, r.name, r.head, r.floor, r.generation, m.standing FROM rooms r
             LEFT JOIN members m ON m.room = r.no AND m.user_id = ?2 WHERE r.id = ?1",
        )?
        .query_row(params![id.as_str(), user.map(UserId::as_str)], |row| {
            let (no, kind, standing): (i64, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(6)?);
            let (name, head, floor, generation) = (row.get(2)?, row.get(3)?, row.get(4)?, row.get::<_, i64>(5)?);
            Ok((no, kind, standing, name, seq(head), seq(floor), generation))
        })
        .optional()?;
    let Some((no, kind, standing, name, head, floor, generation)) = found else { return Ok(None) };
    let epoch = Epoch { incarnation: incarnation(snapshot)?, generation: columns::epoch_part(generation)? };
    let room = Room { id: id.clone(), kind: columns::kind(&kind)?, name, head, floor, epoch };
    Ok(Some((no, View { room, standing: Standing::parse(standing.as_deref()) })))
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
        &format!("SELECT {COLUMNS} FROM entries WHERE room = ?1 AND seq < ?2 AND seq >= ?3 ORDER BY seq DESC LIMIT ?4"),
        (no, span.pivot, columns::number(view.room.floor), span.before),
        span.before_bytes,
    )?;
    entries.reverse();
    entries.extend(part(
        snapshot,
        id,
        &format!("SELECT {COLUMNS} FROM entries WHERE room = ?1 AND seq >= max(?2, ?3) ORDER BY seq LIMIT ?4"),
        (no, span.pivot, columns::number(view.room.floor), span.from),
        span.from_bytes,
    )?);
    let page = Page { epoch: view.room.epoch, floor: view.room.floor, head: view.room.head, entries };
    Ok(Some((view, page)))
}

/// The columns that [`entry`] reads.
pub(crate) const COLUMNS: &str = "seq, id, author, at, key, kind, text, data, target, subject, role";

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
        weighed += weight(
            row.get_ref(6)?.as_str_or_null().map_err(rusqlite::Error::from)?,
            row.get_ref(7)?.as_str_or_null().map_err(rusqlite::Error::from)?,
        );
        if weighed > bytes && !entries.is_empty() {
            break;
        }
        entries.push(entry(row, room, 0)?);
    }
    Ok(entries)
}

/// Reads an entry from [`COLUMNS`], which begin at `at`.
pub(crate) fn entry(row: &Row<'_>, room: &RoomId, at: usize) -> Result<Entry, StoreError> {
    let stored = Stored {
        kind: row.get(at + 5)?,
        text: row.get(at + 6)?,
        data: row.get(at + 7)?,
        target: row.get(at + 8)?,
        subject: row.get(at + 9)?,
        role: row.get(at + 10)?,
    };
    Ok(Entry {
        room: room.clone(),
        seq: seq(row.get(at)?),
        id: Uuid::from_bytes(row.get(at + 1)?),
        from: columns::user(&row.get::<_, String>(at + 2)?)?,
        at: Timestamp(row.get(at + 3)?),
        key: Key::parse(&row.get::<_, String>(at + 4)?).map_err(|e| StoreError::Broken(e.to_string()))?,
        what: stored.what()?,
    })
}
