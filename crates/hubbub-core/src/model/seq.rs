//! Positions in a log.

use crate::limits::SEQ_MAX;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An entry's number in its room: 1, 2, 3… without holes; 0 is "before the first".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub struct Seq(u64);

impl From<u64> for Seq {
    fn from(number: u64) -> Self {
        Self::new(number)
    }
}

impl From<Seq> for u64 {
    fn from(seq: Seq) -> Self {
        seq.0
    }
}

impl Seq {
    /// Before the first entry.
    pub const ZERO: Self = Self(0);
    /// After every entry a room can ever have.
    pub const MAX: Self = Self(SEQ_MAX);

    /// The number `n`, clamped to the largest a JSON number carries exactly.
    pub const fn new(n: u64) -> Self {
        Self(if n > SEQ_MAX { SEQ_MAX } else { n })
    }

    /// As a number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The entry after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::new(self.0 + 1)
    }

    /// The entry before this one; 0 stays 0.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// How many entries lie after `other` up to and including this one.
    pub const fn since(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which history a `seq` counts in: the incarnation of the database and the generation of the room.
/// It changes when the head may have gone back (a restore, a lost failover), so that numbers are never confused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// Drawn at random whenever the database starts another life.
    pub incarnation: u32,
    /// Counts a room's own restarts.
    pub generation: u32,
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}.{}", self.incarnation, self.generation)
    }
}

impl FromStr for Epoch {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        let (incarnation, generation) = s.split_once('.').ok_or(())?;
        Ok(Self {
            incarnation: u32::from_str_radix(incarnation, 16).map_err(drop)?,
            generation: generation.parse().map_err(drop)?,
        })
    }
}

/// Where a reader stands: everything up to and including `seq` has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The epoch `seq` belongs to; `None` is "any".
    pub epoch: Option<String>,
    /// The last entry read.
    pub seq: Seq,
}

impl Position {
    /// Whether this position was taken in `epoch`. One that names none fits any.
    pub fn is_of(&self, epoch: Epoch) -> bool {
        match &self.epoch {
            Some(e) => e.parse() == Ok(epoch),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_survives_the_wire() {
        let epoch = Epoch { incarnation: 0xbeef, generation: 3 };
        assert_eq!(epoch.to_string(), "0000beef.3");
        assert_eq!(epoch.to_string().parse(), Ok(epoch));
        assert!("".parse::<Epoch>().is_err());
        let strange = Position { epoch: Some("yesterday".into()), seq: Seq::ZERO };
        assert!(!strange.is_of(epoch));
    }
}
