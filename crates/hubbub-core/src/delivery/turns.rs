//! Whose turn it is: which of the sessions that are due may use a portal's places.
//!
//! - A message that has not failed yet goes before those that have, which have half of the places at most. So poison waits behind
//!   what may well be taken, and never holds all places.
//! - Customers take turns: each one's first session goes before anybody's second. No customer has more than a quarter of the
//!   places, however many sessions are theirs.
//! - Among those that have failed, those go first that have failed less often while others were taken. A probe of a portal that may
//!   be back is drawn by lot from them, or from those that have not failed; customers of whom the portal took something before go
//!   first. So it is not the oldest poison time and again.

use super::breaker::Permit;
use crate::model::ids::UserId;
use std::collections::{HashMap, HashSet};

/// Attempts that count against a message, from which on it is known to fail while others are taken.
pub const KNOWN: u32 = 2;

/// A session that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its customer.
    pub customer: UserId,
    /// Its next message has not failed yet.
    pub fresh: bool,
    /// Attempts that count against it.
    pub counted: u32,
    /// Since when it is due.
    pub due_at: i64,
}

/// How many places there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// So many are free.
    pub most: usize,
    /// Of them so many for those whose message has not failed yet,
    pub fresh: usize,
    /// and so many for those whose message has.
    pub failing: usize,
    /// So many of one customer, with those that are under way.
    pub each: usize,
    /// Sessions under way, by customer.
    pub under_way: HashMap<UserId, usize>,
    /// The one place there is, is for a probe.
    pub probe: Option<Probe>,
}

/// How a probe is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// By this lot, of customers
    pub lot: u64,
    /// of whom the portal took something before,
    pub served: HashSet<UserId>,
    /// and of whom fewest messages failed since it last did.
    pub failed: HashMap<UserId, usize>,
}

/// The places of a portal of which `concurrency` may be called at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// For those whose message has failed.
    pub failing: usize,
    /// For one customer.
    pub each: usize,
}

impl Shares {
    /// See the module.
    pub const fn of(concurrency: usize) -> Self {
        let (half, quarter) = (concurrency / 2, concurrency / 4);
        Self { failing: if half == 0 { 1 } else { half }, each: if quarter == 0 { 1 } else { quarter } }
    }
}

impl Places {
    /// As many as there are, for whomever.
    pub fn all(most: usize) -> Self {
        Self { most, fresh: usize::MAX, failing: usize::MAX, each: usize::MAX, under_way: HashMap::new(), probe: None }
    }

    /// What a breaker permits of the `free` places of a portal, of which those whose message has failed have `failing` already.
    pub fn permitted(
        permit: Permit,
        concurrency: usize,
        free: usize,
        failing: usize,
        under_way: HashMap<UserId, usize>,
        probe: impl FnOnce() -> Probe,
    ) -> Self {
        let shares = Shares::of(concurrency);
        let left = shares.failing.saturating_sub(failing);
        let (most, fresh, failing) = match permit {
            Permit::All => (free, usize::MAX, left),
            Permit::Fresh { and_one } => (free, usize::MAX, usize::from(and_one)),
            Permit::One { fresh } => (free.min(1), 1, usize::from(!fresh)),
            Permit::None { .. } => (0, 0, 0),
        };
        let probe = matches!(permit, Permit::One { .. }).then(probe);
        Self { most, fresh, failing, each: shares.each, under_way, probe }
    }

    /// Whether this customer has as many as one may have.
    pub fn is_full(&self, customer: &UserId) -> bool {
        self.under_way.get(customer).is_some_and(|under_way| *under_way >= self.each)
    }

    /// Customers who have as many as one may have.
    pub fn full(&self) -> impl Iterator<Item = &UserId> {
        self.under_way.iter().filter(|(_, under_way)| **under_way >= self.each).map(|(customer, _)| customer)
    }

    /// Which of these go, in their order. There are up to twice as many as there are places, so that others may take some of
    /// them meanwhile; whichever of them are taken, nobody has more than their share.
    pub fn choose(&self, candidates: &[Candidate]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        match &self.probe {
            None => order.sort_by_key(|n| (!candidates[*n].fresh, candidates[*n].counted, candidates[*n].due_at)),
            Some(Probe { lot, .. }) => {
                let mut lots: HashMap<&UserId, u64> = HashMap::new();
                for (n, Candidate { customer, .. }) in candidates.iter().enumerate() {
                    lots.entry(customer).or_insert_with(|| drawn(n, *lot));
                }
                let lot = |n: &usize| lots.get(&candidates[*n].customer).copied();
                order.sort_by_key(|n| (!candidates[*n].fresh, lot(n)));
            }
        }
        let mut so_far: HashMap<&UserId, usize> = HashMap::new();
        let mut turns: Vec<((bool, bool, bool, usize), usize)> = Vec::with_capacity(order.len());
        for n in order {
            let Candidate { customer, fresh, counted, .. } = &candidates[n];
            let nth =
                so_far.entry(customer).or_insert_with(|| self.under_way.get(customer).copied().unwrap_or_default());
            if *nth < self.each {
                let failed = self.probe.as_ref().and_then(|probe| probe.failed.get(customer)).copied();
                let is_poison = self.probe.is_some() && *counted >= KNOWN;
                let is_new = self.probe.as_ref().is_some_and(|probe| !probe.served.contains(customer));
                turns.push(((!*fresh, is_poison, is_new, *nth + failed.unwrap_or_default()), n));
            }
            *nth += 1;
        }
        // Stable: within a turn by what they were sorted by before.
        turns.sort_by_key(|(turn, _)| *turn);
        let (mut fresh, mut failing) = (self.fresh, self.failing);
        let mut chosen = Vec::new();
        for ((is_failing, ..), n) in turns {
            let left = if is_failing { &mut failing } else { &mut fresh };
            if *left > 0 {
                *left -= 1;
                chosen.push(n);
            }
        }
        // Who has failed is not shut out by others for ever, where there is a place beside theirs.
        if self.most > 1
            && chosen.len() > self.most
            && let Some(first) = chosen.iter().position(|n| !candidates[*n].fresh).filter(|at| *at >= self.most)
        {
            let n = chosen.remove(first);
            chosen.insert(self.most - 1, n);
        }
        chosen.truncate(2 * self.most);
        chosen
    }
}

/// The place of one of many in an order that `lot` draws.
const fn drawn(n: usize, lot: u64) -> u64 {
    // SplitMix64: neighbours are far from each other.
    let mut x = (n as u64).wrapping_add(lot).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests;
