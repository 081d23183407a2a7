//! What a client's task needs of the way to its client: one frame out at a time, frames in.

use super::tcp::WriteHalf;
use bytes::Bytes;
use hubbub_core::{
    model::ids::UserId,
    wire::{Format, disconnect::Disconnect},
};
use std::{
    sync::Arc,
    task::{Context, Poll},
};

/// What came in.
#[derive(Debug)]
pub enum Inbound {
    /// A frame of commands.
    Frame(Bytes),
    /// A frame of the other kind: binary where JSON is spoken, or text where Protobuf is.
    WrongKind,
    /// A ping of the layer below, to be answered by a pong with the same payload.
    Ping(Bytes),
    /// Commands were lost on their way here.
    Lost,
    /// A frame that is far too long. The transport may have said so itself; then nothing more is written.
    TooLong,
    /// The other side is gone, or says goodbye.
    Gone,
}

/// See the module.
pub trait Transport {
    /// How commands, replies and pushes are written.
    fn format(&self) -> Format;

    /// Where commands that come apart from this way find the connection: the session and the node that `connect` is
    /// answered with.
    fn address(&self) -> Option<(String, String)> {
        None
    }

    /// Whether a frame is on its way out: then nothing more is handed in.
    fn is_writing(&self) -> bool;

    /// Hands in a frame. Only while nothing is on its way.
    fn write(&mut self, frame: Bytes);

    /// Answers a ping. Only while nothing is on its way.
    fn pong(&mut self, _payload: Bytes) {}

    /// What others may write to beside this, while nothing is on its way; `None`: nobody may.
    fn outlet(&self) -> Option<Arc<WriteHalf>> {
        None
    }

    /// Finishes a frame that was begun through the outlet. Only while nothing is on its way.
    fn finish(&mut self, _rest: Bytes) {}

    /// Says goodbye. Only while nothing is on its way.
    fn close(&mut self, why: &Disconnect);

    /// Drives the frame on its way out. Ready once it is out, or `Err` when it cannot be.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ()>>;

    /// What comes in next.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Inbound>;

    /// Whether a part of a frame has come.
    fn is_receiving(&self) -> bool {
        false
    }

    /// It is known whose connection this is.
    fn belongs_to(&mut self, _user: &UserId) {}

    /// The last frame that came in has been executed: its memory is free.
    fn executed(&mut self) {}

    /// Gets out what was said last, and waits until the other side has it.
    fn part(&mut self) -> impl Future<Output = ()> + Send;
}
