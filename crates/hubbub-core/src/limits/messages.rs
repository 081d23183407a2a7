//! Limits of messages that change, and of what hangs on them.

/// Longest reaction: an emoji or a word.
pub const REACTION_BYTES: usize = 64;
/// Most different reactions on one message.
pub const REACTIONS_OF_MESSAGE: usize = 50;
/// People whom a page names with a reaction.
pub const REACTION_SAMPLE: usize = 10;
/// Most pinned messages of a room.
pub const PINS: usize = 100;
/// Most edits of one message: a deletion names all of them.
pub const EDITS_OF_MESSAGE: usize = 1_000;
/// Entries that one transaction blanks: a deletion that would blank more is put off to the next one, unless it is the first.
pub const BLANKED_AT_ONCE: usize = 2_000;
/// Most people one message may mention.
pub const MENTIONS: usize = 50;
/// People whom a page names with a thread.
pub const THREAD_SAMPLE: usize = 5;
/// Longest slow mode: so many seconds between two messages of a member.
pub const SLOW_MODE_SECONDS: u32 = 6 * 60 * 60;
/// Longest time for which authors may be allowed to edit, in seconds; longer is for ever.
pub const EDIT_WINDOW_SECONDS: u32 = 365 * 24 * 60 * 60;
/// Longest mute.
pub const MUTE_DAYS: u32 = 366;
