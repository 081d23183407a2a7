//! Rooms, members and users in lists.

use super::{
    super::{
        Listed, Member, StoreError, View,
        columns::{self, count, seq},
    },
    PostgresStore,
    read::{entry, view},
};
use hubbub_core::{
    access::Standing,
    entry::Timestamp,
    ids::{RoomId, UserId},
    json::Json,
    ledger::Membership,
};
use std::collections::BTreeMap;
use tokio_postgres::Row;

impl PostgresStore {
    pub(super) async fn list_rooms(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let (user, after) = (user.as_str(), after.map_or("", RoomId::as_str));
        let rows = self.ask(&self.sql.rooms_of, &[&user, &after, &count(limit)]).await?;
        let listed = |row: &Row| {
            let View { room, standing } = view(row)?;
            let last = entry(row, &room.id)?;
            Ok(Listed { room, standing, last })
        };
        rows.iter().map(listed).collect()
    }

    pub(super) async fn list_members(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let (room, after) = (room.as_str(), after.map_or("", UserId::as_str));
        let rows = self.ask(&self.sql.members, &[&room, &after, &count(limit)]).await?;
        let member = |row: &Row| {
            Ok(Member {
                user: columns::user(row.get(0))?,
                membership: Membership { standing: Standing::parse(row.get(1)), since: seq(row.get(2)) },
                info: row.get::<_, Option<String>>(3).map(Json::trusted),
            })
        };
        rows.iter().map(member).collect()
    }

    pub(super) async fn keep_users(&self, users: &[(UserId, Json)]) -> Result<(), StoreError> {
        // Each once, the last one counts; in order, so that two of these never wait for one another.
        let users: BTreeMap<&str, &str> = users.iter().map(|(user, info)| (user.as_str(), info.as_str())).collect();
        let (ids, infos): (Vec<&str>, Vec<&str>) = users.into_iter().unzip();
        self.ask(&self.sql.put_users, &[&ids, &infos]).await.map(drop)
    }

    pub(super) async fn read_user(&self, user: &UserId) -> Result<Option<(Json, Timestamp)>, StoreError> {
        let rows = self.ask(&self.sql.user, &[&user.as_str()]).await?;
        Ok(rows.first().map(|row| (Json::trusted(row.get(0)), Timestamp(row.get(1)))))
    }
}
