//! Limits of how portals are called: what opens them, and what is fetched for that.

use std::time::Duration;

/// Longest secret that opens a portal to our calls: a token, a password, a client's secret, a refresh token.
pub const ACCESS_SECRET_BYTES: usize = 4_096;
/// Longest name, user, client or prefix in a portal's `auth`.
pub const ACCESS_WORD_BYTES: usize = 256;
/// Longest text that says what of a call is signed; longest scope of OAuth 2.
pub const ACCESS_TEMPLATE_BYTES: usize = 1_024;
/// Members of `params` in a portal's `auth`.
pub const TOKEN_PARAMS: usize = 8;
/// Longest token that a token endpoint may give.
pub const TOKEN_BYTES: usize = 8 * 1024;
/// A token is renewed this long before it ends, or after three quarters of its life, whichever is later.
pub const TOKEN_MARGIN: Duration = Duration::from_secs(60);
/// No token is believed to be good for longer.
pub const TOKEN_GOOD_MAX: Duration = Duration::from_secs(315_360_000);
/// How long one instance has the renewal of a portal's token to itself: longer than a call of the token endpoint and the
/// store's patience, before and after it.
pub const TOKEN_LEASE: Duration = Duration::from_secs(30);
/// How long a call waits for a token, whoever fetches it. With the call itself and the store's patience it is shorter than
/// [`super::DELIVERY_LEASE`].
pub const TOKEN_WITHIN: Duration = Duration::from_secs(8);
/// How long a token that was fetched is tried to be kept while the store does not answer.
pub const TOKEN_KEPT_WITHIN: Duration = Duration::from_secs(60);
/// Keys that secrets of portals are sealed with: one, and those that are being replaced.
pub const SECRETS_KEYS: usize = 8;
/// The pause between two looks whether somebody else has renewed it.
pub const TOKEN_LOOK: Duration = Duration::from_millis(100);
/// A portal that answers 401 to a fresh token has none fetched again before this.
pub const TOKEN_AGAIN: Duration = Duration::from_secs(30);
