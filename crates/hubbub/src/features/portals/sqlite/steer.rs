//! What operators do about portals and sessions.

use super::claims::write_beside;
use crate::{
    features::portals::store::{Orphan, Steer},
    store::{
        StoreError,
        columns::{self, count, number},
        sqlite::cursors,
    },
};
use hubbub_core::{
    model::{ids::RoomId, seq::Seq, time::Timestamp},
    portal::PortalId,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

pub(crate) fn note_trouble(
    transaction: &Transaction<'_>,
    portal: &PortalId,
    trouble: Option<String>,
) -> Result<(), StoreError> {
    let sql = "UPDATE portals SET trouble = ?2 WHERE id = ?1 AND trouble IS NOT ?2";
    transaction.execute(sql, params![portal.as_str(), trouble])?;
    Ok(())
}

pub(crate) fn delete_portal(
    transaction: &Transaction<'_>,
    portal: &PortalId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql =
        "UPDATE portals SET deleted_at = ?2, standing = 'disabled', why = 'closing', secrets = ?3, trouble = NULL,
            revision = revision + 1 WHERE id = ?1 AND deleted_at IS NULL";
    let none = r#"{"outgoing":[],"incoming":[]}"#;
    let deleted = transaction.execute(sql, params![portal.as_str(), at.0, none])? > 0;
    let sql =
        "DELETE FROM portal_grants WHERE portal IN (SELECT no FROM portals WHERE id = ?1 AND deleted_at IS NOT NULL)";
    transaction.execute(sql, [portal.as_str()])?;
    super::refused::forget(transaction, portal)?;
    super::changes::forget(transaction, portal)?;
    Ok(deleted)
}

/// Some of them; and whether there are portals whose sessions are not known to be closed.
pub(crate) fn orphans(snapshot: &Connection, limit: usize) -> Result<(Vec<Orphan>, bool), StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM portals WHERE deleted_at IS NOT NULL AND why = 'closing') AS closing";
    let closing = snapshot.query_row(sql, [], |row| row.get("closing"))?;
    let mut statement = snapshot.prepare_cached(
        "SELECT s.id AS id, s.customer AS customer, CASE WHEN c.position < c.head THEN c.head END AS waits
         FROM portals p JOIN sessions s ON s.portal = p.no JOIN rooms r ON r.no = s.room JOIN cursors c ON c.room = s.room
         WHERE p.deleted_at IS NOT NULL AND p.why = 'closing' AND r.session <> 'closed' ORDER BY s.id LIMIT ?1",
    )?;
    let mut rows = statement.query([count(limit)])?;
    let mut orphans = Vec::new();
    while let Some(row) = rows.next()? {
        orphans.push(Orphan {
            session: columns::room(&row.get::<_, String>("id")?)?,
            customer: columns::user(&row.get::<_, String>("customer")?)?,
            waits: row.get::<_, Option<i64>>("waits")?.map(columns::seq),
        });
    }
    Ok((orphans, closing))
}

pub(crate) fn no_orphans(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute("UPDATE portals SET why = 'deleted' WHERE deleted_at IS NOT NULL AND why = 'closing'", [])?;
    Ok(())
}

pub(crate) fn steer(
    transaction: &Transaction<'_>,
    session: &RoomId,
    how: &Steer,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "SELECT room FROM sessions WHERE id = ?1";
    let room: Option<i64> = transaction.query_row(sql, [session.as_str()], |row| row.get("room")).optional()?;
    let Some(mut row) = room.map(|room| cursors::of(transaction, room)).transpose()?.flatten() else {
        return Ok(false);
    };
    let next = Seq::new(row.cursor.position.get() + 1);
    let sql =
        "SELECT EXISTS (SELECT 1 FROM dead_letters WHERE room = ?1 AND seq = ?2 AND delivered_at IS NULL) AS there";
    let found: bool = transaction.query_row(sql, params![row.room, number(next)], |row| row.get("there"))?;
    let at_dead_letter = row.cursor.blocked && found;
    let (done, beside) = how.apply(&mut row.cursor, at_dead_letter, at);
    if let Some(beside) = beside {
        write_beside(transaction, &mut row, beside, at)?;
    }
    cursors::write(transaction, &row)?;
    Ok(done)
}
