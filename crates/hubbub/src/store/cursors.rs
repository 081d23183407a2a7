//! The rows of stored cursors: what of them is the same in every database. How a cursor changes while its row is locked is said
//! by [`StoredCursor`].

use super::{StoreError, columns::number};
use hubbub_core::delivery::{
    attempt::Attempt,
    progress::{Calls, Progress},
    stored_cursor::StoredCursor,
};
use std::collections::BTreeMap;

/// A stored cursor with the numbers by which the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CursorRow {
    /// The room whose log is read.
    pub room: i64,
    /// Who reads it: the column `portal`.
    pub reader: i64,
    /// The cursor.
    pub cursor: StoredCursor,
}

/// The columns of a [`CursorRow`], of a table or an alias `c`. They have names of their own, so that they may stand beside
/// those of rooms, entries and dead letters.
pub(crate) const COLUMNS: &str = "c.room AS cursor_room, c.portal AS cursor_reader, c.position AS cursor_position, \
    c.head AS cursor_head, c.due_at AS cursor_due_at, c.leased AS cursor_leased, c.fence AS cursor_fence, \
    c.waiting_since AS cursor_waiting_since, c.counted AS cursor_counted, c.since AS cursor_since, \
    c.attempts AS cursor_attempts, c.blocked AS cursor_blocked, c.replays AS cursor_replays, \
    c.calls AS cursor_calls";

/// Attempts as they lie in a column.
pub(crate) fn attempts_json(attempts: &[Attempt]) -> String {
    serde_json::to_string(attempts).unwrap_or_else(|_| "[]".into())
}

/// Reads them.
pub(crate) fn attempts_of(json: &str) -> Result<Vec<Attempt>, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Broken(format!("attempts: {error}")))
}

/// What is kept of calls, as it lies in a column.
pub(crate) fn calls_json(calls: &Calls) -> Option<String> {
    if calls.is_empty() { None } else { serde_json::to_string(calls).ok() }
}

/// Reads it.
pub(crate) fn calls_of(json: Option<&str>) -> Result<Calls, StoreError> {
    json_or_nothing(json, "calls")
}

/// The progress of a dead letter's calls, as it lies in a column.
pub(crate) fn progress_json(progress: Option<&Progress>) -> Option<String> {
    progress.and_then(|progress| serde_json::to_string(progress).ok())
}

/// Reads it.
pub(crate) fn progress_of(json: Option<&str>) -> Result<Option<Progress>, StoreError> {
    json_or_nothing(json, "the progress of calls")
}

/// What was picked for a session, as it lies in a column.
pub(crate) fn refs_json(refs: &BTreeMap<String, String>) -> Option<String> {
    if refs.is_empty() { None } else { serde_json::to_string(refs).ok() }
}

/// Reads it.
pub(crate) fn refs_of(json: Option<&str>) -> Result<BTreeMap<String, String>, StoreError> {
    json_or_nothing(json, "what was picked")
}

fn json_or_nothing<T: Default + serde::de::DeserializeOwned>(json: Option<&str>, what: &str) -> Result<T, StoreError> {
    let broken = |error| StoreError::Broken(format!("{what}: {error}"));
    json.map_or_else(|| Ok(T::default()), |json| serde_json::from_str(json).map_err(broken))
}

/// The values of a cursor as they lie in its row.
pub(crate) struct CursorValues {
    pub position: i64,
    pub head: i64,
    pub due_at: Option<i64>,
    pub fence: i64,
    pub waiting_since: Option<i64>,
    pub counted: i32,
    pub since: Option<i64>,
    pub attempts: String,
    pub replays: i32,
    pub calls: Option<String>,
}

impl CursorValues {
    pub fn of(cursor: &StoredCursor) -> Self {
        Self {
            position: number(cursor.position),
            head: number(cursor.head),
            due_at: cursor.due_at.map(|at| at.0),
            fence: cursor.fence.cast_signed(),
            waiting_since: cursor.waiting_since.map(|at| at.0),
            counted: i32::try_from(cursor.counted).unwrap_or(i32::MAX),
            since: cursor.since.map(|at| at.0),
            attempts: attempts_json(&cursor.attempts),
            replays: i32::try_from(cursor.replays).unwrap_or(i32::MAX),
            calls: calls_json(&cursor.calls),
        }
    }
}
