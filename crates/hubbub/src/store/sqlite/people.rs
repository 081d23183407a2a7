//! People in rooms, as what is no entry looks at them.

use super::{
    super::{
        Head, StoreError,
        columns::{self, count, number, seq},
    },
    incarnation,
};
use hubbub_core::{
    log::situation::{Person, RoomState},
    model::{
        access::{RoomKind, Standing},
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
        time::Timestamp,
    },
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

pub(crate) fn person(
    snapshot: &Connection,
    room: &RoomId,
    user: &UserId,
) -> Result<Option<(RoomState, Person)>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT r.kind, r.head, r.generation, r.session, r.floor, r.settings, m.standing, m.rank,
            coalesce(m.joined, m.since, 0), s.muted_until, s.wrote_at, coalesce(s.was_reader, 0), r.no
         FROM rooms r
         LEFT JOIN members m ON m.room = r.no AND m.user_id = ?2
         LEFT JOIN speakers s ON s.room = r.no AND s.user_id = ?2
         WHERE r.id = ?1",
    )?;
    let mut rows = statement.query([room.as_str(), user.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let text = |nth: usize| row.get_ref(nth)?.as_str_or_null().map_err(rusqlite::Error::from);
    let state = RoomState {
        kind: columns::kind(text(0)?.unwrap_or_default())?,
        head: seq(row.get(1)?),
        floor: seq(row.get(4)?),
        epoch: Epoch { incarnation: incarnation(snapshot)?, generation: columns::epoch_part(row.get(2)?)? },
        session: columns::session(text(3)?)?,
        settings: columns::settings(text(5)?)?,
    };
    let blocked = state.kind == RoomKind::Direct && is_blocked(snapshot, row.get(12)?, user)?;
    let person = Person {
        standing: Standing::read(text(6)?, text(7)?),
        joined: seq(row.get(8)?),
        muted_until: row.get::<_, Option<i64>>(9)?.map(Timestamp),
        wrote_at: row.get::<_, Option<i64>>(10)?.map(Timestamp),
        was_reader: row.get(11)?,
        blocked,
    };
    Ok(Some((state, person)))
}

/// Whether the direct room of this number is one of two, of whom one is `who` and one has blocked the other.
pub(crate) fn is_blocked(connection: &Connection, room: i64, who: &UserId) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM members WHERE room = ?1 LIMIT 3)) = 2 AND EXISTS (
            SELECT 1 FROM members o WHERE o.room = ?1 AND o.user_id <> ?2 AND (
                EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = o.user_id AND b.other = ?2)
                OR EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = ?2 AND b.other = o.user_id)))",
    )?;
    Ok(statement.query_row(params![room, who.as_str()], |row| row.get(0))?)
}

pub(crate) fn memberships(
    snapshot: &Connection,
    user: &UserId,
    after: Option<&RoomId>,
    limit: usize,
) -> Result<Vec<(RoomId, Head)>, StoreError> {
    let incarnation = incarnation(snapshot)?;
    let mut statement = snapshot.prepare_cached(
        "SELECT r.id, r.head, r.generation FROM members m JOIN rooms r ON r.no = m.room
         WHERE m.user_id = ?1 AND m.standing <> 'banned' AND r.id > ?2 ORDER BY r.id LIMIT ?3",
    )?;
    let mut rows = statement.query(params![user.as_str(), after.map_or("", RoomId::as_str), count(limit)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let epoch = Epoch { incarnation, generation: columns::epoch_part(row.get(2)?)? };
        // A deleted room has no members.
        found.push((columns::room(&id)?, Head { seq: seq(row.get(1)?), epoch, deleted: false }));
    }
    Ok(found)
}

pub(crate) fn member_ids(
    snapshot: &Connection,
    room: &RoomId,
    after: Option<&UserId>,
    limit: usize,
) -> Result<Option<(Head, Vec<UserId>)>, StoreError> {
    let incarnation = incarnation(snapshot)?;
    let found: Option<(i64, i64, i64, bool)> = snapshot
        .prepare_cached("SELECT no, head, generation, kind = 'deleted' FROM rooms WHERE id = ?1")?
        .query_row([room.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((no, head, generation, deleted)) = found else { return Ok(None) };
    let epoch = Epoch { incarnation, generation: columns::epoch_part(generation)? };
    let mut statement = snapshot.prepare_cached(
        "SELECT user_id FROM members WHERE room = ?1 AND standing <> 'banned' AND user_id > ?2 ORDER BY user_id LIMIT ?3",
    )?;
    let mut rows = statement.query(params![no, after.map_or("", UserId::as_str), count(limit)])?;
    let mut members = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        members.push(columns::user(&id)?);
    }
    Ok(Some((Head { seq: seq(head), epoch, deleted }, members)))
}

pub(crate) fn who_shares_a_room(
    snapshot: &Connection,
    user: &UserId,
    others: &[UserId],
) -> Result<Vec<UserId>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT 1 FROM members a JOIN members b ON b.room = a.room AND b.user_id = ?1 AND b.standing <> 'banned'
         JOIN rooms r ON r.no = a.room
         WHERE a.user_id = ?2 AND a.standing <> 'banned' LIMIT 1",
    )?;
    let mut found = Vec::new();
    for other in others {
        if statement.exists([user.as_str(), other.as_str()])? {
            found.push(other.clone());
        }
    }
    Ok(found)
}

pub(crate) fn blockers(
    snapshot: &Connection,
    room: &RoomId,
    entries: &[Seq],
) -> Result<Vec<(Seq, UserId)>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT b.user_id FROM rooms r
         JOIN entries e ON e.room = r.no AND e.seq = ?2
         JOIN blocks b ON b.other = e.author
         JOIN members m ON m.room = r.no AND m.user_id = b.user_id
         WHERE r.id = ?1",
    )?;
    let mut found = Vec::new();
    for entry in entries {
        let mut rows = statement.query(params![room.as_str(), number(*entry)])?;
        while let Some(row) = rows.next()? {
            found.push((*entry, columns::user(&row.get::<_, String>(0)?)?));
        }
    }
    Ok(found)
}

pub(crate) fn see(transaction: &Transaction<'_>, users: &[UserId], at: Timestamp) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO last_seen (user_id, at) VALUES (?1, ?2) ON CONFLICT (user_id) DO UPDATE SET at = excluded.at
         WHERE last_seen.at < excluded.at",
    )?;
    for user in users {
        statement.execute(params![user.as_str(), at.0])?;
    }
    Ok(())
}

pub(crate) fn last_seen(snapshot: &Connection, users: &[UserId]) -> Result<Vec<(UserId, Timestamp)>, StoreError> {
    let mut statement =
        snapshot.prepare_cached("SELECT at FROM last_seen WHERE user_id = ?1 AND NOT hidden AND at > 0")?;
    let mut found = Vec::new();
    for user in users {
        let at: Option<i64> = statement.query_row([user.as_str()], |row| row.get(0)).optional()?;
        found.extend(at.map(|at| (user.clone(), Timestamp(at))));
    }
    Ok(found)
}

pub(crate) fn show_last_seen(transaction: &Transaction<'_>, user: &UserId, shown: bool) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO last_seen (user_id, at, hidden) VALUES (?1, 0, ?2)
             ON CONFLICT (user_id) DO UPDATE SET hidden = excluded.hidden",
        )?
        .execute(params![user.as_str(), !shown])?;
    Ok(())
}
