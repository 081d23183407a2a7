//! Measures the release binary of Hubbub beside bare loops that do only what cannot be left out.
//!
//! Three processes, so that CPU is counted apart: the server, the load generator (this one), and the bare loop (this
//! program again, as `hubbub-bench bare …`).

use anyhow::{Context, bail};
use clap::{Parser, Subcommand, ValueEnum};
use std::{os::unix::process::CommandExt, path::PathBuf, time::Duration};

mod bare;
mod deliveries;
mod distance;
mod herd;
mod history;
mod portals;
mod process;
mod reads;
mod report;
mod rooms;
mod sends;
mod storm;
mod watching;

#[allow(dead_code, reason = "shared with the test suites")]
#[path = "../../../tests/support/ports.rs"]
mod ports;
#[allow(dead_code, reason = "shared with the test suites")]
#[path = "../../../tests/support/postgres.rs"]
mod postgres;

/// The server's own allocator, so that the bare loops differ in nothing else.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Descriptors beside the readers' sockets.
const OTHER_FILES: u64 = 200;

/// Load generator, and the bare loops Hubbub is measured beside.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Try it: cargo build --release -p hubbub -p hubbub-bench && target/release/hubbub-bench smoke\n\n\
                  Everything is on loopback. CPU includes what the kernel does for the peer, on both sides of each ratio.\n\
                  Figures move by some per cent from run to run; the ratios less, for both sides are of one run."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// About a minute: memory of idle readers, CPU per delivery, durable sends per second, each beside a bare loop
    Smoke(Smoke),
    /// Minutes: 15,000 clients lose their instance at once and come back to another; what that takes, and whom it delays
    Storm(storm::Storm),
    /// About a minute: 2,000 rooms with one reader each, on an instance that hears of all of it over Redis
    Rooms(rooms::Rooms),
    /// About two minutes: 10,000 users in 500 rooms each who are told of all of them: memory of a connection, CPU of a message to all
    Watching(watching::Watching),
    /// About a minute: webhooks to and from a portal beside the same HTTP and inserts, and what idle sessions cost
    Portals(portals::Portals),
    /// Minutes: ten million messages in 10,000 rooms are made, and pages of them read: how long, how many rows, by which plans
    History(history::History),
    /// Half a minute: 1,000 people read along a busy room; how many marks they set, and how often the store is written to for that
    Reads(reads::Reads),
    /// The bare loops, driven over stdin: `smoke` starts these itself
    #[command(hide = true)]
    Bare {
        #[command(subcommand)]
        bare: bare::Bare,
    },
}

#[derive(clap::Args)]
pub(crate) struct Smoke {
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Readers of the one room
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    readers: u32,
    /// The server's program [default: `hubbub` beside this one]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Seconds that sends are counted for, in each of their parts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Milliseconds that a round trip to Postgres takes more than on this machine, for the server and the bare loop alike
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    round_trip: u32,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Memory per idle reader
    Memory,
    /// CPU per delivery
    Deliveries,
    /// Durable sends per second
    Sends,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Smoke(smoke) => smoke_test(&smoke),
        Command::Storm(storm) => storm_test(&storm),
        Command::Rooms(asked) => rooms::measure(&asked),
        Command::Watching(asked) => watching::measure(&asked),
        Command::Portals(asked) => portals::measure(&program(asked.server.as_ref())?, &asked),
        Command::History(asked) => history::measure(&asked),
        Command::Reads(asked) => reads::measure(&asked),
        Command::Bare { bare } => bare::run(bare),
    }
}

fn program(given: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    let server = match given {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("hubbub"),
    };
    if !server.exists() {
        bail!("there is no {}: build it with cargo build --release -p hubbub", server.display());
    }
    Ok(server)
}

fn storm_test(storm: &storm::Storm) -> anyhow::Result<()> {
    let server = program(storm.server.as_ref())?;
    raise_file_limit(u64::from(storm.clients) + OTHER_FILES)?;
    storm::measure(&server, storm)
}

fn smoke_test(smoke: &Smoke) -> anyhow::Result<()> {
    let server = program(smoke.server.as_ref())?;
    let wants = |part| smoke.only.is_none_or(|only| only == part);
    let mut report = report::Report::default();
    if wants(Part::Memory) || wants(Part::Deliveries) {
        raise_file_limit(u64::from(smoke.readers) + OTHER_FILES)?;
        deliveries::measure(&server, smoke.readers as usize, wants(Part::Deliveries), &mut report)?;
    }
    if wants(Part::Sends) {
        sends::measure(&server, smoke.seconds, Duration::from_millis(smoke.round_trip.into()), &mut report)?;
    }
    report.print();
    Ok(())
}

/// Starts this program again with the limit raised to the hard one, if it has to be.
fn raise_file_limit(needed: u64) -> anyhow::Result<()> {
    let (soft, hard) = process::file_limits()?;
    if needed <= soft {
        return Ok(());
    }
    if needed > hard {
        bail!(
            "{needed} open files are needed and {hard} allowed (ulimit -Hn): raise that, or measure fewer: {}",
            hard.saturating_sub(OTHER_FILES)
        );
    }
    let error = process::with_all_files(&std::env::current_exe()?).args(std::env::args_os().skip(1)).exec();
    Err(error).context("cannot start again with more open files")
}
