//! A real redis-server to be thrown away: no persistence, killed when dropped.

use super::resp;
use std::{
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// The server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    /// What it is started with, besides.
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Redis {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// Without an installed redis-server.
    pub async fn start() -> Self {
        Self::start_with(|_| Vec::new()).await
    }

    /// Starts one on a free port, with what else the closure says for it.
    pub async fn start_with(arguments: impl Fn(u16) -> Vec<String>) -> Self {
        for _ in 0..20 {
            let port = super::ports::free_port();
            let mut redis = Self { port, arguments: arguments(port), child: None };
            redis.spawn();
            if redis.answers().await {
                return redis;
            }
        }
        panic!("redis-server does not start");
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its URL.
    pub fn url(&self) -> String {
        url(self.addr())
    }

    /// Stops it in its tracks: connections stay open and nothing is answered.
    pub fn freeze(&self) {
        let child = self.child.as_ref().expect("a running redis-server");
        let sent = Command::new("kill").args(["-STOP", &child.id().to_string()]).status().expect("kill");
        assert!(sent.success());
    }

    /// What stands behind one of the arguments it was started with.
    pub fn argument(&self, name: &str) -> String {
        let at = self.arguments.iter().position(|argument| argument == name).expect("such an argument");
        self.arguments[at + 1].clone()
    }

    /// Kills it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it anew on its port.
    pub async fn restart(&mut self) {
        self.stop();
        self.spawn();
        assert!(self.answers().await, "redis-server does not come back on port {}", self.port);
    }

    /// The raw answer to a command, as text.
    pub async fn ask(&self, words: &[&str]) -> String {
        timeout(Duration::from_secs(10), self.try_ask(words)).await.expect("an answer in time").expect("an answer")
    }

    async fn try_ask(&self, words: &[&str]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.addr()).await?;
        let words: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
        stream.write_all(&resp::command(&words)).await?;
        let mut answer = Vec::new();
        while answer.is_empty() || resp::frame(&answer).is_none() {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    fn spawn(&mut self) {
        let port = self.port.to_string();
        let spawned = Command::new("redis-server")
            .args(&self.arguments)
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--dir", &std::env::temp_dir().to_string_lossy()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        self.child =
            Some(spawned.unwrap_or_else(|error| panic!("redis-server ({error}): run scripts/install-services")));
    }

    /// Whether it answers in time; another server on the same port would end ours at once.
    async fn answers(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended {
                return false;
            }
            if self.try_ask(&["PING"]).await.is_ok_and(|answer| answer == "+PONG\r\n") {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The URL of a Redis, or of a door to it.
pub fn url(addr: SocketAddr) -> String {
    format!("redis://{addr}")
}
