//! Connections whose commands come apart from their stream, on whichever instance: how such commands find theirs.
//!
//! What waits for a connection that does not read it is bounded; beyond, commands are refused.

use crate::metrics::Metrics;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use hubbub_core::{limits, live::stream_id::StreamId, model::rate::Rate};
use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

const OF_STREAM: NonZeroU32 = NonZeroU32::new(limits::FORWARDS_OF_STREAM).expect("a limit");
const OF_ALL: NonZeroU32 = NonZeroU32::new(limits::FORWARDS).expect("a limit");

/// The streams that are open on this instance.
#[derive(Debug, Default)]
pub struct Streams {
    open: Mutex<HashMap<StreamId, Arc<Uplink>>>,
    forwards: Mutex<Forwards>,
    metrics: Arc<Metrics>,
}

/// What is passed on to other instances: so much of each stream, and of all of them.
#[derive(Debug, Default)]
struct Forwards {
    all: Rate,
    of: HashMap<StreamId, Rate>,
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
        Self { open: Mutex::default(), forwards: Mutex::default(), metrics }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<StreamId, Arc<Uplink>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream: commands find it until the returned value is dropped.
    pub fn add(self: &Arc<Self>, id: StreamId) -> OpenStream {
        let uplink = Arc::<Uplink>::default();
        self.open().insert(id, uplink.clone());
        self.metrics.streams.inc();
        OpenStream { streams: self.clone(), id, uplink }
    }

    /// Hands a frame of commands to its stream, if that is here.
    pub fn hand_over(&self, id: StreamId, nonce: u64, frame: Bytes) -> Handed {
        let uplink = self.open().get(&id).cloned();
        uplink.map_or(Handed::NotHere, |uplink| uplink.put(nonce, frame))
    }

    /// Whether a frame of so many bytes may be passed on to the instance where its stream is: nobody fills the bus with
    /// the commands of streams.
    pub fn may_forward(&self, id: StreamId, bytes: usize, now: Instant) -> bool {
        let mut forwards = self.forwards.lock().unwrap_or_else(PoisonError::into_inner);
        let Forwards { all, of } = &mut *forwards;
        let shares = 1 + u32::try_from(bytes / limits::FORWARD_BYTES).unwrap_or(u32::MAX - 1);
        let mut own = of.get(&id).copied().unwrap_or_default();
        // The own share first: who has used it up takes nothing of the others'.
        let may = own.take_many(shares, OF_STREAM, now).is_ok() && all.take_many(shares, OF_ALL, now).is_ok();
        if may {
            // What all of them may take bounds how many have taken something within a second.
            if of.len() > 2 * limits::FORWARDS as usize {
                of.retain(|_, rate| !rate.is_full(now));
            }
            of.insert(id, own);
        }
        may
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
pub struct OpenStream {
    streams: Arc<Streams>,
    id: StreamId,
    /// Its commands.
    pub uplink: Arc<Uplink>,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.streams.open().remove(&self.id);
        self.streams.metrics.streams.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Health;
    use std::{task::Waker, time::Duration};

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

    #[test]
    fn what_is_passed_on_is_bounded_for_each_stream_and_for_all() {
        let streams = Arc::<Streams>::default();
        let (id, now) = (|n| StreamId::new(uuid::Uuid::from_u128(n)), Instant::now());
        let passed = |n, bytes| (0..10_000).take_while(|_| streams.may_forward(id(n), bytes, now)).count() as u32;
        assert_eq!(passed(1, 0), limits::FORWARDS_OF_STREAM);
        assert_eq!(passed(2, limits::FRAME_BYTES), limits::FORWARDS_OF_STREAM / 17, "long ones weigh more");
        let others: u32 = (3..1_000).map(|n| passed(n, 0)).sum();
        assert_eq!(others, limits::FORWARDS - limits::FORWARDS_OF_STREAM - limits::FORWARDS_OF_STREAM / 17 * 17);

        // However many there are in the course of time, few are remembered.
        let forwards = || streams.forwards.lock().unwrap().of.len();
        for n in 0..20_000_u32 {
            let now = now + Duration::from_secs(1) + Duration::from_secs(1) / limits::FORWARDS * n;
            assert!(streams.may_forward(id(10_000 + u128::from(n)), 0, now), "{n}");
        }
        assert!(forwards() <= 2 * limits::FORWARDS as usize + 1, "{}", forwards());
    }

    /// A bus of which nothing is known but its health.
    struct Mute(Health);

    impl crate::bus::Bus for Mute {
        fn publish(&self, _lane: u16, _payload: Bytes) {}
        fn events(&self) -> Option<tokio::sync::mpsc::Receiver<crate::bus::BusEvent>> {
            None
        }
        fn health(&self) -> tokio::sync::watch::Receiver<Health> {
            tokio::sync::watch::Sender::new(self.0).subscribe()
        }
    }

    #[tokio::test]
    async fn nothing_is_passed_on_where_it_would_not_arrive() {
        let directory = tempfile::tempdir().unwrap();
        for (health, handed) in
            [(Health::Up, Handed::Over), (Health::Down, Handed::NotHere), (Health::Alone, Handed::NotHere)]
        {
            let store = crate::store::sqlite::SqliteStore::open(&directory.path().join(format!("{health:?}"))).unwrap();
            let chat = crate::chat::Chat::start(Arc::new(store), Arc::new(Mute(health)), Arc::default(), false);
            let id = StreamId::new(uuid::Uuid::from_u128(1));
            assert_eq!(chat.hand_over(id, "somebody else", 1, "{}".into()), handed, "{health:?}");
            assert_eq!(chat.hand_over(id, chat.life(), 1, "{}".into()), Handed::NotHere);
        }
    }
}
