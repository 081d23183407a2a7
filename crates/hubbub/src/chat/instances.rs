//! Which instances live: each keeps a lease in the store, and knows the leases of the others.
//!
//! Delivery depends on none of this. It says whose silence on the bus means something, whose users are gone, whether the bus works for
//! others, and what all of them know of what was added to logs ([`super::versions`]).

use super::versions::KnownToAll;
use crate::{
    bus::Health,
    store::{Lease, Store},
};
use hubbub_core::{
    limits,
    log::features::{Feature, Features},
    model::reason::Reason,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time,
};
use uuid::Uuid;

/// A lease that could not be renewed is tried again so soon: what is new is not taken while it cannot be told who lives.
const AGAIN: Duration = Duration::from_millis(500);

/// The leases are not looked at more often than this because of somebody who is heard and not known.
const STRANGERS_EVERY: Duration = Duration::from_millis(250);

/// Who lives, as far as this instance knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Living {
    /// Every life whose lease had not expired when the store was last asked, and its lease; this instance among them.
    pub boots: Arc<BTreeMap<Uuid, Lease>>,
    /// What all of them know of what was added to logs.
    pub features: Features,
    /// When the store answered last; `None`: not yet.
    pub at: Option<Instant>,
    /// This life of this instance.
    pub own: Uuid,
    /// How many times rooms were opened that others have imported; `None`: not known yet.
    pub openings: Option<u64>,
}

impl Living {
    /// An instance that shares its store with nobody.
    pub(super) fn alone(own: Uuid) -> Self {
        Self { features: Features::all(), own, ..Self::default() }
    }

    /// These lived, at that moment.
    pub(super) fn of(boots: BTreeMap<Uuid, Lease>, at: Option<Instant>, own: Uuid) -> Self {
        let known = boots.values().fold(Features::all(), |known, lease| known.in_common_with(lease.knows));
        let features = if at.is_some() { known } else { Features::NONE };
        Self { boots: Arc::new(boots), features, at, own, openings: None }
    }

    /// What every living instance knows: nothing while it cannot be told who lives.
    pub fn features(&self, now: Instant) -> Features {
        if self.at.is_none() || self.is_fresh(now) { self.features } else { Features::NONE }
    }

    /// Whether this can be relied on: the store has answered within [`limits::LEASE`].
    pub fn is_fresh(&self, now: Instant) -> bool {
        self.at.is_some_and(|at| now.saturating_duration_since(at) < limits::LEASE)
    }

    /// Those that live beside this one.
    pub fn others(&self) -> impl Iterator<Item = Uuid> {
        self.boots.keys().copied().filter(|boot| *boot != self.own)
    }

    /// Those of them that know this.
    pub fn others_with(&self, feature: Feature) -> impl Iterator<Item = Uuid> {
        self.others().filter(move |boot| self.boots.get(boot).is_some_and(|lease| lease.knows.has(feature)))
    }

    /// Whether wakes travel for anybody but this instance.
    fn bus_works_for_others(&self, now: Instant) -> bool {
        self.is_fresh(now) && self.others().any(|boot| self.boots.get(&boot).is_some_and(|lease| lease.bus))
    }
}

/// This instance's lease, and the view of all.
#[derive(Debug)]
pub struct Instances {
    boot: Uuid,
    living: watch::Receiver<Living>,
    ending: watch::Sender<bool>,
    stranger: Arc<Notify>,
    /// Since when the bus has failed here and worked for others, without a break.
    cut_off: Arc<Mutex<Option<Instant>>>,
    renewing: Mutex<Option<JoinHandle<()>>>,
}

impl Instances {
    /// Begins to renew the lease of `boot`, until `health` has no sender or [`end`](Self::end). An instance that shares its
    /// store with nobody (`shared` is false) keeps none: it is alone.
    pub fn start(boot: Uuid, store: Arc<dyn Store>, health: watch::Receiver<Health>, shared: bool) -> Self {
        let first = if shared { Living::of(BTreeMap::new(), None, boot) } else { Living::alone(boot) };
        let (say, living) = watch::channel(first);
        let (ending, ends) = watch::channel(false);
        let (stranger, cut_off) = (Arc::<Notify>::default(), Arc::default());
        let renewing = shared.then(|| {
            let (stranger, cut_off) = (Arc::clone(&stranger), Arc::clone(&cut_off));
            let failing = Reason::new(limits::REASON_EVERY, limits::REASON_EVERY_MAX);
            let renewal = Renewal { boot, stranger, store, health, say, cut_off, failing };
            Mutex::new(Some(tokio::spawn(renewal.run(ends))))
        });
        Self { boot, living, ending, stranger, cut_off, renewing: renewing.unwrap_or_default() }
    }

    /// This life of this instance.
    pub const fn boot(&self) -> Uuid {
        self.boot
    }

    /// Who lives, and every change of it. It changes at least every [`limits::LEASE_EVERY`] while the store answers.
    pub fn living(&self) -> watch::Receiver<Living> {
        self.living.clone()
    }

    /// Waits until it is known who lives, or until the store has had its time to say so.
    pub async fn settled(&self) {
        // An error: there are no leases to be asked for.
        let _ = time::timeout(limits::STORE_PATIENCE, self.living().wait_for(|living| living.at.is_some())).await;
    }

    /// What every instance that lives knows.
    pub fn known_to_all(&self) -> KnownToAll {
        KnownToAll::by(self.living())
    }

    /// To be notified when an instance is heard whose lease is not known: it has just started, or has just gone.
    pub fn stranger(&self) -> Arc<Notify> {
        self.stranger.clone()
    }

    /// For how long the bus has failed here while it worked for others; zero when that is not so.
    pub fn cut_off_for(&self) -> Duration {
        let since = *self.cut_off.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Gives the lease up, so that others do not wait for it to expire. Takes at most [`limits::STORE_PATIENCE`].
    pub async fn end(&self) {
        self.ending.send_replace(true);
        let renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(renewing) = renewing
            && time::timeout(limits::STORE_PATIENCE, renewing).await.is_err()
        {
            tracing::warn!("the lease of this instance could not be given up; it expires by itself");
        }
    }
}

/// The task that renews.
struct Renewal {
    boot: Uuid,
    stranger: Arc<Notify>,
    store: Arc<dyn Store>,
    health: watch::Receiver<Health>,
    say: watch::Sender<Living>,
    cut_off: Arc<Mutex<Option<Instant>>>,
    failing: Reason,
}

impl Renewal {
    async fn run(mut self, mut ends: watch::Receiver<bool>) {
        let mut renewed = Instant::now();
        let mut turns = time::interval(limits::LEASE_EVERY);
        turns.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = turns.tick() => {}
                // What others make of this instance's bus is to follow at once.
                changed = self.health.changed() => {
                    if changed.is_err() {
                        // The bus is gone, and with it the chat.
                        return;
                    }
                }
                // Whoever has gone may be heard for a while yet.
                () = async {
                    time::sleep_until((renewed + STRANGERS_EVERY).into()).await;
                    self.stranger.notified().await;
                } => {}
                _ = ends.changed() => break,
            }
            if !self.renew().await {
                turns.reset_after(AGAIN);
            }
            renewed = Instant::now();
        }
        if let Err(error) = self.store.end_lease(self.boot).await {
            tracing::warn!(%error, "the lease of this instance could not be given up; it expires by itself");
        }
    }

    /// Says whether the store has answered.
    async fn renew(&mut self) -> bool {
        let health = *self.health.borrow_and_update();
        let bus = health == Health::Up;
        let lease = Lease { boot: self.boot, bus, knows: Features::all() };
        let (renewed, openings) = tokio::join!(self.store.renew_lease(lease, limits::LEASE), self.store.openings());
        let has_answered = renewed.is_ok();
        match renewed {
            Ok(leases) => {
                self.failing.works();
                let boots = leases.into_iter().map(|lease| (lease.boot, lease)).collect();
                let openings = openings.ok().or(self.say.borrow().openings);
                self.say.send_replace(Living { openings, ..Living::of(boots, Some(Instant::now()), self.boot) });
            }
            Err(error) => {
                if self.failing.fails(&error.to_string(), Instant::now()) {
                    tracing::warn!(%error, "the lease of this instance cannot be renewed; trying again");
                }
            }
        }
        let now = Instant::now();
        // One that has no bus for others has not lost any.
        let is_cut_off = health == Health::Down && self.say.borrow().bus_works_for_others(now);
        let mut since = self.cut_off.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if is_cut_off { since.or(Some(now)) } else { None };
        has_answered
    }
}
