//! Sessions: made with their rooms, and listed with their cursors.

use super::externals::{self, CURRENT};
use crate::{
    features::portals::store::{Filter, Opened, Session, SessionProposal, Teacher, portal_id},
    store::{
        RoomProposal, StoreError,
        columns::{self, ENTRY_BYTES, count, seq},
        cursors::{COLUMNS, refs_of},
        sqlite::{
            append::{self, Numbers},
            cursors, incarnation,
            lists::Filling,
            read,
        },
    },
};
use hubbub_core::{
    limits::{EXTERNALS_SHOWN, FAILED_SHOWN, SHARED_SHOWN},
    log::{
        batch::{BatchWrites, NewEntry},
        room::ListPart,
    },
    model::{
        access::RoomKind,
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
        time::Timestamp,
    },
    portal::PortalId,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

pub(crate) fn open(transaction: &Transaction<'_>, new: &SessionProposal, at: Timestamp) -> Result<Opened, StoreError> {
    let sql = "SELECT no FROM portals WHERE id = ?1 AND deleted_at IS NULL";
    let portal: Option<i64> = transaction.query_row(sql, [new.portal.as_str()], |row| row.get("no")).optional()?;
    let Some(portal) = portal else { return Ok(Opened::UnknownPortal) };
    if let Some(session) = one(transaction, &new.id)? {
        return Ok(Opened::Exists(Box::new(session)));
    }
    if read::room(transaction, None, &new.id)?.is_some() {
        return Ok(Opened::OtherRoom);
    }
    let sql = "SELECT count(*) AS sessions FROM sessions WHERE customer = ?1 AND portal = ?2";
    let sessions: i64 =
        transaction.query_row(sql, params![new.customer.as_str(), portal], |row| row.get("sessions"))?;
    if new.most.is_some_and(|most| sessions >= most as i64) {
        return Ok(Opened::TooMany);
    }
    let holders = new.external.as_deref().map(|external| externals::holders(transaction, portal, external));
    let holders = holders.transpose()?.unwrap_or_default();
    if let Some(holder) = holders.first().filter(|_| !new.shares_external) {
        return Ok(Opened::ExternalTaken(holder.session.clone()));
    }
    transaction.execute(
        "INSERT INTO rooms (id, kind, name, created_at, session) VALUES (?1, ?2, ?3, ?4, 'open')",
        params![new.id.as_str(), RoomKind::Private.word(), new.name, at.0],
    )?;
    let room = transaction.last_insert_rowid();
    let founding =
        RoomProposal { id: new.id.clone(), kind: RoomKind::Private, name: new.name.clone(), first: new.first.clone() };
    let epoch = Epoch { incarnation: incarnation(transaction)?, generation: 1 };
    let decided = BatchWrites::founding(&founding, epoch, at);
    transaction.execute(
        "INSERT INTO sessions (room, portal, customer, created_at, id) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![room, portal, new.customer.as_str(), at.0, new.id.as_str()],
    )?;
    if let Some(external) = &new.external {
        externals::learn_for(transaction, room, external, Teacher::Answer, at)?;
    }
    externals::bind_session(transaction, room)?;
    let head = decided.entries.last().map_or(Seq::ZERO, |entry| entry.place.seq);
    cursors::make(transaction, room, portal, head)?;
    append::write(transaction, append::ROOMS, &decided, &Numbers::from([(new.id.clone(), room)]), at)?;
    let entries = decided.entries.iter().map(NewEntry::entry).collect();
    let session = one(transaction, &new.id)?;
    let session = session.ok_or_else(|| StoreError::Broken(format!("session {} was made and is not there", new.id)))?;
    Ok(Opened::New(Box::new(session), entries))
}

pub(crate) fn one(snapshot: &Connection, id: &RoomId) -> Result<Option<Session>, StoreError> {
    Ok(list(snapshot, &Filter { session: Some(id.clone()), ..Filter::default() }, None, 1)?.items.pop())
}

pub(crate) fn list(
    snapshot: &Connection,
    filter: &Filter,
    after: Option<&RoomId>,
    limit: usize,
) -> Result<ListPart<Session>, StoreError> {
    // No plan of SQLite's uses an index where the value may be anything.
    let only = |is: bool, condition: &'static str, any: &'static str| if is { condition } else { any };
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT {COLUMNS}, s.id AS session_id, p.id AS portal_id, s.customer AS customer, {CURRENT} AS external,
            s.refs AS refs, r.session AS state
         FROM sessions s JOIN rooms r ON r.no = s.room JOIN cursors c ON c.room = s.room JOIN portals p ON p.no = s.portal
         WHERE s.id > ?5 AND {} AND {} AND {} AND {} AND {} ORDER BY s.id LIMIT ?6",
        only(filter.session.is_some(), "s.id = ?1", "?1 IS NULL"),
        only(filter.portal.is_some(), "s.portal = (SELECT no FROM portals WHERE id = ?2)", "?2 IS NULL"),
        only(filter.customer.is_some(), "s.customer = ?3", "?3 IS NULL"),
        only(filter.waiting, "?4 AND s.room IN (SELECT room FROM cursors WHERE due_at IS NOT NULL AND position < head
            UNION ALL SELECT room FROM cursors WHERE blocked AND position < head)", "NOT ?4"),
        only(filter.shared, "EXISTS (SELECT 1 FROM session_externals x JOIN session_externals o
                ON o.portal = x.portal AND o.external = x.external AND o.room <> x.room
            WHERE x.room = s.room
                AND NOT EXISTS (SELECT 1 FROM session_externals y WHERE y.room = x.room AND y.since > x.since)
                AND NOT EXISTS (SELECT 1 FROM session_externals y WHERE y.room = o.room AND y.since > o.since))", "true"),
    ))?;
    let mut rows = statement.query(params![
        filter.session.as_ref().map(RoomId::as_str),
        filter.portal.as_ref().map(PortalId::as_str),
        filter.customer.as_ref().map(UserId::as_str),
        filter.waiting,
        after.map_or("", RoomId::as_str),
        count(limit) + 1,
    ])?;
    let mut failures = snapshot.prepare_cached(
        "SELECT seq FROM dead_letters WHERE room = ?1 AND delivered_at IS NULL ORDER BY seq LIMIT ?2",
    )?;
    let mut part = Filling::new(limit);
    while let Some(row) = rows.next()? {
        let text = |name: &str| row.get::<_, String>(name);
        let (found, attempts) = (cursors::read(row)?, text("cursor_attempts")?.len());
        let id = columns::room(&text("session_id")?)?;
        let state = columns::session(row.get::<_, Option<String>>("state")?.as_deref())?;
        let failed = failures.query_map(params![found.room, FAILED_SHOWN as i64], |row| row.get::<_, i64>("seq"))?;
        let failed = failed.map(|number| number.map(seq)).collect::<Result<_, _>>()?;
        let room = read::room(snapshot, None, &id)?;
        let (_, view) = room.ok_or_else(|| StoreError::Broken(format!("session {id} has no room")))?;
        let external: Option<String> = row.get("external")?;
        let most = (EXTERNALS_SHOWN, SHARED_SHOWN);
        let (former, shared_with) = externals::shown(snapshot, found.room, external.as_deref(), most)?;
        let session = Session {
            room: view.room,
            portal: portal_id(&text("portal_id")?)?,
            customer: columns::user(&text("customer")?)?,
            state: state.ok_or_else(|| StoreError::Broken("a session without a state".into()))?,
            external,
            externals: former,
            shared_with,
            refs: refs_of(row.get::<_, Option<String>>("refs")?.as_deref())?,
            delivery: found.cursor.delivery(failed),
        };
        if !part.take(ENTRY_BYTES + attempts, || session) {
            break;
        }
    }
    Ok(part.done)
}
