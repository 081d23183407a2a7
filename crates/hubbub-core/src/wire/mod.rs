//! The wire: compatible with the Centrifuge client protocol, version 2, in JSON and in Protobuf.

pub mod command;
pub mod connection;
pub mod disconnect;
pub mod emulation;
pub mod entry;
pub mod error;
pub mod presence;
mod protobuf;
pub mod push;
pub mod reply;
pub mod rpc;
pub mod session;
pub mod view;

/// How a connection writes. What is said is the same; in Protobuf, too, all data is JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One object per line.
    Json,
    /// Messages of `proto/client.proto`, each after its length.
    Protobuf,
}

/// JSON of a value whose serialization cannot fail: our own structs of strings, numbers and checked JSON.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
