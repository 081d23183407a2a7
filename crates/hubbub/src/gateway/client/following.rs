//! Following rooms: subscriptions of one client, and the pages of the log they read.

use super::{Client, Done, Transport};
use crate::{
    chat::{
        ChatError,
        live::{
            pages::SharedPage,
            paging::PageWish,
            subscription::{Beginning, Subscription, Then},
        },
    },
    spans,
};
use hubbub_core::{
    limits,
    model::ids::RoomId,
    wire::{
        command::Subscribe,
        connection::Identified,
        push::{self, Unsubscribed},
        reply::{Answer, Publications, Reply, Subscribed},
    },
};
use std::{collections::HashMap, sync::Arc};
use tracing::Instrument;

impl<T: Transport> Client<T> {
    pub(super) fn subscribe(&mut self, who: &Identified, id: u32, ask: Subscribe) {
        let slot = self.next_slot;
        self.next_slot = self.next_slot.wrapping_add(1);
        let (gateway, inbox, user) = (self.gateway.clone(), self.inbox.clone(), who.clone());
        let subscribed = async move {
            let (room, asked) = (ask.room.clone(), ask.recover.is_some());
            let subscribing = gateway.chat.subscribe(&user, ask, &inbox, slot, limits::FIRST_PAGE_BYTES);
            let result = tokio::time::timeout(limits::REQUEST_PATIENCE, subscribing).await;
            let result = result.unwrap_or(Err(ChatError::Unavailable));
            Done::Subscribed { id, slot, room, result, asked }
        };
        self.in_flight.push(Box::pin(subscribed.instrument(spans::command("subscribe", &self.id))));
    }

    pub(super) fn begin(
        &mut self,
        id: u32,
        slot: u32,
        room: RoomId,
        subscription: Subscription,
        begin: Beginning,
        asked: bool,
    ) {
        let Beginning { epoch, at, recovered, first } = begin;
        self.gateway.chat.metrics.delivered.inc_by(first.items.len() as u64);
        let subscribed = Subscribed {
            recoverable: true,
            positioned: true,
            epoch: epoch.to_string(),
            offset: at.get(),
            was_recovering: asked,
            recovered: recovered == Some(true),
            publications: Publications(first.items),
        };
        self.reply(&Reply::ok(id, Answer::Subscribe(subscribed)));
        self.take_line();
        self.line.touches(slot);
        self.slots.insert(room.clone(), slot);
        let mut subscription = Box::new(subscription);
        let subscriptions = &self.subscriptions;
        if subscription.is_paging() && !self.page_turns.give(slot, |other| pages(subscriptions, other)) {
            subscription.drop_page();
        }
        self.subscriptions.insert(slot, subscription);
        // What was announced meanwhile named the slot before it was known here: it is looked at once in any case.
        let then = if first.then == Then::Wait { Then::More } else { first.then };
        self.go_on(slot, room, then);
    }

    /// Does what a subscription said is next.
    pub(super) fn go_on(&mut self, slot: u32, room: RoomId, then: Then) {
        match then {
            Then::Wait => {}
            Then::More => self.ready.push_back(slot),
            Then::Read { after, tries } => self.read_page(PageWish { slot, after, tries }),
            Then::Removed => self.lose(&room, Unsubscribed::Removed),
            Then::Deleted => self.lose(&room, Unsubscribed::Deleted),
            Then::Lost => self.lose(&room, Unsubscribed::Lost),
        }
    }

    fn read_page(&mut self, wish: PageWish) {
        let PageWish { slot, after, tries } = wish;
        let subscriptions = &self.subscriptions;
        if !self.page_turns.give(slot, |other| pages(subscriptions, other)) {
            return self.page_turns.wait(wish);
        }
        let Some(subscription) = self.subscriptions.get_mut(&slot) else { return };
        if let Some(page) = subscription.page_after(after, tries) {
            self.in_flight.push(Box::pin(async move { Done::Page { slot, tries, page: page.await } }));
        }
    }

    /// Reads pages that had to wait, as others have been used up.
    pub(super) fn read_wanted_pages(&mut self) {
        while let Some(wish) = self.page_turns.next(|slot| pages(&self.subscriptions, slot)) {
            self.read_page(wish);
        }
    }

    fn lose(&mut self, room: &RoomId, why: Unsubscribed) {
        self.connection.unsubscribed(room);
        self.end_subscription(room);
        self.outbox.push(push::unsubscribe(room, why, self.format()));
        self.release_hints(room);
    }

    pub(super) fn end_subscription(&mut self, room: &RoomId) {
        if let Some(slot) = self.slots.remove(room) {
            self.take_line();
            self.inbox.forgets(slot);
            self.subscriptions.remove(&slot);
        }
    }

    pub(super) fn turn_page(&mut self, slot: u32, tries: u32, page: Result<Option<Arc<SharedPage>>, ChatError>) {
        self.take_line();
        self.line.touches(slot);
        let Some(subscription) = self.subscriptions.get_mut(&slot) else { return };
        match page {
            Ok(page) => {
                let room = subscription.room().clone();
                match subscription.turn_page(page.as_deref(), tries) {
                    // It may end at once; otherwise what the page holds is taken in its turn.
                    Then::Wait | Then::Removed => self.ready.push_back(slot),
                    then => self.go_on(slot, room, then),
                }
            }
            Err(_) => {
                // The store may be down: a page that is asked for again waits a little first.
                subscription.page_failed();
                let after = subscription.at();
                self.read_page(PageWish { slot, after, tries: tries.max(1) + 1 });
            }
        }
    }
}

/// Whether a subscription reads or holds a page of the log.
pub(super) fn pages(subscriptions: &HashMap<u32, Box<Subscription>>, slot: u32) -> bool {
    subscriptions.get(&slot).is_some_and(|subscription| subscription.is_paging())
}
