//! Durable sends: many connections, many rooms, beside the same transaction looped without sockets.

use crate::{
    bare::{MEMBERS, ROOMS, TEXT_BYTES},
    distance,
    herd::{Door, Herd},
    postgres::Postgres,
    process::{self, Loop, Server},
    report::{Budget, Report, number},
};
use anyhow::{Context, bail, ensure};
use hubbub_core::limits;
use std::{
    fmt::Write as _,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

/// Sends that each connection has in flight.
const WINDOW: usize = 16;
/// Before anything is counted.
const WARM_UP: Duration = Duration::from_secs(1);
/// Turns that the bare loop's two sizes of batches take.
const TURNS: u128 = 2;
/// How long one message per commit is tried.
const ONE_BY_ONE_MILLIS: u128 = 2_000;
/// How long the last answers may take.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);

/// What sends took.
struct Work {
    per_second: f64,
    /// CPU-seconds per thousand, of the server or the bare loop.
    own: f64,
    /// The same, of Postgres.
    database: f64,
    /// The same, of the load generator.
    load: f64,
    /// Messages per commit.
    batch: f64,
}

impl Work {
    fn cpu(&self) -> f64 {
        self.own + self.database
    }
}

/// The names of the rows, for each store.
struct Names {
    store: &'static str,
    rate: &'static str,
    per_cpu: &'static str,
    own: &'static str,
    database: &'static str,
    ten_times: &'static str,
}

const POSTGRES: Names = Names {
    store: "Postgres",
    rate: "Postgres, sends/s",
    per_cpu: "Postgres, sends per CPU s (server + Postgres)",
    own: "Postgres, CPU ms per 1,000: server",
    database: "Postgres, CPU ms per 1,000: Postgres",
    ten_times: "Postgres, sends/s beside an insert per commit",
};

const SQLITE: Names = Names {
    store: "SQLite",
    rate: "SQLite, sends/s",
    per_cpu: "SQLite, sends per CPU s",
    own: "SQLite, CPU ms per 1,000",
    database: "",
    ten_times: "SQLite, sends/s beside a message per commit",
};

pub fn measure(program: &Path, seconds: u32, round_trip: Duration, report: &mut Report) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let sync = sync_time(&directory.path().join("sync"))?;
    println!("a write and fdatasync of 4 KiB takes {} us here", number(sync * 1e6));
    let log = directory.path().join("log");
    let window = Duration::from_secs(u64::from(seconds));

    println!("sends on Postgres");
    let postgres = Postgres::start(&[]);
    let url = match round_trip {
        Duration::ZERO => postgres.url(),
        _ => {
            println!("  {} ms away", round_trip.as_millis());
            let port = distance::to(postgres.port(), round_trip)?;
            postgres.url().replace(&postgres.port().to_string(), &port.to_string())
        }
    };
    let server = Server::start(program, &url, &log)?;
    let ours = through_sockets(&server, Some(postgres.pid()), window)?;
    drop(server);
    let (mut bare, _) = Loop::start(&["postgres", &url, "bare"])?;
    let (floor, like_ours) = looped(&mut bare, Some(postgres.pid()), window, ours.batch, limits::COMMITTERS)?;
    bare.tell(&format!("insert {ONE_BY_ONE_MILLIS}"))?;
    let (rows, took) = counted(&bare.answer()?)?;
    let one_by_one = rows / took;
    drop(bare);
    drop(postgres);
    tell(&POSTGRES, &ours, &floor, &like_ours, one_by_one, report);

    println!("sends on SQLite");
    let file = |name| directory.path().join(name).display().to_string();
    let server = Server::start(program, &format!("sqlite:{}", file("ours.db")), &log)?;
    let ours = through_sockets(&server, None, window)?;
    drop(server);
    let (mut bare, _) = Loop::start(&["sqlite", &file("bare.db")])?;
    let (floor, like_ours) = looped(&mut bare, None, window, ours.batch, 1)?;
    let (rows, took) = append(&mut bare, ONE_BY_ONE_MILLIS, 1, 1)?;
    let one_by_one = rows / took;
    drop(bare);
    tell(&SQLITE, &ours, &floor, &like_ours, one_by_one, report);
    Ok(())
}

/// The time of one small durable write.
fn sync_time(file: &Path) -> anyhow::Result<f64> {
    let mut file = std::fs::File::create(file)?;
    let began = Instant::now();
    for _ in 0..100 {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
    }
    Ok(began.elapsed().as_secs_f64() / 100.0)
}

fn through_sockets(server: &Server, database: Option<u32>, window: Duration) -> anyhow::Result<Work> {
    let members: Vec<_> = (0..MEMBERS).map(|n| format!(r#"{{"user":"u{n}"}}"#)).collect();
    for room in 0..ROOMS {
        let new = format!(r#"{{"id":"r{room}","kind":"open","members":[{}]}}"#, members.join(","));
        server.ask("POST", "/v1/rooms", &new)?;
    }
    let mut senders = Senders { herd: Herd::new()?, sent: vec![0; MEMBERS], answered: 0, text: "x".repeat(TEXT_BYTES) };
    let door = |n| Door::Hubbub { user: format!("u{n}"), commands: String::new(), answers: 1 };
    senders.herd.open(server.port, &(0..MEMBERS).map(door).collect::<Vec<_>>())?;
    senders.begin()?;
    senders.go_on(WARM_UP)?;

    let cpu = || {
        let database = database.map_or(Ok(0.0), process::cpu_of_family)?;
        anyhow::Ok((process::cpu(server.process.pid)?, database, process::cpu(std::process::id())?))
    };
    let counters =
        || anyhow::Ok((server.counter("hubbub_entries_appended_total")?, server.counter("hubbub_commits_total")?));
    let (before, counted, answered, began) = (cpu()?, counters()?, senders.answered, Instant::now());
    senders.go_on(window)?;
    let (after, elapsed, answered) = (cpu()?, began.elapsed().as_secs_f64(), senders.answered - answered);
    let (appended, commits) = counters()?;
    senders.drain()?;
    check_logs(server, senders.answered)?;
    let thousands = answered as f64 / 1e3;
    let work = Work {
        per_second: answered as f64 / elapsed,
        own: (after.0 - before.0) / thousands,
        database: (after.1 - before.1) / thousands,
        load: (after.2 - before.2) / thousands,
        batch: (appended - counted.0) / (commits - counted.1),
    };
    println!("  through sockets: {} sends/s, {} to a commit", number(work.per_second), number(work.batch));
    Ok(work)
}

/// The logs must hold what was acknowledged, no more and no less.
fn check_logs(server: &Server, answered: usize) -> anyhow::Result<()> {
    let mut held = 0;
    for room in 0..ROOMS {
        let view: serde_json::Value = serde_json::from_str(&server.ask("GET", &format!("/v1/rooms/r{room}"), "")?)?;
        held += view["head"].as_u64().context("a room has no head")? as usize - MEMBERS;
    }
    ensure!(held == answered, "{answered} sends were acknowledged, and the logs hold {held}");
    Ok(())
}

/// Connections that keep a window of sends in flight, each to every room in turn.
struct Senders {
    herd: Herd,
    /// How many each has sent.
    sent: Vec<usize>,
    answered: usize,
    text: String,
}

impl Senders {
    fn begin(&mut self) -> anyhow::Result<()> {
        for who in 0..MEMBERS {
            let mut lines = String::new();
            for _ in 0..WINDOW {
                add_send(&mut lines, who, &mut self.sent[who], &self.text)?;
            }
            self.herd.say(who, &lines)?;
        }
        Ok(())
    }

    fn go_on(&mut self, span: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + span;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.turn(left, true)?;
        }
        Ok(())
    }

    fn drain(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAIN_WITHIN;
        let sent = self.sent.iter().sum::<usize>();
        while self.answered < sent {
            self.turn(Duration::from_millis(100), false)?;
            ensure!(Instant::now() < deadline, "{} of {sent} sends were answered in time", self.answered);
        }
        Ok(())
    }

    fn turn(&mut self, at_most: Duration, more: bool) -> anyhow::Result<()> {
        let Self { herd, sent, answered, text } = self;
        herd.turn(at_most, |who, line, says| {
            let taken =
                line.starts_with(b"{\"id\":") && line.iter().skip(6).find(|b| !b.is_ascii_digit()) == Some(&b',');
            if !taken || !crate::herd::has(&line[..line.len().min(30)], b"\"rpc\":") {
                bail!("a send was answered: {}", String::from_utf8_lossy(line));
            }
            *answered += 1;
            if more { add_send(says, who, &mut sent[who], text) } else { Ok(()) }
        })
    }
}

fn add_send(lines: &mut String, who: usize, sent: &mut usize, text: &str) -> anyhow::Result<()> {
    *sent += 1;
    let (id, room) = (*sent + 1, (who * 31 + *sent) % ROOMS);
    let separator = if lines.is_empty() { "" } else { "\n" };
    write!(
        lines,
        r#"{separator}{{"id":{id},"rpc":{{"method":"send","data":{{"room":"r{room}","key":"k{who}-{id}","text":"{text}"}}}}}}"#
    )?;
    Ok(())
}

/// Lets a bare loop run with full batches and, in turn with that, with such as Hubbub had: so both meet the same tables.
fn looped(
    bare: &mut Loop,
    database: Option<u32>,
    window: Duration,
    ours: f64,
    loops: usize,
) -> anyhow::Result<(Work, Work)> {
    let sizes = [limits::BATCH, (ours.round() as usize).clamp(1, limits::BATCH)];
    let (pid, millis) = (bare.process.pid, window.as_millis() / TURNS);
    let cpu = || anyhow::Ok((process::cpu(pid)?, database.map_or(Ok(0.0), process::cpu_of_family)?));
    let mut sums = [(0.0, 0.0, 0.0, 0.0); 2];
    append(bare, WARM_UP.as_millis(), limits::BATCH, loops)?;
    for _ in 0..TURNS {
        for (batch, sum) in sizes.into_iter().zip(&mut sums) {
            let before = cpu()?;
            let (rows, seconds) = append(bare, millis, batch, loops)?;
            let after = cpu()?;
            *sum = (sum.0 + rows, sum.1 + seconds, sum.2 + after.0 - before.0, sum.3 + after.1 - before.1);
        }
    }
    let work = |n: usize| {
        let (rows, seconds, own, of_database) = sums[n];
        let (per_second, batch) = (rows / seconds, sizes[n] as f64);
        println!("  without sockets: {} messages/s, {batch} to a commit", number(per_second));
        Work { per_second, own: own / rows * 1e3, database: of_database / rows * 1e3, load: 0.0, batch }
    };
    Ok((work(0), work(1)))
}

/// Messages, and seconds.
fn append(bare: &mut Loop, millis: u128, batch: usize, loops: usize) -> anyhow::Result<(f64, f64)> {
    bare.tell(&format!("append {millis} {batch} {loops}"))?;
    counted(&bare.answer()?)
}

fn counted(answer: &str) -> anyhow::Result<(f64, f64)> {
    let (rows, seconds) = answer.split_once(' ').context("a bare loop answers with messages and seconds")?;
    Ok((rows.parse()?, seconds.parse()?))
}

fn tell(names: &Names, ours: &Work, floor: &Work, like_ours: &Work, one_by_one: f64, report: &mut Report) {
    let to_be_had = Budget::RatioAtLeast(0.6);
    let is_server = floor.database > 0.0;
    report.row(names.rate, ours.per_second, floor.per_second, if is_server { to_be_had } else { Budget::None });
    let per_cpu = |work: &Work| 1e3 / work.cpu();
    report.row(names.per_cpu, per_cpu(ours), per_cpu(floor), if is_server { to_be_had } else { Budget::None });
    report.row(names.own, ours.own * 1e3, floor.own * 1e3, Budget::None);
    if is_server {
        report.row(names.database, ours.database * 1e3, floor.database * 1e3, Budget::None);
    }
    report.row(
        names.ten_times,
        ours.per_second,
        one_by_one,
        if is_server { Budget::RatioAtLeast(10.0) } else { Budget::None },
    );

    let ms = |cpu: f64| number(cpu * 1e3);
    let store = names.store;
    report.word(format!(
        "{store}: commits carried {} messages on average (the bare loop's {}); with as many to a commit, the bare loop makes {} a second. The load generator took {} ms of CPU per thousand, beside what is counted.",
        number(ours.batch),
        number(floor.batch),
        number(like_ours.per_second),
        ms(ours.load),
    ));
    // They add up to what a send costs.
    let parts = [
        ("the transaction in full batches", floor.cpu()),
        ("smaller batches", like_ours.cpu() - floor.cpu()),
        ("sockets, protocol and queues", ours.cpu() - like_ours.cpu()),
    ];
    let list: Vec<_> = parts.iter().map(|(name, cpu)| format!("{} {name}", ms(*cpu))).collect();
    let most = parts.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or("nothing", |(name, _)| *name);
    let total = ms(ours.cpu());
    report.word(format!("{store}: a thousand sends take {total} ms of CPU: {}. Most: {most}.", list.join(", ")));
}
