//! The side that publishes: its own connection, fed by a bounded queue.

use super::{
    Channels, Outage, Outgoing, dial,
    link::Bells,
    probe::{Probe, Side},
    target::explain,
};
use crate::bus::{BusCounters, counters::add};
use ::redis::{Client, PushKind, Value, aio::MultiplexedConnection};
use hubbub_core::{limits, model::backoff::Backoff};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Interval, MissedTickBehavior, interval, sleep, timeout},
};

pub(super) struct Publisher {
    pub(super) client: Client,
    pub(super) channels: Arc<Channels>,
    pub(super) outbox: mpsc::Receiver<Outgoing>,
    pub(super) outbox_bytes: Arc<AtomicUsize>,
    pub(super) probe: Arc<Probe>,
    pub(super) counters: Arc<BusCounters>,
    pub(super) bells: Arc<Bells>,
}

impl Publisher {
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(50), limits::REDIAL_MAX);
        let mut outage = Outage { side: "publisher", on: false };
        loop {
            let (broken, breaks) = watch::channel(());
            let (client, channels) = (self.client.clone(), self.channels.clone());
            let dialled = timeout(
                limits::BUS_PATIENCE,
                dial(&client, &channels, move |push| {
                    if push.kind == PushKind::Disconnection {
                        broken.send_replace(());
                    }
                }),
            );
            let reason = match self.dropping(dialled).await {
                Ok(Ok(connection)) => {
                    self.probe.side(Side::Publisher, true);
                    let reason = self.publish(connection, breaks, &mut backoff, &mut outage).await;
                    self.probe.side(Side::Publisher, false);
                    reason
                }
                Ok(Err(error)) => explain(&error),
                Err(_) => "no answer to the dial".to_owned(),
            };
            outage.begins(&reason);
            self.bells.trouble.notify_one();
            self.dropping(sleep(backoff.next(rand::random()))).await;
            add(&self.counters.redials, 1);
        }
    }

    /// Publishes until the connection fails; says why it did.
    async fn publish(
        &mut self,
        mut connection: MultiplexedConnection,
        mut breaks: watch::Receiver<()>,
        backoff: &mut Backoff,
        outage: &mut Outage,
    ) -> String {
        let mut probes = interval(limits::PROBE_EVERY);
        probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let Some(pipeline) = self.next(&mut probes, &mut breaks).await else {
                return "connection closed".to_owned();
            };
            let answers = connection.send_packed_commands(&pipeline.commands, 0, pipeline.commands.len());
            let answered = match timeout(limits::BUS_PATIENCE, answers).await {
                Ok(Ok(answers)) => refusal(&answers).map_or(Ok(()), Err),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("no answer to PUBLISH".to_owned()),
            };
            match answered {
                Ok(()) => {
                    add(&self.counters.published, pipeline.payloads);
                    backoff.reset();
                    outage.ends();
                }
                Err(reason) => {
                    add(&self.counters.dropped, pipeline.payloads);
                    return reason;
                }
            }
        }
    }

    /// Waits for something to publish and takes whatever is waiting with it. `None`: the connection is closed.
    async fn next(&mut self, probes: &mut Interval, breaks: &mut watch::Receiver<()>) -> Option<Pipeline> {
        let mut pipeline = Pipeline::default();
        tokio::select! {
            biased;
            _ = breaks.changed() => return None,
            _ = probes.tick() => self.put_probe(&mut pipeline),
            () = self.probe.asked() => {
                probes.reset();
                self.put_probe(&mut pipeline);
            }
            outgoing = self.outbox.recv() => self.put(&mut pipeline, outgoing?),
        }
        while pipeline.commands.len() < limits::BUS_PIPELINE && pipeline.bytes < limits::BUS_PIPELINE_BYTES {
            let Ok(outgoing) = self.outbox.try_recv() else { break };
            self.put(&mut pipeline, outgoing);
        }
        Some(pipeline)
    }

    fn put(&self, pipeline: &mut Pipeline, Outgoing { lane, payload }: Outgoing) {
        self.outbox_bytes.fetch_sub(payload.len(), Ordering::Relaxed);
        pipeline.payloads += 1;
        pipeline.bytes += payload.len();
        pipeline.commands.cmd(self.channels.publish()).arg(&self.channels.lanes[usize::from(lane)]).arg(&payload[..]);
    }

    fn put_probe(&self, pipeline: &mut Pipeline) {
        pipeline.commands.cmd(self.channels.publish()).arg(&self.channels.probe).arg(self.probe.number());
    }

    /// Waits for `future` and drops what is queued meanwhile: a wake is worthless once it is stale.
    async fn dropping<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let output = loop {
            tokio::select! {
                biased;
                output = &mut future => break output,
                Some(outgoing) = self.outbox.recv() => self.drop_one(&outgoing),
            }
        };
        while let Ok(outgoing) = self.outbox.try_recv() {
            self.drop_one(&outgoing);
        }
        output
    }

    fn drop_one(&self, outgoing: &Outgoing) {
        self.outbox_bytes.fetch_sub(outgoing.payload.len(), Ordering::Relaxed);
        add(&self.counters.dropped, 1);
    }
}

#[derive(Default)]
struct Pipeline {
    commands: ::redis::Pipeline,
    payloads: u64,
    bytes: usize,
}

/// The first answer that is an error.
fn refusal(answers: &[Value]) -> Option<String> {
    answers.iter().find_map(|answer| match answer {
        Value::ServerError(error) => Some(explain(&error.clone().into())),
        _ => None,
    })
}
