//! Other processes: started, watched through `/proc`, ended.

use anyhow::{Context, bail, ensure};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// What tokens are signed with here.
pub const TOKEN_SECRET: &str = "only-for-measuring-0123456789abcdef";
/// The key of the REST API here.
pub const API_KEY: &str = "only-for-measuring-fedcba9876543210";
/// What one user may use of a server that is measured: a few users press into seconds what many do over a day.
pub const RAISED: [(&str, &str); 5] = [
    ("HUBBUB_USER_COMMANDS_PER_SECOND", "1000000"),
    ("HUBBUB_USER_CONNECTIONS", "100000"),
    ("HUBBUB_USER_ENTRIES_PER_SECOND", "1000000"),
    ("HUBBUB_USER_ROOMS_PER_HOUR", "100000"),
    // Everybody comes from one address here, and at once.
    ("HUBBUB_STRANGERS_PER_ADDRESS", "4096"),
];
/// How long anything may take to start.
const START_WITHIN: Duration = Duration::from_secs(30);

/// A process of ours. Dropping it, or our end however it comes, ends it.
pub struct Process {
    pub pid: u32,
    child: Child,
    /// Waits for the end of its input, which is ours, and kills the process.
    undertaker: Child,
}

impl Process {
    /// Starts one.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let undertaker = Command::new("sh")
            .args(["-c", "read -r _; kill -KILL \"$0\" 2>/dev/null"])
            .arg(child.id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start sh")?;
        Ok(Self { pid: child.id(), child, undertaker })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.undertaker.stdin.take());
        let _ = self.undertaker.wait();
        let _ = self.child.wait();
    }
}

/// A command that may open as many files as anybody lets it.
pub fn with_all_files(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" \"$@\""]).arg(program);
    command
}

/// The soft and the hard limit of open files.
pub fn file_limits() -> anyhow::Result<(u64, u64)> {
    let text = fs::read_to_string("/proc/self/limits").context("/proc is needed: this runs on Linux")?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files")).context("Max open files")?;
    let mut numbers = line.split_whitespace().map(|word| word.parse().unwrap_or(u64::MAX));
    Ok((numbers.next().context("a limit")?, numbers.next().context("a limit")?))
}

/// A running Hubbub.
pub struct Server {
    pub port: u16,
    pub process: Process,
}

impl Server {
    /// Starts one on a free port and waits until it is ready.
    pub fn start(program: &Path, store: &str, log: &Path) -> anyhow::Result<Self> {
        Self::start_with(program, &["--store", store], log)
    }

    /// The same with any flags.
    pub fn start_with(program: &Path, flags: &[&str], log: &Path) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let errors = fs::File::create(log)?;
        let mut command = with_all_files(program);
        command
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .args(flags)
            .envs(RAISED)
            .args(["--token-secret", TOKEN_SECRET, "--api-key", API_KEY])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors);
        let mut server = Self { port, process: Process::start(&mut command)? };
        let deadline = Instant::now() + START_WITHIN;
        while !http(port, "GET", "/health/ready", "").is_ok_and(|(status, _)| status == 200) {
            if server.process.child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("the server did not start: {}", fs::read_to_string(log).unwrap_or_default());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Asks the REST API.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
        let (status, answer) = http(self.port, method, path, body)?;
        ensure!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        Ok(answer)
    }

    /// Whether it knows this path.
    pub fn takes(&self, path: &str) -> bool {
        http(self.port, "GET", path, "").is_ok_and(|(status, _)| (200..300).contains(&status))
    }

    /// One of its counters.
    pub fn counter(&self, name: &str) -> anyhow::Result<f64> {
        let text = self.ask("GET", "/metrics", "")?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).with_context(|| format!("/metrics has no {name}"))
    }
}

fn http(port: u16, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(START_WITHIN))?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nAuthorization: Bearer {API_KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("not an HTTP answer")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no HTTP status")?;
    Ok((status, body.to_owned()))
}

/// A bare loop: it is told things over its stdin, one a line, and answers each with a line.
pub struct Loop {
    pub process: Process,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Loop {
    /// Starts this program as a bare loop. Returns its first answer with it.
    pub fn start(args: &[&str]) -> anyhow::Result<(Self, String)> {
        let mut command = with_all_files(&std::env::current_exe()?);
        command.arg("bare").args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let orders = process.child.stdin.take().context("stdin")?;
        let answers = BufReader::new(process.child.stdout.take().context("stdout")?);
        let mut bare = Self { process, orders, answers };
        let first = bare.answer()?;
        Ok((bare, first))
    }

    /// Tells it something.
    pub fn tell(&mut self, order: &str) -> anyhow::Result<()> {
        writeln!(self.orders, "{order}").context("the bare loop has ended")
    }

    /// Its next answer.
    pub fn answer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(line.ends_with('\n'), "the bare loop ended without an answer: see above");
        Ok(line.trim_end().to_owned())
    }
}

/// CPU-seconds that the living threads of a process have used.
pub fn cpu(pid: u32) -> anyhow::Result<f64> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("a process that is measured has ended")? {
        // A thread may end between being listed and being read.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        nanoseconds += text.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// CPU-seconds of a process and its children.
pub fn cpu_of_family(parent: u32) -> anyhow::Result<f64> {
    let mut seconds = cpu(parent)?;
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if fields(pid).is_some_and(|fields| fields.get(1).is_some_and(|p| *p == parent.to_string())) {
            seconds += cpu(pid).unwrap_or(0.0);
        }
    }
    Ok(seconds)
}

/// CPU in user and in kernel mode, in ticks: only their proportion is of use.
pub fn user_and_kernel(pid: u32) -> anyhow::Result<(u64, u64)> {
    let fields = fields(pid).context("a process that is measured has ended")?;
    let number = |n: usize| fields.get(n).and_then(|f| f.parse().ok()).context("a number of ticks");
    Ok((number(11)?, number(12)?))
}

/// What follows the name in `/proc/PID/stat`: state, parent, …
fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(Into::into).collect())
}

/// Memory of a process that is in RAM, in KiB.
pub fn resident(pid: u32) -> anyhow::Result<f64> {
    kib(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// The kernel's own small objects, in KiB: sockets are among them.
pub fn kernel_slab() -> anyhow::Result<f64> {
    kib("/proc/meminfo", "Slab:")
}

fn kib(file: &str, name: &str) -> anyhow::Result<f64> {
    let text = fs::read_to_string(file).with_context(|| file.to_owned())?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("{file}: {name}"))?;
    value.trim().trim_end_matches(" kB").parse().with_context(|| format!("{file}: {name}"))
}
