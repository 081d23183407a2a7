//! What a client's task waits for.

use super::{super::transport::Inbound, sending::Sent};
use crate::chat::{
    ChatError,
    live::{
        inbox::Mail,
        pages::SharedPage,
        subscription::{Beginning, Subscription},
    },
};
use hubbub_core::{
    model::ids::RoomId,
    wire::{
        connection::{Identity, TokenError},
        reply::Reply,
    },
};
use std::sync::Arc;

/// Something that took time is done.
pub(super) enum Done {
    Reply {
        reply: Reply,
        page: bool,
    },
    Sent(Sent),
    Subscribed {
        id: u32,
        slot: u32,
        room: RoomId,
        result: Result<(Subscription, Beginning), ChatError>,
        asked: bool,
    },
    Page {
        slot: u32,
        tries: u32,
        page: Result<Option<Arc<SharedPage>>, ChatError>,
    },
    /// To `refresh`, once what the token says of its user is kept.
    Refreshed(Reply),
    Judged {
        id: u32,
        verdict: Result<Identity, TokenError>,
    },
}

pub(super) enum Event {
    Written(Result<(), ()>),
    Mail(Mail),
    Done(Done),
    Inbound(Inbound),
    Turn,
    Tick,
}

/// Where a ping of ours is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ping {
    None,
    /// To be written with the next frame.
    Due,
    /// In the frame on its way out.
    Leaving,
}
