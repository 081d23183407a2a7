//! Webhooks that were verified and then refused: kept for a while, so that an operator who has mended what was wrong can have
//! them taken after all.
//!
//! [`Waiting`] holds what an instance has refused until it is written down. It is bounded: who sends much of what is refused
//! crowds out what is theirs, and delays nobody.

use super::{PortalId, mapping::Event, settings::PortalSettings, verify};
use crate::{limits, model::time::Timestamp};
use std::collections::{BTreeMap, VecDeque};

#[cfg(test)]
mod tests;

/// Why a webhook was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The status of the answer, a 4xx.
    pub status: u16,
    /// Its code.
    pub code: String,
    /// In words, at most [`limits::REFUSED_WHY_BYTES`].
    pub why: String,
}

impl Verdict {
    /// What was answered; words that are too many are cut.
    pub fn new(status: u16, code: &str, why: &str) -> Self {
        // What a portal wrote may be in it.
        let mut why = why.replace('\0', "\u{fffd}");
        let end = (0..=limits::REFUSED_WHY_BYTES.min(why.len())).rev().find(|end| why.is_char_boundary(*end));
        why.truncate(end.unwrap_or(0));
        Self { status, code: code.to_owned(), why }
    }
}

/// A webhook that was refused, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its portal.
    pub portal: PortalId,
    /// What tells repeats of it: see [`name`].
    pub name: String,
    /// When it came first.
    pub at: Timestamp,
    /// When it came last.
    pub last_at: Timestamp,
    /// How often it came.
    pub times: u64,
    /// Why it was refused, last.
    pub verdict: Verdict,
    /// The headers that taking it needs: see [`headers`].
    pub headers: BTreeMap<String, String>,
    /// The raw body.
    pub body: Vec<u8>,
}

impl Refused {
    /// What it weighs among the others.
    pub fn weight(&self) -> usize {
        self.bytes() + limits::REFUSED_HOOK_WEIGHT
    }

    /// What its body and headers weigh.
    pub fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        self.body.len() + headers.sum::<usize>() + self.verdict.why.len()
    }

    /// The same webhook has come again: what it says now and why it is refused now counts.
    fn again(&mut self, other: Self) {
        self.at = self.at.min(other.at);
        self.times += other.times;
        if other.last_at >= self.last_at {
            (self.last_at, self.verdict) = (other.last_at, other.verdict);
            (self.headers, self.body) = (other.headers, other.body);
        }
    }
}

/// A refused webhook as it is kept, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedHook {
    /// Its number among all of them.
    pub number: u64,
    /// Its portal.
    pub portal: PortalId,
    /// When it came first.
    pub at: Timestamp,
    /// When it came last.
    pub last_at: Timestamp,
    /// How often it came.
    pub times: u64,
    /// Why it was refused, last.
    pub verdict: Verdict,
    /// The headers that taking it needs.
    pub headers: BTreeMap<String, String>,
    /// What its body, headers and reason weigh.
    pub bytes: u64,
}

/// The headers of a webhook that taking it needs, and no other: its content type, and those that may hold its id. None that
/// holds a secret.
pub fn headers(settings: &PortalSettings, find: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let names = ids(settings).map(str::to_ascii_lowercase).chain(["content-type".to_owned()]);
    let needed = names.filter(|name| !settings.verify.is_secret(name));
    needed.filter_map(|name| find(&name).map(|value| (name, value))).collect()
}

/// The headers that may hold a webhook's id; the first that is there does.
pub fn ids(settings: &PortalSettings) -> impl Iterator<Item = &str> {
    settings.verify.id_header().into_iter().chain(["webhook-id", "idempotency-key"])
}

/// What tells repeats of a refused webhook: the ids of its events where its mapping finds them, else its own id, else its bytes.
/// `events` is empty where nothing can be made of the body.
pub fn name(events: &[Event], id: Option<&str>, body: &[u8]) -> String {
    let own: Option<Vec<String>> = events.iter().map(|event| event.repeat_key(None)).collect();
    match (own.filter(|own| !own.is_empty()), id.filter(|id| !id.is_empty())) {
        (Some(own), _) => {
            // The lengths tell where each ends.
            let all: String = own.iter().map(|key| format!("{}:{key}", key.len())).collect();
            format!("e:{}", verify::digest(all.as_bytes()))
        }
        (None, Some(id)) => format!("h:{}", verify::digest(id.as_bytes())),
        (None, None) => format!("b:{}", verify::digest(body)),
    }
}

/// Refused webhooks that wait to be written down.
#[derive(Debug, Default)]
pub struct Waiting {
    portals: BTreeMap<PortalId, VecDeque<Refused>>,
    weight: usize,
}

impl Waiting {
    /// One more. Says whose gave way to it: for each portal, how often one of its webhooks came that is not kept.
    pub fn put(&mut self, one: Refused) -> Vec<(PortalId, u64)> {
        let portal = one.portal.clone();
        let waiting = self.portals.entry(portal.clone()).or_default();
        if let Some(known) = waiting.iter_mut().find(|known| known.name == one.name) {
            self.weight -= known.weight();
            known.again(one);
            self.weight += known.weight();
        } else {
            self.weight += one.weight();
            let place = waiting.partition_point(|other| other.at <= one.at);
            waiting.insert(place, one);
        }
        let mut gave_way = Vec::new();
        if waiting.len() > limits::REFUSED_HOOKS_WAITING {
            gave_way.extend(self.oldest_goes(&portal));
        }
        while self.weight > limits::REFUSED_HOOKS_WAITING_BYTES {
            let weight = |waiting: &VecDeque<Refused>| waiting.iter().map(Refused::weight).sum::<usize>();
            let Some(most) = self.portals.iter().max_by_key(|(_, waiting)| weight(waiting)) else { break };
            let most = most.0.clone();
            gave_way.extend(self.oldest_goes(&most));
        }
        gave_way
    }

    fn oldest_goes(&mut self, portal: &PortalId) -> Option<(PortalId, u64)> {
        let waiting = self.portals.get_mut(portal)?;
        let oldest = waiting.pop_front();
        if waiting.is_empty() {
            self.portals.remove(portal);
        }
        let oldest = oldest?;
        self.weight -= oldest.weight();
        Some((oldest.portal, oldest.times))
    }

    /// All of them, of each portal in the order in which they came.
    pub fn take(&mut self) -> Vec<Refused> {
        self.weight = 0;
        std::mem::take(&mut self.portals).into_values().flatten().collect()
    }
}
