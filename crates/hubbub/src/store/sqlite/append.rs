//! The transaction: read what the drafts are about, decide, write what changed.

use super::{
    super::{
        Created, Room, RoomProposal, StoreError,
        columns::{self, number, seq},
    },
    cursors::mark,
    deep, events, incarnation,
    people::is_blocked,
    read,
};
use hubbub_core::{
    log::{
        batch::{BatchReads, BatchWrites, NewEntry},
        body::Columns,
        entry::{Draft, Outcome},
        kinds::SessionState,
        ledger::{Known, Ledger, Person, RoomState},
        settings::Settings,
    },
    model::{
        access::{RoomKind, Standing},
        ids::RoomId,
        seq::{Epoch, Seq},
        time::Timestamp,
    },
};
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::HashMap;
use uuid::Uuid;

/// The numbers of rooms inside the database.
pub(crate) type Numbers = HashMap<RoomId, i64>;

/// The table of rooms.
pub(crate) const ROOMS: &str = "rooms";

/// What was done of a batch.
pub(crate) struct Done {
    pub outcomes: Vec<Outcome>,
    /// A stored cursor became due.
    pub due: bool,
    /// Something was blanked.
    pub deleted: bool,
}

pub(crate) fn append(transaction: &Transaction<'_>, drafts: &[Draft], at: Timestamp) -> Result<Done, StoreError> {
    let asked = BatchReads::of(drafts);
    let (mut ledger, numbers) = load(transaction, ROOMS, &asked)?;
    ledger.events = events::known_among(transaction, &asked)?;
    let decided = BatchWrites::of(ledger, drafts, at);
    events::write(transaction, &decided, &numbers)?;
    let due = write(transaction, ROOMS, &decided, &numbers, at)?;
    Ok(Done { due, deleted: !decided.changes.blanked.is_empty(), outcomes: decided.outcomes })
}

pub(crate) fn create_room(
    transaction: &Transaction<'_>,
    new: &RoomProposal,
    at: Timestamp,
) -> Result<Created, StoreError> {
    if let Some((_, view)) = read::room(transaction, None, &new.id)? {
        return Ok(Created::Exists(view.room));
    }
    transaction
        .prepare_cached("INSERT INTO rooms (id, kind, name, created_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![new.id.as_str(), new.kind.word(), new.name, at.0])?;
    let epoch = Epoch { incarnation: incarnation(transaction)?, generation: 1 };
    let decided = BatchWrites::founding(new, epoch, at);
    write(transaction, ROOMS, &decided, &Numbers::from([(new.id.clone(), transaction.last_insert_rowid())]), at)?;
    let entries: Vec<_> = decided.entries.iter().map(NewEntry::entry).collect();
    let head = entries.last().map_or(Seq::ZERO, |entry| entry.seq);
    let room = Room {
        id: new.id.clone(),
        kind: new.kind,
        name: new.name.clone(),
        head,
        floor: Seq::new(1),
        epoch,
        settings: Settings::default(),
    };
    Ok(Created::New(room, entries))
}

/// Reads it. `table`: where the rows of rooms are; [`ROOMS`], or those that are imported.
pub(crate) fn load(
    transaction: &Transaction<'_>,
    table: &str,
    asked: &BatchReads<'_>,
) -> Result<(Ledger, Numbers), StoreError> {
    let incarnation = incarnation(transaction)?;
    let mut ledger = Ledger::default();
    let mut numbers = Numbers::new();

    let mut rooms = transaction.prepare_cached(&format!(
        "SELECT no, kind, head, generation, session, floor, settings FROM {table} WHERE id = ?1"
    ))?;
    for &room in &asked.rooms {
        let found = rooms
            .query_row([room.as_str()], |row| {
                let (session, settings): (Option<String>, Option<String>) = (row.get(4)?, row.get(6)?);
                let (head, floor, generation): (i64, i64, i64) = (row.get(2)?, row.get(5)?, row.get(3)?);
                Ok((row.get(0)?, row.get::<_, String>(1)?, head, floor, generation, session, settings))
            })
            .optional()?;
        if let Some((no, kind, head, floor, generation, session, settings)) = found {
            let epoch = Epoch { incarnation, generation: columns::epoch_part(generation)? };
            let session = columns::session(session.as_deref())?;
            let state = RoomState {
                kind: columns::kind(&kind)?,
                head: seq(head),
                floor: seq(floor),
                epoch,
                session,
                settings: columns::settings(settings.as_deref())?,
            };
            ledger.rooms.insert(room.clone(), state);
            numbers.insert(room.clone(), no);
        }
    }

    let mut people = transaction.prepare_cached(
        "SELECT m.standing, m.rank, coalesce(m.joined, m.since, 0), s.muted_until, s.wrote_at,
            coalesce(s.was_reader, 0)
         FROM (SELECT ?1 AS room, ?2 AS user_id) asked
         LEFT JOIN members m ON m.room = asked.room AND m.user_id = asked.user_id
         LEFT JOIN speakers s ON s.room = asked.room AND s.user_id = asked.user_id",
    )?;
    for (room, user) in &asked.people {
        let Some(no) = numbers.get(*room) else { continue };
        let is_direct = ledger.rooms.get(*room).is_some_and(|room| room.kind == RoomKind::Direct);
        let blocked = is_direct && is_blocked(transaction, *no, user)?;
        let person = people.query_row(params![no, user.as_str()], |row| {
            let (word, rank): (Option<String>, Option<String>) = (row.get(0)?, row.get(1)?);
            Ok(Person {
                standing: Standing::read(word.as_deref(), rank.as_deref()),
                joined: seq(row.get(2)?),
                muted_until: row.get::<_, Option<i64>>(3)?.map(Timestamp),
                wrote_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
                was_reader: row.get(5)?,
                blocked,
            })
        })?;
        ledger.people.insert(((*room).clone(), (*user).clone()), person);
    }

    let mut keys = transaction
        .prepare_cached("SELECT id, seq, at, hash FROM entries WHERE room = ?1 AND author = ?2 AND key = ?3")?;
    for (room, author, key) in &asked.keys {
        let Some(no) = numbers.get(*room) else { continue };
        let found = keys
            .query_row(params![no, author.as_str(), key.as_str()], |row| {
                Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        if let Some((id, number, at, hash)) = found {
            let known =
                Known { id: Uuid::from_bytes(id), seq: seq(number), at: Timestamp(at), hash: columns::hash(hash)? };
            ledger.known.insert(((*room).clone(), (*author).clone(), (*key).clone()), known);
        }
    }
    ledger.facts = deep::load(transaction, asked, &numbers)?;
    Ok((ledger, numbers))
}

/// Writes what was decided. Says whether something became due. `table` as in [`load`].
pub(crate) fn write(
    transaction: &Transaction<'_>,
    table: &str,
    decided: &BatchWrites<'_>,
    numbers: &Numbers,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let no = |room: &RoomId| {
        numbers.get(room).copied().ok_or_else(|| StoreError::Broken(format!("room {room} was not read")))
    };
    let mut insert = transaction.prepare_cached(
        "INSERT INTO entries (room, seq, id, kind, author, at, key, hash, text, data, target, subject, role, body, effects,
            rank, thread, in_room, edit)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
    )?;
    for entry in &decided.entries {
        let what = Columns::of(&entry.what);
        insert.execute(params![
            no(entry.room)?,
            number(entry.place.seq),
            entry.place.id.as_bytes(),
            entry.what.word(),
            entry.from.as_str(),
            entry.place.at.0,
            entry.key.as_str(),
            entry.hash.0,
            what.text,
            what.data,
            what.target.map(number),
            what.subject,
            what.role,
            what.body,
            entry.what.effects().json(),
            what.rank,
            what.thread.map(number),
            what.in_room.then_some(true),
            entry.previous.map(number),
        ])?;
    }

    let mut raise = transaction.prepare_cached(&format!(
        "UPDATE {table} SET head = ?2, last_message = coalesce(?3, last_message), name = coalesce(?4, name),
            session = coalesce(?5, session), settings = CASE WHEN ?6 THEN ?7 ELSE settings END WHERE no = ?1",
    ))?;
    for (room, raised) in &decided.raised {
        let session = raised.session.map(SessionState::state);
        raise.execute(params![
            no(room)?,
            number(raised.head),
            raised.last_message.map(number),
            raised.name,
            session,
            raised.settings.is_some(),
            raised.settings.as_ref().and_then(Settings::stored),
        ])?;
    }
    let mut due = false;
    for room in &decided.sessions {
        if let Some(raised) = decided.raised.get(room) {
            due |= mark(transaction, no(room)?, raised, at)?;
        }
    }

    let mut stands = transaction.prepare_cached(
        "INSERT INTO members (room, user_id, standing, since, rank, joined, stands_since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?4)
         ON CONFLICT (room, user_id) DO UPDATE SET standing = excluded.standing, since = excluded.since,
            rank = excluded.rank, joined = excluded.joined, stands_since = excluded.stands_since",
    )?;
    let mut strangers = transaction.prepare_cached("DELETE FROM members WHERE room = ?1 AND user_id = ?2")?;
    for ((room, user), membership) in &decided.changes.members {
        match membership.standing.stored() {
            Some((word, rank)) => {
                let (since, joined) = (number(membership.since), number(membership.joined));
                stands.execute(params![no(room)?, user.as_str(), word, since, rank, joined])?;
            }
            None => {
                strangers.execute(params![no(room)?, user.as_str()])?;
            }
        }
    }
    deep::write(transaction, &decided.changes, numbers)?;
    Ok(due)
}
