//! Several instances of the real program, on a real Postgres and a real Redis, each behind doors of its own.

use crate::{
    http::{self, Answer},
    launch,
    person::Person,
    support::{door::Door, kafka::Kafka, nats::Nats, postgres::Postgres, redis::Redis},
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

pub const SECRET: &str = "a secret of stories, long enough for them";
pub const API_KEY: &str = "an API key of stories that is long enough for them";

/// What one user may use, raised for all stories that are not about it: they press what many do over a day into a few seconds of a
/// few people. Flags of a story go before.
const LOAD: [(&str, &str); 6] = [
    ("HUBBUB_USER_COMMANDS_PER_SECOND", "1000000"),
    ("HUBBUB_USER_CONNECTIONS", "100000"),
    ("HUBBUB_USER_ENTRIES_PER_SECOND", "1000000"),
    ("HUBBUB_USER_ROOMS_PER_HOUR", "100000"),
    ("HUBBUB_USER_PEOPLE_PER_HOUR", "1000000"),
    ("HUBBUB_USER_SESSIONS_PER_HOUR", "100000"),
];

/// One running instance.
pub struct Instance {
    pub addr: SocketAddr,
    /// Where it is asked for its health and its counters; mostly the same.
    admin: SocketAddr,
    pub redis: Option<Door>,
    pub postgres: Option<Door>,
    /// Which program runs here, from its next start on.
    pub program: PathBuf,
    /// What it is told of `--drain-window`, which older programs do not know as a flag.
    pub window: &'static str,
    process: Child,
    /// What it is started with, from its next start on.
    pub arguments: Vec<String>,
}

/// See the module.
pub struct Cluster {
    pub instances: Vec<Instance>,
    pub redis: Option<Redis>,
    /// What carries wakes where it is not Redis.
    pub broker: Broker,
    schema: String,
    /// The server's port, if it is not the shared one.
    postgres: Option<u16>,
}

/// What else carries wakes: a server of this cluster's own, without doors.
pub enum Broker {
    None,
    Nats(Nats),
    Kafka(Kafka),
    Postgres,
}

impl Broker {
    fn url(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Nats(nats) => Some(nats.url()),
            Self::Kafka(kafka) => Some(kafka.url()),
            Self::Postgres => Some("postgres".into()),
        }
    }
}

static SCHEMAS: AtomicU32 = AtomicU32::new(1);

impl Cluster {
    /// `n` instances on the shared Postgres, in a schema of their own, and a Redis of their own.
    pub async fn of(n: usize) -> Self {
        Self::of_with(n, &[]).await
    }

    /// The same, with more flags.
    pub async fn of_with(n: usize, flags: &[&str]) -> Self {
        Self::start(n, Some(Redis::start().await), Broker::None, None, flags).await
    }

    /// The same with something else than Redis.
    pub async fn on(broker: Broker, n: usize) -> Self {
        Self::start(n, None, broker, None, &[]).await
    }

    /// The same on another Postgres.
    pub async fn on_postgres(n: usize, postgres: u16) -> Self {
        Self::on_postgres_with(n, postgres, &[]).await
    }

    /// The same, with more flags.
    pub async fn on_postgres_with(n: usize, postgres: u16, flags: &[&str]) -> Self {
        Self::start(n, Some(Redis::start().await), Broker::None, Some(postgres), flags).await
    }

    async fn start(n: usize, redis: Option<Redis>, broker: Broker, postgres: Option<u16>, flags: &[&str]) -> Self {
        let schema = format!("story_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
        let mut cluster = Self { instances: Vec::new(), redis, broker, schema, postgres };
        for _ in 0..n {
            cluster.start_one(flags).await;
        }
        cluster.ready().await;
        cluster
    }

    /// An instance for each of these buses, on the shared Postgres.
    pub async fn on_buses(buses: &[String]) -> Self {
        let schema = format!("story_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
        let mut cluster = Self { instances: Vec::new(), redis: None, broker: Broker::None, schema, postgres: None };
        for bus in buses {
            cluster.start_on(bus, None, &[]).await;
        }
        cluster.ready().await;
        cluster
    }

    /// One instance on SQLite, as on a laptop.
    pub async fn laptop(directory: &Path) -> Self {
        Self::laptop_with(directory, &[]).await
    }

    /// The same, with more flags.
    pub async fn laptop_with(directory: &Path, flags: &[&str]) -> Self {
        let cluster = Self::starting(directory, flags).await;
        cluster.ready().await;
        cluster
    }

    /// The same, without waiting until all is well.
    pub async fn starting(directory: &Path, flags: &[&str]) -> Self {
        let store = format!("sqlite:{}", directory.join("hubbub.db").display());
        let mut arguments = vec!["--store".into(), store];
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let instance = Instance::start(arguments, None, None).await;
        Self { instances: vec![instance], redis: None, broker: Broker::None, schema: String::new(), postgres: None }
    }

    /// The same, asked for its health, its counters and `/v1` at another address.
    pub async fn laptop_at(directory: &Path, flags: &[&str], admin: SocketAddr) -> Self {
        let store = format!("sqlite:{}", directory.join("hubbub.db").display());
        let mut arguments = vec!["--store".into(), store];
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let mut instance = Instance::start(arguments, None, None).await;
        instance.admin = admin;
        let cluster = Self {
            instances: vec![instance],
            redis: None,
            broker: Broker::None,
            schema: String::new(),
            postgres: None,
        };
        cluster.ready().await;
        cluster
    }

    /// `n` instances of another program, the same otherwise.
    pub async fn running(n: usize, program: &Path) -> Self {
        let mut cluster = Self::of(n).await;
        // A schema that this program has never seen.
        cluster.schema += "_old";
        for instance in &mut cluster.instances {
            let schema = instance.arguments.iter().position(|argument| argument == "--schema").expect("a schema");
            instance.arguments[schema + 1].clone_from(&cluster.schema);
            instance.program = program.to_owned();
        }
        for n in 0..n {
            cluster.stop(n).await;
            cluster.restart(n).await;
        }
        cluster
    }

    async fn start_one(&mut self, flags: &[&str]) {
        let redis = match &self.redis {
            Some(redis) => Some(Door::to(redis.addr()).await),
            None => None,
        };
        let bus = redis.as_ref().map(|redis| format!("redis://{}", redis.addr())).or_else(|| self.broker.url());
        self.start_on(&bus.expect("a bus"), redis, flags).await;
    }

    async fn start_on(&mut self, bus: &str, redis: Option<Door>, flags: &[&str]) {
        let postgres = Door::to(local(self.postgres.unwrap_or_else(|| Postgres::shared().port()))).await;
        let mut arguments = vec![
            "--store".into(),
            format!("postgres://hubbub@{}/postgres", postgres.addr()),
            "--schema".into(),
            self.schema.clone(),
            "--bus".into(),
            bus.into(),
        ];
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self.instances.push(Instance::start(arguments, redis, Some(postgres)).await);
    }

    /// Waits until every instance says that all is well.
    pub async fn ready(&self) {
        for instance in &self.instances {
            instance.is_ready(|ready| ready["status"] == "ok").await;
        }
    }

    /// The schema everything of this cluster is in.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Where an instance listens.
    pub fn at(&self, n: usize) -> SocketAddr {
        self.instances[n].addr
    }

    /// Somebody connected to an instance.
    pub async fn person(&self, name: &str, n: usize) -> Person {
        let person = Person::new(name, self.at(n));
        person.is_connected().await;
        person
    }

    /// A room with members, made by the product's backend.
    pub async fn room(&self, id: &str, kind: &str, members: &[&str]) {
        let members: Vec<Value> = members.iter().map(|user| json!({ "user": user })).collect();
        let answer = self.api("POST", "/v1/rooms", &json!({ "id": id, "kind": kind, "members": members })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }

    /// Ana on the first instance and Ben on the second, both following their room "general".
    pub async fn ana_and_ben(&self) -> (Person, Person) {
        self.room("general", "private", &["ana", "ben"]).await;
        let (ana, ben) = (self.person("ana", 0).await, self.person("ben", 1).await);
        ana.follows("general").await;
        ben.follows("general").await;
        (ana, ben)
    }

    /// A REST request to the first instance.
    pub async fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.instances[0].api(method, path, body).await
    }

    /// The room's whole log, from the store.
    pub async fn log(&self, room: &str) -> Vec<Value> {
        let mut log: Vec<Value> = Vec::new();
        loop {
            let path = |of: &str| format!("/v1/rooms/{room}/{of}?after={}&limit=1000", log.len());
            let mut page = self.instances[0].api("GET", &path("history"), &Value::Null).await;
            if page.status == 404 {
                // An earlier program: there, `messages` is the log.
                page = self.instances[0].api("GET", &path("messages"), &Value::Null).await;
            }
            let page = page.json();
            log.extend(page["entries"].as_array().expect("entries").iter().cloned());
            if log.len() as u64 == page["head"].as_u64().expect("a head") {
                return log;
            }
        }
    }

    /// The log is dense, and each of these people has received exactly it, in order, from `from` on.
    pub async fn verify(&self, room: &str, people: &[&Person]) -> Vec<Value> {
        let log = self.log(room).await;
        for (n, entry) in log.iter().enumerate() {
            assert_eq!(entry["seq"], n as u64 + 1, "the stored log has a hole");
        }
        for person in people {
            person.has_read(room, log.len() as u64).await;
            person.with(room, |followed| {
                assert!(followed.faults.is_empty(), "{}: {:?}", person.name, followed.faults);
                let from = followed.entries.first().map_or(0, |entry| entry["seq"].as_u64().unwrap_or(1) - 1) as usize;
                assert_eq!(followed.entries, log[from..], "what {} received is not the log", person.name);
            });
        }
        log
    }

    /// Kills an instance without a word, and returns it for a restart.
    pub fn kill(&mut self, n: usize) {
        self.instances[n].process.kill().expect("kill");
        self.instances[n].process.wait().expect("wait");
    }

    /// Asks an instance to go, and waits until it has.
    pub async fn stop(&mut self, n: usize) {
        let process = &mut self.instances[n].process;
        let asked = Command::new("kill").arg(process.id().to_string()).status().expect("kill");
        assert!(asked.success());
        assert!(ended(process).await.success(), "the program did not go in peace");
    }

    /// Starts a killed or stopped instance again, at the same address.
    pub async fn restart(&mut self, n: usize) {
        self.restart_unwell(n);
        self.instances[n].is_ready(|ready| ready["status"] == "ok").await;
    }

    /// The same without waiting until all is well.
    pub fn restart_unwell(&mut self, n: usize) {
        let instance = &mut self.instances[n];
        instance.process = run(&instance.program, instance.addr, &instance.arguments, instance.window);
    }
}

impl Instance {
    async fn start(arguments: Vec<String>, redis: Option<Door>, postgres: Option<Door>) -> Self {
        let addr = crate::support::ports::free_addr();
        // Stories that are not about it do not wait for it.
        let (program, window) = (PathBuf::from(env!("CARGO_BIN_EXE_hubbub")), "0");
        let process = run(&program, addr, &arguments, window);
        Self { addr, admin: addr, redis, postgres, program, window, process, arguments }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until `/health/ready` says so.
    pub async fn is_ready(&self, says: impl Fn(&Value) -> bool) {
        let asked = Instant::now();
        let mut last = String::new();
        while asked.elapsed() < 3 * DEADLINE {
            if let Ok(answer) = http::ask(self.admin, "GET", "/health/ready", &[], "").await {
                if answer.status == 200 && says(&answer.json()) {
                    return;
                }
                last = answer.text;
            }
            breathe().await;
        }
        panic!("{} was not ready in time; it last said {last}", self.addr);
    }

    /// A REST request with the API key.
    pub async fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {API_KEY}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http::ask(self.admin, method, path, &headers, &body).await.expect("an answer")
    }

    /// A counter of `/metrics`.
    pub async fn counter(&self, name: &str) -> u64 {
        let text = http::ask(self.admin, "GET", "/metrics", &[], "").await.expect("metrics").text;
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or_else(|| panic!("no counter {name}"))
    }

    /// Files the process has open.
    pub fn files(&self) -> u64 {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("a process").count() as u64
    }

    /// Resident memory of the process, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("a number") * 1024
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Gone already, if the story killed it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port of this machine.
pub fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn run(program: &Path, addr: SocketAddr, arguments: &[String], window: &str) -> Child {
    let log = if std::env::var_os("HUBBUB_STORY_LOGS").is_some() { Stdio::inherit() } else { Stdio::null() };
    launch::bare(program)
        .args(["serve", "--listen", &addr.to_string(), "--token-secret", SECRET, "--api-key", API_KEY])
        .args(arguments)
        .envs(LOAD)
        .env("HUBBUB_DRAIN_WINDOW", window)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the program")
}

/// Waits until it has ended.
pub async fn ended(process: &mut Child) -> std::process::ExitStatus {
    let asked = Instant::now();
    loop {
        if let Some(status) = process.try_wait().expect("a process") {
            return status;
        }
        if asked.elapsed() > DEADLINE {
            process.kill().expect("kill");
            panic!("the program did not end");
        }
        breathe().await;
    }
}

/// Runs the program with these arguments until it ends: whether it was content, what it printed, and what it complained of.
pub async fn program(arguments: &[&str]) -> (bool, String, String) {
    let running = tokio::process::Command::from(launch::hubbub())
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(DEADLINE, running).await.expect("an end of the program").expect("the program");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// The pause between two looks at something that is waited for.
pub async fn breathe() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// Prints the median and the worst of repeated measurements beside what was promised.
pub fn print_times(what: &str, promised: Duration, times: &mut [Duration]) {
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what}: median {median:.2?}, worst {worst:.2?} of {} runs; promised {promised:?}", times.len());
}

/// The program of an earlier commit, built once.
pub fn old_program(commit: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut script = Command::new(root.join("scripts/old-binary"));
    let built = script.arg(commit).stderr(Stdio::inherit()).output().expect("the script");
    assert!(built.status.success(), "scripts/old-binary failed");
    PathBuf::from(String::from_utf8(built.stdout).expect("a path").trim())
}
