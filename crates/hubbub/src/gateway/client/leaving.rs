//! How a connection ends, and what is still waited for before it does.

use super::{Client, Transport};
use crate::log::Seldom;
use bytes::Bytes;
use hubbub_core::{
    limits,
    live::wake::Wake,
    model::farewell::Farewell,
    wire::{command::Commands, disconnect::Disconnect},
};
use std::time::Instant;

static REFUSED: Seldom = Seldom::new();

impl<T: Transport> Client<T> {
    pub(super) fn close_with(&mut self, why: Disconnect) {
        self.take_line();
        self.commands = Commands::new(Bytes::new(), self.format());
        self.next_command = None;
        self.ready.clear();
        self.arriving.stop_waiting();
        self.answers_by.get_or_insert_with(|| Instant::now() + limits::ANSWERS_WITHIN);
        self.closing.get_or_insert(why);
    }

    /// The product's backend ends this connection. Who is to come back with another token needs one: the old one is spent.
    pub(super) fn take_farewell(&mut self, farewell: &Farewell) {
        if let Some(token) = self.token.filter(|_| farewell.reconnect) {
            self.gateway.chat.announcer.announce(&[Wake::Spent(token)]);
        }
        self.close_with(Disconnect::by_backend(farewell));
    }

    /// Whoever is sent elsewhere is told first what became of its sends.
    pub(super) fn owes_acknowledgements(&self) -> bool {
        self.closing == Some(Disconnect::SHUTDOWN)
            && self.send_order.in_flight() > 0
            && self.answers_by.is_some_and(|by| Instant::now() < by)
    }

    /// When to look at the clock next. What is due of a connection that is being closed is not: it would be due for ever.
    pub(super) fn deadline(&self) -> Instant {
        let stuck_at = self.writing_since.map(|since| since + limits::WRITE_WITHIN);
        let due = match self.closing {
            None => Some(self.connection.deadline()),
            Some(_) if self.owes_acknowledgements() => self.answers_by,
            Some(_) => None,
        };
        // One that has passed waits for something else.
        let slot_at = self.slot_at.filter(|at| Instant::now() < *at);
        let all = [stuck_at, due, slot_at, self.sends_due, self.arriving.deadline()];
        all.into_iter().flatten().min().unwrap_or_else(|| Instant::now() + limits::WRITE_WITHIN)
    }

    pub(super) async fn close(&mut self, why: &Disconnect) {
        // Not the reason: it may quote what the client said.
        tracing::debug!(code = why.code, "closing");
        // Tokens have lines of their own.
        let is_final = why.code >= Disconnect::INVALID_TOKEN.code && *why != Disconnect::INVALID_TOKEN;
        if is_final && self.connection.user().is_none() {
            self.gateway.chat.metrics.strangers.refused("frame");
            if let Some(passed_over) = REFUSED.tell() {
                tracing::info!(code = why.code, passed_over, "a client was closed before it had said who it is");
            }
        }
        self.transport.close(why);
        self.part().await;
    }

    /// Lets the other side have what was said last, a close of ours or the answer to one of theirs.
    pub(super) async fn part(&mut self) {
        self.take_line();
        // Nothing is polled any more: what waits its turn here would be given one and keep it. Sends are queued, and what
        // has been begun for a command has a task of its own.
        self.in_flight.clear();
        self.arriving.leave();
        // One that takes no goodbye is dropped.
        let _ = tokio::time::timeout(limits::CLOSE_WITHIN, self.transport.part()).await;
    }
}
