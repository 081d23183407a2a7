//! Support chat: sessions, and what portals say in them, over the chat and what is kept of portals.

use super::store::{Incoming, PortalStore, Received};
use crate::{
    chat::{
        Chat, ChatError,
        log::gather::{AsyncCall, Gather},
    },
    store::StoreError,
};
use hubbub_core::{
    delivery::forwarding::{Forwarding, Way},
    limits,
    live::wake::Wake,
    log::{
        entry::{Draft, Entry, Right},
        kinds::{SessionState, What},
    },
    model::{
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
    },
    portal::{PortalId, session::default_session},
};
use std::sync::Arc;

/// What an instance does for sessions and portals, whoever asks: clients, the product's backend, portals themselves. Its methods
/// are in several files: [`super::sessions`], [`super::administration`], [`super::dead_letters`], [`super::quarantine`].
pub struct SupportChat {
    /// The chat whose rooms sessions are.
    pub chat: Arc<Chat>,
    /// What is kept of portals and sessions.
    pub store: Arc<dyn PortalStore>,
    received: Gather<Incoming, Received>,
}

/// Messages of portals, on their way into the store.
struct Receive(Arc<dyn PortalStore>);

impl AsyncCall<Incoming, Received> for Receive {
    async fn call(&self, messages: &[Incoming]) -> Result<Vec<Received>, StoreError> {
        self.0.receive(messages).await
    }
}

impl SupportChat {
    /// Support chat over this chat and what is kept beside its logs.
    pub fn start(chat: Arc<Chat>, store: Arc<dyn PortalStore>) -> Self {
        let received = Gather::start(limits::HOOKS_TOGETHER, limits::HOOK_QUEUE, Receive(store.clone()));
        Self { chat, store, received }
    }

    /// Drafts of a message from a portal, and of the entry that opens its session again. The store puts in the room, once it
    /// knows it.
    pub fn drafts(&self, portal: &PortalId, from: &UserId, what: What) -> (Draft, Draft) {
        let placeholder = default_session(portal, from);
        let draft = |what| self.chat.draft(&placeholder, from, None, what, Right::Portal);
        (draft(what), draft(What::State(SessionState::Open)))
    }

    /// Stores messages from portals, together with those of others. They are announced when this returns.
    ///
    /// # Errors
    /// [`ChatError::Busy`] and [`ChatError::Unavailable`]: the portal is to send them again.
    pub async fn receive(&self, messages: Vec<Incoming>) -> Result<Vec<Received>, ChatError> {
        let received = self.received.ask(messages).await?;
        self.announce_received(&received);
        Ok(received)
    }

    /// Tells whoever reads these sessions what was received.
    pub(super) fn announce_received(&self, received: &[Received]) {
        for one in received {
            match one {
                Received::Stored { epoch, entries } => {
                    self.chat.metrics.appended.inc_by(entries.len() as u64);
                    self.announce(*epoch, entries);
                }
                // Whoever stored it first may have died before telling anybody.
                Received::Repeated { session, place } => {
                    self.chat.metrics.repeated.inc();
                    self.chat.announcer.announce(&[Wake::Head {
                        room: session.clone(),
                        epoch: place.epoch,
                        seq: place.seq,
                    }]);
                }
                Received::Quarantined(_) | Received::UnknownSession | Received::LogFull => {}
            }
        }
    }

    /// Tells whoever reads their room about new entries.
    pub(super) fn announce(&self, epoch: Epoch, entries: &[Entry]) {
        self.chat.announcer.announce_entries(epoch, entries);
    }

    /// Tells a customer's devices how far an entry has got on its way to the portal: a hint, kept nowhere.
    pub fn hint_forwarding(&self, customer: &UserId, session: &RoomId, way: Way, seq: Seq) {
        let forwarding = Forwarding { room: session.clone(), seq, way };
        self.chat.announcer.announce(&[Wake::Forwarding { customer: customer.clone(), forwarding }]);
    }
}
