//! What every store must do for portals.

use crate::store::{Home, Pen, for_every_store, room, says, user};
use hubbub::{
    features::{
        people::store::PeopleStore,
        portals::store::{
            Attempt, Claim, Delivery, DeliveryStep, Destination, ExternalRules, Incoming, Opened, Places, Portal,
            PortalStanding, PortalStore, Received, Resolved, Secrets, Session, SessionProposal, SessionState,
            Settlement, Wanted,
        },
    },
    server::Stores,
    store::{Store, StoreError},
};
use hubbub_core::{
    log::{
        entry::{Draft, Outcome, Right},
        kinds::{Joined, Message, Text, What},
    },
    model::{
        access::Role,
        ids::{Key, UserId},
        seq::Seq,
        time::Timestamp,
    },
    portal::{PortalId, settings::PortalSettings},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

mod calls;
mod changes;
mod claims;
mod dead_letters;
mod dueness;
mod externals;
mod grants;
mod hammer;
mod idle;
mod listing;
mod marking;
mod quarantine;
mod receiving;
mod refused;
mod reopening;
mod sessions;
mod steering;
mod turns;

/// How long a claim is good where a test does not wait for its end.
const LEASE: Duration = Duration::from_secs(60);
/// How long something that must come is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

fn portal(id: &str) -> PortalId {
    PortalId::parse(id).expect("a portal's id")
}

/// A store and one who looks after the portal `desk`.
pub struct Desk {
    pen: Pen,
    portals: Arc<dyn PortalStore>,
    people: Arc<dyn PeopleStore>,
    portal: PortalId,
}

impl Desk {
    /// A store with the portal `desk`, which may be there already.
    async fn at(home: &Home) -> Self {
        Self::of(home.open_all().await, "desk").await
    }

    pub async fn of(stores: Stores, id: &str) -> Self {
        let portal = Portal {
            id: portal(id),
            settings: PortalSettings { name: "The desk".into(), ..PortalSettings::default() },
            secrets: Secrets::default(),
            standing: PortalStanding::Active,
            revision: 0,
            created_at: Timestamp(0),
            succeeded_at: None,
            locked: None,
            trouble: None,
        };
        stores.portals.create_portal(&portal).await.expect("a portal");
        Self { pen: Pen(stores.logs), portals: stores.portals, people: stores.people, portal: portal.id }
    }

    pub fn portals(&self) -> &Arc<dyn PortalStore> {
        &self.portals
    }

    fn stores(&self) -> Stores {
        Stores { logs: self.pen.0.clone(), portals: self.portals.clone(), people: self.people.clone() }
    }

    fn store(&self) -> &Arc<dyn Store> {
        &self.pen.0
    }

    /// The portal as it is kept.
    async fn kept(&self) -> Portal {
        let portals = self.portals().portals().await.expect("portals");
        portals.into_iter().find(|portal| portal.id == self.portal).expect("the portal")
    }

    async fn stands(&self, standing: PortalStanding) {
        let portal = Portal { standing, ..self.kept().await };
        assert!(self.portals().write_portal(&portal).await.expect("an answer"));
    }

    pub fn wish(&self, id: &str, customer: &str) -> SessionProposal {
        let joined = What::Joined(Joined { user: user(customer), role: Role::Member });
        let opened = What::State(SessionState::Open);
        SessionProposal {
            id: room(id),
            name: format!("The session {id}"),
            portal: self.portal.clone(),
            customer: user(customer),
            external: None,
            shares_external: false,
            first: vec![self.pen.by_backend(id, "joined", joined), self.pen.by_backend(id, "opened", opened)],
            most: None,
        }
    }

    pub fn pen(&self) -> &Pen {
        &self.pen
    }

    /// For other suites: as [`session`](Self::session).
    pub async fn open(&self, id: &str) {
        self.session(id).await;
    }

    /// For other suites: as [`answer`](Self::answer).
    pub fn answers(&self, id: &str, event: Option<&str>, text: &str) -> Incoming {
        self.answer(id, event, text)
    }

    /// For other suites: as [`receive_all`](Self::receive_all), of one.
    pub async fn receives(&self, message: &Incoming) -> Result<Vec<Received>, StoreError> {
        self.receive_all(std::slice::from_ref(message)).await
    }

    /// Opens a session of the customer ana; its head is 2.
    async fn session(&self, id: &str) -> Session {
        self.session_of(id, "ana").await
    }

    async fn session_of(&self, id: &str, customer: &str) -> Session {
        match self.portals().open_session(&self.wish(id, customer)).await.expect("an answer") {
            Opened::New(session, entries) => {
                assert_eq!(entries.len(), 2);
                *session
            }
            other => panic!("no new session: {other:?}"),
        }
    }

    async fn look(&self, id: &str) -> Session {
        self.portals().session(&room(id)).await.expect("an answer").expect("a session")
    }

    async fn delivery(&self, id: &str) -> Delivery {
        self.look(id).await.delivery
    }

    /// Ana says something in a session.
    async fn asks(&self, id: &str, key: &str) -> Seq {
        match self.pen.append(self.pen.says(id, "ana", key, &format!("question {key}"))).await {
            Outcome::Appended(place) => place.seq,
            other => panic!("not appended: {other:?}"),
        }
    }

    async fn set_state(&self, id: &str, key: &str, state: SessionState) -> Outcome {
        self.pen.append(self.pen.by_backend(id, key, What::State(state))).await
    }

    fn agent(&self) -> UserId {
        self.portal.agent(Some("ada"))
    }

    /// A draft of the portal's agent, for whichever room.
    fn by_portal(&self, key: &str, what: What) -> Draft {
        Draft { right: Right::Portal, ..self.pen.draft("placeholder", self.agent().as_str(), key, what) }
    }

    /// An agent's answer in the session of this id; `event` tells its repeats.
    fn answer(&self, id: &str, event: Option<&str>, text: &str) -> Incoming {
        let own = uuid::Uuid::now_v7();
        Incoming {
            portal: self.portal.clone(),
            session: Some(id.to_owned()),
            external: None,
            event: event.map(ToOwned::to_owned),
            id: own,
            key: Key::of_id(own),
            from: self.agent(),
            message: Message::new(Text::parse(text).expect("a text"), None, None),
            quarantine: false,
            externals: ExternalRules::default(),
        }
    }

    /// The same, for whoever the portal calls so.
    fn by_external(&self, external: &str, event: Option<&str>, text: &str) -> Incoming {
        Incoming { session: None, external: Some(external.into()), ..self.answer("", event, text) }
    }

    async fn receive(&self, message: &Incoming) -> Received {
        let received = self.receive_all(std::slice::from_ref(message)).await.expect("an answer");
        assert_eq!(received.len(), 1);
        received.into_iter().next().expect("an answer")
    }

    /// What the program does with messages of portals, but all of them in one batch.
    async fn receive_all(&self, messages: &[Incoming]) -> Result<Vec<Received>, StoreError> {
        let messages: Vec<_> = messages.iter().cloned().map(Arc::new).collect();
        let resolved = self.portals().resolve(&messages).await?;
        self.put(&messages, resolved).await
    }

    /// The draft of a message that goes into the log of this session.
    fn draft_of(&self, message: &Incoming, portal: i64, session: hubbub_core::model::ids::RoomId) -> Draft {
        message.proposal(portal, session).draft(&self.store().identity().hash_key, uuid::Uuid::now_v7)
    }

    async fn put(&self, messages: &[Arc<Incoming>], resolved: Vec<Resolved>) -> Result<Vec<Received>, StoreError> {
        let (mut drafts, mut learned) = (Vec::new(), Vec::new());
        let mut received: Vec<Option<Received>> = Vec::new();
        for (message, resolved) in messages.iter().zip(resolved) {
            learned.extend(resolved.learned);
            received.push(match resolved.to {
                Destination::Nowhere(received) => Some(received),
                Destination::Log { portal, session } => {
                    drafts.push(self.draft_of(message, portal, session));
                    None
                }
            });
        }
        let outcomes = self.store().append(&drafts).await?;
        let mut logged = drafts.into_iter().zip(outcomes).map(|(draft, outcome)| Received::of(draft.room, outcome));
        let received = received.into_iter().map(|one| one.or_else(|| logged.next()).expect("an outcome")).collect();
        self.portals().learn(&learned).await?;
        Ok(received)
    }

    async fn claim_for(&self, most: usize, lease: Duration) -> Vec<Claim> {
        let wanted = [Wanted { portal: self.portal.clone(), places: Places::all(most) }];
        self.portals().claim(&wanted, lease).await.expect("claims")
    }

    async fn claim(&self, most: usize) -> Vec<Claim> {
        self.claim_for(most, LEASE).await
    }

    /// Claims the one session that is due, at once.
    async fn claim_one(&self) -> Claim {
        let claims = self.claim(10).await;
        assert_eq!(claims.len(), 1, "{claims:?}");
        claims.into_iter().next().expect("a claim")
    }

    async fn nothing_is_due(&self) {
        let claims = self.claim(10).await;
        assert!(claims.is_empty(), "{claims:?}");
    }

    /// Waits until something may be claimed.
    async fn wait_for_claim(&self, lease: Duration) -> Claim {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(claim) = self.claim_for(1, lease).await.pop() {
                return claim;
            }
            assert!(Instant::now() < deadline, "nothing is due");
        }
    }

    async fn settle(&self, claim: &Claim, step: DeliveryStep) -> bool {
        self.settle_as(settlement(claim, step)).await
    }

    async fn settle_as(&self, settlement: Settlement) -> bool {
        let held = self.portals().settle(&[settlement]).await.expect("an answer");
        assert_eq!(held.len(), 1);
        held[0]
    }
}

fn settlement(claim: &Claim, step: DeliveryStep) -> Settlement {
    Settlement {
        session: claim.session.clone(),
        fence: claim.fence,
        step,
        external: None,
        refs: None,
        sent: vec![],
        keep: None,
    }
}

/// The portal took everything up to `position`.
fn passed(position: Seq) -> DeliveryStep {
    DeliveryStep::Passed { position, taken: true }
}

fn attempt(at: i64, error: Option<&str>) -> Attempt {
    let status = Some(if error.is_some() { 500 } else { 200 });
    Attempt {
        at,
        took: 7,
        status,
        error: error.map(ToOwned::to_owned),
        instance: "one".into(),
        class: Some("down".into()),
    }
}

fn given_up(seq: Seq, block: bool) -> DeliveryStep {
    DeliveryStep::GivenUp { seq, attempt: attempt(9, Some("500")), why: "six attempts".into(), block }
}

/// The numbers of what a message became, what opened its session included.
fn stored(received: &Received) -> Vec<u64> {
    match received {
        Received::Stored { opening, place, .. } => opening.iter().chain([place]).map(|place| place.seq.get()).collect(),
        other => panic!("not stored: {other:?}"),
    }
}

/// Where the first message of a repeat is.
fn repeated(received: &Received) -> (String, u64) {
    match received {
        Received::Repeated { session, place } => (session.to_string(), place.seq.get()),
        other => panic!("no repeat: {other:?}"),
    }
}

fn text(what: &What) -> &str {
    match what {
        What::Message(message) => message.content.text.as_str(),
        other => other.word(),
    }
}
