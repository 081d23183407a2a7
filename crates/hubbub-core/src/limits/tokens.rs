//! Tokens: how long they are good, and how one is no longer taken.

use std::time::Duration;

/// The least that `--token-max-life` can be set to: SDKs fetch another token before this one ends.
pub const TOKEN_MAX_LIFE_MIN: Duration = Duration::from_secs(60);
/// How often an instance reads whose tokens are not taken any more, beside being told at once.
pub const REVOKED_EVERY: Duration = Duration::from_secs(3);
/// Users whose revocations are read at a time.
pub const REVOKED_PAGE: usize = 1_000;
/// Users whose revocations an instance knows one by one, about 24 bytes each. What is revoked of others holds for everybody: their
/// tokens of before are answered with 109, and SDKs fetch others.
pub const REVOKED_USERS: usize = 1_000_000;
