//! A real nats-server to be thrown away: no storage, killed when dropped.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

/// The server.
#[derive(Debug)]
pub struct Nats {
    port: u16,
    monitor: u16,
    flags: Vec<String>,
    child: Option<Child>,
}

impl Nats {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// Without an installed nats-server.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same, with more flags, like `--auth`.
    pub async fn with(flags: &[&str]) -> Self {
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        for _ in 0..20 {
            let (port, monitor) = (super::ports::free_port(), super::ports::free_port());
            let mut nats = Self { port, monitor, flags: flags.clone(), child: None };
            nats.spawn();
            if nats.answers().await {
                return nats;
            }
        }
        panic!("nats-server does not start");
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("nats://{}", self.addr())
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
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
        assert!(self.answers().await, "nats-server does not come back on port {}", self.port);
    }

    /// What its monitoring says under a path like `/connz`.
    pub async fn says(&self, path: &str) -> Option<serde_json::Value> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.monitor)).await.ok()?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    fn spawn(&mut self) {
        // Debian's place, which is not on everybody's PATH.
        let there = Path::new("/usr/sbin/nats-server");
        let program = if there.exists() { there } else { Path::new("nats-server") };
        let spawned = Command::new(program)
            .args(["--addr", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--http_port", &self.monitor.to_string()])
            .args(&self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child =
            Some(spawned.unwrap_or_else(|error| panic!("nats-server ({error}): run scripts/install-services")));
    }

    /// Whether it answers in time; another server on the same port would end ours at once.
    async fn answers(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended {
                return false;
            }
            if self.says("/varz").await.is_some_and(|says| says["port"] == self.port)
                && TcpStream::connect(self.addr()).await.is_ok()
            {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.stop();
    }
}
