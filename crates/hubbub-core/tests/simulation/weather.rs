//! What happens to a world, drawn from its seed before it begins.

use crate::chance::Chance;
use hubbub_core::limits::{REORDER, SWEEP_PATIENCE};
use std::time::Duration;

/// Something that happens by itself.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// An instance commits so many messages at once.
    Say { instance: usize, count: u64 },
    /// A client's user leaves, or is banned.
    Remove { client: usize, banned: bool },
    /// A client's user is a member again.
    Admit { client: usize },
    /// A client closes its connection and comes back later.
    Leave { client: usize },
    /// An instance dies and is started again.
    Crash { instance: usize },
    /// An instance hears nothing from the bus for so long.
    Cut { instance: usize, ms: u64 },
    /// The store loses its last entries. `noticed`: by the store itself.
    GoBack { entries: usize, noticed: bool },
    /// Retention keeps only the last entries.
    Keep { entries: u64 },
    /// An instance needs memory back.
    Trim { instance: usize, bytes: usize },
}

/// See the module. Chances are percents, times milliseconds.
#[derive(Debug)]
pub struct Weather {
    /// No faults at all: then nothing is read.
    pub healthy: bool,
    /// How many instances.
    pub instances: usize,
    /// How many of them commit.
    pub committers: usize,
    /// How many clients, each with a user of its own.
    pub clients: usize,
    /// When all faults end.
    pub heals: u64,
    /// What happens until then.
    pub acts: Vec<(u64, Act)>,
    /// Wakes that never arrive.
    pub lost: u64,
    /// Wakes that arrive twice.
    pub doubled: u64,
    /// Wakes that arrive seconds later.
    pub stray: u64,
    /// Wakes without their entry.
    pub bare: u64,
    /// How long every wake takes at least.
    pub latency: u64,
    /// How much longer it may take.
    pub jitter: u64,
    /// How long the store takes at most to see a question, and again to answer.
    pub answer: u64,
    /// Questions that fail.
    pub failing: u64,
    /// How long a client may take before it reads on.
    pub think: u64,
    /// Bytes a message has more than it needs.
    pub padding: usize,
    /// How long a head may be ahead of its wake.
    pub patience: Duration,
    /// Whether pages of readers begin at multiples of their size.
    pub aligned: bool,
    /// Whether readers look at a page's floor before they take it.
    pub floor_first: bool,
    /// Whether a replaced feed is opened with the answer that replaced it; otherwise the next look-up opens it.
    pub reopen: bool,
}

impl Weather {
    /// Faults of every kind.
    pub fn stormy(chance: &mut Chance) -> Self {
        let instances = chance.from(2, 3) as usize;
        let clients = chance.from(2, 5) as usize;
        let heals = chance.from(1_500, 9_000);
        let busy = chance.percent(12);
        let mut acts = Vec::new();
        for _ in 0..chance.from(5, 30) {
            let (instance, client) = (chance.index(instances), chance.index(clients));
            let act = match chance.from(0, 99) {
                0..60 => Act::Say { instance, count: if chance.percent(70) { 1 } else { chance.from(2, 8) } },
                60..64 if busy => Act::Say { instance, count: chance.from(100, 400) },
                60..68 => Act::Say { instance, count: 3 },
                68..74 => Act::Remove { client, banned: chance.percent(50) },
                74..80 => Act::Admit { client },
                80..88 => Act::Leave { client },
                88..90 => Act::Crash { instance },
                90..94 => Act::Cut { instance, ms: chance.from(50, 4_000) },
                94..96 => Act::Trim { instance, bytes: chance.one(&[0, 500, 4_000]) },
                96..97 => Act::Keep { entries: chance.from(0, 40) },
                _ => Act::GoBack { entries: chance.from(0, 12) as usize, noticed: chance.percent(50) },
            };
            acts.push((chance.from(0, heals), act));
        }
        Self {
            healthy: false,
            instances,
            committers: instances,
            clients,
            heals,
            acts,
            lost: chance.one(&[0, 2, 10, 40, 100]),
            doubled: chance.one(&[0, 10, 50]),
            stray: chance.one(&[0, 0, 5, 30]),
            bare: chance.one(&[0, 0, 10]),
            latency: chance.one(&[0, 1, 30]),
            jitter: chance.one(&[0, 3, 60, 300]),
            answer: chance.one(&[0, 5, 40, 300]),
            failing: chance.one(&[0, 0, 10, 50]),
            think: chance.one(&[0, 5, 100, 1_500]),
            padding: if busy && chance.percent(10) { 4_000 } else { chance.index(50) },
            patience: chance.one(&[Duration::ZERO, SWEEP_PATIENCE]),
            aligned: chance.percent(50),
            floor_first: chance.percent(50),
            reopen: chance.percent(50),
        }
    }

    /// A healthy bus: every wake arrives sooner than the sweep's patience, and inverted by less than [`REORDER`]. What an
    /// instance commits itself it hears at once: where the bus takes longer than that, only one commits.
    pub fn healthy(chance: &mut Chance) -> Self {
        let stormy = Self::stormy(chance);
        let jitter = chance.one(&[0, 5, REORDER.as_millis() as u64 - 1]);
        let latency = chance.from(0, SWEEP_PATIENCE.as_millis() as u64 - jitter - 1);
        let calm =
            |act: &Act| matches!(act, Act::Say { .. } | Act::Remove { .. } | Act::Admit { .. } | Act::Leave { .. });
        Self {
            healthy: true,
            committers: if latency + jitter < REORDER.as_millis() as u64 { stormy.instances } else { 1 },
            acts: stormy.acts.into_iter().filter(|(_, act)| calm(act)).map(|(at, act)| (at, act.at_most(8))).collect(),
            lost: 0,
            stray: 0,
            bare: 0,
            latency,
            jitter,
            failing: 0,
            think: chance.one(&[0, 5]),
            patience: SWEEP_PATIENCE,
            ..stormy
        }
    }
}

impl Act {
    /// The same with fewer messages: a feed that holds too many reads the log on any bus.
    fn at_most(self, most: u64) -> Self {
        match self {
            Self::Say { instance, count } => Self::Say { instance, count: count.min(most) },
            other => other,
        }
    }
}
