//! The bounded queue of payloads that wait to be published: at most [`limits::BUS_OUTBOX`] of them, and at most
//! [`limits::BUS_OUTBOX_BYTES`] bytes. Every payload that is put into it is either taken out or counted as dropped.

use super::{BusCounters, counters::add};
use bytes::Bytes;
use hubbub_core::limits;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::mpsc;

/// An empty queue.
pub(super) fn queue(counters: Arc<BusCounters>) -> (OutboundSender, OutboundReceiver) {
    let (sender, payloads) = mpsc::channel(limits::BUS_OUTBOX);
    let bytes = Arc::<AtomicUsize>::default();
    let receiver = OutboundReceiver { payloads, bytes: bytes.clone(), counters: counters.clone() };
    (OutboundSender { payloads: sender, bytes, counters }, receiver)
}

/// The end that payloads are put into.
#[derive(Debug)]
pub(super) struct OutboundSender {
    payloads: mpsc::Sender<(u16, Bytes)>,
    /// Of all payloads in the queue.
    bytes: Arc<AtomicUsize>,
    counters: Arc<BusCounters>,
}

impl OutboundSender {
    /// Queues a payload for a lane. Never waits: a payload that does not fit is dropped and counted.
    pub(super) fn put(&self, lane: u16, payload: Bytes) {
        let bytes = payload.len();
        let fits = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= limits::BUS_OUTBOX_BYTES;
        if !fits || self.payloads.try_send((lane, payload)).is_err() {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            add(&self.counters.dropped, 1);
        }
    }
}

/// The end that a connection takes payloads from.
#[derive(Debug)]
pub(super) struct OutboundReceiver {
    payloads: mpsc::Receiver<(u16, Bytes)>,
    bytes: Arc<AtomicUsize>,
    counters: Arc<BusCounters>,
}

/// What is published together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The number of a probe that is to be published before the payloads.
    pub(super) probe: Option<u64>,
    /// Payloads and their lanes, in the order in which they were queued.
    pub(super) payloads: Vec<(u16, Bytes)>,
    bytes: usize,
}

impl OutboundReceiver {
    /// Waits for the next payload and adds it to the batch. Takes nothing if it is dropped before it is done. Waits for ever
    /// once the other end is gone.
    pub(super) async fn take_one(&mut self, batch: &mut Batch) {
        match self.payloads.recv().await {
            Some((lane, payload)) => self.add(batch, lane, payload),
            None => std::future::pending().await,
        }
    }

    /// Adds what is waiting to the batch, until the queue is empty or the batch has reached [`limits::BUS_PIPELINE`] or
    /// [`limits::BUS_PIPELINE_BYTES`].
    pub(super) fn take_waiting(&mut self, batch: &mut Batch) {
        while batch.payloads.len() < limits::BUS_PIPELINE && batch.bytes < limits::BUS_PIPELINE_BYTES {
            let Ok((lane, payload)) = self.payloads.try_recv() else { return };
            self.add(batch, lane, payload);
        }
    }

    fn add(&self, batch: &mut Batch, lane: u16, payload: Bytes) {
        self.bytes.fetch_sub(payload.len(), Ordering::Relaxed);
        batch.bytes += payload.len();
        batch.payloads.push((lane, payload));
    }

    /// Waits for `future`, and drops whatever is in the queue by then: a wake that was held up is of no more use.
    pub(super) async fn dropping_until<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let output = loop {
            tokio::select! {
                biased;
                output = &mut future => break output,
                Some((_, payload)) = self.payloads.recv() => self.drop_one(&payload),
            }
        };
        self.drop_waiting();
        output
    }

    fn drop_waiting(&mut self) {
        while let Ok((_, payload)) = self.payloads.try_recv() {
            self.drop_one(&payload);
        }
    }

    fn drop_one(&self, payload: &Bytes) {
        self.bytes.fetch_sub(payload.len(), Ordering::Relaxed);
        add(&self.counters.dropped, 1);
    }
}

impl Drop for OutboundReceiver {
    fn drop(&mut self) {
        // From here on the other end counts what it cannot queue.
        self.payloads.close();
        self.drop_waiting();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(counters: &BusCounters) -> u64 {
        counters.dropped.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn every_payload_is_taken_or_counted_as_dropped() {
        let counters = Arc::new(BusCounters::default());
        let (sender, mut receiver) = queue(counters.clone());
        let half = Bytes::from(vec![0; limits::BUS_OUTBOX_BYTES / 2]);
        for payload in [half.clone(), half.clone(), Bytes::from_static(b"too much")] {
            sender.put(3, payload);
        }
        assert_eq!(dropped(&counters), 1);
        let mut batch = Batch::default();
        receiver.take_one(&mut batch).await;
        receiver.take_waiting(&mut batch);
        assert_eq!(batch.payloads, [(3, half.clone())], "one is more than a pipeline takes");

        sender.put(4, Bytes::from_static(b"late"));
        assert_eq!(receiver.dropping_until(async { 7 }).await, 7);
        assert_eq!(dropped(&counters), 3);
        sender.put(5, half.clone());
        sender.put(5, half);
        assert_eq!(dropped(&counters), 3, "nothing is left in the queue, so both fit");
        drop(receiver);
        assert_eq!(dropped(&counters), 5);
        sender.put(6, Bytes::from_static(b"to nobody"));
        assert_eq!(dropped(&counters), 6);
    }
}
