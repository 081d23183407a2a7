//! What cannot be left out: the same HTTP, and the rows that make it durable, without a log, a cursor, rooms or a chat.

use super::exchange::{self, Answer, Read};
use anyhow::{Context, ensure};
use hubbub_core::portal::{
    signature,
    verify::{Signed, Verify},
};
use std::{
    io::BufRead,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet};
use tokio_postgres::{Client, NoTls, Statement};

/// Connections to Postgres: as many as Hubbub has.
const CONNECTIONS: usize = hubbub_core::limits::POSTGRES_CONNECTIONS;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS bare_cursors (session bigint PRIMARY KEY, position bigint NOT NULL);
    CREATE TABLE IF NOT EXISTS bare_rooms (session bigint PRIMARY KEY, head bigint NOT NULL);
    CREATE TABLE IF NOT EXISTS bare_events (event text PRIMARY KEY, session bigint NOT NULL);
    CREATE TABLE IF NOT EXISTS bare_entries (session bigint, seq bigint, body text NOT NULL, PRIMARY KEY (session, seq));
    INSERT INTO bare_cursors SELECT n, 0 FROM generate_series(0, 9999) n ON CONFLICT DO NOTHING;
    INSERT INTO bare_rooms SELECT n, 0 FROM generate_series(0, 9999) n ON CONFLICT DO NOTHING;";

/// One statement, one commit: an event, the head, an entry.
const STORE: &str = "
    WITH event AS (INSERT INTO bare_events VALUES ($1, $2)),
        room AS (UPDATE bare_rooms SET head = head + 1 WHERE session = $2 RETURNING head)
    INSERT INTO bare_entries SELECT $2, head, $3 FROM room";

struct Connection {
    client: Client,
    moved: Statement,
    stored: Statement,
}

async fn connect(url: &str) -> anyhow::Result<Vec<Arc<Connection>>> {
    let mut connections = Vec::new();
    for n in 0..CONNECTIONS {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        if n == 0 {
            client.batch_execute(TABLES).await?;
        }
        connections.push(Arc::new(Connection {
            moved: client.prepare("UPDATE bare_cursors SET position = $2 WHERE session = $1").await?,
            stored: client.prepare(STORE).await?,
            client,
        }));
    }
    Ok(connections)
}

/// POSTs `messages` webhooks for each of `sessions`, `at_once` sessions at a time, each followed by a committed position;
/// when told to. Says the seconds it took.
pub fn outgoing(url: &str, to: &str, sessions: usize, messages: usize, at_once: usize) -> anyhow::Result<()> {
    Runtime::new()?.block_on(async {
        let connections = connect(url).await?;
        hubbub::crypto::install();
        let client = reqwest::Client::builder().no_proxy().build()?;
        println!("ready");
        std::io::stdin().lock().lines().next().context("an order")??;
        let key = signature::parse_secret(&signature::make_secret([7; 32]))?;
        let (began, next) = (Instant::now(), Arc::<AtomicUsize>::default());
        let mut tasks = JoinSet::new();
        for n in 0..at_once {
            let (connection, client, key, to, next) =
                (connections[n % CONNECTIONS].clone(), client.clone(), key.clone(), to.to_owned(), next.clone());
            tasks.spawn(async move {
                loop {
                    let session = next.fetch_add(1, Ordering::Relaxed);
                    if session >= sessions {
                        return anyhow::Ok(());
                    }
                    for seq in 1..=messages {
                        let id = format!("msg_{session}_{seq}");
                        let body = super::outgoing_body(session, seq);
                        let signature = key.sign(&id, 1_700_000_000, body.as_bytes());
                        let request = client
                            .post(&to)
                            .header("content-type", "application/json")
                            .header("webhook-id", id)
                            .header("webhook-timestamp", 1_700_000_000)
                            .header("webhook-signature", signature);
                        let answer = request.body(body).send().await?;
                        ensure!(answer.status().is_success(), "the portal answered {}", answer.status());
                        answer.bytes().await?;
                        let (session, seq) = (session as i64, seq as i64);
                        connection.client.execute(&connection.moved, &[&session, &seq]).await?;
                    }
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        println!("{}", began.elapsed().as_secs_f64());
        anyhow::Ok(())
    })
}

struct Hooks {
    connections: Vec<Arc<Connection>>,
    verify: Verify,
    secret: String,
    next: AtomicUsize,
}

impl Answer for Hooks {
    async fn answer(&self, request: Read) -> anyhow::Result<(u16, String)> {
        let header = |name: &str| request.header(name).map(str::as_bytes);
        let signed =
            Signed { method: "POST", url: None, query: None, headers: &header, body: &request.body, path_secret: None };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() as i64;
        self.verify.verify(&[&self.secret], &signed, now)?;
        let body: serde_json::Value = serde_json::from_slice(&request.body)?;
        let session: i64 =
            body["sessionId"].as_str().and_then(|id| id.strip_prefix('s')?.parse().ok()).context("id")?;
        let (event, text) = (body["messageId"].as_str().context("id")?, body["message"].as_str().context("text")?);
        let connection = &self.connections[self.next.fetch_add(1, Ordering::Relaxed) % CONNECTIONS];
        connection.client.execute(&connection.stored, &[&event, &session, &text]).await?;
        Ok((200, r#"{"messages":[]}"#.into()))
    }
}

/// Verifies webhooks and commits an event, a head and an entry for each; until its input ends. Says its port.
pub fn incoming(url: &str, secret: &str) -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let hooks = Hooks {
            connections: connect(url).await?,
            verify: Verify::default(),
            secret: secret.to_owned(),
            next: AtomicUsize::new(0),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        tokio::spawn(exchange::serve(listener, Arc::new(hooks)));
        anyhow::Ok(())
    })?;
    std::io::stdin().lock().lines().for_each(drop);
    Ok(())
}
