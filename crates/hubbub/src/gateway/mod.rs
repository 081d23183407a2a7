//! Sockets: one task per client, around the pure [`hubbub_core::connection`].

use crate::{chat::Chat, token::Tokens};
use axum::{
    Router,
    routing::{get, post},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub mod answer;
mod client;
mod outbox;

pub mod transport;

pub mod socket;
pub mod upgrade;

pub mod emulation;
pub mod stream;

/// Where all connections of clients begin.
pub const CONNECTIONS: &str = "/connection/";

/// Everything that clients speak to.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/connection/websocket", get(upgrade::upgrade))
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
    sources: AtomicU64,
}

impl Gateway {
    /// A gateway to this chat.
    pub fn new(chat: Arc<Chat>, tokens: Arc<Tokens>, label: String) -> Self {
        Self { chat, tokens, label, sources: AtomicU64::new(1) }
    }

    fn next_source(&self) -> crate::chat::post::Source {
        crate::chat::post::Source(self.sources.fetch_add(1, Ordering::Relaxed))
    }
}
