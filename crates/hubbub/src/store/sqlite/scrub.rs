//! What was deleted is soon nowhere in the files of a database.
//!
//! `secure_delete` overwrites it in its place. Two kinds of copies are left: the pages of the log that is written ahead, and what
//! is in [`leftovers`] of the file. So checkpoints are not SQLite's own: each page that goes from the log into the file is
//! looked at there before the log is used again, and a deletion has the log cut off.

use super::{
    super::StoreError,
    file::DatabaseFile,
    leftovers::{self, LogReader},
};
use hubbub_core::limits::{LOCK_TIMEOUT, WAL_CUT_EVERY, WAL_CUT_TOLD_AFTER};
use rusqlite::{Connection, TransactionBehavior, config::DbConfig};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Pages in the log after which they are brought into the file: 32 MiB. SQLite would wait for a thousand. A full batch in as many
/// rooms writes as many, and most of them are written again by the next: with eight thousand there are a third more sends a second.
const CHECKPOINT_PAGES: u64 = 8_000;
/// How long a try waits for readers: writes wait behind it, and somebody may read for hours.
const PATIENCE: Duration = Duration::from_millis(10);
/// Between two tries. Each further pause is twice as long, up to the second.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Pages that are looked at while nobody may write, in a file that is looked through.
const SLICE: u32 = 8_192;
/// What says that a file was looked through once: one of an older program.
const LOOKED_THROUGH: &str = "leftovers";

/// See the module. Lives on the writer's thread.
pub(crate) struct Scrubber {
    file: Arc<DatabaseFile>,
    log: LogReader,
    /// Pages in the log, as of the last commit.
    logged: Arc<AtomicU64>,
    /// Pages of the file that may have something left.
    suspects: BTreeSet<u32>,
    /// All from this one on, as well: the file is being looked through.
    rest: Option<u32>,
    /// Pages were cleared of which the writer's memory may still have what was left.
    remembered: bool,
    /// Since when the log is to be cut off.
    wanted: Option<Instant>,
    /// When that is tried next.
    due: Option<Instant>,
    tries: u32,
    cut: Option<Instant>,
    told: bool,
}

/// What a checkpoint has done.
struct Checkpoint {
    whole: bool,
    logged: u64,
}

impl Scrubber {
    /// Takes checkpoints over from SQLite, and clears away what a killed process has left.
    pub fn start(connection: &mut Connection, file: Arc<DatabaseFile>) -> Result<Self, StoreError> {
        let logged = Arc::new(AtomicU64::new(0));
        let told = logged.clone();
        // Replaces SQLite's own checkpoints: a connection has one hook.
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            told.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let known = "SELECT EXISTS (SELECT 1 FROM additions WHERE name = ?1)";
        let known: bool = connection.query_row(known, [LOOKED_THROUGH], |row| row.get(0))?;
        let log = LogReader::of(file.path());
        let (suspects, now) = (BTreeSet::new(), Instant::now());
        let (wanted, due) = (Some(now), Some(now));
        let rest = (!known).then_some(1);
        let (remembered, told) = (false, false);
        let mut scrubber =
            Self { file, log, logged, suspects, rest, remembered, wanted, due, tries: 0, cut: None, told };
        scrubber.work(connection);
        Ok(scrubber)
    }

    /// When there is something to do, if nothing is written before.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Something was written. `deleted`: what is not there any more is to be nowhere.
    pub fn wrote(&mut self, connection: &mut Connection, deleted: bool) {
        if deleted && self.wanted.is_none() {
            let now = Instant::now();
            self.wanted = Some(now);
            self.due = Some(self.cut.map_or(now, |cut| now.max(cut + WAL_CUT_EVERY)));
        }
        self.work(connection);
    }

    /// Does what is to be done now.
    pub fn work(&mut self, connection: &mut Connection) {
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.cut(connection);
        } else if self.logged.load(Ordering::Relaxed) >= CHECKPOINT_PAGES
            && let Err(error) = self.checkpoint(connection, "PASSIVE")
        {
            tracing::debug!(%error, "no checkpoint");
        }
    }

    /// The file is closed: nothing is written ahead any more.
    pub fn end(mut self, connection: &mut Connection) {
        let cut = self.try_to_cut(connection, LOCK_TIMEOUT);
        if !cut.is_ok_and(|whole| whole) {
            // Whoever opens it next looks at the log.
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }

    fn cut(&mut self, connection: &mut Connection) {
        let looked_at = self.rest;
        let tried = self.try_to_cut(connection, PATIENCE);
        let now = Instant::now();
        if matches!(tried, Ok(true)) {
            if self.told {
                tracing::info!("deleted texts are gone from the write-ahead log now");
            }
            (self.wanted, self.due, self.tries, self.told) = (None, None, 0, false);
            self.cut = Some(now);
            return;
        }
        if self.rest != looked_at {
            // A slice was looked at: nobody is in the way.
            self.due = Some(now + PAUSE / 10);
            return;
        }
        self.due = Some(now + (PAUSE * 2_u32.saturating_pow(self.tries)).min(PAUSE_MAX));
        self.tries = (self.tries + 1).min(10);
        if !self.told && self.wanted.is_some_and(|since| now - since > WAL_CUT_TOLD_AFTER) {
            self.told = true;
            let why = tried.err().map_or_else(|| "somebody reads the file".to_owned(), |error| error.to_string());
            tracing::warn!(
                why,
                file = %self.file.path().display(),
                "deleted texts are still in the write-ahead log, which cannot be cut off"
            );
        }
    }

    fn try_to_cut(&mut self, connection: &mut Connection, patience: Duration) -> Result<bool, StoreError> {
        self.file.check()?;
        connection.busy_timeout(patience)?;
        let tried = self.checkpoint(connection, "FULL");
        if std::mem::take(&mut self.remembered) {
            // Else pages that are written again would take what was left into the log again.
            connection.execute_batch("PRAGMA shrink_memory")?;
        }
        let tried = tried.and_then(|whole| Ok(whole && checkpoint(connection, "TRUNCATE")?.whole));
        connection.busy_timeout(LOCK_TIMEOUT)?;
        if matches!(tried, Ok(true)) {
            self.logged.store(0, Ordering::Relaxed);
        }
        tried
    }

    /// Brings what is written ahead into the file, and clears what is left there of it. Says whether nothing remains to be done.
    fn checkpoint(&mut self, connection: &mut Connection, mode: &str) -> Result<bool, StoreError> {
        let version = version(connection)?;
        let done = checkpoint(connection, mode)?;
        // Also of one that is not whole: the next may find the log begun anew.
        self.log.read(done.logged, &mut self.suspects).map_err(unreadable)?;
        if !done.whole {
            return Ok(false);
        }
        self.logged.store(0, Ordering::Relaxed);
        if !self.suspects.is_empty() || self.rest.is_some() {
            let more = self.clear(connection, version)?;
            if more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Clears what is left in the file, while nobody else may bring pages into it: there are none, and none come. Says whether
    /// there is more to clear.
    fn clear(&mut self, connection: &mut Connection, version: i64) -> Result<bool, StoreError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if self::version(&transaction)? != version {
            return Ok(true);
        }
        let size: u32 = transaction.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages: u32 = transaction.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let has_pointer_pages: bool = transaction.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
        let pages = if has_pointer_pages { 0 } else { pages };
        let slice = self.rest.map_or(0..0, |next| next..next.saturating_add(SLICE));
        let suspects = self.suspects.iter().copied().chain(slice.clone());
        let cleared = leftovers::clear(&self.file, size as usize, pages, suspects).map_err(unreadable)?;
        transaction.rollback()?;
        tracing::trace!(pages = self.suspects.len(), cleared, "cleared what was left in pages");
        self.remembered |= cleared > 0;
        self.suspects.clear();
        if self.rest.is_some() {
            self.rest = (slice.end <= pages).then_some(slice.end);
            if self.rest.is_some() {
                return Ok(true);
            }
            let done = "INSERT INTO additions (name, at) VALUES (?1, unixepoch() * 1000) ON CONFLICT DO NOTHING";
            connection.execute(done, [LOOKED_THROUGH])?;
            // That is in the log now.
            return Ok(true);
        }
        Ok(false)
    }
}

fn unreadable(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// Another number after each commit of somebody else's.
fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
}

fn checkpoint(connection: &Connection, mode: &str) -> Result<Checkpoint, StoreError> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let (busy, logged, done): (i64, i64, i64) =
        connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(Checkpoint { whole: busy == 0 && logged == done, logged: logged.max(0).unsigned_abs() })
}
