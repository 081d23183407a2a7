//! Connections that keep a window of sends in flight, each to every room in turn; on demand with reactions and edits among them.

use crate::{
    bare::{MEMBERS, ROOMS, TEXT_BYTES},
    herd::{Door, Herd, has},
};
use anyhow::{bail, ensure};
use std::{
    collections::VecDeque,
    fmt::Write as _,
    time::{Duration, Instant},
};

/// Sends that each connection has in flight.
const WINDOW: usize = 16;
/// How long the last answers may take.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// Messages of its own that a connection remembers.
const REMEMBERED: usize = 64;
/// Different reactions that everybody adds to the first message of a room.
const WORDS: usize = 50;

/// See the module.
pub struct Senders {
    herd: Herd,
    each: Vec<Sender>,
    /// How many were answered.
    pub answered: usize,
    text: String,
    /// Since the first mix, whether there is one now.
    mixed: Option<bool>,
}

/// One of them.
#[derive(Default)]
struct Sender {
    /// How many it has sent.
    sent: usize,
    /// The same when reactions began.
    before_mix: usize,
    /// Rooms and numbers of messages of its own to which nothing was done.
    own: VecDeque<(usize, u64)>,
}

impl Senders {
    pub fn open(port: u16) -> anyhow::Result<Self> {
        let mut herd = Herd::new()?;
        let door = |n| Door::Hubbub { user: format!("u{n}"), commands: String::new(), data: "", answers: 1 };
        herd.open(port, &(0..MEMBERS).map(door).collect::<Vec<_>>())?;
        let each = (0..MEMBERS).map(|_| Sender::default()).collect();
        Ok(Self { herd, each, answered: 0, text: "x".repeat(TEXT_BYTES), mixed: None })
    }

    pub fn begin(&mut self) -> anyhow::Result<()> {
        for who in 0..MEMBERS {
            let mut lines = String::new();
            for _ in 0..WINDOW {
                self.each[who].add(&mut lines, who, &self.text, false)?;
            }
            self.herd.say(who, &lines)?;
        }
        Ok(())
    }

    /// Whether three in ten are reactions and edits from now on.
    pub fn mix(&mut self, mixed: bool) {
        if self.mixed.replace(mixed).is_none() {
            self.each.iter_mut().for_each(|sender| sender.before_mix = sender.sent);
        }
    }

    pub fn go_on(&mut self, span: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + span;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.turn(left, true)?;
        }
        Ok(())
    }

    pub fn drain(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAIN_WITHIN;
        let sent = self.each.iter().map(|sender| sender.sent).sum::<usize>();
        while self.answered < sent {
            self.turn(Duration::from_millis(100), false)?;
            ensure!(Instant::now() < deadline, "{} of {sent} sends were answered in time", self.answered);
        }
        Ok(())
    }

    fn turn(&mut self, at_most: Duration, more: bool) -> anyhow::Result<()> {
        let Self { herd, each, answered, text, mixed } = self;
        let mixed = *mixed == Some(true);
        herd.turn(at_most, |who, line, says| {
            let digits = line.iter().skip(6).take_while(|b| b.is_ascii_digit()).count();
            let taken = line.starts_with(b"{\"id\":") && line.get(6 + digits) == Some(&b',');
            if !taken || !has(&line[..line.len().min(30)], b"\"rpc\":") {
                bail!("a send was answered: {}", String::from_utf8_lossy(line));
            }
            *answered += 1;
            let sender = &mut each[who];
            if mixed {
                sender.remember(who, number(&line[6..]) as usize, line);
            }
            if more { sender.add(says, who, text, mixed) } else { Ok(()) }
        })
    }
}

impl Sender {
    /// Adds what it says next.
    fn add(&mut self, lines: &mut String, who: usize, text: &str, mixed: bool) -> anyhow::Result<()> {
        self.sent += 1;
        let id = self.sent + 1;
        if !lines.is_empty() {
            lines.push('\n');
        }
        let mut say = |method: &str, room: usize, rest: std::fmt::Arguments<'_>| {
            write!(
                lines,
                r#"{{"id":{id},"rpc":{{"method":"{method}","data":{{"room":"r{room}","key":"k{who}-{id}",{rest}}}}}}}"#
            )
        };
        let room = room(who, id);
        if mixed {
            // How often it has been in the room since there are reactions.
            let visit = (self.sent - self.before_mix) / ROOMS;
            let of_ten = self.sent % 10;
            if of_ten == 7 && visit < WORDS {
                let first = MEMBERS + 1;
                return Ok(say("react", room, format_args!(r#""target":{first},"reaction":"w{visit}""#))?);
            }
            if of_ten >= 7
                && let Some((room, target)) = self.own.pop_front()
            {
                return Ok(match of_ten {
                    9 => say("edit", room, format_args!(r#""target":{target},"text":"{text}!""#)),
                    _ => say("react", room, format_args!(r#""target":{target},"reaction":"+1""#)),
                }?);
            }
        }
        Ok(say("send", room, format_args!(r#""text":"{text}""#))?)
    }

    /// Remembers a message that was answered.
    fn remember(&mut self, who: usize, id: usize, line: &[u8]) {
        let is_message = (id - 1) % 10 < 7;
        let named = br#""seq":"#;
        if let Some(at) = line.windows(named.len()).position(|part| part == named)
            && is_message
            && self.own.len() < REMEMBERED
        {
            self.own.push_back((room(who, id), number(&line[at + named.len()..])));
        }
    }
}

/// The room to which the command `id` of a connection goes, where it chooses.
fn room(who: usize, id: usize) -> usize {
    (who * 31 + id - 1) % ROOMS
}

/// The number that this begins with.
fn number(digits: &[u8]) -> u64 {
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
