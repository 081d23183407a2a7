//! The pure part of Hubbub: what a room, an entry, a wake and a cursor are, and how the wire is spoken.
//!
//! Nothing here does I/O, asks the time or throws dice: `now` and ids are arguments. That is why its
//! tests are tables and simulations. Chapters in reading order:

pub mod limits;

pub mod ids;
pub mod seq;

pub mod access;
pub mod entry;
pub mod json;

pub mod ledger;
pub mod quota;
pub mod rate;
pub mod room;

pub mod cursor;
pub mod feed;
pub mod lane;
pub mod presence;
pub mod stream_id;
pub mod wake;

pub mod connection;
pub mod protocol;

pub mod portal;

pub mod backoff;
pub mod drain;
