//! Small values that everything else is made of.

pub mod access;
pub mod backoff;
pub mod drain;
pub mod ids;
pub mod json;
pub mod percent;
pub mod quota;
pub mod rate;
pub mod seq;
pub mod stream_id;
pub mod time;
