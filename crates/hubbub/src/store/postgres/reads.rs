//! How far people have read, and what they have not.

use super::{
    super::{
        StoreError,
        columns::{self, count, number, seq},
    },
    PostgresStore,
    read::epoch,
    sql::texts,
};
use hubbub_core::{
    limits::RECEIPTS_MEMBERS,
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
    people::{
        marks::{Mark, Marked},
        unread::{Look, Receipt, Receipts, Unread, UnreadPart, UnreadRoom},
    },
};
use tokio_postgres::Row;

const FEW: i64 = RECEIPTS_MEMBERS as i64;

texts! {
    put_marks = include_str!("put_marks.sql");
    unread_rooms = super::sql::unread(include_str!("unread_rooms.sql"), "$1::text");
    receipts = "SELECT few.members, d.user_id, d.seq, d.at
        FROM hubbub.rooms r
        CROSS JOIN LATERAL (
            SELECT count(*) AS members FROM (
                SELECT 1 FROM hubbub.members m WHERE m.room = r.no AND m.standing <> 'banned' LIMIT $2::bigint + 1
            ) m
        ) few
        LEFT JOIN LATERAL (
            SELECT m.user_id, d.seq, d.at FROM hubbub.members m
            CROSS JOIN LATERAL (
                SELECT seq, at FROM hubbub.reads WHERE reads.room = m.room AND reads.user_id = m.user_id LIMIT 1
            ) d
            WHERE few.members <= $2::bigint AND m.room = r.no AND m.standing <> 'banned'
        ) d ON true
        WHERE r.id = $1
        ORDER BY d.user_id";
}

impl PostgresStore {
    pub(crate) async fn keep_marks(&self, marks: &[Mark]) -> Result<Vec<Option<Marked>>, StoreError> {
        let rooms: Vec<&str> = marks.iter().map(|mark| mark.room.as_str()).collect();
        let users: Vec<&str> = marks.iter().map(|mark| mark.user.as_str()).collect();
        let seqs: Vec<i64> = marks.iter().map(|mark| number(mark.seq)).collect();
        let rows = self.ask(&self.reads.put_marks, &[&rooms, &users, &seqs, &FEW]).await?;
        let mut became = vec![None; marks.len()];
        for row in &rows {
            let nth = usize::try_from(row.get::<_, i64>("ord") - 1).unwrap_or(usize::MAX);
            let marked = Marked {
                before: seq(row.get("before")),
                moved: row.get("has_moved"),
                is_shown: row.get("is_few"),
                head: (epoch(row)?, seq(row.get("head"))),
            };
            let place = became.get_mut(nth).ok_or_else(|| StoreError::Broken("a mark that nobody gave".into()))?;
            *place = Some(marked);
        }
        Ok(became)
    }

    pub(crate) async fn list_unread(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<UnreadPart, StoreError> {
        let after = after.map_or("", RoomId::as_str);
        let rows = self.ask(&self.reads.unread_rooms, &[&user.as_str(), &after, &count(limit)]).await?;
        let mut part = UnreadPart::default();
        for row in &rows {
            let unread = unread(row);
            if !unread.is_none() {
                part.rooms.push(UnreadRoom { room: columns::room(row.get("id"))?, head: seq(row.get("head")), unread });
            }
        }
        let last = rows.last().filter(|row| row.get("more"));
        part.next = last.map(|row| columns::room(row.get("id"))).transpose()?;
        Ok(part)
    }

    pub(crate) async fn read_receipts(&self, room: &RoomId) -> Result<Option<Receipts>, StoreError> {
        let rows = self.ask(&self.reads.receipts, &[&room.as_str(), &FEW]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        if first.get::<_, i64>(0) > FEW {
            return Ok(Some(Receipts::TooMany));
        }
        let receipt = |row: &Row| -> Result<Option<Receipt>, StoreError> {
            let Some(user) = row.get::<_, Option<&str>>(1) else { return Ok(None) };
            Ok(Some(Receipt { user: columns::user(user)?, read: seq(row.get(2)), at: Timestamp(row.get(3)) }))
        };
        let all = rows.iter().filter_map(|row| receipt(row).transpose()).collect::<Result<_, _>>()?;
        Ok(Some(Receipts::Of(all)))
    }
}

/// What `unread.sql` says of a room.
pub(super) fn unread(row: &Row) -> Unread {
    let [looked, found, mentions, of_all] =
        ["u_looked", "u_found", "u_mentions", "u_of_all"].map(|name| row.get::<_, i64>(name).unsigned_abs());
    let own = row.get::<_, Option<i64>>("u_own").map(seq);
    let look = Look::taken(looked, found, own);
    let read: Seq = seq(row.get("u_read"));
    Unread { read, unread: look.unread(), mentions: look.mentions(mentions, of_all) }
}
