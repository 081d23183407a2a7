//! Events: names that are taken by one entry each, in the transaction of that entry.

use super::{append::Numbers, incarnation};
use crate::store::{
    StoreError,
    columns::{self, number, seq},
};
use hubbub_core::{
    log::{
        batch::{BatchReads, BatchWrites},
        entry::{EventName, Place},
    },
    model::{ids::RoomId, seq::Epoch, time::Timestamp},
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::HashMap;
use uuid::Uuid;

/// The entry that took an event, and its room.
pub(crate) fn known(snapshot: &Connection, scope: i64, name: &str) -> Result<Option<(RoomId, Place)>, StoreError> {
    let found: Option<(String, i64, [u8; 16], i64, i64)> = snapshot
        .prepare_cached(
            "SELECT r.id AS room_id, e.seq AS seq, t.id AS id, t.at AS at, r.generation AS generation
             FROM portal_events e JOIN rooms r ON r.no = e.room JOIN entries t ON t.room = e.room AND t.seq = e.seq
             WHERE e.portal = ?1 AND e.event = ?2",
        )?
        .query_row(params![scope, name], |row| {
            Ok((row.get("room_id")?, row.get("seq")?, row.get("id")?, row.get("at")?, row.get("generation")?))
        })
        .optional()?;
    let Some((room, number, id, at, generation)) = found else { return Ok(None) };
    let epoch = Epoch { incarnation: incarnation(snapshot)?, generation: columns::epoch_part(generation)? };
    let place = Place { id: Uuid::from_bytes(id), seq: seq(number), epoch, at: Timestamp(at) };
    Ok(Some((columns::room(&room)?, place)))
}

/// Those of a batch's events that were taken before.
pub(crate) fn known_among(
    transaction: &Transaction<'_>,
    asked: &BatchReads<'_>,
) -> Result<HashMap<EventName, Option<(RoomId, Place)>>, StoreError> {
    let mut events = HashMap::new();
    for (event, _) in &asked.events {
        let is_taken: bool = transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM portal_events WHERE portal = ?1 AND event = ?2) AS taken")?
            .query_row(params![event.scope, event.name], |row| row.get("taken"))?;
        if is_taken {
            events.insert((*event).clone(), known(transaction, event.scope, &event.name)?);
        }
    }
    Ok(events)
}

/// Writes which entries took the events of a batch.
pub(crate) fn write(
    transaction: &Transaction<'_>,
    decided: &BatchWrites<'_>,
    numbers: &Numbers,
) -> Result<(), StoreError> {
    let mut insert =
        transaction.prepare_cached("INSERT INTO portal_events (portal, event, room, seq) VALUES (?1, ?2, ?3, ?4)")?;
    for (event, (room, seq)) in &decided.changes.taken {
        let no = numbers.get(room).ok_or_else(|| StoreError::Broken(format!("room {room} was not read")))?;
        insert.execute(params![event.scope, event.name, no, number(*seq)])?;
    }
    Ok(())
}
