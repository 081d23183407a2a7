//! Where messages of portals go: sessions by their ids, events that are known, quarantine.

use super::externals::{self, CURRENT};
use crate::{
    features::portals::store::{Incoming, Received, Resolved},
    store::{StoreError, columns, sqlite::events},
};
use hubbub_core::{
    limits::{AWAITED_FOR, QUARANTINED},
    model::{ids::RoomId, json::Json, time::Timestamp},
    portal::{
        PortalId,
        intake::{Addressee, Homeless, Intake},
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
    for one in intake.homeless() {
        if let Some(learned) = &one.learned {
            externals::learn(transaction, learned, at)?;
        }
        match put_into_quarantine(transaction, &one, &messages[one.n], at)? {
            Some(number) => intake.know(one.n, Received::Quarantined(number)),
            None => intake.turn_away(&one),
        }
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
    if !quarantine {
        intake.overtake();
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
    let Some(portal) = portal else { return Ok(Addressee::default()) };
    let named: Option<(String, i64, bool)> = snapshot
        .prepare_cached(&format!(
            "SELECT s.id AS id, s.room AS room, {CURRENT} IS NOT NULL AS called FROM sessions s
             WHERE s.id = ?2 AND s.portal = ?1"
        ))?
        .query_row(params![portal, message.session], |row| Ok((row.get("id")?, row.get("room")?, row.get("called")?)))
        .optional()?;
    let external = message.external.as_deref();
    let holders = external.map(|external| externals::holders(snapshot, portal, external));
    let holders = holders.transpose()?.unwrap_or_default();
    let mut behind = is_there(snapshot, "quarantine WHERE portal = ?1 AND external = ?2 AND awaits", portal, external)?;
    for room in named.iter().map(|(_, room, _)| *room).chain(holders.iter().map(|holder| holder.made)) {
        behind = behind || is_there(snapshot, "quarantine WHERE portal = ?1 AND room = ?2", portal, room)?;
    }
    let due = "cursors WHERE portal = ?1 AND due_at IS NOT NULL AND ?2 IS NULL";
    let under_way = external.is_some()
        && named.is_none()
        && holders.is_empty()
        && is_there(snapshot, due, portal, rusqlite::types::Null)?;
    Ok(Addressee {
        portal: Some(portal),
        session: named.as_ref().map(|(id, _, _)| columns::room(id)).transpose()?,
        has_external: named.is_some_and(|(_, _, called)| called),
        holders,
        behind,
        under_way,
    })
}

fn is_there(snapshot: &Connection, which: &str, portal: i64, named: impl rusqlite::ToSql) -> Result<bool, StoreError> {
    let mut statement = snapshot.prepare_cached(&format!("SELECT EXISTS (SELECT 1 FROM {which}) AS there"))?;
    Ok(statement.query_row(params![portal, named], |row| row.get("there"))?)
}

fn held(snapshot: &Connection, portal: i64, event: &str) -> Result<Option<u64>, StoreError> {
    let number: Option<i64> = snapshot
        .prepare_cached("SELECT no FROM quarantine WHERE portal = ?1 AND event = ?2")?
        .query_row(params![portal, event], |row| row.get("no"))
        .optional()?;
    Ok(number.map(i64::cast_unsigned))
}

/// `None`: there is no room for it.
fn put_into_quarantine(
    transaction: &Transaction<'_>,
    homeless: &Homeless,
    message: &Incoming,
    at: Timestamp,
) -> Result<Option<u64>, StoreError> {
    let (text, data) = (message.message.content.text.as_str(), message.message.content.data.as_ref().map(Json::as_str));
    let within = homeless.expires.then_some(AWAITED_FOR.as_millis() as i64);
    transaction
        .prepare_cached(
            "INSERT INTO quarantine (portal, event, session, external, author, text, data, at, id, awaits, room, until)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, (SELECT room FROM sessions WHERE id = ?11), ?8 + ?12
             WHERE (SELECT count(*) FROM (SELECT 1 FROM quarantine WHERE portal = ?1 LIMIT ?13)) < ?13
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            homeless.portal,
            message.event,
            message.session,
            message.external,
            message.from.as_str(),
            text,
            data,
            at.0,
            message.id.as_bytes(),
            homeless.awaits,
            homeless.session.as_ref().map(RoomId::as_str),
            within,
            QUARANTINED as i64,
        ])?;
    let sql = "SELECT no FROM quarantine WHERE id = ?1 OR (portal = ?2 AND event = ?3)";
    let kept = params![message.id.as_bytes(), homeless.portal, message.event];
    let number: Option<i64> = transaction.query_row(sql, kept, |row| row.get("no")).optional()?;
    Ok(number.map(i64::cast_unsigned))
}

pub(crate) fn drop_event(transaction: &Transaction<'_>, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
    let dropped = transaction.execute(
        "DELETE FROM quarantine WHERE no = ?2 AND portal = (SELECT no FROM portals WHERE id = ?1)",
        params![portal.as_str(), number.cast_signed()],
    )?;
    Ok(dropped > 0)
}
