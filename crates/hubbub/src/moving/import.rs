//! `hubbub import`.

use super::{
    lines::Lines,
    progress::{Progress, for_people, grouped},
    writing::{Batch, Counts, NotWritten, patiently},
};
use crate::{
    config::StoreAt,
    log::plain,
    output::{self, Failure},
    server,
    store::{
        archive::{Archive, Begun},
        sqlite,
    },
};
use hubbub_core::{
    limits::IMPORT_OPENED,
    log::hash::HashKey,
    model::{ids::RoomId, time::Timestamp},
    moving::{Fault, Order, RoomLine, Step},
};
use std::{path::Path, sync::Arc};
use tokio::task::JoinHandle;

/// Faults that an import says before it sends people to `--check`.
const FAULTS_SAID: u64 = 20;

/// What a file has, looked at without a store.
struct Looked {
    lines: u64,
    rooms: usize,
    faults: u64,
}

fn look(mut lines: Lines, now: Timestamp, mut say: impl FnMut(Fault)) -> anyhow::Result<Looked> {
    let (mut order, mut faults) = (Order::new(now), 0);
    while let Some(line) = lines.next()? {
        if let Err(fault) = take(&mut order, line) {
            faults += 1;
            say(fault);
        }
    }
    for fault in order.end() {
        faults += 1;
        say(fault);
    }
    Ok(Looked { lines: order.lines(), rooms: order.rooms(), faults })
}

fn take(order: &mut Order, line: Result<&str, &'static str>) -> Result<Step, Fault> {
    match line {
        Ok(line) => order.take(line),
        Err(problem) => {
            // As one that cannot be read, either.
            let _ = order.take("{");
            Err(Fault { line: order.lines(), problem: problem.to_owned() })
        }
    }
}

/// `hubbub import --check`: all that is wrong with a file, to standard output.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    let looked = look(Lines::open(path)?, sqlite::now(), |fault| {
        output::finding(plain(&fault.to_string()));
    })?;
    let Looked { lines, rooms, faults } = looked;
    output::finding(format_args!(
        "{} lines, {} rooms, {} wrong",
        grouped(lines),
        grouped(rooms as u64),
        grouped(faults)
    ));
    if faults > 0 { Err(Failure::Told) } else { Ok(()) }
}

/// `hubbub import`.
pub(super) async fn run(path: &Path, store: &StoreAt) -> Result<(), Failure> {
    let now = sqlite::now();
    let lines = Lines::open(path)?;
    if lines.is_file() {
        let mut said = 0;
        let looked = look(lines, now, |fault| {
            said += 1;
            if said <= FAULTS_SAID {
                output::complaint(plain(&fault.to_string()));
            }
        })?;
        if looked.faults > 0 {
            output::complaint(format_args!(
                "{} lines are wrong, and nothing was written; hubbub import --check {} says all of them",
                grouped(looked.faults),
                path.display()
            ));
            return Err(Failure::Told);
        }
    }
    let (logs, archive) = server::open_archive(store, true).await?;
    let import = Importing {
        hash_key: logs.identity().hash_key.clone(),
        archive,
        batch: Batch::default(),
        writing: None,
        counts: Counts::default(),
        closed: Vec::new(),
        progress: Progress::begin(),
    };
    match import.all(Lines::open(path)?, now).await {
        Err(NotWritten::Fault(fault)) => {
            output::complaint(plain(&fault.to_string()));
            output::complaint(
                "what is before that line was written; its rooms are closed until all of a file is imported",
            );
            Err(Failure::Told)
        }
        Err(NotWritten::Unfinished(faults)) => {
            for fault in faults {
                output::complaint(plain(&fault.to_string()));
            }
            output::complaint("all lines were written; no room was opened: the same with what is missing goes on");
            Err(Failure::Told)
        }
        Err(NotWritten::Store(error)) => {
            Err(Failure::Other(error.context("what was written stays; the same again goes on")))
        }
        Ok(changed) if changed.is_empty() => Ok(()),
        Ok(changed) => {
            for room in changed {
                output::complaint(format_args!(
                    "room {room} stays closed: the room that kept its id was changed or deleted meanwhile"
                ));
            }
            Err(Failure::Told)
        }
    }
}

/// An import under way.
struct Importing {
    archive: Arc<dyn Archive>,
    hash_key: HashKey,
    batch: Batch,
    /// The batch before: it is written while this one is read.
    writing: Option<JoinHandle<Result<Counts, NotWritten>>>,
    counts: Counts,
    /// Rooms that are to be opened.
    closed: Vec<RoomId>,
    progress: Progress,
}

impl Importing {
    /// Returns the rooms that stay closed.
    async fn all(mut self, mut lines: Lines, now: Timestamp) -> Result<Vec<RoomId>, NotWritten> {
        let mut order = Order::new(now);
        loop {
            let Some(line) = lines.next().map_err(NotWritten::Store)? else { break };
            let bytes = line.map_or(0, str::len);
            let wrong = match take(&mut order, line) {
                Ok(Step::Nothing) => None,
                Ok(Step::User(user)) => {
                    self.batch.user(user, bytes);
                    None
                }
                Ok(Step::Entry(entry)) => {
                    self.batch.entry(entry, &self.hash_key, bytes);
                    None
                }
                Ok(Step::Room(room)) => self.begin(&room, order.lines()).await?,
                Err(fault) => Some(fault),
            };
            if let Some(fault) = wrong {
                // What is before it is kept, and may have a fault that comes first.
                self.write().await?;
                self.written().await?;
                return Err(NotWritten::Fault(fault));
            }
            if self.batch.is_full() {
                self.write().await?;
                if self.counts != Counts::default() {
                    self.progress.at(order.lines(), lines.read, lines.total);
                }
            }
        }
        self.write().await?;
        self.written().await?;
        let missing = order.end();
        if !missing.is_empty() {
            return Err(NotWritten::Unfinished(missing));
        }
        let changed = self.open().await?;
        let opened = self.closed.len() - changed.len();
        let (Counts { written, there }, took) = (self.counts, self.progress.end());
        // Where nobody reads it, the exit code says all the same whether rooms stay closed.
        output::finding(format_args!(
            "{} entries written, {} were there already, {} rooms opened, in {}",
            grouped(written),
            grouped(there),
            grouped(opened as u64),
            for_people(took)
        ));
        Ok(changed)
    }

    /// Returns what is wrong with a room's line, as the store says.
    async fn begin(&mut self, room: &RoomLine, line: u64) -> Result<Option<Fault>, NotWritten> {
        let begun = patiently(|| self.archive.begin(room)).await.map_err(NotWritten::Store)?;
        let id = &room.id;
        let problem = match begun {
            Begun::Closed => {
                self.closed.push(id.clone());
                return Ok(None);
            }
            Begun::Open => {
                output::complaint(format_args!(
                    "line {line}: room {id} was imported before and is open: its lines are compared with it, and nothing is written"
                ));
                return Ok(None);
            }
            Begun::Other(kind) => format!("kind: an import made {id} before, as a room of the kind {}", kind.word()),
            Begun::Changed(field) => format!(
                "{field}: another than when {id} was begun, and entries of it are written; give the first, and change it once the room is open"
            ),
            Begun::Taken => format!("room: {id} is there, or was, and no import made it; it needs another id"),
        };
        Ok(Some(Fault { line, problem }))
    }

    /// Has the batch written, once the one before is.
    async fn write(&mut self) -> Result<(), NotWritten> {
        self.written().await?;
        let batch = std::mem::take(&mut self.batch);
        self.writing = Some(tokio::spawn(batch.write(self.archive.clone())));
        Ok(())
    }

    async fn written(&mut self) -> Result<(), NotWritten> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let Counts { written, there } = writing.await.map_err(|error| NotWritten::Store(error.into()))??;
        self.counts.written += written;
        self.counts.there += there;
        Ok(())
    }

    /// Returns the rooms that stay closed.
    async fn open(&self) -> Result<Vec<RoomId>, NotWritten> {
        let mut stay = Vec::new();
        for rooms in self.closed.chunks(IMPORT_OPENED) {
            stay.append(&mut patiently(|| self.archive.open(rooms)).await.map_err(NotWritten::Store)?);
        }
        Ok(stay)
    }
}
