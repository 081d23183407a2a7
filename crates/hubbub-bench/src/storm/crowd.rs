//! Clients that lose their server all at once and come back as the SDKs do, on one thread.

use super::{
    client::{Client, Happened},
    tally::Tally,
};
use anyhow::{Context, ensure};
use mio::{Events, Interest, Poll, Token};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

/// How long the SDKs wait for an answer before they dial anew.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// The SDKs' shortest and longest waits between two dials.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(20));
/// How often it is looked who has caught up.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How many dial in a second when nothing hurries them.
const CALM: u32 = 1_500;

/// See the module.
pub struct Crowd {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    clients: Vec<Client>,
    /// When something is due for whom; stale unless the client's `turn` is still that one.
    due: BinaryHeap<Reverse<(Instant, usize, u32)>>,
    server: SocketAddr,
    /// Whether an answer that does not come makes a client dial anew.
    hurried: bool,
    random: u64,
    /// What has happened since the storm began.
    pub tally: Tally,
}

impl Crowd {
    /// Clients, each with the numbers of the rooms it follows.
    pub fn new(rooms_of: Vec<Vec<u16>>) -> anyhow::Result<Self> {
        let clients = rooms_of.into_iter().enumerate().map(|(n, rooms)| Client::new(n, rooms)).collect();
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; 256 * 1024],
            clients,
            due: BinaryHeap::new(),
            server: (Ipv4Addr::LOCALHOST, 0).into(),
            hurried: false,
            random: 0x9E37_79B9_7F4A_7C15,
            tally: Tally::default(),
        })
    }

    /// Everybody connects and subscribes, without haste.
    pub fn arrive(&mut self, port: u16, within: Duration) -> anyhow::Result<()> {
        self.server.set_port(port);
        let now = Instant::now();
        for n in 0..self.clients.len() {
            self.wait(n, now + Duration::from_secs(1) * n as u32 / CALM);
        }
        let deadline = now + within;
        while self.clients.iter().any(|client| !client.is_live()) {
            self.turn(Duration::from_millis(100))?;
            ensure!(Instant::now() < deadline, "not everybody could connect: {}", self.tally.words());
        }
        Ok(())
    }

    /// The server is gone: everybody notices when it next looks, and dials another, in haste.
    pub fn flee(&mut self, port: u16) -> anyhow::Result<()> {
        self.server.set_port(port);
        self.hurried = true;
        self.tally = Tally::default();
        let now = Instant::now();
        for n in 0..self.clients.len() {
            self.clients[n].hang_up();
            self.back_off(n, now);
        }
        Ok(())
    }

    /// Goes on until every client has read its rooms up to these seqs.
    pub fn until_read(&mut self, heads: &[u64], within: Duration, tell: bool) -> anyhow::Result<Vec<Duration>> {
        let began = Instant::now();
        let mut done: Vec<Option<Duration>> = vec![None; self.clients.len()];
        let (mut left, mut told, mut looked) = (done.len(), Instant::now(), Instant::now());
        while left > 0 {
            self.turn(Duration::from_millis(20))?;
            if looked.elapsed() < LOOK_EVERY {
                continue;
            }
            looked = Instant::now();
            for (client, done) in self.clients.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
                if client.is_live() && client.has_read(heads) {
                    *done = Some(began.elapsed());
                    left -= 1;
                }
            }
            if tell && told.elapsed() > Duration::from_secs(2) {
                println!(
                    "  {:>5.1} s: {left} are not caught up; {}",
                    began.elapsed().as_secs_f64(),
                    self.tally.words()
                );
                told = Instant::now();
            }
            ensure!(began.elapsed() < within, "{left} were not caught up in time; {}", self.tally.words());
        }
        Ok(done.into_iter().flatten().collect())
    }

    fn chance(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// The SDKs' backoff with full jitter.
    fn back_off(&mut self, n: usize, now: Instant) {
        let (least, most) = BACKOFF;
        let step = self.clients[n].failed();
        let span = least.saturating_mul(1 << step.min(16)).min(most);
        let wait = least + span.mul_f64((self.chance() % 1_000) as f64 / 1_000.0);
        self.wait(n, now + wait.min(most));
    }

    fn wait(&mut self, n: usize, at: Instant) {
        let turn = self.clients[n].next_turn();
        self.due.push(Reverse((at, n, turn)));
    }

    fn turn(&mut self, at_most: Duration) -> anyhow::Result<()> {
        match self.poll.poll(&mut self.events, Some(at_most)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let ready: Vec<(usize, bool)> = self.events.iter().map(|e| (e.token().0, e.is_readable())).collect();
        let is_all = ready.len() < self.events.capacity();
        for (n, readable) in ready {
            self.attend(n, readable)?;
        }
        // What has come already is no answer out of time.
        if is_all { self.heed_the_clock() } else { Ok(()) }
    }

    fn heed_the_clock(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        while let Some(Reverse((at, n, turn))) = self.due.peek().copied() {
            if at > now {
                break;
            }
            self.due.pop();
            if !self.clients[n].is_turn(turn) {
                continue;
            }
            if self.clients[n].is_away() {
                self.dial(n)?;
            } else {
                self.tally.unanswered += 1;
                self.clients[n].hang_up();
                self.back_off(n, now);
            }
        }
        Ok(())
    }

    fn dial(&mut self, n: usize) -> anyhow::Result<()> {
        self.tally.dials += 1;
        let mut stream = mio::net::TcpStream::connect(self.server).context("cannot dial")?;
        self.poll.registry().register(&mut stream, Token(n), Interest::READABLE | Interest::WRITABLE)?;
        self.clients[n].dialled(stream)?;
        self.expect(n);
        Ok(())
    }

    fn expect(&mut self, n: usize) {
        let patience = if self.hurried { ANSWER_WITHIN } else { 12 * ANSWER_WITHIN };
        self.wait(n, Instant::now() + patience);
    }

    fn attend(&mut self, n: usize, readable: bool) -> anyhow::Result<()> {
        let Some(line) = self.clients[n].line.as_mut() else { return Ok(()) };
        let mut gone = line.write().is_err();
        let mut more = readable;
        while more && !gone {
            let client = &mut self.clients[n];
            let Some(line) = client.line.as_mut() else { return Ok(()) };
            let kept = line.partial.len();
            self.buffer[..kept].copy_from_slice(&line.partial);
            let read = match line.stream.read(&mut self.buffer[kept..]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(0) | Err(_) => {
                    gone = true;
                    break;
                }
                Ok(read) => read,
            };
            let filled = kept + read;
            line.partial.clear();
            match client.hear(&self.buffer[..filled], &mut self.tally)? {
                Happened::Used(used) => client.keep(&self.buffer[used..filled]),
                Happened::Refused => {
                    client.hang_up();
                    self.back_off(n, Instant::now());
                    return Ok(());
                }
            }
            gone = client.line.as_mut().is_none_or(|line| line.write().is_err());
            // Less than asked for: there is no more, and epoll tells of what comes.
            more = filled == self.buffer.len();
        }
        if gone {
            self.tally.lost += 1;
            self.clients[n].hang_up();
            self.back_off(n, Instant::now());
        } else if self.clients[n].take_progress() {
            if self.clients[n].is_live() {
                // Nothing is owed to it.
                self.clients[n].next_turn();
            } else {
                self.expect(n);
            }
        }
        Ok(())
    }
}

/// One connection of a client.
pub struct Line {
    pub stream: mio::net::TcpStream,
    /// The beginning of what has not come whole.
    pub partial: Vec<u8>,
    /// What could not be written yet.
    pub unwritten: Vec<u8>,
}

impl Line {
    /// Writes what it can. Before the dial has succeeded that is nothing.
    pub fn write(&mut self) -> std::io::Result<()> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        while !self.unwritten.is_empty() {
            match self.stream.write(&self.unwritten) {
                Ok(written) => drop(self.unwritten.drain(..written)),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
