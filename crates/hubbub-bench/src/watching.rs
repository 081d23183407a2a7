//! Users in many rooms who are told of all of them: what a connection takes in memory beside a plain one, and what a message to a
//! room of all of them takes in CPU beside the same with a subscription each.

use crate::{
    bare::TEXT_BYTES,
    herd::{Door, Herd, has},
    process::{self, Server},
    program, raise_file_limit,
};
use anyhow::{bail, ensure};
use hubbub_core::limits;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Messages that are not counted.
const WARM_UP: usize = 2;
/// How long one message may take to all of them.
const ROUND_WITHIN: Duration = Duration::from_secs(60);
/// Connections opened before those who only connect count as having arrived.
const TOGETHER: usize = 1_500;
/// How long memory settles.
const SETTLE: Duration = Duration::from_secs(3);
/// Longer than between two hints about one room.
const PAUSE: Duration = Duration::from_millis(1_100);

#[derive(clap::Args)]
pub(crate) struct Watching {
    /// Users with a connection each, all of them in one room
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10..=50_000))]
    users: u32,
    /// Rooms of each user beside that
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(0..=5_000))]
    rooms: u32,
    /// Messages that are counted
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    messages: u32,
    /// The server's program [default: `hubbub` beside this one]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// What users are told, and how they ask for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nothing: what a connection takes by itself.
    Plain,
    /// That something has happened, in all their rooms.
    Activity,
    /// The entries of the room of all.
    Subscription,
}

pub fn measure(asked: &Watching) -> anyhow::Result<()> {
    let (users, rooms) = (asked.users as usize, asked.rooms as usize);
    raise_file_limit(u64::from(asked.users) + 200)?;
    let program = program(asked.server.as_ref())?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("hubbub.db");
    fill(&program, directory.path(), &file, users, rooms)?;
    let mut memory = Vec::new();
    for way in [Way::Plain, Way::Activity, Way::Subscription] {
        let store = format!("sqlite:{}", file.display());
        let server = Server::start(&program, &store, &directory.path().join("log"))?;
        let pid = server.process.pid;
        let mut herd = Herd::new()?;
        let sender = Door::Hubbub { user: "sender".into(), commands: String::new(), data: "", answers: 1 };
        herd.open(server.port, &[sender])?;
        let before = process::resident(pid)?;
        let doors: Vec<_> = (0..users).map(|n| door(n, way)).collect();
        let began = Instant::now();
        let mut told = Told::default();
        for some in doors.chunks(TOGETHER) {
            herd.open(server.port, some)?;
            // Who subscribes to nothing counts as arriving for a while.
            let arrived = Instant::now() + limits::ARRIVING_WITHIN;
            while way != Way::Subscription && Instant::now() < arrived {
                told.turn(&mut herd)?;
            }
        }
        let settled = Instant::now() + SETTLE;
        // A user's rooms are one read; who is told along with the answer to `connect` is not counted by what is heard.
        let is_read = || server.counter("hubbub_activity_reads_total").is_ok_and(|reads| reads >= users as f64);
        while Instant::now() < settled || (way == Way::Activity && !is_read()) {
            ensure!(began.elapsed() < 10 * ROUND_WITHIN, "the rooms of some are not read");
            told.turn(&mut herd)?;
        }
        let name = match way {
            Way::Plain => "plain",
            Way::Activity => "with activity",
            Way::Subscription => "with a subscription",
        };
        let each = (process::resident(pid)? - before) / users as f64;
        println!("{name}: {users} connections in {:.1} s, {each:.2} KiB each", began.elapsed().as_secs_f64());
        memory.push(each);
        if way == Way::Plain {
            continue;
        }
        let mut cpu = Vec::new();
        let mut took = Vec::new();
        for round in 0..WARM_UP + asked.messages as usize {
            let pause = Instant::now() + PAUSE;
            while Instant::now() < pause {
                told.turn(&mut herd)?;
            }
            let (wanted, used, at) = (told.told + users, process::cpu(pid)?, Instant::now());
            let text = "x".repeat(TEXT_BYTES);
            let send =
                format!(r#"{{"id":{},"rpc":{{"method":"send","data":{{"room":"hall","text":"{text}"}}}}}}"#, round + 2);
            herd.say(0, &send)?;
            while told.told < wanted {
                told.turn(&mut herd)?;
                ensure!(at.elapsed() < ROUND_WITHIN, "{} are missing", wanted - told.told);
            }
            if round >= WARM_UP {
                cpu.push(process::cpu(pid)? - used);
                took.push(at.elapsed().as_secs_f64());
            }
        }
        let (cpu, took) = (median(&mut cpu), median(&mut took));
        println!(
            "{name}: a message to all {users} takes {:.1} ms of CPU ({:.1} us each), and is with the last after {:.0} ms",
            cpu * 1e3,
            cpu / users as f64 * 1e6,
            took * 1e3
        );
        println!(
            "{name}: {:.0} reads of rooms and members",
            server.counter("hubbub_activity_reads_total").unwrap_or(0.0)
        );
    }
    if let [plain, activity, subscription] = memory[..] {
        println!(
            "a user in {rooms} rooms takes {:.2} KiB more with activity; one subscription {:.2} KiB",
            activity - plain,
            subscription - plain
        );
    }
    Ok(())
}

fn door(n: usize, way: Way) -> Door {
    let (data, commands, answers) = match way {
        Way::Plain => ("", String::new(), 1),
        Way::Activity => (r#","data":{"activity":true}"#, String::new(), 1),
        Way::Subscription => ("", "\n{\"id\":2,\"subscribe\":{\"channel\":\"room:hall\"}}".into(), 2),
    };
    Door::Hubbub { user: format!("user-{n}"), commands, data, answers }
}

/// What has come to all of them.
#[derive(Default)]
struct Told {
    told: usize,
}

impl Told {
    fn turn(&mut self, herd: &mut Herd) -> anyhow::Result<()> {
        herd.turn(Duration::from_millis(20), |_, line, _| {
            if has(line, b"\"type\":\"activity\"") || has(line, b"\"channel\":\"room:hall\"") {
                self.told += 1;
            } else if has(line, b"\"error\":") {
                bail!("unexpected: {}", String::from_utf8_lossy(line));
            }
            Ok(())
        })
    }
}

/// Makes the file: memberships are written as they lie, since each would else be an entry.
fn fill(program: &Path, place: &Path, file: &Path, users: usize, rooms: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    drop(Server::start(program, &format!("sqlite:{}", file.display()), &place.join("log"))?);
    let mut connection = rusqlite::Connection::open(file)?;
    // Millions of rows, into an index by users: all of it stays in memory until it is whole, and nothing is lost with it.
    connection.execute_batch("PRAGMA cache_size = -2000000; PRAGMA synchronous = OFF")?;
    let transaction = connection.transaction()?;
    let make = "INSERT INTO rooms (id, kind, name, head, created_at) VALUES (?1, 'private', '', 1, 0)";
    let join = "INSERT INTO members (room, user_id, standing, since) VALUES (?1, ?2, 'member', 1)";
    let mut written = 0;
    // A tenth of the users in each of ten times as many rooms.
    for n in 0..=10 * rooms {
        let id = if n == 0 { "hall".to_owned() } else { format!("room-{n}") };
        transaction.execute(make, [&id])?;
        let no = transaction.last_insert_rowid();
        let mut statement = transaction.prepare_cached(join)?;
        let (first, step) = if n == 0 { (0, 1) } else { (n % 10, 10) };
        for user in (first..users).step_by(step) {
            statement.execute(rusqlite::params![no, format!("user-{user}")])?;
            written += 1;
        }
        if n == 0 {
            statement.execute(rusqlite::params![no, "sender"])?;
        }
    }
    transaction.commit()?;
    println!("{written} memberships written in {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
