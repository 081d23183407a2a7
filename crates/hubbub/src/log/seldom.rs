//! Lines that anybody can cause: one a second of a kind, which says how many there were besides.
//!
//! ```ignore
//! static TOLD: Seldom = Seldom::new();
//! if let Some(passed_over) = TOLD.tell() {
//!     tracing::info!(%reason, passed_over, "a webhook was not taken");
//! }
//! ```
//!
//! What is passed over is counted in a metric by whoever asks: the last ones may never be told of here.

use hubbub_core::limits;
use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// See the module. One for each kind of line, mostly a `static`.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told: Option<Instant>,
    passed_over: u64,
}

impl Seldom {
    /// Nothing was told yet.
    pub const fn new() -> Self {
        Self(Mutex::new(State { told: None, passed_over: 0 }))
    }

    /// Whether to tell now: then how many were passed over since it was told last.
    pub fn tell(&self) -> Option<u64> {
        self.tell_at(Instant::now())
    }

    fn tell_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.told.is_some_and(|told| now.saturating_duration_since(told) < limits::LOG_EVERY) {
            state.passed_over += 1;
            return None;
        }
        state.told = Some(now);
        Some(std::mem::take(&mut state.passed_over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn one_is_told_a_second_and_says_how_many_were_not() {
        let (seldom, began) = (Seldom::new(), Instant::now());
        let ms = |ms| began + Duration::from_millis(ms);
        assert_eq!(seldom.tell_at(ms(0)), Some(0));
        assert!((1..1_000).all(|at| seldom.tell_at(ms(at)).is_none()));
        assert_eq!(seldom.tell_at(ms(1_000)), Some(999));
        assert_eq!(seldom.tell_at(ms(500)), None, "a clock that goes back");
        assert_eq!(seldom.tell_at(ms(60_000)), Some(1));
    }
}
