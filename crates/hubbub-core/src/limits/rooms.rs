//! Limits of rooms as a whole: lists of all of them, direct rooms, and what is left of deleted ones.

use std::time::Duration;

/// Longest topic of a room.
pub const ROOM_TOPIC_BYTES: usize = 1_024;
/// Longest data of a room, without white space between tokens.
pub const ROOM_DATA_BYTES: usize = 4_096;
/// Most people of a direct room.
pub const DIRECT_PEOPLE: usize = 20;
/// How often a direct room of the same people, or the session that a customer has not named, can be deleted and made anew.
pub const ROOMS_AGAIN: u32 = 100;
/// Rooms that a page of all rooms looks at where it is asked for those in which something has happened.
pub const ROOMS_LOOKED_AT: usize = 1_000;
/// How often an instance looks whether deleted rooms have left anything that is to be cleared away.
pub const PURGE_EVERY: Duration = Duration::from_secs(5);
/// Rows that one transaction clears away.
pub const PURGE_ROWS: usize = 500;
/// How long it is remembered who was in a room that was deleted: so long they are told so.
pub const DELETED_MEMBERS_FOR: Duration = Duration::from_secs(600);
/// Rooms that one request makes.
pub const ROOMS_AT_ONCE: usize = 100;
/// Messages of one request.
pub const MESSAGES_AT_ONCE: usize = 1_000;
/// How long a request for many things may take.
pub const BULK_PATIENCE: Duration = Duration::from_secs(30);
/// People whom one user may have blocked.
pub const BLOCKS: usize = 1_000;
/// How long it is kept what was done outside of logs.
pub const AUDIT_DAYS: u32 = 90;
/// What is older is forgotten so many at a time, as something is added.
pub const AUDIT_FORGOTTEN: usize = 100;
/// Invitations that wait for a room.
pub const INVITES_OF_ROOM: usize = 1_000;
/// Invitations that wait for a user.
pub const INVITES_OF_USER: usize = 1_000;
/// How long an invitation waits.
pub const INVITE_DAYS: u32 = 14;
/// Longest reason of a report.
pub const REPORT_REASON_BYTES: usize = 1_024;
/// Open reports of one user.
pub const REPORTS_OPEN: usize = 100;
/// Moderators of a room who are told of a report.
pub const REPORT_TOLD: usize = 100;
