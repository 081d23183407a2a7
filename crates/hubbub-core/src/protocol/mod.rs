//! The wire: compatible with the Centrifuge client protocol, version 2, in JSON.

pub mod command;
pub mod disconnect;
pub mod entry;
pub mod error;
pub mod push;
pub mod reply;
pub mod rpc;
pub mod view;

/// JSON of a value whose serialization cannot fail: our own structs of strings, numbers and checked JSON.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
