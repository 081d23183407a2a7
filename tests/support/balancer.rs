//! A balancer's process, run with the file of `deploy/` that operators copy.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The process, killed when dropped.
#[derive(Debug)]
pub struct Balancer {
    addr: SocketAddr,
    process: Child,
    directory: tempfile::TempDir,
}

impl Balancer {
    /// Starts a program on a free port. `configured` says what its file is, given its directory and the address, and `run` its
    /// arguments, given the file.
    ///
    /// # Panics
    /// Where it is not installed, or does not start.
    pub async fn start(
        program: &str,
        configured: impl Fn(&Path, SocketAddr) -> String,
        run: impl Fn(&Path) -> Vec<String>,
    ) -> Self {
        for _ in 0..20 {
            if let Some(balancer) = Self::try_start(program, &configured, &run).await {
                return balancer;
            }
        }
        panic!("{program} does not start");
    }

    async fn try_start(
        program: &str,
        configured: impl Fn(&Path, SocketAddr) -> String,
        run: impl Fn(&Path) -> Vec<String>,
    ) -> Option<Self> {
        let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a free port");
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("configuration");
        std::fs::write(&file, configured(directory.path(), addr)).expect("a configuration");
        let output = std::fs::File::create(directory.path().join("output.log")).expect("a log");
        let process = command(program)
            .args(run(&file))
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} ({error}): run scripts/install-services"));
        let mut balancer = Self { addr, process, directory };
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(10) {
            // Another server may have taken the port meanwhile.
            if !matches!(balancer.process.try_wait(), Ok(None)) {
                return None;
            }
            if TcpStream::connect(addr).is_ok() {
                return Some(balancer);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        let read = |name| std::fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        ["output.log", "access.log", "error.log"].map(read).concat()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program that may be where only root looks.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()));
    command
}

/// A file of `deploy/`, with these in the place of others; each of them must be there.
pub fn shipped(file: &str, changes: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{file} has no {from:?}");
        text.replace(from, to)
    })
}

/// The same with these instances, each in a line like that of the first example.
pub fn with_instances(text: &str, instances: &[SocketAddr]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        if !line.trim_start().starts_with("server ") || !line.contains(" 10.0.0.") {
            lines.push(line.into());
        } else if line.contains(" 10.0.0.1:8000") {
            lines.extend(instances.iter().enumerate().map(|(n, instance)| {
                let number = (n + 1).to_string();
                line.replace("10.0.0.1:8000", &instance.to_string())
                    .replace("hubbub-1", &format!("hubbub-{number}"))
                    .replace("cookie 1", &format!("cookie {number}"))
            }));
        }
    }
    lines.join("\n") + "\n"
}
