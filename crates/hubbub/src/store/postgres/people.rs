//! People in rooms, as what is no entry looks at them.

use super::{
    super::{
        Head, StoreError,
        columns::{self, count, number, seq},
    },
    PostgresStore,
    read::{epoch, head},
};
use hubbub_core::{
    log::situation::{Person, RoomState},
    model::{
        access::Standing,
        ids::{RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
};

impl PostgresStore {
    pub(crate) async fn look_at(
        &self,
        room: &RoomId,
        user: &UserId,
    ) -> Result<Option<(RoomState, Person)>, StoreError> {
        let rows = self.ask(&self.sql.person, &[&room.as_str(), &user.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let state = RoomState {
            kind: columns::kind(row.get("kind"))?,
            head: seq(row.get("head")),
            floor: seq(row.get("floor")),
            epoch: epoch(row)?,
            session: columns::session(row.get("session"))?,
            settings: columns::settings(row.get("settings"))?,
        };
        let person = Person {
            standing: Standing::read(row.get("standing"), row.get("rank")),
            joined: seq(row.get("joined")),
            muted_until: row.get::<_, Option<i64>>("muted_until").map(Timestamp),
            wrote_at: row.get::<_, Option<i64>>("wrote_at").map(Timestamp),
            was_reader: row.get("was_reader"),
            blocked: row.get("blocked"),
        };
        Ok(Some((state, person)))
    }

    pub(crate) async fn list_memberships(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomId, Head)>, StoreError> {
        let after = after.map_or("", RoomId::as_str);
        let rows = self.ask(&self.sql.memberships, &[&user.as_str(), &after, &count(limit)]).await?;
        rows.iter().map(|row| Ok((columns::room(row.get("id"))?, head(row)?))).collect()
    }

    pub(crate) async fn list_member_ids(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Option<(Head, Vec<UserId>)>, StoreError> {
        let after = after.map_or("", UserId::as_str);
        let rows = self.ask(&self.sql.member_ids, &[&room.as_str(), &after, &count(limit)]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        // A room without members has one row without a user.
        let ids = rows.iter().filter_map(|row| row.get::<_, Option<&str>>("user_id"));
        Ok(Some((head(first)?, ids.map(columns::user).collect::<Result<_, _>>()?)))
    }

    pub(crate) async fn list_company(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let others: Vec<&str> = others.iter().map(UserId::as_str).collect();
        let rows = self.ask(&self.sql.company, &[&user.as_str(), &others]).await?;
        rows.iter().map(|row| columns::user(row.get("user_id"))).collect()
    }

    pub(crate) async fn list_blockers(&self, room: &RoomId, entries: &[Seq]) -> Result<Vec<(Seq, UserId)>, StoreError> {
        let entries: Vec<i64> = entries.iter().map(|seq| number(*seq)).collect();
        let rows = self.ask(&self.sql.blockers, &[&room.as_str(), &entries]).await?;
        rows.iter().map(|row| Ok((seq(row.get(0)), columns::user(row.get(1))?))).collect()
    }

    pub(crate) async fn keep_seen(&self, users: &[UserId], at: Timestamp) -> Result<(), StoreError> {
        let users: Vec<&str> = users.iter().map(UserId::as_str).collect();
        self.ask(&self.sql.see, &[&users, &at.0]).await.map(drop)
    }

    pub(crate) async fn read_last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, Timestamp)>, StoreError> {
        let users: Vec<&str> = users.iter().map(UserId::as_str).collect();
        let rows = self.ask(&self.sql.last_seen, &[&users]).await?;
        rows.iter().map(|row| Ok((columns::user(row.get("user_id"))?, Timestamp(row.get("at"))))).collect()
    }

    pub(crate) async fn keep_shown(&self, user: &UserId, shown: bool) -> Result<(), StoreError> {
        self.ask(&self.sql.show_last_seen, &[&user.as_str(), &!shown]).await.map(drop)
    }
}
