//! Support chat: sessions, and what portals say in them, over the chat and what is kept of portals.

use super::{
    changes::Arrived,
    store::{Destination, ExternalRules, Incoming, PortalStore, Received, Resolved},
    vault::Vault,
};
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
    log::{entry::Entry, source::Source},
    model::{
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
        time::Timestamp,
    },
    portal::settings::PortalSettings,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::sync::Notify;

/// What an instance does for sessions and portals, whoever asks: clients, the product's backend, portals themselves. Its methods
/// are in several files: [`super::sessions`], [`super::administration`], [`super::dead_letters`], [`super::quarantine`],
/// [`super::release`], [`super::refused`], [`super::externals`], [`super::changes`].
pub struct SupportChat {
    /// The chat whose rooms sessions are.
    pub chat: Arc<Chat>,
    /// What is kept of portals and sessions.
    pub store: Arc<dyn PortalStore>,
    /// What seals and opens their secrets.
    pub vault: Vault,
    resolving: Gather<Arc<Incoming>, Resolved>,
    /// Under which address portals know the server, where their settings say nothing else.
    public_url: Option<Arc<str>>,
    /// An id of a portal's was learned: something in quarantine may be waiting for it.
    pub(super) releasing: Notify,
    /// Messages that came: edits and deletions may have waited for them.
    pub(super) arrived: Mutex<Arrived>,
}

/// Messages of portals, on their way to their sessions.
struct Resolve(Arc<dyn PortalStore>);

impl AsyncCall<Arc<Incoming>, Resolved> for Resolve {
    async fn call(&self, messages: &[Arc<Incoming>]) -> Result<Vec<Resolved>, StoreError> {
        self.0.resolve(messages).await
    }
}

impl SupportChat {
    /// Support chat over this chat and what is kept beside its logs.
    pub fn start(chat: Arc<Chat>, store: Arc<dyn PortalStore>, vault: Vault) -> Self {
        let resolving = Gather::start(limits::HOOKS_TOGETHER, limits::HOOK_QUEUE, Resolve(store.clone()));
        Self { chat, store, vault, resolving, public_url: None, releasing: Notify::new(), arrived: Mutex::default() }
    }

    /// The same, known to portals under this address where their settings say nothing else.
    #[must_use]
    pub fn known_as(self, public_url: Option<&str>) -> Self {
        Self { public_url: public_url.map(Into::into), ..self }
    }

    /// Under which address a portal with these settings knows the server: what stands before `/hooks/` in its URLs.
    pub(super) fn public_url<'a>(&'a self, settings: &'a PortalSettings) -> Option<&'a str> {
        settings.public_url.as_deref().or(self.public_url.as_deref())
    }

    /// Puts messages of portals into the logs of their sessions, by the way that everything takes into a log. They are
    /// committed and announced when this returns.
    ///
    /// # Errors
    /// [`ChatError::Busy`] and [`ChatError::Unavailable`]: the portal is to send them again.
    pub async fn receive(&self, messages: Vec<Incoming>) -> Result<Vec<Received>, ChatError> {
        let messages: Vec<_> = messages.into_iter().map(Arc::new).collect();
        let resolved = self.resolving.ask(messages.clone()).await?;
        // One that is for nobody, or for which there is no room, refuses all of them before anything is stored.
        let refuses = |to: &Destination| {
            use Received::{QuarantineFull, Shared, UnknownSession};
            matches!(to, Destination::Nowhere(UnknownSession | Shared(_) | QuarantineFull))
        };
        if resolved.iter().any(|one| refuses(&one.to)) {
            let shared = messages.iter().zip(&resolved).filter(|(_, one)| refuses(&one.to));
            shared.for_each(|(message, resolved)| self.note_shared(message, resolved));
            let refused = |one: Resolved| match one.to {
                Destination::Nowhere(received) => received,
                Destination::Log { .. } => Received::Withheld,
            };
            return Ok(resolved.into_iter().map(refused).collect());
        }
        self.log(&messages, resolved).await
    }

    /// Says where messages of portals go, and keeps in quarantine what belongs there.
    pub(super) async fn resolve(&self, messages: Vec<Arc<Incoming>>) -> Result<Vec<Resolved>, ChatError> {
        self.resolving.ask(messages).await
    }

    /// Whether one of these messages came before, after `since`.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub(super) async fn has_come(&self, messages: Vec<Incoming>, since: Timestamp) -> Result<bool, ChatError> {
        // Looking for them puts none into quarantine.
        let externals = ExternalRules { only_asked: true, ..ExternalRules::default() };
        let looked_for = messages.into_iter().map(|message| Incoming { quarantine: false, externals, ..message });
        let looked_for = looked_for.map(Arc::new);
        let resolved = self.resolving.ask(looked_for.collect()).await?;
        Ok(resolved.iter().any(|one| match &one.to {
            Destination::Nowhere(Received::Repeated { place, .. }) => place.at > since,
            Destination::Nowhere(Received::Quarantined(_)) => true,
            _ => false,
        }))
    }

    /// Puts messages into the logs that they go to, in this order, and says what became of them.
    pub(super) async fn log(
        &self,
        messages: &[Arc<Incoming>],
        resolved: Vec<Resolved>,
    ) -> Result<Vec<Received>, ChatError> {
        // One source: where a message fails, those behind it in its session fail, too, and come again in their order.
        let source = self.chat.admission.new_source();
        let mut lines: HashMap<RoomId, Source> = HashMap::new();
        let mut learned = Vec::new();
        messages.iter().zip(&resolved).for_each(|(message, resolved)| self.note_shared(message, resolved));
        let mut submitted = Vec::with_capacity(messages.len());
        for (message, resolved) in messages.iter().zip(resolved) {
            learned.extend(resolved.learned);
            submitted.push(match resolved.to {
                Destination::Nowhere(received) => Err(received),
                Destination::Log { portal, session } => {
                    let proposal = message.proposal(portal, session.clone());
                    let line = lines.entry(session.clone()).or_insert_with(|| source.line());
                    Ok((session, self.chat.admission.submit(line, proposal)?))
                }
            });
        }
        let mut received = Vec::with_capacity(submitted.len());
        for one in submitted {
            received.push(match one {
                Ok((session, outcome)) => Received::of(session, outcome.outcome().await?),
                Err(known) => {
                    self.announce_known(&known);
                    known
                }
            });
        }
        for (message, received) in messages.iter().zip(&received) {
            if received.place().is_some() {
                self.has_arrived(&message.portal, message.event.as_slice());
            }
        }
        // Lost, it is told again with the next message.
        if !learned.is_empty() {
            if let Err(error) = self.store.learn(&learned).await {
                tracing::debug!(%error, "portals' ids of conversations were not kept");
            }
            self.releasing.notify_one();
        }
        Ok(received)
    }

    /// Tells whoever reads a session that it has a message that came again: whoever stored it first may have died before
    /// telling anybody.
    pub(super) fn announce_known(&self, known: &Received) {
        if let Some((session, place)) = known.place() {
            self.chat.metrics.repeated.inc();
            let head = Wake::Head { room: session.clone(), epoch: place.epoch, seq: place.seq };
            self.chat.announcer.announce(&[head]);
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
