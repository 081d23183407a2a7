//! Whoever reads what the program says may go away: no command panics, hangs or says that it has failed for that, and what
//! serves goes on serving. The commands come from the program's own help, so that a new one is tried, too.

use crate::{
    cluster::{API_KEY, Cluster, SECRET, breathe, ended},
    http, launch,
    wire::{DEADLINE, Wire},
};
use serde_json::json;
use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

/// They serve until they are told to end: each has a story of its own, below.
const SERVING: [&str; 2] = ["serve", "demo-portal"];

/// What a pipe takes before whoever writes has to wait, in bytes: Linux' default.
const PIPE: usize = 64 * 1024;

/// A pipe that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// What commands run in, and talk to.
struct Bench {
    directory: tempfile::TempDir,
    server: SocketAddr,
}

impl Bench {
    fn command(&self, arguments: &[String]) -> Command {
        let mut command = launch::hubbub();
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        command.env("HUBBUB_SERVER", format!("http://{}", self.server)).env("HUBBUB_API_KEY", API_KEY);
        command.env("HUBBUB_TOKEN_SECRET", SECRET).env("HUBBUB_LISTEN", "127.0.0.1:0");
        command.env("HUBBUB_STORE", format!("sqlite:{}", self.directory.path().join("own.db").display()));
        command
    }

    /// What it says where somebody reads: standard output, standard error, and its status.
    fn says(&self, arguments: &[String]) -> (String, String, i32) {
        let output = self.command(arguments).output().expect("the program");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (text(output.stdout), text(output.stderr), output.status.code().unwrap_or(-1))
    }

    /// The words behind `hubbub` of every command that has none below it.
    fn commands(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        let mut waiting = vec![Vec::new()];
        while let Some(path) = waiting.pop() {
            let help = self.help(&path);
            let below = help.split_once("\nCommands:\n").and_then(|(_, rest)| rest.split("\n\n").next()).unwrap_or("");
            let names = below.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
            let before = waiting.len();
            waiting.extend(names.map(|name| [&path[..], &[name.to_owned()]].concat()));
            if waiting.len() == before {
                found.push(path);
            }
        }
        // Its commands are the methods, which are listed otherwise. One is called as another is: some of them are enough.
        let methods = self.says(&["call".to_owned()]).0;
        for line in methods.lines().filter_map(|line| line.strip_prefix("  ")).step_by(10) {
            let name = line.split_whitespace().next().filter(|name| line.starts_with(*name) && !name.starts_with('-'));
            found.extend(name.map(|name| vec!["call".to_owned(), name.to_owned()]));
        }
        found
    }

    fn help(&self, path: &[String]) -> String {
        let (help, wrong, status) = self.says(&[path, &["--help".to_owned()]].concat());
        assert_eq!(status, 0, "{path:?}: {wrong}");
        help
    }

    /// The command with what its usage says that it needs, and whether it asks a server.
    fn filled(&self, path: &[String]) -> (Vec<String>, bool) {
        let help = self.help(path);
        let usage = help.lines().find_map(|line| line.strip_prefix("Usage: ")).expect("a usage");
        let mut words = path.to_vec();
        for word in usage.split_whitespace().skip(1 + path.len()) {
            let of_choice = word.split('|').next().unwrap_or(word);
            match of_choice.strip_prefix('<').map(|name| name.trim_end_matches(['>', '.'])) {
                None if word.starts_with("--") => words.push(word.to_owned()),
                None => {}
                Some("SHELL") => words.push("bash".to_owned()),
                Some("DIRECTION") => words.push("outgoing".to_owned()),
                Some("NUMBER") => words.push("1".to_owned()),
                Some("FILE") => words.push("file.json".to_owned()),
                Some("ID" | "CUSTOMER") => words.push("ana".to_owned()),
                Some(_) => words.push("desk".to_owned()),
            }
        }
        (words, help.contains("--server"))
    }
}

async fn bench() -> (Bench, Cluster) {
    let directory = tempfile::tempdir().expect("a directory");
    let served = directory.path().join("served");
    std::fs::create_dir(&served).expect("a directory");
    std::fs::write(directory.path().join("file.json"), "{}").expect("a file");
    let cluster = Cluster::laptop_with(&served, &["--portal-allow", "127.0.0.1"]).await;
    let portal = json!({ "id": "desk", "settings": { "url": "http://127.0.0.1:9/", "forward": ["messages"] } });
    assert_eq!(cluster.api("POST", "/v1/portals", &portal).await.status, 201);
    (Bench { directory, server: cluster.at(0) }, cluster)
}

/// Waits for its end, and says with which status it ends; never by a signal.
async fn status(mut process: Child, of: &[String]) -> i32 {
    ended(&mut process).await.code().unwrap_or_else(|| panic!("{of:?} was ended by a signal"))
}

#[tokio::test]
async fn every_command_ends_well_where_nobody_reads_it() {
    let (bench, _cluster) = bench().await;
    let commands = bench.commands();
    let first: BTreeSet<&str> = commands.iter().map(|path| path[0].as_str()).collect();
    for name in ["serve", "check", "token", "epoch", "openapi", "completions", "man", "call", "portals", "demo-portal"]
    {
        assert!(first.contains(name), "{name} was not found: {first:?}");
    }
    assert!(commands.len() > 40 && commands.iter().any(|path| path[0] == "call" && path.len() > 1), "{commands:?}");
    for path in commands {
        let is_method = path[0] == "call" && path.len() > 1;
        if !is_method {
            let words = [&path[..], &["--help".to_owned()]].concat();
            assert_eq!(unheard(&bench, &words).await, 0, "{words:?}");
        }
        if SERVING.contains(&path[0].as_str()) {
            continue;
        }
        if is_method {
            let code = unheard(&bench, &path).await;
            assert!((0..=2).contains(&code), "{path:?}: {code}");
            continue;
        }
        let (words, asks_a_server) = bench.filled(&path);
        let (said, _, heard) = bench.says(&words);
        let codes = [unheard(&bench, &words).await, closed(&bench, &words).await];
        for code in [&codes[..], &[heard]].concat() {
            assert!((0..=2).contains(&code), "{words:?}: {code}");
            // What the first call has done may not be there for the second.
            assert!(asks_a_server || code == heard, "{words:?}: {heard}, and {code} where nobody reads {said}");
        }
    }
}

/// Its status where nobody reads its output. What it complains of is not that.
async fn unheard(bench: &Bench, words: &[String]) -> i32 {
    let mut process = bench.command(words).stdout(unread()).stderr(Stdio::piped()).spawn().expect("the program");
    // A complaint is short: the process does not wait for this to be read.
    let mut stderr = process.stderr.take().expect("its errors");
    let code = status(process, words).await;
    let mut complaints = String::new();
    stderr.read_to_string(&mut complaints).expect("UTF-8");
    assert!(!complaints.contains("panicked") && !complaints.contains("roken pipe"), "{words:?}: {complaints}");
    // And where nobody reads that, either.
    let process = bench.command(words).stdout(unread()).stderr(unread()).spawn().expect("the program");
    assert!((0..=2).contains(&status(process, words).await), "{words:?}: {complaints}");
    code
}

/// Its status where a shell has closed both.
async fn closed(bench: &Bench, words: &[String]) -> i32 {
    let like = bench.command(words);
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" \"$@\" >&- 2>&-", env!("CARGO_BIN_EXE_hubbub")]).args(words).stdin(Stdio::null());
    shell.current_dir(bench.directory.path());
    shell.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    status(shell.spawn().expect("a shell"), words).await
}

#[tokio::test]
async fn a_reader_that_goes_in_the_middle_is_no_failure() {
    let (bench, _cluster) = bench().await;
    for words in [&["openapi"][..], &["completions", "bash"], &["completions", "zsh"]] {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let (all, ..) = bench.says(&words);
        // So that the program still writes when its reader goes.
        assert!(all.len() > 2 * PIPE, "{words:?}: {} bytes, which a pipe takes", all.len());
        let mut process =
            bench.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
        let mut begin = vec![0; 100];
        process.stdout.take().expect("its output").read_exact(&mut begin).expect("a beginning");
        assert!(all.as_bytes().starts_with(&begin));
        let mut stderr = process.stderr.take().expect("its errors");
        assert_eq!(status(process, &words).await, 0, "{words:?}");
        let mut complaints = String::new();
        stderr.read_to_string(&mut complaints).expect("UTF-8");
        assert_eq!(complaints, "", "{words:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_configuration_is_told_by_the_status_where_nobody_reads() {
    let (bench, _cluster) = bench().await;
    let words = ["check", "--store", "sqlite:/nowhere/hubbub.db"].map(ToOwned::to_owned);
    let (said, _, code) = bench.says(&words);
    assert!(code == 1 && said.contains("/nowhere"), "{code}: {said}");
    let unheard = bench.command(&words).stdout(unread()).stderr(Stdio::null()).spawn().expect("the program");
    assert_eq!(status(unheard, &words).await, 1);
}

#[tokio::test]
async fn a_disk_that_is_full_is_a_failure_that_is_told() {
    let (bench, _cluster) = bench().await;
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let words = ["openapi".to_owned()];
    let to = std::fs::File::create(full).expect("a device");
    let output = bench.command(&words).stdout(to).stderr(Stdio::piped()).spawn().expect("the program");
    let output = output.wait_with_output().expect("an end");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && complaints.contains("standard output"), "{complaints}");
}

/// Starts it, reads until it has said this on standard error or output, and goes away from both.
async fn serving(mut command: Command, until: &str) -> Child {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    let (out, err) = (process.stdout.take().expect("its output"), process.stderr.take().expect("its errors"));
    let until = until.to_owned();
    let found = tokio::task::spawn_blocking(move || {
        let is = |line: &io::Result<String>| line.as_ref().is_ok_and(|line| line.contains(&until));
        // Both are dropped here.
        let (mut out, mut err) = (BufReader::new(out).lines(), BufReader::new(err).lines());
        err.by_ref().any(|line| is(&line)) || out.any(|line| is(&line))
    });
    let found = tokio::time::timeout(6 * DEADLINE, found).await.expect("a line in time").expect("a reader");
    assert!(found, "it ended before");
    process
}

fn terminate(process: &Child) {
    assert!(Command::new("kill").arg(process.id().to_string()).status().expect("kill").success());
}

#[tokio::test]
async fn a_server_whose_log_nobody_reads_any_more_goes_on_serving() {
    let (bench, _cluster) = bench().await;
    for format in ["text", "json"] {
        let addr = crate::support::ports::free_addr();
        let words = ["serve", "--dev", "--listen", &addr.to_string(), "--log", "debug", "--log-format", format];
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let mut process = serving(bench.command(&words), "serving").await;
        let mut ana = Wire::of(addr, "ana").await;
        let bearer = format!("Bearer {API_KEY}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        // Each of them is worth some lines of the log.
        for n in 0..50 {
            let said = json!({ "from": "ana", "text": format!("{n}") }).to_string();
            let answer =
                http::ask(addr, "POST", "/v1/rooms/general/messages", &headers, &said).await.expect("an answer");
            assert_eq!(answer.status, 201, "{}", answer.text);
            let refused = http::ask(addr, "GET", "/v1/rooms", &[("authorization", "Bearer wrong")], "").await;
            assert_eq!(refused.expect("an answer").status, 401);
        }
        let rooms = ana.asks(json!({ "id": 2, "rpc": { "method": "rooms", "data": {} } })).await;
        assert_eq!(rooms["rpc"]["data"]["rooms"][0]["id"], "general", "{rooms}");
        assert_eq!(http::ask(addr, "GET", "/health/ready", &[], "").await.expect("an answer").status, 200);
        terminate(&process);
        assert!(ended(&mut process).await.success());
    }
}

#[tokio::test]
async fn a_desk_that_nobody_reads_any_more_goes_on_serving() {
    let (bench, _cluster) = bench().await;
    let addr = crate::support::ports::free_addr();
    let words = ["demo-portal".to_owned(), "--listen".to_owned(), addr.to_string()];
    let mut command = bench.command(&words);
    command.stdout(unread()).stderr(unread());
    let mut process = command.spawn().expect("the program");
    let began = Instant::now();
    while !http::ask(addr, "GET", "/conversations", &[], "").await.is_ok_and(|answer| answer.status == 200) {
        assert!(
            began.elapsed() < 3 * DEADLINE && process.try_wait().expect("a process").is_none(),
            "it does not serve"
        );
        breathe().await;
    }
    terminate(&process);
    ended(&mut process).await;
}
