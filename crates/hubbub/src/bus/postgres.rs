//! LISTEN and NOTIFY on one connection of our own, for those who have Postgres alone.
//!
//! NOTIFY never runs in a message's transaction: whoever notifies holds a lock of the whole server until the commit, and
//! with it everybody's sends would wait in one line. Here it is a transaction of its own without a write to wait for, and
//! carries whatever has gathered for [`limits::NOTIFY_EVERY`].

use super::{
    Bus, BusCounters, BusEvent, Health,
    ears::Ears,
    line::{Dial, Line, Post},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future::BoxFuture};
use hubbub_core::limits;
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_postgres::{AsyncMessage, Client, Error, Statement};

/// A connection of its own, and what it is told; driven by polling the latter.
pub type Connection = (Client, Pin<Box<dyn Stream<Item = Result<AsyncMessage, Error>> + Send>>);

/// Dials one.
pub type Connect = Box<dyn Fn() -> BoxFuture<'static, Result<Connection, String>> + Send + Sync>;

/// A bus over LISTEN and NOTIFY. Its task and its connection end when it is dropped.
#[derive(Debug)]
pub struct PostgresBus(Post);

struct Dialler {
    connect: Connect,
    channel: String,
}

struct PostgresLine {
    client: Client,
    notify: Statement,
    channel: String,
    broken: watch::Receiver<Option<String>>,
    _reader: JoinSet<()>,
}

impl PostgresBus {
    /// Starts it; a server that cannot be reached is dialled for ever. Instances hear each other within a namespace
    /// (letters, digits and hyphens, 50 at most).
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn start(connect: Connect, namespace: &str) -> Self {
        Self(Post::start(Dialler { connect, channel: format!("hubbub_{namespace}") }))
    }

    /// What it has counted.
    pub fn counters(&self) -> Arc<BusCounters> {
        self.0.counters.clone()
    }
}

impl Bus for PostgresBus {
    fn publish(&self, lane: u16, payload: Bytes) {
        self.0.publish(lane, payload);
    }

    fn events(&self) -> Option<mpsc::Receiver<BusEvent>> {
        self.0.events()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.0.health()
    }

    fn counters(&self) -> Option<Arc<BusCounters>> {
        Some(self.0.counters.clone())
    }
}

impl Dial for Dialler {
    type Line = PostgresLine;
    const NAME: &'static str = "postgres";
    const EVERY: Duration = limits::NOTIFY_EVERY;
    /// One of several servers may not answer.
    const PATIENCE: Duration = limits::STORE_PATIENCE;

    async fn dial(&mut self, ears: &Ears) -> Result<PostgresLine, String> {
        let (client, told) = (self.connect)().await?;
        let (breaks, broken) = watch::channel(None);
        let mut reader = JoinSet::new();
        reader.spawn(read(told, ears.clone(), breaks));
        // Nothing here is worth a wait for the disk. A dead peer must not keep the server's queue from being cleaned up.
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
        ears.lost();
        Ok(PostgresLine { client, notify, channel: self.channel.clone(), broken, _reader: reader })
    }
}

async fn read(
    mut told: impl Stream<Item = Result<AsyncMessage, Error>> + Unpin,
    ears: Ears,
    breaks: watch::Sender<Option<String>>,
) {
    let reason = loop {
        match told.next().await {
            Some(Ok(AsyncMessage::Notification(heard))) => {
                // What is not ours is passed over.
                if let Ok(packet) = STANDARD_NO_PAD.decode(heard.payload()) {
                    ears.hear(0, packet.into());
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => break said(&error),
            None => break "connection closed".to_owned(),
        }
    };
    breaks.send_replace(Some(reason));
}

impl Line for PostgresLine {
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

    async fn broken(&mut self) -> String {
        match self.broken.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "connection closed".to_owned(),
        }
    }
}

/// The server's own words, where there are some.
fn said(error: &Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}
