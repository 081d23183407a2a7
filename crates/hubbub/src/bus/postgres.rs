//! LISTEN and NOTIFY on one connection of our own, for those who have Postgres alone.
//!
//! NOTIFY never runs in a message's transaction: a transaction that notifies holds a lock of the whole server until it has
//! committed, so everybody's sends would wait for each other. Here NOTIFY is a transaction of its own that waits for no disk,
//! and carries whatever has gathered for [`limits::NOTIFY_EVERY`].

use super::{
    PacketBus,
    link::{Breaker, Broken},
    packets::{PacketBroker, PacketConnection, PacketSubscriber},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future::BoxFuture};
use hubbub_core::limits;
use std::{pin::Pin, time::Duration};
use tokio::task::JoinSet;
use tokio_postgres::{AsyncMessage, Client, Error, Statement};

/// A connection of the bus's own, and the stream of what the server sends on it. The connection works only while the stream is
/// polled.
pub type NotifyConnection = (Client, Pin<Box<dyn Stream<Item = Result<AsyncMessage, Error>> + Send>>);

/// Dials such a connection.
pub type DialNotify = Box<dyn Fn() -> BoxFuture<'static, Result<NotifyConnection, String>> + Send + Sync>;

/// Starts a bus over LISTEN and NOTIFY; a server that cannot be reached is dialled for ever. Instances hear each other within
/// a namespace (letters, digits and hyphens, 50 at most).
///
/// # Panics
/// Outside of a runtime.
pub fn start(dial: DialNotify, namespace: &str) -> PacketBus {
    PacketBus::start(PostgresBroker { dial, channel: format!("hubbub_{namespace}") })
}

/// The server, and the channel there.
struct PostgresBroker {
    dial: DialNotify,
    channel: String,
}

struct PostgresConnection {
    client: Client,
    notify: Statement,
    channel: String,
    broken: Broken,
    _reader: JoinSet<()>,
}

impl PacketBroker for PostgresBroker {
    type Connection = PostgresConnection;
    const NAME: &'static str = "postgres";
    const EVERY: Duration = limits::NOTIFY_EVERY;
    /// Longer than for other buses: one of several servers may not answer before the next is tried.
    const DIAL_WITHIN: Duration = limits::STORE_PATIENCE;

    async fn dial(&mut self, subscriber: &PacketSubscriber) -> Result<PostgresConnection, String> {
        let (client, messages) = (self.dial)().await?;
        let (breaker, broken) = Breaker::new();
        let mut reader = JoinSet::new();
        reader.spawn(read(messages, subscriber.clone(), breaker));
        // A commit here need not wait for the disk. The server keeps notifications until every listener has read them, so it
        // is to notice soon when this one is dead.
        let set_up = format!(
            "SET synchronous_commit = off; SET statement_timeout = {patience}; SET idle_session_timeout = 0;
             SET tcp_user_timeout = {dead}; LISTEN \"{channel}\"",
            patience = limits::BUS_PATIENCE.as_millis(),
            dead = limits::STORE_PATIENCE.as_millis(),
            channel = self.channel.replace('"', ""),
        );
        client.batch_execute(&set_up).await.map_err(|error| said(&error))?;
        let notify = "SELECT pg_notify($1, packet) FROM unnest($2::text[]) WITH ORDINALITY AS t (packet, n) ORDER BY n";
        let notify = client.prepare(notify).await.map_err(|error| said(&error))?;
        // Whatever was published before this moment may have passed unheard.
        subscriber.lost();
        Ok(PostgresConnection { client, notify, channel: self.channel.clone(), broken, _reader: reader })
    }
}

async fn read(
    mut messages: impl Stream<Item = Result<AsyncMessage, Error>> + Unpin,
    subscriber: PacketSubscriber,
    breaker: Breaker,
) {
    let reason = loop {
        match messages.next().await {
            Some(Ok(AsyncMessage::Notification(heard))) => {
                // Somebody else's notification is passed over.
                if let Ok(packet) = STANDARD_NO_PAD.decode(heard.payload()) {
                    subscriber.heard(0, packet.into());
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => break said(&error),
            None => break "connection closed".to_owned(),
        }
    };
    breaker.tell(reason);
}

impl PacketConnection for PostgresConnection {
    fn stream(&self, _lane: u16) -> u16 {
        0
    }

    fn probed(&self) -> Vec<u16> {
        vec![0]
    }

    fn limit(&self) -> usize {
        limits::NOTIFY_BYTES
    }

    async fn publish(&mut self, packets: Vec<(u16, Vec<Bytes>)>) -> Result<(), String> {
        let texts: Vec<String> =
            packets.iter().flat_map(|(_, packets)| packets).map(|packet| STANDARD_NO_PAD.encode(packet)).collect();
        self.client.execute(&self.notify, &[&self.channel, &texts]).await.map(drop).map_err(|error| said(&error))
    }

    fn broken(&mut self) -> &mut Broken {
        &mut self.broken
    }
}

/// The server's own words, where there are some.
fn said(error: &Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}
