//! Of webhooks that were verified: how many are taken, and those that are refused and kept for a while.

use std::time::Duration;

/// Webhooks of one portal that an instance takes per second, unless an operator says otherwise; ten seconds' worth may come at once.
pub const HOOKS_PER_SECOND: u32 = 200;
/// Refused webhooks that are kept of one portal. The oldest gives way.
pub const REFUSED_HOOKS: usize = 1_000;
/// What they may weigh together, [`REFUSED_HOOK_WEIGHT`] each beside their bodies and headers. The oldest gives way.
pub const REFUSED_HOOKS_BYTES: usize = 16 * 1024 * 1024;
/// What one weighs beside its body and headers.
pub const REFUSED_HOOK_WEIGHT: usize = 512;
/// How long one is kept after it first came.
pub const REFUSED_HOOKS_FOR: Duration = Duration::from_secs(7 * 86_400);
/// Longest reason that is kept with one.
pub const REFUSED_WHY_BYTES: usize = 1_024;
/// An instance writes those that have come since down at once, and then this often at most.
pub const REFUSED_HOOKS_EVERY: Duration = Duration::from_secs(1);
/// Those of one portal that wait to be written down on an instance. The oldest gives way.
pub const REFUSED_HOOKS_WAITING: usize = 64;
/// What those of all portals that wait may weigh. The oldest of the portal that has most gives way.
pub const REFUSED_HOOKS_WAITING_BYTES: usize = 4 * 1024 * 1024;
/// How often an instance looks for those that have been kept long enough.
pub const REFUSED_HOOKS_SWEEP: Duration = Duration::from_secs(60);
/// Those that are thrown away together because of their age.
pub const REFUSED_HOOKS_SWEPT: usize = 1_000;
/// Refused webhooks that one request replays. The next one goes on.
pub const REFUSED_HOOKS_REPLAYED: usize = 100;
/// After this time a request that replays many begins no other one.
pub const REFUSED_HOOKS_REPLAY_WITHIN: Duration = Duration::from_secs(10);
