//! What is in quarantine: shown, and released once its session is known.

use super::number;
use crate::{
    features::portals::store::{Quarantined, Releasable, portal_id},
    store::{
        StoreError,
        columns::{self, count, weight},
        sqlite::lists::Filling,
    },
};
use hubbub_core::{limits::RELEASED_TOGETHER, log::room::ListPart, model::time::Timestamp, portal::PortalId};
use rusqlite::{Connection, Row, Transaction, params};

/// The columns of an event in quarantine.
const KEPT: &str = "q.no AS no, q.at AS at, q.session AS session, q.external AS external, q.author AS author, q.text AS text, \
    q.data AS data, q.event AS event, q.awaits AS awaits, q.until AS until";

fn kept(row: &Row<'_>, portal: &PortalId) -> Result<Quarantined, StoreError> {
    Ok(Quarantined {
        number: number(row.get("no")?),
        portal: portal.clone(),
        at: Timestamp(row.get("at")?),
        session: row.get("session")?,
        external: row.get("external")?,
        from: columns::user(&row.get::<_, String>("author")?)?,
        text: row.get("text")?,
        data: row.get("data")?,
        event: row.get("event")?,
        awaits: row.get("awaits")?,
        until: row.get::<_, Option<i64>>("until")?.map(Timestamp),
    })
}

pub(crate) fn list(
    snapshot: &Connection,
    portal: &PortalId,
    after: u64,
    limit: usize,
) -> Result<ListPart<Quarantined>, StoreError> {
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT {KEPT} FROM quarantine q JOIN portals p ON p.no = q.portal WHERE p.id = ?1 AND q.no > ?2
         ORDER BY q.no LIMIT ?3"
    ))?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![portal.as_str(), after, count(limit) + 1])?;
    let mut part = Filling::new(limit);
    while let Some(row) = rows.next()? {
        let kept = kept(row, portal)?;
        if !part.take(weight([Some(&kept.text), kept.data.as_deref(), None]), || kept) {
            break;
        }
    }
    Ok(part.done)
}

pub(crate) fn releasable(snapshot: &Connection) -> Result<Vec<Releasable>, StoreError> {
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT {KEPT}, p.id AS portal_id, p.no AS portal_no, s.id AS session_id
         FROM (SELECT *, row_number() OVER (PARTITION BY room ORDER BY no) AS nth FROM quarantine WHERE room IS NOT NULL) q
         JOIN portals p ON p.no = q.portal JOIN sessions s ON s.room = q.room
         WHERE q.nth <= ?1 ORDER BY q.no LIMIT ?2"
    ))?;
    let each = RELEASED_TOGETHER as i64;
    let mut rows = statement.query([each, 8 * each])?;
    let mut releasable = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |name: &str| row.get::<_, String>(name);
        releasable.push(Releasable {
            kept: kept(row, &portal_id(&text("portal_id")?)?)?,
            portal: row.get("portal_no")?,
            session: columns::room(&text("session_id")?)?,
        });
    }
    Ok(releasable)
}

pub(crate) fn released(transaction: &Transaction<'_>, gone: &[u64], held: &[u64]) -> Result<(), StoreError> {
    let mut drop = transaction.prepare_cached("DELETE FROM quarantine WHERE no = ?1")?;
    for number in gone {
        drop.execute([number.cast_signed()])?;
    }
    let sql = "UPDATE quarantine SET awaits = 0, room = NULL, until = NULL WHERE no = ?1";
    let mut hold = transaction.prepare_cached(sql)?;
    for number in held {
        hold.execute([number.cast_signed()])?;
    }
    Ok(())
}

/// Has events leave whose session has become known without this being noticed, by the program before. Where two sessions have the
/// id, an operator decides. Throws away what has waited too long.
pub(crate) fn sweep(transaction: &Transaction<'_>, at: Timestamp) -> Result<Vec<(PortalId, u64)>, StoreError> {
    transaction.execute(
        "UPDATE quarantine SET room = found.room FROM (
             SELECT no, coalesce(named, CASE WHEN holders = 1 THEN holder END) AS room FROM (
                 SELECT q.no AS no, min(s.room) AS named, count(DISTINCT had.room) AS holders, min(had.room) AS holder
                 FROM quarantine q
                 LEFT JOIN sessions s ON s.id = q.session AND s.portal = q.portal
                 LEFT JOIN (SELECT portal, external, room FROM session_externals
                            UNION SELECT portal, external, room FROM sessions WHERE external IS NOT NULL) had
                     ON had.portal = q.portal AND had.external = q.external
                 WHERE q.awaits AND q.room IS NULL GROUP BY q.no)
         ) found WHERE quarantine.no = found.no AND found.room IS NOT NULL",
        [],
    )?;
    let mut statement = transaction.prepare_cached(
        "SELECT p.id AS id, count(*) AS events FROM quarantine q JOIN portals p ON p.no = q.portal
         WHERE q.awaits AND q.room IS NULL AND q.until < ?1 GROUP BY p.id",
    )?;
    let expired: Vec<(String, i64)> =
        statement.query_map([at.0], |row| Ok((row.get("id")?, row.get("events")?)))?.collect::<Result<_, _>>()?;
    transaction.execute("DELETE FROM quarantine WHERE awaits AND room IS NULL AND until < ?1", [at.0])?;
    expired.into_iter().map(|(id, events)| Ok((portal_id(&id)?, number(events)))).collect()
}

/// Whether anything waits for its session to become known.
pub(crate) fn does_anything_wait(snapshot: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM quarantine WHERE awaits AND room IS NULL) AS waits";
    Ok(snapshot.prepare_cached(sql)?.query_row([], |row| row.get("waits"))?)
}
