//! Limits of what is kept of people beside the log.

use std::time::Duration;

/// How often the marks of a room are written at most.
pub const MARKS_EVERY: Duration = Duration::from_secs(2);
/// Most marks written by one statement.
pub const MARKS: usize = 1_000;
/// How long an instance writes no marks after it has written some.
pub const MARKS_REST: Duration = Duration::from_millis(50);
/// Times that `read` of one person and room may wait at one instance for the same write; of more the first is refused, and the
/// furthest is written.
pub const MARKS_OF_ONE: usize = 8;
/// People and rooms whose marks wait at one instance to be written; beyond, `read` is refused.
pub const MARKS_WAITING: usize = 65_536;
/// Unread messages and mentions are counted to here, and then there are more.
pub const UNREAD_MAX: u64 = 999;
/// Entries of a room that are looked at to count what is unread, the newest.
pub const UNREAD_ROWS: u64 = 1_000;
/// Rooms that a page looks at for what is unread; the next page goes on.
pub const UNREAD_ROOMS: usize = 100;
/// Members of a room up to which they are shown who has read how far.
pub const RECEIPTS_MEMBERS: usize = 100;
