//! `hubbub import`.

use super::{
    lines::Lines,
    progress::{Progress, for_people, grouped},
    writing::{Batch, Counts, NotWritten, patiently},
};
use crate::{
    config::StoreAt,
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
        output::finding(fault);
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
                output::complaint(fault);
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
            output::complaint(fault);
            output::complaint(
                "what is before that line was written; its rooms are closed until all of a file is imported",
            );
            Err(Failure::Told)
        }
        Err(NotWritten::Store(error)) => Err(Failure::Other(error)),
        Ok(()) => Ok(()),
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
    async fn all(mut self, mut lines: Lines, now: Timestamp) -> Result<(), NotWritten> {
        let mut order = Order::new(now);
        loop {
            let Some(line) = lines.next().map_err(NotWritten::Store)? else { break };
            let bytes = line.map_or(0, str::len);
            match take(&mut order, line) {
                Ok(Step::Nothing) => {}
                Ok(Step::User(user)) => self.batch.user(user, bytes),
                Ok(Step::Entry(entry)) => self.batch.entry(entry, &self.hash_key, bytes),
                Ok(Step::Room(room)) => self.begin(&room, order.lines()).await?,
                Err(fault) => {
                    // What is before it is kept, and may have a fault that comes first.
                    self.write().await?;
                    self.written().await?;
                    return Err(NotWritten::Fault(fault));
                }
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
        let opened = self.open().await?;
        let (Counts { written, there }, took) = (self.counts, self.progress.end());
        output::line(format_args!(
            "{} entries written, {} were there already, {} rooms opened, in {}",
            grouped(written),
            grouped(there),
            grouped(opened),
            for_people(took)
        ));
        Ok(())
    }

    async fn begin(&mut self, room: &RoomLine, line: u64) -> Result<(), NotWritten> {
        let begun = patiently(|| self.archive.begin(room)).await.map_err(NotWritten::Store)?;
        let id = &room.id;
        let problem = match begun {
            Begun::Closed => {
                self.closed.push(id.clone());
                return Ok(());
            }
            Begun::Open => {
                output::complaint(format_args!(
                    "line {line}: room {id} was imported before and is open: its lines are compared with it, and nothing is written"
                ));
                return Ok(());
            }
            Begun::Other(kind) => format!("kind: an import made {id} before, as a room of the kind {}", kind.word()),
            Begun::Taken => format!("room: {id} is there, or was, and no import made it; it needs another id"),
        };
        Err(NotWritten::Fault(Fault { line, problem }))
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

    async fn open(&self) -> Result<u64, NotWritten> {
        for rooms in self.closed.chunks(IMPORT_OPENED) {
            let changed = patiently(|| self.archive.open(rooms)).await.map_err(NotWritten::Store)?;
            if let Some(room) = changed {
                let why = "the room that kept its id was changed or deleted meanwhile; it stays closed";
                return Err(NotWritten::Store(anyhow::anyhow!("room {room}: {why}")));
            }
        }
        Ok(self.closed.len() as u64)
    }
}
