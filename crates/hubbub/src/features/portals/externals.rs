//! Ids of portals' conversations that several sessions have: seen, wherever they are met.

use super::{
    store::{Destination, Incoming, Received, Resolved},
    support::SupportChat,
};
use crate::log::Summary;
use hubbub_core::{model::ids::RoomId, portal::PortalId};

/// Ids that several sessions have.
static SHARED: Summary = Summary::new("several sessions have the same conversation of a portal");

impl SupportChat {
    /// A session was told another id by its portal or the backend: what waits for it may leave quarantine, and if other sessions
    /// have it, too, that is said.
    pub(super) async fn told(&self, portal: &PortalId, session: &RoomId, external: &str) {
        self.releasing.notify_one();
        match self.store.called(portal, external).await {
            Ok(called) if called.len() > 1 => self.say_shared(portal, session, "told", external, &called),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, %session, "whether other sessions have the same id is not known"),
        }
    }

    /// A message names an id that several sessions have.
    pub(super) fn note_shared(&self, message: &Incoming, resolved: &Resolved) {
        let [first, ..] = &resolved.shared[..] else { return };
        let (session, outcome) = match &resolved.to {
            Destination::Log { session, .. } => (session, "delivered"),
            Destination::Nowhere(Received::Quarantined(_)) => (first, "quarantined"),
            Destination::Nowhere(Received::Repeated { .. }) => return,
            Destination::Nowhere(_) => (first, "refused"),
        };
        let external = message.external.as_deref().unwrap_or_default();
        self.say_shared(&message.portal, session, outcome, external, &resolved.shared);
    }

    fn say_shared(&self, portal: &PortalId, session: &RoomId, outcome: &'static str, external: &str, among: &[RoomId]) {
        self.chat.metrics.portals.shared(portal.as_str(), outcome);
        SHARED.note_of(session.as_str(), || {
            let among: Vec<&str> = among.iter().take(8).map(RoomId::as_str).collect();
            format!("portal {portal}, its id {external:?}, sessions {}: {outcome}", among.join(", "))
        });
    }
}
