//! What a connection is about to write: replies first, in order, then pushes, gathered into one frame.

use bytes::{BufMut, Bytes, BytesMut};
use hubbub_core::{limits, wire::Format};
use std::collections::VecDeque;

/// See the module. Pushes are not kept here: they are gathered when there is room for them.
#[derive(Debug, Default)]
pub struct Outbox {
    replies: VecDeque<Bytes>,
    bytes: usize,
}

impl Outbox {
    /// Queues a reply, or a push that must keep its place among them.
    pub fn push(&mut self, reply: impl Into<Bytes>) {
        let reply = reply.into();
        self.bytes += reply.len();
        self.replies.push_back(reply);
    }

    /// Whether so much waits that nothing more should be asked for.
    pub const fn is_full(&self) -> bool {
        self.bytes > limits::REPLIES_BYTES
    }

    /// Moves replies into a frame, as far as it has room.
    pub fn drain_into(&mut self, frame: &mut Frame) {
        while frame.has_room()
            && let Some(reply) = self.replies.pop_front()
        {
            self.bytes -= reply.len();
            frame.add(reply);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }
}

/// One frame in the making: parts behind each other, with line feeds between those in JSON. A single part is passed on
/// without a copy.
#[derive(Debug)]
pub struct Frame {
    format: Format,
    first: Option<Bytes>,
    joined: BytesMut,
}

impl Frame {
    /// Nothing yet.
    pub fn new(format: Format) -> Self {
        Self { format, first: None, joined: BytesMut::new() }
    }

    /// Whether another part fits. A part may overshoot; the next does not follow it.
    pub fn has_room(&self) -> bool {
        self.len() < limits::WRITE_BYTES
    }

    /// Bytes until it is full.
    pub fn room(&self) -> usize {
        limits::WRITE_BYTES.saturating_sub(self.len())
    }

    fn len(&self) -> usize {
        self.first.as_ref().map_or(self.joined.len(), Bytes::len)
    }

    /// Adds a part.
    pub fn add(&mut self, part: Bytes) {
        if self.joined.is_empty() && self.first.is_none() {
            self.first = Some(part);
            return;
        }
        if let Some(first) = self.first.take() {
            self.joined.extend_from_slice(&first);
        }
        if self.format == Format::Json {
            self.joined.put_u8(b'\n');
        }
        self.joined.extend_from_slice(&part);
    }

    /// The message, if there is anything in it.
    pub fn finish(self) -> Option<Bytes> {
        self.first.or_else(|| (!self.joined.is_empty()).then(|| self.joined.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_go_out_in_order_and_a_frame_ends_when_it_is_full() {
        let mut outbox = Outbox::default();
        outbox.push("one");
        outbox.push("two");
        outbox.push("x".repeat(limits::WRITE_BYTES));
        outbox.push("last");
        let mut frame = Frame::new(Format::Json);
        outbox.drain_into(&mut frame);
        let text = frame.finish().unwrap();
        assert!(text.starts_with(b"one\ntwo\nxxx") && text.ends_with(b"x"));
        let mut frame = Frame::new(Format::Json);
        outbox.drain_into(&mut frame);
        assert_eq!(frame.finish().unwrap(), "last");
        assert!(outbox.is_empty() && Frame::new(Format::Json).finish().is_none());
    }
}
