//! Data that moves: the lines of an export, which an import reads.
//!
//! A line is a JSON object. An entry's line is the entry as everybody reads it (`log/encoded.rs`); beside those there are lines for
//! rooms and for users. The n-th entry line of a room is the room's entry n: so a number in a line means the same in the file and
//! in the log, and an import that was broken off finds again where it stood.

mod fields;
mod line;
mod order;
#[cfg(test)]
mod tests;

pub use line::{EntryLine, Line, RoomLine, UserLine};
pub use order::{Fault, Order, Ordered, Step};
