//! Sockets: one task per client, around the pure [`hubbub_core::connection`].

use crate::{chat::Chat, token::Tokens};
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
pub mod transport;
pub mod upgrade;

/// What every client's task needs.
pub struct Gateway {
    /// What a client's requests are about.
    pub chat: Arc<Chat>,
    /// Who clients are.
    pub tokens: Tokens,
    /// This instance's label, told to clients as `node`.
    pub label: String,
    /// Who is connected.
    pub roster: Roster,
    sources: AtomicU64,
}

impl Gateway {
    /// A gateway to this chat.
    pub fn new(chat: Arc<Chat>, tokens: Tokens, label: String) -> Self {
        Self { chat, tokens, label, roster: Roster::default(), sources: AtomicU64::new(1) }
    }

    fn next_source(&self) -> crate::chat::post::Source {
        crate::chat::post::Source(self.sources.fetch_add(1, Ordering::Relaxed))
    }
}
