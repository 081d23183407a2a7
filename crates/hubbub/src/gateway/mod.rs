//! Sockets: one task per client, around the pure [`hubbub_core::connection`].

use crate::{chat::Chat, token::Tokens};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub mod answer;
pub mod arrivals;
mod client;
mod outbox;
pub mod socket;
pub mod upgrade;

/// What every client's task needs.
pub struct Gateway {
    /// What a client's requests are about.
    pub chat: Arc<Chat>,
    /// Who clients are.
    pub tokens: Tokens,
    /// This instance's label, told to clients as `node`.
    pub label: String,
    /// Who may come in.
    pub arrivals: arrivals::Arrivals,
    sources: AtomicU64,
}

impl Gateway {
    /// A gateway to this chat, for at most so many connections.
    pub fn new(chat: Arc<Chat>, tokens: Tokens, label: String, most: Option<usize>) -> Self {
        let arrivals = arrivals::Arrivals::new(most, chat.metrics.clone());
        Self { chat, tokens, label, arrivals, sources: AtomicU64::new(1) }
    }

    fn next_source(&self) -> crate::chat::post::Source {
        crate::chat::post::Source(self.sources.fetch_add(1, Ordering::Relaxed))
    }
}
