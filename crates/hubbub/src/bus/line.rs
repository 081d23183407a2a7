//! What NATS, Kafka and Postgres have in common: one connection that is made anew for ever, fed from a bounded outbox by
//! whatever has gathered there. A new connection is a [`Line`]; nothing of the old one is kept.

use super::{
    BusCounters, BusEvent, Health,
    counters::add,
    ears::Ears,
    intake::Intake,
    packet::{Packer, Record},
};
use bytes::Bytes;
use hubbub_core::{limits, model::backoff::Backoff};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until, timeout},
};
use uuid::Uuid;

/// Makes lines.
pub(super) trait Dial: Send + Sync + 'static {
    type Line: Line;
    /// For people, in logs.
    const NAME: &'static str;
    /// How long a dial may take.
    const PATIENCE: Duration = limits::BUS_PATIENCE;
    /// Least time between two publishes.
    const EVERY: Duration = Duration::ZERO;

    /// Connects and listens to everything; only then it returns. Tells the ears if something may have passed unheard.
    fn dial(&mut self, ears: &Ears) -> impl Future<Output = Result<Self::Line, String>> + Send;
}

/// A connection. Its tasks end when it is dropped.
pub(super) trait Line: Send {
    /// The stream that carries a lane.
    fn stream(&self, lane: u16) -> u16;
    /// The streams that a probe has to go through.
    fn probed(&self) -> Vec<u16>;
    /// The largest packet.
    fn limit(&self) -> usize;
    /// Publishes packets; those of one stream in their order.
    fn publish(&mut self, packets: Vec<(u16, Vec<Bytes>)>) -> impl Future<Output = Result<(), String>> + Send;
    /// Resolves when the connection is broken, and says why. May be dropped and asked again.
    fn broken(&mut self) -> impl Future<Output = String> + Send;
}

/// The near end: what [`super::Bus`] asks for. Everything ends when it is dropped.
#[derive(Debug)]
pub(super) struct Post {
    outbox: mpsc::Sender<(u16, Bytes)>,
    outbox_bytes: Arc<AtomicUsize>,
    events: Mutex<Option<mpsc::Receiver<BusEvent>>>,
    ears: Ears,
    pub(super) counters: Arc<BusCounters>,
    _tasks: JoinSet<()>,
}

impl Post {
    /// Starts dialling. Must be called within a runtime.
    pub(super) fn start(dial: impl Dial) -> Self {
        let counters = Arc::new(BusCounters::default());
        let (intake, events) = Intake::new(limits::BUS_INTAKE, counters.clone());
        let (outbox, waiting) = mpsc::channel(limits::BUS_OUTBOX);
        let outbox_bytes = Arc::<AtomicUsize>::default();
        let me = Uuid::new_v4();
        let ears = Ears::new(me, intake);
        let driver = Driver {
            dial,
            outbox: waiting,
            outbox_bytes: outbox_bytes.clone(),
            packer: Packer::new(me),
            dropped: 0,
            ears: ears.clone(),
            counters: counters.clone(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(driver.run());
        Self { outbox, outbox_bytes, events: Mutex::new(Some(events)), ears, counters, _tasks: tasks }
    }

    /// Never waits: what does not fit is dropped and counted.
    pub(super) fn publish(&self, lane: u16, payload: Bytes) {
        let bytes = payload.len();
        let fits = lane < limits::LANES && bytes <= limits::BUS_PAYLOAD_BYTES;
        if fits {
            let before = self.outbox_bytes.fetch_add(bytes, Ordering::Relaxed);
            if before + bytes <= limits::BUS_OUTBOX_BYTES && self.outbox.try_send((lane, payload)).is_ok() {
                return;
            }
            self.outbox_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        add(&self.counters.dropped, 1);
    }

    pub(super) fn events(&self) -> Option<mpsc::Receiver<BusEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn health(&self) -> watch::Receiver<Health> {
        self.ears.health()
    }
}

struct Driver<D> {
    dial: D,
    outbox: mpsc::Receiver<(u16, Bytes)>,
    outbox_bytes: Arc<AtomicUsize>,
    packer: Packer,
    /// What had been dropped when packets were last numbered.
    dropped: u64,
    ears: Ears,
    counters: Arc<BusCounters>,
}

impl<D: Dial> Driver<D> {
    async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(50), limits::REDIAL_MAX);
        let mut out = false;
        loop {
            let reason = match self.dial().await {
                Ok(line) => {
                    self.ears.connected(&line.probed());
                    let reason = self.carry(line, &mut backoff, &mut out).await;
                    self.ears.disconnected();
                    self.ears.lost();
                    reason
                }
                Err(reason) => reason,
            };
            if !std::mem::replace(&mut out, true) {
                tracing::warn!(bus = D::NAME, reason, "the bus is out; redialling until it is back");
            }
            let wait = sleep(backoff.next(rand::random()));
            dropping(wait, &mut self.outbox, &self.outbox_bytes, &self.counters).await;
            add(&self.counters.redials, 1);
        }
    }

    async fn dial(&mut self) -> Result<D::Line, String> {
        let dialled = timeout(D::PATIENCE, self.dial.dial(&self.ears));
        dropping(dialled, &mut self.outbox, &self.outbox_bytes, &self.counters)
            .await
            .unwrap_or_else(|_| Err("no answer to the dial".to_owned()))
    }

    /// Publishes until the line is broken; says why it is.
    async fn carry(&mut self, mut line: D::Line, backoff: &mut Backoff, out: &mut bool) -> String {
        let mut probes = interval(limits::PROBE_EVERY);
        probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut published = Instant::now() - D::EVERY;
        loop {
            let batch = match self.next(&mut line, &mut probes, published + D::EVERY).await {
                Ok(batch) => batch,
                Err(reason) => return reason,
            };
            if self.ears.works() {
                backoff.reset();
                if std::mem::take(out) {
                    tracing::info!(bus = D::NAME, "the bus is back");
                }
            }
            let Some(Batch { payloads, records }) = batch else { continue };
            let dropped = self.counters.dropped.load(Ordering::Relaxed);
            if std::mem::replace(&mut self.dropped, dropped) != dropped {
                self.packer.skip();
            }
            let packets: Vec<_> = records
                .into_iter()
                .map(|(stream, records)| (stream, self.packer.pack(stream, &records, line.limit())))
                .collect();
            published = Instant::now();
            match timeout(limits::BUS_PATIENCE, line.publish(packets)).await {
                Ok(Ok(())) => add(&self.counters.published, payloads),
                Ok(Err(reason)) => {
                    add(&self.counters.dropped, payloads);
                    return reason;
                }
                Err(_) => {
                    add(&self.counters.dropped, payloads);
                    return "no answer to a publish".to_owned();
                }
            }
        }
    }

    /// Waits for something to publish and takes whatever is waiting with it. `None`: there was nothing after all.
    async fn next(
        &mut self,
        line: &mut D::Line,
        probes: &mut Interval,
        not_before: Instant,
    ) -> Result<Option<Batch>, String> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        let silent = self.ears.last_proof() + limits::PROBE_WITHIN;
        tokio::select! {
            biased;
            reason = line.broken() => return Err(reason),
            _ = probes.tick() => self.put_probe(line, &mut batch),
            () = self.ears.asked() => self.put_probe(line, &mut batch),
            () = sleep_until(silent) => {
                let silent = self.ears.last_proof().elapsed() >= limits::PROBE_WITHIN;
                return if silent { Err("no probe has come back".to_owned()) } else { Ok(None) };
            }
            Some((lane, payload)) = self.outbox.recv() => bytes += self.put(line, &mut batch, lane, payload),
        }
        sleep_until(not_before).await;
        while batch.payloads < limits::BUS_PIPELINE as u64 && bytes < limits::BUS_PIPELINE_BYTES {
            let Ok((lane, payload)) = self.outbox.try_recv() else { break };
            bytes += self.put(line, &mut batch, lane, payload);
        }
        Ok(Some(batch))
    }

    fn put(&self, line: &D::Line, batch: &mut Batch, lane: u16, payload: Bytes) -> usize {
        let bytes = payload.len();
        self.outbox_bytes.fetch_sub(bytes, Ordering::Relaxed);
        batch.payloads += 1;
        batch.records.entry(line.stream(lane)).or_default().push(Record::Payload(payload));
        bytes
    }

    fn put_probe(&self, line: &D::Line, batch: &mut Batch) {
        let number = self.ears.number();
        for stream in line.probed() {
            batch.records.entry(stream).or_default().push(Record::Probe(number));
        }
    }
}

/// What is published together.
#[derive(Default)]
struct Batch {
    payloads: u64,
    records: BTreeMap<u16, Vec<Record>>,
}

/// Waits for `future` and drops what is queued meanwhile: a wake is worthless once it is stale.
async fn dropping<F: Future>(
    future: F,
    outbox: &mut mpsc::Receiver<(u16, Bytes)>,
    outbox_bytes: &AtomicUsize,
    counters: &BusCounters,
) -> F::Output {
    let drop_one = |payload: &Bytes| {
        outbox_bytes.fetch_sub(payload.len(), Ordering::Relaxed);
        add(&counters.dropped, 1);
    };
    let mut future = std::pin::pin!(future);
    let output = loop {
        tokio::select! {
            biased;
            output = &mut future => break output,
            Some((_, payload)) = outbox.recv() => drop_one(&payload),
        }
    };
    while let Ok((_, payload)) = outbox.try_recv() {
        drop_one(&payload);
    }
    output
}
