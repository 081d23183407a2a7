//! What one client writes: it is committed in the order in which it was said.

use super::{Client, Done, Transport};
use crate::{
    chat::methods::{Actor, writing::Writing},
    gateway::answer::{self, Answered},
    metrics::Outcomes,
    spans,
};
use hubbub_core::{
    limits,
    model::ids::{Key, RoomId},
    wire::{
        connection::{Identified, Unsent},
        error::CommandError,
        reply::Reply,
        rpc::MethodHandle,
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

/// Something written that is answered.
pub(super) struct Sent {
    pub(super) room: RoomId,
    pub(super) key: Option<Key>,
    pub(super) ticket: Ticket,
    pub(super) answered: Answered,
    /// By which method; `None`: by `publish`.
    pub(super) method: Option<MethodHandle>,
}

impl<T: Transport> Client<T> {
    /// What is written commits in the order in which it was said: while something for this room was refused, what is behind it is,
    /// too. `method` is what it is written by; `None`: by `publish`.
    pub(super) fn submit(
        &mut self,
        who: &Identified,
        id: u32,
        writing: Result<Writing, CommandError>,
        method: Option<MethodHandle>,
    ) {
        let writing = match writing {
            Ok(writing) => writing,
            Err(why) => return self.refuse_write(id, method, &why),
        };
        let (room, key, user, now) = (writing.room.clone(), writing.key.clone(), who.clone(), Instant::now());
        let chat = &self.gateway.chat;
        let ticket = match self.send_order.may_send(&room, key.as_ref(), now) {
            Ok(ticket) => ticket,
            Err(why) => return self.refuse_write(id, method, &why),
        };
        let quota = chat.quota();
        // Whoever is not counted has no connection.
        let of_user = || self.counted.as_ref().map_or(Err(limits::SEND_PATIENCE), |it| it.take_entry(&quota.user, now));
        match self.connection.may_send(&writing.what, &quota, now, of_user) {
            Err(Unsent::Never(why)) => return self.refuse_write(id, method, &why),
            Err(Unsent::For { wait, pace }) => {
                chat.metrics.over_quota.inc();
                self.send_order.refuse(&room, ticket, key, Delay::TooFast(pace), wait, now);
                return self.refuse_write(id, method, &CommandError::too_fast(pace, wait));
            }
            Ok(()) => {}
        }
        let uses = writing.uses(&user);
        if !uses.is_empty()
            && let Err(over) = chat.charge(&Actor::client(who.clone(), self.source.clone()), &uses)
        {
            return self.refuse_write(id, method, &over.into());
        }
        let source = self.send_order.begin(&room, ticket, now);
        let vetted = self.slots.contains_key(&room) || self.vetted.contains(&room);
        self.sends_due.get_or_insert(now + limits::SEND_PATIENCE);
        let span = match method {
            Some(method) => spans::call(self.gateway.methods.get(method).name, &self.id),
            None => spans::command("send", &self.id),
        };
        match span.in_scope(|| answer::write(chat, &source, &user, id, writing, vetted, method.is_some())) {
            Ok(answered) => {
                let sent = async move { Done::Sent(Sent { room, key, ticket, answered: answered.await, method }) };
                self.in_flight.push(Box::pin(sent.instrument(span)));
            }
            Err(error) => {
                source.fail();
                self.send_order.settled(&room, ticket, Some(key), now);
                self.refuse_write(id, method, &error.into());
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

    /// What is counted of a method; `None`: of `publish`.
    fn outcomes(&self, method: Option<MethodHandle>) -> &Outcomes {
        let methods = &self.gateway.methods;
        method.map_or(&methods.sends, |method| &methods.get(method).outcomes)
    }

    fn refuse_write(&mut self, id: u32, method: Option<MethodHandle>, why: &CommandError) {
        self.connection.answered(false);
        self.outcomes(method).count(Err(why.is_failure()));
        self.reply(&Reply::error(id, why.clone()));
    }

    pub(super) fn sent(&mut self, sent: Sent) {
        let Sent { room, key, ticket, answered, method } = sent;
        self.connection.answered(false);
        let done = answered.reply.said.as_ref().map(|_| ()).map_err(CommandError::is_failure);
        self.vet(&room, done.is_ok());
        self.outcomes(method).count(done);
        self.send_order.settled(&room, ticket, answered.failed.then_some(key), Instant::now());
        self.reply(&answered.reply);
    }
}
