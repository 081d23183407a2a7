//! Whatever bytes arrive, the connection they arrive on ends with a clear code, and nobody else notices.

use crate::{
    bad_input::asks,
    cluster::{Cluster, Instance, breathe},
    person::{Person, token},
    wire::{DEADLINE, Raw, frame},
};
use serde_json::json;

/// People who keep talking while others send nonsense.
pub struct Bystanders {
    ana: Person,
    ben: Person,
}

impl Bystanders {
    pub async fn of(cluster: &Cluster) -> Self {
        cluster.room("general", "private", &["ana", "ben"]).await;
        let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 0).await);
        ana.follows("general").await;
        ben.follows("general").await;
        Self { ana, ben }
    }

    pub async fn talk_on(&self, text: &str) {
        self.ana.says("general", text).await;
        self.ben.hears("general", text).await;
    }

    pub async fn were_not_disturbed(&self, cluster: &Cluster) {
        self.talk_on("still here").await;
        assert_eq!((self.ana.connections(), self.ben.connections()), (1, 1), "a bystander lost the connection");
        cluster.verify("general", &[&self.ana, &self.ben]).await;
    }
}

/// Waits until an instance has no more than so many connections.
async fn has_only(instance: &Instance, connections: u64) {
    let gone = async {
        while instance.counter("hubbub_connections").await > connections {
            breathe().await;
        }
    };
    tokio::time::timeout(3 * DEADLINE, gone).await.expect("the server did not notice that connections ended");
}

#[tokio::test]
async fn what_cannot_be_answered_closes_with_a_code_and_nobody_else_notices() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    let bystanders = Bystanders::of(&cluster).await;
    let connect = json!({ "id": 1, "connect": { "token": token("eve") } }).to_string();
    let text = |text: &str| frame(1, text.as_bytes());
    let over = format!(r#"{{"id":2,"rpc":{{"method":"rooms","data":"{}"}}}}"#, "x".repeat(256 * 1024));
    let long_token = json!({ "id": 1, "connect": { "token": "x".repeat(70_000) } }).to_string();
    let mut behind = connect.clone();
    while behind.len() <= 256 * 1024 + connect.len() {
        behind.push_str("\n{\"id\":2,\"subscribe\":{\"channel\":\"room:general\"}}");
    }
    let mut pieces = text(&"x".repeat(120 * 1024)).repeat(5);
    // None of them is the last, and all but the first go on.
    for (n, at) in (0..5).zip((0..).step_by(pieces.len() / 5)) {
        pieces[at] = u8::from(n == 0);
    }
    // Whether a `connect` goes before, the bytes, the code, and what the reason names.
    for (what, connected, bytes, code, reason) in [
        ("no connect first", false, text(r#"{"id":1,"rpc":{"method":"rooms"}}"#), 3501, "connect"),
        ("a pong first", false, text("{}"), 3501, "connect"),
        ("connect twice", true, text(&connect), 3501, "connected already"),
        ("a pong without a ping", true, text("{}"), 3501, "pong"),
        ("not JSON", true, text("hello"), 3501, "JSON"),
        ("half a JSON", true, text(r#"{"id":2,"rpc":{"#), 3501, "JSON"),
        ("a list", true, text("[]"), 3501, "JSON"),
        ("no id", true, text(r#"{"rpc":{"method":"rooms"}}"#), 3501, "id"),
        ("an id below zero", true, text(r#"{"id":-2,"rpc":{"method":"rooms"}}"#), 3501, "id"),
        ("binary", true, frame(2, b"{}"), 3506, "binary"),
        ("a frame over the limit", true, text(&over), 3501, "262144"),
        ("a token over the limit", false, text(&long_token), 3501, "65536"),
        ("too much behind a connect", false, text(&behind), 3501, "262144"),
        ("too much without a connect", false, text(&"x".repeat(330_000)), 3501, "262144"),
        ("a frame far over the limit", true, text(&"x".repeat(600 * 1024)), 3501, "262144"),
        ("not UTF-8", true, frame(1, b"{\"id\":2,\"\xff\xfe\":{}}"), 1007, ""),
        ("an opcode that does not exist", true, frame(3, b"{}"), 1002, ""),
        ("a frame without a mask", true, vec![0x81, 0x02, b'{', b'}'], 1002, ""),
        ("a ping that is too long", true, frame(9, &[b'x'; 126]), 1002, ""),
        ("a continuation of nothing", true, frame(0, b"{}"), 1002, ""),
        ("a message far over the limit in pieces", true, pieces, 3501, "262144"),
        ("a goodbye", true, frame(8, &1000_u16.to_be_bytes()), 1000, ""),
    ] {
        let mut raw = if connected { Raw::of(cluster.at(0), "eve").await } else { Raw::open(cluster.at(0)).await };
        raw.send(&bytes).await;
        let closed = raw.closed().await.unwrap_or_else(|| panic!("{what}: the connection ended without a close"));
        assert_eq!(closed.0, code, "{what}: {closed:?}");
        assert!(closed.1.contains(reason), "{what}: {closed:?}");
        bystanders.talk_on(what).await;
    }
    // Half a frame, and then nothing more, ever: the server notices that the connection has ended.
    let instance = &cluster.instances[0];
    let before = instance.counter("hubbub_connections").await;
    for cut in [1, 2, 5, 20] {
        let mut raw = Raw::of(cluster.at(0), "eve").await;
        raw.send(&text(r#"{"id":2,"rpc":{"method":"rooms"}}"#)[..cut]).await;
    }
    has_only(instance, before).await;
    bystanders.were_not_disturbed(&cluster).await;
}

/// A field of a Protobuf message whose number is below 16, and the message after its length.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], &length(value.len())[..], value].concat()
}

fn message(body: &[u8]) -> Vec<u8> {
    [&length(body.len())[..], body].concat()
}

fn length(mut n: usize) -> Vec<u8> {
    let mut varint = Vec::new();
    while n > 127 {
        varint.push(n as u8 | 0x80);
        n >>= 7;
    }
    varint.push(n as u8);
    varint
}

#[tokio::test]
async fn protobuf_that_cannot_be_read_closes_with_a_code_and_costs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    let bystanders = Bystanders::of(&cluster).await;
    let instance = &cluster.instances[0];
    let connect = message(&[&[8, 1], &field(4, &field(1, token("eve").as_bytes()))[..]].concat());
    let rooms = message(&[&[8, 2], &field(13, &field(2, b"rooms"))[..]].concat());
    let memory = instance.memory();
    for (what, bytes, code, reason) in [
        ("text", frame(1, br#"{"id":2,"rpc":{"method":"rooms"}}"#), 3501, "text"),
        ("JSON", frame(2, br#"{"id":2,"rpc":{"method":"rooms"}}"#), 3501, "bad request"),
        ("a command cut short", frame(2, &rooms[..rooms.len() - 1]), 3501, "of which"),
        ("a command said to be very long", frame(2, &[0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 8, 2]), 3501, "of which"),
        ("a varint of eleven bytes", frame(2, &[&[0x80; 10][..], &[1]].concat()), 3501, "length"),
        ("a field longer than its command", frame(2, &[3, 0x6a, 0x7f, 0]), 3501, "Protobuf"),
        ("no id", frame(2, &message(&field(13, &field(2, b"rooms")))), 3501, "id"),
        ("a pong without a ping", frame(2, &[0]), 3501, "pong"),
        ("a frame over the limit", frame(2, &message(&field(13, &field(1, &[b'x'; 270_000])))), 3501, "262144"),
    ] {
        for query in ["cf_protocol=protobuf", "format=protobuf"] {
            let mut raw = Raw::open_at(cluster.at(0), &format!("/connection/websocket?{query}")).await;
            raw.send(&frame(2, &connect)).await;
            let (opcode, answer) = raw.frame().await.expect("an answer");
            assert!(opcode == 2 && answer.windows(8).any(|window| window == b"user:eve"), "{answer:?}");
            // What can be read and numbered is answered.
            raw.send(&frame(2, &rooms)).await;
            assert_eq!(raw.frame().await.expect("an answer").0, 2);
            raw.send(&bytes).await;
            let closed = raw.closed().await.unwrap_or_else(|| panic!("{what}: the connection ended without a close"));
            assert_eq!(closed.0, code, "{what}: {closed:?}");
            assert!(closed.1.contains(reason), "{what}: {closed:?}");
        }
        bystanders.talk_on(what).await;
    }
    let grown = instance.memory().saturating_sub(memory);
    println!("memory before {} KiB, grown by {} KiB", memory / 1024, grown / 1024);
    assert!(grown < 16 * 1024 * 1024, "grown by {grown}");
    bystanders.were_not_disturbed(&cluster).await;
}

/// A small generator with a seed, so that what fails fails again.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.throw(most)).map(|_| self.throw(256) as u8).collect()
    }

    /// Garbage of some kind.
    fn garbage(&mut self) -> Vec<u8> {
        let mut commands = asks("general").into_iter().map(|ask| ask.to_string().into_bytes()).collect::<Vec<_>>();
        let n = self.throw(commands.len());
        let mut command = commands.swap_remove(n);
        match self.throw(4) {
            // Bytes that are no frames.
            0 => self.bytes(400),
            // A frame of any kind, with anything in it.
            1 => {
                let opcode = self.throw(16) as u8;
                let payload = self.bytes(300);
                frame(opcode, &payload)
            }
            // A command with some bytes changed.
            2 => {
                for _ in 0..=self.throw(4) {
                    let at = self.throw(command.len());
                    command[at] = self.throw(256) as u8;
                }
                frame(1 + self.throw(2) as u8, &command)
            }
            // A command cut short, or a frame that says it is longer than it is.
            _ => {
                let mut whole = frame(1, &command);
                whole.truncate(1 + self.throw(whole.len()));
                whole
            }
        }
    }
}

#[tokio::test]
async fn two_hundred_kinds_of_garbage_do_not_take_the_server_down() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    let bystanders = Bystanders::of(&cluster).await;
    let instance = &cluster.instances[0];
    let (pid, memory, connections) = (instance.pid(), instance.memory(), instance.counter("hubbub_connections").await);
    let mut dice = Dice(20_260_131);
    for n in 0..200 {
        // Some are somebody, some are nobody, some speak Protobuf.
        let mut raw = match n % 3 {
            0 => Raw::of(cluster.at(0), "ben").await,
            1 => Raw::open(cluster.at(0)).await,
            _ => Raw::open_at(cluster.at(0), "/connection/websocket?format=protobuf").await,
        };
        for _ in 0..=dice.throw(3) {
            raw.send(&dice.garbage()).await;
        }
        if n % 20 == 0 {
            bystanders.talk_on(&format!("garbage {n}")).await;
        }
    }
    has_only(instance, connections).await;
    println!("memory before {} KiB, after 200 kinds of garbage {} KiB", memory / 1024, instance.memory() / 1024);
    assert_eq!(instance.pid(), pid);
    bystanders.were_not_disturbed(&cluster).await;
}
