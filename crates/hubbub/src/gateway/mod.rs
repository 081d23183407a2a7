//! Sockets: one task per client, around the pure [`hubbub_core::connection`].

use crate::{chat::Chat, token::Tokens};
use axum::{
    Router,
    routing::{get, post},
};
use roster::Roster;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub mod answer;
mod client;
pub mod drain;
mod outbox;
pub mod roster;
pub mod socket;
pub mod tcp;
pub mod transport;
pub mod upgrade;

pub mod emulation;
pub mod stream;

/// Where all connections of clients begin.
pub const CONNECTIONS: &str = "/connection/";

/// Where clients connect to whom WebSockets do not get through; those go to [`upgrade::upgrade`].
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/connection/http_stream", post(emulation::http_stream))
        .route("/connection/sse", get(emulation::sse))
        .route("/emulation", post(emulation::emulation))
        .with_state(gateway)
}

/// What every client's task needs.
pub struct Gateway {
    /// What a client's requests are about.
    pub chat: Arc<Chat>,
    /// Who clients are.
    pub tokens: Arc<Tokens>,
    /// This instance's label, told to clients as `node`.
    pub label: String,
    /// Who is connected.
    pub roster: Roster,
    sources: AtomicU64,
}

impl Gateway {
    /// A gateway to this chat.
    pub fn new(chat: Arc<Chat>, tokens: Arc<Tokens>, label: String) -> Self {
        Self { chat, tokens, label, roster: Roster::default(), sources: AtomicU64::new(1) }
    }

    fn next_source(&self) -> crate::chat::post::Source {
        crate::chat::post::Source(self.sources.fetch_add(1, Ordering::Relaxed))
    }
}
