//! What a log is made of, and the rules by which it takes entries.

pub mod entry;
pub mod ledger;
pub mod room;
