//! How far an import is: a bar on a terminal, and a line now and then elsewhere.

use crate::output;
use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

/// Between two looks at the bar.
const BAR_EVERY: Duration = Duration::from_millis(200);
/// Between two lines.
const LINE_EVERY: Duration = Duration::from_secs(10);
const WIDTH: usize = 30;

/// See the module.
pub(super) struct Progress {
    is_terminal: bool,
    began: Instant,
    said: Option<Instant>,
}

impl Progress {
    pub fn begin() -> Self {
        Self { is_terminal: stderr().is_terminal(), began: Instant::now(), said: None }
    }

    /// Says it, unless that was said just now.
    pub fn at(&mut self, lines: u64, read: u64, total: Option<u64>) {
        let every = if self.is_terminal { BAR_EVERY } else { LINE_EVERY };
        if self.said.is_some_and(|said| said.elapsed() < every) {
            return;
        }
        self.said = Some(Instant::now());
        let (bar, rest) = said(lines, read, total, self.began.elapsed());
        match self.is_terminal {
            true => output::progress(format_args!("\r\x1b[K{bar}{rest}"), ""),
            false => output::progress(rest, "\n"),
        }
    }

    /// Takes the bar away. Returns how long it took.
    pub fn end(self) -> Duration {
        if self.is_terminal && self.said.is_some() {
            output::progress("\r\x1b[K", "");
        }
        self.began.elapsed()
    }
}

/// A bar, and what is said beside it.
fn said(lines: u64, read: u64, total: Option<u64>, took: Duration) -> (String, String) {
    let seconds = took.as_secs_f64().max(0.001);
    let rate = (lines as f64 / seconds) as u64;
    let counted = format!("{} lines, {} a second", grouped(lines), grouped(rate));
    let Some(total) = total.filter(|total| *total > 0) else { return (String::new(), counted) };
    let part = (read as f64 / total as f64).min(1.0);
    let filled = (part * WIDTH as f64) as usize;
    let left = Duration::from_secs_f64((seconds / part.max(0.000_001) - seconds).clamp(0.0, 1e9));
    let bar = format!("[{}{}] ", "#".repeat(filled), " ".repeat(WIDTH - filled));
    (bar, format!("{} %, {counted}, {} left", (part * 100.0) as u64, for_people(left)))
}

/// A span of time, in its two largest units.
pub(super) fn for_people(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A number with commas.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_and_the_time_left_are_said_where_they_are_known() {
        let (bar, rest) = said(250_000, 25, Some(100), Duration::from_secs(50));
        assert_eq!(bar, format!("[{}{}] ", "#".repeat(7), " ".repeat(23)));
        assert_eq!(rest, "25 %, 250,000 lines, 5,000 a second, 2 min 30 s left");
        assert_eq!(said(3, 9, None, Duration::from_secs(3)), (String::new(), "3 lines, 1 a second".into()));
        assert!(said(0, 0, Some(100), Duration::ZERO).1.starts_with("0 %"));
        assert_eq!(for_people(Duration::from_secs(7_260)), "2 h 1 min");
        assert_eq!(
            (grouped(999), grouped(1_000), grouped(1_234_567)),
            ("999".into(), "1,000".into(), "1,234,567".into())
        );
    }
}
