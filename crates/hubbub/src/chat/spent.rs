//! Tokens whose connections were told to come back with another one. SDKs come back with the one they have, and fetch another
//! only when that has expired: so for a while it has.

use hubbub_core::{limits, live::fingerprint::Fingerprint};
use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// See the module.
#[derive(Debug, Default)]
pub struct SpentTokens(Mutex<Spent>);

#[derive(Debug, Default)]
struct Spent {
    tokens: HashSet<Fingerprint>,
    /// The same in the order in which they are good again.
    until: VecDeque<(Instant, Fingerprint)>,
}

impl Spent {
    fn forget(&mut self, now: Instant) {
        while let Some((until, token)) = self.until.front()
            && *until <= now
        {
            self.tokens.remove(token);
            self.until.pop_front();
        }
    }
}

impl SpentTokens {
    fn spent(&self, now: Instant) -> MutexGuard<'_, Spent> {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.forget(now);
        spent
    }

    /// This token is not taken again for a while.
    pub fn add(&self, token: Fingerprint, now: Instant) {
        let mut spent = self.spent(now);
        if spent.tokens.len() < limits::SPENT_TOKENS && spent.tokens.insert(token) {
            spent.until.push_back((now + limits::SPENT_FOR, token));
        }
    }

    /// Whether it is one of them.
    pub fn has(&self, token: &Fingerprint, now: Instant) -> bool {
        self.spent(now).tokens.contains(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::log::hash::HashKey;

    #[test]
    fn a_token_is_spent_for_a_while_and_no_other_is() {
        let (spent, now) = (SpentTokens::default(), Instant::now());
        let token = |text: &str| Fingerprint::of(text, &HashKey([7; 32]));
        let len = |now| spent.spent(now).tokens.len();
        spent.add(token("old"), now);
        assert!(spent.has(&token("old"), now) && !spent.has(&token("new"), now));
        assert!(!spent.has(&token("old"), now + limits::SPENT_FOR));
        for n in 0..2 * limits::SPENT_TOKENS {
            spent.add(token(&n.to_string()), now);
        }
        assert_eq!(len(now), limits::SPENT_TOKENS);
        spent.add(token("later"), now + limits::SPENT_FOR);
        assert_eq!(len(now + limits::SPENT_FOR), 1);
    }
}
