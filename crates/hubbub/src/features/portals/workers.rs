//! Who delivers: claims what is due, as much as each portal may have on its way, and leaves alone portals that fail as a whole.

use super::{Complaint, Portals, delivery::Delivery, millis, refused::keeper, release};
use crate::{
    chat::log::gather::{AsyncCall, Gather},
    features::portals::store::{Claim, Portal, PortalStanding, PortalStore, Settlement, Trouble, Wanted},
    store::StoreError,
};
use hubbub_core::{
    delivery::{
        breaker::{Breaker, BreakerState},
        retry::{self, Class, Gone, PostVerdict},
        turns::{self, KNOWN, Known, Places, Probe},
    },
    limits::{self, CUSTOMERS_KNOWN},
    model::{
        ids::{RoomId, UserId},
        time::Timestamp,
    },
    portal::PortalId,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::Notify,
    task::{JoinHandle, JoinSet},
    time,
};

/// Settlements in one transaction.
const SETTLED_TOGETHER: usize = 256;
/// How old the portals' settings may be when something has just become due.
const WOKEN_AGE: Duration = Duration::from_millis(250);
/// How often what waits is counted, for metrics.
const COUNTED_EVERY: Duration = Duration::from_secs(10);

/// The running workers of an instance. Dropped, they end at once, and their claims expire.
pub struct Workers {
    stopped: Arc<AtomicBool>,
    woken: Arc<Notify>,
    running: Mutex<Option<JoinHandle<()>>>,
    counting: JoinHandle<()>,
    releasing: JoinHandle<()>,
    keeping: JoinHandle<()>,
    portals: Arc<Portals>,
}

/// One portal, as this instance calls it.
pub(super) struct Lane {
    load: Mutex<Load>,
    stopped: Arc<AtomicBool>,
}

/// A 410.
pub(super) struct Met<'a> {
    pub session: &'a RoomId,
    pub customer: &'a UserId,
    pub at: Timestamp,
    /// The session met one before.
    pub again: bool,
}

#[derive(Default)]
struct Load {
    /// Of the portal as it is since this change: what was known of it before says nothing.
    revision: u64,
    breaker: Breaker,
    under_way: usize,
    /// Of them those whose message has failed before.
    failing: usize,
    of_customers: HashMap<UserId, usize>,
    /// Messages that failed since the portal last took something.
    failed: HashMap<UserId, usize>,
    known: Arc<Known>,
    /// When it last took something from this instance.
    taken_at: Option<Instant>,
    /// The last answer that was none of "taken", in words.
    why: String,
    /// What was written down of its trouble, and when.
    noted: Option<(Option<Class>, Instant)>,
    /// Sessions that met a 410 since it last took something: whose, and when.
    gone: HashMap<RoomId, (UserId, Timestamp)>,
}

impl Load {
    /// What may be claimed now.
    fn places(&mut self, concurrency: usize, room: usize, now: Instant) -> Places {
        let free = concurrency.saturating_sub(self.under_way).min(room);
        if free == 0 {
            return Places::default();
        }
        let permit = self.breaker.may(now);
        let probe = || Probe { lot: rand::random(), failed: self.failed.clone() };
        let (of_customers, known) = (self.of_customers.clone(), self.known.clone());
        Places::permitted(permit, concurrency, free, self.failing, of_customers, known, probe)
    }

    /// What is to be written down of the portal's trouble, where that has changed.
    fn changed_trouble(&mut self, portal: &Portal, now: Timestamp) -> Option<Option<Trouble>> {
        let (is, known) = (self.breaker.trouble(), portal.trouble.as_ref());
        let changed = match (is, known) {
            (Some(class), known) => known.is_none_or(|known| known.class != class.word()),
            // Another instance may have seen it, which knows more of it than one that has sent nothing since.
            (None, Some(known)) => {
                self.taken_at.is_some_and(|at| now.0.saturating_sub_unsigned(millis(at.elapsed())) > known.since)
            }
            (None, None) => false,
        };
        let just_noted =
            |(noted, at): (Option<Class>, Instant)| noted == is && at.elapsed() < 2 * limits::PORTALS_EVERY;
        if !changed || self.noted.is_some_and(just_noted) {
            return None;
        }
        self.noted = Some((is, Instant::now()));
        Some(is.map(|class| Trouble { class: class.word().into(), why: self.why.clone(), since: now.0 }))
    }

    /// Whether these places are, or hold, the one of a probe.
    fn is_probe(&self, places: &Places) -> bool {
        places.most > 0 && self.breaker.state() == BreakerState::HalfOpen
    }
}

impl Lane {
    fn load(&self) -> std::sync::MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call was answered, or was not, and took so long; `counted` attempts count against its message.
    pub fn answered(&self, customer: &UserId, verdict: &PostVerdict, counted: u32, took: Duration) {
        let mut load = self.load();
        load.known.note(customer, verdict.is_taken(), took);
        if verdict.is_taken() {
            load.taken_at = Some(Instant::now());
            load.failed.clear();
            load.gone.clear();
        } else if load.failed.len() < CUSTOMERS_KNOWN || load.failed.contains_key(customer) {
            *load.failed.entry(customer.clone()).or_default() += 1;
        }
        if !verdict.is_taken() {
            load.why.clone_from(&verdict.why);
        }
        load.breaker.answered(verdict, counted >= KNOWN, Instant::now(), rand::random());
    }

    /// Whether a session that has made so many calls gives its place to others.
    pub fn gives_way(&self, calls: usize, concurrency: usize) -> bool {
        turns::gives_way(calls, self.load().under_way, concurrency)
    }

    /// A message of this customer takes more than a turn.
    pub fn is_long(&self, customer: &UserId) {
        self.load().known.note_long(customer);
    }

    /// What was to be sent could not be made: that says nothing of the portal, and something of the message.
    pub fn unanswered(&self, customer: &UserId) {
        let mut load = self.load();
        if load.failed.len() < CUSTOMERS_KNOWN || load.failed.contains_key(customer) {
            *load.failed.entry(customer.clone()).or_default() += 1;
        }
        load.breaker.given_back();
    }

    /// A session met a 410 now, once `again`; the portal last took something of any instance at `succeeded_at`. Whether it is gone
    /// as a whole, as far as can be told from here, by how many customers.
    pub fn gone(&self, met: Met<'_>, succeeded_at: Option<Timestamp>) -> (Gone, usize) {
        let mut load = self.load();
        load.gone.retain(|_, (_, at)| succeeded_at.is_none_or(|taken| *at > taken));
        if load.gone.len() < CUSTOMERS_KNOWN {
            load.gone.entry(met.session.clone()).or_insert_with(|| (met.customer.clone(), met.at));
        }
        let first = load.gone.values().map(|(_, at)| at.0).min().unwrap_or(met.at.0);
        let longest = Duration::from_millis(met.at.0.saturating_sub(first).max(0).unsigned_abs());
        let customers = load.gone.values().map(|(customer, _)| customer).collect::<HashSet<_>>().len();
        (retry::gone(load.gone.len(), customers, load.known.served(), longest, met.again), customers)
    }

    /// Whether nobody is known here of whom the portal took something: the instance is young, or it never did.
    pub fn has_served_nobody(&self) -> bool {
        self.load().known.served() == 0
    }

    /// Whether nothing more is to be sent: the instance goes, or the portal fails as a whole.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.load().breaker.stops()
    }
}

struct Settle(Arc<dyn PortalStore>);

impl AsyncCall<Settlement, bool> for Settle {
    async fn call(&self, settlements: &[Settlement]) -> Result<Vec<bool>, StoreError> {
        self.0.settle(settlements).await
    }
}

impl Workers {
    pub(super) fn start(portals: &Arc<Portals>) -> Self {
        let (stopped, woken) = (Arc::<AtomicBool>::default(), portals.support.chat.store.due());
        let desk = Desk {
            settling: Arc::new(Gather::start(
                SETTLED_TOGETHER,
                limits::DELIVERIES + 1,
                Settle(portals.support.store.clone()),
            )),
            portals: portals.clone(),
            lanes: BTreeMap::new(),
            stopped: stopped.clone(),
            woken: woken.clone(),
            woken_since: false,
            under_way: JoinSet::new(),
            complaint: Complaint::default(),
        };
        let counting = tokio::spawn(count(portals.clone()));
        let releasing = tokio::spawn(release::run(portals.clone(), stopped.clone()));
        let keeping = tokio::spawn(keeper::run(portals.clone(), stopped.clone()));
        let running = Mutex::new(Some(tokio::spawn(desk.run())));
        Self { stopped, woken, running, counting, releasing, keeping, portals: portals.clone() }
    }

    /// Claims nothing more, and waits for what is under way, at most `patience`.
    pub async fn stop(&self, patience: Duration) {
        self.stopped.store(true, Ordering::Relaxed);
        self.woken.notify_one();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut running) = running
            && time::timeout(patience, &mut running).await.is_err()
        {
            tracing::warn!("some deliveries were not finished; they are repeated once their leases end");
            running.abort();
        }
        // What was refused in the last second.
        self.portals.write_refused().await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.counting.abort();
        self.releasing.abort();
        self.keeping.abort();
        if let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            running.abort();
        }
    }
}

/// The task that claims.
struct Desk {
    portals: Arc<Portals>,
    settling: Arc<Gather<Settlement, bool>>,
    lanes: BTreeMap<PortalId, Arc<Lane>>,
    stopped: Arc<AtomicBool>,
    woken: Arc<Notify>,
    /// Something became due since the last tick.
    woken_since: bool,
    under_way: JoinSet<()>,
    complaint: Complaint,
}

impl Desk {
    async fn run(mut self) {
        let mut turns = time::interval(limits::DUE_EVERY);
        turns.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        while !self.stopped.load(Ordering::Relaxed) {
            let age = tokio::select! {
                // A portal may just have been made or resumed, and this be its first message: now or with the next tick it is known.
                () = self.woken.notified() => {
                    self.woken_since = true;
                    WOKEN_AGE
                }
                Some(_) = self.under_way.join_next() => limits::PORTALS_EVERY,
                _ = turns.tick() => match std::mem::take(&mut self.woken_since) {
                    true => WOKEN_AGE,
                    false => limits::PORTALS_EVERY,
                },
            };
            // What has ended meanwhile needs no turn of its own.
            while self.under_way.try_join_next().is_some() {}
            self.turn(age).await;
        }
        while self.under_way.join_next().await.is_some() {}
    }

    async fn turn(&mut self, age: Duration) {
        let listed = self.portals.directory.all(age).await;
        self.lanes.retain(|id, _| listed.contains_key(id));
        let now = Instant::now();
        let (mut wanted, mut probes) = (Vec::new(), Vec::new());
        let mut room = limits::DELIVERIES.saturating_sub(self.under_way.len());
        for (id, portal) in listed.iter() {
            if portal.standing != PortalStanding::Active || portal.locked.is_some() || portal.settings.url.is_none() {
                continue;
            }
            let stopped = &self.stopped;
            let lane = self
                .lanes
                .entry(id.clone())
                .or_insert_with(|| Arc::new(Lane { load: Mutex::default(), stopped: stopped.clone() }));
            let mut load = lane.load();
            if load.revision != portal.revision {
                // Somebody has mended it, perhaps.
                (load.revision, load.breaker) = (portal.revision, Breaker::default());
                load.failed.clear();
                load.gone.clear();
                load.noted = None;
            }
            let places = load.places(portal.settings.concurrency, room, now);
            if load.is_probe(&places) {
                probes.push(id.clone());
            }
            self.portals.metrics().portals.breaker(id.as_str(), load.breaker.state().word());
            let trouble = load.changed_trouble(portal, self.portals.now());
            self.portals.metrics().portals.trouble(id.as_str(), load.breaker.trouble().is_some());
            drop(load);
            if let Some(trouble) = trouble {
                self.portals.note_trouble(id.clone(), trouble);
            }
            room -= places.most;
            if places.most > 0 {
                wanted.push(Wanted { portal: id.clone(), places });
            }
        }
        if wanted.is_empty() {
            return;
        }
        let (blanks_heard, read_at) = (self.portals.support.chat.blanks().heard(), Instant::now());
        let claimed = self.portals.support.store.claim(&wanted, limits::DELIVERY_LEASE).await;
        let claims = self.complaint.hear("what is due for portals cannot be claimed", claimed).unwrap_or_default();
        for probe in probes {
            if !claims.iter().any(|claim| claim.portal == probe)
                && let Some(lane) = self.lanes.get(&probe)
            {
                lane.load().breaker.given_back();
            }
        }
        for claim in claims {
            if let Some(portal) = listed.get(&claim.portal) {
                self.deliver(portal.clone(), claim, blanks_heard, read_at);
            }
        }
    }

    fn deliver(&mut self, portal: Arc<Portal>, claim: Claim, blanks_heard: u64, read_at: Instant) {
        let Some(lane) = self.lanes.get(&portal.id).cloned() else { return };
        let under_way = UnderWay::new(&lane, &claim);
        let (portals, settling) = (self.portals.clone(), self.settling.clone());
        self.under_way.spawn(async move {
            let _done = under_way;
            let (settling, lane) = (&*settling, &*lane);
            let portals = &portals;
            Delivery { portals, portal, claim, blanks_heard, read_at, settling, lane, calls: 0 }.run().await;
        });
    }
}

/// Counted until it is dropped, however the delivery ends.
struct UnderWay {
    lane: Arc<Lane>,
    customer: UserId,
    failing: bool,
}

impl UnderWay {
    fn new(lane: &Arc<Lane>, claim: &Claim) -> Self {
        let mut load = lane.load();
        let failing = claim.delivery.since.is_some() || load.known.has_hung(&claim.customer);
        load.under_way += 1;
        load.failing += usize::from(failing);
        *load.of_customers.entry(claim.customer.clone()).or_default() += 1;
        drop(load);
        Self { lane: lane.clone(), customer: claim.customer.clone(), failing }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut load = self.lane.load();
        load.under_way -= 1;
        load.failing -= usize::from(self.failing);
        if let Some(n) = load.of_customers.get_mut(&self.customer) {
            *n -= 1;
            if *n == 0 {
                load.of_customers.remove(&self.customer);
            }
        }
    }
}

/// Says what waits, for `/metrics`.
async fn count(portals: Arc<Portals>) {
    let complaint = Complaint::default();
    let mut known = BTreeSet::new();
    let mut turns = time::interval(COUNTED_EVERY);
    turns.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        // What a deletion left: nothing, mostly.
        while complaint.hear("sessions of deleted portals are not closed", portals.support.close_orphans().await)
            > Some(0)
        {}
        if portals.directory.all(limits::PORTALS_EVERY).await.is_empty() {
            continue;
        }
        let backlog = complaint.hear("what waits for portals cannot be counted", portals.support.store.backlog().await);
        let now = portals.now();
        let listed: BTreeSet<PortalId> = backlog.iter().flatten().map(|one| one.portal.clone()).collect();
        for gone in known.difference(&listed).filter(|_| backlog.is_some()) {
            portals.metrics().portals.forget(gone.as_str());
        }
        if backlog.is_some() {
            known = listed;
        }
        let refused = complaint.hear("refused webhooks cannot be counted", portals.support.store.count_refused().await);
        if let Some(refused) = refused.map(BTreeMap::from_iter) {
            for portal in &known {
                let hooks = refused.get(portal).copied().unwrap_or_default();
                portals.metrics().portals.refused_hooks(portal.as_str(), hooks);
            }
        }
        for one in backlog.unwrap_or_default() {
            let oldest = one.oldest.map_or(0, |at| (now.0 - at.0).max(0) / 1_000);
            let counts = [oldest, one.waiting.cast_signed(), one.dead.cast_signed(), one.quarantined.cast_signed()];
            portals.metrics().portals.backlog(one.portal.as_str(), counts);
        }
    }
}
