//! From being let in to having caught up: one client's part in [`super::super::arrivals`].

use super::{Client, Transport};
use crate::{
    gateway::arrivals::{Admitted, Connected, Place, Turn},
    strangers::Visitor,
};
use futures_util::future::BoxFuture;
use hubbub_core::{
    limits,
    wire::{
        command::{Command, Said},
        disconnect::Disconnect,
    },
};
use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

/// See the module.
pub(super) struct Arriving {
    /// Counted among all connections for as long as this one is.
    _admitted: Connected,
    /// Until it is known who is there.
    visitor: Option<Arc<Visitor>>,
    place: Option<Place>,
    turn: Option<Turn>,
    waiting: Option<(BoxFuture<'static, Turn>, Instant)>,
    /// It has caught up once: whatever it opens later is not part of a storm.
    arrived: bool,
}

impl Arriving {
    pub fn new(admitted: Admitted) -> Self {
        let (connected, place, visitor) = admitted.into_parts();
        Self { _admitted: connected, visitor, place: Some(place), turn: None, waiting: None, arrived: false }
    }

    /// Whether this client needs no turn now: nothing of it is being worked on or waited for.
    const fn is_elsewhere(&self) -> bool {
        self.waiting.is_none() && self.turn.is_none()
    }

    /// It is known who is there.
    pub fn is_identified(&mut self) {
        if let Some(visitor) = self.visitor.take() {
            visitor.is_identified();
        }
    }

    /// Nothing is waited for any more.
    pub fn stop_waiting(&mut self) {
        self.waiting = None;
    }

    /// Others have the turn and the place.
    pub fn leave(&mut self) {
        (self.turn, self.waiting, self.place) = (None, None, None);
    }

    /// When [`Client::tick_arrival`] is to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let place = self.place.as_ref().filter(|_| self.is_elsewhere()).map(|place| place.until);
        let others = [self.turn.as_ref().map(|turn| turn.until), self.waiting.as_ref().map(|(_, until)| *until)];
        others.into_iter().flatten().chain(place).min()
    }

    /// Ready when the turn that was waited for has come.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((waiting, _)) = &mut self.waiting else { return Poll::Pending };
        waiting.as_mut().poll(cx).map(|turn| {
            self.turn = Some(turn);
            self.waiting = None;
        })
    }
}

impl<T: Transport> Client<T> {
    /// Whether a command must wait for a turn. Only subscribing costs enough to be waited for.
    pub(super) fn waits_for_turn(&mut self, command: &Command) -> bool {
        let subscribes = matches!(command.said, Ok(Said::Subscribe(_)));
        // Somebody unknown is refused, which costs nothing.
        if !subscribes || self.connection.user().is_none() || self.arriving.turn.is_some() {
            return false;
        }
        if self.arriving.waiting.is_none() {
            self.arriving.turn = self.gateway.arrivals.try_turn();
            if self.arriving.arrived {
                return false;
            }
            if self.arriving.turn.is_none() {
                self.arriving.waiting = Some((self.gateway.arrivals.turn(), Instant::now() + limits::TURN_PATIENCE));
            }
        }
        self.arriving.turn.is_none()
    }

    /// Gives the turn and the place up once everything asked for has been said.
    pub(super) fn settle_arrival(&mut self) {
        let is_idle = self.in_flight.is_empty()
            && self.next_command.is_none()
            && self.commands.is_empty()
            && self.ready.is_empty()
            && self.page_turns.is_idle()
            && self.outbox.is_empty()
            && !self.transport.is_writing();
        if is_idle && self.arriving.turn.take().is_some() {
            self.arriving.place = None;
            self.arriving.arrived = true;
        }
    }

    /// Time has passed.
    pub(super) fn tick_arrival(&mut self, now: Instant) {
        if self.arriving.turn.take_if(|turn| now >= turn.until).is_some() {
            // Slow to catch up, by the network or by how much there is: others have their turn.
            self.arriving.place = None;
        }
        if self.arriving.waiting.take_if(|(_, until)| now >= *until).is_some() {
            self.close_with(Disconnect::TOO_MANY);
        }
        if self.arriving.is_elsewhere() {
            self.arriving.place.take_if(|place| now >= place.until);
        }
    }
}
