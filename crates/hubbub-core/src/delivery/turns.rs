//! Whose turn it is: which of the sessions that are due may use a portal's places.
//!
//! - A message that has not failed yet goes before those that have, which have half of the places at most. So poison waits behind
//!   what may well be taken, and never holds all places.
//! - Customers take turns: each one's first session goes before anybody's second. No customer has more than a quarter of the
//!   places, however many sessions are theirs.
//! - A quarter of the places is kept for customers of whom the portal took something, and soon, when it was last asked. So those who
//!   make it hang never hold all places, however many they are; and whose last call hung goes with those that have failed.
//! - A turn is so many calls while others may wait. Whoever has more to send, like the parts of a long text, goes on when it is
//!   their turn again, with those that have failed.
//! - Among those that have failed, those go first that have failed less often while others were taken. A probe of a portal that may
//!   be back is drawn by lot from them, or from those that have not failed; customers of whom the portal took something before go
//!   first. So it is not the oldest poison time and again.

use super::breaker::Permit;
use crate::{limits, model::ids::UserId};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

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
    /// So many of customers who are not [served](Known::is_served),
    pub unserved: usize,
    /// and so many of one customer, with those that are under way.
    pub each: usize,
    /// Sessions under way, by customer.
    pub under_way: HashMap<UserId, usize>,
    /// What is known of customers.
    pub known: Arc<Known>,
    /// The one place there is, is for a probe.
    pub probe: Option<Probe>,
}

/// Whether a session that has made so many calls gives its place to others: there may be some that wait for it.
pub const fn gives_way(calls: usize, under_way: usize, concurrency: usize) -> bool {
    calls >= limits::TURN_CALLS && under_way >= Shares::of(concurrency).unserved
}

/// What is known of customers: how the portal last answered what they wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    served: HashSet<UserId>,
    hung: HashSet<UserId>,
}

/// How a probe is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// By this lot, of customers
    pub lot: u64,
    /// of whom fewest messages failed since the portal last took something; those who are served go first.
    pub failed: HashMap<UserId, usize>,
}

/// The places of a portal of which `concurrency` may be called at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// For those whose message has failed.
    pub failing: usize,
    /// For customers who are not served.
    pub unserved: usize,
    /// For one customer.
    pub each: usize,
}

impl Shares {
    /// See the module.
    pub const fn of(concurrency: usize) -> Self {
        let (half, quarter) = (concurrency / 2, concurrency / 4);
        Self {
            failing: if half == 0 { 1 } else { half },
            unserved: concurrency - quarter,
            each: if quarter == 0 { 1 } else { quarter },
        }
    }
}

impl Known {
    /// The portal took something of this customer, or did not, and has needed so long for it.
    pub fn note(self: &mut Arc<Self>, customer: &UserId, taken: bool, took: Duration) {
        match (taken, took >= limits::ANSWERED_SOON) {
            (true, false) => self.is(customer, true, false),
            // A portal that is slow with everything is not one that hangs.
            (true, true) => self.is(customer, false, false),
            (false, true) => self.is(customer, false, true),
            (false, false) => {}
        }
    }

    /// This customer had to give way to others.
    pub fn note_long(self: &mut Arc<Self>, customer: &UserId) {
        self.is(customer, false, true);
    }

    fn is(self: &mut Arc<Self>, customer: &UserId, is_served: bool, has_hung: bool) {
        if (self.is_served(customer), self.has_hung(customer)) == (is_served, has_hung) {
            return;
        }
        // Whoever is asked where there are places may hold it at the moment.
        let Self { served, hung } = Arc::make_mut(self);
        for (of, is) in [(served, is_served), (hung, has_hung)] {
            if !is {
                of.remove(customer);
                continue;
            }
            if of.len() >= limits::CUSTOMERS_KNOWN {
                of.clear();
            }
            of.insert(customer.clone());
        }
    }

    /// The portal took something of theirs, and they have not made it hang since.
    pub fn is_served(&self, customer: &UserId) -> bool {
        self.served.contains(customer)
    }

    /// How many are served.
    pub fn served(&self) -> usize {
        self.served.len()
    }

    /// Their last message made the portal hang, or takes more than a turn.
    pub fn has_hung(&self, customer: &UserId) -> bool {
        self.hung.contains(customer)
    }
}

impl Places {
    /// As many as there are, for whomever.
    pub fn all(most: usize) -> Self {
        let all = usize::MAX;
        let (under_way, known) = (HashMap::new(), Arc::default());
        Self { most, fresh: all, failing: all, unserved: all, each: all, under_way, known, probe: None }
    }

    /// What a breaker permits of the `free` places of a portal, of which those whose message has failed have `failing` already.
    pub fn permitted(
        permit: Permit,
        concurrency: usize,
        free: usize,
        failing: usize,
        under_way: HashMap<UserId, usize>,
        known: Arc<Known>,
        probe: impl FnOnce() -> Probe,
    ) -> Self {
        let shares = Shares::of(concurrency);
        let unserved = under_way.iter().filter(|(customer, _)| !known.is_served(customer)).map(|(_, n)| n).sum();
        let unserved = shares.unserved.saturating_sub(unserved);
        let left = shares.failing.saturating_sub(failing);
        let (most, fresh, failing) = match permit {
            Permit::All => (free, usize::MAX, left),
            Permit::Fresh { and_one } => (free, usize::MAX, usize::from(and_one)),
            Permit::One { fresh } => (free.min(1), 1, usize::from(!fresh)),
            Permit::None { .. } => (0, 0, 0),
        };
        let probe = matches!(permit, Permit::One { .. }).then(probe);
        Self { most, fresh, failing, unserved, each: shares.each, under_way, known, probe }
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
        let is_failing = |n: usize| !candidates[n].fresh || self.known.has_hung(&candidates[n].customer);
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        match &self.probe {
            None => order.sort_by_key(|n| (is_failing(*n), candidates[*n].counted, candidates[*n].due_at)),
            Some(Probe { lot, .. }) => {
                let mut lots: HashMap<&UserId, u64> = HashMap::new();
                for (n, Candidate { customer, .. }) in candidates.iter().enumerate() {
                    lots.entry(customer).or_insert_with(|| drawn(n, *lot));
                }
                let lot = |n: &usize| lots.get(&candidates[*n].customer).copied();
                order.sort_by_key(|n| (is_failing(*n), lot(n)));
            }
        }
        let mut so_far: HashMap<&UserId, usize> = HashMap::new();
        let mut turns: Vec<((bool, bool, bool, usize), usize)> = Vec::with_capacity(order.len());
        for n in order {
            let Candidate { customer, counted, .. } = &candidates[n];
            let nth =
                so_far.entry(customer).or_insert_with(|| self.under_way.get(customer).copied().unwrap_or_default());
            if *nth < self.each {
                let failed = self.probe.as_ref().and_then(|probe| probe.failed.get(customer)).copied();
                let is_poison = self.probe.is_some() && *counted >= KNOWN;
                let is_new = self.probe.is_some() && !self.known.is_served(customer);
                turns.push(((is_failing(n), is_poison, is_new, *nth + failed.unwrap_or_default()), n));
            }
            *nth += 1;
        }
        // Stable: within a turn by what they were sorted by before.
        turns.sort_by_key(|(turn, _)| *turn);
        let (mut fresh, mut failing, mut unserved) = (self.fresh, self.failing, self.unserved);
        let mut chosen = Vec::new();
        for ((is_failing, ..), n) in turns {
            let left = if is_failing { &mut failing } else { &mut fresh };
            let is_served = self.known.is_served(&candidates[n].customer);
            if *left > 0 && (is_served || unserved > 0) {
                *left -= 1;
                unserved -= usize::from(!is_served);
                chosen.push(n);
            }
        }
        // Who has failed is not shut out by others for ever, where there is a place beside theirs.
        if self.most > 1
            && chosen.len() > self.most
            && let Some(first) = chosen.iter().position(|n| is_failing(*n)).filter(|at| *at >= self.most)
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
