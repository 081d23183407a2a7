//! Clients to whom WebSockets do not get through: what is refused, and what one costs that does not read.

use crate::{
    cluster::{Cluster, breathe},
    http,
    person::token,
    wire::DEADLINE,
};
use futures_util::future::join_all;
use hubbub_core::limits;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A stream as it is below the SDKs: one JSON per line, some lines of HTTP between them.
struct Stream {
    lines: tokio::io::Lines<BufReader<TcpStream>>,
    session: Value,
    node: Value,
}

impl Stream {
    /// Opens one; `more` is said behind `connect`.
    async fn of(user: &str, addr: SocketAddr, more: &[Value]) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        let mut stream = socket.connect(addr).await.expect("a connection");
        let mut body = json!({ "id": 1, "connect": { "token": token(user) } }).to_string();
        more.iter().for_each(|command| body.push_str(&format!("\n{command}")));
        let head = format!(
            "POST /connection/http_stream HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.expect("a request");
        let mut stream = Self { lines: BufReader::new(stream).lines(), session: Value::Null, node: Value::Null };
        let connect = stream.next().await["connect"].take();
        (stream.session, stream.node) = (connect["session"].clone(), connect["node"].clone());
        stream
    }

    /// The next line that is JSON.
    async fn next(&mut self) -> Value {
        let json = async {
            loop {
                let line = self.lines.next_line().await.expect("a line").expect("the stream goes on");
                if line.starts_with('{') {
                    return serde_json::from_str(&line).expect("JSON");
                }
            }
        };
        tokio::time::timeout(DEADLINE, json).await.expect("a line in time")
    }

    /// Takes 30 bytes ten times a second. No frame gets through in time like this, but the window opens now and then, so that the
    /// kernel does not give the connection up.
    async fn takes_little(mut self) {
        let mut pace = tokio::time::interval(Duration::from_millis(100));
        let mut taken = [0; 30];
        // Past the buffer, which would take as much at once as the window has.
        while self.lines.get_mut().get_mut().read(&mut taken).await.is_ok_and(|n| n > 0) {
            pace.tick().await;
        }
    }

    /// Says something in a request of its own. Returns its status.
    async fn says(&self, addr: SocketAddr, command: &Value) -> u16 {
        let data = Value::String(command.to_string());
        // In the order of SDKs: what a long request is for is to be known soon.
        let body = format!(r#"{{"session":{},"node":{},"data":{data}}}"#, self.session, self.node);
        http::ask(addr, "POST", "/emulation", &[JSON], &body).await.expect("an answer").status
    }
}

fn subscribe(id: u32) -> Value {
    json!({ "id": id, "subscribe": { "channel": "room:general" } })
}

#[tokio::test]
async fn what_is_no_stream_and_no_command_of_one_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    cluster.room("general", "private", &["ana"]).await;
    let addr = cluster.at(0);
    let long = "x".repeat(70_000);
    let too_long = "x".repeat(limits::FRAME_BYTES + 1);
    let forged = json!({ "session": "A".repeat(43), "node": "n", "data": "{}" }).to_string();
    for (method, path, body, status, says) in [
        ("GET", "/connection/sse", "", 400, "cf_connect"),
        ("GET", "/connection/http_stream", "", 405, ""),
        ("GET", "/emulation", "", 405, ""),
        ("POST", "/connection/http_stream", &*long, 413, "longer"),
        ("POST", "/emulation", "hello", 400, "session"),
        ("POST", "/emulation", r#"{"session":"s"}"#, 400, "session"),
        ("POST", "/emulation", &*forged, 404, "no such stream"),
        // These begin a stream, which ends at once, and says why.
        ("POST", "/connection/http_stream", "hello", 200, r#"{"push":{"disconnect":{"code":3501"#),
        ("POST", "/connection/http_stream", r#"{"id":1,"connect":{"token":"no"}}"#, 200, r#""code":3500"#),
        ("GET", "/connection/sse?cf_connect=hello", "", 200, r#"data: {"push":{"disconnect":{"code":3501"#),
    ] {
        let answer = http::ask(addr, method, path, &[JSON], body).await.expect("an answer");
        assert_eq!(answer.status, status, "{method} {path} {}", answer.text);
        assert!(answer.text.contains(says), "{method} {path} {}", answer.text);
    }
    let ana = Stream::of("ana", addr, &[]).await;
    assert_eq!(ana.says(addr, &Value::String(too_long)).await, 413);
    let body = json!({ "session": ana.session, "node": "somebody else", "data": "{}" }).to_string();
    let mut other = Stream::of("ana", addr, &[]).await;
    assert_ne!(ana.session, other.session);
    assert_eq!(other.says(addr, &subscribe(2)).await, 204);
    assert_eq!(other.next().await["id"], 2);
    drop(ana);
    cluster.instances[0].has("hubbub_streams", 1).await;
    let answer = http::ask(addr, "POST", "/emulation", &[JSON], &body).await.expect("an answer");
    assert_eq!(answer.status, 404, "it was here, or on an instance that cannot be reached: {}", answer.text);
    assert_eq!(other.says(addr, &subscribe(3)).await, 204);
    assert_eq!(other.next().await["error"]["code"], 105, "the other goes on");
}

#[tokio::test]
async fn a_stream_that_nobody_reads_costs_little_and_is_dropped() {
    const STREAMS: usize = 20;
    const MESSAGES: usize = 400;
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let (instance, addr) = (&cluster.instances[0], cluster.at(0));
    let ana = cluster.person("ana", 0).await;
    ana.follows("general").await;
    let sockets = instance.sockets();
    let mut streams = join_all((0..STREAMS).map(async |_| Stream::of("ben", addr, &[subscribe(2)]).await)).await;
    cluster.instances[0].has("hubbub_streams", STREAMS as u64).await;
    let memory = instance.memory();
    let slow: Vec<_> = streams.split_off(STREAMS / 2).into_iter().map(|it| tokio::spawn(it.takes_little())).collect();

    // Each of them is behind by more than all of them may cost.
    let says = async |n: usize| ana.says("general", &format!("{n} {}", "x".repeat(8_000))).await;
    for window in (0..MESSAGES).collect::<Vec<_>>().chunks(20) {
        join_all(window.iter().map(|n| says(*n))).await;
    }
    // One goes on asking, and does not read the answers: at some point its stream ends, and it is told to come again.
    let ask = json!({ "id": 3, "history": { "channel": "room:general", "limit": 1000, "epoch": "x".repeat(4_000) } });
    let mut statuses = Vec::new();
    for _ in 0..300 {
        statuses.push(streams[0].says(addr, &ask).await);
    }
    let taken = statuses.iter().take_while(|status| **status == 204).count();
    assert!((100..300).contains(&taken), "{taken} were taken");
    assert!(statuses[taken..].iter().all(|status| *status == 503), "{statuses:?}");
    let grown = instance.memory().saturating_sub(memory);
    println!("{STREAMS} stalled streams, {} MB each behind: grown by {} KiB", MESSAGES * 8 / 1000, grown / 1024);
    assert!(grown < 24 * 1024 * 1024, "grown by {grown}");
    ana.hears("general", &format!("{} {}", MESSAGES - 1, "x".repeat(8_000))).await;

    // They take nothing, or too little: their connections are dropped, though nobody hangs up.
    cluster.instances[0].has("hubbub_streams", 0).await;
    cluster.instances[0].has("hubbub_connections", 1).await;
    let dropped = async {
        // One more may be the question itself.
        while instance.sockets() > sockets + 1 {
            breathe().await;
        }
    };
    let dropped = tokio::time::timeout(DEADLINE, dropped).await;
    assert!(dropped.is_ok(), "{} sockets were open before, {} are", sockets, instance.sockets());
    drop(streams);
    slow.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Two instances, and somebody's stream on the first, whose commands come to the second.
async fn elsewhere(cluster: &Cluster) -> (Stream, SocketAddr) {
    cluster.room("general", "private", &["ana"]).await;
    (Stream::of("ana", cluster.at(0), &[]).await, cluster.at(1))
}

/// Asks for presence, behind so many bytes that mean nothing.
fn asks(id: u64, bytes: usize) -> Value {
    json!({ "id": id, "presence_stats": { "channel": "room:general", "more": "x".repeat(bytes) } })
}

#[tokio::test]
async fn commands_that_come_to_another_instance_are_all_answered() {
    let cluster = Cluster::of(2).await;
    let (mut ana, other) = elsewhere(&cluster).await;
    let mut next = 2;
    // So many at once, each so long: more than a second's share of the bus; and a frame as long as one may be.
    for (many, bytes) in [(100, 0), (130, 100), (8, 20_000), (1, limits::FRAME_BYTES - 200)] {
        let ids: Vec<u64> = (next..next + many).collect();
        next += many;
        let statuses = join_all(ids.iter().map(|id| async { ana.says(other, &asks(*id, bytes)).await })).await;
        assert!(statuses.iter().all(|status| *status == 204), "{many} of {bytes}: {statuses:?}");
        let mut answered = Vec::new();
        while answered.len() < ids.len() {
            let answer = ana.next().await;
            if answer == json!({}) {
                assert_eq!(ana.says(other, &json!({})).await, 204, "a pong");
                continue;
            }
            assert!(answer["presence_stats"].is_object(), "{answer}");
            answered.push(answer["id"].as_u64().expect("an id"));
        }
        answered.sort_unstable();
        assert_eq!(answered, ids, "each once");
    }
    assert_eq!(cluster.instances[1].counter("hubbub_commands_lost_total").await, 0);
}

#[tokio::test]
async fn a_wake_with_commands_that_is_lost_is_sent_again() {
    let cluster = Cluster::of(2).await;
    let (mut ana, other) = elsewhere(&cluster).await;
    for (id, lost) in [(2, 1), (3, 2)] {
        cluster.instances[1].redis.as_ref().expect("a door").swallow(lost);
        assert_eq!(ana.says(other, &asks(id, 0)).await, 204);
        assert_eq!(ana.next().await["id"], id);
    }
}

#[tokio::test]
async fn where_nobody_confirms_commands_the_stream_ends_so_that_its_sdk_comes_again() {
    let mut cluster = Cluster::of(2).await;
    let (mut ana, other) = elsewhere(&cluster).await;
    // What the first says is not heard: the command arrives, its receipt does not.
    let door = cluster.instances[0].redis.as_ref().expect("a door");
    door.gag(true);
    let asked = std::time::Instant::now();
    assert_eq!(ana.says(other, &asks(2, 0)).await, 503);
    println!("without a receipt it was refused after {:.1?}; promised 5 s", asked.elapsed());
    assert_eq!(ana.next().await["id"], 2, "it was taken, once");
    let end = ana.next().await;
    assert_eq!(end["push"]["disconnect"]["code"], 3010, "{end}");
    door.gag(false);

    // The same where the stream's instance has died.
    let ana = Stream::of("ana", cluster.at(0), &[]).await;
    cluster.kill(0);
    assert_eq!(ana.says(other, &asks(2, 0)).await, 503);
}

#[tokio::test]
async fn a_stream_that_ends_while_nobody_reads_it_leaves_no_connection_behind() {
    const STREAMS: usize = 10;
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let (instance, addr) = (&cluster.instances[0], cluster.at(0));
    let ana = cluster.person("ana", 0).await;
    let sockets = instance.sockets();
    let streams = join_all((0..STREAMS).map(async |_| Stream::of("ben", addr, &[subscribe(2)]).await)).await;
    // More than the kernel takes of a stream that is not read, and less than the server holds back from writing.
    for n in 0..4 {
        ana.says("general", &format!("{n} {}", "x".repeat(8_000))).await;
    }
    assert_eq!(cluster.api("POST", "/v1/users/ben/disconnect", &Value::Null).await.status, 202);
    instance.has("hubbub_streams", 0).await;
    let dropped = async {
        // One more may be the question itself.
        while instance.sockets() > sockets + 1 {
            breathe().await;
        }
    };
    // The kernel gives a connection that is not read up as well, but later.
    assert!(limits::CLOSE_WITHIN + DEADLINE < limits::WRITE_WITHIN);
    let dropped = tokio::time::timeout(DEADLINE, dropped).await;
    assert!(dropped.is_ok(), "{} sockets were open before, {} are", sockets, instance.sockets());
    drop(streams);
}

impl crate::cluster::Instance {
    /// How many files and sockets the process has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("a process").count()
    }

    /// How many of these are sockets. A store opens files when it needs them.
    fn sockets(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("a process").flatten();
        open.filter_map(|file| std::fs::read_link(file.path()).ok())
            .filter(|to| to.to_string_lossy().starts_with("socket:"))
            .count()
    }

    /// Waits until a gauge says so, for as long as a write may take.
    async fn has(&self, gauge: &str, n: u64) {
        let level = async {
            while self.counter(gauge).await != n {
                breathe().await;
            }
        };
        let patience = Duration::from_secs(60);
        assert!(tokio::time::timeout(patience, level).await.is_ok(), "{gauge} is not {n}");
    }
}
