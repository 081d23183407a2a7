//! Tokens whose connections were told to come back with another one. SDKs come back with the one they have, and fetch another
//! only when that has expired: so for a while it has.

use hubbub_core::{limits, live::fingerprint::Fingerprint};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// See the module.
#[derive(Debug, Default)]
pub struct SpentTokens(Mutex<HashMap<Fingerprint, Instant>>);

impl SpentTokens {
    fn tokens(&self) -> MutexGuard<'_, HashMap<Fingerprint, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This token is not taken again for a while.
    pub fn add(&self, token: Fingerprint, now: Instant) {
        let mut tokens = self.tokens();
        if tokens.len() >= limits::SPENT_TOKENS {
            tokens.retain(|_, until| *until > now);
        }
        if tokens.len() < limits::SPENT_TOKENS {
            tokens.insert(token, now + limits::SPENT_FOR);
        }
    }

    /// Whether it is one of them.
    pub fn has(&self, token: &Fingerprint, now: Instant) -> bool {
        self.tokens().get(token).is_some_and(|until| *until > now)
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
        spent.add(token("old"), now);
        assert!(spent.has(&token("old"), now) && !spent.has(&token("new"), now));
        assert!(!spent.has(&token("old"), now + limits::SPENT_FOR));
        for n in 0..2 * limits::SPENT_TOKENS {
            spent.add(token(&n.to_string()), now);
        }
        assert_eq!(spent.tokens().len(), limits::SPENT_TOKENS);
        spent.add(token("later"), now + limits::SPENT_FOR);
        assert_eq!(spent.tokens().len(), 1);
    }
}
