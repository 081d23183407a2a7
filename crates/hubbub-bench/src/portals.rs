//! Webhooks out and in, each beside a bare loop of the same HTTP and inserts; and what idle sessions cost.

use crate::{
    postgres::Postgres,
    process::{self, API_KEY, Loop, Server},
    report::{Budget, Report},
};
use anyhow::{Context, ensure};
use exchange::{Answer, Client, Read};
use hubbub_core::portal::signature::{self, SigningKey};
use std::{
    collections::HashSet,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet};

pub mod bare;
pub mod exchange;

/// POSTs on their way at a time, ours and the bare loop's.
const AT_ONCE: usize = 64;
/// Connections that bring webhooks.
const CALLERS: usize = 64;
/// How long everything may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(120);
/// How long an idle delivery loop is watched.
const IDLE: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Portals {
    /// Sessions that talk
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sessions: u32,
    /// Messages of each, in either direction
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    messages: u32,
    /// Sessions that are idle
    #[arg(long, default_value_t = 100_000)]
    idle: u32,
    /// The server's program [default: `hubbub` beside this one]
    #[arg(long, value_name = "FILE")]
    pub server: Option<std::path::PathBuf>,
}

fn outgoing_body(session: usize, seq: usize) -> String {
    let text = "x".repeat(crate::bare::TEXT_BYTES);
    format!(
        r#"{{"type":"message.created","timestamp":"2026-01-31T09:30:00.123Z","data":{{"sessionId":"s{session}","customer":"c{session}","message":"{text}","messageId":"0198c0de-0000-7000-8000-000000000000","seq":{seq},"entry":{{"type":"message","seq":{seq},"text":"{text}"}}}}}}"#
    )
}

/// A portal that takes everything, and counts ids.
#[derive(Default)]
struct Sink(Mutex<HashSet<String>>);

impl Sink {
    fn ids(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer for Sink {
    async fn answer(&self, request: Read) -> anyhow::Result<(u16, String)> {
        self.ids().insert(request.header("webhook-id").context("an id")?.to_owned());
        Ok((200, "{}".into()))
    }
}

pub(crate) fn measure(program: &Path, asked: &Portals) -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let directory = tempfile::tempdir()?;
    let mut report = Report::default();
    let postgres = Postgres::start(&[]);
    let flags = ["--store", &postgres.url(), "--portal-allow", "127.0.0.1"];
    let server = Server::start_with(program, &flags, &directory.path().join("log"))?;
    let measured =
        Measured { runtime, postgres, server, sessions: asked.sessions as usize, messages: asked.messages as usize };
    let incoming = measured.make_portal()?;
    measured.outgoing(&mut report)?;
    measured.incoming(&incoming, &mut report)?;
    measured.idle(asked.idle, &mut report)?;
    report.print();
    Ok(())
}

struct Measured {
    runtime: Runtime,
    postgres: Postgres,
    server: Server,
    sessions: usize,
    messages: usize,
}

impl Measured {
    fn at(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.server.port))
    }

    /// Makes the portal, paused, and its sessions; its secret for webhooks to us.
    fn make_portal(&self) -> anyhow::Result<String> {
        let new = format!(r#"{{"id":"bench","settings":{{"url":"http://127.0.0.1:9/","concurrency":{AT_ONCE}}}}}"#);
        let made: serde_json::Value = serde_json::from_str(&self.server.ask("POST", "/v1/portals", &new)?)?;
        self.server.ask("POST", "/v1/portals/bench/pause", "")?;
        let open = |n| ("/v1/sessions".into(), format!(r#"{{"portal":"bench","customer":"c{n}","id":"s{n}"}}"#));
        self.all((0..self.sessions).map(open).collect())?;
        Ok(made["incoming_secret"].as_str().context("a secret")?.to_owned())
    }

    /// Asks the REST API many things, over several connections; those to one session in order.
    fn all(&self, asked: Vec<(String, String)>) -> anyhow::Result<()> {
        let at = self.at();
        self.runtime.block_on(async {
            let mut shares: Vec<Vec<_>> = (0..CALLERS).map(|_| vec![]).collect();
            asked.into_iter().enumerate().for_each(|(n, one)| shares[n % CALLERS].push(one));
            let mut tasks = JoinSet::new();
            for share in shares {
                tasks.spawn(async move {
                    let mut client = Client::connect(at).await?;
                    let key = format!("authorization: Bearer {API_KEY}\r\n");
                    for (path, body) in share {
                        client.ask("POST", &path, &key, &body).await?;
                    }
                    anyhow::Ok(())
                });
            }
            while let Some(done) = tasks.join_next().await {
                done??;
            }
            Ok(())
        })
    }

    fn cpu(&self, own: u32) -> anyhow::Result<f64> {
        Ok(process::cpu(own)? + process::cpu_of_family(self.postgres.pid())?)
    }

    fn outgoing(&self, report: &mut Report) -> anyhow::Result<()> {
        let total = self.sessions * self.messages;
        println!("webhooks to a portal: {} sessions of {} messages", self.sessions, self.messages);
        let text = "x".repeat(crate::bare::TEXT_BYTES);
        let says = |n: usize| {
            let session = n % self.sessions;
            (format!("/v1/rooms/s{session}/messages"), format!(r#"{{"from":"c{session}","text":"{text}"}}"#))
        };
        self.all((0..total).map(says).collect())?;
        let (sink, listener) = (Arc::<Sink>::default(), self.runtime.block_on(TcpListener::bind("127.0.0.1:0"))?);
        let to = format!("http://{}/", listener.local_addr()?);
        self.runtime.spawn(exchange::serve(listener, sink.clone()));
        let settings = format!(r#"{{"url":"{to}","concurrency":{AT_ONCE}}}"#);
        self.server.ask("PUT", "/v1/portals/bench", &settings)?;

        let before = self.cpu(self.server.process.pid)?;
        self.server.ask("POST", "/v1/portals/bench/resume", "")?;
        let deadline = Instant::now() + ARRIVES_WITHIN;
        // From the first arrival: when the instance looks at its portals again is no part of it.
        let mut began = None;
        loop {
            let there = sink.ids().len();
            if there > 0 {
                began.get_or_insert_with(Instant::now);
            }
            if there == total {
                break;
            }
            ensure!(Instant::now() < deadline, "{there} of {total} webhooks arrived in time");
            std::thread::park_timeout(Duration::from_millis(2));
        }
        let took = began.context("an arrival")?.elapsed().as_secs_f64();
        let ours = (total as f64 / took, (self.cpu(self.server.process.pid)? - before) * 1e3 / total as f64);

        sink.ids().clear();
        let numbers = [self.sessions, self.messages, AT_ONCE].map(|n| n.to_string());
        let url = self.postgres.url();
        let args = ["portal-out", &url, &to, &numbers[0], &numbers[1], &numbers[2]];
        let (mut bare, _) = Loop::start(&args)?;
        let before = self.cpu(bare.process.pid)?;
        bare.tell("go")?;
        let took: f64 = bare.answer()?.parse()?;
        ensure!(sink.ids().len() == total, "the bare loop sent less");
        // The process ends with its answer; what it used until then is in what its parent waited for.
        let cpu = self.cpu(bare.process.pid).map_or(f64::NAN, |after| (after - before) * 1e3 / total as f64);
        report.row("Webhooks delivered to a portal/s", ours.0, total as f64 / took, Budget::None);
        report.row("the same, CPU ms each (server or loop, and Postgres)", ours.1, cpu, Budget::None);
        Ok(())
    }

    fn incoming(&self, secret: &str, report: &mut Report) -> anyhow::Result<()> {
        let total = self.sessions * self.messages;
        println!("webhooks from a portal: {total} over {CALLERS} connections");
        let before = self.cpu(self.server.process.pid)?;
        let took = self.runtime.block_on(self.call(self.at(), secret))?;
        let ours = (total as f64 / took, (self.cpu(self.server.process.pid)? - before) * 1e3 / total as f64);
        let url = self.postgres.url();
        let (bare, port) = Loop::start(&["portal-in", &url, secret])?;
        let before = self.cpu(bare.process.pid)?;
        let at = SocketAddr::from(([127, 0, 0, 1], port.parse()?));
        let took = self.runtime.block_on(self.call(at, secret))?;
        let cpu = (self.cpu(bare.process.pid)? - before) * 1e3 / total as f64;
        report.row("Webhooks from a portal committed/s", ours.0, total as f64 / took, Budget::None);
        report.row("the same, CPU ms each (server or loop, and Postgres) ", ours.1, cpu, Budget::None);
        Ok(())
    }

    /// Brings every webhook; the seconds it took until all were answered.
    async fn call(&self, at: SocketAddr, secret: &str) -> anyhow::Result<f64> {
        let key = signature::parse_secret(secret)?;
        let (sessions, total) = (self.sessions, self.sessions * self.messages);
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for caller in 0..CALLERS {
            let key = key.clone();
            tasks.spawn(async move {
                let mut client = Client::connect(at).await?;
                for n in (caller..total).step_by(CALLERS) {
                    let body = format!(
                        r#"{{"sessionId":"s{}","message":"{}","messageId":"m{n}","agent":"Ada"}}"#,
                        n % sessions,
                        "x".repeat(crate::bare::TEXT_BYTES)
                    );
                    client.ask("POST", "/hooks/bench", &signed(&key, n, &body)?, &body).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(began.elapsed().as_secs_f64())
    }

    /// The CPU of an instance with and without idle sessions, while nothing is due. What it asks of Postgres is in the suite of
    /// the stores: so many pages of an index, whatever lies beside.
    fn idle(&self, idle: u32, report: &mut Report) -> anyhow::Result<()> {
        println!("{idle} idle sessions");
        let look = || {
            let (before, began) = (process::cpu(self.server.process.pid)?, Instant::now());
            std::thread::park_timeout(IDLE);
            anyhow::Ok((process::cpu(self.server.process.pid)? - before) * 1e3 / began.elapsed().as_secs_f64())
        };
        let without = look()?;
        self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.postgres.url(), tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            client.batch_execute(&IDLE_SESSIONS.replace("{idle}", &idle.to_string())).await?;
            anyhow::Ok(())
        })?;
        let with = look()?;
        report.row("Server's CPU ms per second, all sessions idle: many beside few", with, without, Budget::None);
        report.word(format!(
            "{idle} idle sessions beside {}: the delivery loop asks the same index and finds nothing.",
            self.sessions
        ));
        Ok(())
    }
}

/// Sessions as `POST /v1/sessions` leaves them, all at once.
const IDLE_SESSIONS: &str = "
    INSERT INTO hubbub.rooms (id, kind, name, head, created_at, session)
        SELECT 'idle' || n, 'private', '', 2, 0, 'open' FROM generate_series(1, {idle}) n;
    INSERT INTO hubbub.sessions (room, id, portal, customer, created_at)
        SELECT no, id, (SELECT no FROM hubbub.portals LIMIT 1), 'idle', 0 FROM hubbub.rooms WHERE id LIKE 'idle%';
    INSERT INTO hubbub.cursors (room, portal, position, head)
        SELECT no, (SELECT no FROM hubbub.portals LIMIT 1), 2, 2 FROM hubbub.rooms WHERE id LIKE 'idle%';
    ANALYZE hubbub.rooms, hubbub.sessions, hubbub.cursors;";

fn signed(key: &SigningKey, n: usize, body: &str) -> anyhow::Result<String> {
    let (id, now) = (format!("hook_{n}"), SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() as i64);
    let signature = key.sign(&id, now, body.as_bytes());
    Ok(format!("webhook-id: {id}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\n"))
}
