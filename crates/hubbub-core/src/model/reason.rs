//! Why something does not work, said seldom, however often that is noticed.

use super::backoff::Backoff;
use std::time::{Duration, Instant};

/// Why something does not work: the present reason, said when it changes. The pause between two lines doubles with each, until
/// there has been nothing to say for a while.
#[derive(Debug)]
pub struct Reason {
    present: Option<String>,
    said: Option<String>,
    not_before: Option<Instant>,
    pauses: Backoff,
    most: Duration,
}

impl Reason {
    /// It works. Once it does not, the first pause is `first`, and the longest `most`.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { present: None, said: None, not_before: None, pauses: Backoff::new(first, most), most }
    }

    /// It does not work, for this reason. Returns whether that is to be said now. What is held back is said when it is
    /// heard again after the pause.
    pub fn fails(&mut self, reason: &str, now: Instant) -> bool {
        if self.present.as_deref() != Some(reason) {
            self.present = Some(reason.to_owned());
        }
        if self.said == self.present || self.not_before.is_some_and(|at| now < at) {
            return false;
        }
        if self.not_before.is_some_and(|at| now >= at + self.most) {
            self.pauses.reset();
        }
        self.said.clone_from(&self.present);
        self.not_before = Some(now + self.pauses.next(0.0));
        true
    }

    /// It works. Returns whether it was said that it did not.
    pub fn works(&mut self) -> bool {
        self.present = None;
        self.said.take().is_some()
    }

    /// Why it does not work now.
    pub fn present(&self) -> Option<&str> {
        self.present.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn the_present_reason_is_said_and_not_the_first_for_ever() {
        let (mut reason, now) = (Reason::new(S, 8 * S), Instant::now());
        assert!(!reason.works(), "it did all the time");
        assert!(reason.fails("connection closed", now));
        assert!(!reason.fails("connection closed", now + 5 * S), "once");
        assert!(reason.fails("WRONGPASS", now + 5 * S));
        assert!(!reason.fails("NOPERM", now + 6 * S), "held back for a while");
        assert_eq!(reason.present(), Some("NOPERM"));
        assert!(reason.fails("NOPERM", now + 7 * S), "and said then");
        assert!(!reason.fails("WRONGPASS", now + 8 * S) && !reason.fails("NOPERM", now + 60 * S), "as it was");
        assert!(reason.works() && !reason.works());
        assert_eq!(reason.present(), None);
        assert!(reason.fails("NOPERM", now + 61 * S), "again after it has worked");
    }

    #[test]
    fn what_comes_and_goes_makes_few_lines() {
        let (mut reason, now) = (Reason::new(S, 60 * S), Instant::now());
        let mut said = 0;
        for n in 0..3_600 {
            said += u32::from(reason.fails("timed out", now + n * S));
            said += u32::from(reason.works());
        }
        assert!((100..=150).contains(&said), "{said} in an hour");
        assert!(reason.fails("timed out", now + 4_000 * S) && reason.works());
        assert!(!reason.fails("timed out", now + 4_000 * S + S / 2) && !reason.works(), "not said, so not taken back");
        assert!(reason.fails("timed out", now + 4_001 * S), "after a quiet time the pause is short again");
    }

    #[test]
    fn two_reasons_in_turn_make_few_lines() {
        let (mut reason, now) = (Reason::new(S, 60 * S), Instant::now());
        let said =
            (0..36_000_u32).filter(|n| reason.fails(["one", "other"][*n as usize % 2], now + S / 10 * *n)).count();
        assert!((50..=75).contains(&said), "{said} in an hour");
    }
}
