//! Events for sessions that were not known, as operators look at them, put them into a session's log, or throw them away.

use super::{
    error::SupportError,
    store::{Incoming, Quarantined, Received},
    support::SupportChat,
};
use crate::chat::ChatError;
use hubbub_core::{
    log::{
        entry::Place,
        kinds::{Message, Text, What},
        room::Part,
    },
    model::{ids::RoomId, json::Json},
    portal::PortalId,
};

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
    ) -> Result<Part<Quarantined>, SupportError> {
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
        let what = What::Message(Message {
            text: Text::trusted(kept.text),
            data: kept.data.map(Json::trusted),
            reply_to: None,
        });
        let (draft, opening) = self.drafts(&kept.portal, &kept.from, what);
        let message = Incoming {
            portal: kept.portal,
            session: kept.session,
            external: kept.external,
            event: kept.event,
            draft,
            opening,
            quarantine: true,
        };
        let received = self.store.release(kept.number, &message, session).await?;
        self.announce_received(received.as_slice());
        match received.ok_or(SupportError::UnknownEvent)? {
            Received::UnknownSession | Received::Quarantined(_) => Err(SupportError::UnknownSession),
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
