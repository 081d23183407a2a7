//! A storm: all clients of one instance lose it at once, miss something, and come back to another.

use crate::{
    postgres::Postgres,
    process::{self, Process, Server},
};
use anyhow::{Context, ensure};
use crowd::Crowd;
use hubbub::store::{RoomProposal, Store, postgres::PostgresStore};
use hubbub_core::{
    limits,
    log::{
        entry::{Draft, Right},
        kinds::{Joined, Message, Text, What},
    },
    model::{
        access::{Role, RoomKind},
        ids::{Key, RoomId, UserId},
    },
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use talk::Talk;
use tokio::runtime::Runtime;
use uuid::Uuid;

mod client;
mod crowd;
mod talk;
mod tally;

/// Sends a second that are watched, on each of two instances.
const RATE: u32 = 50;
/// Sends a second into the rooms of the storm while it lasts.
const TRICKLE: u32 = 5;
/// Rooms of people whose sends are watched.
const OTHER_ROOMS: usize = 50;
/// How long sends are watched before the storm.
const CALM: Duration = Duration::from_secs(5);
/// How long each part may take.
const WITHIN: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
pub struct Storm {
    /// Clients that lose their instance
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub clients: u32,
    /// Rooms there are
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub rooms: u16,
    /// Rooms that each client follows
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub each: u16,
    /// Messages missed in each room; in one room of a hundred, sixty times as many
    #[arg(long, default_value_t = 5)]
    pub missed: u32,
    /// The killed instance is started again and they all come back to it, instead of to the other one
    #[arg(long)]
    pub restart: bool,
    /// The server's program [default: `hubbub` beside this one]
    #[arg(long, value_name = "FILE")]
    pub server: Option<PathBuf>,
}

pub async fn raw(postgres: &Postgres) -> anyhow::Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The name of a client's user.
pub fn name(client: usize) -> String {
    format!("c{client}")
}

/// The rooms of a client: neighbours share some and not all.
fn rooms_of(client: usize, storm: &Storm) -> Vec<u16> {
    let (all, each) = (usize::from(storm.rooms), usize::from(storm.each.min(storm.rooms)));
    (0..each).map(|n| ((client * 7 + n * (all / each)) % all) as u16).collect()
}

pub fn measure(program: &Path, storm: &Storm) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let runtime = Runtime::new()?;
    let settings = ["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=top"];
    let postgres = Postgres::start(&settings);
    let (redis, bus) = redis(directory.path())?;
    let start = |name: &str| {
        let store = postgres.url();
        Server::start_with(program, &["--store", &store, "--bus", &bus], &directory.path().join(name))
    };
    let (doomed, heir, bystander) = (start("a")?, start("b")?, start("c")?);
    let store: Arc<dyn Store> = Arc::new(runtime.block_on(PostgresStore::connect(&postgres.url(), "hubbub"))?);
    let everybody: Vec<Vec<u16>> = (0..storm.clients as usize).map(|n| rooms_of(n, storm)).collect();
    let began = Instant::now();
    runtime.block_on(make_rooms(&store, storm, &everybody))?;
    println!("{} rooms were made in {:.1} s", storm.rooms, began.elapsed().as_secs_f64());

    let mut crowd = Crowd::new(everybody)?;
    let began = Instant::now();
    crowd.arrive(doomed.port, WITHIN)?;
    println!(
        "{} clients in {} rooms each connected in {:.1} s",
        storm.clients,
        storm.each,
        began.elapsed().as_secs_f64()
    );
    // Rooms of their own: nobody waits for a row that the other instance has locked.
    let talk = |server: &Server, odd: usize| {
        let rooms = (0..OTHER_ROOMS).filter(|n| n % 2 == odd).map(|n| format!("other-{n}"));
        Talk::start(server.port, RATE, rooms.collect())
    };
    let (same, other) = (talk(&heir, 0)?, talk(&bystander, 1)?);
    std::thread::park_timeout(CALM);
    let (mut same, mut other) = (same.end()?, other.end()?);
    println!("sends before the storm, same instance: {}", same.words());
    println!("sends before the storm, other instance: {}", other.words());

    drop(doomed);
    println!("killed the instance of all clients");
    runtime.block_on(write_missed(&store, storm))?;
    let missed = runtime.block_on(heads(&store, storm))?;
    let (heir, mut spare) = if storm.restart { (start("a-again")?, Some(heir)) } else { (heir, None) };
    runtime.block_on(async {
        let client = raw(&postgres).await?;
        client
            .batch_execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()")
            .await?;
        anyhow::Ok(())
    })?;
    let counters =
        ["hubbub_look_ups_total", "hubbub_look_up_queries_total", "hubbub_log_reads_total", "hubbub_gap_reads_total"];
    let before = counters.map(|name| heir.counter(name).unwrap_or(f64::NAN));
    let resting = process::resident(heir.process.pid)?;
    let peak = Peak::watch(heir.process.pid);

    let rooms: Vec<String> = (0..storm.rooms).map(|n| format!("r{n}")).collect();
    let (same, other, trickle) = (talk(&heir, 0)?, talk(&bystander, 1)?, Talk::start(bystander.port, TRICKLE, rooms)?);
    let cpu = process::cpu(heir.process.pid)?;
    crowd.flee(heir.port)?;
    let mut caught_up = crowd.until_read(&missed, WITHIN, true)?;
    let cpu = process::cpu(heir.process.pid)? - cpu;
    let (mut same, mut other) = (same.end()?, other.end()?);
    trickle.end()?;
    let asked = runtime.block_on(talk::asked(&postgres))?;
    // What was said meanwhile has to arrive as well.
    let all = runtime.block_on(heads(&store, storm))?;
    crowd.until_read(&all, WITHIN, false)?;
    let after = counters.map(|name| heir.counter(name).unwrap_or(f64::NAN));
    let (peak, settled) = (peak.end(), process::resident(heir.process.pid)?);

    caught_up.sort();
    let at = |part: f64| caught_up[((caught_up.len() - 1) as f64 * part) as usize].as_secs_f64();
    println!("\nall {} clients are caught up: each missed entry came once and in order", caught_up.len());
    println!(
        "caught up after: median {:.1} s, p99 {:.1} s, last {:.1} s; {cpu:.1} s of the instance's CPU",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!("on their way: {}", crowd.tally.words());
    for ((name, before), after) in counters.iter().zip(before).zip(after) {
        println!("{name}: {:.0}", after - before);
    }
    println!("pages that had to be read at least: {}", least_pages(storm, &missed));
    println!(
        "memory of the instance: {:.0} MiB before, {:.0} MiB at its peak, {:.0} MiB with all of them settled",
        resting / 1024.0,
        peak / 1024.0,
        settled / 1024.0
    );
    println!("sends during the storm, same instance: {}", same.words());
    println!("sends during the storm, other instance: {}", other.words());
    println!("what Postgres was asked (calls, ms in all):");
    for (calls, ms, query) in asked {
        println!("  {calls:>8} {ms:>9.0}  {query:.100}");
    }
    drop((heir, bystander, spare.take(), redis));
    Ok(())
}

/// Aligned pages that hold what was missed.
fn least_pages(storm: &Storm, heads: &[u64]) -> u64 {
    let page = limits::CATCH_UP_PAGE as u64;
    let pages = |room: usize| {
        let head = heads[room];
        let first = head - missed_in(room, storm) as u64;
        // A cursor that stands at `first` asks for the page it is in, until it is at the head.
        (head - 1) / page - first / page + 1
    };
    (0..usize::from(storm.rooms)).map(pages).sum()
}

fn missed_in(room: usize, storm: &Storm) -> u32 {
    if room % 100 == 99 { storm.missed * 60 } else { storm.missed }
}

pub(crate) fn redis(directory: &Path) -> anyhow::Result<(Process, String)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = std::process::Command::new("redis-server");
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
        .arg(directory)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null());
    let redis = Process::start(&mut command)?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(Instant::now() < deadline, "redis-server does not start");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Ok((redis, format!("redis://127.0.0.1:{port}")))
}

async fn make_rooms(store: &Arc<dyn Store>, storm: &Storm, everybody: &[Vec<u16>]) -> anyhow::Result<()> {
    let mut members: Vec<Vec<String>> = vec![talk::talkers().collect(); usize::from(storm.rooms)];
    for (client, rooms) in everybody.iter().enumerate() {
        rooms.iter().for_each(|room| members[usize::from(*room)].push(name(client)));
    }
    let mut rooms: Vec<(String, Vec<String>)> =
        members.into_iter().enumerate().map(|(n, members)| (format!("r{n}"), members)).collect();
    rooms.extend((0..OTHER_ROOMS).map(|n| (format!("other-{n}"), talk::talkers().collect())));
    for (room, members) in rooms {
        let id = RoomId::parse(&room)?;
        let first = members
            .iter()
            .map(|user| {
                let what = What::Joined(Joined { user: UserId::parse(user)?, role: Role::Member });
                draft(store, &id, &UserId::backend(), what, Right::Backend)
            })
            .collect::<anyhow::Result<_>>()?;
        store.create_room(&RoomProposal { id, kind: RoomKind::Private, name: String::new(), first }).await?;
    }
    Ok(())
}

fn draft(store: &Arc<dyn Store>, room: &RoomId, from: &UserId, what: What, right: Right) -> anyhow::Result<Draft> {
    let (id, hash) = (Uuid::now_v7(), store.identity().hash_key.hash(&what));
    let (room, from, key) = (room.clone(), from.clone(), Key::of_id(id));
    Ok(Draft { room, id, from, key, hash, what, right, once: None, before: None, not_yet: None })
}

/// What the clients miss, straight into the store.
async fn write_missed(store: &Arc<dyn Store>, storm: &Storm) -> anyhow::Result<()> {
    let from = UserId::parse(&talk::talkers().next().context("a talker")?)?;
    let mut drafts = Vec::new();
    for room in 0..usize::from(storm.rooms) {
        for _ in 0..missed_in(room, storm) {
            let text = Text::parse(&"x".repeat(crate::bare::TEXT_BYTES))?;
            let what = What::Message(Message::new(text, None, None));
            drafts.push(draft(store, &RoomId::parse(&format!("r{room}"))?, &from, what, Right::Own)?);
        }
    }
    for batch in drafts.chunks(limits::BATCH) {
        store.append(batch).await?;
    }
    println!("{} messages were missed", drafts.len());
    Ok(())
}

async fn heads(store: &Arc<dyn Store>, storm: &Storm) -> anyhow::Result<Vec<u64>> {
    let rooms: Vec<RoomId> = (0..storm.rooms).map(|n| RoomId::parse(&format!("r{n}"))).collect::<Result<_, _>>()?;
    let mut heads = Vec::with_capacity(rooms.len());
    for chunk in rooms.chunks(limits::SWEEP_CHUNK) {
        for head in store.heads(chunk).await? {
            heads.push(head.context("a room is gone")?.seq.get());
        }
    }
    Ok(heads)
}

/// The most memory that a process had.
struct Peak {
    stop: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
}

impl Peak {
    fn watch(pid: u32) -> Self {
        let peak = Self { stop: Arc::default(), most: Arc::default() };
        let (stop, most) = (peak.stop.clone(), peak.most.clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                if let Ok(kib) = process::resident(pid) {
                    most.fetch_max(kib as u64, Ordering::Relaxed);
                }
                std::thread::park_timeout(Duration::from_millis(50));
            }
        });
        peak
    }

    /// In KiB.
    fn end(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        self.most.load(Ordering::Relaxed) as f64
    }
}
