//! What was kept in quarantine goes into its session's log once the session is known, and an edit or a deletion once its message is there: in the order in which it came, and before
//! what comes for the session meanwhile, because the store keeps that behind it.
//!
//! That something is to leave stands in the store, so any instance does it, and two may do it at once: an event is told by its
//! number, and stored once.

use super::{
    Complaint, Portals,
    changes::Looking,
    store::{Destination, Received, Releasable, Resolved},
    support::SupportChat,
};
use futures_util::future::join_all;
use hubbub_core::{limits, model::ids::RoomId};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};
use tokio::time;

/// Releases until it is stopped.
pub(super) async fn run(portals: Arc<Portals>, stopped: Arc<AtomicBool>) {
    let (complaint, sweeps) = (Complaint::default(), Complaint::default());
    let mut turns = time::interval(limits::DUE_EVERY);
    turns.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    let mut swept: Option<Instant> = None;
    let mut looking = Looking::default();
    while !stopped.load(Ordering::Relaxed) {
        tokio::select! {
            () = portals.support.releasing.notified() => {}
            _ = turns.tick() => {}
        }
        if portals.directory.all(limits::PORTALS_EVERY).await.is_empty() {
            continue;
        }
        if swept.is_none_or(|at| at.elapsed() >= limits::QUARANTINE_EVERY) {
            swept = Some(Instant::now());
            let expired = portals.support.store.sweep_quarantine().await;
            sweeps.hear("what waits for its message cannot be looked at", portals.support.sweep_changes().await);
            for (portal, events) in
                sweeps.hear("what waits in quarantine cannot be looked at", expired).unwrap_or_default()
            {
                tracing::warn!(%portal, events, "events of conversations that nobody knows were thrown away");
                portals.metrics().portals.expired(portal.as_str(), events);
            }
        }
        // As long as there is something that leaves.
        loop {
            let due = portals.support.store.releasable().await;
            let due = complaint.hear("what is to leave quarantine cannot be read", due).unwrap_or_default();
            if due.is_empty() || portals.support.release(due).await == 0 {
                break;
            }
        }
        looking.turn(&portals.support, &complaint).await;
    }
}

impl SupportChat {
    /// Puts these into the logs of their sessions; says how many have left quarantine.
    pub(super) async fn release(&self, due: Vec<Releasable>) -> usize {
        let mut sessions: BTreeMap<RoomId, Vec<Releasable>> = BTreeMap::new();
        for one in due {
            sessions.entry(one.session.clone()).or_default().push(one);
        }
        // Nobody waits for somebody else's session.
        join_all(sessions.into_values().map(|due| self.release_in_order(due))).await.into_iter().sum()
    }

    /// All of one session, the oldest first.
    async fn release_in_order(&self, due: Vec<Releasable>) -> usize {
        let numbers: Vec<u64> = due.iter().map(|one| one.kept.number).collect();
        let mut messages = Vec::with_capacity(due.len());
        let mut resolved = Vec::with_capacity(due.len());
        for Releasable { kept, portal, session } in due {
            let number = kept.number;
            messages.push(Arc::new(super::quarantine::incoming(kept).released(number, Some(&session))));
            resolved.push(Resolved {
                to: Destination::Log { portal, session },
                learned: None,
                shared: vec![],
                awaited: false,
                portal: Some(portal),
            });
        }
        let Ok(received) = self.log(&messages, resolved).await else {
            // Those that were stored are recognised when they come again.
            return 0;
        };
        let (mut gone, mut held) = (Vec::new(), Vec::new());
        for (number, received) in numbers.into_iter().zip(received) {
            match received {
                Received::Stored { .. } | Received::Repeated { .. } => gone.push(number),
                _ => held.push(number),
            }
        }
        match self.store.released(&gone, &held).await {
            Ok(()) => gone.len() + held.len(),
            Err(error) => {
                tracing::debug!(%error, "what has left quarantine is still there");
                0
            }
        }
    }
}
