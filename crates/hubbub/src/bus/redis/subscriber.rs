//! The side that subscribes: a connection of its own, which does nothing but Pub/Sub, and whose reader never waits. It is given
//! up and dialled anew without touching the publisher.

use super::{
    Channels, PROBED, dial,
    node_link::Signals,
    target::{HostPort, Target, explain},
};
use crate::bus::{
    BusCounters,
    counters::add,
    intake::Intake,
    probes::{Probes, Side},
    redial::Redial,
};
use ::redis::{PushInfo, PushKind, RedisError, Value, aio::MultiplexedConnection};
use hubbub_core::limits;
use std::sync::Arc;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

pub(super) struct Subscriber {
    pub(super) target: Target,
    pub(super) node: HostPort,
    pub(super) channels: Arc<Channels>,
    pub(super) intake: Intake,
    pub(super) probes: Arc<Probes>,
    pub(super) counters: Arc<BusCounters>,
    pub(super) signals: Arc<Signals>,
}

/// The last thing that happened on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Dialled,
    Probed,
    Broken,
}

impl Subscriber {
    pub(super) async fn run(self) {
        let mut redial = Redial::new("redis subscriber", self.counters.clone());
        loop {
            let reason = match timeout(limits::BUS_PATIENCE, self.subscribe()).await {
                Ok(Ok((connection, signs))) => {
                    // Whatever was published before this moment may have passed unheard.
                    self.intake.lost();
                    self.probes.connected(&[Side::Subscriber], &PROBED);
                    let reason = watch_over(signs, &mut redial).await;
                    drop(connection);
                    self.probes.disconnected(&[Side::Subscriber]);
                    self.intake.lost();
                    reason.to_owned()
                }
                Ok(Err(reason)) => reason,
                Err(_) => "no answer to the dial".to_owned(),
            };
            let pause = redial.failed(&reason);
            self.signals.trouble.notify_one();
            sleep(pause).await;
            add(&self.counters.redials, 1);
        }
    }

    /// Dials and subscribes to all channels: with one command, or with one for each where channels are sharded.
    async fn subscribe(&self) -> Result<(MultiplexedConnection, watch::Receiver<Sign>), String> {
        let (sign, signs) = watch::channel(Sign::Dialled);
        let (intake, probes, channels) = (self.intake.clone(), self.probes.clone(), self.channels.clone());
        let pushed = move |push: PushInfo| match push.kind {
            PushKind::Message | PushKind::SMessage => {
                let Some((channel, payload)) = message(push.data) else { return };
                if channel != channels.probe.as_bytes() {
                    return intake.heard(payload.into());
                }
                if let Some(number) = std::str::from_utf8(&payload).ok().and_then(|number| number.parse().ok()) {
                    sign.send_if_modified(|sign| (*sign != Sign::Broken).then(|| *sign = Sign::Probed).is_some());
                    probes.came_back(PROBED[0], number);
                }
            }
            // After a server has unsubscribed us unasked, the connection would look well and hear nothing. And after an unasked
            // `sunsubscribe` the client library assigns every later answer to the wrong command.
            PushKind::Disconnection | PushKind::Unsubscribe | PushKind::SUnsubscribe => {
                sign.send_replace(Sign::Broken);
            }
            _ => {}
        };
        let mut connection = dial(&self.target, &self.node, &self.channels, pushed).await?;
        let heard = self.channels.heard.iter().map(|lane| &self.channels.lanes[usize::from(*lane)]);
        let channels: Vec<&String> = heard.chain([&self.channels.probe]).collect();
        let failed = |error: RedisError| explain(&error);
        if self.channels.sharded {
            // Each in a slot of its own.
            let mut subscribes = ::redis::Pipeline::new();
            for channel in &channels {
                subscribes.cmd("SSUBSCRIBE").arg(channel);
            }
            let answers = connection.send_packed_commands(&subscribes, 0, channels.len()).await.map_err(failed)?;
            let refused = answers.into_iter().find_map(|answer| match answer {
                Value::ServerError(error) => Some(error),
                _ => None,
            });
            if let Some(error) = refused {
                return Err(failed(error.into()));
            }
        } else {
            connection.subscribe(channels).await.map_err(failed)?;
        }
        Ok((connection, signs))
    }
}

/// Returns once the connection is broken, or no probe has come through it for too long.
async fn watch_over(mut signs: watch::Receiver<Sign>, redial: &mut Redial) -> &'static str {
    loop {
        let Ok(changed) = timeout(limits::PROBE_WITHIN, signs.changed()).await else {
            return "no probe has come back";
        };
        if changed.is_err() || *signs.borrow_and_update() == Sign::Broken {
            return "connection closed";
        }
        redial.works();
    }
}

fn message(data: Vec<Value>) -> Option<(Vec<u8>, Vec<u8>)> {
    match <[Value; 2]>::try_from(data).ok()? {
        [Value::BulkString(channel), Value::BulkString(payload)] => Some((channel, payload)),
        _ => None,
    }
}
