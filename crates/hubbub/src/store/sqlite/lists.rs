//! Rooms, members and users in lists.

use super::{
    super::{
        Head, ListPart, Listed, Member, StoreError, View,
        columns::{self, count, seq, unreadable},
    },
    incarnation, read, shown,
};
use hubbub_core::{
    limits::{PAGE_BYTES, PAGE_MAX},
    model::{
        access::{Membership, Standing},
        ids::{RoomId, UserId},
        json::Json,
        seq::Epoch,
        time::Timestamp,
    },
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

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
    let mut statement = snapshot.prepare_cached("SELECT head, generation FROM rooms WHERE id = ?1")?;
    let mut head = |room: &RoomId| -> Result<Option<Head>, StoreError> {
        let found: Option<(i64, i64)> =
            statement.query_row([room.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((head, generation)) = found else { return Ok(None) };
        match columns::epoch_part(generation) {
            Ok(generation) => Ok(Some(Head { seq: seq(head), epoch: Epoch { incarnation, generation } })),
            Err(error) => {
                unreadable(room.as_str(), &error);
                Ok(None)
            }
        }
    };
    rooms.iter().map(&mut head).collect()
}

pub(crate) fn rooms_of(
    snapshot: &Connection,
    user: &UserId,
    after: Option<&RoomId>,
    limit: usize,
) -> Result<ListPart<Listed>, StoreError> {
    let mut ids = snapshot.prepare_cached(
        "SELECT r.id, r.last_message FROM members m JOIN rooms r ON r.no = m.room
         WHERE m.user_id = ?1 AND m.standing <> 'banned' AND r.id > ?2 ORDER BY r.id LIMIT ?3",
    )?;
    let after = after.map_or("", RoomId::as_str);
    let found = ids
        .query_map(params![user.as_str(), after, count(limit) + 1], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let sql = shown::select("entries e", "WHERE e.room = ?1 AND e.seq = ?2 AND e.seq >= ?3");
    let mut last = snapshot.prepare_cached(&sql)?;
    let mut part = Filling::new(limit);
    for (id, last_message) in found {
        let id = columns::room(&id)?;
        let Some((no, View { room, standing })) = read::room(snapshot, Some(user), &id)? else { continue };
        let mut rows =
            last.query(params![no, last_message, columns::number(room.floor), None::<i64>, user.as_str()])?;
        let (weight, last) = rows.next()?.map(|row| shown::shown(row, &id)).transpose()?.unzip();
        if !part.take(weight.unwrap_or_default(), || Listed { room, standing, last }) {
            break;
        }
    }
    Ok(part.done)
}

pub(crate) fn members(
    snapshot: &Connection,
    room: &RoomId,
    after: Option<&UserId>,
    limit: usize,
) -> Result<ListPart<Member>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT m.user_id, m.standing, m.since, u.info, m.rank, coalesce(m.joined, m.since), s.muted_until
         FROM members m LEFT JOIN users u ON u.id = m.user_id
         LEFT JOIN speakers s ON s.room = m.room AND s.user_id = m.user_id AND s.muted_until > ?4
         WHERE m.room = (SELECT no FROM rooms WHERE id = ?1) AND m.standing <> 'banned' AND m.user_id > ?2
         ORDER BY m.user_id LIMIT ?3",
    )?;
    let after = after.map_or("", UserId::as_str);
    let mut rows = statement.query(params![room.as_str(), after, count(limit) + 1, super::now().0])?;
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
