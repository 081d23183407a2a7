//! Sockets: one task per client, around the pure [`hubbub_core::connection`].

use crate::{chat::Chat, token::Tokens};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub mod answer;
mod client;
mod outbox;
pub mod socket;
pub mod upgrade;

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
