//! What is kept of a token: enough to know it again, and nothing to show in its place.

use crate::log::hash::HashKey;
use std::fmt;
use uuid::Uuid;

/// The same on every instance of one database.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(Uuid);

impl Fingerprint {
    /// Of a token, with the database's own key.
    pub fn of(token: &str, key: &HashKey) -> Self {
        // In front of it stands what it is, so that it is nobody else's seal.
        Self(Uuid::from_bytes(key.seal(&[b"token ", token.as_bytes()].concat())))
    }

    /// As it travels between instances.
    pub fn plain(&self) -> String {
        self.0.simple().to_string()
    }

    /// Reads what [`Fingerprint::plain`] wrote.
    pub fn parse_plain(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// The lane it travels on.
    pub fn lane(&self, lanes: u16) -> u16 {
        (self.0.as_u128() % u128::from(lanes.max(1))) as u16
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}
