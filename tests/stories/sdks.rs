//! The official SDKs, unmodified, each as a program of its own.

use crate::{
    cluster::{Broker, Cluster},
    person,
    support::{door::Door, kafka::Kafka, nats::Nats},
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::{collections::HashSet, net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// How long a thousand messages may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

enum Sdk {
    JavaScript,
    Python,
}

/// A person whose app uses an official SDK; what it does is in tests/sdk/README.md.
struct App {
    name: &'static str,
    events: Lines<BufReader<ChildStdout>>,
    orders: ChildStdin,
    program: Child,
}

impl App {
    async fn start(sdk: &Sdk, name: &'static str, addr: SocketAddr) -> Self {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let (program, driver) = match sdk {
            Sdk::JavaScript => ("node".into(), "tests/sdk/js/driver.js"),
            Sdk::Python => (root.join(".tools/venv/bin/python"), "tests/sdk/python/driver.py"),
        };
        let mut program = Command::new(program)
            .arg(root.join(driver))
            .args(["--url", &format!("ws://{addr}/connection/websocket"), "--token", &person::token(name)])
            .args(["--room", "general", "--user", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the SDK's driver; `make sdk` installs what it needs");
        let events = BufReader::new(program.stdout.take().expect("its output")).lines();
        let orders = program.stdin.take().expect("its input");
        let mut app = Self { name, events, orders, program };
        app.is_ordered(json!({ "do": "subscribe" })).await;
        app.tells("subscribed", DEADLINE).await;
        app
    }

    async fn is_ordered(&mut self, order: Value) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.expect("the driver listens");
    }

    /// Waits for an event of this kind.
    async fn tells(&mut self, kind: &str, patience: Duration) -> Value {
        let told = async {
            loop {
                let line = self.events.next_line().await.expect("a line").expect("the driver lives");
                let event: Value = serde_json::from_str(&line).expect("JSON");
                if event["event"] == kind {
                    return event;
                }
            }
        };
        tokio::time::timeout(patience, told).await.unwrap_or_else(|_| panic!("{} never told of {kind}", self.name))
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
        self.is_ordered(json!({ "do": "log" })).await;
        self.tells("log", DEADLINE).await
    }
}

async fn two_people_talk(cluster: Cluster, anas: &Sdk, bens: &Sdk) {
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
    let expected: Vec<Value> = stored
        .iter()
        .map(|entry| json!([entry["seq"], entry["id"], entry.get("text").unwrap_or(&Value::Null)]))
        .collect();
    for app in [&mut ana, &mut ben] {
        let told = app.log().await;
        assert_eq!(told["log"].as_array().expect("a log"), &expected, "what {} received is not the log", app.name);
        assert_eq!((&told["duplicates"], &told["holes"]), (&json!(0), &json!(0)), "{}", app.name);
    }
    assert!(ben.log().await["recovered"].as_u64() >= Some(2), "the tunnel was no tunnel");
    ana.quits().await;
    ben.quits().await;
    let texts: HashSet<_> = stored.iter().filter_map(|entry| entry["text"].as_str()).collect();
    assert_eq!(texts.len(), 2_000, "each message once");
}

#[tokio::test]
async fn ana_with_javascript_and_ben_with_python_each_get_every_message_once() {
    two_people_talk(Cluster::of(2).await, &Sdk::JavaScript, &Sdk::Python).await;
}

#[tokio::test]
async fn ana_with_python_and_ben_with_javascript_each_get_every_message_once() {
    two_people_talk(Cluster::of(2).await, &Sdk::Python, &Sdk::JavaScript).await;
}

#[tokio::test]
async fn the_two_talk_over_nats() {
    let cluster = Cluster::on(Broker::Nats(Nats::start().await), 2).await;
    two_people_talk(cluster, &Sdk::JavaScript, &Sdk::Python).await;
}

#[tokio::test]
async fn the_two_talk_over_kafka() {
    let cluster = Cluster::on(Broker::Kafka(Kafka::start().await), 2).await;
    two_people_talk(cluster, &Sdk::JavaScript, &Sdk::Python).await;
}

#[tokio::test]
async fn the_two_talk_over_postgres_alone() {
    two_people_talk(Cluster::on(Broker::Postgres, 2).await, &Sdk::JavaScript, &Sdk::Python).await;
}
