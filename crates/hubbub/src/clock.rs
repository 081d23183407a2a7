//! What time it is, for what others say of theirs: tokens, and signatures of webhooks.
//!
//! The clock of the database counts, as it was when it was last asked, and went on by this machine's count of elapsed time:
//! instances whose own clocks differ judge alike. Without one, or before it was asked, the local clock counts.

use hubbub_core::{limits, model::time::Timestamp};
use std::{
    sync::{PoisonError, RwLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;

/// What another clock said.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Halfway between the question and its answer.
    pub at: Instant,
    /// What it said, since 1970.
    pub since_1970: Duration,
    /// How long question and answer took.
    pub trip: Duration,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Clock {
    reading: RwLock<Option<Reading>>,
    /// Whether it has been tried to read the other clock.
    tried: watch::Sender<bool>,
}

impl Reading {
    /// Of an answer that has just come to a question asked at `asked`.
    pub fn now(asked: Instant, since_1970: Duration) -> Self {
        let trip = asked.elapsed();
        Self { at: asked + trip / 2, since_1970, trip }
    }

    fn age(&self) -> Duration {
        self.at.elapsed()
    }
}

impl Clock {
    /// The time since 1970.
    pub fn now(&self) -> Duration {
        self.reference().unwrap_or_else(local)
    }

    /// The same, as it is kept.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp(i64::try_from(self.now().as_millis()).unwrap_or(i64::MAX))
    }

    fn reference(&self) -> Option<Duration> {
        let reading = *self.reading.read().unwrap_or_else(PoisonError::into_inner);
        reading.map(|reading| reading.since_1970 + reading.age())
    }

    /// How many seconds the local clock is ahead of the other, or behind it where that is negative; `None` without one.
    pub fn offset(&self) -> Option<f64> {
        self.reference().map(|reference| local().as_secs_f64() - reference.as_secs_f64())
    }

    /// The same, where it is more than clocks may differ.
    pub fn is_off(&self) -> Option<f64> {
        self.offset().filter(|offset| offset.abs() > limits::CLOCK_OFF.as_secs_f64())
    }

    /// The other clock was read. A vague reading does not replace a better one that is not old.
    pub fn take(&self, reading: Reading) {
        let mut known = self.reading.write().unwrap_or_else(PoisonError::into_inner);
        let is_better = |known: Reading| known.trip < reading.trip && known.age() < limits::CLOCK_KEPT;
        if reading.trip <= limits::CLOCK_TRIP || !known.is_some_and(is_better) {
            *known = Some(reading);
        }
    }

    /// It was tried to read the other clock, with or without success.
    pub fn tried(&self) {
        self.tried.send_replace(true);
    }

    /// Waits until it was tried.
    pub async fn settled(&self) {
        // An error: nobody tries any more.
        let _ = self.tried.subscribe().wait_for(|tried| *tried).await;
    }
}

/// The clock of this machine.
pub fn local() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn reading(ahead: i64, trip: Duration) -> Reading {
        let since_1970 = Duration::from_secs((local().as_secs().cast_signed() + ahead).unsigned_abs());
        Reading { at: Instant::now(), since_1970, trip }
    }

    fn is_at(clock: &Clock, ahead: i64) -> bool {
        (clock.now().as_secs_f64() - local().as_secs_f64() - ahead as f64).abs() < 2.0
    }

    #[test]
    fn without_another_the_local_clock_counts_and_then_the_other() {
        let clock = Clock::default();
        assert!(is_at(&clock, 0) && clock.offset().is_none() && clock.is_off().is_none());
        for ahead in [3_600, -86_400, 5] {
            clock.take(reading(ahead, S / 100));
            assert!(is_at(&clock, ahead));
            let off = clock.is_off().expect("off");
            assert!((off + ahead as f64).abs() < 1.5, "{ahead}: {off}");
        }
        clock.take(reading(0, S / 100));
        assert_eq!(clock.is_off(), None);
    }

    #[test]
    fn a_vague_reading_replaces_only_an_old_or_a_vaguer_one() {
        let clock = Clock::default();
        clock.take(reading(100, 4 * S));
        assert!(is_at(&clock, 100), "better than none");
        clock.take(reading(200, 3 * S));
        assert!(is_at(&clock, 200));
        clock.take(reading(300, 4 * S));
        assert!(is_at(&clock, 200), "the one before was better");
        clock.take(reading(400, S / 10));
        clock.take(reading(500, 2 * S));
        assert!(is_at(&clock, 400));
        clock.take(reading(600, S));
        assert!(is_at(&clock, 600), "what is exact enough always counts");
    }

    #[test]
    fn half_of_the_way_there_and_back_is_the_way_back() {
        let asked = Instant::now().checked_sub(S).unwrap();
        let reading = Reading::now(asked, 1_000 * S);
        let clock = Clock::default();
        clock.take(reading);
        let now = clock.now().as_secs_f64();
        assert!((1_000.5..1_001.0).contains(&now), "{now}");
    }
}
