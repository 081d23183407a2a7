//! Rooms and pages.

use super::{
    super::{
        Head, Page, Room, StoreError, View,
        columns::{self, ENTRY_BYTES, seq, unreadable},
        entry_row::{EntryRow, FIRST},
        span::Span,
    },
    PostgresStore,
};
use hubbub_core::{
    log::{entry::Entry, room::PageOf},
    model::{
        access::{RoomKind, Standing},
        ids::{Key, RoomId, UserId},
        seq::Epoch,
    },
};
use std::collections::HashMap;
use tokio_postgres::{Row, types::ToSql};

impl PostgresStore {
    /// Asks one statement that writes nothing, or is one transaction by itself.
    pub(crate) async fn ask(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        let lease = self.pool.get().await?;
        let statement = lease.prepare_cached(sql).await?;
        let rows = lease.query(&statement, params).await?;
        lease.settle()?;
        Ok(rows)
    }

    pub(crate) async fn read_page(
        &self,
        user: Option<&UserId>,
        room: &RoomId,
        page: PageOf,
        limit: usize,
    ) -> Result<Option<(View, Page)>, StoreError> {
        let span = Span::of(page, limit);
        let (room, user, weight) = (room.as_str(), user.map(UserId::as_str), ENTRY_BYTES as i64);
        let (before_bytes, from_bytes) = (span.before_bytes as i64, span.from_bytes as i64);
        let rows = self
            .ask(
                &self.sql.page,
                &[&room, &user, &span.pivot, &span.before, &before_bytes, &span.from, &from_bytes, &weight],
            )
            .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let view = view(first)?;
        let entries = rows.iter().filter_map(|row| entry(row, &view.room.id).transpose()).collect::<Result<_, _>>()?;
        let page = Page { epoch: view.room.epoch, floor: view.room.floor, head: view.room.head, entries };
        Ok(Some((view, page)))
    }

    pub(crate) async fn views(&self, asks: &[(RoomId, UserId)]) -> Result<Vec<Option<View>>, StoreError> {
        let (rooms, users): (Vec<&str>, Vec<&str>) =
            asks.iter().map(|(room, user)| (room.as_str(), user.as_str())).unzip();
        let rows = self.ask(&self.sql.look_up, &[&rooms, &users, &UserId::backend().as_str()]).await?;
        let found = |(row, (id, _)): (&Row, &(RoomId, UserId))| {
            row.get::<_, Option<&str>>("id")?;
            view(row).map_err(|error| unreadable(id.as_str(), &error)).ok()
        };
        Ok(rows.iter().zip(asks).map(found).collect())
    }

    /// The room as a stranger sees it.
    pub(crate) async fn view(&self, room: &RoomId) -> Result<Option<View>, StoreError> {
        Ok(self.views(&[(room.clone(), UserId::backend())]).await?.pop().flatten())
    }

    pub(crate) async fn find_key(&self, room: &RoomId, author: &UserId, key: &Key) -> Result<bool, StoreError> {
        let found = self.ask(&self.sql.has_key, &[&room.as_str(), &author.as_str(), &key.as_str()]).await?;
        Ok(!found.is_empty())
    }

    pub(crate) async fn heads_of(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, StoreError> {
        let ids: Vec<&str> = rooms.iter().map(RoomId::as_str).collect();
        let rows = self.ask(&self.sql.heads, &[&ids]).await?;
        let mut heads = HashMap::with_capacity(rows.len());
        for row in &rows {
            let id: &str = row.get("id");
            match head(row) {
                Ok(head) => drop(heads.insert(id, head)),
                Err(error) => unreadable(id, &error),
            }
        }
        Ok(ids.iter().map(|id| heads.get(id).copied()).collect())
    }
}

pub(crate) fn head(row: &Row) -> Result<Head, StoreError> {
    let deleted = columns::kind(row.get("kind"))? == RoomKind::Deleted;
    Ok(Head { seq: seq(row.get("head")), epoch: epoch(row)?, deleted })
}

pub(crate) fn epoch(row: &Row) -> Result<Epoch, StoreError> {
    let part = |name| columns::epoch_part(row.get(name));
    Ok(Epoch { incarnation: part("incarnation")?, generation: part("generation")? })
}

/// Reads a room and a standing.
pub(crate) fn view(row: &Row) -> Result<View, StoreError> {
    let room = Room {
        id: columns::room(row.get("id"))?,
        kind: columns::kind(row.get("kind"))?,
        name: row.get("name"),
        head: seq(row.get("head")),
        floor: seq(row.get("floor")),
        epoch: epoch(row)?,
        settings: columns::settings(row.get("settings"))?,
    };
    Ok(View { room, standing: Standing::read(row.get("standing"), row.get("rank")) })
}

/// Reads the entry of a row; `None` where the row has none.
pub(crate) fn entry(row: &Row, room: &RoomId) -> Result<Option<Entry>, StoreError> {
    // Looked for once: the others follow it.
    let first = row.columns().iter().position(|column| column.name() == FIRST);
    let first = first.ok_or_else(|| StoreError::Broken("a statement that selects no entry".into()))?;
    let Some(seq) = row.get(first) else { return Ok(None) };
    let row = EntryRow {
        seq,
        id: row.get(first + 1),
        author: row.get(first + 2),
        at: row.get(first + 3),
        key: row.get(first + 4),
        kind: row.get(first + 5),
        text: row.get(first + 6),
        data: row.get(first + 7),
        target: row.get(first + 8),
        subject: row.get(first + 9),
        role: row.get(first + 10),
        body: row.get(first + 11),
        effects: row.get(first + 12),
        gone: row.get::<_, Option<bool>>(first + 13).unwrap_or_default(),
        rank: row.get(first + 14),
        thread: row.get(first + 15),
        in_room: row.get::<_, Option<bool>>(first + 16).unwrap_or_default(),
    };
    row.entry(room).map(Some)
}
