//! Many rooms with one reader each: what a delivery takes on an instance that only hears of it, where nothing is shared among
//! readers. With another program beside it, both are measured in turn, so that the machine's moods meet both alike.

use crate::{
    bare::TEXT_BYTES,
    herd::{Door, Herd, has},
    postgres::Postgres,
    process::{self, Server},
    program, raise_file_limit,
    storm::redis,
};
use anyhow::{bail, ensure};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Rounds that are not counted.
const WARM_UP: usize = 3;
/// How long a round may take.
const ROUND_WITHIN: Duration = Duration::from_secs(60);
/// Sends in one frame: as many as a connection may have in flight.
const TOGETHER: usize = 64;

#[derive(clap::Args)]
pub(crate) struct Rooms {
    /// Rooms, each with one reader
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rooms: u32,
    /// Messages in each room that are counted
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// The server's program [default: `hubbub` beside this one]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Another program, for example of an earlier version, measured in turn with it
    #[arg(long, value_name = "FILE")]
    beside: Option<PathBuf>,
}

/// Two instances of one program: one takes the sends, the other has the readers.
struct Pair {
    _sending: Server,
    receiving: Server,
    herd: Herd,
    rooms: usize,
    heard: usize,
    answers: usize,
    asked: u64,
    /// CPU of a delivery on the receiving instance in each round, in microseconds.
    cpu: Vec<f64>,
}

pub fn measure(rooms: &Rooms) -> anyhow::Result<()> {
    let count = rooms.rooms as usize;
    raise_file_limit(2 * u64::from(rooms.rooms) + 200)?;
    let mut programs = vec![program(rooms.server.as_ref())?];
    programs.extend(rooms.beside.clone());
    let directory = tempfile::tempdir()?;
    let postgres = Postgres::start(&[]);
    let (_redis, bus) = redis(directory.path())?;
    let mut pairs = Vec::new();
    for (n, program) in programs.iter().enumerate() {
        println!("{}: {count} rooms with a reader each", program.display());
        pairs.push(Pair::start(program, &postgres.url(), &format!("rooms_{n}"), &bus, directory.path(), count)?);
    }
    for round in 0..WARM_UP + rooms.rounds as usize {
        for pair in &mut pairs {
            pair.round(round >= WARM_UP)?;
        }
    }
    println!();
    let medians: Vec<f64> = pairs.iter_mut().map(|pair| median(&mut pair.cpu)).collect();
    for ((program, pair), cpu) in programs.iter().zip(&pairs).zip(&medians) {
        let reads = pair.receiving.counter("hubbub_log_reads_total")?;
        println!(
            "{}: {cpu:.1} us of CPU a delivery on the receiving instance; the log was read {reads} times",
            program.display()
        );
    }
    if let [own, other] = medians[..] {
        println!("ratio {:.3}", own / other);
    }
    Ok(())
}

impl Pair {
    fn start(program: &Path, store: &str, schema: &str, bus: &str, place: &Path, rooms: usize) -> anyhow::Result<Self> {
        let flags = ["--store", store, "--schema", schema, "--bus", bus];
        let sending = Server::start_with(program, &flags, &place.join(format!("{schema}-sending")))?;
        let receiving = Server::start_with(program, &flags, &place.join(format!("{schema}-receiving")))?;
        for n in 0..rooms {
            let room = format!(r#"{{"id":"room-{n}","kind":"open","members":[{{"user":"sender"}}]}}"#);
            sending.ask("POST", "/v1/rooms", &room)?;
        }
        let mut herd = Herd::new()?;
        herd.open(
            sending.port,
            &[Door::Hubbub { user: "sender".into(), commands: String::new(), data: "", answers: 1 }],
        )?;
        let door = |n| Door::Hubbub {
            user: format!("reader-{n}"),
            commands: format!("\n{{\"id\":2,\"subscribe\":{{\"channel\":\"room:room-{n}\"}}}}"),
            data: "",
            answers: 2,
        };
        herd.open(receiving.port, &(0..rooms).map(door).collect::<Vec<_>>())?;
        Ok(Self { _sending: sending, receiving, herd, rooms, heard: 0, answers: 0, asked: 1, cpu: Vec::new() })
    }

    /// Says something in every room, and waits until every reader has it.
    fn round(&mut self, counts: bool) -> anyhow::Result<()> {
        let text = "x".repeat(TEXT_BYTES);
        let before = process::cpu(self.receiving.process.pid)?;
        let (all, answered) = (self.heard + self.rooms, self.answers + self.rooms);
        let lines: Vec<String> = (0..self.rooms)
            .map(|n| {
                self.asked += 1;
                let id = self.asked;
                format!(r#"{{"id":{id},"rpc":{{"method":"send","data":{{"room":"room-{n}","text":"{text}"}}}}}}"#)
            })
            .collect();
        for frame in lines.chunks(TOGETHER) {
            self.herd.say(0, &frame.join("\n"))?;
        }
        let deadline = Instant::now() + ROUND_WITHIN;
        while self.heard < all || self.answers < answered {
            let Self { herd, heard, answers, .. } = self;
            herd.turn(Duration::from_millis(100), |_, line, _| {
                if line.starts_with(br#"{"push":{"channel":"room:"#) {
                    *heard += 1;
                } else if line.starts_with(b"{\"id\":") && !has(line, b"\"error\":") {
                    *answers += 1;
                } else {
                    bail!("unexpected: {}", String::from_utf8_lossy(line));
                }
                Ok(())
            })?;
            ensure!(Instant::now() < deadline, "{} deliveries are missing", all - self.heard);
        }
        if counts {
            let cpu = process::cpu(self.receiving.process.pid)? - before;
            self.cpu.push(cpu / self.rooms as f64 * 1e6);
        }
        Ok(())
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
