//! Connections whose commands come apart from their stream, on whichever instance: how such commands find theirs.
//!
//! What waits for a connection that does not read it is bounded. An SDK does not repeat a command that was refused: so its
//! stream ends then, and the SDK connects again.

use super::intake::{Holder, Received};
use crate::metrics::Metrics;
use futures_util::task::AtomicWaker;
use hubbub_core::{
    limits,
    live::{
        receipt::{Became, Receipt},
        stream_id::StreamId,
    },
    model::{ids::UserId, rate::Rate},
};
use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

const OF_STREAM: NonZeroU32 = NonZeroU32::new(limits::FORWARDS_OF_STREAM).expect("a limit");
const OF_ALL: NonZeroU32 = NonZeroU32::new(limits::FORWARDS).expect("a limit");

/// The streams that are open on this instance.
#[derive(Debug, Default)]
pub struct Streams {
    open: Mutex<HashMap<StreamId, Arc<Uplink>>>,
    forwards: Mutex<Forwards>,
    /// Who waits for the receipt of which commands.
    receipts: Mutex<HashMap<u64, oneshot::Sender<Became>>>,
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
    user: OnceLock<UserId>,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Received>,
    bytes: usize,
    /// Some commands were refused, or may have been lost on their way.
    lost: bool,
    /// What was taken last: a bus may bring it twice.
    nonces: VecDeque<u64>,
}

/// What became of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// Their connection has them.
    Over,
    /// They were not taken, or nobody knows: the stream ends, or has to.
    Lost,
    /// There is no such stream on this instance.
    NotHere,
}

impl Streams {
    /// None yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { open: Mutex::default(), forwards: Mutex::default(), receipts: Mutex::default(), metrics }
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

    /// Whether this stream is here.
    pub fn has(&self, id: StreamId) -> bool {
        self.open().contains_key(&id)
    }

    /// Whose part of the intake the commands of this stream take.
    pub fn holder(&self, id: StreamId) -> Holder {
        let user = self.open().get(&id).and_then(|uplink| uplink.user.get().cloned());
        user.map_or(Holder::Stream(id), Holder::User)
    }

    /// Hands a frame of commands to its stream, if that is here.
    pub fn hand_over(&self, id: StreamId, nonce: u64, received: Received) -> Handed {
        let uplink = self.open().get(&id).cloned();
        uplink.map_or(Handed::NotHere, |uplink| uplink.put(nonce, received))
    }

    /// Ends a stream, if it is here: some of its commands were lost.
    pub fn lose(&self, id: StreamId) {
        let uplink = self.open().get(&id).cloned();
        if let Some(uplink) = uplink {
            uplink.lose();
        }
    }

    /// How long a frame of so many bytes waits until it may be passed on to the instance where its stream is, behind those that
    /// wait already: nobody fills the bus with the commands of streams. `None`: too long.
    pub fn book(&self, id: StreamId, bytes: usize, now: Instant) -> Option<Duration> {
        let mut forwards = self.forwards.lock().unwrap_or_else(PoisonError::into_inner);
        let Forwards { all, of } = &mut *forwards;
        let shares = 1 + u32::try_from(bytes / limits::FORWARD_BYTES).unwrap_or(u32::MAX - 1);
        let mut own = of.get(&id).copied().unwrap_or_default();
        // The own share first: who has used it up takes nothing of the others'.
        let wait = own.book(shares, OF_STREAM, limits::RECEIPT_WITHIN, now)?;
        let wait = all.book(shares, OF_ALL, limits::RECEIPT_WITHIN, now)?.max(wait);
        // What all of them may take bounds how many have taken something within a second.
        if of.len() > 2 * limits::FORWARDS as usize {
            of.retain(|_, rate| !rate.is_full(now));
        }
        of.insert(id, own);
        Some(wait)
    }

    fn receipts(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Became>>> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Expects the receipt for these commands, as long as the returned value is there.
    pub fn expect(&self, nonce: u64) -> Expected<'_> {
        let (tell, became) = oneshot::channel();
        self.receipts().insert(nonce, tell);
        Expected { streams: self, nonce, became }
    }

    /// A receipt has come.
    pub fn receive(&self, receipt: Receipt) {
        if let Some(tell) = self.receipts().remove(&receipt.nonce) {
            // Whoever waited may have gone.
            let _ = tell.send(receipt.became);
        }
    }
}

/// A receipt that is waited for.
pub struct Expected<'a> {
    streams: &'a Streams,
    nonce: u64,
    /// What became of the commands.
    pub became: oneshot::Receiver<Became>,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.streams.receipts().remove(&self.nonce);
    }
}

impl Uplink {
    /// It is known whose stream this is.
    pub fn belongs_to(&self, user: &UserId) {
        // A connection has one user for all its life.
        let _ = self.user.set(user.clone());
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, nonce: u64, received: Received) -> Handed {
        let mut waiting = self.waiting();
        if waiting.nonces.contains(&nonce) {
            return Handed::Over;
        }
        let bytes = waiting.bytes + received.frame.len();
        if waiting.lost || waiting.frames.len() >= limits::UPLINK_FRAMES || bytes > limits::UPLINK_BYTES {
            drop(waiting);
            self.lose();
            return Handed::Lost;
        }
        if waiting.nonces.len() >= limits::UPLINK_FRAMES {
            waiting.nonces.pop_front();
        }
        waiting.nonces.push_back(nonce);
        waiting.bytes = bytes;
        waiting.frames.push_back(received);
        drop(waiting);
        self.waker.wake();
        Handed::Over
    }

    fn lose(&self) {
        let mut waiting = self.waiting();
        // What came before is not worth waiting for: its answers may never be read.
        (waiting.lost, waiting.bytes) = (true, 0);
        waiting.frames.clear();
        drop(waiting);
        self.waker.wake();
    }

    /// Takes the next frame, or arranges to be woken. `Err`: some were lost.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<Received, Lost>> {
        // Register first, then look: nothing put in between is missed.
        self.waker.register(cx.waker());
        let mut waiting = self.waiting();
        if waiting.lost {
            return Poll::Ready(Err(Lost));
        }
        let Some(received) = waiting.frames.pop_front() else { return Poll::Pending };
        waiting.bytes -= received.frame.len();
        Poll::Ready(Ok(received))
    }
}

/// Commands were lost: their order, and that each is answered, cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

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
    use crate::{bus::Health, chat::intake::Intake};
    use bytes::Bytes;
    use hubbub_core::live::receipt::Node;
    use std::{task::Waker, time::Duration};

    fn taken(uplink: &Uplink) -> Option<Bytes> {
        match uplink.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(received) => received.ok().map(|received| received.frame),
            Poll::Pending => None,
        }
    }

    fn received(frame: impl Into<Bytes>) -> Received {
        let frame = frame.into();
        let share = Intake::default().try_share(Holder::Strangers(None), frame.len()).unwrap();
        Received { frame, share }
    }

    #[test]
    fn commands_find_their_stream_while_it_is_open_and_in_order() {
        let streams = Arc::<Streams>::default();
        let id = StreamId::new(uuid::Uuid::from_u128(1));
        assert_eq!(streams.hand_over(id, 1, received("early")), Handed::NotHere);
        let opened = streams.add(id);
        for (nonce, frame) in [(1, "a"), (2, "b"), (1, "a"), (3, "c")] {
            assert_eq!(streams.hand_over(id, nonce, received(frame)), Handed::Over);
        }
        let all: Vec<_> = std::iter::from_fn(|| taken(&opened.uplink)).collect();
        assert_eq!(all, ["a", "b", "c"], "each once");
        drop(opened);
        assert_eq!(streams.hand_over(id, 4, received("late")), Handed::NotHere);
        assert!(streams.open().is_empty());
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_in_bytes_and_beyond_the_stream_ends() {
        let streams = Arc::<Streams>::default();
        let id = |n| StreamId::new(uuid::Uuid::from_u128(n));
        let put = |n, nonce: usize, bytes: usize| streams.hand_over(id(n), nonce as u64, received(vec![b' '; bytes]));
        let many = streams.add(id(1));
        for nonce in 0..limits::UPLINK_FRAMES {
            assert_eq!(put(1, nonce, 1), Handed::Over);
        }
        assert_eq!(put(1, 0, 1), Handed::Over, "it is there already");
        assert_eq!(put(1, limits::UPLINK_FRAMES, 1), Handed::Lost);
        let lost = many.uplink.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(lost, Poll::Ready(Err(Lost))));
        assert_eq!(put(1, 5_000, 1), Handed::Lost, "nothing is taken after what was not");

        let long = streams.add(id(2));
        let fit = limits::UPLINK_BYTES / limits::FRAME_BYTES;
        assert!(fit >= 2, "one frame is read while another comes");
        for nonce in 0..fit {
            assert_eq!(put(2, nonce, limits::FRAME_BYTES), Handed::Over);
        }
        assert!(taken(&long.uplink).is_some());
        assert_eq!(put(2, 100, limits::FRAME_BYTES), Handed::Over, "there is room again");
        assert_eq!(put(2, 101, 1), Handed::Lost);
        streams.lose(id(3));
    }

    #[test]
    fn what_is_passed_on_waits_for_its_share_of_each_stream_and_of_all() {
        let streams = Arc::<Streams>::default();
        let (id, now) = (|n| StreamId::new(uuid::Uuid::from_u128(n)), Instant::now());
        let waits = |n, bytes| -> Vec<_> { std::iter::from_fn(|| streams.book(id(n), bytes, now)).collect() };
        let patience = limits::RECEIPT_WITHIN.as_secs() as u32;
        let (short, long) = (waits(1, 0), waits(2, limits::FRAME_BYTES));
        assert_eq!(short.len() as u32, (1 + patience) * limits::FORWARDS_OF_STREAM);
        assert!(short.is_sorted() && short[limits::FORWARDS_OF_STREAM as usize - 1].is_zero());
        assert!((5..short.len()).contains(&long.len()), "long ones weigh more: {}", long.len());
        let others: usize = (3..3_000).map(|n| waits(n, 0).len()).sum();
        assert!(others < (1 + patience as usize) * limits::FORWARDS as usize, "{others}");

        // However many there are in the course of time, few are remembered.
        let forwards = || streams.forwards.lock().unwrap().of.len();
        for n in 0..20_000_u32 {
            let now = now + Duration::from_secs(10) + Duration::from_secs(1) / limits::FORWARDS * n;
            assert!(streams.book(id(10_000 + u128::from(n)), 0, now).is_some(), "{n}");
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
    async fn nothing_is_passed_on_where_it_would_not_arrive_and_nothing_is_said_to_be_there_that_may_not_be() {
        let directory = tempfile::tempdir().unwrap();
        let life = uuid::Uuid::from_u128(9);
        for (health, silent, older) in [
            (Health::Up, Handed::Lost, Handed::Over),
            (Health::Down, Handed::NotHere, Handed::NotHere),
            (Health::Alone, Handed::NotHere, Handed::NotHere),
        ] {
            let store = crate::store::sqlite::SqliteStore::open(&directory.path().join(format!("{health:?}"))).unwrap();
            let chat = crate::chat::Chat::start(Arc::new(store), Arc::new(Mute(health)), Arc::default(), false);
            let id = StreamId::new(uuid::Uuid::from_u128(1));
            let mut nonce = 0;
            let mut handed = async |node: &str| {
                nonce += 1;
                chat.hand_over(id, node, nonce, received("{}")).await
            };
            // Nobody gives a receipt on this bus.
            assert_eq!(handed(&Node::here(life).to_string()).await, silent, "{health:?}");
            assert_eq!(handed(&life.to_string()).await, older, "{health:?}: an older version gives none");
            assert_eq!(handed("somebody else").await, Handed::NotHere);
            assert_eq!(handed(&chat.node()).await, Handed::NotHere);
            assert!(chat.streams.receipts().is_empty());
        }
    }
}
