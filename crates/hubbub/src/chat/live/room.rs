//! One room that has readers here: its feed, and a reader's place at it.

use super::{feeds::Feeds, pages::Pages, readers::Readers};
use hubbub_core::{
    limits,
    live::{feed::Feed, item::Item},
    model::{
        ids::{RoomId, UserId},
        rate::Rate,
        seq::{Epoch, Seq},
    },
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One room's feed with its readers.
#[derive(Debug)]
pub struct Live {
    /// The room.
    pub room: RoomId,
    state: Mutex<State>,
    /// Locked before the feed, and before an inbox, or alone.
    readers: Mutex<Readers>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) feed: Feed,
    /// A task is closing a gap or asking the store which epoch holds.
    pub(crate) mending: bool,
    /// The store is to be asked which epoch holds.
    pub(crate) doubted: bool,
    pub(super) counted_bytes: usize,
    /// How many signals that pass by themselves have been told lately.
    pub(super) signals: Rate,
    /// The room was deleted.
    pub(crate) deleted: bool,
    /// The last reader has gone: whatever is still on its way to this feed is for nobody.
    pub(crate) forgotten: bool,
}

/// What there is for a reader who has had everything so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing.
    None,
    /// Entries up to this one.
    UpTo(Seq),
    /// Something that has to be looked at more closely: its end, its page of the log, another epoch.
    Other,
}

impl Live {
    pub(super) fn new(room: RoomId) -> Self {
        let state = State {
            feed: Feed::new(),
            mending: false,
            doubted: false,
            counted_bytes: 0,
            signals: Rate::default(),
            deleted: false,
            forgotten: false,
        };
        Self { room, state: Mutex::new(state), readers: Mutex::default() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is in this epoch behind `after`; it is added to `items`.
    pub(super) fn news(&self, epoch: Epoch, after: Seq, items: &mut Vec<Arc<Item>>) -> News {
        let state = self.state();
        if state.deleted || state.feed.epoch() != Some(epoch) {
            return News::Other;
        }
        if state.feed.end() <= after {
            return News::None;
        }
        let Some(news) = state.feed.after(after) else { return News::Other };
        for item in news {
            if item.effects.removed().is_some() {
                return News::Other;
            }
            items.push(item.clone());
        }
        News::UpTo(state.feed.end())
    }

    /// Whether what is new behind `after` is what it was when the feed reached `to`.
    pub(super) fn is_new_up_to(&self, epoch: Epoch, after: Seq, to: Seq) -> bool {
        let state = self.state();
        let feed = &state.feed;
        !state.deleted && feed.epoch() == Some(epoch) && feed.end() == to && feed.after(after).is_some()
    }

    /// Whether the room was deleted.
    pub fn is_deleted(&self) -> bool {
        self.state().deleted
    }

    /// How far the feed reaches, and the furthest entry it knows to exist; once it is open.
    pub fn reach(&self) -> Option<(Seq, Seq)> {
        let state = self.state();
        state.feed.epoch().map(|_| (state.feed.end(), state.feed.known()))
    }
}

/// A reader's place among those of a room; given up when dropped.
pub struct Listening {
    pub(super) feeds: Arc<Feeds>,
    /// The room's feed.
    pub live: Arc<Live>,
    pub(super) reader: usize,
}

impl Listening {
    /// Looks at the feed, and asks to be woken when it grows beyond what is seen now.
    pub fn look<T>(&self, at: impl FnOnce(&Feed) -> T) -> T {
        // Before the feed is looked at: what comes in between wakes once too often.
        self.live.readers().looks(self.reader);
        at(&self.live.state().feed)
    }

    /// Whether somebody has written a message after `after`, up to where this reader is; what cannot be told may be one.
    pub fn has_heard_from(&self, user: &UserId, after: Seq, at: Seq) -> bool {
        let state = self.live.state();
        state.feed.end() < at || state.feed.has_heard_from(user, after)
    }

    /// The reader is let in. Tells the feed a head that was looked up after it began to listen.
    pub fn open(&self, epoch: Epoch, head: Seq) {
        self.live.readers().lets_in(self.reader);
        self.feeds.tell(&self.live, |feed, now| feed.open(epoch, head, now));
    }

    /// The store does not know the room any more.
    pub fn doubt(&self) {
        self.feeds.doubt(&self.live);
    }

    /// Tells the feed a head that was read beside a page of the log: a reader may get ahead of what its feed has heard of.
    pub fn hear_head(&self, epoch: Epoch, head: Seq) {
        self.feeds.tell(&self.live, |feed, now| feed.head(epoch, head, Seq::ZERO, limits::SWEEP_PATIENCE, now));
    }

    /// The pages of the log.
    pub fn pages(&self) -> &Pages {
        &self.feeds.pages
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.feeds.forget(&self.live, self.reader);
    }
}
