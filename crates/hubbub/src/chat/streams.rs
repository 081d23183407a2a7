//! Connections whose commands come apart from their stream, on whichever instance: how such commands find theirs.
//!
//! What waits for a connection that does not read it is bounded; beyond, commands are refused.

use crate::metrics::Metrics;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use hubbub_core::{limits, stream_id::StreamId};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

/// The streams that are open on this instance.
#[derive(Debug, Default)]
pub struct Streams {
    open: Mutex<HashMap<StreamId, Arc<Uplink>>>,
    metrics: Arc<Metrics>,
}

/// The commands of one stream, on their way to its connection.
#[derive(Debug, Default)]
pub struct Uplink {
    waiting: Mutex<Waiting>,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// What was taken last: a bus may bring it twice.
    nonces: VecDeque<u64>,
}

/// What became of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// Their connection has them.
    Over,
    /// Too much waits there already.
    Full,
    /// There is no such stream on this instance.
    NotHere,
}

impl Streams {
    /// None yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { open: Mutex::default(), metrics }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<StreamId, Arc<Uplink>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream: commands find it until the returned value is dropped.
    pub fn add(self: &Arc<Self>, id: StreamId) -> Opened {
        let uplink = Arc::<Uplink>::default();
        self.open().insert(id, uplink.clone());
        self.metrics.streams.inc();
        Opened { streams: self.clone(), id, uplink }
    }

    /// Hands a frame of commands to its stream, if that is here.
    pub fn hand_over(&self, id: StreamId, nonce: u64, frame: Bytes) -> Handed {
        let uplink = self.open().get(&id).cloned();
        uplink.map_or(Handed::NotHere, |uplink| uplink.put(nonce, frame))
    }
}

impl Uplink {
    fn put(&self, nonce: u64, frame: Bytes) -> Handed {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.nonces.contains(&nonce) {
            return Handed::Over;
        }
        if waiting.frames.len() >= limits::UPLINK_FRAMES || waiting.bytes + frame.len() > limits::UPLINK_BYTES {
            return Handed::Full;
        }
        if waiting.nonces.len() >= limits::UPLINK_FRAMES {
            waiting.nonces.pop_front();
        }
        waiting.nonces.push_back(nonce);
        waiting.bytes += frame.len();
        waiting.frames.push_back(frame);
        drop(waiting);
        self.waker.wake();
        Handed::Over
    }

    /// Takes the next frame, or arranges to be woken.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<Bytes> {
        // Register first, then look: nothing put in between is missed.
        self.waker.register(cx.waker());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(frame) = waiting.frames.pop_front() else { return Poll::Pending };
        waiting.bytes -= frame.len();
        Poll::Ready(frame)
    }
}

/// A stream that is open.
#[derive(Debug)]
pub struct Opened {
    streams: Arc<Streams>,
    id: StreamId,
    /// Its commands.
    pub uplink: Arc<Uplink>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.streams.open().remove(&self.id);
        self.streams.metrics.streams.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn taken(uplink: &Uplink) -> Option<Bytes> {
        match uplink.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => Some(frame),
            Poll::Pending => None,
        }
    }

    #[test]
    fn commands_find_their_stream_while_it_is_open_and_in_order() {
        let streams = Arc::<Streams>::default();
        let id = StreamId::new(uuid::Uuid::from_u128(1));
        assert_eq!(streams.hand_over(id, 1, "early".into()), Handed::NotHere);
        let opened = streams.add(id);
        for (nonce, frame) in [(1, "a"), (2, "b"), (1, "a"), (3, "c")] {
            assert_eq!(streams.hand_over(id, nonce, frame.into()), Handed::Over);
        }
        let all: Vec<_> = std::iter::from_fn(|| taken(&opened.uplink)).collect();
        assert_eq!(all, ["a", "b", "c"], "each once");
        drop(opened);
        assert_eq!(streams.hand_over(id, 4, "late".into()), Handed::NotHere);
        assert!(streams.open().is_empty());
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_in_bytes() {
        let streams = Arc::<Streams>::default();
        let id = StreamId::new(uuid::Uuid::from_u128(1));
        let opened = streams.add(id);
        let put = |nonce: usize, bytes: usize| streams.hand_over(id, nonce as u64, vec![b' '; bytes].into());
        for nonce in 0..limits::UPLINK_FRAMES {
            assert_eq!(put(nonce, 1), Handed::Over);
        }
        assert_eq!(put(1_000, 1), Handed::Full);
        while taken(&opened.uplink).is_some() {}
        assert_eq!(put(1_000, limits::FRAME_BYTES), Handed::Over, "what was refused may come again");
        assert_eq!(put(1_001, limits::FRAME_BYTES), Handed::Over);
        assert_eq!(put(1_002, 1), Handed::Full);
    }
}
