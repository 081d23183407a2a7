//! The official SDKs, unmodified, each as a program of its own.

mod coming_back;

use crate::{
    cluster::{Broker, Cluster},
    person,
    support::{door::Door, kafka::Kafka, nats::Nats, nginx::Nginx},
    wire::DEADLINE,
};
use hubbub_core::log::features::Features;
use serde_json::{Value, json};
use std::{collections::HashSet, net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// How long a thousand messages may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `presence` is answered with: who is subscribed, on either instance.
const PRESENCE: &str = r#"{"users":["ana","ben"]}"#;

/// An SDK, and the way it goes: the transport, and `+protobuf` where it does not speak JSON.
#[derive(Clone, Copy)]
enum Sdk {
    JavaScript(&'static str),
    Python(&'static str),
    Go(&'static str),
    Java(&'static str),
}

impl Sdk {
    fn command(self) -> (Command, &'static str) {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let with = |program: PathBuf, driver: &[&str]| {
            let mut command = Command::new(program);
            command.args(driver).current_dir(&root);
            command
        };
        match self {
            Self::JavaScript(transport) => (with("node".into(), &["tests/sdk/js/driver.js"]), transport),
            Self::Python(transport) => {
                (with(root.join(".tools/venv/bin/python"), &["tests/sdk/python/driver.py"]), transport)
            }
            Self::Go(transport) => (with(root.join(".tools/sdk-go"), &[]), transport),
            Self::Java(transport) => {
                let classes = ".tools/sdk-java/classes:.tools/sdk-java/lib/*";
                (with("java".into(), &["-cp", classes, "Driver"]), transport)
            }
        }
    }

    /// Whether it can be told to begin with the first entry. If not, it begins at the head.
    const fn begins_anywhere(self) -> bool {
        !matches!(self, Self::Java(_))
    }

    /// Whether its commands come in requests of their own, each on whichever instance.
    fn is_stream(self) -> bool {
        !self.command().1.starts_with("websocket")
    }
}

/// A person whose app uses an official SDK; what it does is in tests/sdk/README.md.
struct App {
    name: &'static str,
    events: Lines<BufReader<ChildStdout>>,
    orders: ChildStdin,
    program: Child,
    /// Every event so far.
    told: Vec<Value>,
}

impl App {
    async fn start(sdk: Sdk, name: &'static str, addr: SocketAddr) -> Self {
        let mut app = Self::with_token(sdk, name, addr, &person::token(name)).await;
        app.tells("subscribed", DEADLINE).await;
        app
    }

    /// One that has not connected yet.
    async fn with_token(sdk: Sdk, name: &'static str, addr: SocketAddr, token: &str) -> Self {
        let mut app = Self::connecting(sdk, name, addr, token).await;
        app.is_ordered(json!({ "do": "subscribe" })).await;
        app
    }

    /// One that has not connected yet, and follows nothing.
    async fn connecting(sdk: Sdk, name: &'static str, addr: SocketAddr, token: &str) -> Self {
        let (mut program, transport) = sdk.command();
        let mut program = program
            .args(["--addr", &addr.to_string(), "--transport", transport, "--token", token])
            .args(["--room", "general", "--user", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the SDK's driver; `make sdk` installs what it needs");
        let events = BufReader::new(program.stdout.take().expect("its output")).lines();
        let orders = program.stdin.take().expect("its input");
        Self { name, events, orders, program, told: Vec::new() }
    }

    async fn is_ordered(&mut self, order: Value) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.expect("the driver listens");
    }

    /// Waits for an event of this kind.
    async fn tells(&mut self, kind: &str, patience: Duration) -> Value {
        let (events, told) = (&mut self.events, &mut self.told);
        let telling = async {
            loop {
                let line = events.next_line().await.expect("a line").expect("the driver lives");
                let event: Value = serde_json::from_str(&line).expect("JSON");
                told.push(event.clone());
                if event["event"] == kind {
                    return event;
                }
            }
        };
        let event = tokio::time::timeout(patience, telling).await;
        event.unwrap_or_else(|_| panic!("{} never told of {kind}, but of {:?}", self.name, self.told))
    }

    /// Orders something that is answered with an event of this kind.
    async fn does(&mut self, order: Value, kind: &str) -> Value {
        self.is_ordered(order).await;
        self.tells(kind, DEADLINE).await
    }

    async fn says(&mut self, n: usize, prefix: &str) -> usize {
        self.is_ordered(json!({ "do": "say", "n": n, "prefix": prefix })).await;
        let said = self.tells("said", PATIENCE).await;
        assert_eq!(said["refused"], 0, "{said}");
        said["acked"].as_u64().expect("a number") as usize
    }

    async fn has_received(&mut self, seq: usize) {
        self.is_ordered(json!({ "do": "expect", "seq": seq })).await;
        self.tells("reached", PATIENCE).await;
    }

    async fn quits(mut self) {
        self.is_ordered(json!({ "do": "quit" })).await;
        // It says goodbye before it ends.
        while let Ok(Ok(Some(_))) = tokio::time::timeout(DEADLINE, self.events.next_line()).await {}
        self.program.wait().await.expect("the driver ends");
    }

    async fn log(&mut self) -> Value {
        self.does(json!({ "do": "log" }), "log").await
    }

    /// What it received is the log, each entry once and in order.
    async fn has_exactly(&mut self, stored: &[Value]) {
        let expected: Vec<Value> = stored.iter().map(seen).collect();
        let told = self.log().await;
        assert_eq!(told["log"].as_array().expect("a log"), &expected, "what {} received is not the log", self.name);
        assert_eq!((&told["duplicates"], &told["holes"]), (&json!(0), &json!(0)), "{}", self.name);
    }
}

/// An entry as drivers tell of it.
fn seen(entry: &Value) -> Value {
    json!([entry["seq"], entry["id"], entry.get("text").unwrap_or(&Value::Null)])
}

async fn two_people_talk(cluster: Cluster, anas: Sdk, bens: Sdk) {
    cluster.room("general", "private", &["ana", "ben"]).await;
    let bens_network = Door::to(cluster.at(1)).await;
    let mut ana = App::start(anas, "ana", cluster.at(0)).await;
    let mut ben = App::start(bens, "ben", bens_network.addr()).await;

    let (a, b) = tokio::join!(ana.says(300, "a-"), ben.says(500, "b-"));
    assert_eq!((a, b), (300, 500));
    ben.has_received(802).await;

    // Ben is in a tunnel while Ana says 400 more.
    bens_network.cut();
    assert_eq!(ana.says(400, "away-").await, 400);
    bens_network.mend();
    let (a, b) = tokio::join!(ana.says(300, "c-"), ben.says(500, "d-"));
    assert_eq!((a, b), (300, 500));

    let stored = cluster.log("general").await;
    assert_eq!(stored.len(), 2 + 1_000 + 1_000);
    ana.has_received(stored.len()).await;
    ben.has_received(stored.len()).await;
    ana.has_exactly(&stored).await;
    ben.has_exactly(&stored).await;
    assert!(ben.log().await["recovered"].as_u64() >= Some(2), "the tunnel was no tunnel");
    ana.quits().await;
    ben.quits().await;
    let texts: HashSet<_> = stored.iter().filter_map(|entry| entry["text"].as_str()).collect();
    assert_eq!(texts.len(), 2_000, "each message once");
}

#[tokio::test]
async fn ana_with_javascript_and_ben_with_python_each_get_every_message_once() {
    two_people_talk(Cluster::of(2).await, Sdk::JavaScript("websocket"), Sdk::Python("websocket")).await;
}

#[tokio::test]
async fn ana_with_python_and_ben_with_javascript_each_get_every_message_once() {
    two_people_talk(Cluster::of(2).await, Sdk::Python("websocket"), Sdk::JavaScript("websocket")).await;
}

#[tokio::test]
async fn the_two_talk_over_nats() {
    let cluster = Cluster::on(Broker::Nats(Nats::start().await), 2).await;
    two_people_talk(cluster, Sdk::JavaScript("websocket"), Sdk::Python("websocket")).await;
}

#[tokio::test]
async fn the_two_talk_over_kafka() {
    let cluster = Cluster::on(Broker::Kafka(Kafka::start().await), 2).await;
    two_people_talk(cluster, Sdk::JavaScript("websocket"), Sdk::Python("websocket")).await;
}

#[tokio::test]
async fn the_two_talk_over_postgres_alone() {
    two_people_talk(Cluster::on(Broker::Postgres, 2).await, Sdk::JavaScript("websocket"), Sdk::Python("websocket"))
        .await;
}

/// Everything an app does in a day, over two instances behind nginx, while Ana is on one of them.
async fn a_day_of_ben(sdk: Sdk) {
    let cluster = Cluster::of_with(2, &["--trusted-proxies", "127.0.0.1"]).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let nginx = Nginx::before(&[cluster.at(0), cluster.at(1)]).await;
    let network = Door::to(nginx.addr()).await;
    let ana = cluster.person("ana", 0).await;
    ana.follows("general").await;

    // His token has expired: the SDK fetches another and connects. That one is about to expire: it fetches others and
    // refreshes the living connection with them, each before the one before it has ended.
    let short = Duration::from_secs(3);
    let token = |ttl| json!({ "do": "token", "token": person::token_for("ben", ttl) });
    let mut ben = App::with_token(sdk, "ben", network.addr(), &person::token_for("ben", Duration::ZERO)).await;
    ben.tells("token_wanted", PATIENCE).await;
    ben.is_ordered(token(short)).await;
    ben.tells("subscribed", DEADLINE).await;
    for ttl in [short, Duration::from_secs(3600)] {
        ben.tells("token_wanted", DEADLINE).await;
        ben.is_ordered(token(ttl)).await;
    }

    // What is on is told him, where his driver passes it on.
    let features = ben.told.iter().rev().find_map(|event| event["features"].as_array());
    if matches!(sdk, Sdk::JavaScript(_) | Sdk::Python(_)) {
        assert_eq!(features.map(Vec::len), Some(Features::all().iter().count()), "{:?}", ben.told);
    }

    // He says and hears.
    assert_eq!(ben.says(50, "b-").await, 50);
    ana.says("general", "And?").await;
    ben.has_received(53).await;
    let connections = ben.told.iter().filter(|event| event["event"] == "connected").count();
    assert_eq!(connections, 1, "a connection that was refreshed lives on: {:?}", ben.told);

    // What has no offset moves nothing.
    if matches!(sdk, Sdk::JavaScript(_) | Sdk::Python(_)) {
        assert_eq!(ana.calls("typing", json!({ "room": "general" })).await["rpc"]["data"], json!({}));
        let signal = ben.tells("signal", DEADLINE).await;
        assert_eq!((&signal["type"], &signal["user"]), (&json!("typing"), &json!("ana")), "{signal}");
    }

    // He is in a tunnel while Ana says more than fits into one answer.
    network.cut();
    for n in 0..200 {
        ana.says("general", &format!("{n} {}", "away ".repeat(40))).await;
    }
    network.mend();
    ben.has_received(253).await;
    // To begin with the first entry is to recover, too.
    let recovered = 1 + u64::from(sdk.begins_anywhere());
    assert!(ben.log().await["recovered"].as_u64() >= Some(recovered), "the tunnel was no tunnel");

    let published =
        ben.does(json!({ "do": "publish", "data": { "text": "published", "key": "k-1" } }), "published").await;
    assert_eq!(published["code"], Value::Null, "{published}");
    ana.hears("general", "published").await;

    let stored = cluster.log("general").await;
    let first = json!({ "do": "history", "limit": 5, "since": { "offset": 0, "epoch": "" } });
    let (page, last) = (ben.does(first, "history").await, json!({ "do": "history", "limit": 2, "reverse": true }));
    assert_eq!(page["entries"], stored[..5].iter().map(seen).collect::<Value>());
    assert_eq!(page["offset"], stored.len());
    let page = ben.does(last, "history").await;
    assert_eq!(page["entries"], stored.iter().rev().take(2).map(seen).collect::<Value>());

    let presence = ben.does(json!({ "do": "presence" }), "presence").await;
    let expected: Value = serde_json::from_str(PRESENCE).expect("JSON");
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&presence[name], value, "{presence}");
    }

    ben.has_received(stored.len()).await;
    let began = if sdk.begins_anywhere() { 0 } else { 2 };
    ben.has_exactly(&stored[began..]).await;
    let mut forwarded = 0;
    for instance in &cluster.instances {
        forwarded += instance.counter("hubbub_commands_forwarded_total").await;
        assert_eq!(instance.counter("hubbub_commands_dropped_total").await, 0);
    }
    println!("{forwarded} commands went from one instance to the other");
    assert_eq!(forwarded > 0, sdk.is_stream(), "round robin sends half of a stream's commands to the other instance");

    // The product's backend logs him out.
    let answer = cluster.api("POST", "/v1/users/ben/disconnect", &Value::Null).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(ben.tells("disconnected", DEADLINE).await["code"], 3503);
    ben.quits().await;
}

#[tokio::test]
async fn a_day_with_javascript_in_json() {
    a_day_of_ben(Sdk::JavaScript("websocket")).await;
}

#[tokio::test]
async fn a_day_with_javascript_in_protobuf() {
    a_day_of_ben(Sdk::JavaScript("websocket+protobuf")).await;
}

#[tokio::test]
async fn a_day_with_javascript_over_http_streams() {
    a_day_of_ben(Sdk::JavaScript("http_stream")).await;
}

#[tokio::test]
async fn a_day_with_javascript_over_http_streams_in_protobuf() {
    a_day_of_ben(Sdk::JavaScript("http_stream+protobuf")).await;
}

#[tokio::test]
async fn a_day_with_javascript_over_server_sent_events() {
    a_day_of_ben(Sdk::JavaScript("sse")).await;
}

#[tokio::test]
async fn a_day_with_python_in_json() {
    a_day_of_ben(Sdk::Python("websocket")).await;
}

#[tokio::test]
async fn a_day_with_python_in_protobuf() {
    a_day_of_ben(Sdk::Python("websocket+protobuf")).await;
}

#[tokio::test]
async fn a_day_with_go_in_json() {
    a_day_of_ben(Sdk::Go("websocket")).await;
}

#[tokio::test]
async fn a_day_with_go_in_protobuf() {
    a_day_of_ben(Sdk::Go("websocket+protobuf")).await;
}

/// A long story: it needs a JDK.
#[tokio::test]
async fn a_day_with_java() {
    if has_java() {
        a_day_of_ben(Sdk::Java("websocket+protobuf")).await;
    }
}

/// Java and its SDK are installed for the long stories alone: `make test-long`.
fn has_java() -> bool {
    std::env::var_os("HUBBUB_LONG").is_some()
}

/// One for each library, and Protobuf where numbers have other types.
const ALL: [Sdk; 6] = [
    Sdk::JavaScript("websocket"),
    Sdk::Python("websocket"),
    Sdk::Python("websocket+protobuf"),
    Sdk::Go("websocket"),
    Sdk::Go("websocket+protobuf"),
    Sdk::Java("websocket+protobuf"),
];

#[tokio::test]
async fn every_sdk_takes_a_token_for_ten_thousand_years_and_comes_again_with_one_of_the_future() {
    let cluster = Cluster::of(1).await;
    cluster.room("general", "private", &["ana"]).await;
    let now = || hubbub::clock::local();
    let (years, hour) = (Duration::from_secs(1_794_114_459_720), Duration::from_secs(3_600));
    for sdk in ALL.into_iter().filter(|sdk| has_java() || !matches!(sdk, Sdk::Java(_))) {
        let ana = hubbub_core::model::ids::UserId::parse("ana").unwrap();
        let (required, early) = (Default::default(), hubbub_core::limits::TOKEN_LEEWAY + Duration::from_secs(3));
        for (ttl, made) in [(years, now()), (hour, now() + early)] {
            let token = hubbub::token::make_at(crate::cluster::SECRET, &required, &ana, ttl, made).expect("a token");
            let mut app = App::with_token(sdk, "ana", cluster.at(0), &token).await;
            app.tells("subscribed", PATIENCE).await;
            assert_eq!(app.says(1, "hi-").await, 1);
            app.quits().await;
        }
    }
}
