//! Limits of what is told as it happens and kept nowhere.

use std::time::Duration;

/// Longest body of a signal.
pub const SIGNAL_BYTES: usize = 4 * 1024;
/// The longest that a signal may last which passes by itself.
pub const SIGNAL_LASTS: Duration = Duration::from_secs(3_600);
/// Signals of rooms kept for a connection that does not take them; of one kind and person in a room the newest.
pub const SIGNALS_WAITING: usize = 64;
/// Signals that pass by themselves, such as typing, of which the readers of one room are told in a second, a second's worth at once.
pub const SIGNALS_PER_SECOND: u32 = 20;
/// So many readers on one instance are told that many; the more there are, the fewer.
pub const SIGNAL_READERS: usize = 1_000;
/// How long somebody is typing who does not say so again.
pub const TYPING_FOR: Duration = Duration::from_secs(6);
/// Others are told that somebody types in a room at most this often.
pub const TYPING_EVERY: Duration = Duration::from_secs(2);
/// Typing that is looked at a time; what waits longer than [`TYPING_PATIENCE`] is not told.
pub const TYPING_LOOK_UPS: usize = 4;
/// See [`TYPING_LOOK_UPS`].
pub const TYPING_PATIENCE: Duration = Duration::from_secs(1);
/// Members of a room are told at most this often that something has happened there.
pub const ACTIVITY_EVERY: Duration = Duration::from_secs(1);
/// Such hints waiting for one connection; beyond, it is told that it has missed some.
pub const ACTIVITY_WAITING: usize = 1_000;
/// Members of a room who are told of it before others have their turn.
pub const ACTIVITY_AT_ONCE: usize = 256;
/// Users whose rooms, and rooms whose members, an instance reads at a time for hints of activity.
pub const ACTIVITY_READS: usize = 2;
/// Memberships read by one query for that.
pub const ACTIVITY_PAGE: usize = 5_000;
/// People who are asked about by one `online`.
pub const ONLINE_USERS: usize = 200;
/// Users that one question to the other instances may name.
pub const ONLINE_TOGETHER: usize = 1_000;
/// How often it is kept who is still here: an instance that is killed says nothing of those who were.
pub const SEEN_EVERY: Duration = Duration::from_secs(600);
/// When users were seen last is written for so many at a time.
pub const SEEN_AT_ONCE: usize = 1_000;
