//! Lines of the log about what may happen to thousands at once: rooms, sessions, connections. What comes together is one line,
//! with its number and an example; while it goes on, there is a line now and then.

use hubbub_core::limits::{SUMMARY_AFTER, SUMMARY_EVERY, SUMMARY_NAMES};
use std::{
    collections::HashSet,
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::runtime::Handle;

/// One kind of such lines.
#[derive(Debug)]
pub struct Summary {
    what: &'static str,
    gathered: Mutex<Option<Gathered>>,
}

/// What has come and is not said yet.
#[derive(Debug, Default)]
struct Gathered {
    times: u64,
    /// Which it happened to, as far as they are told apart.
    names: HashSet<String>,
    /// The first, and why.
    first: Option<(String, String)>,
    said: Option<Instant>,
    /// Somebody will say it.
    waits: bool,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    times: u64,
    names: usize,
    first: String,
    why: String,
}

impl Gathered {
    fn add(&mut self, name: &str, why: impl FnOnce() -> String) {
        self.times += 1;
        if !name.is_empty() && self.names.len() < SUMMARY_NAMES && !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
        self.first.get_or_insert_with(|| (name.to_owned(), why()));
    }

    /// When there is to be a line, if anything has come until then.
    fn due(&self, now: Instant) -> Instant {
        let soon = now + SUMMARY_AFTER;
        self.said.map_or(soon, |said| soon.max(said + SUMMARY_EVERY))
    }

    /// The line of what has come.
    fn line(&mut self, now: Instant) -> Option<Line> {
        if self.times == 0 {
            return None;
        }
        self.said = Some(now);
        let (first, why) = self.first.take().unwrap_or_default();
        let (times, names) = (std::mem::take(&mut self.times), std::mem::take(&mut self.names).len());
        Some(Line { times, names, first, why })
    }
}

/// Whoever is to say it, unless its runtime ends before.
struct Saying(&'static Summary);

impl Drop for Saying {
    fn drop(&mut self) {
        self.0.gathered().get_or_insert_default().waits = false;
    }
}

impl Summary {
    /// Lines that say `what`.
    pub const fn new(what: &'static str) -> Self {
        Self { what, gathered: Mutex::new(None) }
    }

    fn gathered(&self) -> MutexGuard<'_, Option<Gathered>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It has happened, for this reason.
    pub fn note<T: Display>(&'static self, why: impl FnOnce() -> T) {
        self.note_of("", why);
    }

    /// It has happened to `name`, for this reason.
    pub fn note_of<T: Display>(&'static self, name: &str, why: impl FnOnce() -> T) {
        let mut guard = self.gathered();
        let gathered = guard.get_or_insert_default();
        gathered.add(name, || why().to_string());
        if gathered.waits {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => {
                gathered.waits = true;
                runtime.spawn(self.say(Saying(self)));
            }
            Err(_) => {
                let line = gathered.line(Instant::now());
                drop(guard);
                line.iter().for_each(|line| self.write(line));
            }
        }
    }

    async fn say(&'static self, saying: Saying) {
        loop {
            let due = self.gathered().get_or_insert_default().due(Instant::now());
            tokio::time::sleep_until(due.into()).await;
            let line = {
                let mut guard = self.gathered();
                let gathered = guard.get_or_insert_default();
                let line = gathered.line(Instant::now());
                // Under the lock: whoever comes next begins again.
                gathered.waits = line.is_some();
                line
            };
            match line {
                Some(line) => self.write(&line),
                None => return std::mem::forget(saying),
            }
        }
    }

    fn write(&self, line: &Line) {
        let Line { times, names, first, why } = line;
        match (times, names) {
            (1, 0) => tracing::warn!(why, "{}", self.what),
            (_, 0) => tracing::warn!(times, why, "{}", self.what),
            (_, 1) => tracing::warn!(times, of = first, why, "{}", self.what),
            _ => tracing::warn!(times, of = names, first, why, "{}", self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_to_thousands_is_a_line_with_their_number_and_then_one_now_and_then() {
        let (mut gathered, begin) = (Gathered::default(), Instant::now());
        assert_eq!(gathered.due(begin), begin + SUMMARY_AFTER);
        for _ in 0..5 {
            (0..2_000).for_each(|n| gathered.add(&format!("r{n}"), || format!("down {n}")));
        }
        let line = Line { times: 10_000, names: 2_000, first: "r0".into(), why: "down 0".into() };
        assert_eq!(gathered.line(begin), Some(line));
        assert_eq!(gathered.line(begin), None, "nothing has come since");
        gathered.add("", || "cut".into());
        assert_eq!(gathered.due(begin), begin + SUMMARY_EVERY, "not so soon again");
        assert_eq!(gathered.due(begin + SUMMARY_EVERY * 2), begin + SUMMARY_EVERY * 2 + SUMMARY_AFTER);
        let line = Line { times: 1, names: 0, first: String::new(), why: "cut".into() };
        assert_eq!(gathered.line(begin), Some(line));
    }
}
