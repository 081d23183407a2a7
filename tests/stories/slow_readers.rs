//! Nobody waits for a slow reader, and it costs a fixed amount of memory.

use crate::{
    cluster::{Cluster, breathe},
    person::token,
    wire::Wire,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    hash::{DefaultHasher, Hasher},
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};
use tokio::sync::watch;

const EACH: usize = 200;
const MESSAGES: usize = 20_000;
/// What one stalled reader may cost the server, process and kernel together.
const BYTES: u64 = 256 * 1024;
/// How long the whole may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Somebody who only reads: of every entry the seq is checked and the text goes into a sum.
struct Reader {
    read: watch::Receiver<Read>,
    reading: watch::Sender<bool>,
    connected: watch::Sender<bool>,
}

#[derive(Debug, Clone, Default)]
struct Read {
    position: u64,
    epoch: String,
    sum: u64,
    connections: u32,
    faults: Vec<String>,
}

impl Reader {
    fn new(name: String, addr: SocketAddr) -> Self {
        let (tell, read) = watch::channel(Read::default());
        let (reading, is_reading) = watch::channel(true);
        let (connected, is_connected) = watch::channel(true);
        tokio::spawn(async move {
            while !tell.is_closed() {
                // A phone's small buffer: what piles up, piles up at the server.
                if let Ok(wire) = Wire::open(addr, Some(4 * 1024)).await {
                    follow(wire, &name, &tell, is_reading.clone(), is_connected.clone()).await;
                }
                breathe().await;
            }
        });
        Self { read, reading, connected }
    }

    async fn has_read(&self, seq: u64) {
        let mut read = self.read.clone();
        let reached = tokio::time::timeout(PATIENCE, read.wait_for(|read| read.position >= seq)).await;
        assert!(reached.is_ok(), "waited for {seq} in vain: {:?}", self.read.borrow());
    }
}

/// One connection, until it ends.
async fn follow(
    mut wire: Wire,
    name: &str,
    tell: &watch::Sender<Read>,
    mut reading: watch::Receiver<bool>,
    mut connected: watch::Receiver<bool>,
) {
    connected.borrow_and_update();
    let (position, epoch) = (tell.borrow().position, tell.borrow().epoch.clone());
    let subscribe = json!({ "channel": "room:general", "recover": true, "offset": position, "epoch": epoch });
    wire.say(format!(
        "{}\n{}",
        json!({ "id": 1, "connect": { "token": token(name) } }),
        json!({ "id": 2, "subscribe": subscribe })
    ))
    .await;
    loop {
        let is_reading = *reading.borrow_and_update();
        tokio::select! {
            frame = wire.frame(), if is_reading => {
                let Some(frame) = frame else { return };
                if frame.lines().any(|line| line == "{}") {
                    wire.say("{}").await;
                }
                tell.send_modify(|read| frame.lines().for_each(|line| read.take(line)));
            }
            _ = reading.changed() => {}
            _ = connected.changed() => return,
            () = tell.closed() => return,
        }
    }
}

impl Read {
    fn take(&mut self, line: &str) {
        const PUSH: &str = r#"{"push":{"channel":"room:general","pub":"#;
        if let Some(push) = line.strip_prefix(PUSH) {
            return self.publication(&push[..push.len() - 2]);
        }
        let line: Value = serde_json::from_str(line).expect("JSON per line");
        let answer = &line["subscribe"];
        if answer.is_object() {
            self.connections += 1;
            self.epoch = answer["epoch"].as_str().unwrap_or_default().into();
            if answer["recovered"] != true || answer["offset"].as_u64().unwrap_or(0) != self.position {
                self.faults.push(format!("at {}: {answer}", self.position));
            }
            for publication in answer["publications"].as_array().into_iter().flatten() {
                self.entry(publication["offset"].as_u64().unwrap_or(0), publication["data"]["text"].as_str());
            }
        }
    }

    /// `{"data":{…,"text":"…"},"offset":N}`, looked at without building it.
    fn publication(&mut self, publication: &str) {
        let offset = publication.rsplit(':').next().and_then(|n| n.trim_end_matches('}').parse().ok()).unwrap_or(0);
        let text = publication.split(r#""text":""#).nth(1).and_then(|rest| rest.split('"').next());
        self.entry(offset, text);
    }

    fn entry(&mut self, offset: u64, text: Option<&str>) {
        if offset != self.position + 1 {
            self.faults.push(format!("{offset} came after {}", self.position));
        }
        self.position = offset;
        let mut sum = DefaultHasher::new();
        sum.write_u64(self.sum);
        sum.write_u64(offset);
        sum.write(text.unwrap_or_default().as_bytes());
        self.sum = sum.finish();
    }
}

/// What the kernel keeps for the server's sockets, in bytes: written and not sent, sent and not acknowledged, received and
/// not read, with their overhead.
fn kernel_memory(server: SocketAddr) -> u64 {
    let filter = format!("sport = :{}", server.port());
    let output = Command::new("ss").args(["-tmnH", &filter]).output().expect("ss, of iproute2");
    let text = String::from_utf8_lossy(&output.stdout);
    // skmem:(r0,rb131072,t0,tb46080,f4096,w0,o0,bl0,d0)
    let bytes = |part: &str| {
        let known = ["r", "f", "w", "bl"].iter().find_map(|name| part.strip_prefix(name)?.parse::<u64>().ok());
        known.unwrap_or(0)
    };
    let sockets = text.split("skmem:(").skip(1).filter_map(|rest| rest.split(')').next());
    sockets.flat_map(|skmem| skmem.split(',')).map(bytes).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_stop_reading_cost_little_and_get_everything_later() {
    let cluster = Cluster::of(2).await;
    let mut names: Vec<String> = (0..2 * EACH).map(|n| format!("reader-{n}")).collect();
    names.push("ana".into());
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    cluster.room("general", "private", &members).await;
    let readers: Vec<Reader> = names[..2 * EACH].iter().map(|name| Reader::new(name.clone(), cluster.at(0))).collect();
    let (stalled, reading) = readers.split_at(EACH);
    let ana = cluster.person("ana", 1).await;
    let says = async |n: usize| ana.says("general", &format!("{n:0>200}")).await.seq;

    // Everybody reads the first thousand: rings and buffers are as full as they get.
    let mut last = 0;
    for window in (0..1_000).collect::<Vec<_>>().chunks(200) {
        last = join_all(window.iter().map(|n| says(*n))).await.into_iter().max().unwrap();
    }
    join_all(readers.iter().map(|reader| reader.has_read(last))).await;
    let server = &cluster.instances[0];
    let before = (server.memory(), kernel_memory(server.addr));

    let stopped_at = Instant::now();
    stalled.iter().for_each(|reader| _ = reader.reading.send_replace(false));
    let (mut process, mut kernel, mut both) = (0, 0, 0);
    for window in (1_000..MESSAGES).collect::<Vec<_>>().chunks(200) {
        last = join_all(window.iter().map(|n| says(*n))).await.into_iter().max().unwrap();
        let more = server.memory().saturating_sub(before.0);
        let more_in_kernel = kernel_memory(server.addr).saturating_sub(before.1);
        if more + more_in_kernel > both {
            (process, kernel, both) = (more, more_in_kernel, more + more_in_kernel);
        }
    }
    let talked = stopped_at.elapsed();
    join_all(reading.iter().map(|reader| reader.has_read(last))).await;
    println!(
        "{EACH} stalled readers, {MESSAGES} messages in {talked:.1?}, read by the others {:.1?} later; at the worst moment \
         {} KiB of the process and {} KiB of the kernel for each; at most {} KiB",
        stopped_at.elapsed() - talked,
        process / EACH as u64 / 1024,
        kernel / EACH as u64 / 1024,
        BYTES / 1024
    );
    assert!(kernel > 0, "nobody was stalled: the kernel keeps nothing");
    assert!(both / EACH as u64 <= BYTES, "stalled readers cost too much");
    assert!(stalled.iter().all(|reader| reader.read.borrow().position < last), "some readers were not stalled at all");

    // Half of them come back over a new connection, half just wake up.
    let (woken, reconnecting) = stalled.split_at(EACH / 2);
    reconnecting.iter().for_each(|reader| _ = reader.connected.send_replace(true));
    stalled.iter().for_each(|reader| _ = reader.reading.send_replace(true));
    join_all(woken.iter().chain(reconnecting).map(|reader| reader.has_read(last))).await;
    assert!(reconnecting.iter().all(|reader| reader.read.borrow().connections > 1));

    let mut expected = Read::default();
    for entry in cluster.log("general").await {
        expected.entry(entry["seq"].as_u64().unwrap(), entry["text"].as_str());
    }
    for reader in &readers {
        let read = reader.read.borrow();
        assert!(read.faults.is_empty(), "{:?}", read.faults);
        assert_eq!(
            (read.position, read.sum),
            (expected.position, expected.sum),
            "what a reader received is not the log"
        );
    }
}
