//! Imports and exports.

use super::{
    super::{
        StoreError,
        archive::{Abandoned, Archive, Begun, KEEPER_SETTINGS, RoomRow, differing, keeper},
        columns,
        deleted::TABLES,
    },
    SqliteStore, append,
};
use async_trait::async_trait;
use hubbub_core::{
    log::{
        batch::{BatchReads, BatchWrites},
        entry::{Draft, Outcome},
        kinds::SessionState,
        ledger::Happened,
        settings::Settings,
    },
    model::{
        ids::{RoomId, UserId},
        json::Json,
        time::Timestamp,
    },
    moving::{RoomLine, UserLine},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// Where the rows of rooms are that are imported.
const IMPORTS: &str = "imports";

#[async_trait]
impl Archive for SqliteStore {
    async fn begin(&self, room: &RoomLine) -> Result<Begun, StoreError> {
        let room = room.clone();
        self.writer.write(move |transaction, at| begin(transaction, &room, at)).await
    }

    async fn replay(&self, drafts: &[Draft], happened: &[Happened]) -> Result<Vec<Outcome>, StoreError> {
        let (drafts, happened) = (drafts.to_vec(), happened.to_vec());
        let replay = move |transaction: &Transaction<'_>, at| replay(transaction, &drafts, &happened, at);
        let (outcomes, _) = self.writer.write_or_delete(replay, |(_, is_blanked)| *is_blanked).await?;
        Ok(outcomes)
    }

    async fn open(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>, StoreError> {
        let rooms = rooms.to_vec();
        self.writer.write(move |transaction, at| open(transaction, &rooms, at)).await
    }

    async fn abandon(&self, room: &RoomId) -> Result<Abandoned, StoreError> {
        let room = room.clone();
        let abandon = move |transaction: &Transaction<'_>, _| abandon(transaction, &room);
        self.writer.write_or_delete(abandon, |done| matches!(done, Abandoned::Free | Abandoned::Kept)).await
    }

    async fn put_new_users(&self, users: &[UserLine]) -> Result<(), StoreError> {
        let users = users.to_vec();
        let put = move |transaction: &Transaction<'_>, at: Timestamp| {
            let sql = "INSERT INTO users (id, info, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            let mut put = transaction.prepare_cached(sql)?;
            for UserLine { user, info } in &users {
                put.execute(params![user.as_str(), info.as_str(), at.0])?;
            }
            Ok(())
        };
        self.writer.write(put).await
    }

    async fn rooms(&self, after: Option<&RoomId>, limit: usize) -> Result<Vec<RoomLine>, StoreError> {
        let after = after.cloned();
        self.readers.read(move |snapshot| rooms(snapshot, after.as_ref(), limit)).await
    }

    async fn users(&self, after: Option<&UserId>, limit: usize) -> Result<Vec<UserLine>, StoreError> {
        let after = after.cloned();
        self.readers
            .read(move |snapshot| {
                let mut users =
                    snapshot.prepare_cached("SELECT id, info FROM users WHERE id > ?1 ORDER BY id LIMIT ?2")?;
                let mut rows =
                    users.query(params![after.as_ref().map_or("", UserId::as_str), columns::count(limit)])?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    let user = columns::user(&row.get::<_, String>(0)?)?;
                    found.push(UserLine { user, info: Json::trusted(row.get(1)?) });
                }
                Ok(found)
            })
            .await
    }
}

fn begin(transaction: &Transaction<'_>, room: &RoomLine, at: Timestamp) -> Result<Begun, StoreError> {
    let id = room.id.as_str();
    let begun: Option<(String, i64, Option<i64>)> = transaction
        .query_row("SELECT kind, no, opened_at FROM imports WHERE id = ?1", [id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    if let Some((kind, no, opened_at)) = begun {
        let kind = columns::kind(&kind)?;
        let is_there = "SELECT EXISTS (SELECT 1 FROM rooms WHERE id = ?1 AND no = ?2)";
        return Ok(if kind != room.kind {
            Begun::Other(kind)
        } else if opened_at.is_none() {
            begin_again(transaction, no, room)?
        } else if transaction.query_row(is_there, params![id, no], |row| row.get(0))? {
            Begun::Open
        } else {
            Begun::Taken
        });
    }
    let made = transaction.execute(
        "INSERT INTO rooms (id, kind, name, created_at, settings) VALUES (?1, ?2, '', ?3, ?4) ON CONFLICT (id) DO NOTHING",
        params![id, keeper(room.kind).word(), at.0, KEEPER_SETTINGS],
    )?;
    if made == 0 {
        return Ok(Begun::Taken);
    }
    let no = transaction.last_insert_rowid();
    let renumber = "UPDATE rooms SET no = (SELECT max(no) + 1 FROM rooms) WHERE no = ?1 RETURNING no";
    let closed: i64 = transaction.query_row(renumber, [no], |row| row.get(0))?;
    transaction.execute(
        "INSERT INTO imports (no, id, kind, name, created_at, settings, session, closed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            no,
            id,
            room.kind.word(),
            room.name,
            room.at.unwrap_or(at).0,
            Settings::stored(&room.settings),
            room.session.map(SessionState::state),
            closed
        ],
    )?;
    inform(transaction, no, room)?;
    Ok(Begun::Closed)
}

fn inform(transaction: &Transaction<'_>, no: i64, room: &RoomLine) -> Result<(), StoreError> {
    if !room.topic.is_empty() || room.data.is_some() {
        let data = room.data.as_ref().map(Json::as_str);
        let sql = "INSERT INTO room_infos (room, topic, data) VALUES (?1, ?2, ?3)";
        transaction.execute(sql, params![no, room.topic, data])?;
    }
    Ok(())
}

/// Goes on with a room that is closed.
fn begin_again(transaction: &Transaction<'_>, no: i64, room: &RoomLine) -> Result<Begun, StoreError> {
    let sql = "SELECT c.id, c.kind, c.name, c.created_at, c.settings, c.session, i.topic, i.data, c.head
        FROM imports c LEFT JOIN room_infos i ON i.room = c.no WHERE c.no = ?1";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query([no])?;
    let Some(row) = rows.next()? else { return Ok(Begun::Taken) };
    let (begun, head) = (line(row)?, row.get::<_, i64>(8)?);
    let differing = differing(&begun, room);
    if head > 0 {
        let mut of_kind = transaction.prepare_cached("SELECT 1 FROM entries WHERE room = ?1 AND kind = ?2 LIMIT 1")?;
        'differing: for (field, kinds) in differing {
            for kind in kinds {
                if of_kind.exists(params![no, kind])? {
                    continue 'differing;
                }
            }
            return Ok(Begun::Changed(field));
        }
    } else if !differing.is_empty() {
        transaction.execute(
            "UPDATE imports SET name = ?2, created_at = ?3, settings = ?4, session = ?5 WHERE no = ?1",
            params![
                no,
                room.name,
                room.at.or(begun.at).unwrap_or_default().0,
                Settings::stored(&room.settings),
                room.session.map(SessionState::state)
            ],
        )?;
        transaction.execute("DELETE FROM room_infos WHERE room = ?1", [no])?;
        inform(transaction, no, room)?;
    }
    Ok(Begun::Closed)
}

/// Returns as well whether something was blanked.
fn replay(
    transaction: &Transaction<'_>,
    drafts: &[Draft],
    happened: &[Happened],
    at: Timestamp,
) -> Result<(Vec<Outcome>, bool), StoreError> {
    let asked = BatchReads::of(drafts);
    let (mut ledger, numbers) = append::load(transaction, IMPORTS, &asked)?;
    let mut is_open =
        transaction.prepare_cached("SELECT EXISTS (SELECT 1 FROM imports WHERE id = ?1 AND opened_at > 0)")?;
    for room in &asked.rooms {
        if is_open.query_row([room.as_str()], |row| row.get(0))? {
            ledger.rooms.remove(*room);
        }
    }
    let decided = BatchWrites::replayed(ledger, drafts, happened);
    append::write(transaction, IMPORTS, &decided, &numbers, at)?;
    Ok((decided.outcomes, !decided.changes.blanked.is_empty()))
}

/// Returns those that stay closed.
fn open(transaction: &Transaction<'_>, rooms: &[RoomId], at: Timestamp) -> Result<Vec<RoomId>, StoreError> {
    let mut is_changed = transaction.prepare_cached(
        "SELECT 1 FROM imports i WHERE i.id = ?1 AND i.opened_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM rooms r WHERE r.id = i.id AND r.no = i.closed AND r.head = 0)",
    )?;
    let (mut kept, mut changed) = (Vec::new(), Vec::new());
    for room in rooms {
        match is_changed.exists([room.as_str()])? {
            true => changed.push(room.clone()),
            false => kept.push(room),
        }
    }
    for sql in [
        "INSERT INTO reads (room, user_id, seq, at) SELECT no, '', head, ?2 FROM imports WHERE id = ?1 AND opened_at IS NULL",
        "UPDATE rooms SET (no, kind, name, head, floor, generation, last_message, created_at, settings, session) =
            (SELECT no, kind, name, head, floor, generation, last_message, created_at, settings, session
             FROM imports WHERE id = ?1)
         WHERE id = ?1 AND ?2 AND EXISTS (SELECT 1 FROM imports WHERE id = ?1 AND opened_at IS NULL)",
        "UPDATE imports SET opened_at = ?2 WHERE id = ?1 AND opened_at IS NULL",
    ] {
        let mut statement = transaction.prepare_cached(sql)?;
        for room in &kept {
            statement.execute(params![room.as_str(), at.0])?;
        }
    }
    Ok(changed)
}

/// All of it at once: numbers of rooms are given again, and what hangs on this one must not wait for another room.
fn abandon(transaction: &Transaction<'_>, room: &RoomId) -> Result<Abandoned, StoreError> {
    let sql = "SELECT no, closed, opened_at IS NOT NULL FROM imports WHERE id = ?1";
    let begun: Option<(i64, i64, bool)> =
        transaction.query_row(sql, [room.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((no, keeper, is_open)) = begun else { return Ok(Abandoned::Unknown) };
    if is_open {
        return Ok(Abandoned::Open);
    }
    for (table, _) in TABLES {
        transaction.execute(&format!("DELETE FROM {table} WHERE room = ?1"), [no])?;
    }
    transaction.execute("DELETE FROM imports WHERE no = ?1", [no])?;
    let free = "DELETE FROM rooms WHERE id = ?1 AND no = ?2 AND head = 0";
    match transaction.execute(free, params![room.as_str(), keeper])? {
        0 => Ok(Abandoned::Kept),
        _ => Ok(Abandoned::Free),
    }
}

fn rooms(snapshot: &Connection, after: Option<&RoomId>, limit: usize) -> Result<Vec<RoomLine>, StoreError> {
    let mut rooms = snapshot.prepare_cached(
        "SELECT r.id, r.kind, r.name, r.created_at, r.settings, r.session, i.topic, i.data
         FROM rooms r LEFT JOIN room_infos i ON i.room = r.no
         WHERE r.id > ?1 AND r.kind <> 'deleted'
            AND NOT EXISTS (SELECT 1 FROM imports c WHERE c.id = r.id AND c.closed = r.no AND c.opened_at IS NULL)
         ORDER BY r.id LIMIT ?2",
    )?;
    let mut rows = rooms.query(params![after.map_or("", RoomId::as_str), columns::count(limit)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(line(row)?);
    }
    Ok(found)
}

/// The line of a row with the columns of a room's.
fn line(row: &Row<'_>) -> Result<RoomLine, StoreError> {
    let text = |nth: usize| row.get_ref(nth)?.as_str_or_null().map_err(rusqlite::Error::from);
    let row = RoomRow {
        id: text(0)?.unwrap_or_default(),
        kind: text(1)?.unwrap_or_default(),
        name: row.get(2)?,
        created_at: row.get(3)?,
        settings: text(4)?,
        session: text(5)?,
        topic: text(6)?,
        data: row.get(7)?,
    };
    row.line()
}
