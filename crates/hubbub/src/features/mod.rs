//! What stands above the chat and uses it; a feature knows no other.

use crate::chat::{
    Chat,
    methods::{self, Edge, Provides},
};
use portals::support::SupportChat;
use std::sync::Arc;

#[cfg(test)]
mod document;
pub mod portals;

/// What methods run on: the chat, and each feature's own.
pub struct Features {
    /// Rooms, their logs and members.
    pub chat: Arc<Chat>,
    /// Support sessions and portals.
    pub support: Arc<SupportChat>,
}

impl Provides<Chat> for Features {
    fn provide(&self) -> Arc<Chat> {
        self.chat.clone()
    }
}

impl Provides<SupportChat> for Features {
    fn provide(&self) -> Arc<SupportChat> {
        self.support.clone()
    }
}

/// Tells an edge of every method there is: the one table that rpc, REST, the OpenAPI document, spans, metrics and
/// `docs/protocol.md` come from.
pub fn methods(edge: &mut (impl Edge<Chat> + Edge<SupportChat>)) {
    methods::list(edge);
    portals::methods::list(edge);
}
