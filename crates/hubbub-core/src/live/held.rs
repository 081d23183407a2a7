//! Signals on their way to one reader: in its mailbox, and in front of a socket that takes nothing at the moment.
//!
//! They are few: of one person and kind in a room the newest waits, and [`SIGNALS_WAITING`] in all. What has waited is looked at
//! again when it can leave: it may be over, its author may have written since, or its reader may be none any more.

use super::{item::Item, signal::RoomSignal};
use crate::{limits::SIGNALS_WAITING, model::seq::Seq};
use std::{
    collections::{VecDeque, vec_deque},
    sync::Arc,
    time::Instant,
};

/// See the module. Each with the number of its subscription.
#[derive(Debug, Default)]
pub struct HeldSignals(VecDeque<(u32, Arc<RoomSignal>)>);

impl HeldSignals {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps one. It takes the place of an earlier one of the same person and kind. Returns what has to go for it: the oldest.
    pub fn hold(&mut self, slot: u32, signal: Arc<RoomSignal>) -> Option<Arc<RoomSignal>> {
        let mut gone = None;
        if let Some(at) = self.0.iter().position(|(_, earlier)| earlier.is_replaced_by(&signal)) {
            self.0.remove(at);
        } else if self.0.len() == SIGNALS_WAITING {
            gone = self.0.pop_front().map(|(_, oldest)| oldest);
        }
        self.0.push_back((slot, signal));
        gone
    }

    /// The reader has come over these entries: a message ends what its author was about to say.
    pub fn pass(&mut self, slot: u32, items: &[Arc<Item>]) {
        if !self.0.iter().any(|(of, signal)| *of == slot && signal.until.is_some()) {
            return;
        }
        let spoken: Vec<_> = items.iter().filter_map(|item| Some((item.seq, item.author()?))).collect();
        self.0.retain(|(of, signal)| {
            let saying = &signal.saying;
            let ends = |(seq, author): &(Seq, _)| *seq > saying.at && *author == saying.from.as_str();
            *of != slot || signal.until.is_none() || !spoken.iter().any(ends)
        });
    }

    /// Tells what may be told now, in the order in which it came, as long as `tell` says that there is room. `at`: how far the
    /// reader of a subscription has come; nobody is told anything for one that has ended.
    pub fn release(
        &mut self,
        now: Instant,
        at: impl Fn(u32) -> Option<Seq>,
        mut tell: impl FnMut(&RoomSignal) -> bool,
    ) {
        self.0.retain(|(slot, signal)| match at(*slot) {
            None => false,
            Some(_) if signal.is_over(now) => false,
            Some(at) => at < signal.saying.at || !tell(signal),
        });
    }
}

impl IntoIterator for HeldSignals {
    type Item = (u32, Arc<RoomSignal>);
    type IntoIter = vec_deque::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests;
