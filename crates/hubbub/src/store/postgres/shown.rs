//! What people read, as it is now.

use super::{
    super::{
        ListPart, StoreError, View,
        columns::{self, ENTRY_BYTES, count, number, seq},
        shown_row::{FIRST_HUNG, HungRow},
        span::Span,
    },
    PostgresStore,
    read::{entry, view},
};
use hubbub_core::{
    log::{
        fold::Shown,
        room::{Reactor, Reactors, ReactorsOf, ShownOf, ShownPage},
    },
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
    },
};
use tokio_postgres::{Row, types::ToSql};

impl PostgresStore {
    pub(crate) async fn read_shown(
        &self,
        user: Option<&UserId>,
        room: &RoomId,
        of: ShownOf,
        limit: usize,
    ) -> Result<Option<(View, ShownPage)>, StoreError> {
        let span = Span::of_shown(of, limit);
        let (room, user, weight) = (room.as_str(), user.map(UserId::as_str), ENTRY_BYTES as i64);
        let (before_bytes, from_bytes) = (span.before_bytes as i64, span.from_bytes as i64);
        let mut params: Vec<&(dyn ToSql + Sync)> =
            vec![&room, &user, &span.pivot, &span.before, &before_bytes, &span.from, &from_bytes, &weight];
        let root = if let ShownOf::Thread(root, _) = of { number(root) } else { 0 };
        let sql = match of {
            ShownOf::Room(_) => &self.sql.shown,
            ShownOf::Thread(..) => {
                params.push(&root);
                &self.sql.shown_thread
            }
            ShownOf::Pins(_) => &self.sql.shown_pins,
            ShownOf::One(_) => &self.sql.shown_one,
        };
        let rows = self.ask(sql, &params).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let view = view(first)?;
        let entries = rows.iter().filter_map(|row| shown(row, &view.room.id).transpose()).collect::<Result<_, _>>()?;
        let page = ShownPage { epoch: view.room.epoch, floor: view.room.floor, head: view.room.head, entries };
        Ok(Some((view, page)))
    }

    pub(crate) async fn read_reactors(
        &self,
        user: Option<&UserId>,
        room: &RoomId,
        target: Seq,
        of: &ReactorsOf,
        limit: usize,
    ) -> Result<Option<(View, Reactors)>, StoreError> {
        let sql = if of.reaction.is_some() { &self.sql.reactors_of } else { &self.sql.reactors };
        let (reaction, after) = of.begin();
        let (user, limit) = (user.map(UserId::as_str), count(limit));
        let rows = self.ask(sql, &[&room.as_str(), &user, &number(target), &reaction, &after, &limit]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let (view, is_message) = (view(first)?, first.get("is_message"));
        let reactor = |row: &Row| -> Result<Option<Reactor>, StoreError> {
            let Some(user) = row.get::<_, Option<&str>>("user_id") else { return Ok(None) };
            let reaction: &str = row.get("reaction");
            Ok(Some(Reactor { reaction: reaction.into(), user: columns::user(user)?, seq: seq(row.get("reacted_by")) }))
        };
        let items = rows.iter().filter_map(|row| reactor(row).transpose()).collect::<Result<Vec<_>, _>>()?;
        Ok(Some((view, Reactors { is_message, part: ListPart::cut(items, limit.unsigned_abs()) })))
    }
}

/// Reads an entry and what hangs on it; `None` where the row has none.
pub(super) fn shown(row: &Row, room: &RoomId) -> Result<Option<Shown>, StoreError> {
    let Some(entry) = entry(row, room)? else { return Ok(None) };
    // Looked for once: the others follow it.
    let first = row.columns().iter().position(|column| column.name() == FIRST_HUNG);
    let first = first.ok_or_else(|| StoreError::Broken("a statement that selects nothing that hangs".into()))?;
    let hung = HungRow {
        edited_at: row.get(first),
        reactions: row.get(first + 1),
        replies: row.get(first + 2),
        last: row.get(first + 3),
        last_at: row.get(first + 4),
        repliers: row.get(first + 5),
        pinned: row.get(first + 6),
    };
    hung.on(entry).map(Some)
}
