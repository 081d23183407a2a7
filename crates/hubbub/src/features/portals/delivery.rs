//! One claimed session: its entries are POSTed one after another, and what came of each is in the store before the next.

use super::{
    Portals,
    access::Answered,
    call::{Called, Outgoing},
    millis,
    workers::{Lane, Met},
};
use crate::{
    chat::log::gather::Gather,
    features::portals::store::{
        Attempt, Claim, DeadLetter, DeliveryStep, Filter, Portal, PortalStanding, SentMessage, Settlement,
    },
    log::Summary,
    store::StoreError,
};
use hubbub_core::{
    delivery::{
        forwarding::Way,
        retry::{self, Class, Gone, Next, PostVerdict},
    },
    limits,
    log::{entry::Entry, kinds::What},
    model::{seq::Seq, time::Timestamp},
    portal::{
        settings::{Forward, OnDeadLetter},
        webhook::{self, About},
    },
};
use std::{collections::BTreeMap, sync::Arc, time::Instant};

mod calls;
mod content;

use content::Content;

/// Messages that were given up on.
static GIVEN_UP: Summary = Summary::new("a message to a portal was given up on");
/// Sessions whose events could not be prepared.
static UNREADY: Summary = Summary::new("an event for a portal could not be prepared");
/// Customers who met a 410 from whom on nobody asks how many others there are.
const MANY_GONE: usize = 50;
/// Settlements that were not written.
static UNWRITTEN: Summary = Summary::new("what came of a delivery was not written");

/// See the module.
pub(super) struct Delivery<'a> {
    pub portals: &'a Portals,
    pub portal: Arc<Portal>,
    pub claim: Claim,
    /// How many blankings had been heard of before the claim was read.
    pub blanks_heard: u64,
    /// When that was.
    pub read_at: Instant,
    pub settling: &'a Gather<Settlement, bool>,
    pub lane: &'a Lane,
    /// Calls that were made.
    pub calls: usize,
}

/// What came of one entry.
struct Posted {
    verdict: PostVerdict,
    attempt: Attempt,
    kept: Kept,
    /// Something was sent, and not only passed over.
    is_sent: bool,
}

/// What of the portal's answers is kept.
#[derive(Default)]
struct Kept {
    external: Option<String>,
    refs: Option<BTreeMap<String, String>>,
    sent: Vec<SentMessage>,
}

impl Posted {
    /// No call is left to be made.
    fn without_call(is_sent: bool, at: Timestamp, instance: &str) -> Self {
        let attempt = nothing(at, &PostVerdict::TAKEN, instance);
        Self { verdict: PostVerdict::TAKEN, attempt, kept: Kept::default(), is_sent }
    }

    /// It cannot be sent.
    fn unmade(verdict: PostVerdict, at: Timestamp, instance: &str) -> Self {
        let attempt = nothing(at, &verdict, instance);
        Self { verdict, attempt, kept: Kept::default(), is_sent: false }
    }
}

fn nothing(at: Timestamp, verdict: &PostVerdict, instance: &str) -> Attempt {
    let error = (!verdict.is_taken()).then(|| verdict.why.clone());
    let class = Some(verdict.class.word().to_owned());
    Attempt { at: at.0, took: 0, status: None, error, instance: instance.to_owned(), class }
}

impl Delivery<'_> {
    /// Delivers what was claimed. Ends early when the portal fails, or when somebody else has the session meanwhile.
    pub async fn run(mut self) {
        let entries = std::mem::take(&mut self.claim.entries);
        if let Some(letter) = self.claim.replay.take() {
            // It was for the portal once, whatever its settings say now.
            let kind = webhook::kind(&letter.entry, &Forward::ALL, &self.portal.id).unwrap_or("message.created");
            match self.content(&letter.entry).await {
                Content::There => {}
                // It is withdrawn for good: only where that is certain.
                Content::Gone => return self.withdraw(&letter).await,
                Content::Unsure => {
                    self.settle(DeliveryStep::Released, Kept::default(), false).await;
                    return;
                }
            }
            let Some(posted) = self.send(&letter.entry, kind, Some(&letter)).await else { return };
            if posted.attempt.error.is_none() {
                self.hint(Way::Forwarded, letter.entry.seq);
            }
            let step = DeliveryStep::Replayed { number: letter.number, attempt: posted.attempt };
            let goes_on = !entries.is_empty() && posted.verdict.is_taken();
            if !self.settle(step, posted.kept, goes_on).await || !goes_on {
                return;
            }
        }
        let mut passed = None;
        for (n, entry) in entries.iter().enumerate() {
            let Some(kind) = self.kind(entry) else {
                passed = Some(entry.seq);
                continue;
            };
            // What was blanked since it was read is read again, and then passed over.
            if self.lane.is_stopped() || self.is_gone(entry).await {
                break;
            }
            let Some(posted) = self.send(entry, kind, None).await else { return };
            let goes_on = match posted.verdict.class {
                Class::Taken if !posted.is_sent => {
                    passed = Some(entry.seq);
                    continue;
                }
                Class::Taken => {
                    passed = None;
                    let more = n + 1 < entries.len() && !self.gives_way();
                    let step = DeliveryStep::Passed { position: entry.seq, taken: true };
                    let held = self.settle(step, posted.kept, more).await;
                    self.hint(Way::Forwarded, entry.seq);
                    held && more
                }
                _ => {
                    self.failed(entry.seq, posted.attempt, &posted.verdict).await;
                    false
                }
            };
            if !goes_on {
                return;
            }
        }
        let step = passed.map_or(DeliveryStep::Released, |position| DeliveryStep::Passed { position, taken: false });
        self.settle(step, Kept::default(), false).await;
    }

    /// Sends an entry as the portal's settings say. `None`: the claim is over.
    async fn send(&mut self, entry: &Entry, kind: &str, letter: Option<&DeadLetter>) -> Option<Posted> {
        let mut posted = self.sent(entry, kind, letter).await?;
        // A refusal may quote what was deleted meanwhile, or what is to be deleted.
        if posted.attempt.error.is_some() {
            let is_deletion = matches!(entry.what, What::Deleted(_));
            if is_deletion || self.content(entry).await != Content::There {
                posted.attempt = posted.attempt.unquoted();
            }
        }
        Some(posted)
    }

    async fn sent(&mut self, entry: &Entry, kind: &str, letter: Option<&DeadLetter>) -> Option<Posted> {
        let about = match self.about(entry).await {
            Ok(about) => about,
            Err(why) => {
                UNREADY.note_of(self.claim.session.as_str(), || why);
                self.settle(DeliveryStep::Released, Kept::default(), false).await;
                return None;
            }
        };
        if self.portal.settings.calls.is_empty() {
            return Some(self.post(entry, kind, about.as_ref()).await);
        }
        self.call_all(entry, kind, letter, about.as_ref()).await
    }

    /// The message that an entry changes.
    async fn about(&self, entry: &Entry) -> Result<Option<About>, StoreError> {
        let Some(target) = About::target(&entry.what) else { return Ok(None) };
        let known = self.portals.support.store.known_message(&entry.room, target).await?;
        let sent = &self.claim.delivery.calls.sent;
        Ok(known.map(|known| About::new(known.id, target, sent, &known.events)))
    }

    /// The content of a dead letter was blanked: nothing is sent, and the session waits for it no more.
    async fn withdraw(&self, letter: &DeadLetter) {
        let why = PostVerdict::failed(Class::Refused, "the message was deleted: nothing was sent".into());
        let attempt = Attempt { class: None, ..nothing(self.portals.now(), &why, &self.portals.label) };
        self.settle(DeliveryStep::Withdrawn { number: letter.number, attempt }, Kept::default(), false).await;
    }

    fn gives_way(&self) -> bool {
        self.lane.gives_way(self.calls, self.portal.settings.concurrency)
    }

    fn kind(&self, entry: &Entry) -> Option<&'static str> {
        webhook::kind(entry, &self.portal.settings.forward, &self.portal.id)
    }

    async fn post(&mut self, entry: &Entry, kind: &str, about: Option<&About>) -> Posted {
        let (portal, claim) = (&self.portal, &self.claim);
        let id = webhook::id(&self.portals.support.chat.store.identity().database, &portal.id, &entry.room, entry.id);
        let body = webhook::body(kind, entry, claim.external.as_deref(), &claim.customer, about);
        let at = self.portals.now();
        let pointer = portal.settings.answer_external.as_deref();
        let headers = [("content-type", "application/json".to_owned()), ("webhook-id", id.clone())]
            .map(|(name, value)| (name.to_owned(), value));
        let outgoing = Outgoing {
            method: "POST",
            url: portal.settings.url.as_deref().unwrap_or_default(),
            headers: &headers,
            body: Some(body),
            wants_answer: pointer.map(|_| limits::ANSWER_BYTES),
        };
        self.calls += 1;
        let (called, verdict, said) = match self.portals.access.call(portal, &id, &outgoing).await {
            Ok(Answered { called, opened, .. }) => {
                let verdict = retry::judge(&called.outcome(), None, self.portals.now());
                // A portal may repeat what it was sent.
                let said = called.complaint(|said| opened.mask(said));
                (called, verdict, said)
            }
            Err(verdict) => (Called::default(), verdict, None),
        };
        let taken = verdict.is_taken();
        let error = (!taken).then(|| match said {
            Some(said) => format!("{}: {said}", verdict.why),
            None => verdict.why.clone(),
        });
        self.lane.answered(&claim.customer, &verdict, claim.delivery.counted, called.took);
        self.portals.metrics().portals.attempted(portal.id.as_str(), verdict.class.word());
        if called.status.is_some() {
            self.portals.metrics().portals.answered(portal.id.as_str(), called.took);
        }
        let external = pointer.filter(|_| taken).and_then(|pointer| webhook::external_in(&called.body, pointer));
        // The newest answer holds.
        let external = external.filter(|told| self.claim.external.as_ref() != Some(told));
        if external.is_some() {
            self.claim.external.clone_from(&external);
        }
        let attempt = Attempt {
            at: at.0,
            took: millis(called.took),
            status: called.status,
            error,
            instance: self.portals.label.to_string(),
            class: Some(verdict.class.word().to_owned()),
        };
        let kept = Kept { external, ..Kept::default() };
        Posted { verdict, attempt, kept, is_sent: true }
    }

    async fn failed(&self, seq: Seq, attempt: Attempt, verdict: &PostVerdict) {
        let settings = &self.portal.settings;
        // Whether the portal has taken something meanwhile: newer than what this claim began with.
        let portal = self.portals.directory.read().await.ok().and_then(|all| all.get(&self.portal.id).cloned());
        let succeeded_at = portal.as_ref().unwrap_or(&self.portal).succeeded_at;
        let delivery = &self.claim.delivery;
        match retry::next(settings.retry_policy(), delivery, verdict, succeeded_at, self.portals.now(), rand::random())
        {
            Next::Later { counted, again_in } => {
                let first = delivery.attempts.is_empty();
                self.settle(DeliveryStep::Later { attempt, counted, again_in }, Kept::default(), false).await;
                if first {
                    self.hint(Way::Delayed, seq);
                }
                if verdict.class == Class::Gone {
                    self.gone(succeeded_at).await;
                }
            }
            Next::GiveUp { why } => {
                let block = settings.on_dead_letter == OnDeadLetter::Block;
                GIVEN_UP
                    .note_of(self.claim.session.as_str(), || format!("portal {}, seq {seq}: {why}", self.portal.id));
                self.portals.metrics().portals.attempted(self.portal.id.as_str(), "dead");
                self.settle(DeliveryStep::GivenUp { seq, attempt, why, block }, Kept::default(), false).await;
                self.hint(Way::Failed, seq);
            }
        }
    }

    /// Writes back a step. Says whether the session is still ours.
    async fn settle(&self, step: DeliveryStep, kept: Kept, keep: bool) -> bool {
        let told = kept.external.clone();
        let settlement = Settlement {
            session: self.claim.session.clone(),
            fence: self.claim.fence,
            step,
            external: kept.external,
            refs: kept.refs,
            sent: kept.sent,
            keep: keep.then_some(limits::DELIVERY_LEASE),
        };
        match self.settling.ask(vec![settlement]).await {
            Ok(held) => {
                let held = held == [true];
                if let Some(told) = told.filter(|_| held) {
                    self.portals.support.told(&self.portal.id, &self.claim.session, &told).await;
                }
                held
            }
            // Its lease ends by itself; whoever claims it then sends the last message again, with the same id.
            Err(error) => {
                UNWRITTEN.note_of(self.claim.session.as_str(), || error);
                false
            }
        }
    }

    /// It wants no more of this session, or of any.
    async fn gone(&self, succeeded_at: Option<Timestamp>) {
        let (claim, last) = (&self.claim, self.claim.delivery.attempts.last());
        let again = claim.delivery.since.is_some() && last.is_some_and(|last| last.status == Some(410));
        let met = Met { session: &claim.session, customer: &claim.customer, at: self.portals.now(), again };
        let (gone, customers) = self.lane.gone(met, succeeded_at);
        let is_gone = match gone {
            Gone::OfSession => false,
            Gone::OfPortal if customers >= MANY_GONE || !self.lane.has_served_nobody() => true,
            Gone::OfPortal => self.has_at_most(2 * customers).await,
            Gone::OfOnlySession => self.has_at_most(1).await,
        };
        if is_gone {
            self.disable().await;
        }
    }

    /// Whether the portal has so few sessions.
    async fn has_at_most(&self, most: usize) -> bool {
        let filter = Filter { portal: Some(self.portal.id.clone()), ..Filter::default() };
        let sessions = self.portals.support.store.sessions(&filter, None, most + 1).await;
        sessions.is_ok_and(|sessions| !sessions.more && sessions.items.len() <= most)
    }

    /// Nobody sends it anything until an operator says so.
    async fn disable(&self) {
        let why = "it answered 410 (gone), and took nothing else";
        tracing::warn!(portal = %self.portal.id, "{why}; resume it once it is back");
        // Somebody else may be changing it: then their change is the newer one, and the next POST meets the 410 again.
        let Ok(all) = self.portals.directory.read().await else { return };
        let Some(portal) = all.get(&self.portal.id).filter(|p| p.standing == PortalStanding::Active) else { return };
        let gone = Portal { standing: PortalStanding::Disabled(why.into()), ..(**portal).clone() };
        if let Err(error) = self.portals.support.store.write_portal(&gone).await {
            tracing::warn!(%error, portal = %self.portal.id, "it was not disabled");
        }
        let _ = self.portals.directory.read().await;
    }

    fn hint(&self, way: Way, seq: Seq) {
        self.portals.support.hint_forwarding(&self.claim.customer, &self.claim.session, way, seq);
    }
}
