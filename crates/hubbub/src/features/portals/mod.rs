//! Portals: third parties whose agents answer customers, in support sessions. Webhooks go out to them, and theirs come in.
//!
//! - What is done with sessions, portals, dead letters and events in quarantine: [`support`], [`sessions`], [`administration`],
//!   [`dead_letters`], [`quarantine`].
//! - What operators do about what waits: [`steering`].
//! - Out: [`workers`] claim the cursors of sessions that are due; each claim is a [`delivery`], which POSTs entry after entry
//!   ([`call`]), or makes the calls that the portal's settings name ([`calling`]), and writes back what came of it before the next.
//! - In: [`hooks`] are the routes, [`incoming`] verifies, maps and has [`support`] store.
//! - What names a session that is not known yet waits in quarantine until it is: [`release`].
//! - Edits and deletions of theirs find their message, or wait for it: [`changes`].
//! - Secrets: sealed and opened by [`vault`], put into what opens a portal by [`access`].
//! - What was verified and refused is kept for a while: [`refused`].
//! - What is kept: [`store`], in each database ([`postgres`], [`sqlite`]) beside the logs.

use crate::{crypto::seal::SealKeys, metrics::Metrics};
use access::Access;
use anyhow::Context;
use call::Caller;
use directory::Directory;
use hubbub_core::{
    limits,
    model::{rate::Rate, reason::Reason, time::Timestamp},
    portal::{PortalId, address::Allowed},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use store::Trouble;
use support::SupportChat;

pub mod access;
pub mod administration;
mod call;
mod calling;
pub mod changes;
pub mod dead_letters;
mod delivery;
mod directory;
pub mod error;
mod externals;
pub mod hooks;
mod incoming;
pub mod methods;
pub mod postgres;
pub mod quarantine;
pub mod refused;
mod release;
pub mod rotation;
pub mod secrets;
pub mod sessions;
pub mod sqlite;
pub mod steering;
pub mod store;
pub mod support;
pub mod trial;
pub mod vault;
mod workers;

pub use workers::Workers;

/// What exchanges webhooks with portals on this instance.
pub struct Portals {
    support: Arc<SupportChat>,
    directory: Arc<Directory>,
    access: Access,
    keeper: refused::keeper::Keeper,
    /// How fast each sends webhooks that are verified.
    rates: Mutex<HashMap<PortalId, Rate>>,
    /// This instance's label, for the attempts it makes.
    label: Arc<str>,
}

impl Portals {
    /// Webhooks of this support chat. Portals may be at public addresses, and at those that `allowed` names; `label` names this
    /// instance in the attempts that are kept.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(support: Arc<SupportChat>, allowed: Allowed, label: Arc<str>) -> anyhow::Result<Self> {
        let caller = Arc::new(Caller::new(allowed).context("the HTTP client for portals")?);
        let access = Access::new(support.clone(), caller);
        let (directory, keeper) = (Arc::new(Directory::new(support.clone())), refused::keeper::Keeper::default());
        Ok(Self { directory, support, access, keeper, rates: Mutex::default(), label })
    }

    fn metrics(&self) -> &Metrics {
        &self.support.chat.metrics
    }

    /// What time it is, where something is compared with what portals say of their clocks.
    fn now(&self) -> Timestamp {
        self.support.chat.clock.timestamp()
    }

    /// Secrets are sealed and opened with these keys from now on.
    pub fn seal_with(&self, keys: SealKeys) {
        self.support.vault.replace(keys);
        self.directory.forget();
    }

    /// Writes down what is the matter with a portal as a whole, or that nothing is any more.
    fn note_trouble(self: &Arc<Self>, portal: PortalId, trouble: Option<Trouble>) {
        match &trouble {
            Some(Trouble { class, why, .. }) => {
                tracing::warn!(%portal, class, why, "a portal takes nothing: it is sent no more than probes until it does");
            }
            None => tracing::info!(%portal, "a portal takes something again"),
        }
        let portals = self.clone();
        tokio::spawn(async move {
            if let Err(error) = portals.support.store.note_trouble(&portal, trouble.as_ref()).await {
                tracing::debug!(%error, %portal, "its trouble was not written down");
            }
        });
    }

    /// Begins to deliver.
    pub fn start(self: &Arc<Self>) -> Workers {
        Workers::start(self)
    }
}

/// Milliseconds, for what is kept.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a store's answer means when there is none: said when its reason changes, not each half second.
#[derive(Debug)]
struct Complaint(Mutex<Reason>);

impl Default for Complaint {
    fn default() -> Self {
        Self(Mutex::new(Reason::new(limits::REASON_EVERY, limits::REASON_EVERY_MAX)))
    }
}

impl Complaint {
    fn hear<T>(&self, what: &str, answer: Result<T, impl std::fmt::Display>) -> Option<T> {
        let mut reason = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(answer) => {
                reason.works();
                Some(answer)
            }
            Err(error) => {
                if reason.fails(&error.to_string(), Instant::now()) {
                    tracing::warn!(%error, "{what}; trying again");
                }
                None
            }
        }
    }
}
