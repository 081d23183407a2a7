//! A look at what is kept in a file, beside whoever has it open. Nothing is made or changed.

use super::{
    super::{
        StoreError,
        foreign_json::{CHUNK, ForeignJson},
    },
    cannot_open,
};
use rusqlite::{Connection, OpenFlags, params};
use std::{path::Path, time::Instant};

/// Looks for JSON that others cannot read, in the order of rooms, until the time is over.
pub(crate) fn foreign_json(path: &Path, until: Instant) -> Result<ForeignJson, StoreError> {
    let file =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| cannot_open(path, &e))?;
    file.busy_timeout(hubbub_core::limits::LOCK_TIMEOUT)?;
    let mut found = ForeignJson::default();
    let mut users = file.prepare("SELECT id, info FROM users WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let mut after = String::new();
    loop {
        let mut rows = users.query(params![after, CHUNK])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            (after, count) = (row.get(0)?, count + 1);
            found.look("info", row.get_ref(1)?.as_str().unwrap_or_default(), || format!("user {after}"));
        }
        if !found.goes_on(count, until) {
            return Ok(found);
        }
        if count < CHUNK.cast_unsigned() {
            break;
        }
    }
    let mut entries = file.prepare(
        "SELECT e.room, e.seq, e.data, r.id FROM entries e JOIN rooms r ON r.no = e.room
         WHERE (e.room, e.seq) > (?1, ?2) ORDER BY e.room, e.seq LIMIT ?3",
    )?;
    let (mut room, mut seq): (i64, i64) = (0, 0);
    loop {
        let mut rows = entries.query(params![room, seq, CHUNK])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            (room, seq, count) = (row.get(0)?, row.get(1)?, count + 1);
            if let Some(data) = row.get_ref(2)?.as_str_or_null().unwrap_or_default() {
                let id = row.get_ref(3)?.as_str().unwrap_or_default();
                found.look("data", data, || format!("room {id} seq {seq}"));
            }
        }
        if !found.goes_on(count, until) || count < CHUNK.cast_unsigned() {
            return Ok(found);
        }
    }
}

/// Secrets of portals as they lie there. Older programs have no tokens beside them.
pub(crate) fn portal_secrets(path: &Path) -> Result<Vec<String>, StoreError> {
    let file =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| cannot_open(path, &e))?;
    file.busy_timeout(hubbub_core::limits::LOCK_TIMEOUT)?;
    let list = |sql: &str| -> Result<Vec<String>, rusqlite::Error> {
        file.prepare(sql)?.query_map([], |row| row.get::<_, String>(0))?.collect()
    };
    let mut secrets = list("SELECT secrets FROM portals")?;
    secrets.extend(list(PORTAL_TOKENS).unwrap_or_default());
    Ok(secrets)
}

/// The settings of portals, by their ids. Older programs delete none.
pub(crate) fn portal_settings(path: &Path) -> Result<Vec<(String, String)>, StoreError> {
    let file =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| cannot_open(path, &e))?;
    file.busy_timeout(hubbub_core::limits::LOCK_TIMEOUT)?;
    let list = |sql: &str| -> Result<Vec<(String, String)>, rusqlite::Error> {
        file.prepare(sql)?.query_map([], |row| Ok((row.get("id")?, row.get("settings")?)))?.collect()
    };
    Ok(list(PORTAL_SETTINGS).or_else(|_| list("SELECT id, settings FROM portals ORDER BY id"))?)
}

const PORTAL_SETTINGS: &str = "SELECT id, settings FROM portals WHERE deleted_at IS NULL ORDER BY id";
const PORTAL_TOKENS: &str = "SELECT access FROM portal_grants WHERE access IS NOT NULL
    UNION ALL SELECT refresh FROM portal_grants WHERE refresh IS NOT NULL";
