//! A real PgBouncer before a Postgres.

use super::postgres::Owner;
use std::{
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The system's own.
    Packaged,
    /// One that keeps track of prepared statements: 1.21 or newer.
    Newer,
}

/// The process. Dropping it, or the end of the program however it comes, kills it.
pub struct PgBouncer {
    port: u16,
    /// A shell that started it, and ends it at the end of its own input.
    process: Child,
    directory: tempfile::TempDir,
}

impl PgBouncer {
    /// Starts one before a database of a server on this machine. It is called `postgres` here. `settings` are lines of its file.
    ///
    /// # Panics
    /// Without an installed PgBouncer.
    pub async fn before(which: Which, server: u16, database: &str, settings: &[&str]) -> Self {
        let owner = Owner::find();
        let (directory, port) = (tempfile::tempdir().expect("a directory"), super::ports::free_port());
        owner.give(directory.path());
        let file = directory.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\npostgres = host=127.0.0.1 port={server} dbname={database} user=hubbub\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\nadmin_users = hubbub\nserver_login_retry = 1\n\
             max_client_conn = 400\n{}\n",
            settings.join("\n")
        );
        std::fs::write(&file, text).expect("a configuration");
        let log = std::fs::File::create(directory.path().join("log")).expect("a log");
        let process = owner
            .run(Path::new("/bin/sh"))
            .args(["-c", "\"$0\" \"$1\" & read -r _; kill -9 $!"])
            .arg(which.program())
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("a shell");
        let pooler = Self { port, process, directory };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let late = began.elapsed() > Duration::from_secs(20);
            assert!(!late, "PgBouncer does not start (scripts/install-services pgbouncer): {}", pooler.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        pooler
    }

    /// Where it listens on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// A URL for the database behind it.
    pub fn url(&self) -> String {
        format!("postgres://hubbub@127.0.0.1:{}/postgres", self.port)
    }

    /// A command of its console: how many rows it answers.
    pub async fn console(&self, command: &str) -> usize {
        let url = format!("postgres://hubbub@127.0.0.1:{}/pgbouncer", self.port);
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("its console");
        tokio::spawn(connection);
        let said = client.simple_query(command).await.expect("an answer");
        said.iter().filter(|message| matches!(message, tokio_postgres::SimpleQueryMessage::Row(_))).count()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Which {
    fn program(self) -> PathBuf {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/pgbouncer/pgbouncer");
        let packaged = PathBuf::from("/usr/sbin/pgbouncer");
        // Where the package is new enough, nothing was built.
        if self == Self::Newer && built.exists() { built } else { packaged }
    }

    /// Whether it keeps track of prepared statements where it is told to.
    pub fn keeps_statements(self) -> bool {
        let said = Command::new(self.program()).arg("--version").output().expect("PgBouncer");
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let minor = said.split_whitespace().nth(1).and_then(|version| version.split('.').nth(1)?.parse().ok());
        minor.is_some_and(|minor: u32| minor >= 21)
    }
}
