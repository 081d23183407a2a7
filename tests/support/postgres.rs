//! A real Postgres for one test program, in a directory of its own, gone when the program is.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// A running server. Dropping it, or the end of the program however it comes, stops it and removes its files.
pub struct Postgres {
    port: u16,
    server: Child,
    directory: PathBuf,
    /// Waits for the end of its input, which is ours, and cleans up: a `static` is never dropped.
    undertaker: Child,
}

/// Who the server runs as: it refuses to be root.
#[derive(Clone, Copy)]
pub(super) struct Owner(Option<(u32, u32)>);

impl Postgres {
    /// The one server of this program.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// Starts one; `settings` are like `fsync=off`.
    pub fn start(settings: &[&str]) -> Self {
        Self::start_with_files(settings, &[])
    }

    /// The same with files (name and content) that only it may read; it finds them one directory above its data.
    pub fn start_with_files(settings: &[&str], files: &[(&str, &str)]) -> Self {
        Self::begin(settings, files, initdb)
    }

    /// Starts one whose files stay in this directory; those that are there are used again.
    pub fn kept_in(directory: &Path, settings: &[&str]) -> Self {
        fs::create_dir_all(directory).expect("a directory");
        Self::begin_in(directory.to_owned(), true, settings, &[], initdb)
    }

    /// A standby of the server on `port`, which follows it until it is [promoted](Self::promote).
    pub fn standby_of(port: u16) -> Self {
        let from = format!("host=127.0.0.1 port={port} user=hubbub");
        Self::begin(&[], &[], |command| {
            command.args(["--dbname", &from, "--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--pgdata"]);
            "pg_basebackup"
        })
    }

    /// Makes a standby a primary.
    pub fn promote(&self) {
        let url = self.url();
        let asked = Command::new(programs().join("psql"))
            .args(["-X", "-q", "-A", "-t", "-d", &url, "-c", "SELECT pg_promote()"])
            .output()
            .expect("psql");
        assert!(asked.status.success() && asked.stdout.starts_with(b"t"), "{}", String::from_utf8_lossy(&asked.stderr));
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        // Its children notice and go; its files are left to the undertaker.
        self.server.kill().expect("kill");
        self.server.wait().expect("wait");
    }

    fn begin(settings: &[&str], files: &[(&str, &str)], make: impl FnOnce(&mut Command) -> &'static str) -> Self {
        let directory = tempfile::Builder::new().prefix("hubbub-postgres-").tempdir().expect("a directory").keep();
        Self::begin_in(directory, false, settings, files, make)
    }

    fn begin_in(
        directory: PathBuf,
        stays: bool,
        settings: &[&str],
        files: &[(&str, &str)],
        make: impl FnOnce(&mut Command) -> &'static str,
    ) -> Self {
        let programs = programs();
        let owner = Owner::find();
        owner.give(&directory);
        for (name, content) in files {
            let path = directory.join(name);
            fs::write(&path, content).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
            owner.give(&path);
        }
        let data = directory.join("data");
        if !data.exists() {
            let mut maker = Command::new("");
            let program = make(&mut maker);
            let mut command = owner.run(&programs.join(program));
            let made = command.args(maker.get_args()).arg(&data).current_dir(&directory).output().expect(program);
            assert!(made.status.success(), "{program}: {}", String::from_utf8_lossy(&made.stderr));
        }

        let port = super::ports::free_port();
        let log = fs::File::create(directory.join("log")).expect("a log file");
        let mut command = owner.run(&programs.join("postgres"));
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1"]);
        command.arg("-k").arg(&directory).args(["-c", "max_connections=400", "-c", "log_error_verbosity=terse"]);
        for setting in settings {
            command.args(["-c", setting]);
        }
        let server = command
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("postgres");
        let undertaker = Command::new("sh")
            .args([
                "-c",
                "read -r _; kill -$2 \"$0\"; while kill -0 \"$0\"; do sleep 0.1; done; if [ $2 = QUIT ]; then rm -rf \"$1\"; fi",
            ])
            .arg(server.id().to_string())
            .arg(&directory)
            .arg(if stays { "INT" } else { "QUIT" })
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        let mut postgres = Self { port, server, directory, undertaker };
        postgres.wait_until_ready(&programs);
        postgres
    }

    /// Writes files anew that it was started with, and has it read them.
    pub fn replace(&self, files: &[(&str, &str)]) {
        for (name, content) in files {
            fs::write(self.directory.join(name), content).expect("a file");
        }
        let told = Command::new("kill").args(["-HUP", &self.pid().to_string()]).status().expect("kill");
        assert!(told.success());
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A program that comes with the server, like `pg_dump`.
    pub fn program(name: &str) -> Command {
        Command::new(programs().join(name))
    }

    /// A URL for it.
    pub fn url(&self) -> String {
        format!("postgres://hubbub@127.0.0.1:{}/postgres", self.port)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read(self.directory.join("log")).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    fn wait_until_ready(&mut self, programs: &Path) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let asked = Command::new(programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-t", "1"])
                .status();
            if asked.is_ok_and(|status| status.success()) {
                return;
            }
            let ended = self.server.try_wait().expect("the server's state");
            if ended.is_some() || Instant::now() > deadline {
                panic!("Postgres did not start ({ended:?}): {}", self.log());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

fn initdb(command: &mut Command) -> &'static str {
    command
        .args(["--no-sync", "--auth=trust", "--username=hubbub", "--encoding=UTF8", "--locale=C.UTF-8"])
        .arg("--pgdata");
    "initdb"
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.undertaker.stdin.take());
        let _ = self.server.wait();
        let _ = self.undertaker.wait();
    }
}

impl Owner {
    pub fn find() -> Self {
        let number = |args: &[&str]| -> u32 {
            let out = Command::new("id").args(args).output().expect("id");
            let text = String::from_utf8_lossy(&out.stdout);
            text.trim().parse().unwrap_or_else(|_| panic!("there is no user postgres: run scripts/install-services"))
        };
        if number(&["-u"]) == 0 {
            Self(Some((number(&["-u", "postgres"]), number(&["-g", "postgres"]))))
        } else {
            Self(None)
        }
    }

    pub fn run(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }

    pub fn give(self, directory: &Path) {
        if let Some((user, group)) = self.0 {
            std::os::unix::fs::chown(directory, Some(user), Some(group)).expect("chown");
        }
    }
}

/// The newest installed server's programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .max()
        .map(|(_, bin)| bin)
        .unwrap_or_else(|| panic!("Postgres is not installed: run scripts/install-services"))
}
