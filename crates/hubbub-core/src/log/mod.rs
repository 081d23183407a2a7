//! What a log is made of, and the rules by which it takes entries.

pub mod account;
pub mod batch;
pub mod body;
pub mod checks;
pub mod content;
pub mod effects;
pub mod encoded;
pub mod entry;
pub mod features;
pub mod fold;
pub mod hash;
pub mod kinds;
pub mod ledger;
pub mod locked;
pub mod quota;
pub mod room;
pub mod room_query;
pub mod settings;
pub mod situation;
pub mod source;
