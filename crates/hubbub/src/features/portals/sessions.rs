//! Support sessions: opened, resumed, closed.

use super::{
    store::{Filter, Opened, Session, SessionProposal, SessionState},
    support::SupportChat,
};
use crate::chat::{
    ChatError,
    methods::{Actor, MethodError},
};
use hubbub_core::{
    log::{
        account::Use,
        entry::{Draft, Proposal, Right},
        kinds::{Joined, What},
        room::ListPart,
    },
    model::{
        access::{Role, Standing},
        ids::{RoomId, UserId},
    },
    portal::{PortalId, session::default_session},
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
    #[error("limit exceeded: sessions with this portal; the limit is {0}")]
    TooMany(usize),
}

impl From<SessionError> for MethodError {
    fn from(error: SessionError) -> Self {
        let (code, status, word) = match &error {
            SessionError::Chat(chat) => return chat.clone().into(),
            SessionError::UnknownPortal => (107, 404, "unknown_portal"),
            SessionError::NotByCustomers => (107, 403, "not_by_customers"),
            SessionError::ExternalTaken(_) => (409, 409, "external_taken"),
            SessionError::TooMany(_) => (106, 409, "too_many"),
        };
        Self::Own { code, status, word, why: error.to_string().into() }
    }
}

impl SupportChat {
    /// Opens a session, or resumes the one of this id: a closed one is opened again. Says whether it was made.
    ///
    /// # Errors
    /// [`ChatError::RoomExists`] where the id belongs to another customer, another portal or an ordinary room.
    pub async fn open_session(&self, by: &Actor, wish: Wish) -> Result<(Session, bool), SessionError> {
        let id = wish.id.unwrap_or_else(|| default_session(&wish.portal, &wish.customer));
        if by.is_client() && self.chat.see(&by.user, &id).await?.is_none() {
            self.chat.charge(by, &[Use::Session])?;
        }
        let joined = |user: &UserId| What::Joined(Joined { user: user.clone(), role: Role::Member });
        let people = std::iter::once(&wish.customer).chain(wish.members.iter().filter(|user| **user != wish.customer));
        let draft =
            |what| self.chat.admission.draft(Proposal::new(id.clone(), by.user.clone(), None, what, Right::Backend));
        let mut first: Vec<Draft> = people.map(|user| draft(joined(user))).collect();
        first.push(draft(What::State(SessionState::Open)));
        let new = SessionProposal {
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
                if by.is_client() {
                    // A customer may have been removed.
                    self.chat.may_read(&by.user, &id).await?;
                }
                if session.state != SessionState::Closed {
                    return Ok((*session, false));
                }
                self.chat.append(by, &id, What::State(SessionState::Open)).await?;
                Ok((self.session(&id).await?, false))
            }
            Opened::Exists(_) | Opened::OtherRoom => Err(ChatError::RoomExists.into()),
            Opened::UnknownPortal => Err(SessionError::UnknownPortal),
            Opened::ExternalTaken(session) => Err(SessionError::ExternalTaken(session)),
            Opened::TooMany => Err(SessionError::TooMany(wish.most.unwrap_or_default())),
        }
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
    ) -> Result<ListPart<Session>, ChatError> {
        Ok(self.store.sessions(filter, after, limit).await?)
    }

    /// A session, for somebody who may read it.
    ///
    /// # Errors
    /// [`ChatError::UNKNOWN_ROOM`] where there is none of this id, or not for this user.
    pub async fn session_for(&self, user: &UserId, id: &RoomId) -> Result<Session, ChatError> {
        // Before, so that strangers cost no more; and after, so that a session as it became after somebody's removal is not shown
        // to them.
        self.chat.may_read(user, id).await?;
        let session = self.session(id).await?;
        self.chat.may_read(user, id).await?;
        Ok(session)
    }

    /// The session that a customer calls `name`: one of theirs of this id, or the one whose id is made of the name.
    ///
    /// # Errors
    /// The name is an id that is made here, of a session that is not theirs, or of none: one answer for both.
    pub async fn named(&self, customer: &UserId, portal: &PortalId, name: RoomId) -> Result<RoomId, MethodError> {
        if name == default_session(portal, customer) {
            return Ok(name);
        }
        let standing = self.chat.see(customer, &name).await?.map(|view| view.standing);
        if standing.is_some_and(Standing::is_member)
            && let Some(session) = self.store.session(&name).await?
            && (&session.customer, &session.portal) == (customer, portal)
        {
            return Ok(name);
        }
        name.check_chosen()?;
        Ok(RoomId::named_session(portal.as_str(), customer, &name))
    }
}
