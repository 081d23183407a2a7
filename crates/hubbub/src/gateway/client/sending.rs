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
    wire::{connection::Unsent, error::CommandError, reply::Reply},
};
use std::time::{Duration, Instant};
use tracing::Instrument;

/// This connection's sends to one room that have not been answered, or were refused just now.
#[derive(Default)]
pub(super) struct Sending {
    pub(super) outstanding: usize,
    refused: Option<Refused>,
}

/// A send that was refused as busy, unavailable or too fast.
struct Refused {
    key: Option<Key>,
    until: Instant,
    why: CommandError,
}

impl Sending {
    /// The first refusal counts: what comes after it must not overtake it.
    fn refuse(&mut self, key: Option<Key>, wait: Duration, why: CommandError) {
        self.refused.get_or_insert(Refused { key, until: Instant::now() + wait, why });
    }

    /// Why a send must be refused because one before it was. Coming again with its key, that one opens the way.
    pub(super) fn refuses(&mut self, key: Option<&Key>) -> Option<CommandError> {
        let now = Instant::now();
        self.refused.take_if(|refused| {
            (refused.key.is_some() && refused.key.as_ref() == key) || (self.outstanding == 0 && now >= refused.until)
        });
        self.refused.as_ref().map(|refused| refused.why.clone())
    }
}

impl<T: Transport> Client<T> {
    /// Sends commit in the order they were sent: while one to this room was refused, those behind it are too.
    pub(super) fn send(&mut self, id: u32, send: Result<SendRequest, CommandError>, rpc: bool) {
        let send = match send {
            Ok(send) => send,
            Err(why) => return self.refuse_send(id, &why),
        };
        let (room, key, user) = (send.room.clone(), send.key.clone(), self.user());
        let chat = &self.gateway.chat;
        let sending = self.sending.entry(room.clone()).or_default();
        if let Some(why) = sending.refuses(key.as_ref()) {
            return self.refuse_send(id, &why);
        }
        match self.connection.may_send(&send.message, &chat.quota(), Instant::now()) {
            Err(Unsent::Never(why)) => return self.refuse_send(id, &why),
            Err(Unsent::For(wait, why)) => {
                sending.refuse(key, wait, why.clone());
                return self.refuse_send(id, &why);
            }
            Ok(()) => {}
        }
        let span = if rpc { spans::call("send", &self.id) } else { spans::command("send", &self.id) };
        match span.in_scope(|| answer::send(chat, self.source, &user, id, send, rpc)) {
            Ok(answered) => {
                sending.outstanding += 1;
                let sent = async move { Done::Sent { room, key, answered: answered.await } };
                self.in_flight.push(Box::pin(sent.instrument(span)));
            }
            Err(error) => {
                sending.refuse(key, limits::REFUSED_FOR, CommandError::BUSY);
                self.refuse_send(id, &error.into());
            }
        }
    }

    fn refuse_send(&mut self, id: u32, why: &CommandError) {
        self.connection.answered(false);
        self.gateway.methods.sends.count(Err(why.is_failure()));
        self.reply(&Reply::error(id, why.clone()));
    }

    pub(super) fn sent(&mut self, room: &RoomId, key: Option<Key>, answered: Answered) {
        self.connection.answered(false);
        let done = answered.reply.said.as_ref().map(|_| ()).map_err(CommandError::is_failure);
        self.gateway.methods.sends.count(done);
        if let Some(sending) = self.sending.get_mut(room) {
            sending.outstanding -= 1;
            if answered.failed {
                sending.refuse(key, limits::REFUSED_FOR, CommandError::BUSY);
            }
        }
        self.reply(&answered.reply);
    }
}
