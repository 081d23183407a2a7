//! Who delivers: claims what is due, as much as each portal may have on its way, and leaves alone portals that fail as a whole.

use super::{Complaint, Portals, delivery::Delivery};
use crate::{
    chat::log::gather::{AsyncCall, Gather},
    features::portals::store::{Claim, Portal, PortalStanding, PortalStore, Settlement, Wanted},
    store::StoreError,
};
use hubbub_core::{
    delivery::breaker::{Breaker, BreakerState, Permit},
    limits,
    portal::PortalId,
};
use std::{
    collections::BTreeMap,
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
}

/// One portal, as this instance calls it.
pub(super) struct Lane {
    load: Mutex<Load>,
    stopped: Arc<AtomicBool>,
}

struct Load {
    under_way: usize,
    breaker: Breaker,
}

impl Lane {
    fn load(&self) -> std::sync::MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A POST was answered.
    pub fn answered(&self, taken: bool) {
        let mut load = self.load();
        if taken {
            load.breaker.succeeded();
        } else {
            load.breaker.failed(Instant::now(), rand::random());
        }
    }

    /// Whether nothing more is to be sent: the instance goes, or the portal fails as a whole.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.load().breaker.state() == BreakerState::Open
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
        Self { stopped, woken, running: Mutex::new(Some(tokio::spawn(desk.run()))), counting }
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
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.counting.abort();
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
            if portal.standing != PortalStanding::Active || portal.settings.url.is_none() {
                continue;
            }
            let stopped = &self.stopped;
            let lane = self.lanes.entry(id.clone()).or_insert_with(|| {
                let load = Load { under_way: 0, breaker: Breaker::default() };
                Arc::new(Lane { load: Mutex::new(load), stopped: stopped.clone() })
            });
            let mut load = lane.load();
            let free = portal.settings.concurrency.saturating_sub(load.under_way).min(room);
            let most = match load.breaker.may(now) {
                _ if free == 0 => 0,
                Permit::All => free,
                Permit::One => {
                    probes.push(id.clone());
                    1
                }
                Permit::None { .. } => 0,
            };
            self.portals.metrics().portals.breaker(id.as_str(), load.breaker.state().word());
            drop(load);
            room -= most;
            if most > 0 {
                wanted.push(Wanted { portal: id.clone(), most });
            }
        }
        if wanted.is_empty() {
            return;
        }
        let blanks_heard = self.portals.support.chat.blanks().heard();
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
                self.deliver(portal.clone(), claim, blanks_heard);
            }
        }
    }

    fn deliver(&mut self, portal: Arc<Portal>, claim: Claim, blanks_heard: u64) {
        let Some(lane) = self.lanes.get(&portal.id).cloned() else { return };
        lane.load().under_way += 1;
        let (portals, settling) = (self.portals.clone(), self.settling.clone());
        self.under_way.spawn(async move {
            let _done = UnderWay(lane.clone());
            Delivery { portals: &portals, portal, claim, blanks_heard, settling: &settling, lane: &lane }.run().await;
        });
    }
}

/// Counted until it is dropped, however the delivery ends.
struct UnderWay(Arc<Lane>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.load().under_way -= 1;
    }
}

/// Says what waits, for `/metrics`.
async fn count(portals: Arc<Portals>) {
    let complaint = Complaint::default();
    let mut turns = time::interval(COUNTED_EVERY);
    turns.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        if portals.directory.all(limits::PORTALS_EVERY).await.is_empty() {
            continue;
        }
        let backlog = complaint.hear("what waits for portals cannot be counted", portals.support.store.backlog().await);
        let now = portals.now();
        for one in backlog.unwrap_or_default() {
            let oldest = one.oldest.map_or(0, |at| (now.0 - at.0).max(0) / 1_000);
            let counts = [oldest, one.waiting.cast_signed(), one.dead.cast_signed(), one.quarantined.cast_signed()];
            portals.metrics().portals.backlog(one.portal.as_str(), counts);
        }
    }
}
