//! The bare loops: only what cannot be left out of the same work.

use crate::herd::server_frame;
use anyhow::{Context, ensure};
use bytes::Bytes;
use clap::Subcommand;
use hubbub::store::{Created, RoomProposal, Store, postgres::PostgresStore, sqlite::SqliteStore};
use hubbub_core::{
    log::{
        entry::{Draft, Entry, Outcome, Right},
        kinds::{Joined, Message, Text, What},
    },
    model::{
        access::{Role, RoomKind},
        ids::{Key, RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
    wire::{Format, push},
};
use std::{
    io::{BufRead, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::mpsc,
    task::JoinSet,
};
use uuid::Uuid;

/// Bytes of text in a message.
pub const TEXT_BYTES: usize = 200;
/// Rooms that are sent to.
pub const ROOMS: usize = 200;
/// Members of each, all of which send.
pub const MEMBERS: usize = 64;

/// Tasks that write, each to a share of the sockets.
const SHARDS: usize = 2;
/// Sockets written before others get their turn.
const TURN: usize = 64;
/// Orders waiting for a shard.
const WAITING: usize = 1_024;

#[derive(Subcommand)]
pub enum Bare {
    /// Writes ready-made frames to each socket
    Deliveries,
    /// Loops the transaction of a group commit on Postgres
    Postgres { url: String, schema: String },
    /// POSTs webhooks, and commits a position after each
    PortalOut { url: String, to: String, sessions: usize, messages: usize, at_once: usize },
    /// Takes webhooks, and commits rows for each
    PortalIn { url: String, secret: String },
    /// Loops the transaction of a group commit on SQLite
    Sqlite { file: PathBuf },
}

pub fn run(bare: Bare) -> anyhow::Result<()> {
    match bare {
        Bare::PortalOut { url, to, sessions, messages, at_once } => {
            return crate::portals::bare::outgoing(&url, &to, sessions, messages, at_once);
        }
        Bare::PortalIn { url, secret } => return crate::portals::bare::incoming(&url, &secret),
        Bare::Deliveries | Bare::Postgres { .. } | Bare::Sqlite { .. } => {}
    }
    let runtime = Runtime::new()?;
    match bare {
        Bare::Deliveries => deliveries(&runtime),
        Bare::Postgres { url, schema } => {
            let store = runtime.block_on(PostgresStore::connect(&url, &schema))?;
            appends(&runtime, &(Arc::new(store) as Arc<dyn Store>), Some(&url))
        }
        Bare::PortalOut { .. } | Bare::PortalIn { .. } => Ok(()),
        Bare::Sqlite { file } => {
            let store = runtime.block_on(async { SqliteStore::open(Path::new(&file)) })?;
            appends(&runtime, &(Arc::new(store) as Arc<dyn Store>), None)
        }
    }
}

enum Order {
    Take(TcpStream),
    Write(Arc<[Bytes]>),
}

fn deliveries(runtime: &Runtime) -> anyhow::Result<()> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    println!("{}", listener.local_addr()?.port());
    let mut shards = Vec::new();
    for _ in 0..SHARDS {
        let (orders, waiting) = mpsc::channel(WAITING);
        runtime.spawn(write(waiting));
        shards.push(orders);
    }
    let takers = shards.clone();
    runtime.spawn(async move {
        for shard in (0..SHARDS).cycle() {
            let Ok((stream, _)) = listener.accept().await else { return };
            if stream.set_nodelay(true).is_err() || takers[shard].send(Order::Take(stream)).await.is_err() {
                return;
            }
        }
    });
    let mut seq = 0;
    for line in std::io::stdin().lock().lines() {
        let frames: usize = line?.parse().context("how many messages")?;
        let frames: Vec<_> = (0..frames)
            .map(|_| {
                seq += 1;
                Ok(server_frame(push::of_item(&push::item_of(&entry(seq)?), Format::Json)).into())
            })
            .collect::<anyhow::Result<_>>()?;
        let frames: Arc<[Bytes]> = frames.into();
        for shard in &shards {
            shard.blocking_send(Order::Write(frames.clone())).context("a shard has ended")?;
        }
    }
    Ok(())
}

fn message() -> anyhow::Result<What> {
    Ok(What::Message(Message::new(Text::parse(&"x".repeat(TEXT_BYTES))?, None, None)))
}

/// As long as those that Hubbub makes of what `deliveries` sends.
fn entry(seq: u64) -> anyhow::Result<Entry> {
    let id = Uuid::now_v7();
    Ok(Entry {
        room: RoomId::parse("bench")?,
        seq: Seq::new(seq),
        id,
        from: UserId::parse("sender")?,
        at: Timestamp(1_000_000_000_000),
        key: Key::parse(&id.to_string())?,
        what: message()?,
    })
}

async fn write(mut orders: mpsc::Receiver<Order>) -> std::io::Result<()> {
    let mut sockets = Vec::new();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Take(socket) => {
                write_all(&socket, &server_frame(br#"{"id":1,"connect":{}}"#)).await?;
                sockets.push(socket);
            }
            Order::Write(frames) => {
                let batch = frames.concat();
                for (n, socket) in sockets.iter().enumerate() {
                    write_all(socket, &batch).await?;
                    if n % TURN == TURN - 1 {
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
    }
    Ok(())
}

async fn write_all(socket: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match socket.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => socket.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Answers `append MILLISECONDS BATCH LOOPS` and `insert MILLISECONDS` with messages and seconds.
fn appends(runtime: &Runtime, store: &Arc<dyn Store>, postgres: Option<&str>) -> anyhow::Result<()> {
    runtime.block_on(make_rooms(store))?;
    println!("ready {}", store.committers());
    let mut life = 0;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<_> = line.split(' ').collect();
        let number = |n: usize| words.get(n).and_then(|word| word.parse::<usize>().ok()).context("a number");
        let until = Instant::now() + Duration::from_millis(number(1)? as u64);
        let began = Instant::now();
        life += 1;
        let done = match (words[0], postgres) {
            ("insert", Some(url)) => runtime.block_on(inserts(url, until))?,
            _ => runtime.block_on(append_loops(store, life, number(2)?, number(3)?, until))?,
        };
        println!("{done} {}", began.elapsed().as_secs_f64());
    }
    Ok(())
}

async fn make_rooms(store: &Arc<dyn Store>) -> anyhow::Result<()> {
    let by = UserId::backend();
    for room in 0..ROOMS {
        let id = room_id(room)?;
        let joined = |n| {
            let what = What::Joined(Joined { user: user(n)?, role: Role::Member });
            draft(store, id.clone(), by.clone(), &format!("first-{n}"), what, Right::Backend)
        };
        let first = (0..MEMBERS).map(joined).collect::<anyhow::Result<_>>()?;
        let new = RoomProposal { id: id.clone(), kind: RoomKind::Open, name: String::new(), first };
        ensure!(matches!(store.create_room(&new).await?, Created::New(..)), "room {id} exists: the store is not new");
    }
    Ok(())
}

/// The name of a room that is sent to.
pub fn room_id(n: usize) -> anyhow::Result<RoomId> {
    Ok(RoomId::parse(&format!("r{n}"))?)
}

/// One of its members.
pub fn user(n: usize) -> anyhow::Result<UserId> {
    Ok(UserId::parse(&format!("u{n}"))?)
}

fn draft(
    store: &Arc<dyn Store>,
    room: RoomId,
    from: UserId,
    key: &str,
    what: What,
    right: Right,
) -> anyhow::Result<Draft> {
    let hash = store.identity().hash_key.hash(&what);
    Ok(Draft {
        room,
        id: Uuid::now_v7(),
        from,
        key: Key::parse(key)?,
        hash,
        what,
        right,
        once: None,
        before: None,
        not_yet: None,
    })
}

/// Loops beside one another, each with rooms of its own, like Hubbub's committers.
async fn append_loops(
    store: &Arc<dyn Store>,
    life: usize,
    batch: usize,
    loops: usize,
    until: Instant,
) -> anyhow::Result<usize> {
    let mut tasks = JoinSet::new();
    for number in 0..loops {
        let store = store.clone();
        tasks.spawn(async move {
            let rooms = (number..ROOMS).step_by(loops).map(room_id).collect::<anyhow::Result<Vec<_>>>()?;
            let users = (0..MEMBERS).map(user).collect::<anyhow::Result<Vec<_>>>()?;
            let what = message()?;
            let mut done = 0;
            while Instant::now() < until {
                let one = |n: usize| {
                    let (room, from) = (&rooms[n % rooms.len()], &users[n / rooms.len() % MEMBERS]);
                    let key = format!("{life}-{number}-{n}");
                    draft(&store, room.clone(), from.clone(), &key, what.clone(), Right::Own)
                };
                let drafts = (done..done + batch).map(one).collect::<anyhow::Result<Vec<_>>>()?;
                let outcomes = store.append(&drafts).await?;
                let appended = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Appended(_))).count();
                ensure!(appended == batch, "{appended} of {batch} messages were appended");
                done += batch;
            }
            anyhow::Ok(done)
        });
    }
    let mut all = 0;
    while let Some(done) = tasks.join_next().await {
        all += done??;
    }
    Ok(all)
}

/// One insert per commit, on one connection: what a chat that knows no group commit does.
async fn inserts(url: &str, until: Instant) -> anyhow::Result<usize> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS one_by_one (room bigint, seq bigint, author text, key text, text text,
                 PRIMARY KEY (room, seq), UNIQUE (room, author, key))",
        )
        .await?;
    let insert = client.prepare("INSERT INTO one_by_one VALUES ($1, $2, $3, $4, $5)").await?;
    let mut done = 0;
    let text = "x".repeat(TEXT_BYTES);
    while Instant::now() < until {
        let (room, seq) = ((done % ROOMS) as i64, done as i64);
        client.execute(&insert, &[&room, &seq, &"sender", &format!("one-{done}"), &text]).await?;
        done += 1;
    }
    Ok(done)
}
