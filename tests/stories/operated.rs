//! A program that is operated: its configuration changes under it, and its logs are read.

use crate::{
    cluster::{breathe, ended},
    http::{self, Answer},
    launch,
    support::{postgres::Postgres, redis::Redis},
    wire::{DEADLINE, Wire},
};
use hubbub::token::{Requirements, make};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The program with a configuration file, and a file for what it logs.
pub struct Program {
    pub addr: SocketAddr,
    process: Child,
    directory: tempfile::TempDir,
}

impl Program {
    pub async fn serve(configuration: &str) -> Self {
        Self::serve_within(configuration, &[]).await
    }

    /// The same with this in its environment.
    pub async fn serve_within(configuration: &str, environment: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let addr = crate::support::ports::free_addr();
        let log = std::fs::File::create(directory.path().join("log")).expect("a log");
        let config = directory.path().join("hubbub.toml");
        std::fs::write(&config, configuration).expect("a configuration");
        let sqlite = format!("sqlite:{}", directory.path().join("hubbub.db").display());
        let process = launch::hubbub()
            .args(["serve", "--listen", &addr.to_string()])
            .args(if configuration.contains("store = ") { Vec::new() } else { vec!["--store", &sqlite] })
            .arg("--config")
            .arg(&config)
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program");
        let program = Self { addr, process, directory };
        let asked = Instant::now();
        while !http::ask(addr, "GET", "/health/ready", &[], "").await.is_ok_and(|answer| answer.status == 200) {
            assert!(asked.elapsed() < DEADLINE, "it does not start: {}", program.log());
            breathe().await;
        }
        program
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).expect("its log")
    }

    /// Waits until it has logged this so many times: what follows from a lease that ends takes ten seconds on an idle machine.
    pub async fn has_said(&self, words: &str, times: usize) {
        let asked = Instant::now();
        while self.log().matches(words).count() < times {
            assert!(asked.elapsed() < 3 * DEADLINE, "it never said {words:?}: {}", self.log());
            breathe().await;
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Sends it this signal.
    pub fn signal(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.process.id().to_string()]).status().expect("kill");
        assert!(told.success());
    }

    /// Waits for its end, and gives all it has logged.
    pub async fn ends(&mut self) -> String {
        ended(&mut self.process).await;
        self.log()
    }

    /// Changes its configuration under it.
    pub fn reads_again(&self, configuration: &str) {
        std::fs::write(self.file("hubbub.toml"), configuration).expect("a configuration");
        self.signal("-HUP");
    }

    pub async fn api(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {key}");
        let json = ("content-type", "application/json");
        let headers = [("authorization", bearer.as_str()), ("x-request-id", "trace-7"), json];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http::ask(self.addr, method, path, &headers, &body).await.expect("an answer")
    }

    /// Waits until this API key opens it: then all of a new configuration holds.
    pub async fn is_open_to(&self, key: &str) {
        let asked = Instant::now();
        while self.api(key, "GET", "/v1/rooms/general", &Value::Null).await.status != 200 {
            assert!(asked.elapsed() < DEADLINE, "the key is not taken");
            breathe().await;
        }
    }

    /// What a connect with a token of this secret is answered, or how it is closed.
    async fn connect(&self, secret: &str, user: &str) -> Result<Wire, u16> {
        let user = hubbub_core::model::ids::UserId::parse(user).expect("a user");
        let token = make(secret, &Requirements::default(), &user, Duration::from_secs(60)).expect("a token");
        let mut wire = Wire::open(self.addr, None).await.expect("a socket");
        wire.say(json!({ "id": 1, "connect": { "token": token } }).to_string()).await;
        match tokio::time::timeout(DEADLINE, wire.next()).await.expect("an answer") {
            crate::wire::Heard::Line(answer) if answer["connect"].is_object() => Ok(wire),
            crate::wire::Heard::Closed(code, _) => Err(code),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_misspelt_variable_is_named_at_the_start_and_its_value_is_not() {
    let environment = [
        ("HUBBUB_STORRE", "postgres://ana:hush@db/chat"),
        ("HUBBUB_ANYTHING", "hush"),
        ("HUBBUB_SERVER", "http://127.0.0.1:1"),
        ("HUBBUB_SERVICE_HOST", "10.0.0.1"),
        ("HUBBUB_PORT", "tcp://10.0.0.1:8000"),
    ];
    let log = Program::serve_within("dev = true\n", &environment).await.log();
    let warned: Vec<_> = log.lines().filter(|line| line.contains("no such variable")).collect();
    assert_eq!(warned.len(), 2, "{log}");
    assert!(warned[0].contains("HUBBUB_ANYTHING:") && warned[0].contains("hubbub serve --help"), "{log}");
    assert!(warned[1].contains(" WARN ") && warned[1].contains("did you mean HUBBUB_STORE?"), "{log}");
    assert!(!log.contains("hush"), "{log}");
    // It may be why there is none to be had.
    let refused = launch::hubbub().arg("serve").env("HUBBUB_TOKEN_SECERT", "hush").output().expect("the program");
    let said = String::from_utf8_lossy(&refused.stderr);
    let (at, end) = (said.find("did you mean HUBBUB_TOKEN_SECRET?"), said.find("\nhubbub: "));
    assert!(refused.status.code() == Some(2) && at.is_some() && at < end && !said.contains("hush"), "{said}");
}

const OLD: &str = "the old secret that is long enough for stories";
const NEW: &str = "the new secret that is long enough for stories";
const AGAIN: &str = "the configuration was read again";

fn send(id: u32, text: &str) -> Value {
    json!({ "id": id, "rpc": { "method": "send", "data": { "room": "general", "text": text, "key": format!("k{id}") } } })
}

#[tokio::test]
async fn a_new_configuration_holds_at_once_and_a_wrong_one_not_at_all() {
    let configuration =
        |secret: &str, more: &str| format!("token-secret = \"{secret}\"\napi-key = \"{secret}\"\n{more}");
    let program = Program::serve(&configuration(OLD, "")).await;
    let room = json!({ "id": "general", "kind": "open", "members": [{ "user": "ana" }] });
    assert_eq!(program.api(OLD, "POST", "/v1/rooms", &room).await.status, 201);
    let mut ana = program.connect(OLD, "ana").await.expect("let in");
    // Wrong in one thing: nothing of it holds.
    program.reads_again(&configuration(NEW, "[limits]\ntext-bytes = 5\nsends-per-second = 0\n"));
    program.has_said("the new configuration is refused", 1).await;
    assert!(program.log().contains("sends-per-second"), "{}", program.log());
    assert_eq!(program.api(NEW, "GET", "/v1/rooms/general", &Value::Null).await.status, 401);
    assert!(program.connect(OLD, "ben").await.is_ok());
    assert!(ana.asks(send(2, "longer than five")).await["rpc"].is_object());
    // Put right: all of it holds, for those who are connected, too, and who was let in stays.
    program.reads_again(&configuration(
        NEW,
        "log = \"info,hubbub=debug\"\ninstance = \"other\"\n[limits]\ntext-bytes = 5\nsends-per-second = 2\nmax-connections = 7\n",
    ));
    program.has_said(AGAIN, 1).await;
    program.has_said("instance changed: restart to apply", 1).await;
    program.is_open_to(NEW).await;
    assert_eq!(program.api(OLD, "GET", "/v1/rooms/general", &Value::Null).await.status, 401);
    assert_eq!(program.api(NEW, "GET", "/v1/rooms/general", &Value::Null).await.status, 200);
    assert_eq!(program.connect(OLD, "ben").await.err(), Some(3500));
    assert!(program.connect(NEW, "ben").await.is_ok());
    program.has_said("connected", 1).await;
    let long = ana.asks(send(3, "longer than five")).await;
    assert_eq!(long["error"]["code"], 107, "{long}");
    assert!(long["error"]["message"].as_str().unwrap().contains("text: 16 bytes; the limit is 5"), "{long}");
    let over_rest = json!({ "from": "ana", "text": "longer than five" });
    assert_eq!(program.api(NEW, "POST", "/v1/rooms/general/messages", &over_rest).await.status, 422);
    // Two a second, and what is too fast is told how long to wait; after that it is taken, and nothing was lost.
    let mut refused = Vec::new();
    for id in 10..16 {
        let answer = ana.asks(send(id, "hi")).await;
        if answer["error"].is_object() {
            assert_eq!(
                (&answer["error"]["code"], &answer["error"]["temporary"]),
                (&json!(111), &json!(true)),
                "{answer}"
            );
            assert!(answer["error"]["message"].as_str().unwrap().contains("2 a second; retry in"), "{answer}");
            refused.push(id);
        }
    }
    assert!((3..=4).contains(&refused.len()), "of six sends at once two were due: {refused:?}");
    let asked = Instant::now();
    for id in refused {
        while ana.asks(send(id, "hi")).await["error"].is_object() {
            assert!(asked.elapsed() < DEADLINE);
            breathe().await;
        }
    }
    let page = program.api(NEW, "GET", "/v1/rooms/general/messages?limit=100", &Value::Null).await.json();
    let keys: Vec<_> = page["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["text"].as_str().and(entry["key"].as_str()))
        .collect();
    assert_eq!(keys, ["k2", "k10", "k11", "k12", "k13", "k14", "k15"], "in the order they were first said");
    // Without limits again.
    program.reads_again(&configuration(OLD, ""));
    program.has_said(AGAIN, 2).await;
    program.is_open_to(OLD).await;
    for id in 20..40 {
        assert!(ana.asks(send(id, "longer than five")).await["rpc"].is_object());
    }
}

#[tokio::test]
async fn logs_name_requests_and_connections_and_tell_no_secret_and_no_text() {
    tell_no_secret_and_no_text("log = \"info,hubbub=trace,hubbub_core=trace\"\n").await;
}

#[tokio::test]
async fn whatever_is_asked_of_the_log_libraries_tell_nothing_of_what_they_carry() {
    let redis = Redis::start().await;
    assert_eq!(redis.ask(&["CONFIG", "SET", "requirepass", "planted-word"]).await, "+OK\r\n");
    let store = Postgres::shared().url().replace("hubbub@", "hubbub:planted-password@");
    for (schema, log) in [("operated_all", "trace"), ("operated_named", "debug,tokio_postgres=trace,redis=trace")] {
        let bus = format!("redis://:planted-word@{}", redis.addr());
        let places = format!("store = \"{store}\"\nschema = \"{schema}\"\nbus = \"{bus}\"\n");
        tell_no_secret_and_no_text(&format!("log = \"{log}\"\n{places}")).await;
    }
}

async fn tell_no_secret_and_no_text(more: &str) {
    const TEXT: &str = "planted-text";
    let configuration = format!("token-secret = \"{OLD}\"\napi-key = \"{NEW}\"\nlog-format = \"json\"\n{more}");
    let mut program = Program::serve(&configuration).await;
    let room = json!({ "id": "general", "kind": "open", "name": TEXT, "members": [{ "user": "ana" }] });
    assert_eq!(program.api(NEW, "POST", "/v1/rooms", &room).await.status, 201);
    assert_eq!(program.api("planted-key-of-a-stranger", "GET", "/v1/rooms/general", &Value::Null).await.status, 401);
    let said = json!({ "from": "ana", "text": TEXT, "data": { "x": TEXT } });
    assert_eq!(program.api(NEW, "POST", "/v1/rooms/general/messages", &said).await.status, 201);
    let query = format!("/v1/rooms/general/messages?before={TEXT}");
    assert_eq!(program.api(NEW, "GET", &query, &Value::Null).await.status, 400);
    let mut ana = program.connect(OLD, "ana").await.expect("let in");
    ana.asks(json!({ "id": 2, "subscribe": { "channel": "room:general", "recover": true } })).await;
    assert!(ana.asks(send(3, TEXT)).await["rpc"].is_object());
    for wrong in [
        json!({ "id": 4, "rpc": { "method": TEXT } }),
        json!({ "id": 5, "rpc": { "method": "send", "data": { "room": TEXT, "text": 5, "data": TEXT } } }),
        json!({ "id": 7, "refresh": { "token": ["planted-token"] } }),
        json!({ "id": 8, "subscribe": TEXT }),
    ] {
        assert!(ana.asks(wrong.clone()).await["error"].is_object(), "{wrong}");
    }
    ana.say(format!("{{\"id\":\"{TEXT}\",\"connect\":\"planted-token\"}}")).await;
    assert_eq!(ana.closed().await.0, 3501);
    let mut stranger = Wire::open(program.addr, None).await.expect("a socket");
    stranger
        .say(json!({ "id": 1, "connect": { "token": "planted-token.planted-token.planted-token" } }).to_string())
        .await;
    assert_eq!(stranger.closed().await.0, 3500);
    program
        .reads_again(&configuration.replace("[", "").replace("json\"", "json\"\ntoken-secrets = \"planted-secret\""));
    program.has_said("is refused", 1).await;
    program.has_said("\"closing\"", 2).await;
    program.signal("-TERM");
    assert!(ended(&mut program.process).await.success());
    let log = program.log();
    for planted in [OLD, NEW, "planted", "eyJ"] {
        let line = log.lines().find(|line| line.contains(planted));
        assert!(line.is_none(), "{planted} is in {}", line.unwrap_or_default());
    }
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("a JSON object per line")).collect();
    let has = |message: &str, span: &str, field: &str, value: &str| {
        lines.iter().any(|line| {
            line["message"] == message
                && line["span"]["name"] == span
                && line["span"][field].as_str().is_some_and(|it| it.contains(value))
        })
    };
    assert!(has("answered", "request", "id", "trace-7"), "{log}");
    assert!(has("connected", "connection", "user", "ana"), "{log}");
    assert!(has("closing", "connection", "client", "-"), "{log}");
}
