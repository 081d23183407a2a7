//! The wire: compatible with the Centrifuge client protocol, version 2, in JSON and in Protobuf.

pub(crate) use crate::model::json::to_json;

pub mod command;
pub mod connection;
pub mod disconnect;
pub mod emulation;
pub mod error;
mod protobuf;
pub mod push;
pub mod reply;
pub mod rpc;
pub mod send_order;
pub mod wants;
pub mod websocket;

/// How a connection writes. What is said is the same; in Protobuf, too, all data is JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One object per line.
    Json,
    /// Messages of `proto/client.proto`, each after its length.
    Protobuf,
}
