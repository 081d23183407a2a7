//! Small values that everything else is made of.

pub mod access;
pub mod backoff;
pub mod drain;
pub mod farewell;
pub mod ids;
pub mod ijson;
pub mod json;
pub mod misread;
pub mod objects;
pub mod origin;
pub mod percent;
pub mod rate;
pub mod reason;
pub mod rights;
pub mod room_ids;
pub mod seq;
pub mod strangers;
pub mod time;
