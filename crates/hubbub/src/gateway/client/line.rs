//! Who writes to one client: its task while there is anything to be done in an order, its shard otherwise; see
//! [`crate::chat::live::line`].

use super::{Client, Ping, Transport, following::pages};
use crate::chat::{
    Chat,
    live::{
        inbox::{Inbox, Mail},
        line::TakenBack,
    },
};
use hubbub_core::wire::disconnect::Disconnect;
use std::time::Instant;

/// The task's side of the line.
pub(super) struct Held {
    /// It may be given to the shard.
    may_give: bool,
    given: bool,
    /// Subscriptions that were moved by the task since.
    touched: Vec<u32>,
}

impl Held {
    pub(super) fn new(transport: &impl Transport, inbox: &Inbox, chat: &Chat) -> Self {
        let outlet = transport.outlet();
        let may_give = outlet.is_some();
        if let Some(outlet) = outlet {
            inbox.opens(outlet, transport.format(), chat.shards());
        }
        Self { may_give, given: false, touched: Vec::new() }
    }

    pub(super) fn touches(&mut self, slot: u32) {
        if self.may_give && !self.touched.contains(&slot) {
            self.touched.push(slot);
        }
    }
}

impl<T: Transport> Client<T> {
    /// Takes in what has come for it from elsewhere.
    pub(super) fn open_mail(&mut self, mail: Mail) {
        self.take_line();
        self.ready.extend(mail.slots);
        self.take_hints(mail.hints, mail.missed);
        for (slot, joins) in mail.joins {
            // A subscription that has ended is told nothing more.
            if !self.outbox.is_full() && self.subscriptions.contains_key(&slot) {
                self.outbox.push(joins.push(self.format()).clone());
            }
        }
        self.take_signals(mail.signals);
        if let Some(farewell) = mail.farewell {
            self.take_farewell(&farewell);
        } else if mail.shutdown {
            self.close_with(Disconnect::SHUTDOWN);
        }
    }

    /// Takes the line, for whatever is to be looked at or written now.
    pub(super) fn take_line(&mut self) {
        if !self.line.given {
            return;
        }
        self.line.given = false;
        let TakenBack { ready, moved, rest } = self.inbox.take_line();
        for (slot, at) in moved {
            if let Some(subscription) = self.subscriptions.get_mut(&slot) {
                subscription.has_come_to(at);
            }
        }
        self.ready.extend(ready);
        if let Some(rest) = rest {
            self.writing_since = Some(Instant::now());
            self.transport.finish(rest);
        }
    }

    /// Gives the line to the shard, where nothing is to be done but to write what comes.
    pub(super) fn give_line(&mut self) {
        let Self { subscriptions, inbox, line, page_turns, .. } = self;
        if !line.may_give
            || line.given
            || subscriptions.is_empty()
            || self.closing.is_some()
            || self.transport.is_writing()
            || !self.ready.is_empty()
            || !self.outbox.is_empty()
            || self.ping != Ping::None
            || self.pong.is_some()
            || !self.hints.is_empty()
            || !self.signals.is_empty()
            || !page_turns.are_quiet(|slot| pages(subscriptions, slot))
        {
            return;
        }
        let touched = std::mem::take(&mut line.touched);
        let follows = touched.iter().filter_map(|slot| Some(subscriptions.get(slot)?.follow(*slot)));
        line.given = inbox.give_line(follows);
        if !line.given {
            line.touched = touched;
        }
    }

    /// Whether there is anything that the task has to write.
    pub(super) fn has_to_write(&self) -> bool {
        !self.line.given
            || self.pong.is_some()
            || self.ping == Ping::Due
            || !self.outbox.is_empty()
            || !self.ready.is_empty()
            || !self.hints.is_empty()
            || !self.signals.is_empty()
    }
}
