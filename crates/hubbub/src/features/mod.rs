//! What stands above the chat and uses it; a feature knows no other.

use crate::chat::{
    Chat,
    methods::{self, Edge, Provides},
};
use people::Choices;
use portals::{Portals, support::SupportChat};
use std::sync::Arc;

#[cfg(test)]
mod document;
#[cfg(test)]
mod in_name;
pub mod people;
pub mod portals;
#[cfg(test)]
mod typescript;

/// What methods run on: the chat, and each feature's own.
pub struct Features {
    /// Rooms, their logs and members.
    pub chat: Arc<Chat>,
    /// What people decide for themselves.
    pub choices: Arc<Choices>,
    /// Support sessions and portals.
    pub support: Arc<SupportChat>,
    /// What exchanges webhooks with portals.
    pub portals: Arc<Portals>,
}

impl Provides<Chat> for Features {
    fn provide(&self) -> Arc<Chat> {
        self.chat.clone()
    }
}

impl Provides<Choices> for Features {
    fn provide(&self) -> Arc<Choices> {
        self.choices.clone()
    }
}

impl Provides<SupportChat> for Features {
    fn provide(&self) -> Arc<SupportChat> {
        self.support.clone()
    }
}

impl Provides<Portals> for Features {
    fn provide(&self) -> Arc<Portals> {
        self.portals.clone()
    }
}

/// Tells an edge of every method there is: the one table that rpc, REST, the OpenAPI document, spans, metrics and
/// `docs/protocol.md` come from.
pub fn methods(edge: &mut (impl Edge<Chat> + Edge<Choices> + Edge<SupportChat> + Edge<Portals>)) {
    methods::list(edge);
    people::methods::list(edge);
    portals::methods::list(edge);
}
