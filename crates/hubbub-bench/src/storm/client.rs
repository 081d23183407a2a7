//! One client of the crowd: what it says, and what it has read of its rooms.

use super::{crowd::Line, tally::Tally};
use crate::herd::{CLOSED, each_line, frame, has};
use anyhow::{Context, bail, ensure};
use hubbub::token::{self, Requirements};
use hubbub_core::model::ids::UserId;
use std::time::Duration;

const UPGRADE: &[u8] =
    b"GET /connection/websocket HTTP/1.1\r\nHost: bench\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// The command id of `connect`; subscribes follow, in the order of its rooms.
const CONNECT: usize = 1;
/// How long tokens are good.
const TOKEN_TTL: Duration = Duration::from_secs(7_200);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Away,
    Upgrading,
    Connecting,
    Subscribing,
    Live,
}

/// What became of bytes that were heard.
pub enum Happened {
    /// So many of them were whole.
    Used(usize),
    /// The client has to go and come again.
    Refused,
}

struct Room {
    number: u16,
    position: Option<u64>,
}

/// See the module.
pub struct Client {
    name: usize,
    rooms: Vec<Room>,
    epoch: String,
    token: String,
    state: State,
    answered: usize,
    failures: u32,
    turn: u32,
    progress: bool,
    pub line: Option<Line>,
}

impl Client {
    pub fn new(name: usize, rooms: Vec<u16>) -> Self {
        let rooms = rooms.into_iter().map(|number| Room { number, position: None }).collect();
        Self {
            name,
            rooms,
            epoch: String::new(),
            token: String::new(),
            state: State::Away,
            answered: 0,
            failures: 0,
            turn: 0,
            progress: false,
            line: None,
        }
    }

    /// What was due for it is not any more.
    pub fn next_turn(&mut self) -> u32 {
        self.turn = self.turn.wrapping_add(1);
        self.turn
    }

    pub fn is_turn(&self, turn: u32) -> bool {
        self.turn == turn
    }

    pub fn is_away(&self) -> bool {
        self.state == State::Away
    }

    /// Connected, and all its subscribes answered.
    pub fn is_live(&self) -> bool {
        self.state == State::Live
    }

    /// Whether it has come on since it was last asked.
    pub fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }

    /// How often it has failed in a row, before this time.
    pub fn failed(&mut self) -> u32 {
        self.failures += 1;
        self.failures - 1
    }

    pub fn hang_up(&mut self) {
        self.line = None;
        self.state = State::Away;
    }

    pub fn has_read(&self, heads: &[u64]) -> bool {
        self.rooms.iter().all(|room| room.position >= Some(heads[usize::from(room.number)]))
    }

    pub fn dialled(&mut self, stream: mio::net::TcpStream) -> anyhow::Result<()> {
        if self.token.is_empty() {
            let user = UserId::parse(&super::name(self.name))?;
            self.token = token::make(crate::process::TOKEN_SECRET, &Requirements::default(), &user, TOKEN_TTL)?;
        }
        self.line = Some(Line { stream, partial: Vec::new(), unwritten: UPGRADE.to_vec() });
        self.state = State::Upgrading;
        Ok(())
    }

    pub fn keep(&mut self, rest: &[u8]) {
        if let Some(line) = &mut self.line {
            line.partial.extend_from_slice(rest);
        }
    }

    fn say(&mut self, lines: &str) {
        if let Some(line) = &mut self.line {
            line.unwritten.extend(frame(lines));
        }
    }

    /// Hears what came; what is not whole yet is not used.
    pub fn hear(&mut self, bytes: &[u8], tally: &mut Tally) -> anyhow::Result<Happened> {
        let mut used = 0;
        if self.state == State::Upgrading {
            let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else { return Ok(Happened::Used(0)) };
            if bytes.starts_with(b"HTTP/1.1 503") {
                tally.refused += 1;
                return Ok(Happened::Refused);
            }
            ensure!(bytes.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&bytes[..end]));
            used = end + 4;
            self.step(State::Connecting);
            let connect = format!(r#"{{"id":{CONNECT},"connect":{{"token":"{}"}}}}"#, self.token);
            self.say(&connect);
        }
        let mut busy = false;
        let heard = each_line(&bytes[used..], &mut |line| {
            busy |= self.line(line, tally)?;
            Ok(())
        });
        match heard {
            Ok(more) => used += more,
            // It says why, and the client comes again.
            Err(error) if error.to_string().starts_with(CLOSED) => {
                tally.closed += 1;
                return Ok(Happened::Refused);
            }
            Err(error) => return Err(error),
        }
        if busy {
            tally.busy += 1;
            return Ok(Happened::Refused);
        }
        Ok(Happened::Used(used))
    }

    fn step(&mut self, state: State) {
        self.state = state;
        self.progress = true;
    }

    /// Returns whether it was told to come again.
    fn line(&mut self, line: &[u8], tally: &mut Tally) -> anyhow::Result<bool> {
        if line == b"{}" {
            self.say("{}");
        } else if let Some(push) = line.strip_prefix(b"{\"push\":{\"channel\":\"room:r") {
            let number = leading(push).context("a room's number")? as u16;
            ensure!(has(&line[..line.len().min(60)], b"\"pub\":"), "{}", String::from_utf8_lossy(line));
            let room = self.rooms.iter().position(|room| room.number == number).context("a room nobody follows")?;
            let at = last_offset(line).context("an offset")?;
            self.entry(room, at, tally)?;
        } else if let Some(answer) = line.strip_prefix(b"{\"id\":") {
            let id = leading(answer).context("an id")? as usize;
            if has(&line[..line.len().min(200)], b"\"error\":") {
                ensure!(has(line, b"\"temporary\":true"), "refused: {}", String::from_utf8_lossy(line));
                return Ok(true);
            }
            if id == CONNECT {
                self.subscribe();
            } else {
                self.subscribed(id - CONNECT - 1, line, tally)?;
            }
        }
        Ok(false)
    }

    fn subscribe(&mut self) {
        self.step(State::Subscribing);
        self.answered = 0;
        let mut lines = String::new();
        for (n, room) in self.rooms.iter().enumerate() {
            let (id, number) = (CONNECT + 1 + n, room.number);
            let from = room.position.map_or_else(String::new, |position| {
                format!(r#","recover":true,"offset":{position},"epoch":"{}""#, self.epoch)
            });
            lines.push_str(&format!("\n{{\"id\":{id},\"subscribe\":{{\"channel\":\"room:r{number}\"{from}}}}}"));
        }
        self.say(&lines[1..]);
    }

    fn subscribed(&mut self, room: usize, line: &[u8], tally: &mut Tally) -> anyhow::Result<()> {
        let text = String::from_utf8_lossy(line);
        let mut offsets = text.match_indices("\"offset\":").map(|(at, what)| leading(&line[at + what.len()..]));
        let first = offsets.next().flatten().unwrap_or(0);
        match self.rooms[room].position {
            None => self.rooms[room].position = Some(first),
            Some(position) => {
                ensure!(text.contains("\"recovered\":true"), "not recovered at {position}: {text:.300}");
                ensure!(first == position, "asked for what follows {position}, answered from {first}");
            }
        }
        for offset in offsets {
            self.entry(room, offset.context("an offset")?, tally)?;
        }
        if self.epoch.is_empty() {
            let (_, rest) = text.split_once("\"epoch\":\"").context("an epoch")?;
            self.epoch = rest.split('"').next().unwrap_or_default().to_owned();
        }
        self.answered += 1;
        self.progress = true;
        if self.answered == self.rooms.len() {
            self.failures = 0;
            self.step(State::Live);
        }
        Ok(())
    }

    fn entry(&mut self, room: usize, seq: u64, tally: &mut Tally) -> anyhow::Result<()> {
        tally.entries += 1;
        let room = &mut self.rooms[room];
        match room.position {
            Some(position) if seq == position + 1 => room.position = Some(seq),
            position => bail!("client {} read {seq} of room r{} after {position:?}", self.name, room.number),
        }
        Ok(())
    }
}

/// The number that some text begins with.
fn leading(text: &[u8]) -> Option<u64> {
    let digits = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

/// The number after the last `"offset":`, which ends a push.
fn last_offset(line: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"offset\":";
    let tail = &line[line.len().saturating_sub(40)..];
    let at = tail.windows(NAME.len()).rposition(|part| part == NAME)?;
    leading(&tail[at + NAME.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missed_entry_is_wanted_once_and_in_order() {
        let mut tally = Tally::default();
        let mut client = Client::new(1, vec![7]);
        client.subscribed(0, br#"{"id":2,"subscribe":{"epoch":"e-1","offset":4}}"#, &mut tally).unwrap();
        let push =
            |seq: u64| format!(r#"{{"push":{{"channel":"room:r7","pub":{{"data":{{"seq":{seq}}},"offset":{seq}}}}}}}"#);
        assert!(client.line(push(5).as_bytes(), &mut tally).is_ok());
        for wrong in [5, 7, 4] {
            assert!(client.line(push(wrong).as_bytes(), &mut tally).is_err(), "{wrong}");
        }
        assert!(client.has_read(&[0, 0, 0, 0, 0, 0, 0, 5]) && !client.has_read(&[9; 8]));
        let again = |from: u64, seqs: &[u64]| {
            let list: Vec<_> = seqs.iter().map(|seq| format!(r#"{{"data":{{}},"offset":{seq}}}"#)).collect();
            format!(
                r#"{{"id":2,"subscribe":{{"offset":{from},"recovered":true,"publications":[{}]}}}}"#,
                list.join(",")
            )
        };
        assert!(client.subscribed(0, again(4, &[]).as_bytes(), &mut tally).is_err());
        assert!(client.subscribed(0, again(5, &[7]).as_bytes(), &mut tally).is_err());
        assert!(client.subscribed(0, again(5, &[6, 7]).as_bytes(), &mut tally).is_ok());
    }
}
