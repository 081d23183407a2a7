//! Frames of a WebSocket as a server reads and writes them: RFC 6455, sections 5 and 7.4, without extensions.

use super::Format;
use bytes::{Buf, Bytes, BytesMut};

/// The longest head of a server's frame, in bytes.
pub const HEAD_BYTES: usize = 10;
/// The longest payload of a control frame, in bytes: RFC 6455, section 5.5.
pub const CONTROL_BYTES: usize = 125;

/// Messages of at most so many bytes are copied.
const SHORT: usize = 16 * 1024;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
    /// The end of the connection.
    Close,
    /// To be answered by a pong with the same payload.
    Ping,
    /// The answer to a ping.
    Pong,
}

impl Kind {
    /// How this format travels.
    pub const fn of_format(format: Format) -> Self {
        match format {
            Format::Json => Self::Text,
            Format::Protobuf => Self::Binary,
        }
    }

    const fn opcode(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    /// Of a frame that begins something; `None`: of one that continues it.
    const fn of(opcode: u8) -> Result<Option<Self>, Fault> {
        Ok(Some(match opcode {
            0 => return Ok(None),
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return Err(Fault::Broken),
        }))
    }
}

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// A whole message of this kind, `Text` or `Binary`.
    Data(Kind, Bytes),
    /// To be answered with the same.
    Ping(Bytes),
    /// Nothing has to be done about it.
    Pong,
    /// It goes, with this code where it says one.
    Close(Option<u16>),
}

/// What no WebSocket says. Nothing that comes after it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It breaks the protocol.
    Broken,
    /// A text that is not UTF-8.
    NotUtf8,
    /// A message of more bytes than there may be.
    TooLong,
}

impl Fault {
    /// The code to close with: RFC 6455, section 7.4.1.
    pub const fn code(self) -> u16 {
        match self {
            Self::Broken => 1002,
            Self::NotUtf8 => 1007,
            Self::TooLong => 1009,
        }
    }
}

/// Reads what a client sends. Between messages it holds no memory.
#[derive(Debug)]
pub struct Reader {
    /// What has come and is not a whole frame yet.
    bytes: BytesMut,
    /// The message that is being continued, with its kind.
    begun: Option<(Kind, BytesMut)>,
    longest: usize,
}

struct Head {
    kind: Option<Kind>,
    is_last: bool,
    mask: [u8; 4],
    /// Bytes of the head itself.
    bytes: usize,
    payload: usize,
}

impl Reader {
    /// One that takes messages of at most `longest` bytes.
    pub fn new(longest: usize) -> Self {
        Self { bytes: BytesMut::new(), begun: None, longest }
    }

    /// Takes in what has come.
    pub fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes of a message that is not whole yet.
    pub fn held(&self) -> usize {
        self.bytes.len() + self.begun.as_ref().map_or(0, |(_, begun)| begun.len())
    }

    /// The next message, once all of it is there.
    ///
    /// # Errors
    /// What is no WebSocket. The reader is of no use then.
    pub fn read(&mut self) -> Result<Option<Message>, Fault> {
        while let Some(head) = self.head()? {
            if self.bytes.len() < head.bytes + head.payload {
                return Ok(None);
            }
            let mut payload = self.bytes.split_to(head.bytes + head.payload);
            payload.advance(head.bytes);
            unmask(&mut payload, head.mask);
            // A byte of what comes next would keep a long frame in memory.
            if self.bytes.is_empty() || payload.len() > SHORT {
                self.bytes = BytesMut::from(&self.bytes[..]);
            }
            if let Some(message) = self.message(&head, payload)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// The head of the frame that comes next, if it is there and there may be such a frame now.
    fn head(&self) -> Result<Option<Head>, Fault> {
        let (first, second, rest) = match &self.bytes[..] {
            [first, second, rest @ ..] => (*first, *second, rest),
            // What is wrong already need not be waited for.
            [first] => (*first, MASKED, &[][..]),
            [] => return Ok(None),
        };
        let (is_last, kind) = (first & FIN != 0, Kind::of(first & !(FIN | RESERVED))?);
        if first & RESERVED != 0 || second & MASKED == 0 {
            return Err(Fault::Broken);
        }
        let short = usize::from(second & !MASKED);
        let is_control = matches!(kind, Some(Kind::Close | Kind::Ping | Kind::Pong));
        let continues = kind.is_none();
        if is_control && (!is_last || short > CONTROL_BYTES) || !is_control && continues != self.begun.is_some() {
            return Err(Fault::Broken);
        }
        let (length, mask) = match (short, rest) {
            (126, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), rest),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest),
            (126 | 127, _) => return Ok(None),
            (short, rest) => (short as u64, rest),
        };
        let before = if is_control { 0 } else { self.begun.as_ref().map_or(0, |(_, begun)| begun.len()) };
        let payload = usize::try_from(length).ok().filter(|length| *length <= self.longest - before);
        let payload = payload.ok_or(Fault::TooLong)?;
        let [a, b, c, d, ..] = *mask else { return Ok(None) };
        let bytes = self.bytes.len() - mask.len() + 4;
        Ok(Some(Head { kind, is_last, mask: [a, b, c, d], bytes, payload }))
    }

    /// What this frame makes whole.
    fn message(&mut self, head: &Head, payload: BytesMut) -> Result<Option<Message>, Fault> {
        let (kind, whole) = match (head.kind, self.begun.take()) {
            (Some(Kind::Ping), begun) => {
                self.begun = begun;
                return Ok(Some(Message::Ping(Bytes::copy_from_slice(&payload))));
            }
            (Some(Kind::Pong), begun) => {
                self.begun = begun;
                return Ok(Some(Message::Pong));
            }
            (Some(Kind::Close), _) => return closing(&payload).map(|code| Some(Message::Close(code))),
            // What is continued is by itself, too.
            (Some(kind), _) if !head.is_last => (kind, BytesMut::from(&payload[..])),
            (Some(kind), _) => (kind, payload),
            (None, Some((kind, mut begun))) => {
                begun.extend_from_slice(&payload);
                (kind, begun)
            }
            (None, None) => return Err(Fault::Broken),
        };
        if !head.is_last {
            self.begun = Some((kind, whole));
            return Ok(None);
        }
        if kind == Kind::Text && str::from_utf8(&whole).is_err() {
            return Err(Fault::NotUtf8);
        }
        Ok(Some(Message::Data(kind, alone(whole))))
    }
}

/// A copy, where it is short: its memory may be that of a long one before it.
fn alone(payload: BytesMut) -> Bytes {
    if payload.len() > SHORT { payload.freeze() } else { Bytes::copy_from_slice(&payload) }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    if mask == [0; 4] {
        return;
    }
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let mut eights = payload.chunks_exact_mut(8);
    for eight in &mut eights {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(eight);
        eight.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in eights.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// The code that a client goes with.
fn closing(payload: &[u8]) -> Result<Option<u16>, Fault> {
    match payload {
        [] => Ok(None),
        [a, b, reason @ ..] => {
            let code = u16::from_be_bytes([*a, *b]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(Fault::Broken);
            }
            str::from_utf8(reason).map_err(|_| Fault::NotUtf8)?;
            Ok(Some(code))
        }
        [_] => Err(Fault::Broken),
    }
}

/// The head of a server's frame: so many of these bytes.
pub fn head(kind: Kind, payload: usize) -> ([u8; HEAD_BYTES], usize) {
    let mut head = [0; HEAD_BYTES];
    head[0] = FIN | kind.opcode();
    let bytes = match payload {
        0..126 => {
            head[1] = payload as u8;
            2
        }
        126..65_536 => {
            head[1] = 126;
            head[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
            4
        }
        _ => {
            head[1] = 127;
            head[2..].copy_from_slice(&(payload as u64).to_be_bytes());
            HEAD_BYTES
        }
    };
    (head, bytes)
}

/// The payload of a close: a code, and a reason of at most 123 bytes.
pub fn farewell(code: u16, reason: &str) -> Bytes {
    [&code.to_be_bytes(), reason.as_bytes()].concat().into()
}

#[cfg(test)]
mod tests;
