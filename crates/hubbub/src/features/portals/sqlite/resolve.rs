//! Where messages of portals go: sessions by their ids, events that are known, quarantine.

use crate::{
    features::portals::store::{Incoming, Received, Resolved},
    store::{StoreError, columns, sqlite::events},
};
use hubbub_core::{
    model::{json::Json, time::Timestamp},
    portal::{
        PortalId,
        intake::{Addressee, Intake},
    },
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::sync::Arc;

/// With `quarantine` what is there counts as taken. `None`: something is to be kept in quarantine, which only a transaction can.
pub(crate) fn resolve(
    snapshot: &Connection,
    messages: &[Arc<Incoming>],
    quarantine: bool,
) -> Result<Option<Vec<Resolved>>, StoreError> {
    let intake = look(snapshot, messages, quarantine)?;
    Ok(intake.homeless().is_empty().then(|| intake.resolved()))
}

/// Keeps in quarantine what belongs there.
pub(crate) fn resolve_and_keep(
    transaction: &Transaction<'_>,
    messages: &[Arc<Incoming>],
    at: Timestamp,
) -> Result<Vec<Resolved>, StoreError> {
    let mut intake = look(transaction, messages, true)?;
    for (n, portal) in intake.homeless() {
        let number = put_into_quarantine(transaction, portal, &messages[n], at)?;
        intake.know(n, Received::Quarantined(number));
    }
    Ok(intake.resolved())
}

fn look<'a>(snapshot: &Connection, messages: &'a [Arc<Incoming>], quarantine: bool) -> Result<Intake<'a>, StoreError> {
    let to = messages.iter().map(|message| addressee(snapshot, message)).collect::<Result<Vec<_>, _>>()?;
    let mut intake = Intake::new(messages, to);
    let named: Vec<_> = intake.events().collect();
    for (n, portal, event) in named {
        if let Some((session, place)) = events::known(snapshot, portal, event)? {
            intake.know(n, Received::Repeated { session, place });
        } else if quarantine && let Some(number) = held(snapshot, portal, event)? {
            intake.know(n, Received::Quarantined(number));
        }
    }
    intake.join_repeats();
    Ok(intake)
}

/// Whether the portal has an event of this number in quarantine.
pub(crate) fn is_in_quarantine(snapshot: &Connection, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM quarantine q JOIN portals p ON p.no = q.portal
        WHERE p.id = ?1 AND q.no = ?2) AS there";
    Ok(snapshot.query_row(sql, params![portal.as_str(), number.cast_signed()], |row| row.get("there"))?)
}

fn addressee(snapshot: &Connection, message: &Incoming) -> Result<Addressee, StoreError> {
    let portal: Option<i64> = snapshot
        .prepare_cached("SELECT no FROM portals WHERE id = ?1")?
        .query_row([message.portal.as_str()], |row| row.get("no"))
        .optional()?;
    let found: Option<(String, Option<String>)> = snapshot
        .prepare_cached(
            "SELECT r.id AS id, s.external AS external FROM sessions s JOIN rooms r ON r.no = s.room
             WHERE s.room = coalesce(
                 (SELECT named.room FROM rooms JOIN sessions named ON named.room = rooms.no
                  WHERE rooms.id = ?2 AND named.portal = ?1),
                 (SELECT known.room FROM sessions known WHERE known.portal = ?1 AND known.external = ?3))",
        )?
        .query_row(params![portal, message.session, message.external], |row| Ok((row.get("id")?, row.get("external")?)))
        .optional()?;
    let (session, external) = match found {
        Some((id, external)) => (Some(columns::room(&id)?), external),
        None => (None, None),
    };
    Ok(Addressee { portal, session, external })
}

fn held(snapshot: &Connection, portal: i64, event: &str) -> Result<Option<u64>, StoreError> {
    let number: Option<i64> = snapshot
        .prepare_cached("SELECT no FROM quarantine WHERE portal = ?1 AND event = ?2")?
        .query_row(params![portal, event], |row| row.get("no"))
        .optional()?;
    Ok(number.map(i64::cast_unsigned))
}

fn put_into_quarantine(
    transaction: &Transaction<'_>,
    portal: i64,
    message: &Incoming,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let (text, data) = (message.message.text.as_str(), message.message.data.as_ref().map(Json::as_str));
    transaction.execute(
        "INSERT INTO quarantine (portal, event, session, external, author, text, data, at, id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            portal,
            message.event,
            message.session,
            message.external,
            message.from.as_str(),
            text,
            data,
            at.0,
            message.id.as_bytes()
        ],
    )?;
    let sql = "SELECT no FROM quarantine WHERE id = ?1 OR (portal = ?2 AND event = ?3)";
    let kept = params![message.id.as_bytes(), portal, message.event];
    let number: i64 = transaction.query_row(sql, kept, |row| row.get("no"))?;
    Ok(number.cast_unsigned())
}

pub(crate) fn drop_event(transaction: &Transaction<'_>, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
    let dropped = transaction.execute(
        "DELETE FROM quarantine WHERE no = ?2 AND portal = (SELECT no FROM portals WHERE id = ?1)",
        params![portal.as_str(), number.cast_signed()],
    )?;
    Ok(dropped > 0)
}
