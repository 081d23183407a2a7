//! Rooms, members and users in lists.

use super::{
    super::{
        Head, Listed, Member, StoreError, View,
        columns::{self, count, seq},
    },
    incarnation, read,
};
use hubbub_core::{
    access::Standing,
    entry::Timestamp,
    ids::{RoomId, UserId},
    json::Json,
    ledger::Membership,
    seq::Epoch,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

pub(super) fn look_up(snapshot: &Connection, asks: &[(RoomId, UserId)]) -> Result<Vec<Option<View>>, StoreError> {
    asks.iter().map(|(room, user)| Ok(read::room(snapshot, Some(user), room)?.map(|(_, view)| view))).collect()
}

pub(super) fn heads(snapshot: &Connection, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, StoreError> {
    let incarnation = incarnation(snapshot)?;
    let mut statement = snapshot.prepare_cached("SELECT head, generation FROM rooms WHERE id = ?1")?;
    let mut head = |room: &RoomId| -> Result<Option<Head>, StoreError> {
        let found: Option<(i64, i64)> =
            statement.query_row([room.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((head, generation)) = found else { return Ok(None) };
        Ok(Some(Head { seq: seq(head), epoch: Epoch { incarnation, generation: columns::epoch_part(generation)? } }))
    };
    rooms.iter().map(&mut head).collect()
}

pub(super) fn rooms_of(
    snapshot: &Connection,
    user: &UserId,
    after: Option<&RoomId>,
    limit: usize,
) -> Result<Vec<Listed>, StoreError> {
    let mut ids = snapshot.prepare_cached(
        "SELECT r.id, r.last_message FROM members m JOIN rooms r ON r.no = m.room
         WHERE m.user_id = ?1 AND m.standing <> 'banned' AND r.id > ?2 ORDER BY r.id LIMIT ?3",
    )?;
    let after = after.map_or("", RoomId::as_str);
    let found = ids
        .query_map(params![user.as_str(), after, count(limit)], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let sql = format!("SELECT {} FROM entries WHERE room = ?1 AND seq = ?2", read::COLUMNS);
    let mut last = snapshot.prepare_cached(&sql)?;
    let mut listed = Vec::with_capacity(found.len());
    for (id, last_message) in found {
        let id = columns::room(&id)?;
        let Some((no, View { room, standing })) = read::room(snapshot, Some(user), &id)? else { continue };
        let mut rows = last.query([no, last_message])?;
        let last = rows.next()?.map(|row| read::entry(row, &id, 0)).transpose()?;
        listed.push(Listed { room, standing, last });
    }
    Ok(listed)
}

pub(super) fn members(
    snapshot: &Connection,
    room: &RoomId,
    after: Option<&UserId>,
    limit: usize,
) -> Result<Vec<Member>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT m.user_id, m.standing, m.since, u.info FROM members m LEFT JOIN users u ON u.id = m.user_id
         WHERE m.room = (SELECT no FROM rooms WHERE id = ?1) AND m.standing <> 'banned' AND m.user_id > ?2
         ORDER BY m.user_id LIMIT ?3",
    )?;
    let after = after.map_or("", UserId::as_str);
    let mut rows = statement.query(params![room.as_str(), after, count(limit)])?;
    let mut members = Vec::new();
    while let Some(row) = rows.next()? {
        let (user, word): (String, String) = (row.get(0)?, row.get(1)?);
        members.push(Member {
            user: columns::user(&user)?,
            membership: Membership { standing: Standing::parse(Some(&word)), since: seq(row.get(2)?) },
            info: row.get::<_, Option<String>>(3)?.map(Json::trusted),
        });
    }
    Ok(members)
}

pub(super) fn put_users(
    transaction: &Transaction<'_>,
    users: &[(UserId, Json)],
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO users (id, info, updated_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET info = excluded.info, updated_at = excluded.updated_at
         WHERE info <> excluded.info",
    )?;
    for (user, info) in users {
        put.execute(params![user.as_str(), info.as_str(), at.0])?;
    }
    Ok(())
}

pub(super) fn user(snapshot: &Connection, user: &UserId) -> Result<Option<(Json, Timestamp)>, StoreError> {
    Ok(snapshot
        .prepare_cached("SELECT info, updated_at FROM users WHERE id = ?1")?
        .query_row([user.as_str()], |row| Ok((Json::trusted(row.get(0)?), Timestamp(row.get(1)?))))
        .optional()?)
}
