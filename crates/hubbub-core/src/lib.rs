//! The pure part of Hubbub: what a room, an entry, a wake and a cursor are, and how the wire is spoken.
//!
//! Nothing here does I/O, asks the time or throws dice: `now` and ids are arguments. That is why its tests are tables and
//! simulations. The folders in reading order; each uses only those before it:

pub mod limits;

pub mod model;

pub mod log;

pub mod delivery;

pub mod live;

pub mod people;

pub mod wire;

pub mod portal;

pub mod moving;
