//! What people read, as it is now.

use super::{
    super::{
        ListPart, Reactors, ReactorsOf, ShownOf, ShownPage, StoreError, View,
        columns::{self, count, number, seq, weight},
        entry_row::SELECTED,
        shown_row::{FIRST_HUNG, HUNG, HungRow, REPLIES_LOOKED_AT},
        span::Span,
    },
    read,
};
use hubbub_core::{
    limits::REACTION_SAMPLE,
    log::{fold::Shown, room::Reactor},
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
    },
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

/// Those that are shown in the room: the predicate of the index `entries_shown`, word for word.
pub(super) const SHOWN: &str = "e.kind IN ('message', 'joined', 'left', 'banned', 'renamed', 'opened', 'waiting', 'closed', 'muted', 'unmuted', 'changed')
        AND (e.thread IS NULL OR e.in_room)";
/// In the thread ?6.
const IN_THREAD: &str = "e.thread = ?6 AND e.kind = 'message'";
const PINNED: &str = "e.kind = 'message' AND e.seq = pinned.target AND pinned.room = ?1";
const ONE: &str = "e.kind = 'message' AND e.seq = ?2";

/// A column of the message's row, or of its newest edit's.
fn now(column: &str) -> String {
    format!("CASE WHEN said.seq IS NULL THEN e.{column} ELSE said.{column} END AS e_{column}")
}

/// Selects entries `e` as they are now, for the reader ?5: what they say by their newest edits, and what hangs on them.
pub(super) fn select(from: &str, rest: &str) -> String {
    let mut entry = SELECTED.replace("e.gone AS e_gone", "coalesce(e.gone, said.gone) AS e_gone");
    for column in ["text", "data", "body"] {
        entry = entry.replace(&format!("e.{column} AS e_{column}"), &now(column));
    }
    let reactions = format!(
        "(SELECT json_group_array(json_array(c.reaction, c.count, c.first,
            (SELECT 1 FROM reactions m WHERE m.room = c.room AND m.target = c.target AND m.reaction = c.reaction AND m.user_id = ?5),
            json((SELECT json_group_array(user_id) FROM (
                SELECT user_id FROM reactions u WHERE u.room = c.room AND u.target = c.target AND u.reaction = c.reaction
                ORDER BY user_id LIMIT {REACTION_SAMPLE})))))
          FROM reaction_counts c WHERE c.room = e.room AND c.target = e.seq AND e.kind = 'message')"
    );
    let repliers = format!(
        "CASE WHEN t.last IS NULL THEN NULL ELSE (SELECT json_group_array(author) FROM (
            SELECT author FROM entries r INDEXED BY entries_thread WHERE r.room = e.room AND r.thread = e.seq ORDER BY r.seq DESC LIMIT {REPLIES_LOOKED_AT})) END"
    );
    let hung = HUNG
        .replace("e.edited_at", "said.at")
        .replace("e.reactions", &reactions)
        .replace("e.replies", "t.replies")
        .replace("e.last_reply_at", "t.last_at")
        .replace("e.last_reply", "t.last")
        .replace("e.repliers", &repliers)
        .replace("e.pinned", "EXISTS (SELECT 1 FROM pins p WHERE p.room = e.room AND p.target = e.seq)");
    format!(
        "SELECT {entry}, {hung} FROM {from}
         LEFT JOIN entries said ON said.room = e.room AND said.seq = e.edit AND e.kind = 'message'
         LEFT JOIN threads t ON t.room = e.room AND t.root = e.seq AND e.kind = 'message'
         {rest}"
    )
}

/// The statement for one part of a page: `backwards` from the pivot ?2, or forwards.
pub(super) fn part_of(of: ShownOf, backwards: bool) -> String {
    // Without statistics the planner would take the primary key, and look through all that hangs on messages.
    let (from, those) = match of {
        ShownOf::Room(_) => ("entries e INDEXED BY entries_shown", SHOWN),
        ShownOf::Thread(..) => ("entries e INDEXED BY entries_thread", IN_THREAD),
        ShownOf::Pins(_) => ("pins pinned CROSS JOIN entries e", PINNED),
        ShownOf::One(_) => ("entries e", ONE),
    };
    let (bound, order) = if backwards { ("e.seq < ?2", "DESC") } else { ("e.seq >= ?2", "ASC") };
    let rest = format!("WHERE e.room = ?1 AND {bound} AND e.seq >= ?3 AND {those} ORDER BY e.seq {order} LIMIT ?4");
    select(from, &rest)
}

pub(crate) fn page(
    snapshot: &Connection,
    user: Option<&UserId>,
    id: &RoomId,
    of: ShownOf,
    limit: usize,
) -> Result<Option<(View, ShownPage)>, StoreError> {
    let Some((no, view)) = read::room(snapshot, user, id)? else { return Ok(None) };
    let span = Span::of_shown(of, limit);
    let root = if let ShownOf::Thread(root, _) = of { Some(number(root)) } else { None };
    let part = |backwards: bool, limit: i64, bytes: usize| -> Result<Vec<Shown>, StoreError> {
        let (floor, user) = (number(view.room.floor), user.map(UserId::as_str));
        let mut params: Vec<&dyn ToSql> = vec![&no, &span.pivot, &floor, &limit, &user];
        params.extend(root.as_ref().map(|root| root as &dyn ToSql));
        let (mut entries, mut weighed) = (Vec::new(), 0);
        if limit == 0 {
            return Ok(entries);
        }
        let mut statement = snapshot.prepare_cached(&part_of(of, backwards))?;
        let mut rows = statement.query(&*params)?;
        while let Some(row) = rows.next()? {
            let (weight, shown) = shown(row, id)?;
            weighed += weight;
            if weighed > bytes && !entries.is_empty() {
                break;
            }
            entries.push(shown);
        }
        Ok(entries)
    };
    let mut entries = part(true, span.before, span.before_bytes)?;
    entries.reverse();
    entries.extend(part(false, span.from, span.from_bytes)?);
    let page = ShownPage { epoch: view.room.epoch, floor: view.room.floor, head: view.room.head, entries };
    Ok(Some((view, page)))
}

/// Reads an entry and what hangs on it, and what it weighs in a page.
pub(super) fn shown(row: &Row<'_>, room: &RoomId) -> Result<(usize, Shown), StoreError> {
    let entry = read::entry(row, room)?;
    let text = |column: &str| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
    // Looked for once: the others follow it.
    let first = row.as_ref().column_index(FIRST_HUNG)?;
    let hung = HungRow {
        edited_at: row.get(first)?,
        reactions: text("h_reactions")?,
        replies: row.get(first + 2)?,
        last: row.get(first + 3)?,
        last_at: row.get(first + 4)?,
        repliers: text("h_repliers")?,
        pinned: row.get(first + 6)?,
    };
    let weight = weight([text("e_text")?, text("e_data")?, text("e_body")?]) + hung.weight();
    Ok((weight, hung.on(entry)?))
}

pub(crate) fn reactors(
    snapshot: &Connection,
    user: Option<&UserId>,
    id: &RoomId,
    target: Seq,
    of: &ReactorsOf,
    limit: usize,
) -> Result<Option<(View, Reactors)>, StoreError> {
    let Some((no, view)) = read::room(snapshot, user, id)? else { return Ok(None) };
    let mut message = snapshot
        .prepare_cached("SELECT coalesce(gone, 0) FROM entries WHERE room = ?1 AND seq = ?2 AND kind = 'message'")?;
    let gone: Option<bool> = message.query_row(params![no, number(target)], |row| row.get(0)).optional()?;
    let mut items = Vec::new();
    if gone == Some(false) {
        let those =
            if of.reaction.is_some() { "reaction = ?3 AND user_id > ?4" } else { "(reaction, user_id) > (?3, ?4)" };
        let mut statement = snapshot.prepare_cached(&format!(
            "SELECT reaction, user_id, seq FROM reactions WHERE room = ?1 AND target = ?2 AND {those}
             ORDER BY reaction, user_id LIMIT ?5"
        ))?;
        let (reaction, after) = of.begin();
        let mut rows = statement.query(params![no, number(target), reaction, after, count(limit) + 1])?;
        while let Some(row) = rows.next()? {
            let text = |nth: usize| row.get_ref(nth)?.as_str().map_err(rusqlite::Error::from);
            items.push(Reactor { reaction: text(0)?.into(), user: columns::user(text(1)?)?, seq: seq(row.get(2)?) });
        }
    }
    let part = ListPart::cut(items, count(limit).unsigned_abs());
    Ok(Some((view, Reactors { is_message: gone.is_some(), part })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteStore;
    use hubbub_core::log::room::PageOf;

    #[test]
    fn pages_are_found_by_their_indexes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hubbub.db");
        let store = SqliteStore::open(&path).unwrap();
        let file = Connection::open(&path).unwrap();
        for (of, index) in [
            (ShownOf::Room(PageOf::Newest), "SEARCH e USING INDEX entries_shown (room=? AND seq>?"),
            (
                ShownOf::Thread(Seq::new(1), PageOf::Newest),
                "SEARCH e USING INDEX entries_thread (room=? AND thread=? AND seq>?",
            ),
            (ShownOf::Pins(PageOf::Newest), "SEARCH e USING PRIMARY KEY (room=? AND seq=?)"),
            (ShownOf::One(Seq::new(1)), "SEARCH e USING PRIMARY KEY (room=? AND seq=?)"),
        ] {
            for backwards in [true, false] {
                let sql = format!("EXPLAIN QUERY PLAN {}", part_of(of, backwards));
                let mut statement = file.prepare(&sql).unwrap();
                let (mut rows, mut steps) = (statement.raw_query(), Vec::<String>::new());
                while let Some(row) = rows.next().unwrap() {
                    steps.push(row.get(3).unwrap());
                }
                assert!(steps.iter().any(|step| step.starts_with(index)), "{of:?}: {steps:#?}");
                let replies = "SEARCH r USING INDEX entries_thread (room=? AND thread=?)";
                assert!(steps.iter().any(|step| step == replies), "{of:?}: {steps:#?}");
                let whole = |step: &&String| step.starts_with("SCAN") && !step.contains("subquery");
                assert_eq!(steps.iter().find(whole), None, "{of:?}: {steps:#?}");
            }
        }
        drop(store);
    }
}
