//! What a read does inside a file: which statements run, how they find their rows, and how many steps that takes. For tests and
//! benchmarks.

use super::{
    super::{ReactorsOf, ShownOf, StoreError},
    cannot_open, lists, reads, shown,
};
use hubbub_core::model::{
    ids::{RoomId, UserId},
    seq::Seq,
};
use rusqlite::{
    Connection, OpenFlags, StatementStatus,
    trace::{TraceEvent, TraceEventCodes},
};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// What is read.
#[derive(Debug, Clone)]
pub enum Read {
    /// A page of what is shown.
    Shown(RoomId, ShownOf),
    /// Who has reacted to a message.
    Reactors(RoomId, Seq, ReactorsOf),
    /// The rooms of the reader, with what is unread or without.
    Rooms(bool),
    /// What is unread in them.
    Unread,
}

/// A statement that ran.
#[derive(Debug, Default)]
pub struct Traced {
    /// Its text.
    pub sql: String,
    /// How often it ran.
    pub runs: usize,
    /// Steps of SQLite's machine, all in all.
    pub steps: u32,
    /// Rows that were gone through without an index, all in all.
    pub scanned: u32,
    /// How it finds its rows.
    pub plan: Vec<String>,
}

/// Reads beside whoever has the file open, and tells what ran.
///
/// # Errors
/// As those of the store.
pub fn traced(path: &Path, reader: &UserId, read: &Read, limit: usize) -> Result<Vec<Traced>, StoreError> {
    let mut file =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| cannot_open(path, &e))?;
    file.busy_timeout(hubbub_core::limits::LOCK_TIMEOUT)?;
    file.set_prepared_statement_cache_capacity(64);
    let ran: Arc<Mutex<Vec<Traced>>> = Arc::default();
    let noted = ran.clone();
    let note = move |event: TraceEvent<'_>| {
        let TraceEvent::Profile(statement, _) = event else { return };
        let count = |status| statement.get_status(status).unsigned_abs();
        let (sql, mut noted) = (statement.sql().into_owned(), noted.lock().unwrap_or_else(PoisonError::into_inner));
        let at = noted.iter().position(|traced| traced.sql == sql).unwrap_or_else(|| {
            noted.push(Traced { sql, ..Traced::default() });
            noted.len() - 1
        });
        noted[at].runs += 1;
        // They are counted since the statement was prepared.
        (noted[at].steps, noted[at].scanned) = (count(StatementStatus::VmStep), count(StatementStatus::FullscanStep));
    };
    file.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(note))?;
    match read {
        Read::Shown(room, of) => drop(shown::page(&file, Some(reader), room, *of, limit)?),
        Read::Reactors(room, target, of) => drop(shown::reactors(&file, Some(reader), room, *target, of, limit)?),
        Read::Rooms(unread) => drop(lists::rooms_of(&file, reader, None, limit, *unread)?),
        Read::Unread => drop(reads::unread_rooms(&file, reader, None, limit)?),
    }
    file.trace_v2(TraceEventCodes::empty(), None::<fn(TraceEvent<'_>)>)?;
    let mut ran = std::mem::take(&mut *ran.lock().unwrap_or_else(PoisonError::into_inner));
    for traced in &mut ran {
        let mut statement = file.prepare(&format!("EXPLAIN QUERY PLAN {}", traced.sql))?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            traced.plan.push(row.get(3)?);
        }
    }
    Ok(ran)
}
