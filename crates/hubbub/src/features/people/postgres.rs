//! In Postgres.

use super::{
    invites::{Invite, Invited, ListedInvite, NewInvite, SWEPT},
    store::{Blocked, NewReport, PeopleStore, Report, ReportFilter, ReportState, Reported, part_of_reports},
};
use crate::store::{
    StoreError,
    columns::{self, count, number, seq},
    postgres::{PostgresStore, connect::patiently, sql::texts},
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
use std::sync::Arc;
use tokio_postgres::{Row, types::ToSql};

texts! {
    set_preferences = "INSERT INTO hubbub.preferences AS p (room, user_id, notify, pinned, hidden, unread_from)
        SELECT r.no, m.user_id, coalesce($3::text, 'all'), coalesce($4::boolean, false), coalesce($5::boolean, false), $7::bigint
        FROM hubbub.rooms r JOIN hubbub.members m ON m.room = r.no
        WHERE r.id = $1::text AND m.user_id = $2::text AND m.standing <> 'banned'
        ON CONFLICT (room, user_id) DO UPDATE SET notify = coalesce($3::text, p.notify),
            pinned = coalesce($4::boolean, p.pinned), hidden = coalesce($5::boolean, p.hidden),
            unread_from = CASE WHEN $6::boolean THEN $7::bigint ELSE p.unread_from END
        RETURNING notify, pinned, hidden, unread_from";
    preferences = "SELECT r.id, p.notify, p.pinned, p.hidden, p.unread_from
        FROM hubbub.preferences p JOIN hubbub.rooms r ON r.no = p.room
        JOIN hubbub.members m ON m.room = p.room AND m.user_id = p.user_id AND m.standing <> 'banned'
        WHERE p.user_id = $1::text AND r.id > $2::text
            AND (p.notify <> 'all' OR p.pinned OR p.hidden OR p.unread_from IS NOT NULL)
        ORDER BY r.id LIMIT $3::bigint + 1";
    block = "WITH there AS (SELECT FROM hubbub.blocks WHERE user_id = $1::text AND other = $2::text),
        made AS (
            INSERT INTO hubbub.blocks AS b (user_id, other, at)
            SELECT $1::text, $2::text, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
            WHERE (SELECT count(*) FROM (SELECT FROM hubbub.blocks WHERE user_id = $1::text LIMIT $3::bigint) counted) < $3
            ON CONFLICT (user_id, other) DO UPDATE SET at = b.at RETURNING other)
        SELECT EXISTS (SELECT FROM there) OR EXISTS (SELECT FROM made) AS done";
    unblock = "DELETE FROM hubbub.blocks WHERE user_id = $1 AND other = $2";
    blocks = "SELECT other, at FROM hubbub.blocks WHERE user_id = $1::text AND other > $2::text
        ORDER BY other LIMIT $3::bigint + 1";
    is_room = "SELECT FROM hubbub.rooms WHERE id = $1 AND kind <> 'deleted'";
    report = "INSERT INTO hubbub.reports (room, target, reporter, reason, at, state)
        SELECT r.no, $2::bigint, $3::text, $4::text, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'open'
        FROM hubbub.rooms r
        WHERE r.id = $1::text AND r.kind <> 'deleted' AND (SELECT count(*) FROM (
            SELECT FROM hubbub.reports WHERE reporter = $3::text AND state = 'open' LIMIT $5::bigint) counted) < $5
        ON CONFLICT DO NOTHING RETURNING no";
    reported = "SELECT p.*, r.id FROM hubbub.reports p JOIN hubbub.rooms r ON r.no = p.room
        WHERE r.id = $1::text AND p.target = $2::bigint AND p.reporter = $3::text";
    reports = "SELECT p.*, r.id FROM hubbub.reports p JOIN hubbub.rooms r ON r.no = p.room
        WHERE p.no > $1::bigint ORDER BY p.no LIMIT $2::bigint + 1";
    reports_by_state = "SELECT p.*, r.id FROM hubbub.reports p JOIN hubbub.rooms r ON r.no = p.room
        WHERE p.no > $1::bigint AND p.state = $3::text ORDER BY p.no LIMIT $2::bigint + 1";
    reports_of_room = "SELECT p.*, r.id FROM hubbub.reports p JOIN hubbub.rooms r ON r.no = p.room
        WHERE p.room = (SELECT no FROM hubbub.rooms WHERE id = $4::text) AND p.no > $1::bigint
            AND ($3::text IS NULL OR p.state = $3)
        ORDER BY p.no LIMIT $2::bigint + 1";
    settle = "UPDATE hubbub.reports p SET state = $3::text,
            settled_by = CASE WHEN $3::text = 'open' THEN NULL WHEN p.state = $3 THEN p.settled_by ELSE $4::text END,
            settled_at = CASE WHEN $3::text = 'open' THEN NULL WHEN p.state = $3 THEN p.settled_at
                ELSE (extract(epoch FROM clock_timestamp()) * 1000)::bigint END
        FROM hubbub.rooms r WHERE r.no = p.room AND p.no = $1::bigint AND ($2::text IS NULL OR r.id = $2)
        RETURNING p.*, r.id";
    invite = "WITH gone AS (
            DELETE FROM hubbub.invites i USING hubbub.rooms r
            WHERE r.id = $1::text AND i.room = r.no AND i.user_id = $2::text
                AND i.expires_at <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        INSERT INTO hubbub.invites AS i (room, user_id, by_user, at, expires_at)
        SELECT r.no, $2::text, $3::text, clock.now, clock.now + $4::bigint
        FROM hubbub.rooms r, (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) clock
        WHERE r.id = $1::text AND r.kind <> 'deleted' AND (SELECT count(*) FROM (
            SELECT FROM hubbub.invites w WHERE w.room = r.no AND w.expires_at > clock.now LIMIT $5::bigint) counted) < $5
            AND (SELECT count(*) FROM (SELECT FROM hubbub.invites w WHERE w.user_id = $2 AND w.expires_at > clock.now
                LIMIT $6::bigint) counted) < $6
        ON CONFLICT (room, user_id, by_user) DO UPDATE SET at = excluded.at, expires_at = excluded.expires_at
            WHERE i.expires_at <= excluded.at
        RETURNING at";
    sweep_invites = "DELETE FROM hubbub.invites i USING (
            SELECT room, user_id, by_user FROM hubbub.invites
            WHERE expires_at <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint
            ORDER BY expires_at LIMIT $1::bigint FOR UPDATE SKIP LOCKED) old
        WHERE i.room = old.room AND i.user_id = old.user_id AND i.by_user = old.by_user";
    invited = "SELECT i.*, r.id, NOT EXISTS (
            SELECT FROM hubbub.blocks b WHERE b.user_id = i.user_id AND b.other = i.by_user) AS may_know
        FROM hubbub.rooms r JOIN hubbub.invites i ON i.room = r.no
        WHERE r.id = $1::text AND i.user_id = $2::text AND ($3::text IS NULL OR i.by_user = $3)
            AND i.expires_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        ORDER BY i.at, i.by_user";
    invites = "SELECT DISTINCT ON (r.id) i.*, r.id, r.kind, r.name FROM hubbub.invites i JOIN hubbub.rooms r ON r.no = i.room
        WHERE i.user_id = $1::text AND r.id > $2::text
            AND i.expires_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint
            AND NOT EXISTS (SELECT FROM hubbub.blocks b WHERE b.user_id = i.user_id AND b.other = i.by_user)
            AND NOT EXISTS (SELECT FROM hubbub.members m WHERE m.room = i.room AND m.user_id = i.user_id)
        ORDER BY r.id, i.at, i.by_user LIMIT $3::bigint + 1";
    end_invites = "DELETE FROM hubbub.invites i USING hubbub.rooms r
        WHERE r.id = $1::text AND i.room = r.no AND i.user_id = $2::text";
    moderators = "SELECT m.user_id FROM hubbub.rooms r JOIN hubbub.members m ON m.room = r.no
        WHERE r.id = $1::text AND (m.standing = 'admin' OR (m.standing = 'member' AND m.rank = 'moderator'))
        ORDER BY m.user_id LIMIT $2::bigint";
}

/// In the database of a store of logs.
pub struct PostgresPeople {
    store: Arc<PostgresStore>,
    sql: Texts,
}

impl PostgresPeople {
    /// Beside the logs of this store.
    pub fn new(store: Arc<PostgresStore>) -> Self {
        let sql = Texts::new(&store.schema);
        Self { store, sql }
    }
}

impl PostgresPeople {
    async fn reported(&self, new: &NewReport) -> Result<Option<Report>, StoreError> {
        let (room, target, reporter) = (new.room.as_str(), number(new.target), new.reporter.as_str());
        let rows = patiently(self.store.ask(&self.sql.reported, &[&room, &target, &reporter])).await?;
        rows.first().map(report).transpose()
    }
}

fn preferences(row: &Row) -> Preferences {
    let unread_from = row.get::<_, Option<i64>>("unread_from").map(seq);
    columns::preferences(row.get("notify"), row.get("pinned"), row.get("hidden"), unread_from)
}

fn report(row: &Row) -> Result<Report, StoreError> {
    let by = row.get::<_, Option<&str>>("settled_by").map(columns::user).transpose()?;
    Ok(Report {
        number: row.get::<_, i64>("no").cast_unsigned(),
        room: columns::room(row.get("id"))?,
        target: seq(row.get("target")),
        reporter: columns::user(row.get("reporter"))?,
        reason: row.get("reason"),
        at: Timestamp(row.get("at")),
        state: ReportState::parse(row.get("state")).map_err(|why| StoreError::Broken(why.to_string()))?,
        settled: row.get::<_, Option<i64>>("settled_at").map(Timestamp).zip(by),
    })
}

fn invite(row: &Row) -> Result<Invite, StoreError> {
    Ok(Invite {
        room: columns::room(row.get("id"))?,
        user: columns::user(row.get("user_id"))?,
        by: columns::user(row.get("by_user"))?,
        at: Timestamp(row.get("at")),
        expires_at: Timestamp(row.get("expires_at")),
    })
}

fn cut<T>(rows: &[Row], limit: usize, read: impl Fn(&Row) -> Result<T, StoreError>) -> Result<ListPart<T>, StoreError> {
    let items = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(ListPart::cut(items, count(limit).cast_unsigned()))
}

#[async_trait]
impl PeopleStore for PostgresPeople {
    async fn set_preferences(
        &self,
        user: &UserId,
        room: &RoomId,
        change: PreferencesChange,
    ) -> Result<Option<Preferences>, StoreError> {
        let (room, user) = (room.as_str(), user.as_str());
        let notify = change.notify.map(Notify::word);
        let (is_moved, from) = (change.unread_from.is_some(), change.unread_from.flatten().map(number));
        let params: [&(dyn ToSql + Sync); 7] =
            [&room, &user, &notify, &change.pinned, &change.hidden, &is_moved, &from];
        let rows = patiently(self.store.ask(&self.sql.set_preferences, &params)).await?;
        Ok(rows.first().map(preferences))
    }

    async fn preferences(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<ListPart<(RoomId, Preferences)>, StoreError> {
        let (user, after) = (user.as_str(), after.map_or("", RoomId::as_str));
        let rows = patiently(self.store.ask(&self.sql.preferences, &[&user, &after, &count(limit)])).await?;
        cut(&rows, limit, |row| Ok((columns::room(row.get("id"))?, preferences(row))))
    }

    async fn block(&self, user: &UserId, other: &UserId, most: usize) -> Result<Blocked, StoreError> {
        let (user, other, most) = (user.as_str(), other.as_str(), most as i64);
        let rows = patiently(self.store.ask(&self.sql.block, &[&user, &other, &most])).await?;
        let done = rows.first().is_some_and(|row| row.get("done"));
        Ok(if done { Blocked::Done } else { Blocked::TooMany })
    }

    async fn unblock(&self, user: &UserId, other: &UserId) -> Result<(), StoreError> {
        let (user, other) = (user.as_str(), other.as_str());
        patiently(self.store.ask(&self.sql.unblock, &[&user, &other])).await.map(drop)
    }

    async fn blocks(
        &self,
        user: &UserId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<ListPart<(UserId, Timestamp)>, StoreError> {
        let (user, after) = (user.as_str(), after.map_or("", UserId::as_str));
        let rows = patiently(self.store.ask(&self.sql.blocks, &[&user, &after, &count(limit)])).await?;
        cut(&rows, limit, |row| Ok((columns::user(row.get("other"))?, Timestamp(row.get("at")))))
    }

    async fn report(&self, new: &NewReport, most: usize) -> Result<Reported, StoreError> {
        let (room, target, reporter, most) =
            (new.room.as_str(), number(new.target), new.reporter.as_str(), most as i64);
        let made =
            patiently(self.store.ask(&self.sql.report, &[&room, &target, &reporter, &new.reason, &most])).await?;
        if let Some(there) = self.reported(new).await? {
            return Ok(if made.is_empty() { Reported::Is(there) } else { Reported::New(there) });
        }
        let is_room = !patiently(self.store.ask(&self.sql.is_room, &[&room])).await?.is_empty();
        Ok(if is_room { Reported::TooMany } else { Reported::NoRoom })
    }

    async fn reports(&self, filter: &ReportFilter, after: u64, limit: usize) -> Result<ListPart<Report>, StoreError> {
        let (after, most) = (after.cast_signed(), count(limit));
        let state = filter.state.map(ReportState::word);
        let rows = match (&filter.room, &state) {
            (Some(room), state) => {
                patiently(self.store.ask(&self.sql.reports_of_room, &[&after, &most, state, &room.as_str()])).await?
            }
            (None, Some(state)) => {
                patiently(self.store.ask(&self.sql.reports_by_state, &[&after, &most, state])).await?
            }
            (None, None) => patiently(self.store.ask(&self.sql.reports, &[&after, &most])).await?,
        };
        Ok(part_of_reports(rows.iter().map(report).collect::<Result<_, _>>()?, limit))
    }

    async fn settle_report(
        &self,
        number: u64,
        in_room: Option<&RoomId>,
        state: ReportState,
        by: &UserId,
    ) -> Result<Option<Report>, StoreError> {
        let (number, room) = (number.cast_signed(), in_room.map(RoomId::as_str));
        let (state, by) = (state.word(), by.as_str());
        let rows = patiently(self.store.ask(&self.sql.settle, &[&number, &room, &state, &by])).await?;
        rows.first().map(report).transpose()
    }

    async fn invite(&self, new: &NewInvite, most: usize) -> Result<Invited, StoreError> {
        let (room, user, by) = (new.room.as_str(), new.user.as_str(), new.by.as_str());
        let (lasts, most, of_user) = (new.lasts.as_millis() as i64, most as i64, INVITES_OF_USER as i64);
        patiently(self.store.ask(&self.sql.sweep_invites, &[&(SWEPT as i64)])).await?;
        let made = patiently(self.store.ask(&self.sql.invite, &[&room, &user, &by, &lasts, &most, &of_user])).await?;
        let rows = patiently(self.store.ask(&self.sql.invited, &[&room, &user, &Some(by)])).await?;
        if let Some(row) = rows.first() {
            return Ok(Invited::Is { invite: invite(row)?, is_news: !made.is_empty() && row.get("may_know") });
        }
        let is_room = !patiently(self.store.ask(&self.sql.is_room, &[&room])).await?.is_empty();
        Ok(if is_room { Invited::TooMany } else { Invited::NoRoom })
    }

    async fn invites(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<ListPart<ListedInvite>, StoreError> {
        let (user, after) = (user.as_str(), after.map_or("", RoomId::as_str));
        let rows = patiently(self.store.ask(&self.sql.invites, &[&user, &after, &count(limit)])).await?;
        cut(&rows, limit, |row| {
            Ok(ListedInvite { invite: invite(row)?, kind: columns::kind(row.get("kind"))?, name: row.get("name") })
        })
    }

    async fn invites_into(&self, user: &UserId, room: &RoomId) -> Result<Vec<Invite>, StoreError> {
        let (room, user) = (room.as_str(), user.as_str());
        let rows = patiently(self.store.ask(&self.sql.invited, &[&room, &user, &None::<&str>])).await?;
        rows.iter().filter(|row| row.get("may_know")).map(invite).collect()
    }

    async fn end_invites(&self, room: &RoomId, user: &UserId) -> Result<(), StoreError> {
        let (room, user) = (room.as_str(), user.as_str());
        patiently(self.store.ask(&self.sql.end_invites, &[&room, &user])).await.map(drop)
    }

    async fn moderators(&self, room: &RoomId, limit: usize) -> Result<Vec<UserId>, StoreError> {
        let rows = patiently(self.store.ask(&self.sql.moderators, &[&room.as_str(), &count(limit)])).await?;
        rows.iter().map(|row| columns::user(row.get("user_id"))).collect()
    }
}
