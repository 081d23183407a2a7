//! Support sessions: opened, resumed, closed.

use super::{
    store::{Filter, NewSession, Opened, Session, SessionState},
    support::SupportChat,
};
use crate::chat::{ChatError, log::committer::Source};
use hubbub_core::{
    limits,
    log::{
        entry::{Draft, Outcome, Right},
        kinds::{Joined, What},
        room::Part,
    },
    model::{
        access::Role,
        ids::{RoomId, UserId},
    },
    portal::{PortalId, session::default_session},
    wire::rpc::OpenSession,
};

/// A session that somebody wants to talk in.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The portal.
    pub portal: PortalId,
    /// The customer.
    pub customer: UserId,
    /// The session's id; without one it is the customer's one session with the portal.
    pub id: Option<RoomId>,
    /// For people.
    pub name: String,
    /// The portal's own id of the conversation, where it is known.
    pub external: Option<String>,
    /// Others who read and write, beside the customer.
    pub members: Vec<UserId>,
    /// Most sessions the customer may have with the portal.
    pub most: Option<usize>,
}

/// Why a session was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The chat's own reasons.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// No such portal.
    #[error("portal: unknown")]
    UnknownPortal,
    /// Its portal lets only the product's backend open sessions.
    #[error("portal: its sessions are opened by the product's backend")]
    NotByCustomers,
    /// The portal's own id of the conversation belongs to another session.
    #[error("external: belongs to session {0}")]
    ExternalTaken(RoomId),
    /// The customer has too many sessions with the portal.
    #[error("limit exceeded: sessions of this customer with this portal; the limit is {0}")]
    TooMany(usize),
}

impl SupportChat {
    /// Opens a session, or resumes the one of this id: a closed one is opened again. Says whether it was made.
    ///
    /// # Errors
    /// [`ChatError::RoomExists`] where the id belongs to another customer, another portal or an ordinary room.
    pub async fn open_session(&self, by: &UserId, right: Right, wish: Wish) -> Result<(Session, bool), SessionError> {
        let id = wish.id.unwrap_or_else(|| default_session(&wish.portal, &wish.customer));
        let joined = |user: &UserId| What::Joined(Joined { user: user.clone(), role: Role::Member });
        let people = std::iter::once(&wish.customer).chain(wish.members.iter().filter(|user| **user != wish.customer));
        let mut first: Vec<Draft> =
            people.map(|user| self.chat.draft(&id, by, None, joined(user), Right::Backend)).collect();
        first.push(self.chat.draft(&id, by, None, What::State(SessionState::Open), Right::Backend));
        let new = NewSession {
            id: id.clone(),
            name: wish.name,
            portal: wish.portal.clone(),
            customer: wish.customer.clone(),
            external: wish.external,
            first,
            most: wish.most,
        };
        match self.store.open_session(&new).await.map_err(ChatError::from)? {
            Opened::New(session, entries) => {
                self.announce(session.room.epoch, &entries);
                Ok((*session, true))
            }
            Opened::Exists(session) if session.customer == wish.customer && session.portal == wish.portal => {
                if session.state != SessionState::Closed {
                    return Ok((*session, false));
                }
                self.set_state(Source::NONE, &id, by, right, SessionState::Open).await?;
                Ok((self.session(&id).await?, false))
            }
            Opened::Exists(_) | Opened::OtherRoom => Err(ChatError::RoomExists.into()),
            Opened::UnknownPortal => Err(SessionError::UnknownPortal),
            Opened::ExternalTaken(session) => Err(SessionError::ExternalTaken(session)),
            Opened::TooMany => Err(SessionError::TooMany(wish.most.unwrap_or_default())),
        }
    }

    /// Opens a session for its customer, who asks with a token of her own.
    ///
    /// # Errors
    /// Where the portal leaves that to the product's backend, or as [`open_session`](Self::open_session).
    pub async fn open_own_session(&self, customer: &UserId, ask: OpenSession) -> Result<Session, SessionError> {
        let portals = self.store.portals().await.map_err(ChatError::from)?;
        let portal = portals.iter().find(|portal| portal.id == ask.portal).ok_or(SessionError::UnknownPortal)?;
        if !portal.settings.customers_open {
            return Err(SessionError::NotByCustomers);
        }
        let wish = Wish {
            portal: ask.portal,
            customer: customer.clone(),
            id: ask.id,
            name: ask.name,
            external: None,
            members: Vec::new(),
            most: Some(limits::SESSIONS_PER_CUSTOMER),
        };
        Ok(self.open_session(customer, Right::Own, wish).await?.0)
    }

    /// A session, for the product's backend.
    ///
    /// # Errors
    /// [`ChatError::UNKNOWN_ROOM`] where there is none of this id.
    pub async fn session(&self, id: &RoomId) -> Result<Session, ChatError> {
        self.store.session(id).await?.ok_or(ChatError::UNKNOWN_ROOM)
    }

    /// Sessions, by id, after `after`: at most `limit`.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn sessions(
        &self,
        filter: &Filter,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Part<Session>, ChatError> {
        Ok(self.store.sessions(filter, after, limit).await?)
    }

    /// A session, for somebody who may read it.
    ///
    /// # Errors
    /// [`ChatError::UNKNOWN_ROOM`] where there is none of this id, or not for this user.
    pub async fn session_for(&self, user: &UserId, id: &RoomId) -> Result<Session, ChatError> {
        let session = self.session(id).await?;
        // The standing is read after the session, so that a session as it became after somebody's removal is not shown to them.
        self.chat.view(user, id).await?.may_read()?;
        Ok(session)
    }

    /// Says that a session stands elsewhere: an entry of its log, unless it stands there already.
    ///
    /// # Errors
    /// Where the room is no session, or the asker may not.
    pub async fn set_state(
        &self,
        source: Source,
        session: &RoomId,
        by: &UserId,
        right: Right,
        state: SessionState,
    ) -> Result<(), ChatError> {
        let draft = self.chat.draft(session, by, None, What::State(state), right);
        match self.chat.post.submit(source, draft)?.await.unwrap_or(Err(ChatError::Unavailable))? {
            Outcome::Appended(_) | Outcome::Known(_) | Outcome::Unchanged => Ok(()),
            Outcome::Conflict { id, seq } => Err(ChatError::Conflict { id, seq }),
            Outcome::Refused(refusal) => Err(refusal.into()),
        }
    }
}
