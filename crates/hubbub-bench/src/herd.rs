//! Many WebSocket clients on one thread: raw epoll, one shared buffer, nothing parsed but frame headers and line ends.

use anyhow::{Context, bail, ensure};
use hubbub::token::{self, Requirements};
use hubbub_core::model::ids::UserId;
use mio::{Events, Interest, Poll, Token};
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Connections opened before their answers are awaited.
const AT_ONCE: usize = 100;
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// What the error begins with when the server closes.
pub const CLOSED: &str = "the server closed";
/// How long tokens are good.
const TOKEN_TTL: Duration = Duration::from_secs(3_600);

/// See the module.
pub struct Herd {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    clients: Vec<Client>,
}

struct Client {
    stream: mio::net::TcpStream,
    /// The beginning of a frame whose rest has not come.
    partial: Vec<u8>,
    /// What could not be written yet.
    unwritten: Vec<u8>,
}

/// How connections begin.
pub enum Door {
    /// Hubbub: an upgrade, then `connect` as this user, with `data` behind the token and the other commands in the same frame.
    Hubbub { user: String, commands: String, data: &'static str, answers: usize },
    /// A bare loop: it says one line.
    Bare,
}

impl Herd {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; 256 * 1024],
            clients: vec![],
        })
    }

    /// Opens connections, some at once; returns when all have been answered.
    pub fn open(&mut self, port: u16, doors: &[Door]) -> anyhow::Result<()> {
        for doors in doors.chunks(AT_ONCE) {
            let mut streams = Vec::with_capacity(doors.len());
            for door in doors {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).context("cannot connect")?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(ANSWER_WITHIN))?;
                if matches!(door, Door::Hubbub { .. }) {
                    stream.write_all(
                        b"GET /connection/websocket HTTP/1.1\r\nHost: bench\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                    )?;
                }
                streams.push(stream);
            }
            for (stream, door) in streams.iter_mut().zip(doors) {
                let Door::Hubbub { user, commands, data, .. } = door else { continue };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).context("no answer to an upgrade")?;
                    head.push(byte[0]);
                }
                ensure!(
                    head.starts_with(b"HTTP/1.1 101"),
                    "an upgrade was refused: {}",
                    String::from_utf8_lossy(&head)
                );
                let user = UserId::parse(user)?;
                let token = token::make(crate::process::TOKEN_SECRET, &Requirements::default(), &user, TOKEN_TTL)?;
                let connect = format!(r#"{{"id":1,"connect":{{"token":"{token}"{data}}}}}"#);
                stream.write_all(&frame(&(connect + commands)))?;
            }
            for (mut stream, door) in streams.into_iter().zip(doors) {
                let answers = match door {
                    Door::Hubbub { answers, .. } => *answers,
                    Door::Bare => 1,
                };
                await_answers(&mut stream, answers, &mut self.buffer)?;
                self.take_in(stream)?;
            }
        }
        Ok(())
    }

    fn take_in(&mut self, stream: TcpStream) -> anyhow::Result<()> {
        stream.set_nonblocking(true)?;
        let mut stream = mio::net::TcpStream::from_std(stream);
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(self.clients.len()), interest)?;
        self.clients.push(Client { stream, partial: Vec::new(), unwritten: Vec::new() });
        Ok(())
    }

    /// Says something as one of them: one frame, however many lines.
    pub fn say(&mut self, client: usize, lines: &str) -> anyhow::Result<()> {
        self.clients[client].unwritten.extend(frame(lines));
        self.clients[client].write()
    }

    /// Waits for what comes, at most so long, and hands on each line with who got it. What `on_line` puts into its last
    /// argument is said by that client, as one frame.
    pub fn turn(
        &mut self,
        at_most: Duration,
        mut on_line: impl FnMut(usize, &[u8], &mut String) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self.poll.poll(&mut self.events, Some(at_most)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let mut says = String::new();
        for event in &self.events {
            let number = event.token().0;
            let client = &mut self.clients[number];
            if event.is_readable() {
                client.read(&mut self.buffer, &mut |line| {
                    if line == b"{}" {
                        says.push_str(if says.is_empty() { "{}" } else { "\n{}" });
                        return Ok(());
                    }
                    on_line(number, line, &mut says)
                })?;
            }
            if !says.is_empty() {
                client.unwritten.extend(frame(&says));
                says.clear();
            }
            client.write()?;
        }
        Ok(())
    }
}

impl Client {
    fn write(&mut self) -> anyhow::Result<()> {
        while !self.unwritten.is_empty() {
            match self.stream.write(&self.unwritten) {
                Ok(written) => drop(self.unwritten.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("a client cannot write"),
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], on_line: &mut impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        loop {
            let kept = self.partial.len();
            buffer[..kept].copy_from_slice(&self.partial);
            let read = match self.stream.read(&mut buffer[kept..]) {
                Ok(0) => bail!("a connection was closed"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("a client cannot read"),
            };
            let filled = kept + read;
            let used = each_line(&buffer[..filled], on_line)?;
            self.partial.clear();
            self.partial.extend_from_slice(&buffer[used..filled]);
            if filled < buffer.len() {
                // Less than asked for: there is no more, and epoll tells of what comes.
                return Ok(());
            }
        }
    }
}

fn await_answers(stream: &mut TcpStream, answers: usize, buffer: &mut [u8]) -> anyhow::Result<()> {
    let (mut filled, mut seen) = (0, 0);
    while seen < answers {
        let read = stream.read(&mut buffer[filled..]).context("no answer to connect and subscribe")?;
        ensure!(read > 0, "a connection was closed while it was opened");
        filled += read;
        let used = each_line(&buffer[..filled], &mut |line| {
            ensure!(!has(line, b"\"error\":"), "refused: {}", String::from_utf8_lossy(line));
            seen += usize::from(line.starts_with(b"{\"id\":"));
            Ok(())
        })?;
        buffer.copy_within(used..filled, 0);
        filled -= used;
    }
    ensure!(filled == 0, "more came than was asked for");
    Ok(())
}

/// Whether a line has this in it.
pub fn has(line: &[u8], what: &[u8]) -> bool {
    line.windows(what.len()).any(|part| part == what)
}

/// Hands on the lines of the whole frames at the start of `bytes`; returns how many bytes they took.
pub fn each_line(bytes: &[u8], on_line: &mut impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<usize> {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let (head, length) = match rest {
            [_, 127, a, b, c, d, e, f, g, h, ..] => {
                (10, usize::try_from(u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))?)
            }
            [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([*a, *b]))),
            [_, length @ ..126, ..] => (2, usize::from(*length)),
            _ => return Ok(at),
        };
        let Some(payload) = rest.get(head..head + length) else { return Ok(at) };
        match rest[0] {
            0x81 => {}
            0x88 => bail!("{CLOSED}: {}", String::from_utf8_lossy(payload.get(2..).unwrap_or_default())),
            other => bail!("a frame that begins with {other:#x}"),
        }
        for line in payload.split(|byte| *byte == b'\n') {
            on_line(line)?;
        }
        at += head + length;
    }
}

/// A text frame of a client. Its mask is zero, which leaves the text as it is.
pub fn frame(text: &str) -> Vec<u8> {
    let mut frame = head(text.len(), 0x80);
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// A text frame of a server.
pub fn server_frame(text: &[u8]) -> Vec<u8> {
    let mut frame = head(text.len(), 0);
    frame.extend_from_slice(text);
    frame
}

fn head(length: usize, masked: u8) -> Vec<u8> {
    match length {
        0..126 => vec![0x81, masked | length as u8],
        126..65_536 => [&[0x81, masked | 126], &(length as u16).to_be_bytes()[..]].concat(),
        _ => [&[0x81, masked | 127], &(length as u64).to_be_bytes()[..]].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_whole_frames_are_handed_on() {
        let long = "x".repeat(300);
        let bytes = [server_frame(b"one\ntwo"), server_frame(long.as_bytes()), server_frame(b"cut")].concat();
        let mut lines = Vec::new();
        let used = each_line(&bytes[..bytes.len() - 1], &mut |line| {
            lines.push(String::from_utf8_lossy(line).into_owned());
            Ok(())
        });
        assert_eq!((used.unwrap(), lines), (bytes.len() - 5, vec!["one".into(), "two".into(), long]));
    }
}
