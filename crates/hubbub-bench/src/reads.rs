//! Many people who read along a busy room, each of whom says so after each message: what of that the store gets.

use crate::{
    herd::{Door, Herd, has},
    postgres::Postgres,
    process::{self, Server},
    program, raise_file_limit,
};
use anyhow::ensure;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Before anything is counted.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long those who wait are waited for in the end.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Reads {
    /// People who read along
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    readers: u32,
    /// Messages a second
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=25))]
    messages: u32,
    /// Seconds that are counted
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Nobody says that they read: what sends alone take
    #[arg(long)]
    silent: bool,
    /// The server's program [default: `hubbub` beside this one]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// What was counted so far.
struct Count {
    at: Instant,
    marks: f64,
    writes: f64,
    commits: f64,
    server: f64,
    database: f64,
}

impl Count {
    fn of(server: &Server, postgres: &Postgres) -> anyhow::Result<Self> {
        Ok(Self {
            at: Instant::now(),
            marks: server.counter("hubbub_read_marks_total")?,
            writes: server.counter("hubbub_read_mark_writes_total")?,
            commits: server.counter("hubbub_commits_total")?,
            server: process::cpu(server.process.pid)?,
            database: process::cpu_of_family(postgres.pid())?,
        })
    }
}

pub fn measure(asked: &Reads) -> anyhow::Result<()> {
    let readers = asked.readers as usize;
    raise_file_limit(2 * u64::from(asked.readers) + 200)?;
    let directory = tempfile::tempdir()?;
    let postgres = Postgres::start(&[]);
    let server = Server::start(&program(asked.server.as_ref())?, &postgres.url(), &directory.path().join("log"))?;
    let members: Vec<String> = (0..readers).map(|n| format!(r#"{{"user":"reader-{n}","role":"member"}}"#)).collect();
    server.ask("POST", "/v1/rooms", r#"{"id":"busy","kind":"open","members":[{"user":"sender"}]}"#)?;
    for some in members.chunks(1_000) {
        server.ask("PUT", "/v1/rooms/busy/members", &format!(r#"{{"members":[{}]}}"#, some.join(",")))?;
    }
    let mut herd = Herd::new()?;
    herd.open(server.port, &[Door::Hubbub { user: "sender".into(), commands: String::new(), data: "", answers: 1 }])?;
    let door = |n| Door::Hubbub {
        user: format!("reader-{n}"),
        commands: "\n{\"id\":2,\"subscribe\":{\"channel\":\"room:busy\"}}".into(),
        data: "",
        answers: 2,
    };
    herd.open(server.port, &(0..readers).map(door).collect::<Vec<_>>())?;
    println!("{readers} people read along, {} messages a second", asked.messages);

    let (every, begin) = (Duration::from_secs(1) / asked.messages, Instant::now());
    let end = begin + WARM_UP + Duration::from_secs(asked.seconds.into());
    let (mut next, mut id, mut said, mut answered, mut refused) = (begin, 10_u64, 0_u64, 0_u64, 0_u64);
    let (mut first, mut last) = (None, None);
    loop {
        let now = Instant::now();
        if first.is_none() && now >= begin + WARM_UP {
            first = Some(Count::of(&server, &postgres)?);
        }
        if now >= end && last.is_none() {
            last = Some(Count::of(&server, &postgres)?);
        }
        if last.is_some() && (answered >= said || now >= end + ANSWERED_WITHIN) {
            break;
        }
        if now >= next && last.is_none() {
            id += 1;
            herd.say(
                0,
                &format!(r#"{{"id":{id},"rpc":{{"method":"send","data":{{"room":"busy","text":"so many words"}}}}}}"#),
            )?;
            next += every;
        }
        herd.turn(Duration::from_millis(10), |client, line, says| {
            if client > 0 && line.starts_with(br#"{"push":{"channel":"room:"#) {
                let text = String::from_utf8_lossy(line);
                let offset = text.rsplit_once("\"offset\":").map(|(_, rest)| rest.trim_end_matches('}').to_owned());
                if let Some(offset) = offset.filter(|_| !asked.silent) {
                    says.push_str(if says.is_empty() { "" } else { "\n" });
                    says.push_str(&format!(
                        r#"{{"id":{offset},"rpc":{{"method":"read","data":{{"room":"busy","seq":{offset}}}}}}}"#
                    ));
                    said += 1;
                }
            } else if client > 0 && line.starts_with(b"{\"id\":") {
                answered += 1;
                refused += u64::from(has(line, b"\"error\":"));
            }
            Ok(())
        })?;
    }
    let (Some(first), Some(last)) = (first, last) else { anyhow::bail!("nothing was counted") };
    ensure!(answered >= said, "{} of {said} marks were never answered", said - answered);
    let took = (last.at - first.at).as_secs_f64();
    let per_second = |of: fn(&Count) -> f64| (of(&last) - of(&first)) / took;
    println!("marks: {said} said, {answered} answered, {refused} of them refused (another was further, or busy)");
    println!("marks written: {:.0} rows a second", per_second(|count| count.marks));
    println!("writes of marks: {:.2} statements a second", per_second(|count| count.writes));
    println!("commits of messages: {:.2} a second", per_second(|count| count.commits));
    println!("CPU of the server: {:.3} s a second", per_second(|count| count.server));
    println!("CPU of Postgres: {:.3} s a second", per_second(|count| count.database));
    Ok(())
}
