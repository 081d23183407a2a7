//! The order of one connection's sends. Those to one room are committed in the order in which they were sent, also where some
//! are refused for a while: a send that was refused keeps its place until it comes again with its key, and what was sent behind
//! it is refused meanwhile.

use super::error::{CommandError, Pace};
use crate::{
    limits,
    log::source::Source,
    model::ids::{Key, RoomId},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

/// A send's place among those to its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// Why a send was refused for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// The server was busy or without its store. It may come again at once.
    Busy,
    /// So many are allowed.
    TooFast(Pace),
}

impl Delay {
    /// How far the sends behind one another are to come again.
    fn gap(self) -> Duration {
        match self {
            Self::Busy => Duration::ZERO,
            Self::TooFast(pace) => Duration::from_secs(1) / pace.per_second().get(),
        }
    }

    fn error(self, wait: Duration) -> CommandError {
        match self {
            Self::Busy => CommandError::BUSY,
            Self::TooFast(pace) => CommandError::too_fast(pace, wait),
        }
    }
}

/// A send that was refused, and may come again.
#[derive(Debug)]
struct Refused {
    key: Option<Key>,
    delay: Delay,
    /// When it was told to come again.
    until: Instant,
    /// Its place is kept no longer than this.
    expires: Instant,
}

/// The sends to one room.
#[derive(Debug, Default)]
struct Line {
    source: Option<Source>,
    in_flight: VecDeque<InFlight>,
    refused: BTreeMap<Ticket, Refused>,
}

/// A send that has no answer yet.
#[derive(Debug)]
struct InFlight {
    ticket: Ticket,
    source: Source,
    since: Instant,
}

/// See the module.
#[derive(Debug)]
pub struct SendOrder {
    source: Source,
    lines: HashMap<RoomId, Line>,
    next: u64,
    in_flight: usize,
    refused: usize,
}

impl SendOrder {
    /// Of a connection that has sent nothing.
    pub fn new(source: Source) -> Self {
        Self { source, lines: HashMap::new(), next: 0, in_flight: 0, refused: 0 }
    }

    /// How many sends have no answer yet.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Since when the one of them has waited that has waited longest.
    pub fn oldest(&self) -> Option<Instant> {
        self.lines.values().flat_map(|line| &line.in_flight).map(|send| send.since).min()
    }

    /// Whether a send may go now. It goes with [`begin`](Self::begin), or is [refused](Self::refuse) for another reason.
    ///
    /// # Errors
    /// It would overtake one that was sent before it.
    pub fn may_send(&mut self, room: &RoomId, key: Option<&Key>, now: Instant) -> Result<Ticket, CommandError> {
        self.forget(now);
        let new = Ticket(self.next);
        let Some(line) = self.lines.get(room) else { return Ok(self.take(new)) };
        let again = key.and_then(|key| line.refused.iter().find(|(_, it)| it.key.as_ref() == Some(key)));
        let ticket = again.map_or(new, |(ticket, _)| *ticket);
        let before = line.refused.range(..ticket).next_back().map(|(_, it)| (it.delay, it.until));
        let failing = line.in_flight.iter().any(|send| send.ticket < ticket && send.source.has_failed());
        let Some((delay, until)) = before.or(failing.then_some((Delay::Busy, now))) else {
            return Ok(self.take(ticket));
        };
        let wait = until.max(now) + delay.gap() - now;
        self.take(ticket);
        self.refuse(room, ticket, key.cloned(), delay, wait, now);
        Err(delay.error(wait))
    }

    fn take(&mut self, ticket: Ticket) -> Ticket {
        self.next = self.next.max(ticket.0 + 1);
        ticket
    }

    /// A send goes. What it is submitted with.
    pub fn begin(&mut self, room: &RoomId, ticket: Ticket, now: Instant) -> Source {
        let line = match self.lines.get_mut(room) {
            Some(line) => line,
            None => self.lines.entry(room.clone()).or_default(),
        };
        self.refused -= usize::from(line.refused.remove(&ticket).is_some());
        let source = match &line.source {
            Some(source) if !source.has_failed() => source.clone(),
            _ => line.source.insert(self.source.line()).clone(),
        };
        line.in_flight.push_back(InFlight { ticket, source: source.clone(), since: now });
        self.in_flight += 1;
        source
    }

    /// A send was refused for a while, which is what the sender was told. At most [`limits::REFUSED_SENDS`] of a connection keep
    /// their places.
    pub fn refuse(
        &mut self,
        room: &RoomId,
        ticket: Ticket,
        key: Option<Key>,
        delay: Delay,
        wait: Duration,
        now: Instant,
    ) {
        let until = now + wait;
        let expires = match delay {
            // Without a key nobody can tell whether it has come again.
            Delay::TooFast(_) if key.is_none() => until,
            Delay::TooFast(_) | Delay::Busy => until + limits::REFUSED_FOR,
        };
        let line = self.lines.entry(room.clone()).or_default();
        if self.refused < limits::REFUSED_SENDS || line.refused.contains_key(&ticket) {
            let before = line.refused.insert(ticket, Refused { key, delay, until, expires });
            self.refused += usize::from(before.is_none());
        }
    }

    /// A send that had begun has its answer. `failed`: it may come again with this key, and what was sent behind it fails, too.
    pub fn settled(&mut self, room: &RoomId, ticket: Ticket, failed: Option<Option<Key>>, now: Instant) {
        let Some(line) = self.lines.get_mut(room) else { return };
        if let Some(at) = line.in_flight.iter().position(|send| send.ticket == ticket) {
            line.in_flight.remove(at);
            self.in_flight -= 1;
        }
        if line.in_flight.is_empty() {
            // Clients may wait for all their answers before they send anything again.
            line.refused.values_mut().for_each(|it| it.expires = it.expires.max(now + limits::REFUSED_FOR));
        }
        match failed {
            Some(key) => self.refuse(room, ticket, key, Delay::Busy, Duration::ZERO, now),
            // A few are kept as they are: most clients write into the same rooms again.
            None if line.in_flight.is_empty() && line.refused.is_empty() && self.lines.len() > limits::IDLE_LINES => {
                self.lines.remove(room);
            }
            None => {}
        }
    }

    /// Gives up the places of sends that have not come again in time.
    fn forget(&mut self, now: Instant) {
        if self.refused == 0 {
            return;
        }
        self.lines.retain(|_, line| {
            while line.in_flight.is_empty()
                && let Some(first) = line.refused.first_entry()
                && first.get().expires <= now
            {
                first.remove();
            }
            !line.in_flight.is_empty() || !line.refused.is_empty()
        });
        self.refused = self.lines.values().map(|line| line.refused.len()).sum();
    }
}

#[cfg(test)]
mod tests;
