//! Who submits drafts whose order in a room matters, and what fails along with a draft that has failed.

use crate::model::ids::RoomId;
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Who submitted a draft: a connection, or the sender of one webhook.
///
/// A [line](Self::line) of a source is what it sends to one room. Once a draft of a line has failed, those behind it fail, too:
/// also those that are submitted later by somebody who does not know of the failure yet. Whoever knows goes on with a new line.
#[derive(Debug, Clone)]
pub struct Source {
    number: u64,
    line: Option<Arc<AtomicBool>>,
}

impl Source {
    /// Nobody whose order matters.
    pub const NONE: Self = Self { number: 0, line: None };

    /// The source of this number, which nobody else has.
    pub const fn new(number: u64) -> Self {
        Self { number, line: None }
    }

    /// Its number; 0: its order does not matter.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// A new line of the same source.
    #[must_use]
    pub fn line(&self) -> Self {
        Self { number: self.number, line: Some(Arc::default()) }
    }

    /// A draft of the line has failed.
    pub fn fail(&self) {
        if let Some(line) = &self.line {
            line.store(true, Ordering::Release);
        }
    }

    /// Whether a draft of the line has failed.
    pub fn has_failed(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.load(Ordering::Acquire))
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Source {}

/// Whose drafts for which rooms have failed.
#[derive(Debug, Default)]
pub struct Failed(HashSet<(u64, RoomId)>);

impl Failed {
    /// A draft of `source` for `room` has failed.
    pub fn add(&mut self, source: &Source, room: &RoomId) {
        source.fail();
        if *source != Source::NONE {
            self.0.insert((source.number, room.clone()));
        }
    }

    /// Whether a draft that waited behind the failed ones must fail, too. `is_late`: it has waited too long itself. Then those
    /// behind it fail along with it. To be asked in the order in which the drafts were submitted.
    pub fn takes_along(&mut self, source: &Source, room: &RoomId, is_late: bool) -> bool {
        let fails = is_late
            || source.has_failed()
            || (*source != Source::NONE && self.0.contains(&(source.number, room.clone())));
        if fails {
            self.add(source, room);
        }
        fails
    }

    /// Takes over what has failed elsewhere.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether nothing has failed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_waited_too_long_behind_others_takes_along_what_is_behind_it() {
        let (ana, ben) = (Source::new(1).line(), Source::new(2).line());
        let (room, elsewhere) = (RoomId::parse("general").unwrap(), RoomId::parse("elsewhere").unwrap());
        let mut failed = Failed::default();
        failed.add(&ben, &room);
        assert!(failed.takes_along(&ana, &room, true));
        assert!(failed.takes_along(&Source::new(1), &room, false), "it was sent a little later");
        assert!(ana.has_failed(), "what is sent before the failure is known fails, too");
        assert!(!failed.takes_along(&Source::new(1), &elsewhere, false));
        assert!(!failed.takes_along(&Source::new(3), &room, false));
        assert!(!failed.takes_along(&Source::NONE, &room, false));
    }
}
