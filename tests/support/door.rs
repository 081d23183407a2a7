//! A TCP door between a client and its server that tests can cut, hold and delay. For a client that speaks the Redis
//! protocol (its first byte tells) it can also swallow PUBLISH commands, or keep them back for later.
//!
//! Probes (channels with `:probe:` in their name) always pass. What a connection sends after its first SUBSCRIBE or
//! MONITOR passes too.

mod pump;

use super::resp;
use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::sleep,
};

/// Replies of one connection that are waited for, and PUBLISH commands kept back.
const WAITING: usize = 65_536;

/// The door. Everything behind it ends when it is dropped.
#[derive(Debug)]
pub struct Door {
    addr: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    mode: watch::Sender<Mode>,
    /// How often it was cut: a connection does not survive a change.
    cuts: watch::Sender<usize>,
    delay: Mutex<Duration>,
    to_swallow: AtomicUsize,
    gagged: AtomicBool,
    swallowed: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    Cut,
    Held,
    /// What subscribers would hear is held, nothing else.
    Muted,
}

#[derive(Debug, Default)]
struct Kept {
    keeping: bool,
    publishes: VecDeque<Vec<u8>>,
}

impl Door {
    /// Opens a door to `addr`.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            mode: watch::Sender::new(Mode::Open),
            cuts: watch::Sender::new(0),
            delay: Mutex::default(),
            to_swallow: AtomicUsize::new(0),
            gagged: AtomicBool::new(false),
            swallowed: AtomicUsize::new(0),
            kept: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Self { addr, shared, task }
    }

    /// Where clients are to connect.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Leads elsewhere from now on; connections that there are stay where they are.
    pub fn leads_to(&self, target: SocketAddr) {
        *lock(&self.shared.target) = target;
    }

    /// Resets every connection, and every new one at once. (The port stays taken, so that nobody else gets it.)
    pub fn cut(&self) {
        self.shared.mode.send_replace(Mode::Cut);
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Forwards nothing in either direction, without closing anything; new connections are accepted into the void.
    pub fn hold(&self) {
        self.shared.mode.send_replace(Mode::Held);
    }

    /// Holds what connections that have subscribed would hear, and nothing else: they look well and hear nothing. With a
    /// protocol that is not of Redis, holds whatever comes from the server.
    pub fn mute(&self) {
        self.shared.mode.send_replace(Mode::Muted);
    }

    /// Ends [`Self::cut`], [`Self::hold`] and [`Self::mute`]: what was held goes on.
    pub fn mend(&self) {
        self.shared.mode.send_replace(Mode::Open);
    }

    /// Whatever is read from either side is passed on this much later.
    pub fn delay(&self, delay: Duration) {
        *lock(&self.shared.delay) = delay;
    }

    /// Answers the next `n` PUBLISH commands itself, with `:1`, and drops them. Heartbeats pass, and do not count.
    pub fn swallow(&self, n: usize) {
        self.shared.to_swallow.fetch_add(n, Ordering::SeqCst);
    }

    /// Answers every PUBLISH command itself, heartbeats too, and drops it, until this is taken back: whoever is behind the
    /// door thinks that it is heard.
    pub fn gag(&self, gagged: bool) {
        self.shared.gagged.store(gagged, Ordering::SeqCst);
    }

    /// PUBLISH commands swallowed so far.
    pub fn swallowed(&self) -> usize {
        self.shared.swallowed.load(Ordering::SeqCst)
    }

    /// Answers PUBLISH commands itself, with `:1`, and keeps them for [`Self::release`].
    pub fn hold_publishes(&self) {
        lock(&self.shared.kept).keeping = true;
    }

    /// PUBLISH commands kept back now.
    pub fn held_publishes(&self) -> usize {
        lock(&self.shared.kept).publishes.len()
    }

    /// Sends what was kept back, in order, and lets later ones pass. Returns when the server has answered all of it.
    pub async fn release(&self) {
        let mut server = TcpStream::connect(self.shared.target()).await.expect("the server behind the door");
        let (mut answers, mut scratch) = (Vec::new(), [0; 4096]);
        loop {
            let publish = {
                let mut kept = lock(&self.shared.kept);
                let publish = kept.publishes.pop_front();
                kept.keeping = publish.is_some();
                publish
            };
            let Some(publish) = publish else { return };
            server.write_all(&publish).await.expect("the server takes what was kept");
            while resp::frame(&answers).is_none() {
                let read = server.read(&mut scratch).await.expect("the server answers what was kept");
                assert!(read > 0, "the server closed the door's connection");
                answers.extend_from_slice(&scratch[..read]);
            }
            answers.clear();
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn target(&self) -> SocketAddr {
        *lock(&self.target)
    }

    /// Waits until something read may be passed on.
    async fn pass(&self) {
        self.pass_unless(Mode::Held).await;
    }

    async fn pass_unless(&self, held: Mode) {
        let delay = *lock(&self.delay);
        if !delay.is_zero() {
            sleep(delay).await;
        }
        // Its sender is beside it, so it cannot be closed.
        let _ = self.mode.subscribe().wait_for(|mode| *mode != Mode::Held && *mode != held).await;
    }

    /// Whether the door answers this command instead of the server.
    fn takes(&self, command: &[u8]) -> bool {
        let is_publish = resp::word(command, 0).is_some_and(|word| word.eq_ignore_ascii_case(b"PUBLISH"));
        let channel = resp::word(command, 1).unwrap_or_default();
        if !is_publish || channel.windows(7).any(|seven| seven == b":probe:") {
            return false;
        }
        if self.gagged.load(Ordering::SeqCst) {
            return true;
        }
        // A boot id, and what follows in a heartbeat: see `hubbub_core::live::lane`.
        let is_beat = resp::word(command, 2).is_some_and(|payload| payload.get(36..41) == Some(b" beat"));
        if !is_beat
            && self.to_swallow.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            self.swallowed.fetch_add(1, Ordering::SeqCst);
            return true;
        }
        let mut kept = lock(&self.kept);
        if kept.keeping {
            assert!(kept.publishes.len() < WAITING, "a door keeps back at most {WAITING} PUBLISH commands");
            kept.publishes.push_back(command.to_vec());
        }
        kept.keeping
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((client, _)) = accepted else { continue };
        let cuts = shared.cuts.subscribe();
        if *shared.mode.borrow() == Mode::Cut {
            let _ = client.set_zero_linger();
            continue;
        }
        connections.spawn(serve(client, cuts, shared.clone()));
    }
}

async fn serve(mut client: TcpStream, mut cuts: watch::Receiver<usize>, shared: Arc<Shared>) {
    let _ = client.set_nodelay(true);
    let forwarded = async {
        shared.pass().await;
        let mut server = TcpStream::connect(shared.target()).await?;
        let _ = server.set_nodelay(true);
        let mut first = [0];
        // Elsewhere the server may be the first to speak.
        let speaks_redis = tokio::select! {
            peeked = client.peek(&mut first) => peeked? == 1 && first == *b"*",
            peeked = server.readable() => peeked.map(|()| false)?,
        };
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        if speaks_redis {
            let (expect, expected) = mpsc::channel(WAITING);
            let subscribed = AtomicBool::new(false);
            tokio::try_join!(
                pump::commands(from_client, to_server, expect, &subscribed, &shared),
                pump::replies(from_server, to_client, expected, &subscribed, &shared)
            )?;
        } else {
            tokio::try_join!(
                pump::bytes(from_client, to_server, Mode::Held, &shared),
                pump::bytes(from_server, to_client, Mode::Muted, &shared)
            )?;
        }
        io::Result::Ok(())
    };
    let cut = tokio::select! {
        _ = cuts.changed() => true,
        outcome = forwarded => outcome.is_err(),
    };
    if cut {
        let _ = client.set_zero_linger();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        addr
    }

    #[tokio::test]
    async fn any_protocol_passes_is_held_and_is_cut() {
        let door = Door::to(echo().await).await;
        let mut client = TcpStream::connect(door.addr()).await.unwrap();
        let mut heard = [0; 5];
        client.write_all(b"hello").await.unwrap();
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");

        door.hold();
        client.write_all(b"again").await.unwrap();
        assert!(timeout(Duration::from_millis(50), client.read_exact(&mut heard)).await.is_err());
        door.mend();
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"again");

        door.cut();
        assert!(client.read_exact(&mut heard).await.is_err());
        let mut refused = TcpStream::connect(door.addr()).await.unwrap();
        assert!(refused.read_exact(&mut heard).await.is_err());
        door.mend();
        let mut client = TcpStream::connect(door.addr()).await.unwrap();
        client.write_all(b"third").await.unwrap();
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"third");
    }
}
