//! The limits an operator may set, within those of [`limits`](crate::limits).

use crate::{
    limits::{DATA_BYTES, HOOKS_PER_SECOND, TEXT_BYTES},
    log::{
        account::UserQuota,
        kinds::{Content, What},
    },
    model::ids::Invalid,
};
use std::num::{NonZeroU32, NonZeroUsize};

/// What is allowed on an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Sends of one connection per second; a second's worth may come at once. `None`: as fast as it can.
    pub sends_per_second: Option<NonZeroU32>,
    /// Connections of one instance. `None`: nobody counts.
    pub max_connections: Option<NonZeroUsize>,
    /// What one user may use, over all of their connections.
    pub user: UserQuota,
    /// Verified webhooks of one portal per second on one instance; [`BURST`] seconds' worth may come at once.
    ///
    /// [`BURST`]: crate::log::account::BURST
    pub hooks_per_second: NonZeroU32,
    /// Whether clients make rooms.
    pub client_rooms: bool,
    /// Longest text of a message, in bytes.
    pub text_bytes: usize,
    /// Longest `data` of a message, in bytes of JSON without white space.
    pub data_bytes: usize,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            sends_per_second: None,
            max_connections: None,
            user: UserQuota::default(),
            hooks_per_second: NonZeroU32::new(HOOKS_PER_SECOND).unwrap_or(NonZeroU32::MIN),
            client_rooms: true,
            text_bytes: TEXT_BYTES,
            data_bytes: DATA_BYTES,
        }
    }
}

impl Quota {
    /// Whether what an entry says is short enough.
    ///
    /// # Errors
    /// Names the field and the limit.
    pub fn check_entry(&self, what: &What) -> Result<(), Invalid> {
        Content::of(what).map_or(Ok(()), |content| self.check(content))
    }

    /// Whether what a message says is short enough.
    ///
    /// # Errors
    /// Names the field and the limit.
    pub fn check(&self, content: &Content) -> Result<(), Invalid> {
        let text = content.text.as_str().len();
        if text > self.text_bytes {
            return Err(Invalid::too_long("text", text, self.text_bytes));
        }
        let data = content.data.as_ref().map_or(0, |data| data.as_str().len());
        if data > self.data_bytes {
            return Err(Invalid::too_long("data", data, self.data_bytes));
        }
        Ok(())
    }
}
