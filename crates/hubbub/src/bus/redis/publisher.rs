//! The side that publishes: a connection of its own, and wakes as they are, one PUBLISH for each.

use super::{
    Channels, dial,
    node_link::Signals,
    target::{HostPort, Target, explain},
};
use crate::bus::{
    link::{Breaker, Broken, Broker},
    outbound::Batch,
    probes::{Probes, Side},
};
use ::redis::{Pipeline, PushKind, Value, aio::MultiplexedConnection};
use std::sync::Arc;

pub(super) struct Publisher {
    pub(super) target: Target,
    pub(super) node: HostPort,
    pub(super) channels: Arc<Channels>,
    pub(super) probes: Arc<Probes>,
    pub(super) signals: Arc<Signals>,
}

impl Broker for Publisher {
    type Connection = (MultiplexedConnection, Broken);
    const NAME: &'static str = "redis publisher";

    async fn dial(&mut self) -> Result<Self::Connection, String> {
        let (breaker, broken) = Breaker::new();
        let pushed = move |push: ::redis::PushInfo| {
            if push.kind == PushKind::Disconnection {
                breaker.tell("connection closed".to_owned());
            }
        };
        let connection = dial(&self.target, &self.node, &self.channels, pushed).await?;
        self.probes.connected(&[Side::Publisher], &super::PROBED);
        Ok((connection, broken))
    }

    async fn publish(&mut self, (connection, _): &mut Self::Connection, batch: Batch) -> Result<(), String> {
        let (publish, channels) = (self.channels.publish(), &self.channels);
        let mut commands = Pipeline::new();
        if let Some(number) = batch.probe {
            commands.cmd(publish).arg(&channels.probe).arg(number);
        }
        for (lane, payload) in &batch.payloads {
            commands.cmd(publish).arg(&channels.lanes[usize::from(*lane)]).arg(&payload[..]);
        }
        let answers = connection.send_packed_commands(&commands, 0, commands.len()).await;
        let refusal = answers.map_err(|error| error.to_string())?.into_iter().find_map(|answer| match answer {
            Value::ServerError(error) => Some(explain(&error.into())),
            _ => None,
        });
        refusal.map_or(Ok(()), Err)
    }

    async fn broken(&mut self, (_, broken): &mut Self::Connection) -> String {
        broken.reason().await
    }

    fn disconnected(&mut self) {
        self.probes.disconnected(&[Side::Publisher]);
    }

    fn failed(&mut self) {
        self.signals.trouble.notify_one();
    }
}
