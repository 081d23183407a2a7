//! Events for sessions that were not known, as operators look at them, put them into a session's log, or throw them away.

use super::{
    error::SupportError,
    store::{ExternalRules, Incoming, Quarantined, Received},
    support::SupportChat,
};
use crate::chat::ChatError;
use hubbub_core::{
    log::{
        entry::Place,
        kinds::{Message, Text},
        room::ListPart,
    },
    model::{
        access::Refusal,
        ids::{Key, RoomId},
        json::Json,
    },
    portal::PortalId,
};
use std::sync::Arc;
use uuid::Uuid;

impl SupportChat {
    /// What of a portal is in quarantine, by number, after `after`: at most `limit`.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn quarantined(
        &self,
        portal: &PortalId,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<Quarantined>, SupportError> {
        Ok(self.store.quarantined(portal, after, limit).await?)
    }

    /// An event of a portal that is in quarantine.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub async fn quarantined_event(&self, portal: &PortalId, number: u64) -> Result<Quarantined, SupportError> {
        let part = self.store.quarantined(portal, number.saturating_sub(1), 1).await?;
        part.items.into_iter().find(|kept| kept.number == number).ok_or(SupportError::UnknownEvent)
    }

    /// Takes an event out of quarantine, into the log of `session` or of the one that the event names. Says where it is.
    ///
    /// # Errors
    /// Where there is no such session, its log is full, or the event is in quarantine no more.
    pub async fn release_event(
        &self,
        kept: Quarantined,
        session: Option<&RoomId>,
    ) -> Result<(RoomId, Place), SupportError> {
        let (portal, number) = (kept.portal.clone(), kept.number);
        let incoming = incoming(kept);
        let incoming = Arc::new(incoming.released(number, session));
        let resolved = self.store.resolve_quarantined(number, &incoming).await?.ok_or(SupportError::UnknownEvent)?;
        let received = self.log(&[incoming], vec![resolved]).await?.pop();
        if received.as_ref().and_then(Received::place).is_some() {
            // Should this fail: released again, it is recognised.
            self.store.drop_quarantined(&portal, number).await?;
        }
        match received.ok_or(ChatError::Unavailable)? {
            Received::UnknownSession
            | Received::Shared(_)
            | Received::Withheld
            | Received::Quarantined(_)
            | Received::QuarantineFull => Err(SupportError::UnknownSession),
            Received::Archived => Err(ChatError::from(Refusal::Archived).into()),
            Received::LogFull => Err(SupportError::LogFull),
            stored @ (Received::Stored { .. } | Received::Repeated { .. }) => {
                let (session, place) = stored.place().ok_or(ChatError::Unavailable)?;
                Ok((session.clone(), place))
            }
        }
    }

    /// Throws an event in quarantine away.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub async fn drop_event(&self, portal: &PortalId, number: u64) -> Result<(), SupportError> {
        self.store.drop_quarantined(portal, number).await?.then_some(()).ok_or(SupportError::UnknownEvent)
    }
}

/// An event as it came.
pub(super) fn incoming(kept: Quarantined) -> Incoming {
    let message = Message::new(Text::trusted(kept.text), kept.data.map(Json::trusted), None);
    let id = Uuid::now_v7();
    Incoming {
        portal: kept.portal,
        session: kept.session,
        external: kept.external,
        event: kept.event,
        id,
        key: Key::of_id(id),
        from: kept.from,
        message,
        quarantine: true,
        externals: ExternalRules::default(),
    }
}
