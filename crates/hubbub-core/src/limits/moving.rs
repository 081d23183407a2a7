//! Limits of imports and exports.

/// Longest line of an import: the longest entry, every character of it escaped, has room in it.
pub const IMPORT_LINE_BYTES: usize = 256 * 1024;
/// Lines of an import that are written by one transaction,
pub const IMPORT_BATCH: usize = 1_000;
/// which is written earlier once they have so many bytes.
pub const IMPORT_BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Rooms that one transaction opens at the end of an import.
pub const IMPORT_OPENED: usize = 500;
/// Keys of lines that are remembered while a file is looked through, eight bytes each: two lines with one key are told then. Of those
/// behind them the store tells it, once it comes to them.
pub const IMPORT_KEYS: usize = 4_000_000;
