//! What of portals and sessions is kept in the database, beside the logs: [`PortalStore`], with an implementation for each
//! database over the store of the logs there.
//!
//! A portal reads a session's log by a stored cursor, which is due when something waits behind it. Workers claim due cursors
//! with a lease and a fence, hold no lock while they POST, and write back what came of it. That is refused once somebody else
//! has claimed the cursor.

use super::{access::store::GrantStore, changes::store::ChangeStore, refused::store::RefusedStore, vault::Kept};
use crate::store::StoreError;
use async_trait::async_trait;
pub use hubbub_core::{
    delivery::{
        attempt::Attempt,
        progress::{Progress, SentMessage},
        stored_cursor::{Delivery, DeliveryStep},
        turns::Places,
    },
    log::kinds::SessionState,
    portal::{
        externals::{Learned, Teacher},
        intake::{Destination, ExternalRules, Incoming, Received, Resolved},
        session::{DeadLetter, Quarantined, Releasable, Session},
    },
};
use hubbub_core::{
    log::{
        entry::{Draft, Entry},
        room::ListPart,
    },
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
    portal::{PortalId, settings::PortalSettings},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A portal, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Portal {
    /// Its id.
    pub id: PortalId,
    /// What an operator says of it.
    pub settings: PortalSettings,
    /// What signs and verifies.
    pub secrets: Secrets,
    /// Whether it is served.
    pub standing: PortalStanding,
    /// Raised by every change: who writes names the one that was read.
    pub revision: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last took something, to about a second.
    pub succeeded_at: Option<Timestamp>,
    /// Why its secrets cannot be opened here, so that it is not served; what the store says nothing of and does not keep.
    pub locked: Option<String>,
    /// What is the matter with it as a whole, as the instances see it; any change of the portal forgets it.
    pub trouble: Option<Trouble>,
}

/// What is the matter with a portal as a whole: it is sent no more than probes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The word of the [class](hubbub_core::delivery::retry::Class) of its answers.
    pub class: String,
    /// The last answer, in words.
    pub why: String,
    /// Since when; milliseconds since 1970.
    pub since: i64,
}

/// What an operator does about what waits in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Steer {
    /// Passes over `seq`, the next that is for the portal, if the cursor still is at `position`. It becomes a dead letter.
    Skip {
        /// See above.
        position: Seq,
        /// See above.
        seq: Seq,
    },
    /// Has it tried at once, as if for the first time.
    Retry,
    /// Sends the session's portal nothing more of it.
    Disable,
    /// Goes on.
    Enable,
}

/// A session whose portal was deleted, and which is not closed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The session.
    pub session: RoomId,
    /// Its customer.
    pub customer: UserId,
    /// The last entry that waits for the portal; `None`: none does.
    pub waits: Option<Seq>,
}

/// Reads a portal's id as it lies in a row.
pub(super) fn portal_id(id: &str) -> Result<PortalId, StoreError> {
    PortalId::parse(id).map_err(|invalid| StoreError::Broken(invalid.to_string()))
}

/// Whether a portal is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortalStanding {
    /// It is.
    Active,
    /// An operator has paused it: nothing is sent, everything waits. What it sends is taken.
    Paused,
    /// It has answered 410 and is sent nothing until an operator resumes it; why, in words.
    Disabled(String),
}

impl PortalStanding {
    /// The word for it in the store and over REST.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled(_) => "disabled",
        }
    }

    /// Why it is disabled.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Disabled(why) => Some(why),
            Self::Active | Self::Paused => None,
        }
    }

    /// Reads what the store keeps; what it does not know is not served.
    pub(super) fn parse(word: &str, why: Option<&str>) -> Self {
        match word {
            "active" => Self::Active,
            "paused" => Self::Paused,
            _ => Self::Disabled(why.unwrap_or_default().to_owned()),
        }
    }
}

/// The secrets of a portal; the newest first, at most [`hubbub_core::limits::PORTAL_SECRETS`] each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Secrets {
    /// What our webhooks are signed with.
    pub outgoing: Vec<Secret>,
    /// What their webhooks are verified with. Where the scheme of verification only compares a secret with what was sent, its
    /// SHA-256 in hex is kept instead of it.
    pub incoming: Vec<Secret>,
    /// What a portal says in a challenge to show that it is itself, like Meta's `hub.verify_token`: of each its SHA-256 in hex.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub challenge: Vec<Secret>,
    /// What opens the portal to our calls, where its `auth` needs it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<Secret>,
}

/// One secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The secret, or what is kept instead of it, as it lies in the database.
    pub value: Kept,
    /// Until when it is good, in milliseconds since 1970; `None`: until it is replaced.
    pub until: Option<i64>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("value", &"…").field("until", &self.until).finish()
    }
}

/// A session to be, or to be found.
#[derive(Debug, Clone)]
pub struct SessionProposal {
    /// Its id, and the room's.
    pub id: RoomId,
    /// For people.
    pub name: String,
    /// Its portal.
    pub portal: PortalId,
    /// Its customer.
    pub customer: UserId,
    /// The portal's own id of the conversation, where it is known already.
    pub external: Option<String>,
    /// It is made although another session has this id.
    pub shares_external: bool,
    /// The first entries: the customer's `joined`, other members', and the state `open`, in this order.
    pub first: Vec<Draft>,
    /// Most sessions the customer may have with the portal; beyond, none is made.
    pub most: Option<usize>,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum Opened {
    /// It was made; these are its first entries.
    New(Box<Session>, Vec<Entry>),
    /// There is one of this id, and this is it, as it is: of whichever customer and portal.
    Exists(Box<Session>),
    /// There is a room of this id that is no session.
    OtherRoom,
    /// There is no such portal.
    UnknownPortal,
    /// The portal's own id belongs to another session.
    ExternalTaken(RoomId),
    /// The customer has too many.
    TooMany,
}

/// How many cursors of a portal a worker has room for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The portal.
    pub portal: PortalId,
    /// At most so many, and of whom.
    pub places: Places,
}

/// A claimed cursor with what is behind it.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The session.
    pub session: RoomId,
    /// Its portal.
    pub portal: PortalId,
    /// Its customer.
    pub customer: UserId,
    /// The portal's own id of the conversation.
    pub external: Option<String>,
    /// What a settlement must name.
    pub fence: u64,
    /// How far the portal has got, and what came of attempts so far.
    pub delivery: Delivery,
    /// What follows `delivery.position`, ascending: at most [`hubbub_core::limits::DELIVERY_ENTRIES`], and about
    /// [`hubbub_core::limits::PAGE_BYTES`].
    pub entries: Vec<Entry>,
    /// A dead letter to be sent again first.
    pub replay: Option<DeadLetter>,
}

/// What came of a claim, or of a part of it.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The session.
    pub session: RoomId,
    /// The claim's.
    pub fence: u64,
    /// What happened.
    pub step: DeliveryStep,
    /// The portal's own id of the conversation, where its answer told another than was known. It goes out from now on.
    pub external: Option<String>,
    /// All that was picked from the portal's answers besides, by name, where something new was.
    pub refs: Option<BTreeMap<String, String>>,
    /// Messages that the portal has now, by its own ids.
    pub sent: Vec<SentMessage>,
    /// Keep the claim for so long from now; `None`: give it up. Then the cursor is due at once if something waits behind it,
    /// unless the step says otherwise.
    pub keep: Option<Duration>,
}

/// Which dead letters of a portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(u64),
    /// From the first to the last number, both included.
    Range(u64, u64),
    /// All.
    All,
}

impl Which {
    /// The first and the last number, both included, as databases count. They do not count beyond `i64::MAX`.
    pub(super) fn numbers(self) -> (i64, i64) {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        match self {
            Self::One(one) => (number(one), number(one)),
            Self::Range(first, last) => (number(first), number(last)),
            Self::All => (0, i64::MAX),
        }
    }
}

/// What a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this portal.
    pub portal: Option<PortalId>,
    /// Only of this session.
    pub session: Option<RoomId>,
    /// Only of this customer.
    pub customer: Option<UserId>,
    /// Only sessions with something that waits for the portal.
    pub waiting: bool,
    /// Only sessions with an id of the portal's that another one has, too.
    pub shared: bool,
}

/// How much waits for a portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The portal.
    pub portal: PortalId,
    /// Sessions with something that waits.
    pub waiting: u64,
    /// When what waits longest was taken.
    pub oldest: Option<Timestamp>,
    /// Dead letters that were not delivered since.
    pub dead: u64,
    /// Events in quarantine.
    pub quarantined: u64,
}

/// Portals, sessions, dead letters and quarantine. Every implementation passes the same suite. What [`crate::store::Store`] says
/// of time and cancelling holds here, too; whoever makes something due here has the store of the logs say so
/// ([`crate::store::Store::due`]).
#[async_trait]
pub trait PortalStore: GrantStore + RefusedStore + ChangeStore {
    /// All portals that were not deleted, by id.
    async fn portals(&self) -> Result<Vec<Portal>, StoreError>;

    /// Makes a portal; `false` when there is one of this id, or was. Its `revision` and times are the store's to say.
    async fn create_portal(&self, portal: &Portal) -> Result<bool, StoreError>;

    /// Writes settings, secrets and standing if the portal still is of `portal.revision`; `false` when it is not, or is not
    /// there.
    async fn write_portal(&self, portal: &Portal) -> Result<bool, StoreError>;

    /// Writes down what is the matter with a portal as a whole.
    async fn note_trouble(&self, portal: &PortalId, trouble: Option<&Trouble>) -> Result<(), StoreError>;

    /// Deletes a portal: nothing is sent, taken or opened any more, its secrets are gone, and so is what was refused of it. Its sessions, logs and letters stay.
    /// `false`: there is none of this id.
    async fn delete_portal(&self, portal: &PortalId) -> Result<bool, StoreError>;

    /// Some sessions of deleted portals that are not closed yet, by id. None: there are none, and it is noted that none is left.
    async fn orphans(&self, limit: usize) -> Result<Vec<Orphan>, StoreError>;

    /// Does what an operator asks; `false` where that cannot be any more, or there is no such session.
    async fn steer(&self, session: &RoomId, how: &Steer) -> Result<bool, StoreError>;

    /// Makes a session, its room and its cursor, unless there is one of this id.
    async fn open_session(&self, new: &SessionProposal) -> Result<Opened, StoreError>;

    /// A session; `None` where there is none.
    async fn session(&self, id: &RoomId) -> Result<Option<Session>, StoreError>;

    /// Sessions, by id, after `after`.
    async fn sessions(
        &self,
        filter: &Filter,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<ListPart<Session>, StoreError>;

    /// Says of messages from portals where each of them goes, as if they came one after another in this order, and keeps in
    /// quarantine what belongs there. Calling it again with the same messages keeps none of them twice. What goes into a log is
    /// put there like everything else, in this order for each session; only there is it certain that nobody else was first.
    async fn resolve(&self, messages: &[Arc<Incoming>]) -> Result<Vec<Resolved>, StoreError>;

    /// Keeps the portals' own ids of conversations. What waits in quarantine for one of them is to leave then.
    async fn learn(&self, learned: &[Learned]) -> Result<(), StoreError>;

    /// The sessions of a portal from which this id goes out, those told last first: at most
    /// [`hubbub_core::limits::EXTERNAL_HOLDERS`].
    async fn called(&self, portal: &PortalId, external: &str) -> Result<Vec<RoomId>, StoreError>;

    /// Who ended the last membership of somebody in a session; `None` where they never had one.
    async fn removed_by(&self, session: &RoomId, user: &UserId) -> Result<Option<UserId>, StoreError>;

    /// Claims cursors that are due, of active portals, for `lease` from now: those whose turn it is by [`Places::choose`], of
    /// the [`TURNS_LOOKED_AT`](hubbub_core::limits::TURNS_LOOKED_AT) that are due longest, as many due latest, and
    /// [`TURNS_LOOKED_AT_FAILING`](hubbub_core::limits::TURNS_LOOKED_AT_FAILING) whose message has failed. Customers who have as
    /// many places as they may have are passed over before.
    async fn claim(&self, wanted: &[Wanted], lease: Duration) -> Result<Vec<Claim>, StoreError>;

    /// Writes back what came of claims, all of it in one transaction: for each, whether the claim still stood. Where it did
    /// not, nothing was written.
    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<bool>, StoreError>;

    /// Takes the names of events that are the portal's own webhooks about an entry that it was sent: when they come, they are
    /// repeats of it. Also where the claim does not stand any more: the portal has it.
    async fn note_echoes(&self, session: &RoomId, seq: Seq, events: &[String]) -> Result<(), StoreError>;

    /// Notes that these portals took something now.
    async fn succeeded(&self, portals: &[PortalId]) -> Result<(), StoreError>;

    /// Dead letters, by number, after `after`.
    async fn dead_letters(&self, filter: &Filter, after: u64, limit: usize)
    -> Result<ListPart<DeadLetter>, StoreError>;

    /// Has dead letters sent again, each at its session's next turn, if they have not been delivered: of many the first
    /// [`hubbub_core::limits::REPLAYED_TOGETHER`]. Says how many.
    async fn replay(&self, portal: &PortalId, which: Which) -> Result<u64, StoreError>;

    /// Removes a dead letter, and lets a session go on that stands still at it; `false` where there is none.
    async fn discard(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError>;

    /// What is in quarantine, by number, after `after`.
    async fn quarantined(
        &self,
        portal: &PortalId,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<Quarantined>, StoreError>;

    /// Says where an event in quarantine goes that is to leave it: as [`resolve`](Self::resolve) does of `message`, which is made
    /// by [`Incoming::released`]. It stays in quarantine until it is [dropped](Self::drop_quarantined). `None`: there is none of
    /// this number.
    async fn resolve_quarantined(&self, number: u64, message: &Arc<Incoming>) -> Result<Option<Resolved>, StoreError>;

    /// Events in quarantine whose session is known by now, by number: the first [`hubbub_core::limits::RELEASED_TOGETHER`] of each
    /// session, and not all sessions at once.
    async fn releasable(&self) -> Result<Vec<Releasable>, StoreError>;

    /// Of these events, `gone` are in their logs and leave quarantine; `held` cannot leave it without an operator.
    async fn released(&self, gone: &[u64], held: &[u64]) -> Result<(), StoreError>;

    /// Has events leave quarantine whose session has become known without anybody saying so, and throws away those that have
    /// waited too long: so many of each portal.
    async fn sweep_quarantine(&self) -> Result<Vec<(PortalId, u64)>, StoreError>;

    /// Throws an event in quarantine away; `false` where there is none.
    async fn drop_quarantined(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError>;

    /// How much waits, for each portal.
    async fn backlog(&self) -> Result<Vec<Backlog>, StoreError>;
}
