//! Events: names that are taken by one entry each, in the transaction of that entry. A row is made behind the locks of the rooms,
//! with the number 0 until the entry has its own.

use super::{PostgresStore, general::Numbers, pool::Lease};
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
use std::collections::{BTreeSet, HashMap};
use tokio_postgres::Row;

/// Events of a batch: those that its transaction has taken, and those that were taken before.
#[derive(Default)]
pub(crate) struct BatchEvents {
    taken: BTreeSet<EventName>,
    pub known: HashMap<EventName, Option<(RoomId, Place)>>,
}

/// Reads a row of `known_events`: which of those asked it answers, and the entry that took the event.
pub(crate) fn known(row: &Row) -> Result<(usize, RoomId, Place), StoreError> {
    let nth = usize::try_from(row.get::<_, i64>("ord") - 1).unwrap_or(usize::MAX);
    let part = |name: &str| columns::epoch_part(row.get(name));
    let epoch = Epoch { incarnation: part("incarnation")?, generation: part("generation")? };
    let place = Place { id: row.get("id"), seq: seq(row.get("seq")), epoch, at: Timestamp(row.get("at")) };
    Ok((nth, columns::room(row.get("room_id"))?, place))
}

impl PostgresStore {
    /// Takes the events of a batch for its rooms, which the transaction has locked, and looks up those that were taken before.
    /// Whoever takes the same events elsewhere waits for the first of them and holds none that we wait for: rows are made in
    /// the order of their names.
    pub(crate) async fn take_events(&self, lease: &Lease, asked: &BatchReads<'_>) -> Result<BatchEvents, StoreError> {
        let mut events = BatchEvents::default();
        if asked.events.is_empty() {
            return Ok(events);
        }
        let (take, known_events) = tokio::try_join!(
            lease.prepare_cached(&self.sql.take_events),
            lease.prepare_cached(&self.sql.known_events)
        )?;
        let scopes: Vec<i64> = asked.events.iter().map(|(event, _)| event.scope).collect();
        let names: Vec<&str> = asked.events.iter().map(|(event, _)| &*event.name).collect();
        let rooms: Vec<&str> = asked.events.iter().map(|(_, room)| room.as_str()).collect();
        let (taken, known_rows) = tokio::join!(
            biased;
            async { lease.query(&take, &[&scopes, &names, &rooms]).await },
            // Taken by somebody else while the first waited: committed by now, and a statement of its own sees it.
            async { lease.query(&known_events, &[&scopes, &names]).await },
        );
        let name = |row: &Row| EventName { scope: row.get("portal"), name: row.get::<_, &str>("event").into() };
        events.taken = taken?.iter().map(name).collect();
        let asked: Vec<&EventName> = asked.events.iter().map(|(event, _)| *event).collect();
        let others = asked.iter().filter(|event| !events.taken.contains(**event));
        events.known = others.map(|event| ((*event).clone(), None)).collect();
        for row in &known_rows? {
            let (nth, room, place) = known(row)?;
            if let Some(event) = asked.get(nth) {
                events.known.insert((*event).clone(), Some((room, place)));
            }
        }
        Ok(events)
    }

    /// Writes which entries took the events of a batch, and gives back those that none took.
    pub(crate) async fn write_events(
        &self,
        lease: &Lease,
        events: &BatchEvents,
        decided: &BatchWrites<'_>,
        numbers: &Numbers,
    ) -> Result<(), StoreError> {
        if events.taken.is_empty() {
            return Ok(());
        }
        let (mut scopes, mut names, mut rooms, mut seqs) = (vec![], vec![], vec![], vec![]);
        for (event, (room, seq)) in &decided.changes.taken {
            let no = numbers.get(room).ok_or_else(|| StoreError::Broken(format!("room {room} was not locked")))?;
            scopes.push(event.scope);
            names.push(&*event.name);
            rooms.push(*no);
            seqs.push(number(*seq));
        }
        let left = events.taken.iter().filter(|event| !decided.changes.taken.contains_key(*event));
        let (left_scopes, left_names): (Vec<i64>, Vec<&str>) = left.map(|event| (event.scope, &*event.name)).unzip();
        let set = lease.prepare_cached(&self.sql.number_events).await?;
        let drop = lease.prepare_cached(&self.sql.drop_events).await?;
        let (set, dropped) = tokio::join!(
            biased;
            async { lease.execute(&set, &[&scopes, &names, &rooms, &seqs]).await },
            async {
                match left_names.is_empty() {
                    true => Ok(0),
                    false => lease.execute(&drop, &[&left_scopes, &left_names]).await,
                }
            },
        );
        set.and(dropped)?;
        Ok(())
    }
}
