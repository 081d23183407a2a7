//! Nothing deleted is answered after its deletion: every line that anybody is given is looked through for the marks of texts, and at
//! the end of a round each text that was deleted is looked up.

use super::{model::Model, ops::Op};
use crate::wire::DEADLINE;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// What is promised of instances that did not take the deletion themselves.
const ELSEWHERE: Duration = Duration::from_secs(2);

/// How every text begins, before its number and a point.
const MARK: &str = "text-";

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// From the store, each time.
    Store,
    /// From rings and pages in memory: subscriptions and what is pushed to them.
    Memory,
}

/// The answer with this text whose reading began last.
#[derive(Debug)]
struct Sighting {
    began: Instant,
    who: String,
    line: String,
}

/// When a deletion was acknowledged, and by which instance, if that is known for certain.
#[derive(Debug, Clone, Copy)]
struct Ack {
    at: Instant,
    by: Option<usize>,
}

#[derive(Debug, Default)]
struct Sights {
    /// By the number of the text, the instance, and where it came from.
    sightings: HashMap<(u64, usize, Source), Sighting>,
    /// By the deleted message.
    acks: HashMap<u64, Ack>,
    /// By the deleted message and an instance: when that was known to have heard of it.
    heard: HashMap<(u64, usize), Instant>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Sights>);

/// What a round has shown.
#[derive(Debug, Default, Clone, Copy)]
pub struct Summary {
    pub deleted: usize,
    /// Texts of these that somebody was given before.
    pub seen: usize,
    /// Given later than is promised of other instances.
    pub late: usize,
}

/// A text that is like no other.
pub fn text(n: u64) -> String {
    format!("{MARK}{n}.")
}

fn marks(line: &str) -> impl Iterator<Item = u64> {
    line.match_indices(MARK).filter_map(|(at, _)| line[at + MARK.len()..].split('.').next()?.parse().ok())
}

impl Watch {
    fn sights(&self) -> MutexGuard<'_, Sights> {
        self.0.lock().expect("no panic")
    }

    /// Somebody is given this line by an instance; what they asked for it, they asked at `began`.
    pub fn sees(&self, line: &str, at: usize, source: Source, began: Instant, who: &str) {
        if !line.contains(MARK) {
            return;
        }
        let mut sights = self.sights();
        for mark in marks(line) {
            let newer = || Sighting { began, who: who.into(), line: line.into() };
            let sighting = sights.sightings.entry((mark, at, source)).or_insert_with(newer);
            if sighting.began < began {
                *sighting = newer();
            }
        }
    }

    /// A deletion of this message was acknowledged just now.
    pub fn deleted(&self, target: u64, by: Option<usize>) {
        self.sights().acks.entry(target).or_insert(Ack { at: Instant::now(), by });
    }

    /// An instance has told a reader of the deletion of this message as it came.
    pub fn heard(&self, target: u64, at: usize) {
        self.sights().heard.entry((target, at)).or_insert_with(Instant::now);
    }

    /// What was given and should not have been.
    pub fn judge(&self, model: &Model) -> Result<Summary, String> {
        let sights = self.sights();
        let mut summary = Summary::default();
        for message in model.messages.values().filter(|message| message.gone) {
            let Some(ack) = sights.acks.get(&message.seq) else { continue };
            summary.deleted += 1;
            let entries = message.edits.iter().copied().chain([message.seq]);
            for mark in entries.flat_map(|seq| marks_of(&model.done[seq as usize - 1].op)) {
                let of_it = sights.sightings.iter().filter(|((of, ..), _)| *of == mark);
                for ((_, at, source), sighting) in of_it {
                    summary.seen += 1;
                    let heard = sights.heard.get(&(message.seq, *at)).map(|heard| (*heard).max(ack.at));
                    let from = match source {
                        Source::Store => ack.at,
                        Source::Memory if ack.by == Some(*at) => ack.at,
                        Source::Memory => heard.unwrap_or(ack.at + DEADLINE),
                    };
                    if sighting.began > from {
                        let after = sighting.began - ack.at;
                        return Err(format!(
                            "message {} was deleted (by instance {:?}), and its text {mark} was given to {} by instance {at} ({source:?}), \
                             who asked {after:.2?} after that was acknowledged: {}",
                            message.seq, ack.by, sighting.who, sighting.line
                        ));
                    }
                    summary.late += usize::from(sighting.began > ack.at + ELSEWHERE);
                }
            }
        }
        Ok(summary)
    }
}

fn marks_of(op: &Op) -> Vec<u64> {
    match op {
        Op::Say { content, .. } | Op::Edit { content, .. } => marks(&content.to_string()).collect(),
        _ => Vec::new(),
    }
}
