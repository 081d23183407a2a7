//! Support sessions: opened, resumed, closed.

use super::{
    store::{Filter, Learned, Opened, Session, SessionProposal, SessionState, Teacher},
    support::SupportChat,
};
use crate::chat::{
    ChatError,
    log::admission::settled,
    methods::{Actor, MethodError},
};
use hubbub_core::{
    limits,
    log::{
        account::Use,
        entry::{Draft, Proposal, Right},
        kinds::{Joined, What},
        room::ListPart,
        source::Source,
    },
    model::{
        access::{Refusal, Role, Standing},
        ids::{RoomId, UserId},
    },
    portal::{PortalId, session::default_session, settings::ExternalConflict},
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

/// A session that was opened, and what was done.
#[derive(Debug, Clone)]
pub struct OpenedSession {
    /// The session.
    pub session: Session,
    /// It was not there before.
    pub is_new: bool,
    /// What became of the portal's own id that was asked for; `None`: none was.
    pub external: Option<ExternalOutcome>,
    /// What the customer is there.
    pub customer: CustomerIs,
}

/// What became of a portal's own id of a conversation that somebody asked a session to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalOutcome {
    /// The session has it, as before or from the beginning.
    Kept,
    /// It had another one or none, and has this one now. The other still finds it.
    Changed,
    /// It has it now, and other sessions have it, too.
    Conflict,
}

impl ExternalOutcome {
    /// The word for it over REST.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Changed => "changed",
            Self::Conflict => "conflict",
        }
    }
}

/// What the customer of a session is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerIs {
    /// A member.
    Member,
    /// A member again, who had left it.
    Rejoined,
    /// None: somebody else removed them, or they are banned.
    Removed,
}

impl CustomerIs {
    /// The word for it over REST.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Rejoined => "rejoined",
            Self::Removed => "removed",
        }
    }
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
    /// Opens a session, or resumes the one of this id: a closed one is opened again, and a customer who has left it is a member
    /// again. Whoever was removed by somebody else is not.
    ///
    /// # Errors
    /// [`ChatError::RoomExists`] where the id belongs to another customer, another portal or an ordinary room;
    /// [`ChatError::UNKNOWN_ROOM`] for a customer who was removed.
    pub async fn open_session(&self, by: &Actor, wish: Wish) -> Result<OpenedSession, SessionError> {
        let Some(id) = wish.id.clone() else {
            let first = default_session(&wish.portal, &wish.customer);
            for deleted in 0..limits::ROOMS_AGAIN {
                let id = first.after_deletions(deleted);
                // Those that were deleted cost a look each.
                if by.is_backend() && self.chat.see(&by.user, &id).await?.is_some_and(|view| view.is_there().is_err()) {
                    continue;
                }
                match self.open_session_as(by, &wish, id).await {
                    Err(SessionError::Chat(ChatError::Refused(Refusal::RoomDeleted))) => {}
                    opened => return opened,
                }
            }
            return Err(ChatError::Refused(Refusal::RoomDeleted).into());
        };
        self.open_session_as(by, &wish, id).await
    }

    async fn open_session_as(&self, by: &Actor, wish: &Wish, id: RoomId) -> Result<OpenedSession, SessionError> {
        if by.is_client() && self.chat.see(&by.user, &id).await?.is_none() {
            self.chat.charge(by, &[Use::Session])?;
        }
        let rule = match wish.external {
            Some(_) => self.conflict_rule(&wish.portal).await?,
            None => ExternalConflict::default(),
        };
        let new = self.proposal(by, wish, &id, rule);
        match self.store.open_session(&new).await.map_err(ChatError::from)? {
            Opened::New(session, entries) => {
                self.announce(session.room.epoch, &entries);
                // Something may have waited for it.
                self.releasing.notify_one();
                let external = match &wish.external {
                    Some(external) => Some(self.has_now(&session, external, ExternalOutcome::Kept).await),
                    None => None,
                };
                Ok(OpenedSession { session: *session, is_new: true, external, customer: CustomerIs::Member })
            }
            Opened::Exists(session) if session.customer == wish.customer && session.portal == wish.portal => {
                self.resume(by, *session, wish.external.clone(), rule).await
            }
            Opened::OtherRoom => {
                // The room of what was a session may have been deleted.
                if let Some(view) = self.chat.see(&by.user, &id).await? {
                    view.is_there().map_err(ChatError::from)?;
                }
                Err(ChatError::RoomExists.into())
            }
            Opened::Exists(_) => Err(ChatError::RoomExists.into()),
            Opened::UnknownPortal => Err(SessionError::UnknownPortal),
            Opened::ExternalTaken(session) => Err(SessionError::ExternalTaken(session)),
            Opened::TooMany => Err(SessionError::TooMany(wish.most.unwrap_or_default())),
        }
    }

    fn proposal(&self, by: &Actor, wish: &Wish, id: &RoomId, rule: ExternalConflict) -> SessionProposal {
        let joined = |user: &UserId| What::Joined(Joined { user: user.clone(), role: Role::Member });
        let people = std::iter::once(&wish.customer).chain(wish.members.iter().filter(|user| **user != wish.customer));
        let draft =
            |what| self.chat.admission.draft(Proposal::new(id.clone(), by.user.clone(), None, what, Right::Backend));
        let mut first: Vec<Draft> = people.map(|user| draft(joined(user))).collect();
        first.push(draft(What::State(SessionState::Open)));
        SessionProposal {
            id: id.clone(),
            name: wish.name.clone(),
            portal: wish.portal.clone(),
            customer: wish.customer.clone(),
            external: wish.external.clone(),
            shares_external: rule != ExternalConflict::Refuse,
            first,
            most: wish.most,
        }
    }

    async fn resume(
        &self,
        by: &Actor,
        session: Session,
        external: Option<String>,
        rule: ExternalConflict,
    ) -> Result<OpenedSession, SessionError> {
        let id = session.room.id.clone();
        // Before anything is changed.
        if let Some(external) = external.as_ref().filter(|_| rule == ExternalConflict::Refuse) {
            let called = self.store.called(&session.portal, external).await.map_err(ChatError::from)?;
            if let Some(other) = called.into_iter().find(|called| *called != id) {
                return Err(SessionError::ExternalTaken(other));
            }
        }
        let customer = self.take_back(by, &session).await?;
        if by.is_client() {
            // A customer may have been removed.
            self.chat.may_read(&by.user, &id).await?;
        }
        let mut changed = customer == CustomerIs::Rejoined;
        if session.state == SessionState::Closed {
            self.chat.append(by, &id, What::State(SessionState::Open)).await?;
            changed = true;
        }
        let external = match external {
            Some(external) if session.external.as_ref() != Some(&external) => {
                let learned = Learned { session: id.clone(), external: external.clone(), by: Teacher::Answer };
                self.store.learn(&[learned]).await.map_err(ChatError::from)?;
                changed = true;
                Some(self.has_now(&session, &external, ExternalOutcome::Changed).await)
            }
            Some(external) => Some(self.has_now(&session, &external, ExternalOutcome::Kept).await),
            None => None,
        };
        let session = if changed { self.session(&id).await? } else { session };
        Ok(OpenedSession { session, is_new: false, external, customer })
    }

    /// Says what became of an id that a session was asked to have, and has: `alone`, unless others have it, too.
    async fn has_now(&self, session: &Session, external: &str, alone: ExternalOutcome) -> ExternalOutcome {
        self.told(&session.portal, &session.room.id, external).await;
        match self.store.called(&session.portal, external).await {
            Ok(called) if called.len() > 1 => ExternalOutcome::Conflict,
            _ => alone,
        }
    }

    async fn conflict_rule(&self, portal: &PortalId) -> Result<ExternalConflict, ChatError> {
        let portals = self.store.portals().await?;
        let portal = portals.iter().find(|one| one.id == *portal);
        Ok(portal.map(|portal| portal.settings.external_conflict).unwrap_or_default())
    }

    /// A customer who has left their session is a member again. Who was removed by somebody else stays away, until they are added.
    async fn take_back(&self, by: &Actor, session: &Session) -> Result<CustomerIs, ChatError> {
        let (id, customer) = (&session.room.id, &session.customer);
        match self.chat.see(customer, id).await?.map(|view| view.standing) {
            Some(Standing::Member(_)) => return Ok(CustomerIs::Member),
            Some(Standing::Stranger) if self.has_left(id, customer).await? => {}
            _ => return Ok(CustomerIs::Removed),
        }
        if by.is_client() {
            self.chat.charge(by, &[Use::Entry])?;
        }
        let joined = What::Joined(Joined { user: customer.clone(), role: Role::Member });
        let proposal = Proposal::new(id.clone(), customer.clone(), None, joined, Right::Returning);
        match settled(self.chat.admission.submit(&Source::NONE, proposal)?).await {
            Ok(_) => Ok(CustomerIs::Rejoined),
            // Banned meanwhile.
            Err(ChatError::Refused(_)) => Ok(CustomerIs::Removed),
            Err(error) => Err(error),
        }
    }

    /// Whether somebody who is no member has left by their own will.
    async fn has_left(&self, session: &RoomId, user: &UserId) -> Result<bool, ChatError> {
        Ok(self.store.removed_by(session, user).await?.as_ref() == Some(user))
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
        let theirs = Filter {
            portal: Some(portal.clone()),
            session: Some(name.clone()),
            customer: Some(customer.clone()),
            ..Filter::default()
        };
        // Of other people's sessions nothing is read.
        let is_theirs = !self.store.sessions(&theirs, None, 1).await?.items.is_empty();
        let standing = self.chat.see(customer, &name).await?.map(|view| view.standing);
        let may_be = match standing.filter(|_| is_theirs) {
            Some(Standing::Member(_)) => true,
            Some(Standing::Stranger) => self.has_left(&name, customer).await?,
            _ => false,
        };
        if may_be {
            return Ok(name);
        }
        name.check_chosen()?;
        Ok(RoomId::named_session(portal.as_str(), customer, &name))
    }
}
