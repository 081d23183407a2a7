//! Counting what is said on the lanes of a bus, so that what was lost is noticed at once or within a second.
//!
//! Each life of an instance numbers its payloads 1, 2, 3… on each lane, whether or not they can be published, and says its
//! numbers once a second in a [beat](Says::Beat). Whoever hears them keeps a [`Tally`]. A tally makes things faster and
//! never safer: the sweep, which needs none of this, is the guarantee.

use crate::limits::{HEARD_WITHIN, LANES, PUBLISHERS, REORDER};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write,
    time::Instant,
};
use uuid::Uuid;

/// The first line of a payload, up to version 0.1 nothing but the boot id. Older programs compare it with their own id and
/// look at nothing else in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstLine<'a> {
    /// The life of the instance that publishes.
    pub boot: &'a str,
    /// What it says of its numbers.
    pub says: Says,
}

/// What a first line says of its publisher's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// Nothing: an older program.
    Nothing,
    /// This is the payload of this number on this lane.
    Number(u16, u64),
    /// How far the numbers have come on every lane that has any. There is nothing else in the payload.
    Beat(Vec<(u16, u64)>),
    /// The same, for the last time: it ends, and says nothing more.
    End(Vec<(u16, u64)>),
}

impl<'a> FirstLine<'a> {
    /// The line of payload `number` on `lane`.
    pub fn number(boot: &str, lane: u16, number: u64) -> String {
        format!("{boot} {lane}:{number}")
    }

    /// The line of a beat; lanes that have no number yet are left out.
    pub fn beat(boot: &str, said: impl Iterator<Item = (u16, u64)>) -> String {
        Self::numbers(boot, "beat", said)
    }

    /// The line of a publisher that ends. To an older program it says nothing.
    pub fn end(boot: &str, said: impl Iterator<Item = (u16, u64)>) -> String {
        Self::numbers(boot, "end", said)
    }

    fn numbers(boot: &str, word: &str, said: impl Iterator<Item = (u16, u64)>) -> String {
        let mut line = format!("{boot} {word}");
        for (lane, number) in said.filter(|(_, number)| *number > 0) {
            // Writing to a String does not fail.
            let _ = write!(line, " {lane}:{number}");
        }
        line
    }

    /// Reads a first line. What cannot be understood says nothing: a newer program's, or somebody else's.
    pub fn parse(line: &'a str) -> Self {
        let (boot, rest) = line.split_once(' ').unwrap_or((line, ""));
        Self { boot, says: Self::says(rest).unwrap_or(Says::Nothing) }
    }

    fn says(rest: &str) -> Option<Says> {
        let one = |pair: &str| {
            let (lane, number) = pair.split_once(':')?;
            let (lane, number) = (lane.parse().ok()?, number.parse().ok()?);
            (lane < LANES && number > 0).then_some((lane, number))
        };
        let mut words = rest.split(' ');
        let first = words.next()?;
        if first == "beat" || first == "end" {
            // Each lane once: at most LANES of them.
            let said: BTreeMap<u16, u64> = words.take(usize::from(LANES)).map(one).collect::<Option<_>>()?;
            let said = said.into_iter().collect();
            return Some(if first == "end" { Says::End(said) } else { Says::Beat(said) });
        }
        let (lane, number) = one(first)?;
        Some(Says::Number(lane, number))
    }
}

/// How a loss was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noticed {
    /// A later payload of the lane came.
    Gap,
    /// The publisher said that it had said more.
    Beat,
    /// The publisher was heard for the first time, and had said things before.
    First,
}

/// What has been heard from each publisher.
#[derive(Debug, Default)]
pub struct Tally {
    publishers: HashMap<Uuid, Publisher>,
    /// What was said and not heard, by publisher and lane.
    missing: BTreeMap<(Uuid, u16), Missing>,
    /// Whose leases live, and since when that is known.
    living: HashMap<Uuid, Instant>,
}

#[derive(Debug)]
struct Publisher {
    heard_at: Instant,
    /// When a beat last said all its numbers. Since the first one, whatever is missing was missed.
    beat_at: Option<Instant>,
    /// The highest number heard, or given up, on each lane.
    heard: BTreeMap<u16, u64>,
    /// It has said that it ends.
    has_ended: bool,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    /// What has to be heard, without a gap, for this to be no loss; `None`: there is a gap.
    up_to: Option<u64>,
    due: Instant,
    noticed: Noticed,
}

impl Tally {
    /// Payload `number` of `boot` has come on `lane`.
    pub fn hear(&mut self, boot: Uuid, lane: u16, number: u64, now: Instant) {
        let publisher = self.publisher(boot, now);
        let noticed = if publisher.beat_at.is_some() { Noticed::Gap } else { Noticed::First };
        let heard = publisher.heard.entry(lane).or_default();
        if number <= *heard {
            return;
        }
        let follows = number == *heard + 1;
        *heard = number;
        let missing = self.missing.get(&(boot, lane));
        if !follows {
            // A second gap does not put the first off.
            let due = missing.map_or(now + REORDER, |missing| missing.due);
            self.missing.insert((boot, lane), Missing { up_to: None, due, noticed });
        } else if missing.is_some_and(|missing| missing.up_to.is_some_and(|up_to| up_to <= number)) {
            self.missing.remove(&(boot, lane));
        }
    }

    /// `boot` says how far it has come.
    pub fn beat(&mut self, boot: Uuid, said: &[(u16, u64)], now: Instant) {
        let publisher = self.publisher(boot, now);
        let noticed = if publisher.beat_at.replace(now).is_some() { Noticed::Beat } else { Noticed::First };
        let mut behind = Vec::new();
        for (lane, number) in said {
            if publisher.heard.get(lane).is_none_or(|heard| heard < number) {
                let missing = Missing { up_to: Some(*number), due: now + REORDER, noticed };
                behind.push((*lane, missing));
            }
        }
        for (lane, missing) in behind {
            self.missing.entry((boot, lane)).or_insert(missing);
        }
    }

    /// `boot` says how far it has come, and that it ends.
    pub fn end(&mut self, boot: Uuid, said: &[(u16, u64)], now: Instant) {
        self.beat(boot, said, now);
        self.publisher(boot, now).has_ended = true;
    }

    /// Something of `boot` has come.
    fn publisher(&mut self, boot: Uuid, now: Instant) -> &mut Publisher {
        if self.publishers.len() >= PUBLISHERS && !self.publishers.contains_key(&boot) {
            let longest = self.publishers.iter().min_by_key(|(_, publisher)| publisher.heard_at).map(|(boot, _)| *boot);
            self.publishers.remove(&longest.unwrap_or(boot));
        }
        let new = || Publisher { heard_at: now, beat_at: None, heard: BTreeMap::new(), has_ended: false };
        let publisher = self.publishers.entry(boot).or_insert_with(new);
        publisher.heard_at = now;
        publisher
    }

    /// When the next loss is certain, if nothing comes until then.
    pub fn due(&self) -> Option<Instant> {
        self.missing.values().map(|missing| missing.due).min()
    }

    /// The lanes on which something was lost for certain by now, each told once: the heads of their rooms are to be compared.
    pub fn lost(&mut self, now: Instant) -> BTreeSet<(u16, Noticed)> {
        let mut lost = BTreeSet::new();
        let publishers = &mut self.publishers;
        self.missing.retain(|(boot, lane), missing| {
            if missing.due > now {
                return true;
            }
            lost.insert((*lane, missing.noticed));
            if let (Some(up_to), Some(publisher)) = (missing.up_to, publishers.get_mut(boot)) {
                let heard = publisher.heard.entry(*lane).or_default();
                *heard = up_to.max(*heard);
            }
            false
        });
        lost
    }

    /// These are the others whose leases live. What is known of the dead is forgotten, once they are silent too. Says whether one
    /// has died without a word: what it committed last may never have been published, and no number says so.
    pub fn live(&mut self, living: impl IntoIterator<Item = Uuid>, now: Instant) -> bool {
        let before = std::mem::take(&mut self.living);
        let since = |boot| (boot, before.get(&boot).copied().unwrap_or(now));
        self.living = living.into_iter().map(since).collect();
        let living = &self.living;
        let has_ended = |boot| self.publishers.get(boot).is_some_and(|publisher| publisher.has_ended);
        let has_died = before.keys().any(|boot| !living.contains_key(boot) && !has_ended(boot));
        self.publishers.retain(|boot, publisher| living.contains_key(boot) || publisher.heard_at + HEARD_WITHIN > now);
        has_died
    }

    /// How many instances live and are not heard: they may commit entries whose wakes are lost. A silent instance is not a dead
    /// one. Of an instance that sends heartbeats only these count, because lanes may travel different ways: a payload on one
    /// lane says nothing about the others.
    pub fn silent(&self, now: Instant) -> usize {
        let last = |publisher: &Publisher| publisher.beat_at.unwrap_or(publisher.heard_at);
        let heard =
            |boot, since: Instant| self.publishers.get(boot).map_or(since, |publisher| last(publisher).max(since));
        self.living.iter().filter(|(boot, since)| heard(boot, **since) + HEARD_WITHIN <= now).count()
    }
}

#[cfg(test)]
mod tests;
