//! A server on a laptop whose log is read.

use crate::{
    cluster::{API_KEY, SECRET, breathe},
    http::{self, Answer},
    launch,
    wire::DEADLINE,
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Instant,
};

/// See the module.
pub struct Logged {
    pub addr: SocketAddr,
    process: Child,
    log: PathBuf,
}

impl Logged {
    /// Starts one with these flags, and waits until it is ready.
    pub async fn start(directory: &Path, flags: &[&str]) -> Self {
        let store = format!("sqlite:{}", directory.join("hubbub.db").display());
        Self::start_as(directory, &[&["--store", &store], flags].concat(), &[]).await
    }

    /// The same anywhere, with variables of its environment.
    pub async fn start_as(directory: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let addr = crate::support::ports::free_addr();
        let log = directory.join("log");
        let process = launch::hubbub()
            .args(["serve", "--listen", &addr.to_string(), "--token-secret", SECRET, "--api-key", API_KEY])
            .args(flags)
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("a file"))
            .spawn()
            .expect("the program");
        let server = Self { addr, process, log };
        let began = Instant::now();
        while !http::ask(addr, "GET", "/health/ready", &[], "").await.is_ok_and(|answer| answer.status == 200) {
            assert!(began.elapsed() < 3 * DEADLINE, "it is not ready: {}", server.log());
            breathe().await;
        }
        server
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    /// Waits until the next line that anybody can cause may be told.
    pub async fn waits_a_line(&self) {
        let until = Instant::now() + hubbub_core::limits::LOG_EVERY;
        while Instant::now() < until {
            breathe().await;
        }
    }

    /// A REST request with the API key.
    pub async fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {API_KEY}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        http::ask(self.addr, method, path, &headers, &body.to_string()).await.expect("an answer")
    }

    /// A counter of `/metrics`.
    pub async fn counter(&self, name: &str) -> u64 {
        let text = http::ask(self.addr, "GET", "/metrics", &[], "").await.expect("metrics").text;
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or_else(|| panic!("no counter {name}"))
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
