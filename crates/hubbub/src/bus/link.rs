//! The loop that every bus over a network publishes with. A [`Broker`] is dialled for ever; a connection takes from the
//! outbound queue whatever has gathered there and is thrown away when it breaks. What is queued while there is no connection
//! is dropped.
//!
//! The reconnecting of the brokers' client libraries is not used: they would publish what was held up meanwhile, and
//! subscribe again without saying that something may have passed unheard.

use super::{
    BusCounters,
    counters::add,
    outbound::{Batch, OutboundReceiver},
    probes::Probes,
    redial::Redial,
};
use hubbub_core::limits;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until, timeout},
};

/// The server, or servers, that a bus runs over, and how to talk to them.
pub(super) trait Broker: Send + 'static {
    /// A connection that payloads are published on. It closes when it is dropped.
    type Connection: Send;
    /// For people who read the log.
    const NAME: &'static str;
    /// How long a dial may take.
    const DIAL_WITHIN: Duration = limits::BUS_PATIENCE;
    /// The least time from one publish to the next.
    const EVERY: Duration = Duration::ZERO;

    /// Connects, and tells the probes so.
    fn dial(&mut self) -> impl Future<Output = Result<Self::Connection, String>> + Send;

    /// Publishes the probe, if there is one, and then the payloads; those of one lane in their order.
    fn publish(
        &mut self,
        connection: &mut Self::Connection,
        batch: Batch,
    ) -> impl Future<Output = Result<(), String>> + Send;

    /// Waits until the connection is of no more use, and says why it is not. May be dropped and called again.
    fn broken(&mut self, connection: &mut Self::Connection) -> impl Future<Output = String> + Send;

    /// A connection has been closed, because it was broken or a publish failed. Tells the probes so.
    fn disconnected(&mut self);

    /// A dial has failed, or a connection has been closed.
    fn failed(&mut self) {}
}

/// One broker being dialled and published to. See the module.
pub(super) struct Link<B> {
    broker: B,
    queue: OutboundReceiver,
    probes: Arc<Probes>,
    counters: Arc<BusCounters>,
    redial: Redial,
}

impl<B: Broker> Link<B> {
    pub(super) fn new(broker: B, queue: OutboundReceiver, probes: Arc<Probes>, counters: Arc<BusCounters>) -> Self {
        let redial = Redial::new(B::NAME, counters.clone());
        Self { broker, queue, probes, counters, redial }
    }

    /// Runs until it is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let dialled = self.queue.dropping_until(timeout(B::DIAL_WITHIN, self.broker.dial())).await;
            let reason = match dialled {
                Ok(Ok(connection)) => {
                    let reason = self.publish_until_broken(connection).await;
                    self.broker.disconnected();
                    reason
                }
                Ok(Err(reason)) => reason,
                Err(_) => "no answer to the dial".to_owned(),
            };
            let pause = self.redial.failed(&reason);
            self.broker.failed();
            self.queue.dropping_until(sleep(pause)).await;
            add(&self.counters.redials, 1);
        }
    }

    /// Returns why the connection is given up.
    async fn publish_until_broken(&mut self, mut connection: B::Connection) -> String {
        let mut ticks = interval(limits::PROBE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut not_before = Instant::now();
        loop {
            let batch = match self.next(&mut connection, &mut ticks, not_before).await {
                Ok(batch) => batch,
                Err(reason) => return reason,
            };
            if self.probes.all_back() {
                self.redial.works();
            }
            let payloads = batch.payloads.len() as u64;
            not_before = Instant::now() + B::EVERY;
            let published = timeout(limits::BUS_PATIENCE, self.broker.publish(&mut connection, batch)).await;
            match published.unwrap_or_else(|_| Err("no answer to a publish".to_owned())) {
                Ok(()) => add(&self.counters.published, payloads),
                Err(reason) => {
                    add(&self.counters.dropped, payloads);
                    return reason;
                }
            }
        }
    }

    /// Waits for something to publish, and takes whatever is waiting along with it. An error: the connection is broken.
    async fn next(
        &mut self,
        connection: &mut B::Connection,
        ticks: &mut Interval,
        not_before: Instant,
    ) -> Result<Batch, String> {
        let mut batch = Batch::default();
        tokio::select! {
            biased;
            reason = self.broker.broken(connection) => return Err(reason),
            _ = ticks.tick() => batch.probe = Some(self.probes.number()),
            () = self.probes.wanted() => {
                ticks.reset();
                batch.probe = Some(self.probes.number());
            }
            () = self.queue.take_one(&mut batch) => {}
        }
        sleep_until(not_before).await;
        self.queue.take_waiting(&mut batch);
        Ok(batch)
    }
}

/// Tells a link that its connection is broken. For the tasks and callbacks that read the connection.
#[derive(Debug, Clone)]
pub(super) struct Breaker(watch::Sender<Option<String>>);

/// The other end of a [`Breaker`].
#[derive(Debug, Clone)]
pub(super) struct Broken(watch::Receiver<Option<String>>);

impl Breaker {
    pub(super) fn new() -> (Self, Broken) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), Broken(receiver))
    }

    /// The connection is broken for this reason. Of several the first counts: the others follow from it.
    pub(super) fn tell(&self, reason: String) {
        self.0.send_if_modified(|told| {
            let is_first = told.is_none();
            told.get_or_insert(reason);
            is_first
        });
    }
}

impl Broken {
    /// Waits until the connection is broken, and says why. May be dropped and called again.
    pub(super) async fn reason(&mut self) -> String {
        match self.0.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            // Whoever read it is gone.
            Err(_) => "connection closed".to_owned(),
        }
    }
}
