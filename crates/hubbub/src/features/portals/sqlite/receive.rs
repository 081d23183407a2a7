//! Messages of portals: each once per event, all of a batch in one transaction.

use super::claims::learn;
use crate::{
    features::portals::store::{Incoming, Received},
    store::{
        StoreError,
        columns::{self, seq},
        sqlite::{append, incarnation},
    },
};
use hubbub_core::{
    log::{
        batch::{BatchReads, BatchWrites},
        entry::Place,
        kinds::{Message, What},
    },
    model::{ids::RoomId, json::Json, seq::Epoch, time::Timestamp},
    portal::{
        PortalId,
        intake::{Addressee, Batch, introduce},
    },
};
use rusqlite::{OptionalExtension, Transaction, params};
use uuid::Uuid;

/// With `quarantine` what is there counts as taken.
pub(crate) fn receive(
    transaction: &Transaction<'_>,
    messages: &[Incoming],
    quarantine: bool,
    at: Timestamp,
) -> Result<Vec<Received>, StoreError> {
    let mut to = messages.iter().map(|message| addressee(transaction, message)).collect::<Result<Vec<_>, _>>()?;
    introduce(messages, &mut to);
    let mut batch = Batch::new(messages, &to);
    for n in 0..messages.len() {
        let Some((portal, event)) = batch.event(n) else { continue };
        if let Some(known) = known(transaction, portal, event)? {
            batch.answer(n, known);
        } else if quarantine && let Some(number) = held(transaction, portal, event)? {
            batch.answer(n, Received::Quarantined(number));
        }
    }
    batch.set_repeats_aside();
    for n in batch.open(false) {
        if messages[n].quarantine
            && let Some(portal) = to[n].portal
        {
            let number = put_into_quarantine(transaction, portal, &messages[n], at)?;
            batch.answer(n, Received::Quarantined(number));
        }
    }
    let of = batch.open(true);
    let drafts = batch.drafts(&of);
    let (ledger, numbers) = append::load(transaction, &BatchReads::of(&drafts))?;
    let fresh = batch.answer_logged(&of, &ledger);
    let drafts = batch.drafts(&fresh);
    let decided = BatchWrites::of(ledger, &drafts, at);
    batch.decided(&fresh, &drafts, &decided.outcomes);
    append::write(transaction, &decided, &numbers, true, at)?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO portal_events (portal, event, room, seq) VALUES (?1, ?2, ?3, ?4)")?;
    for ((portal, event), number) in batch.numbered(&of) {
        let room = of.iter().find(|n| batch.event(**n) == Some((portal, event))).and_then(|n| batch.room(*n));
        insert.execute(params![portal, event, room, columns::number(number)])?;
    }
    for (session, external) in batch.learned() {
        if let Some(room) = numbers.get(session) {
            learn(transaction, *room, external)?;
        }
    }
    Ok(batch.answers())
}

fn addressee(transaction: &Transaction<'_>, message: &Incoming) -> Result<Addressee, StoreError> {
    let portal: Option<i64> = transaction
        .prepare_cached("SELECT no FROM portals WHERE id = ?1")?
        .query_row([message.portal.as_str()], |row| row.get("no"))
        .optional()?;
    let found: Option<(String, i64, Option<String>)> = transaction
        .prepare_cached(
            "SELECT r.id AS id, r.no AS no, s.external AS external FROM sessions s JOIN rooms r ON r.no = s.room
             WHERE s.room = coalesce(
                 (SELECT named.room FROM rooms JOIN sessions named ON named.room = rooms.no
                  WHERE rooms.id = ?2 AND named.portal = ?1),
                 (SELECT known.room FROM sessions known WHERE known.portal = ?1 AND known.external = ?3))",
        )?
        .query_row(params![portal, message.session, message.external], |row| {
            Ok((row.get("id")?, row.get("no")?, row.get("external")?))
        })
        .optional()?;
    let (session, external) = match found {
        Some((id, room, external)) => (Some((columns::room(&id)?, room)), external),
        None => (None, None),
    };
    Ok(Addressee { portal, session, external })
}

/// The answer to an event that was taken before.
fn known(transaction: &Transaction<'_>, portal: i64, event: &str) -> Result<Option<Received>, StoreError> {
    let found: Option<(String, i64, [u8; 16], i64, i64)> = transaction
        .prepare_cached(
            "SELECT r.id AS session_id, e.seq AS seq, t.id AS id, t.at AS at, r.generation AS generation
             FROM portal_events e JOIN rooms r ON r.no = e.room JOIN entries t ON t.room = e.room AND t.seq = e.seq WHERE e.portal = ?1 AND e.event = ?2",
        )?
        .query_row(params![portal, event], |row| {
            Ok((row.get("session_id")?, row.get("seq")?, row.get("id")?, row.get("at")?, row.get("generation")?))
        })
        .optional()?;
    let Some((session, number, id, at, generation)) = found else { return Ok(None) };
    let epoch = Epoch { incarnation: incarnation(transaction)?, generation: columns::epoch_part(generation)? };
    let place = Place { id: Uuid::from_bytes(id), seq: seq(number), epoch, at: Timestamp(at) };
    Ok(Some(Received::Repeated { session: columns::room(&session)?, place }))
}

fn held(transaction: &Transaction<'_>, portal: i64, event: &str) -> Result<Option<u64>, StoreError> {
    let number: Option<i64> = transaction
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
    let (text, data) = match &message.draft.what {
        What::Message(Message { text, data, .. }) => (text.as_str(), data.as_ref().map(Json::as_str)),
        _ => ("", None),
    };
    transaction.execute(
        "INSERT INTO quarantine (portal, event, session, external, author, text, data, at, id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING",
        params![
            portal,
            message.event,
            message.session,
            message.external,
            message.draft.from.as_str(),
            text,
            data,
            at.0,
            message.draft.id.as_bytes()
        ],
    )?;
    let sql = "SELECT no FROM quarantine WHERE id = ?1";
    let number: i64 = transaction.query_row(sql, [message.draft.id.as_bytes()], |row| row.get("no"))?;
    Ok(number.cast_unsigned())
}

pub(crate) fn release(
    transaction: &Transaction<'_>,
    number: u64,
    message: &Incoming,
    session: Option<&RoomId>,
    at: Timestamp,
) -> Result<Option<Received>, StoreError> {
    let is_there: bool = transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM quarantine q JOIN portals p ON p.no = q.portal WHERE p.id = ?1 AND q.no = ?2) AS there",
        params![message.portal.as_str(), number.cast_signed()],
        |row| row.get("there"),
    )?;
    if !is_there {
        return Ok(None);
    }
    let message = message.released(number, session);
    let portal = message.portal.clone();
    let received = receive(transaction, &[message], false, at)?.pop();
    if matches!(received, Some(Received::Stored { .. } | Received::Repeated { .. })) {
        drop_event(transaction, &portal, number)?;
    }
    Ok(received)
}

pub(crate) fn drop_event(transaction: &Transaction<'_>, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
    let dropped = transaction.execute(
        "DELETE FROM quarantine WHERE no = ?2 AND portal = (SELECT no FROM portals WHERE id = ?1)",
        params![portal.as_str(), number.cast_signed()],
    )?;
    Ok(dropped > 0)
}
