//! Paging: how a subscription that its feed's ring does not reach back to reads the log, page by page, and how many of one
//! connection's subscriptions do so at a time.

use super::pages::SharedPage;
use hubbub_core::{limits::PAGING, live::item::Item, model::seq::Seq};
use std::{collections::VecDeque, sync::Arc};

/// The page of one subscription: being read, or held until it has been taken.
#[derive(Debug, Default)]
pub struct Paging {
    /// Entries of a page that have not been taken yet.
    held: VecDeque<Arc<Item>>,
    reading: bool,
    /// Aligned pages do not help here: their heavy first entries fill them.
    exact: bool,
}

impl Paging {
    /// Whether a page is being read: there is nothing to take until then.
    pub const fn is_reading(&self) -> bool {
        self.reading
    }

    /// Whether a page is held.
    pub fn is_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes about `bytes` of the page that is held.
    pub fn take(&mut self, bytes: usize) -> Vec<Arc<Item>> {
        let (mut weight, mut batch) = (0, Vec::new());
        while weight < bytes
            && let Some(item) = self.held.pop_front()
        {
            weight += item.push.json().len();
            batch.push(item);
        }
        batch
    }

    /// Gives a held page up; it is read again when its turn comes.
    pub fn drop_page(&mut self) {
        self.held = VecDeque::new();
    }

    /// The reader has come to the feed's ring: pages are aligned again.
    pub const fn caught_up(&mut self) {
        self.exact = false;
    }

    /// How many reads have not carried the reader forward, when it begins to page.
    pub const fn tries(&self) -> u32 {
        self.exact as u32
    }

    /// Begins a read; `false`: one is under way already.
    pub const fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.reading, true)
    }

    /// The read is over, whatever came of it.
    pub const fn end(&mut self) {
        self.reading = false;
    }

    /// Holds what a page has after `at`. Whether it carries the reader forward.
    pub fn hold(&mut self, page: &SharedPage, at: Seq, tries: u32) -> bool {
        self.held = page.items.iter().filter(|item| item.seq > at).cloned().collect();
        let carries = self.held.front().is_some_and(|first| first.seq == at.next());
        self.exact |= carries && tries > 0;
        carries
    }
}

/// A page that a subscription wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageWish {
    /// The connection's own number of the subscription.
    pub slot: u32,
    /// Entries after this seq.
    pub after: Seq,
    /// How many reads have not carried the reader forward.
    pub tries: u32,
}

/// Which subscriptions of a connection read or hold a page, at most [`PAGING`], and which wait until they may.
#[derive(Debug, Default)]
pub struct PageTurns {
    active: Vec<u32>,
    waiting: VecDeque<PageWish>,
}

impl PageTurns {
    /// Whether nobody waits for a turn.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether nobody has a turn, or waits for one.
    pub fn are_quiet(&mut self, pages: impl Fn(u32) -> bool) -> bool {
        self.active.retain(|active| pages(*active));
        self.active.is_empty() && self.waiting.is_empty()
    }

    /// Gives `slot` a turn, if there is one; `pages` says who still reads or holds a page.
    pub fn give(&mut self, slot: u32, pages: impl Fn(u32) -> bool) -> bool {
        self.active.retain(|active| pages(*active));
        let free = self.active.len() < PAGING;
        if free {
            self.active.push(slot);
        }
        free
    }

    /// Remembers who is to have the next turn. Each new entry of its room asks again: it waits once.
    pub fn wait(&mut self, wish: PageWish) {
        if self.waiting.iter().all(|waiting| waiting.slot != wish.slot) {
            self.waiting.push_back(wish);
        }
    }

    /// Whose turn it is, if there is one.
    pub fn next(&mut self, pages: impl Fn(u32) -> bool) -> Option<PageWish> {
        self.active.retain(|active| pages(*active));
        if self.active.len() < PAGING { self.waiting.pop_front() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::{live::item::SharedPush, log::effects::Effects, model::seq::Epoch};

    fn page(seqs: std::ops::RangeInclusive<u64>) -> SharedPage {
        let item = |seq| Item::new(Seq::new(seq), Effects::default(), SharedPush::new("hello".into(), 0..5));
        let epoch = Epoch { incarnation: 1, generation: 1 };
        SharedPage { epoch, floor: Seq::new(1), head: Seq::new(*seqs.end()), items: seqs.map(item).collect() }
    }

    #[test]
    fn a_page_is_held_from_where_the_reader_is_and_taken_by_its_bytes() {
        let mut paging = Paging::default();
        assert!(paging.begin() && !paging.begin());
        paging.end();
        assert!(paging.hold(&page(129..=140), Seq::new(131), 0));
        let taken: Vec<_> = paging.take(10).iter().map(|item| item.seq.get()).collect();
        assert_eq!(taken, [132, 133]);
        assert_eq!((paging.take(usize::MAX).len(), paging.is_held()), (7, false));
        assert!(!paging.hold(&page(1..=3), Seq::new(3), 0), "nothing in it is new");
        assert_eq!(paging.tries(), 0);
        assert!(paging.hold(&page(4..=5), Seq::new(3), 1), "an exact page helped");
        assert_eq!(paging.tries(), 1);
        paging.caught_up();
        assert_eq!(paging.tries(), 0);
    }

    #[test]
    fn a_few_page_at_a_time_and_the_others_have_their_turn_in_order_and_once() {
        let mut turns = PageTurns::default();
        let wish = |slot| PageWish { slot, after: Seq::ZERO, tries: 0 };
        for slot in 0..PAGING as u32 {
            assert!(turns.give(slot, |_| true));
        }
        assert!(!turns.give(90, |_| true));
        for slot in [90, 91, 90] {
            turns.wait(wish(slot));
        }
        assert_eq!(turns.next(|_| true), None);
        assert_eq!(turns.next(|slot| slot != 0), Some(wish(90)));
        assert!(turns.give(90, |_| true));
        assert_eq!(turns.next(|slot| slot == 90), Some(wish(91)));
        assert!(turns.is_idle());
    }
}
