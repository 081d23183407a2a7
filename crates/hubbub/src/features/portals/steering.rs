//! What operators do about what waits: a message skipped or tried at once, a session stopped, a portal deleted.

use super::{
    error::SupportError,
    store::{Orphan, Session, Settlement, Steer},
    support::SupportChat,
};
use crate::chat::methods::Actor;
use hubbub_core::{
    delivery::{
        forwarding::Way,
        stored_cursor::{Beside, StoredCursor},
    },
    log::{
        kinds::{SessionState, What},
        room::PageOf,
    },
    model::{ids::RoomId, seq::Seq, time::Timestamp},
    portal::{PortalId, webhook},
};

/// Entries that are looked through at a time for the next that is for the portal.
const LOOKED_THROUGH: usize = 100;
/// Sessions of a deleted portal that are closed before its deletion is answered; the others follow.
const CLOSED_AT_ONCE: usize = 1_000;
/// Sessions that are asked for at a time.
const CLOSED_TOGETHER: usize = 100;

/// What an operator may do about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionAction {
    /// The next message becomes a dead letter, and the session goes on.
    Skip,
    /// The next message is tried at once, as if for the first time.
    Retry,
    /// The portal is sent nothing more of it until it is enabled.
    Disable,
    /// It goes on.
    Enable,
}

impl SessionAction {
    /// Reads the word over REST.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "skip" => Self::Skip,
            "retry" => Self::Retry,
            "disable" => Self::Disable,
            "enable" => Self::Enable,
            _ => return None,
        })
    }
}

impl Steer {
    /// Changes the cursor, whose row is locked; says whether it could be, and what is to be written beside it.
    pub(super) fn apply(
        &self,
        cursor: &mut StoredCursor,
        at_dead_letter: bool,
        now: Timestamp,
    ) -> (bool, Option<Beside>) {
        match self {
            Self::Skip { position, seq } => {
                if cursor.position != *position || *seq > cursor.head {
                    return (false, None);
                }
                let why = "an operator skipped it".to_owned();
                return (true, cursor.skip(*seq, at_dead_letter, why, now));
            }
            Self::Retry => cursor.retry(now),
            Self::Disable => cursor.stop(now),
            Self::Enable => cursor.go_on(at_dead_letter, now),
        }
        (true, None)
    }
}

impl Settlement {
    /// Whether the claim that was to be kept still is: an operator may have stopped the session.
    pub(super) fn leaves_held(&self, cursor: &StoredCursor) -> bool {
        self.keep.is_none() || !self.step.is_taken() || cursor.leased
    }
}

impl SupportChat {
    /// Does what an operator wants of what waits in a session.
    ///
    /// # Errors
    /// Where there is no such session, or nothing waits that could be skipped.
    pub async fn steer_session(&self, id: &RoomId, action: SessionAction) -> Result<Session, SupportError> {
        let session = self.store.session(id).await?.ok_or(SupportError::UnknownSession)?;
        let how = match action {
            SessionAction::Skip => {
                let seq = self.next_forwarded(&session).await?.ok_or(SupportError::NothingWaits)?;
                Steer::Skip { position: session.delivery.position, seq }
            }
            SessionAction::Retry => Steer::Retry,
            SessionAction::Disable => Steer::Disable,
            SessionAction::Enable => Steer::Enable,
        };
        if !self.store.steer(id, &how).await? {
            return Err(SupportError::NothingWaits);
        }
        match how {
            Steer::Skip { seq, .. } => self.hint_forwarding(&session.customer, id, Way::Failed, seq),
            Steer::Disable if session.delivery.position < session.delivery.head => {
                let next = Seq::new(session.delivery.position.get() + 1);
                self.hint_forwarding(&session.customer, id, Way::Delayed, next);
            }
            _ => {}
        }
        tracing::info!(session = %id, portal = %session.portal, ?action, "an operator steered a session");
        Ok(self.store.session(id).await?.unwrap_or(session))
    }

    /// The next entry of a session that is for its portal.
    async fn next_forwarded(&self, session: &Session) -> Result<Option<Seq>, SupportError> {
        let portal = self.portal(session.portal.as_str()).await?;
        let mut after = session.delivery.position;
        loop {
            let page = self.chat.store.page(&session.room.id, PageOf::After(after), LOOKED_THROUGH).await?;
            let Some(last) = page.as_ref().and_then(|page| page.entries.last()).map(|entry| entry.seq) else {
                return Ok(None);
            };
            let entries = page.into_iter().flat_map(|page| page.entries);
            for entry in entries {
                if webhook::kind(&entry, &portal.settings.forward, &portal.id).is_some() {
                    return Ok(Some(entry.seq));
                }
            }
            after = last;
        }
    }

    /// Deletes a portal and closes its sessions; says how many of them, and whether others are still being closed. What was said
    /// in them stays, and so do dead letters.
    ///
    /// # Errors
    /// Where there is no such portal.
    pub async fn delete_portal(&self, id: &str) -> Result<(PortalId, usize, bool), SupportError> {
        let portal = self.portal(id).await?.id;
        if !self.store.delete_portal(&portal).await? {
            return Err(SupportError::UnknownPortal);
        }
        tracing::warn!(%portal, "an operator deleted a portal");
        let mut closed = 0;
        while closed < CLOSED_AT_ONCE {
            match self.close_orphans().await {
                Ok(0) => return Ok((portal, closed, false)),
                Ok(more) => closed += more,
                Err(error) => {
                    tracing::warn!(%portal, %error, "its sessions are closed later");
                    break;
                }
            }
        }
        Ok((portal, closed, true))
    }

    /// Closes some sessions of deleted portals, and tells their customers; says how many.
    ///
    /// # Errors
    /// Where the store does not answer, or none of them could be closed.
    pub async fn close_orphans(&self) -> Result<usize, SupportError> {
        let orphans = self.store.orphans(CLOSED_TOGETHER).await?;
        let mut closed = 0;
        for Orphan { session, customer, waits } in &orphans {
            if let Some(seq) = waits {
                self.hint_forwarding(customer, session, Way::Failed, *seq);
            }
            match self.chat.append(&Actor::backend(), session, What::State(SessionState::Closed)).await {
                Ok(_) => closed += 1,
                Err(error) if closed == 0 => return Err(error.into()),
                Err(_) => return Ok(closed),
            }
        }
        Ok(closed)
    }
}
