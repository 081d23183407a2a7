//! Durable sends: many connections, many rooms, beside the same transaction looped without sockets.

use crate::{
    bare::{MEMBERS, ROOMS},
    distance,
    postgres::Postgres,
    process::{self, Loop, Server},
    report::{Budget, Report, number},
};
use anyhow::{Context, ensure};
use hubbub_core::limits;
use senders::Senders;
use std::{
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

mod senders;

/// Before anything is counted.
const WARM_UP: Duration = Duration::from_secs(1);
/// Turns that what is compared takes: the bare loop's two sizes of batches; messages alone, and with others among them.
const TURNS: u128 = 2;
/// How long one message per commit is tried.
const ONE_BY_ONE_MILLIS: u128 = 2_000;

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
    mixed: &'static str,
}

const POSTGRES: Names = Names {
    store: "Postgres",
    rate: "Postgres, sends/s",
    per_cpu: "Postgres, sends per CPU s (server + Postgres)",
    own: "Postgres, CPU ms per 1,000: server",
    database: "Postgres, CPU ms per 1,000: Postgres",
    ten_times: "Postgres, sends/s beside an insert per commit",
    mixed: "Postgres, 30 % reactions and edits, /s beside messages alone",
};

const SQLITE: Names = Names {
    store: "SQLite",
    rate: "SQLite, sends/s",
    per_cpu: "SQLite, sends per CPU s",
    own: "SQLite, CPU ms per 1,000",
    database: "",
    ten_times: "SQLite, sends/s beside a message per commit",
    mixed: "SQLite, 30 % reactions and edits, /s beside messages alone",
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
    let (ours, mix) = through_sockets(&server, Some(postgres.pid()), window)?;
    drop(server);
    let (mut bare, _) = Loop::start(&["postgres", &url, "bare"])?;
    let (floor, like_ours) = looped(&mut bare, Some(postgres.pid()), window, ours.batch, limits::COMMITTERS)?;
    bare.tell(&format!("insert {ONE_BY_ONE_MILLIS}"))?;
    let (rows, took) = counted(&bare.answer()?)?;
    let one_by_one = rows / took;
    drop(bare);
    drop(postgres);
    tell(&POSTGRES, &ours, &floor, &like_ours, one_by_one, report);
    tell_mix(&POSTGRES, &mix, report);

    println!("sends on SQLite");
    let file = |name| directory.path().join(name).display().to_string();
    let server = Server::start(program, &format!("sqlite:{}", file("ours.db")), &log)?;
    let (ours, mix) = through_sockets(&server, None, window)?;
    drop(server);
    let (mut bare, _) = Loop::start(&["sqlite", &file("bare.db")])?;
    let (floor, like_ours) = looped(&mut bare, None, window, ours.batch, 1)?;
    let (rows, took) = append(&mut bare, ONE_BY_ONE_MILLIS, 1, 1)?;
    let one_by_one = rows / took;
    drop(bare);
    tell(&SQLITE, &ours, &floor, &like_ours, one_by_one, report);
    tell_mix(&SQLITE, &mix, report);
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

/// Messages alone, and then in turn messages alone and with reactions and edits among them.
fn through_sockets(
    server: &Server,
    database: Option<u32>,
    window: Duration,
) -> anyhow::Result<(Work, Option<[Work; 2]>)> {
    let members: Vec<_> = (0..MEMBERS).map(|n| format!(r#"{{"user":"u{n}"}}"#)).collect();
    for room in 0..ROOMS {
        let new = format!(r#"{{"id":"r{room}","kind":"open","members":[{}]}}"#, members.join(","));
        server.ask("POST", "/v1/rooms", &new)?;
    }
    let mut senders = Senders::open(server.port)?;
    senders.begin()?;
    senders.go_on(WARM_UP)?;
    let look = |senders: &Senders| {
        let database = database.map_or(Ok(0.0), process::cpu_of_family)?;
        let cpu = [process::cpu(server.process.pid)?, database, process::cpu(std::process::id())?];
        let commits = server.counter("hubbub_commits_total")?;
        anyhow::Ok(Look { cpu, commits, answered: senders.answered as f64, at: Instant::now() })
    };
    let before = look(&senders)?;
    senders.go_on(window)?;
    let alone = Sum::default().and(&before, &look(&senders)?).work();
    println!("  through sockets: {} sends/s, {} to a commit", number(alone.per_second), number(alone.batch));

    // A program from before there were reactions is measured, too.
    let mix = if server.takes("/v1/rooms/r0/pins") {
        let mut sums = [Sum::default(), Sum::default()];
        for turn in 0..2 * TURNS {
            let is_mixed = turn % 2 == 0;
            senders.mix(is_mixed);
            senders.go_on(WARM_UP / 2)?;
            let before = look(&senders)?;
            senders.go_on(window / TURNS as u32)?;
            let sum = &mut sums[usize::from(!is_mixed)];
            *sum = sum.and(&before, &look(&senders)?);
        }
        Some(sums.map(|sum| sum.work()))
    } else {
        None
    };
    senders.drain()?;
    check_logs(server, senders.answered)?;
    Ok((alone, mix))
}

/// Counters at one moment.
struct Look {
    /// The server's, Postgres' and the load generator's.
    cpu: [f64; 3],
    commits: f64,
    answered: f64,
    at: Instant,
}

/// What was counted while something was measured.
#[derive(Default, Clone, Copy)]
struct Sum {
    cpu: [f64; 3],
    commits: f64,
    answered: f64,
    seconds: f64,
}

impl Sum {
    fn and(&self, before: &Look, after: &Look) -> Self {
        Self {
            cpu: std::array::from_fn(|n| self.cpu[n] + after.cpu[n] - before.cpu[n]),
            commits: self.commits + after.commits - before.commits,
            answered: self.answered + after.answered - before.answered,
            seconds: self.seconds + (after.at - before.at).as_secs_f64(),
        }
    }

    fn work(&self) -> Work {
        let [own, database, load] = self.cpu.map(|seconds| seconds / self.answered * 1e3);
        let (per_second, batch) = (self.answered / self.seconds, self.answered / self.commits);
        Work { per_second, own, database, load, batch }
    }
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

/// What reactions and edits among the messages cost: the law is that it is at most 15 % of what is durable in a second.
fn tell_mix(names: &Names, mix: &Option<[Work; 2]>, report: &mut Report) {
    let Some([mixed, alone]) = mix else { return };
    report.row(names.mixed, mixed.per_second, alone.per_second, Budget::RatioAtLeast(0.85));
    let beside = |part: fn(&Work) -> f64| format!("{} beside {}", number(part(mixed)), number(part(alone)));
    let (to_a_commit, cpu) = (beside(|work| work.batch), beside(|work| work.own * 1e3));
    let of_database = beside(|work| work.database * 1e3);
    report.word(format!(
        "{}, with 30 % reactions and edits beside messages alone: {to_a_commit} to a commit; CPU ms per 1,000: the server {cpu}, Postgres {of_database}.",
        names.store
    ));
}
