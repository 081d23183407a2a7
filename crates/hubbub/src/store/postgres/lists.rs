//! Rooms, members and users in lists.

use super::{
    super::{
        FoundRoom, FoundRooms, ListPart, Listed, Member, RoomInfo, RoomQuery, StoreError, View,
        columns::{self, ENTRY_BYTES, count, seq},
        found::{Finding, looked_at},
    },
    PostgresStore,
    read::view,
    reads::unread,
    shown::shown,
};
use hubbub_core::{
    limits::PAGE_BYTES,
    model::{
        access::{Membership, RoomKind, Standing},
        ids::{RoomId, UserId},
        json::Json,
        time::Timestamp,
    },
    people::preferences::Preferences,
};
use std::collections::BTreeMap;
use tokio_postgres::{Row, types::ToSql};

const BYTES: i64 = PAGE_BYTES as i64;

/// Reads rows, of which each has a column `more`: whether there are others behind the last.
pub(crate) fn part<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, StoreError>) -> Result<ListPart<T>, StoreError> {
    let more = rows.last().is_some_and(|row| row.get("more"));
    Ok(ListPart { items: rows.iter().map(read).collect::<Result<_, _>>()?, more })
}

/// Topic and data of a row.
fn info(row: &Row) -> RoomInfo {
    let data = row.get::<_, Option<String>>("room_data").map(Json::trusted);
    RoomInfo { topic: row.get::<_, String>("topic").into(), data }
}

/// How a room is shown to whoever lists it.
fn preferences(row: &Row) -> Preferences {
    let Some(notify) = row.get::<_, Option<&str>>("p_notify") else { return Preferences::default() };
    let unread_from = row.get::<_, Option<i64>>("p_unread_from").map(seq);
    columns::preferences(notify, row.get("p_pinned"), row.get("p_hidden"), unread_from)
}

impl PostgresStore {
    pub(crate) async fn find_info(&self, room: &RoomId) -> Result<RoomInfo, StoreError> {
        let rows = self.ask(&self.sql.room_info, &[&room.as_str()]).await?;
        Ok(rows.first().map(info).unwrap_or_default())
    }

    pub(crate) async fn list_rooms(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
        counted: bool,
    ) -> Result<ListPart<Listed>, StoreError> {
        let (user, after) = (user.as_str(), after.map_or("", RoomId::as_str));
        let sql = if counted { &self.sql.rooms_of } else { &self.sql.bare_rooms_of };
        let rows = self.ask(sql, &[&user, &after, &count(limit), &BYTES, &(ENTRY_BYTES as i64)]).await?;
        let listed = |row: &Row| {
            let View { room, standing } = view(row)?;
            let last = shown(row, &room.id)?;
            let unread = counted.then(|| unread(row));
            Ok(Listed { room, standing, info: info(row), last, unread, preferences: preferences(row) })
        };
        part(&rows, listed)
    }

    pub(crate) async fn search_rooms(&self, query: &RoomQuery, limit: usize) -> Result<FoundRooms, StoreError> {
        let (from, to) = query.range();
        let (limit, looked_at) = (count(limit), count(looked_at(query, limit)));
        let since = query.active_since.map(|at| at.0);
        let kind = query.kind.map(RoomKind::word);
        let member = query.member.as_ref().map(UserId::as_str);
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&from, &to, &since, &looked_at, &limit];
        let sql = match (&member, &kind) {
            (Some(member), _) => {
                params.extend([member as &(dyn ToSql + Sync), &kind]);
                &self.sql.find_rooms_of_member
            }
            (None, Some(kind)) => {
                params.push(kind);
                &self.sql.find_rooms_by_kind
            }
            (None, None) => &self.sql.find_rooms,
        };
        let rows = self.ask(sql, &params).await?;
        let mut found = Finding::new(limit, looked_at);
        for row in &rows {
            let at = Timestamp(row.get("active_at"));
            let before = row.get::<_, Option<&str>>("before").map(columns::room).transpose()?;
            let found_room = || {
                let topic = row.get::<_, Option<String>>("topic").unwrap_or_default().into();
                Ok(FoundRoom { room: view(row)?.room, topic, active_at: at })
            };
            if !found.take(row.get("nth"), before, found_room)? {
                break;
            }
        }
        Ok(found.done)
    }

    pub(crate) async fn list_members(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
        banned: bool,
    ) -> Result<ListPart<Member>, StoreError> {
        let (room, after) = (room.as_str(), after.map_or("", UserId::as_str));
        let rows = self.ask(&self.sql.members, &[&room, &after, &count(limit), &BYTES, &banned]).await?;
        let member = |row: &Row| {
            Ok(Member {
                user: columns::user(row.get("user_id"))?,
                membership: Membership {
                    standing: Standing::read(row.get("standing"), row.get("rank")),
                    since: seq(row.get("since")),
                    joined: seq(row.get("joined")),
                },
                muted_until: row.get::<_, Option<i64>>("muted_until").map(Timestamp),
                info: row.get::<_, Option<String>>("info").map(Json::trusted),
            })
        };
        part(&rows, member)
    }

    pub(crate) async fn keep_users(&self, users: &[(UserId, Json)]) -> Result<(), StoreError> {
        // Each once, the last one counts; in order, so that two of these never wait for one another.
        let users: BTreeMap<&str, &str> = users.iter().map(|(user, info)| (user.as_str(), info.as_str())).collect();
        let (ids, infos): (Vec<&str>, Vec<&str>) = users.into_iter().unzip();
        self.ask(&self.sql.put_users, &[&ids, &infos]).await.map(drop)
    }

    pub(crate) async fn read_user(&self, user: &UserId) -> Result<Option<(Json, Timestamp)>, StoreError> {
        let rows = self.ask(&self.sql.user, &[&user.as_str()]).await?;
        Ok(rows.first().map(|row| (Json::trusted(row.get("info")), Timestamp(row.get("updated_at")))))
    }
}
