//! Sends of one client: they commit in the order they were sent.

use super::{Client, Done, Transport};
use crate::{
    chat::methods::send::SendRequest,
    gateway::answer::{self, Answered},
    spans,
};
use hubbub_core::{
    limits,
    model::ids::{Key, RoomId},
    wire::{
        connection::{Identified, Unsent},
        error::CommandError,
        reply::Reply,
        send_order::{Delay, Ticket},
    },
};
use std::{
    mem,
    time::{Duration, Instant},
};
use tracing::Instrument;

/// Before this nobody looks again whether sends have waited too long: those that had are being answered.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A send that is answered.
pub(super) struct Sent {
    pub(super) room: RoomId,
    pub(super) key: Option<Key>,
    pub(super) ticket: Ticket,
    pub(super) answered: Answered,
}

impl<T: Transport> Client<T> {
    /// Sends commit in the order they were sent: while one to this room was refused, those behind it are too.
    pub(super) fn send(&mut self, who: &Identified, id: u32, send: Result<SendRequest, CommandError>, rpc: bool) {
        let send = match send {
            Ok(send) => send,
            Err(why) => return self.refuse_send(id, &why),
        };
        let (room, key, user, now) = (send.room.clone(), send.key.clone(), who.clone(), Instant::now());
        let chat = &self.gateway.chat;
        let ticket = match self.send_order.may_send(&room, key.as_ref(), now) {
            Ok(ticket) => ticket,
            Err(why) => return self.refuse_send(id, &why),
        };
        let quota = chat.quota();
        // Whoever is not counted has no connection.
        let of_user = || self.counted.as_ref().map_or(Err(limits::SEND_PATIENCE), |it| it.take_entry(&quota.user, now));
        match self.connection.may_send(&send.message, &quota, now, of_user) {
            Err(Unsent::Never(why)) => return self.refuse_send(id, &why),
            Err(Unsent::For { wait, pace }) => {
                chat.metrics.over_quota.inc();
                self.send_order.refuse(&room, ticket, key, Delay::TooFast(pace), wait, now);
                return self.refuse_send(id, &CommandError::too_fast(pace, wait));
            }
            Ok(()) => {}
        }
        let source = self.send_order.begin(&room, ticket, now);
        let vetted = self.slots.contains_key(&room) || self.vetted.contains(&room);
        self.sends_due.get_or_insert(now + limits::SEND_PATIENCE);
        let span = if rpc { spans::call("send", &self.id) } else { spans::command("send", &self.id) };
        match span.in_scope(|| answer::send(chat, &source, &user, id, send, vetted, rpc)) {
            Ok(answered) => {
                let sent = async move { Done::Sent(Sent { room, key, ticket, answered: answered.await }) };
                self.in_flight.push(Box::pin(sent.instrument(span)));
            }
            Err(error) => {
                source.fail();
                self.send_order.settled(&room, ticket, Some(key), now);
                self.refuse_send(id, &error.into());
            }
        }
    }

    /// Has those that have waited too long say so. One timer does for all of them: a timer for each would cost more than the rest
    /// of sending.
    pub(super) fn tick_sends(&mut self, now: Instant) {
        if self.sends_due.is_some_and(|due| now >= due) {
            self.in_flight = mem::take(&mut self.in_flight).into_iter().collect();
            let next = |since: Instant| (since + limits::SEND_PATIENCE).max(now + LOOK_AGAIN);
            self.sends_due = self.send_order.oldest().map(next);
        }
    }

    /// Remembers that this client wrote into a room, and forgets one that it may have left.
    fn vet(&mut self, room: &RoomId, wrote: bool) {
        if !wrote {
            self.vetted.remove(room);
        } else if !self.slots.contains_key(room) && !self.vetted.contains(room) {
            // Nobody writes into so many by turns: all of them are looked at again.
            if self.vetted.len() >= limits::VETTED_ROOMS {
                self.vetted.clear();
            }
            self.vetted.insert(room.clone());
        }
    }

    fn refuse_send(&mut self, id: u32, why: &CommandError) {
        self.connection.answered(false);
        self.gateway.methods.sends.count(Err(why.is_failure()));
        self.reply(&Reply::error(id, why.clone()));
    }

    pub(super) fn sent(&mut self, sent: Sent) {
        let Sent { room, key, ticket, answered } = sent;
        self.connection.answered(false);
        let done = answered.reply.said.as_ref().map(|_| ()).map_err(CommandError::is_failure);
        self.vet(&room, done.is_ok());
        self.gateway.methods.sends.count(done);
        self.send_order.settled(&room, ticket, answered.failed.then_some(key), Instant::now());
        self.reply(&answered.reply);
    }
}
