//! Rooms, members and users in lists.

use super::{
    super::{
        FoundRoom, FoundRooms, Head, ListPart, Listed, Member, Room, RoomInfo, RoomQuery, StoreError, View,
        columns::{self, count, seq, unreadable},
        found::{Finding, looked_at},
    },
    deep, incarnation, read, reads, shown,
};
use hubbub_core::{
    limits::{PAGE_BYTES, PAGE_MAX},
    model::{
        access::{Membership, RoomKind, Standing},
        ids::{RoomId, UserId},
        json::Json,
        seq::Epoch,
        time::Timestamp,
    },
    people::preferences::Preferences,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// A part of a list on its way.
pub(crate) struct Filling<T> {
    pub done: ListPart<T>,
    limit: usize,
    weighed: usize,
}

impl<T> Filling<T> {
    pub fn new(limit: usize) -> Self {
        Self { done: ListPart { items: Vec::new(), more: false }, limit: limit.min(PAGE_MAX), weighed: 0 }
    }

    /// Takes one more, or notes that there is one and says that this is enough.
    pub fn take(&mut self, weight: usize, item: impl FnOnce() -> T) -> bool {
        self.weighed += weight;
        let full = self.done.items.len() >= self.limit;
        self.done.more = full || (self.weighed > PAGE_BYTES && !self.done.items.is_empty());
        if !self.done.more {
            self.done.items.push(item());
        }
        !self.done.more
    }
}

pub(crate) fn look_up(snapshot: &Connection, asks: &[(RoomId, UserId)]) -> Result<Vec<Option<View>>, StoreError> {
    // What is wrong with all of the file is wrong with every answer.
    incarnation(snapshot)?;
    let view = |(room, user): &(RoomId, UserId)| match read::room(snapshot, Some(user), room) {
        Ok(found) => Ok(found.map(|(_, view)| view)),
        Err(error @ StoreError::Broken(_)) => {
            unreadable(room.as_str(), &error);
            Ok(None)
        }
        Err(error) => Err(error),
    };
    asks.iter().map(view).collect()
}

pub(crate) fn heads(snapshot: &Connection, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, StoreError> {
    let incarnation = incarnation(snapshot)?;
    let mut statement =
        snapshot.prepare_cached("SELECT head, generation, kind = 'deleted' FROM rooms WHERE id = ?1")?;
    let mut head = |room: &RoomId| -> Result<Option<Head>, StoreError> {
        let found: Option<(i64, i64, bool)> =
            statement.query_row([room.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        let Some((head, generation, deleted)) = found else { return Ok(None) };
        match columns::epoch_part(generation) {
            Ok(generation) => Ok(Some(Head { seq: seq(head), epoch: Epoch { incarnation, generation }, deleted })),
            Err(error) => {
                unreadable(room.as_str(), &error);
                Ok(None)
            }
        }
    };
    rooms.iter().map(&mut head).collect()
}

pub(crate) fn info(snapshot: &Connection, room: &RoomId) -> Result<RoomInfo, StoreError> {
    let found = read::room(snapshot, None, room)?;
    found.map(|(no, _)| deep::read_info(snapshot, no)).unwrap_or_else(|| Ok(RoomInfo::default()))
}

/// How a room is shown to whoever lists it.
fn preferences(row: &Row<'_>) -> rusqlite::Result<Preferences> {
    let Some(notify) = row.get::<_, Option<String>>(3)? else { return Ok(Preferences::default()) };
    let unread_from = row.get::<_, Option<i64>>(6)?.map(seq);
    Ok(columns::preferences(&notify, row.get(4)?, row.get(5)?, unread_from))
}

pub(crate) fn rooms_of(
    snapshot: &Connection,
    user: &UserId,
    after: Option<&RoomId>,
    limit: usize,
    counted: bool,
) -> Result<ListPart<Listed>, StoreError> {
    let mut ids = snapshot.prepare_cached(
        "SELECT r.id, r.last_message, coalesce(m.joined, m.since), p.notify, p.pinned, p.hidden, p.unread_from
         FROM members m JOIN rooms r ON r.no = m.room LEFT JOIN preferences p ON p.room = r.no AND p.user_id = m.user_id
         WHERE m.user_id = ?1 AND m.standing <> 'banned' AND r.id > ?2 ORDER BY r.id LIMIT ?3",
    )?;
    let after = after.map_or("", RoomId::as_str);
    let found = ids
        .query_map(params![user.as_str(), after, count(limit) + 1], |row| {
            let preferences = preferences(row)?;
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, preferences))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let sql = shown::select("entries e", "WHERE e.room = ?1 AND e.seq = ?2 AND e.seq >= ?3");
    let mut last = snapshot.prepare_cached(&sql)?;
    let mut part = Filling::new(limit);
    for (id, last_message, joined, preferences) in found {
        let id = columns::room(&id)?;
        let Some((no, View { room, standing })) = read::room(snapshot, Some(user), &id)? else { continue };
        let mut rows =
            last.query(params![no, last_message, columns::number(room.floor), None::<i64>, user.as_str()])?;
        let (weight, last) = rows.next()?.map(|row| shown::shown(row, &id)).transpose()?.unzip();
        let info = deep::read_info(snapshot, no)?;
        let unread = counted.then(|| reads::unread(snapshot, user, no, seq(joined))).transpose()?;
        let weight = weight.unwrap_or_default() + info.weight();
        if !part.take(weight, || Listed { room, standing, info, last, unread, preferences }) {
            break;
        }
    }
    Ok(part.done)
}

pub(crate) fn find_rooms(snapshot: &Connection, query: &RoomQuery, limit: usize) -> Result<FoundRooms, StoreError> {
    let incarnation = incarnation(snapshot)?;
    let which = match (&query.member, query.kind) {
        (Some(_), _) => {
            "FROM members m JOIN rooms r ON r.no = m.room
             WHERE m.user_id = ?4 AND m.standing <> 'banned' AND (?5 IS NULL OR r.kind = ?5)"
        }
        (None, Some(_)) => "FROM rooms r WHERE ?4 IS NULL AND r.kind = ?5",
        (None, None) => "FROM rooms r WHERE ?4 IS NULL AND ?5 IS NULL",
    };
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT r.id, r.kind, r.name, r.head, r.floor, r.generation, r.settings, coalesce(e.at, r.created_at), coalesce(i.topic, '')
         FROM (SELECT r.* {which} AND r.id >= ?1 AND r.id < ?2 ORDER BY r.id LIMIT ?3) r
         LEFT JOIN entries e ON e.room = r.no AND e.seq = r.head LEFT JOIN room_infos i ON i.room = r.no ORDER BY r.id"
    ))?;
    let (from, to) = query.range();
    let looked_at = count(looked_at(query, limit));
    let (member, kind) = (query.member.as_ref().map(UserId::as_str), query.kind.map(RoomKind::word));
    let mut rows = statement.query(params![from, to, looked_at + 1, member, kind])?;
    let mut found = Finding::new(count(limit), looked_at);
    let (mut nth, mut before) = (0, None);
    while let Some(row) = rows.next()? {
        nth += 1;
        let text = |nth: usize| row.get_ref(nth)?.as_str_or_null().map_err(rusqlite::Error::from);
        let id = columns::room(text(0)?.unwrap_or_default())?;
        let (kind, active_at) = (columns::kind(text(1)?.unwrap_or_default())?, Timestamp(row.get(7)?));
        let is_asked = kind != RoomKind::Deleted && query.active_since.is_none_or(|since| active_at >= since);
        let last = before.replace(id.clone());
        if !is_asked && nth <= looked_at {
            continue;
        }
        let room = || {
            let room = Room {
                id,
                kind,
                name: row.get(2)?,
                head: seq(row.get(3)?),
                floor: seq(row.get(4)?),
                epoch: Epoch { incarnation, generation: columns::epoch_part(row.get(5)?)? },
                settings: columns::settings(text(6)?)?,
            };
            Ok(FoundRoom { room, topic: text(8)?.unwrap_or_default().into(), active_at })
        };
        if !found.take(nth, last, room)? {
            break;
        }
    }
    Ok(found.done)
}

pub(crate) fn members(
    snapshot: &Connection,
    room: &RoomId,
    after: Option<&UserId>,
    limit: usize,
    banned: bool,
) -> Result<ListPart<Member>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT m.user_id, m.standing, m.since, u.info, m.rank, coalesce(m.joined, m.since), s.muted_until
         FROM members m LEFT JOIN users u ON u.id = m.user_id
         LEFT JOIN speakers s ON s.room = m.room AND s.user_id = m.user_id AND s.muted_until > ?4
         WHERE m.room = (SELECT no FROM rooms WHERE id = ?1) AND (m.standing = 'banned') = ?5 AND m.user_id > ?2
         ORDER BY m.user_id LIMIT ?3",
    )?;
    let after = after.map_or("", UserId::as_str);
    let mut rows = statement.query(params![room.as_str(), after, count(limit) + 1, super::now().0, banned])?;
    let mut part = Filling::new(limit);
    while let Some(row) = rows.next()? {
        let (user, word): (String, String) = (row.get(0)?, row.get(1)?);
        let rank: Option<String> = row.get(4)?;
        let member = Member {
            user: columns::user(&user)?,
            membership: Membership {
                standing: Standing::read(Some(&word), rank.as_deref()),
                since: seq(row.get(2)?),
                joined: seq(row.get(5)?),
            },
            muted_until: row.get::<_, Option<i64>>(6)?.map(Timestamp),
            info: row.get::<_, Option<String>>(3)?.map(Json::trusted),
        };
        if !part.take(member.info.as_ref().map_or(0, |info| info.as_str().len()), || member) {
            break;
        }
    }
    Ok(part.done)
}

pub(crate) fn put_users(
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

pub(crate) fn user(snapshot: &Connection, user: &UserId) -> Result<Option<(Json, Timestamp)>, StoreError> {
    Ok(snapshot
        .prepare_cached("SELECT info, updated_at FROM users WHERE id = ?1")?
        .query_row([user.as_str()], |row| Ok((Json::trusted(row.get(0)?), Timestamp(row.get(1)?))))
        .optional()?)
}
