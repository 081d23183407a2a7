//! How long to wait before trying again.

use std::time::Duration;

/// Waits that double from `first` to `most`, each shortened by up to half by `chance` (0.0 to 1.0, thrown by the
/// caller), so that many who failed together do not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    tries: u32,
}

impl Backoff {
    /// Starts at `first`.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, tries: 0 }
    }

    /// The next wait.
    pub fn next(&mut self, chance: f64) -> Duration {
        let wait = self.first.saturating_mul(1 << self.tries.min(16)).min(self.most);
        self.tries += 1;
        wait.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
    }

    /// It worked: the next wait is the first again.
    pub const fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));
        let waits: Vec<_> = (0..6).map(|_| backoff.next(0.0).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 500, 500]);
        assert_eq!(backoff.next(1.0).as_millis(), 250);
        backoff.reset();
        assert_eq!(backoff.next(0.0).as_millis(), 50);
    }
}
