//! Sends of one client: they commit in the order they were sent.

use super::{Client, Done, Transport};
use crate::gateway::answer::{self, Answered};
use hubbub_core::{
    ids::{Key, RoomId},
    limits,
    protocol::{error::CommandError, reply::Reply, rpc::Send},
};
use std::time::Instant;

/// This connection's sends to one room that have not been answered, or were refused just now.
#[derive(Default)]
pub(super) struct Sending {
    pub(super) outstanding: usize,
    refused: Option<Refused>,
}

/// A send that was refused as busy or unavailable.
struct Refused {
    key: Option<Key>,
    until: Instant,
}

impl Sending {
    /// The first refusal counts: what comes after it must not overtake it.
    fn refuse(&mut self, key: Option<Key>) {
        self.refused.get_or_insert(Refused { key, until: Instant::now() + limits::REFUSED_FOR });
    }

    /// Whether a send must be refused because one before it was. Coming again with its key, that one opens the way.
    pub(super) fn refuses(&mut self, key: Option<&Key>) -> bool {
        let now = Instant::now();
        self.refused.take_if(|refused| {
            (refused.key.is_some() && refused.key.as_ref() == key) || (self.outstanding == 0 && now >= refused.until)
        });
        self.refused.is_some()
    }
}

impl<T: Transport> Client<T> {
    /// Sends commit in the order they were sent: while one to this room was refused, those behind it are too.
    pub(super) fn send(&mut self, id: u32, send: Send, rpc: bool) {
        let (room, key, user) = (send.room.clone(), send.key.clone(), self.user());
        let sending = self.sending.entry(room.clone()).or_default();
        let sent = if sending.refuses(key.as_ref()) {
            Err(CommandError::BUSY)
        } else {
            answer::send(&self.gateway.chat, self.source, &user, id, send, rpc)
        };
        match sent {
            Ok(answered) => {
                sending.outstanding += 1;
                self.in_flight.push(Box::pin(async move { Done::Sent { room, key, answered: answered.await } }));
            }
            Err(error) => {
                sending.refuse(key);
                self.connection.answered(false);
                self.reply(&Reply::error(id, error));
            }
        }
    }

    pub(super) fn sent(&mut self, room: &RoomId, key: Option<Key>, answered: Answered) {
        self.connection.answered(false);
        if let Some(sending) = self.sending.get_mut(room) {
            sending.outstanding -= 1;
            if answered.failed {
                sending.refuse(key);
            }
        }
        self.reply(&answered.reply);
    }
}
