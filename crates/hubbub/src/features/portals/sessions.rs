//! Support sessions: opened, resumed, closed, and what portals say in them.

use crate::chat::{Chat, ChatError, log::committer::Source};
use crate::features::portals::store::{Incoming, NewSession, Opened, Received, Session, SessionState};
use hubbub_core::{
    limits,
    live::wake::Wake,
    log::{
        entry::{Draft, Entry, Outcome, Right},
        kinds::{Joined, What},
    },
    model::{
        access::Role,
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
    },
    portal::{
        PortalId,
        session::{Forwarding, Way, default_session},
    },
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

impl Chat {
    /// Opens a session, or resumes the one of this id: a closed one is opened again. Says whether it was made.
    ///
    /// # Errors
    /// [`ChatError::RoomExists`] where the id belongs to another customer, another portal or an ordinary room.
    pub async fn open_session(&self, by: &UserId, right: Right, wish: Wish) -> Result<(Session, bool), SessionError> {
        let id = wish.id.unwrap_or_else(|| default_session(&wish.portal, &wish.customer));
        let joined = |user: &UserId| What::Joined(Joined { user: user.clone(), role: Role::Member });
        let people = std::iter::once(&wish.customer).chain(wish.members.iter().filter(|user| **user != wish.customer));
        let mut first: Vec<Draft> =
            people.map(|user| self.draft(&id, by, None, joined(user), Right::Backend)).collect();
        first.push(self.draft(&id, by, None, What::State(SessionState::Open), Right::Backend));
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
                self.announce_entries(session.room.epoch, entries);
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

    /// A session, for somebody who may read it.
    ///
    /// # Errors
    /// [`ChatError::UNKNOWN_ROOM`] where there is none of this id, or not for this user.
    pub async fn session_for(&self, user: &UserId, id: &RoomId) -> Result<Session, ChatError> {
        let session = self.session(id).await?;
        // The standing after the session: what somebody removed may have seen is what was there before.
        self.view(user, id).await?.may_read()?;
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
        let draft = self.draft(session, by, None, What::State(state), right);
        match self.post.submit(source, draft)?.await.unwrap_or(Err(ChatError::Unavailable))? {
            Outcome::Appended(_) | Outcome::Known(_) | Outcome::Unchanged => Ok(()),
            Outcome::Conflict { id, seq } => Err(ChatError::Conflict { id, seq }),
            Outcome::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Drafts of a message from a portal, and of what opens its session again. The store puts in the room, once it knows it.
    pub fn incoming(&self, portal: &PortalId, from: &UserId, what: What) -> (Draft, Draft) {
        let placeholder = default_session(portal, from);
        let draft = |what| self.draft(&placeholder, from, None, what, Right::Portal);
        (draft(what), draft(What::State(SessionState::Open)))
    }

    /// Stores messages from portals, together with those of others; announced when this returns.
    ///
    /// # Errors
    /// [`ChatError::Busy`] and [`ChatError::Unavailable`]: the portal is to send them again.
    pub async fn receive(&self, messages: Vec<Incoming>) -> Result<Vec<Received>, ChatError> {
        let received = self.received.ask(messages).await?;
        self.announce_received(&received);
        Ok(received)
    }

    /// Takes an event out of quarantine, into the log of `session` or of the one it names.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub async fn release(
        &self,
        number: u64,
        message: &Incoming,
        session: Option<&RoomId>,
    ) -> Result<Option<Received>, ChatError> {
        let received = self.store.release(number, message, session).await?;
        self.announce_received(received.as_slice());
        Ok(received)
    }

    fn announce_received(&self, received: &[Received]) {
        for one in received {
            match one {
                Received::Stored { epoch, entries } => {
                    self.metrics.appended.inc_by(entries.len() as u64);
                    self.announce_entries(*epoch, entries.clone());
                }
                // Whoever stored it first may have died before telling anybody.
                Received::Repeated { session, place } => {
                    self.metrics.repeated.inc();
                    self.announcer.announce(&[Wake::Head {
                        room: session.clone(),
                        epoch: place.epoch,
                        seq: place.seq,
                    }]);
                }
                Received::Quarantined(_) | Received::UnknownSession | Received::LogFull => {}
            }
        }
    }

    fn announce_entries(&self, epoch: Epoch, entries: Vec<Entry>) {
        self.announcer.announce_entries(epoch, &entries);
    }

    /// Tells a customer's devices how far an entry has got on its way to the portal: a hint, kept nowhere.
    pub fn hint_forwarding(&self, customer: &UserId, session: &RoomId, way: Way, seq: Seq) {
        let forwarding = Forwarding { room: session.clone(), seq, way };
        self.announcer.announce(&[Wake::Forwarding { customer: customer.clone(), forwarding }]);
    }
}
