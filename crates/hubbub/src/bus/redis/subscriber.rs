//! The side that hears: its own connection, which does nothing but Pub/Sub, and whose reader never waits.

use super::{
    Channels, Outage, dial,
    link::Bells,
    probe::{Probe, Side},
    target::explain,
};
use crate::bus::{BusCounters, counters::add, intake::Intake};
use ::redis::{Client, PushInfo, PushKind, RedisError, Value, aio::MultiplexedConnection};
use hubbub_core::{limits, model::backoff::Backoff};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

pub(super) struct Subscriber {
    pub(super) client: Client,
    pub(super) channels: Arc<Channels>,
    pub(super) intake: Intake,
    pub(super) probe: Arc<Probe>,
    pub(super) counters: Arc<BusCounters>,
    pub(super) bells: Arc<Bells>,
}

/// What the reader last saw of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Dialled,
    Probed,
    Broken,
}

impl Subscriber {
    pub(super) async fn run(self) {
        let mut backoff = Backoff::new(Duration::from_millis(50), limits::REDIAL_MAX);
        let mut outage = Outage { side: "subscriber", on: false };
        loop {
            let reason = match timeout(limits::BUS_PATIENCE, self.subscribe()).await {
                Ok(Ok((connection, signs))) => {
                    // Whatever was published before this moment may have passed unheard.
                    self.intake.lost();
                    self.probe.side(Side::Subscriber, true);
                    let reason = watch_over(signs, &mut backoff, &mut outage).await;
                    drop(connection);
                    self.probe.side(Side::Subscriber, false);
                    self.intake.lost();
                    reason.to_owned()
                }
                Ok(Err(error)) => explain(&error),
                Err(_) => "no answer to the dial".to_owned(),
            };
            outage.begins(&reason);
            self.bells.trouble.notify_one();
            sleep(backoff.next(rand::random())).await;
            add(&self.counters.redials, 1);
        }
    }

    /// Dials and subscribes all channels, by one command or, sharded, by one write.
    async fn subscribe(&self) -> Result<(MultiplexedConnection, watch::Receiver<Sign>), RedisError> {
        let (sign, signs) = watch::channel(Sign::Dialled);
        let (intake, probe, channels) = (self.intake.clone(), self.probe.clone(), self.channels.clone());
        let pushed = move |push: PushInfo| match push.kind {
            PushKind::Message | PushKind::SMessage => {
                let Some((channel, payload)) = message(push.data) else { return };
                if channel != channels.probe.as_bytes() {
                    return intake.heard(payload.into());
                }
                if let Some(number) = std::str::from_utf8(&payload).ok().and_then(|number| number.parse().ok()) {
                    sign.send_if_modified(|sign| (*sign != Sign::Broken).then(|| *sign = Sign::Probed).is_some());
                    probe.heard(number);
                }
            }
            // A server that unsubscribes us unasked would leave a connection that looks well and hears nothing.
            // One unasked `sunsubscribe`, and what else is answered on this connection cannot be told apart any more.
            PushKind::Disconnection | PushKind::Unsubscribe | PushKind::SUnsubscribe => {
                sign.send_replace(Sign::Broken);
            }
            _ => {}
        };
        let mut connection = dial(&self.client, &self.channels, pushed).await?;
        let heard = self.channels.heard.iter().map(|lane| &self.channels.lanes[usize::from(*lane)]);
        let channels: Vec<&String> = heard.chain([&self.channels.probe]).collect();
        if self.channels.sharded {
            // Each in a slot of its own.
            let mut subscribes = ::redis::Pipeline::new();
            for channel in &channels {
                subscribes.cmd("SSUBSCRIBE").arg(channel);
            }
            let answers = connection.send_packed_commands(&subscribes, 0, channels.len()).await?;
            let refused = answers.into_iter().find_map(|answer| match answer {
                Value::ServerError(error) => Some(error),
                _ => None,
            });
            if let Some(error) = refused {
                return Err(error.into());
            }
        } else {
            connection.subscribe(channels).await?;
        }
        Ok((connection, signs))
    }
}

/// Returns once the connection is broken, or no probe has come through it for too long.
async fn watch_over(mut signs: watch::Receiver<Sign>, backoff: &mut Backoff, outage: &mut Outage) -> &'static str {
    loop {
        let Ok(changed) = timeout(limits::PROBE_WITHIN, signs.changed()).await else {
            return "no probe has come back";
        };
        if changed.is_err() || *signs.borrow_and_update() == Sign::Broken {
            return "connection closed";
        }
        backoff.reset();
        outage.ends();
    }
}

fn message(data: Vec<Value>) -> Option<(Vec<u8>, Vec<u8>)> {
    match <[Value; 2]>::try_from(data).ok()? {
        [Value::BulkString(channel), Value::BulkString(payload)] => Some((channel, payload)),
        _ => None,
    }
}
