//! The official SDKs, unmodified, each as a program of its own.

use crate::{
    cluster::{Broker, Cluster, breathe},
    person,
    support::{door::Door, kafka::Kafka, nats::Nats, nginx::Nginx},
    wire::DEADLINE,
};
use futures_util::future::join_all;
use hubbub_core::limits;
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

    // He says and hears.
    assert_eq!(ben.says(50, "b-").await, 50);
    ana.says("general", "And?").await;
    ben.has_received(53).await;
    let connections = ben.told.iter().filter(|event| event["event"] == "connected").count();
    assert_eq!(connections, 1, "a connection that was refreshed lives on: {:?}", ben.told);

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

/// Her token has long to live: an SDK asks for another only when the one it has is refused.
async fn comes_back_with_another_token(sdk: Sdk) {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana"]).await;
    let mut ana = App::start(sdk, "ana", cluster.at(0)).await;
    assert_eq!(ana.says(1, "before-").await, 1);
    let body = json!({ "reconnect": true, "reason": "other rights" });
    let answer = cluster.instances[1].api("POST", "/v1/users/ana/disconnect", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let why = ana.tells("connecting", DEADLINE).await;
    assert_eq!((&why["code"], &why["reason"]), (&json!(3011), &json!("other rights")));
    ana.tells("token_wanted", DEADLINE).await;
    let another = person::token_for("ana", Duration::from_secs(900));
    ana.is_ordered(json!({ "do": "token", "token": another })).await;
    let back = ana.tells("subscribed", DEADLINE).await;
    assert_eq!(back["recovered"], true, "it counts on where it was: {back}");
    assert_eq!(ana.says(1, "after-").await, 1);
    ana.has_exactly(&cluster.log("general").await).await;
    ana.quits().await;
}

#[tokio::test]
async fn javascript_comes_back_with_another_token() {
    comes_back_with_another_token(Sdk::JavaScript("websocket")).await;
    comes_back_with_another_token(Sdk::JavaScript("sse")).await;
}

#[tokio::test]
async fn python_comes_back_with_another_token() {
    comes_back_with_another_token(Sdk::Python("websocket")).await;
}

#[tokio::test]
async fn go_comes_back_with_another_token() {
    comes_back_with_another_token(Sdk::Go("websocket+protobuf")).await;
}

/// As many rooms as one connection may follow, with the longest ids. An SDK asks for all of them again when it comes back, some in
/// one frame.
async fn follows_a_thousand_rooms(sdk: Sdk, all: bool) {
    let cluster = Cluster::of(2).await;
    let rooms: Vec<String> = (0..limits::SUBSCRIPTIONS).map(|n| format!("{n:a>0$}", limits::ROOM_ID_BYTES)).collect();
    for some in rooms.chunks(50) {
        join_all(some.iter().map(|room| cluster.room(room, "private", &["ana"]))).await;
    }
    cluster.room("general", "private", &["ana"]).await;
    let nginx = Nginx::before(&[cluster.at(0), cluster.at(1)]).await;
    let network = Door::to(nginx.addr()).await;
    let mut ana = App::connecting(sdk, "ana", network.addr(), &person::token("ana")).await;
    ana.is_ordered(json!({ "do": "follow", "rooms": rooms, "all": all })).await;
    ana.tells("all_subscribed", PATIENCE).await;
    let mut before = 0;
    for round in 1..=2 {
        network.cut();
        let said = rooms.iter().step_by(7).map(async |room| {
            let message = json!({ "from": "ana", "text": format!("while she was away, {round}") });
            let answer = cluster.api("POST", &format!("/v1/rooms/{room}/messages"), &message).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
        });
        let said = join_all(said).await.len() as u64;
        network.mend();
        let everything = rooms.len() as u64 + round * said;
        let complete = async {
            loop {
                let followed = ana.does(json!({ "do": "followed" }), "followed").await;
                if followed["subscribed"] == rooms.len() && followed["received"] == everything {
                    return followed;
                }
                breathe().await;
            }
        };
        let followed = tokio::time::timeout(PATIENCE, complete).await;
        let followed = followed.unwrap_or_else(|_| panic!("she never had all; {:?}", ana.told.iter().rev().take(20)));
        assert_eq!((&followed["faults"], &followed["not_recovered"]), (&json!(0), &json!(0)), "{followed}");
        let recovered = followed["recovered"].as_u64().expect("a number");
        assert!(recovered >= before + rooms.len() as u64, "each came back to where it was: {followed}");
        before = recovered;
    }
    let ends = ["disconnected", "unsubscribed"];
    let ended: Vec<_> = ana.told.iter().filter(|event| ends.iter().any(|end| event["event"] == *end)).collect();
    assert!(ended.is_empty(), "{ended:?}");
    ana.quits().await;
}

#[tokio::test]
async fn a_thousand_rooms_with_javascript_in_json() {
    follows_a_thousand_rooms(Sdk::JavaScript("websocket"), true).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_javascript_in_protobuf() {
    follows_a_thousand_rooms(Sdk::JavaScript("websocket+protobuf"), false).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_javascript_over_http_streams() {
    follows_a_thousand_rooms(Sdk::JavaScript("http_stream"), true).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_javascript_over_http_streams_in_protobuf() {
    follows_a_thousand_rooms(Sdk::JavaScript("http_stream+protobuf"), true).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_javascript_over_server_sent_events() {
    follows_a_thousand_rooms(Sdk::JavaScript("sse"), false).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_python() {
    follows_a_thousand_rooms(Sdk::Python("websocket"), true).await;
    follows_a_thousand_rooms(Sdk::Python("websocket+protobuf"), false).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_go() {
    follows_a_thousand_rooms(Sdk::Go("websocket"), true).await;
    follows_a_thousand_rooms(Sdk::Go("websocket+protobuf"), false).await;
}

/// A long story: it needs a JDK.
#[tokio::test]
async fn a_day_with_java() {
    if std::env::var_os("HUBBUB_LONG").is_some() {
        a_day_of_ben(Sdk::Java("websocket+protobuf")).await;
    }
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
    for sdk in ALL {
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
