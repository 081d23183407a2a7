//! The portals' own ids of conversations: learned, and whose they are. A file has one writer: whoever teaches an id and whoever puts
//! something into quarantine come one after the other.

use crate::{
    features::portals::store::{Learned, Teacher},
    store::{StoreError, columns},
};
use hubbub_core::{
    limits::{EXTERNAL_HOLDERS, EXTERNALS_PER_SESSION},
    log::kinds::SessionState,
    model::{
        ids::{RoomId, UserId},
        time::Timestamp,
    },
    portal::{PortalId, externals::Holder},
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// The id that goes out from a session `s`.
pub(crate) const CURRENT: &str = "coalesce((SELECT x.external FROM session_externals x WHERE x.room = s.room \
    ORDER BY x.since DESC LIMIT 1), s.external)";

/// Keeps an id, and has what waits for it leave quarantine.
pub(crate) fn learn(transaction: &Transaction<'_>, learned: &Learned, at: Timestamp) -> Result<(), StoreError> {
    let room: Option<i64> = transaction
        .prepare_cached("SELECT room FROM sessions WHERE id = ?1")?
        .query_row([learned.session.as_str()], |row| row.get("room"))
        .optional()?;
    room.map_or(Ok(()), |room| learn_for(transaction, room, &learned.external, learned.by, at))
}

/// The same, where the room's number is known.
pub(crate) fn learn_for(
    transaction: &Transaction<'_>,
    room: i64,
    external: &str,
    by: Teacher,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (leads, even_shared) = (by.leads(), by == Teacher::Answer);
    transaction
        .prepare_cached(
            "INSERT INTO session_externals (portal, external, room, since)
             SELECT portal, external, room, created_at FROM sessions WHERE room = ?1 AND external IS NOT NULL
             ON CONFLICT DO NOTHING",
        )?
        .execute([room])?;
    transaction
        .prepare_cached(
            "INSERT INTO session_externals (portal, external, room, since)
             SELECT s.portal, ?2, s.room, CASE WHEN ?3 THEN
                 max(?5, 1 + coalesce((SELECT max(x.since) FROM session_externals x WHERE x.room = s.room), 0)) ELSE 0 END
             FROM sessions s
             WHERE s.room = ?1 AND (?4 OR NOT (
                 EXISTS (SELECT 1 FROM session_externals o WHERE o.portal = s.portal AND o.external = ?2 AND o.room <> s.room)
                 OR EXISTS (SELECT 1 FROM sessions o WHERE o.portal = s.portal AND o.external = ?2 AND o.room <> s.room)))
             ON CONFLICT (portal, external, room) DO UPDATE SET since = max(since, excluded.since)",
        )?
        .execute(params![room, external, leads, even_shared, at.0])?;
    transaction
        .prepare_cached(
            "DELETE FROM session_externals WHERE room = ?1 AND external NOT IN (
                 SELECT external FROM session_externals WHERE room = ?1 ORDER BY since DESC, external LIMIT ?2)",
        )?
        .execute(params![room, EXTERNALS_PER_SESSION as i64])?;
    transaction
        .prepare_cached(
            "UPDATE quarantine SET room = ?1
             WHERE portal = (SELECT portal FROM sessions WHERE room = ?1) AND external = ?2 AND awaits AND room IS NULL
                 AND EXISTS (SELECT 1 FROM session_externals x WHERE x.room = ?1 AND x.external = ?2)",
        )?
        .execute(params![room, external])?;
    if !leads {
        return Ok(());
    }
    // The program before, to which one may go back, knows one id of a session, and one session of an id.
    transaction
        .prepare_cached("UPDATE OR IGNORE sessions SET external = ?2 WHERE room = ?1 AND external IS NOT ?2")?
        .execute(params![room, external])?;
    Ok(())
}

/// What names this session leaves quarantine.
pub(crate) fn bind_session(transaction: &Transaction<'_>, room: i64) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE quarantine SET room = ?1 WHERE portal = (SELECT portal FROM sessions WHERE room = ?1)
             AND session = (SELECT id FROM sessions WHERE room = ?1) AND awaits AND room IS NULL",
        [room],
    )?;
    Ok(())
}

/// Sessions that have or had an id, those told last.
pub(crate) fn holders(snapshot: &Connection, portal: i64, external: &str) -> Result<Vec<Holder>, StoreError> {
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT s.id AS id, s.room AS made, r.session AS state, {CURRENT} = ?2 AS current
         FROM (SELECT room FROM (SELECT x.room AS room FROM session_externals x WHERE x.portal = ?1 AND x.external = ?2
                   ORDER BY x.since DESC LIMIT ?3)
               UNION SELECT l.room FROM sessions l WHERE l.portal = ?1 AND l.external = ?2) had
         JOIN sessions s ON s.room = had.room JOIN rooms r ON r.no = s.room ORDER BY s.room"
    ))?;
    let mut rows = statement.query(params![portal, external, EXTERNAL_HOLDERS as i64])?;
    let mut holders = Vec::new();
    while let Some(row) = rows.next()? {
        let state = columns::session(row.get::<_, Option<String>>("state")?.as_deref())?;
        holders.push(Holder {
            session: columns::room(&row.get::<_, String>("id")?)?,
            made: row.get("made")?,
            open: state != Some(SessionState::Closed),
            current: row.get::<_, Option<bool>>("current")?.unwrap_or_default(),
        });
    }
    Ok(holders)
}

/// Sessions from which an id goes out, those told last first.
pub(crate) fn called(snapshot: &Connection, portal: &PortalId, external: &str) -> Result<Vec<RoomId>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT s.id AS id FROM portals p JOIN session_externals x ON x.portal = p.no JOIN sessions s ON s.room = x.room
         WHERE p.id = ?1 AND x.external = ?2
             AND NOT EXISTS (SELECT 1 FROM session_externals y WHERE y.room = x.room AND y.since > x.since)
         ORDER BY x.since DESC LIMIT ?3",
    )?;
    let asked = params![portal.as_str(), external, EXTERNAL_HOLDERS as i64];
    let ids = statement.query_map(asked, |row| row.get::<_, String>("id"))?.collect::<Result<Vec<_>, _>>()?;
    ids.iter().map(|id| columns::room(id)).collect()
}

/// Who ended somebody's last membership.
pub(crate) fn removed_by(snapshot: &Connection, session: &RoomId, user: &UserId) -> Result<Option<UserId>, StoreError> {
    let author: Option<String> = snapshot
        .prepare_cached(
            "SELECT e.author AS author FROM rooms r JOIN entries e ON e.room = r.no
             WHERE r.id = ?1 AND e.subject = ?2 AND e.kind IN ('left', 'banned') ORDER BY e.seq DESC LIMIT 1",
        )?
        .query_row([session.as_str(), user.as_str()], |row| row.get("author"))
        .optional()?;
    author.as_deref().map(columns::user).transpose()
}

/// The ids that a session was called by before, and the other sessions that are called as it is now.
pub(crate) fn shown(
    snapshot: &Connection,
    room: i64,
    external: Option<&str>,
    most: (usize, usize),
) -> Result<(Vec<String>, Vec<RoomId>), StoreError> {
    let Some(external) = external else { return Ok((vec![], vec![])) };
    let former = snapshot
        .prepare_cached(
            "SELECT external FROM session_externals WHERE room = ?1 AND external <> ?2 ORDER BY since DESC LIMIT ?3",
        )?
        .query_map(params![room, external, most.0 as i64], |row| row.get("external"))?
        .collect::<Result<_, _>>()?;
    let shared = snapshot
        .prepare_cached(
            "SELECT o.id AS id FROM session_externals x JOIN sessions o ON o.room = x.room
             WHERE x.portal = (SELECT portal FROM sessions WHERE room = ?1) AND x.external = ?2 AND x.room <> ?1
                 AND NOT EXISTS (SELECT 1 FROM session_externals y WHERE y.room = x.room AND y.since > x.since)
             ORDER BY x.since DESC LIMIT ?3",
        )?
        .query_map(params![room, external, most.1 as i64], |row| row.get::<_, String>("id"))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok((former, shared.iter().map(|id| columns::room(id)).collect::<Result<_, _>>()?))
}
