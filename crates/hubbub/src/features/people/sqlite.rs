//! In a file.

use super::{
    invites::{Invite, Invited, ListedInvite, NewInvite, SWEPT},
    store::{Blocked, NewReport, PeopleStore, Report, ReportFilter, ReportState, Reported, part_of_reports},
};
use crate::store::{
    StoreError,
    columns::{self, count, number, seq},
    sqlite::SqliteStore,
};
use async_trait::async_trait;
use hubbub_core::{
    limits::INVITES_OF_USER,
    log::room::ListPart,
    model::{
        ids::{RoomId, UserId},
        time::Timestamp,
    },
    people::preferences::{Notify, Preferences, PreferencesChange},
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::Arc;

/// In the file of a store of logs.
pub struct SqlitePeople {
    store: Arc<SqliteStore>,
}

impl SqlitePeople {
    /// Beside the logs of this store.
    pub const fn new(store: Arc<SqliteStore>) -> Self {
        Self { store }
    }
}

fn preferences(row: &Row<'_>) -> Result<Preferences, StoreError> {
    let notify: String = row.get("notify")?;
    let unread_from = row.get::<_, Option<i64>>("unread_from")?.map(seq);
    Ok(columns::preferences(&notify, row.get("pinned")?, row.get("hidden")?, unread_from))
}

fn report(row: &Row<'_>) -> Result<Report, StoreError> {
    let text = |name: &str| row.get::<_, String>(name);
    let by = row.get::<_, Option<String>>("settled_by")?.as_deref().map(columns::user).transpose()?;
    Ok(Report {
        number: row.get::<_, i64>("no")?.cast_unsigned(),
        room: columns::room(&text("id")?)?,
        target: seq(row.get("target")?),
        reporter: columns::user(&text("reporter")?)?,
        reason: text("reason")?,
        at: Timestamp(row.get("at")?),
        state: ReportState::parse(&text("state")?).map_err(|why| StoreError::Broken(why.to_string()))?,
        settled: row.get::<_, Option<i64>>("settled_at")?.map(Timestamp).zip(by),
    })
}

fn invite(row: &Row<'_>) -> Result<Invite, StoreError> {
    let text = |name: &str| row.get::<_, String>(name);
    Ok(Invite {
        room: columns::room(&text("id")?)?,
        user: columns::user(&text("user_id")?)?,
        by: columns::user(&text("by_user")?)?,
        at: Timestamp(row.get("at")?),
        expires_at: Timestamp(row.get("expires_at")?),
    })
}

/// Invitations of ?2 into the room ?1 that wait at ?3.
const INVITED: &str = "SELECT i.*, r.id AS id, NOT EXISTS (
        SELECT 1 FROM blocks b WHERE b.user_id = i.user_id AND b.other = i.by_user) AS may_know
    FROM rooms r JOIN invites i ON i.room = r.no
    WHERE r.id = ?1 AND i.user_id = ?2 AND i.expires_at > ?3 ORDER BY i.at, i.by_user";

/// The database's time.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// The rows of a list, of which one more than `limit` is looked at.
fn list<T>(
    snapshot: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    limit: usize,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<ListPart<T>, StoreError> {
    let mut statement = snapshot.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row)?);
    }
    Ok(ListPart::cut(items, count(limit).cast_unsigned()))
}

fn room_number(connection: &Connection, room: &RoomId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT no FROM rooms WHERE id = ?1 AND kind <> 'deleted'";
    Ok(connection.prepare_cached(sql)?.query_row([room.as_str()], |row| row.get(0)).optional()?)
}

fn reported(connection: &Connection, room: i64, new: &NewReport) -> Result<Option<Report>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT p.*, r.id AS id FROM reports p JOIN rooms r ON r.no = p.room
         WHERE p.room = ?1 AND p.target = ?2 AND p.reporter = ?3",
    )?;
    let mut rows = statement.query(params![room, number(new.target), new.reporter.as_str()])?;
    rows.next()?.map(report).transpose()
}

#[async_trait]
impl PeopleStore for SqlitePeople {
    async fn set_preferences(
        &self,
        user: &UserId,
        room: &RoomId,
        change: PreferencesChange,
    ) -> Result<Option<Preferences>, StoreError> {
        let (user, room) = (user.clone(), room.clone());
        let set = move |transaction: &rusqlite::Transaction<'_>, _| {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO preferences (room, user_id, notify, pinned, hidden, unread_from)
                 SELECT r.no, m.user_id, coalesce(?3, 'all'), coalesce(?4, 0), coalesce(?5, 0), ?7
                 FROM rooms r JOIN members m ON m.room = r.no
                 WHERE r.id = ?1 AND m.user_id = ?2 AND m.standing <> 'banned'
                 ON CONFLICT (room, user_id) DO UPDATE SET notify = coalesce(?3, notify), pinned = coalesce(?4, pinned),
                    hidden = coalesce(?5, hidden), unread_from = CASE WHEN ?6 THEN ?7 ELSE unread_from END
                 RETURNING notify, pinned, hidden, unread_from",
            )?;
            let PreferencesChange { notify, pinned, hidden, unread_from } = change;
            let (is_moved, from) = (unread_from.is_some(), unread_from.flatten().map(number));
            let notify = notify.map(Notify::word);
            let params = params![room.as_str(), user.as_str(), notify, pinned, hidden, is_moved, from];
            let mut rows = statement.query(params)?;
            rows.next()?.map(preferences).transpose()
        };
        self.store.writer.write(set).await
    }

    async fn preferences(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<ListPart<(RoomId, Preferences)>, StoreError> {
        let (user, after) = (user.clone(), after.map_or("", RoomId::as_str).to_owned());
        let read = move |snapshot: &Connection| {
            let sql = "SELECT r.id AS id, p.notify AS notify, p.pinned AS pinned, p.hidden AS hidden,
                    p.unread_from AS unread_from
                FROM preferences p JOIN rooms r ON r.no = p.room
                JOIN members m ON m.room = p.room AND m.user_id = p.user_id AND m.standing <> 'banned'
                WHERE p.user_id = ?1 AND r.id > ?2 
                    AND (p.notify <> 'all' OR p.pinned OR p.hidden OR p.unread_from IS NOT NULL)
                ORDER BY r.id LIMIT ?3";
            list(snapshot, sql, params![user.as_str(), after, count(limit) + 1], limit, |row| {
                Ok((columns::room(&row.get::<_, String>("id")?)?, preferences(row)?))
            })
        };
        self.store.readers.read(read).await
    }

    async fn block(&self, user: &UserId, other: &UserId, most: usize) -> Result<Blocked, StoreError> {
        let (user, other, most) = (user.clone(), other.clone(), most as i64);
        let block = move |transaction: &rusqlite::Transaction<'_>, at: Timestamp| {
            let is_there: bool = transaction
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM blocks WHERE user_id = ?1 AND other = ?2)")?
                .query_row([user.as_str(), other.as_str()], |row| row.get(0))?;
            if is_there {
                return Ok(Blocked::Done);
            }
            let there: i64 = transaction
                .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM blocks WHERE user_id = ?1 LIMIT ?2)")?
                .query_row(params![user.as_str(), most], |row| row.get(0))?;
            if there >= most {
                return Ok(Blocked::TooMany);
            }
            transaction
                .prepare_cached("INSERT INTO blocks (user_id, other, at) VALUES (?1, ?2, ?3)")?
                .execute(params![user.as_str(), other.as_str(), at.0])?;
            Ok(Blocked::Done)
        };
        self.store.writer.write(block).await
    }

    async fn unblock(&self, user: &UserId, other: &UserId) -> Result<(), StoreError> {
        let (user, other) = (user.clone(), other.clone());
        let unblock = move |transaction: &rusqlite::Transaction<'_>, _| {
            let sql = "DELETE FROM blocks WHERE user_id = ?1 AND other = ?2";
            transaction.prepare_cached(sql)?.execute([user.as_str(), other.as_str()])?;
            Ok(())
        };
        self.store.writer.write(unblock).await
    }

    async fn blocks(
        &self,
        user: &UserId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<ListPart<(UserId, Timestamp)>, StoreError> {
        let (user, after) = (user.clone(), after.map_or("", UserId::as_str).to_owned());
        let read = move |snapshot: &Connection| {
            let sql = "SELECT other, at FROM blocks WHERE user_id = ?1 AND other > ?2 ORDER BY other LIMIT ?3";
            list(snapshot, sql, params![user.as_str(), after, count(limit) + 1], limit, |row| {
                Ok((columns::user(&row.get::<_, String>(0)?)?, Timestamp(row.get(1)?)))
            })
        };
        self.store.readers.read(read).await
    }

    async fn report(&self, new: &NewReport, most: usize) -> Result<Reported, StoreError> {
        let (new, most) = (new.clone(), most as i64);
        let keep = move |transaction: &rusqlite::Transaction<'_>, at: Timestamp| {
            let Some(room) = room_number(transaction, &new.room)? else { return Ok(Reported::NoRoom) };
            if let Some(there) = reported(transaction, room, &new)? {
                return Ok(Reported::Is(there));
            }
            let open: i64 = transaction
                .prepare_cached("SELECT count(*) FROM reports WHERE reporter = ?1 AND state = 'open'")?
                .query_row([new.reporter.as_str()], |row| row.get(0))?;
            if open >= most {
                return Ok(Reported::TooMany);
            }
            let sql =
                "INSERT INTO reports (room, target, reporter, reason, at, state) VALUES (?1, ?2, ?3, ?4, ?5, 'open')";
            transaction.prepare_cached(sql)?.execute(params![
                room,
                number(new.target),
                new.reporter.as_str(),
                new.reason,
                at.0
            ])?;
            Ok(reported(transaction, room, &new)?.map_or(Reported::NoRoom, Reported::New))
        };
        self.store.writer.write(keep).await
    }

    async fn reports(&self, filter: &ReportFilter, after: u64, limit: usize) -> Result<ListPart<Report>, StoreError> {
        let (filter, after) = (filter.clone(), after.cast_signed());
        let read = move |snapshot: &Connection| {
            let which = match (&filter.room, filter.state) {
                (Some(_), _) => "p.room = (SELECT no FROM rooms WHERE id = ?4) AND (?2 IS NULL OR p.state = ?2)",
                (None, Some(_)) => "p.state = ?2 AND ?4 IS NULL",
                (None, None) => "?2 IS NULL AND ?4 IS NULL",
            };
            let sql = format!(
                "SELECT p.*, r.id AS id FROM reports p JOIN rooms r ON r.no = p.room WHERE {which} AND p.no > ?1
                 ORDER BY p.no LIMIT ?3"
            );
            let (room, state) = (filter.room.as_ref().map(RoomId::as_str), filter.state.map(ReportState::word));
            let mut statement = snapshot.prepare_cached(&sql)?;
            let mut rows = statement.query(params![after, state, count(limit) + 1, room])?;
            let mut items = Vec::new();
            while let Some(row) = rows.next()? {
                items.push(report(row)?);
            }
            Ok(part_of_reports(items, limit))
        };
        self.store.readers.read(read).await
    }

    async fn settle_report(
        &self,
        number: u64,
        in_room: Option<&RoomId>,
        state: ReportState,
        by: &UserId,
    ) -> Result<Option<Report>, StoreError> {
        let (number, in_room, by) = (number.cast_signed(), in_room.cloned(), by.clone());
        let settle = move |transaction: &rusqlite::Transaction<'_>, at: Timestamp| {
            let room = in_room.as_ref().map(RoomId::as_str);
            transaction
                .prepare_cached(
                    "UPDATE reports SET state = ?2, settled_by = CASE WHEN ?2 <> 'open' THEN ?3 END,
                        settled_at = CASE WHEN ?2 <> 'open' THEN ?4 END
                     WHERE no = ?1 AND state <> ?2 AND (?5 IS NULL OR room = (SELECT no FROM rooms WHERE id = ?5))",
                )?
                .execute(params![number, state.word(), by.as_str(), at.0, room])?;
            let mut statement = transaction.prepare_cached(
                "SELECT p.*, r.id AS id FROM reports p JOIN rooms r ON r.no = p.room
                 WHERE p.no = ?1 AND (?2 IS NULL OR r.id = ?2)",
            )?;
            let mut rows = statement.query(params![number, room])?;
            rows.next()?.map(report).transpose()
        };
        self.store.writer.write(settle).await
    }

    async fn invite(&self, new: &NewInvite, most: usize) -> Result<Invited, StoreError> {
        let (new, most) = (new.clone(), most as i64);
        let keep = move |transaction: &rusqlite::Transaction<'_>, at: Timestamp| {
            let Some(no) = room_number(transaction, &new.room)? else { return Ok(Invited::NoRoom) };
            let find = || -> Result<Option<(Invite, bool)>, StoreError> {
                let mut statement = transaction.prepare_cached(INVITED)?;
                let mut rows = statement.query(params![new.room.as_str(), new.user.as_str(), at.0])?;
                while let Some(row) = rows.next()? {
                    let found = invite(row)?;
                    if found.by == new.by {
                        return Ok(Some((found, row.get("may_know")?)));
                    }
                }
                Ok(None)
            };
            if let Some((invite, _)) = find()? {
                return Ok(Invited::Is { invite, is_news: false });
            }
            let waiting: i64 = transaction
                .prepare_cached("SELECT count(*) FROM invites WHERE room = ?1 AND expires_at > ?2")?
                .query_row([no, at.0], |row| row.get(0))?;
            let of_user: i64 = transaction
                .prepare_cached("SELECT count(*) FROM invites WHERE user_id = ?1 AND expires_at > ?2")?
                .query_row(params![new.user.as_str(), at.0], |row| row.get(0))?;
            if waiting >= most || of_user >= INVITES_OF_USER as i64 {
                return Ok(Invited::TooMany);
            }
            transaction
                .prepare_cached(
                    "DELETE FROM invites WHERE (room, user_id, by_user) IN (SELECT room, user_id, by_user FROM invites
                     WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
                )?
                .execute(params![at.0, SWEPT as i64])?;
            transaction
                .prepare_cached("DELETE FROM invites WHERE room = ?1 AND user_id = ?2 AND expires_at <= ?3")?
                .execute(params![no, new.user.as_str(), at.0])?;
            let until = at.0 + new.lasts.as_millis() as i64;
            transaction
                .prepare_cached(
                    "INSERT INTO invites (room, user_id, by_user, at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![no, new.user.as_str(), new.by.as_str(), at.0, until])?;
            Ok(find()?.map_or(Invited::NoRoom, |(invite, is_news)| Invited::Is { invite, is_news }))
        };
        self.store.writer.write(keep).await
    }

    async fn invites(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<ListPart<ListedInvite>, StoreError> {
        let (user, after) = (user.clone(), after.map_or("", RoomId::as_str).to_owned());
        let read = move |snapshot: &Connection| {
            // Of several into one room, the row with the least is shown.
            let sql = format!(
                "SELECT i.*, r.id AS id, r.kind AS kind, r.name AS name, min(i.at) FROM invites i JOIN rooms r ON r.no = i.room
                 WHERE i.user_id = ?1 AND r.id > ?2 AND i.expires_at > {NOW}
                    AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = i.user_id AND b.other = i.by_user)
                    AND NOT EXISTS (SELECT 1 FROM members m WHERE m.room = i.room AND m.user_id = i.user_id)
                 GROUP BY r.id ORDER BY r.id LIMIT ?3"
            );
            list(snapshot, &sql, params![user.as_str(), after, count(limit) + 1], limit, |row| {
                let kind: String = row.get("kind")?;
                Ok(ListedInvite { invite: invite(row)?, kind: columns::kind(&kind)?, name: row.get("name")? })
            })
        };
        self.store.readers.read(read).await
    }

    async fn invites_into(&self, user: &UserId, room: &RoomId) -> Result<Vec<Invite>, StoreError> {
        let (user, room) = (user.clone(), room.clone());
        let read = move |snapshot: &Connection| {
            let mut statement = snapshot.prepare_cached(&INVITED.replace("?3", NOW))?;
            let mut rows = statement.query([room.as_str(), user.as_str()])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                if row.get("may_know")? {
                    found.push(invite(row)?);
                }
            }
            Ok(found)
        };
        self.store.readers.read(read).await
    }

    async fn end_invites(&self, room: &RoomId, user: &UserId) -> Result<(), StoreError> {
        let (room, user) = (room.clone(), user.clone());
        let end = move |transaction: &rusqlite::Transaction<'_>, _| {
            let sql = "DELETE FROM invites WHERE room = (SELECT no FROM rooms WHERE id = ?1) AND user_id = ?2";
            transaction.prepare_cached(sql)?.execute([room.as_str(), user.as_str()])?;
            Ok(())
        };
        self.store.writer.write(end).await
    }

    async fn moderators(&self, room: &RoomId, limit: usize) -> Result<Vec<UserId>, StoreError> {
        let room = room.clone();
        let read = move |snapshot: &Connection| {
            let mut statement = snapshot.prepare_cached(
                "SELECT m.user_id FROM rooms r JOIN members m ON m.room = r.no
                 WHERE r.id = ?1 AND (m.standing = 'admin' OR (m.standing = 'member' AND m.rank = 'moderator'))
                 ORDER BY m.user_id LIMIT ?2",
            )?;
            let mut rows = statement.query(params![room.as_str(), count(limit)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(columns::user(&row.get::<_, String>(0)?)?);
            }
            Ok(found)
        };
        self.store.readers.read(read).await
    }
}
