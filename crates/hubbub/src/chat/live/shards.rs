//! Shards: each goes over the connections that were given to it, and writes what is new in their rooms straight to their sockets.
//!
//! A connection is in its shard's queue once, however many of its rooms have something new by the time it is looked at: all of it
//! leaves in one write. A socket that does not take all of it goes back to its client's task, so nobody waits for anybody.

use super::{
    inbox::Inbox,
    line::Line,
    room::{Live, News},
};
use bytes::Bytes;
use hubbub_core::{
    limits,
    live::item::Item,
    model::seq::{Epoch, Seq},
    wire::{Format, push, websocket},
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};
use tokio::sync::Notify;

/// Connections written to before the clock is looked at.
const STEP: usize = 16;

/// What a shard tells of what it has written: how many entries, to how many sockets' worth; the first of them where it is new.
pub type Written = dyn Fn(u64, Option<&Arc<Item>>) + Send + Sync;

/// See the module.
pub struct Shards {
    all: Box<[Arc<Shard>]>,
    next: AtomicUsize,
}

#[derive(Default)]
struct Shard {
    waiting: Mutex<Vec<Arc<Inbox>>>,
    bell: Notify,
    ended: AtomicBool,
}

impl Shards {
    /// One for each core. Must be called within a runtime.
    pub fn start(written: &Arc<Written>) -> Self {
        let shards = thread::available_parallelism().map_or(1, |cores| cores.get());
        let all: Box<[_]> = (0..shards).map(|_| Arc::<Shard>::default()).collect();
        for shard in &all {
            tokio::spawn(shard.clone().run(written.clone()));
        }
        Self { all, next: AtomicUsize::new(0) }
    }

    /// The number of the shard that a new connection belongs to.
    pub(super) fn next(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % self.all.len()
    }

    /// A connection of this shard has something new.
    pub(super) fn tell(&self, shard: usize, inbox: Arc<Inbox>) {
        let Some(shard) = self.all.get(shard) else { return };
        let mut waiting = shard.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(inbox);
        if waiting.len() == 1 {
            drop(waiting);
            shard.bell.notify_one();
        }
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        for shard in &self.all {
            shard.ended.store(true, Ordering::Relaxed);
            shard.bell.notify_one();
        }
    }
}

impl Shard {
    async fn run(self: Arc<Self>, written: Arc<Written>) {
        let mut writer = Writer { written, made: None, buffer: Vec::new(), items: Vec::new(), ends: Vec::new() };
        let mut turn = Vec::new();
        // Of all turns since others had theirs: short ones may follow each other without end.
        let (mut began, mut served) = (Instant::now(), 0_usize);
        while !self.ended.load(Ordering::Relaxed) {
            std::mem::swap(&mut turn, &mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            if turn.is_empty() {
                writer.rest();
                self.bell.notified().await;
                began = Instant::now();
                continue;
            }
            for inbox in turn.drain(..) {
                inbox.serve(&mut writer);
                served += 1;
                if served.is_multiple_of(STEP) && began.elapsed() >= limits::SHARD_TURN {
                    tokio::task::yield_now().await;
                    began = Instant::now();
                }
            }
        }
    }
}

/// Writes to one connection after the other. Those that get the same share its bytes.
pub(super) struct Writer {
    written: Arc<Written>,
    made: Option<Made>,
    buffer: Vec<u8>,
    items: Vec<Arc<Item>>,
    /// Where each subscription is when this has been written.
    ends: Vec<(usize, Seq)>,
}

/// What the last connection was given, if it was from one room.
struct Made {
    live: Arc<Live>,
    epoch: Epoch,
    after: Seq,
    to: Seq,
    format: Format,
    items: u64,
}

/// What became of a connection's news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Served {
    /// All of it is written.
    Wholly,
    /// The task has to go on.
    NotWholly,
}

impl Writer {
    /// Nothing is to be written for a while: what it has is given back.
    fn rest(&mut self) {
        (self.made, self.buffer, self.items) = (None, Vec::new(), Vec::new());
    }

    /// Writes what is new for these subscriptions of a line.
    pub(super) fn serve(&mut self, line: &mut Line) -> Served {
        let Some(way) = line.of_shard().cloned() else { return Served::Wholly };
        let Some(items) = self.prepare(line, way.format) else { return Served::NotWholly };
        if items == 0 {
            line.ready.clear();
            return Served::Wholly;
        }
        let bytes = self.buffer.len();
        let written = way.outlet.try_write(&self.buffer).unwrap_or(0);
        if written == 0 {
            // What is wrong with it its task will find out.
            return Served::NotWholly;
        }
        for (follow, end) in &self.ends {
            let follow = &mut line.follows[*follow];
            (follow.at, follow.moved) = (*end, true);
        }
        (self.written)(items, self.items.first());
        self.items.clear();
        line.ready.clear();
        if written == bytes {
            return Served::Wholly;
        }
        line.rest = Bytes::copy_from_slice(&self.buffer[written..]);
        Served::NotWholly
    }

    /// Puts into the buffer what is new. Returns how many entries these are; `None`: somebody has to look closer.
    fn prepare(&mut self, line: &Line, format: Format) -> Option<u64> {
        self.ends.clear();
        self.items.clear();
        if let [slot] = line.ready[..] {
            let at = line.find(slot).ok()?;
            let follow = &line.follows[at];
            if let Some(made) = &self.made
                && made.format == format
                && made.epoch == follow.epoch
                && made.after == follow.at
                && Arc::ptr_eq(&made.live, &follow.live)
                && follow.live.is_new_up_to(follow.epoch, follow.at, made.to)
            {
                self.ends.push((at, made.to));
                return Some(made.items);
            }
        }
        self.made = None;
        for slot in &line.ready {
            let at = line.find(*slot).ok()?;
            let follow = &line.follows[at];
            match follow.live.news(follow.epoch, follow.at, &mut self.items) {
                News::None => {}
                News::UpTo(end) => self.ends.push((at, end)),
                News::Other => return None,
            }
        }
        let parts = || self.items.iter().map(|item| push::of_item(item, format));
        let between = if format == Format::Json { self.items.len().saturating_sub(1) } else { 0 };
        let payload = parts().map(|part| part.len()).sum::<usize>() + between;
        if payload > limits::WRITE_BYTES && self.items.len() > 1 {
            return None;
        }
        self.buffer.clear();
        let (head, bytes) = websocket::head(websocket::Kind::of_format(format), payload);
        self.buffer.extend_from_slice(&head[..bytes]);
        for (n, part) in parts().enumerate() {
            if n > 0 && format == Format::Json {
                self.buffer.push(b'\n');
            }
            self.buffer.extend_from_slice(part);
        }
        let items = self.items.len() as u64;
        if let ([(at, to)], [_]) = (&self.ends[..], &line.ready[..]) {
            let follow = &line.follows[*at];
            self.made =
                Some(Made { live: follow.live.clone(), epoch: follow.epoch, after: follow.at, to: *to, format, items });
        }
        Some(items)
    }
}

#[cfg(test)]
mod tests;
