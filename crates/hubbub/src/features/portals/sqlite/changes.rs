//! Edits and deletions that wait for their message, in a file.

use super::{SqlitePortals, number};
use crate::{
    features::portals::{
        changes::store::{ChangeStore, KnownMessage},
        store::portal_id,
    },
    store::{StoreError, columns},
};
use async_trait::async_trait;
use hubbub_core::{
    limits::{AWAITED_FOR, CHANGES_TOGETHER, CHANGES_WAITING},
    log::{content::Content, kinds::Text},
    model::{ids::RoomId, json::Json, seq::Seq, time::Timestamp},
    portal::{
        PortalId,
        incoming_change::{Becomes, DueChange, IncomingChange, Target, WaitingChange},
    },
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

fn due(row: &Row<'_>) -> Result<DueChange, StoreError> {
    let content = Content {
        data: row.get::<_, Option<String>>("data")?.map(Json::trusted),
        ..Content::text(Text::trusted(row.get("text")?))
    };
    let change = IncomingChange {
        portal: portal_id(&row.get::<_, String>("portal_id")?)?,
        targets: [row.get::<_, Option<String>>("target")?, row.get("other")?].into_iter().flatten().collect(),
        event: row.get("event")?,
        from: columns::user(&row.get::<_, String>("author")?)?,
        becomes: if row.get::<_, String>("means")? == "edit" { Becomes::Edited(content) } else { Becomes::Deleted },
    };
    let target = Target {
        portal: row.get("portal")?,
        session: columns::room(&row.get::<_, String>("room_id")?)?,
        seq: columns::seq(row.get("seq")?),
    };
    Ok(DueChange { waiting: WaitingChange { number: number(row.get("no")?), change }, target })
}

fn keep(transaction: &Transaction<'_>, change: &IncomingChange, at: Timestamp) -> Result<bool, StoreError> {
    let content = change.becomes.content();
    let kept = transaction
        .prepare_cached(
            "INSERT INTO portal_changes (portal, target, other, event, author, means, text, data, at, until)
             SELECT no, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9 + ?10 FROM portals p WHERE id = ?1 AND deleted_at IS NULL
                 AND (SELECT count(*) FROM (SELECT 1 FROM portal_changes c WHERE c.portal = p.no LIMIT ?11)) < ?11
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            change.portal.as_str(),
            change.targets.first(),
            change.targets.get(1),
            change.event,
            change.from.as_str(),
            change.becomes.word(),
            content.map_or("", |content| content.text.as_str()),
            content.and_then(|content| content.data.as_ref()).map(Json::as_str),
            at.0,
            AWAITED_FOR.as_millis() as i64,
            CHANGES_WAITING as i64,
        ])?;
    if kept > 0 {
        return Ok(true);
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM portal_changes c JOIN portals p ON p.no = c.portal
        WHERE p.id = ?1 AND c.event = ?2) AS there";
    Ok(transaction.query_row(sql, params![change.portal.as_str(), change.event], |row| row.get("there"))?)
}

fn all_due(snapshot: &Connection, except: &str) -> Result<Vec<DueChange>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT w.*, p.id AS portal_id, r.id AS room_id, e.seq AS seq FROM portal_changes w
         JOIN portals p ON p.no = w.portal AND p.deleted_at IS NULL
         JOIN portal_events e ON e.portal = w.portal AND e.event = coalesce(
             (SELECT v.event FROM portal_events v WHERE v.portal = w.portal AND v.event = w.target), w.other)
         JOIN rooms r ON r.no = e.room
         WHERE r.id NOT IN (SELECT value FROM json_each(?2)) ORDER BY w.no LIMIT ?1",
    )?;
    let mut rows = statement.query(params![CHANGES_TOGETHER as i64, except])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(due(row)?);
    }
    Ok(all)
}

/// What has waited too long for a message that has not come. One that is there is held up by something else.
const EXPIRED: &str = "FROM portal_changes AS c WHERE c.until < ?1
    AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.portal = c.portal AND q.event IN (c.target, c.other))
    AND NOT EXISTS (SELECT 1 FROM portal_events e WHERE e.portal = c.portal AND e.event IN (c.target, c.other))";

/// Nobody waits for these.
const ORPHANED: &str =
    "DELETE FROM portal_changes WHERE portal IN (SELECT no FROM portals WHERE deleted_at IS NOT NULL)";

/// Throws away those of a portal that is being deleted.
pub(super) fn forget(transaction: &Transaction<'_>, portal: &PortalId) -> Result<(), StoreError> {
    let sql = "DELETE FROM portal_changes
        WHERE portal IN (SELECT no FROM portals WHERE id = ?1 AND deleted_at IS NOT NULL)";
    transaction.execute(sql, [portal.as_str()])?;
    Ok(())
}

fn sweep(transaction: &Transaction<'_>, at: Timestamp) -> Result<Vec<(PortalId, u64)>, StoreError> {
    transaction.execute(ORPHANED, [])?;
    let sql = format!(
        "SELECT p.id AS id, count(*) AS events FROM (SELECT portal {EXPIRED}) gone JOIN portals p ON p.no = gone.portal
         GROUP BY p.id"
    );
    let mut swept = Vec::new();
    let mut statement = transaction.prepare_cached(&sql)?;
    let mut rows = statement.query([at.0])?;
    while let Some(row) = rows.next()? {
        swept.push((portal_id(&row.get::<_, String>("id")?)?, number(row.get("events")?)));
    }
    transaction.execute(&format!("DELETE {EXPIRED}"), [at.0])?;
    Ok(swept)
}

fn is_empty(snapshot: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM portal_changes) AS empty";
    Ok(snapshot.query_row(sql, [], |row| row.get("empty"))?)
}

fn known(snapshot: &Connection, session: &RoomId, seq: Seq) -> Result<Option<KnownMessage>, StoreError> {
    let found: Option<(i64, [u8; 16], bool)> = snapshot
        .prepare_cached(
            "SELECT e.room AS room, e.id AS id, coalesce(e.gone, 0) AS gone FROM entries e JOIN rooms r ON r.no = e.room
             WHERE r.id = ?1 AND e.seq = ?2",
        )?
        .query_row(params![session.as_str(), columns::number(seq)], |row| {
            Ok((row.get("room")?, row.get("id")?, row.get("gone")?))
        })
        .optional()?;
    let Some((room, id, gone)) = found else { return Ok(None) };
    let sql = "SELECT event FROM portal_events WHERE room = ?1 AND seq = ?2 ORDER BY event LIMIT 256";
    let mut statement = snapshot.prepare_cached(sql)?;
    let events = statement.query_map(params![room, columns::number(seq)], |row| row.get("event"))?;
    Ok(Some(KnownMessage { id: Uuid::from_bytes(id), gone, events: events.collect::<Result<_, _>>()? }))
}

#[async_trait]
impl ChangeStore for SqlitePortals {
    async fn keep_change(&self, change: &IncomingChange) -> Result<bool, StoreError> {
        let change = change.clone();
        self.store.writer.write(move |transaction, at| keep(transaction, &change, at)).await
    }

    async fn changes_wait(&self, portal: &PortalId, targets: &[String]) -> Result<bool, StoreError> {
        let (portal, targets) = (portal.clone(), columns::to_json(&targets));
        let look = move |snapshot: &Connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM portal_changes c JOIN portals p ON p.no = c.portal WHERE p.id = ?1
                AND (c.target IN (SELECT value FROM json_each(?2)) OR c.other IN (SELECT value FROM json_each(?2)))) AS there";
            Ok(snapshot.query_row(sql, params![portal.as_str(), targets], |row| row.get("there"))?)
        };
        self.store.readers.read(look).await
    }

    async fn due_changes(&self, except: &[RoomId]) -> Result<Vec<DueChange>, StoreError> {
        let except: Vec<&str> = except.iter().map(RoomId::as_str).collect();
        let except = columns::to_json(&except);
        self.store.readers.read(move |snapshot| all_due(snapshot, &except)).await
    }

    async fn drop_changes(&self, numbers: &[u64]) -> Result<(), StoreError> {
        let numbers = columns::to_json(&numbers);
        let write = move |transaction: &Transaction<'_>, _| {
            let sql = "DELETE FROM portal_changes WHERE no IN (SELECT value FROM json_each(?1))";
            transaction.execute(sql, [numbers])?;
            Ok(())
        };
        // What one of them said may have been deleted since.
        self.store.writer.write_or_delete(write, |()| true).await
    }

    async fn sweep_changes(&self) -> Result<Vec<(PortalId, u64)>, StoreError> {
        // There are none, mostly, and a write costs the disk a turn.
        if self.store.readers.read(is_empty).await? {
            return Ok(vec![]);
        }
        self.store.writer.write_or_delete(sweep, |swept| !swept.is_empty()).await
    }

    async fn known_message(&self, session: &RoomId, seq: Seq) -> Result<Option<KnownMessage>, StoreError> {
        let session = session.clone();
        self.store.readers.read(move |snapshot| known(snapshot, &session, seq)).await
    }
}
