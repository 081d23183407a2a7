//! How fast an instance that goes away sends its clients elsewhere.

use std::time::Duration;

/// Spreads the clients of an instance evenly over a window: at each look it says how many are due. It reckons with who is
/// still there and with what is left, so it needs no plan: clients who leave by themselves slow it down, late ones are
/// moved with the others, and at the end of the window nobody is left.
#[derive(Debug, Clone)]
pub struct Pace {
    /// What is due of one more client; below 1.
    owed: f64,
}

impl Pace {
    /// Begins with a part of a client due, `chance` (0.0 to 1.0, thrown by the caller), so that instances with few clients
    /// do not all wait equally long before the first.
    pub const fn new(chance: f64) -> Self {
        Self { owed: chance.clamp(0.0, 0.999) }
    }

    /// How many of the `waiting` are due: `since` has passed since the last look, when `left` was left of the window.
    pub fn due(&mut self, waiting: usize, since: Duration, left: Duration) -> usize {
        if since >= left {
            return waiting;
        }
        self.owed += waiting as f64 * (since.as_secs_f64() / left.as_secs_f64());
        let due = (self.owed as usize).min(waiting);
        self.owed = (self.owed - due as f64).clamp(0.0, 0.999);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who was moved in each tenth of a window of 20 s, looked at every `step`.
    fn tenths(mut waiting: usize, step: Duration) -> [usize; 10] {
        let (window, mut passed, mut pace) = (Duration::from_secs(20), Duration::ZERO, Pace::new(0.5));
        let mut moved = [0; 10];
        while waiting > 0 {
            let due = pace.due(waiting, step, window - passed);
            passed = (passed + step).min(window);
            moved[((passed.as_millis() - 1) * 10 / window.as_millis()) as usize] += due;
            waiting -= due;
        }
        moved
    }

    #[test]
    fn each_tenth_of_the_window_moves_a_tenth() {
        for (clients, step) in [(15_000, 100), (300, 100), (300, 70), (10, 130)] {
            let moved = tenths(clients, Duration::from_millis(step));
            assert_eq!(moved.iter().sum::<usize>(), clients);
            let (least, most) = (moved.iter().min().unwrap(), moved.iter().max().unwrap());
            assert!(most - least <= 2 + clients / 100, "{clients} by {step} ms: {moved:?}");
        }
    }

    #[test]
    fn few_clients_are_spread_too_and_none_is_left() {
        let moved = tenths(3, Duration::from_millis(100));
        assert_eq!(moved.iter().sum::<usize>(), 3);
        assert!(moved.iter().all(|n| *n <= 1), "{moved:?}");
        assert_eq!(Pace::new(0.0).due(7, Duration::ZERO, Duration::ZERO), 7);
        assert_eq!(Pace::new(1.0).due(0, Duration::from_secs(1), Duration::from_secs(2)), 0);
    }
}
