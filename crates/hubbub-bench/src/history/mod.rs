//! A large history: rooms with all that hangs on messages, made at once, and pages of them read through the API. What is judged is
//! no time: by which plans rows are found, and how many are read for what is shown.

use crate::{
    portals::exchange::Client,
    process::{API_KEY, Server},
    program,
};
use anyhow::{Context, bail, ensure};
use database::{Database, Kind};
use hubbub::store::sqlite::traced::traced;
use hubbub_core::model::ids::UserId;
use pages::Asked;
use plans::Did;
use std::{
    path::{Path, PathBuf},
    time::Instant,
};
use tokio::runtime::Runtime;

mod database;
mod fill;
mod pages;
mod plans;
mod replay;

/// Requests of each kind before those that count: Postgres settles on a plan after five on a connection.
const WARM_UP: u32 = 12;
/// Statements of a request on Postgres, whatever hangs on what is shown: the page, and before it who asks.
const STATEMENTS: f64 = 2.0;
/// Requests of each kind whose plans are told.
const TOLD: usize = 12;

#[derive(clap::Args)]
#[command(after_help = "Try it small: hubbub-bench history --messages 50000 --rooms 200\n\n\
    With --keep the data stays, and is used again by the next run with the same numbers; remove the directory when you are done. \
    Ten million messages are 8 GB on Postgres, and 6 GB on SQLite.\n\
    It fails where a plan goes through a large table, or reads many more rows than it shows.")]
pub(crate) struct History {
    /// Messages, in all rooms together
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(20_000..=1_000_000_000))]
    messages: u64,
    /// Rooms: five special ones, and others that are alike
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(20..=1_000_000))]
    rooms: u64,
    /// Where they are
    #[arg(long, value_enum, default_value_t = Kind::Postgres)]
    store: Kind,
    /// How often each page is asked for
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    asks: u32,
    /// Only pages whose names have this in them
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    /// A directory in which the data is made, or was made before, and stays
    #[arg(long, value_name = "DIRECTORY")]
    keep: Option<PathBuf>,
    /// Prints how each page found its rows
    #[arg(long)]
    plans: bool,
    /// The server's program [default: `hubbub` beside this one]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// What one kind of page took.
struct Figure {
    things: usize,
    bytes: usize,
    entries: usize,
    half: f64,
    most: f64,
}

pub(crate) fn measure(asked: &History) -> anyhow::Result<()> {
    let program = program(asked.server.as_ref())?;
    let temporary = tempfile::tempdir()?;
    let place = match &asked.keep {
        Some(keep) => {
            std::fs::create_dir_all(keep)?;
            keep.as_path()
        }
        None => temporary.path(),
    };
    let mut database = Database::open(asked.store, place, asked.keep.is_some())?;
    let log = temporary.path().join("log");
    database.tell_plans(false)?;
    let plans = fill::plans(asked.messages, asked.rooms);
    make(&mut database, &plans, &program, &log)?;

    let pages = pages::all(&mut database, &plans)?;
    let is_wanted = |page: &&Asked| asked.only.as_ref().is_none_or(|words| page.name.contains(words));
    let pages: Vec<_> = pages.iter().filter(is_wanted).collect();
    println!("{} requests of each kind", asked.asks);
    let server = Server::start(&program, &database.url(), &log)?;
    let figures = pages.iter().map(|page| figure(&server, page, asked.asks)).collect::<anyhow::Result<Vec<_>>>()?;
    drop(server);
    let did = tell(&mut database, &pages, &program, &log)?;
    report(asked, &pages, &figures, &did)
}

/// Makes the history, if it is not there.
fn make(database: &mut Database, plans: &[fill::Plan], program: &Path, log: &Path) -> anyhow::Result<()> {
    // It makes the tables.
    drop(Server::start(program, &database.url(), log)?);
    let size: String = plans.iter().map(|plan| format!("{}x{} ", plan.many.max(1), plan.entries())).collect();
    database.run("CREATE TABLE IF NOT EXISTS hubbub.bench_history (size text)")?;
    let made = database.rows("SELECT size FROM hubbub.bench_history")?;
    if made == [[Some(size.clone())]] {
        println!("the history is there");
        return Ok(());
    }
    let rooms = database.rows("SELECT count(*) FROM hubbub.rooms")?;
    ensure!(
        rooms == [[Some("0".to_owned())]],
        "another history, or half of one, is there: remove it, or name another directory"
    );
    let messages: u64 = plans.iter().map(fill::Plan::messages).sum();
    println!("samples, made at once and again through the API");
    replay::make(database)?;
    let server = Server::start(program, &database.url(), log)?;
    replay::again(database, &server)?;
    drop(server);
    replay::compare(database)?;
    println!("{messages} messages in {} rooms", plans.iter().map(|plan| plan.many.max(1)).sum::<u64>());
    fill::make(database, plans)?;
    database.run(&format!("INSERT INTO hubbub.bench_history (size) VALUES ('{size}')"))?;
    println!("  {:.1} GB", database.size()? / 1e9);
    Ok(())
}

/// Asks for a page many times.
fn figure(server: &Server, page: &Asked, asks: u32) -> anyhow::Result<Figure> {
    let mut answer = String::new();
    let mut millis = ask(server, page, WARM_UP, asks, &mut answer)?;
    millis.sort_by(f64::total_cmp);
    let at = |part: f64| millis[((millis.len() - 1) as f64 * part).round() as usize];
    let shown: serde_json::Value = serde_json::from_str(&answer)?;
    let entries = ["entries", "reactions", "rooms"].iter().find_map(|of| shown[of].as_array()).map_or(0, Vec::len);
    ensure!(entries > 0, "{}: {} shows nothing: {answer:.200}", page.name, page.path);
    Ok(Figure { things: plans::things(&shown), bytes: answer.len(), entries, half: at(0.5), most: at(0.99) })
}

fn ask(server: &Server, page: &Asked, first: u32, asks: u32, last: &mut String) -> anyhow::Result<Vec<f64>> {
    let key = format!("authorization: Bearer {API_KEY}\r\n");
    Runtime::new()?.block_on(async {
        let mut client = Client::connect(([127, 0, 0, 1], server.port).into()).await?;
        let mut millis = Vec::new();
        for n in 0..first + asks {
            let began = Instant::now();
            *last = client.ask("GET", &page.path, &key, "").await?;
            if n >= first {
                millis.push(began.elapsed().as_secs_f64() * 1e3);
            }
        }
        Ok(millis)
    })
}

/// Asks for each page again, and has the database tell what it does for it.
fn tell(database: &mut Database, pages: &[&Asked], program: &Path, log: &Path) -> anyhow::Result<Vec<Did>> {
    if let Database::Sqlite { path, .. } = database {
        let of_page = |page: &&Asked| {
            let traced = traced(path, &UserId::parse(&page.reader)?, &page.read, page.limit)?;
            anyhow::Ok(plans::of_sqlite(&traced))
        };
        return pages.iter().map(of_page).collect();
    }
    database.tell_plans(true)?;
    let server = Server::start(program, &database.url(), log)?;
    let mut done = Vec::new();
    for page in pages {
        let before = database.log().len();
        ask(&server, page, 0, TOLD as u32, &mut String::new())?;
        let log = database.log();
        done.push(plans::of_postgres(log.get(before..).context("a log that grows")?, TOLD));
    }
    database.tell_plans(false)?;
    Ok(done)
}

fn report(asked: &History, pages: &[&Asked], figures: &[Figure], did: &[Did]) -> anyhow::Result<()> {
    let is_sqlite = asked.store == Kind::Sqlite;
    let rows = if is_sqlite { "steps" } else { "rows" };
    println!(
        "\n| {:54} | entries | things | KiB | p50 ms | p99 ms | statements | {rows} read | {rows} a thing | buffers |",
        "page"
    );
    println!("|{:-<56}|---:|---:|---:|---:|---:|---:|---:|---:|---:|", "");
    let mut wrong = Vec::new();
    for ((page, figure), did) in pages.iter().zip(figures).zip(did) {
        let Figure { things, bytes, entries, half, most } = figure;
        println!(
            "| {:54} | {entries} | {things} | {} | {half:.1} | {most:.1} | {:.1} | {} | {:.1} | {} |",
            page.name,
            bytes / 1024,
            did.statements,
            did.rows,
            did.rows / *things as f64,
            if is_sqlite { "-".into() } else { did.buffers.to_string() },
        );
        match (did.wrong(*things, is_sqlite), page.excused) {
            (Some(why), None) => wrong.push(format!("{}: {why}", page.name)),
            (Some(why), Some(excuse)) => println!("  {}: {why}; known: {excuse}", page.name),
            (None, _) => {}
        }
        if !is_sqlite && did.statements.round() > STATEMENTS {
            wrong.push(format!("{}: {:.1} statements", page.name, did.statements));
        }
    }
    if asked.plans {
        for (page, did) in pages.iter().zip(did) {
            println!("\n{}\n{}", page.name, did.plan);
        }
    }
    if wrong.is_empty() {
        println!("\nno plan goes through a large table, and rows are in proportion");
        return Ok(());
    }
    bail!("out of proportion:\n  {}", wrong.join("\n  "))
}
