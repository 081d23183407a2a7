//! Many phones in one room. Each reads everything and says something steadily, again with the same key until it is
//! acknowledged; whenever its connection ends it comes back to the next address, where it was.

use crate::{
    cluster::breathe,
    person,
    wire::{DEADLINE, Heard, Mark, Wire},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinSet};

/// What has become of one phone.
#[derive(Debug, Default, Clone)]
pub struct Log {
    /// The numbers and ids it received, in the order of arrival.
    pub entries: Vec<(u64, String)>,
    /// What it said that was acknowledged: the key, and the number it got.
    pub acknowledged: Vec<(String, u64)>,
    /// Whenever something came that was not next.
    pub faults: Vec<String>,
    /// When it had connected, and where.
    pub connected: Vec<(Instant, SocketAddr)>,
    /// The labels of the instances that answered there, in the same order.
    pub nodes: Vec<String>,
    /// How often it came and was not let in.
    pub refused: u32,
    /// The codes it was closed with.
    pub closed: Vec<u16>,
    /// Following the room now.
    pub live: bool,
}

/// See the module.
pub struct Fleet {
    logs: Vec<Arc<Mutex<Log>>>,
    quiet: watch::Sender<bool>,
    phones: JoinSet<()>,
}

struct Phone {
    name: String,
    room: &'static str,
    addrs: Vec<SocketAddr>,
    /// The pause between two things it says.
    pace: Duration,
    mark: Mark,
    log: Arc<Mutex<Log>>,
    quiet: watch::Receiver<bool>,
    epoch: String,
    said: u64,
    outstanding: bool,
}

impl Fleet {
    /// Phones of these people; each begins at an address of its own, in turn.
    pub fn start(names: &[String], room: &'static str, addrs: &[SocketAddr], pace: Duration) -> Self {
        let phones = names.iter().enumerate().map(|(n, name)| {
            let mut addrs = addrs.to_vec();
            let first = n % addrs.len();
            addrs.rotate_left(first);
            (name.clone(), addrs, Mark::None)
        });
        Self::start_marked(phones, room, pace)
    }

    /// Phones of these people, each with its addresses and what balancers there know it by.
    pub fn start_marked(
        people: impl IntoIterator<Item = (String, Vec<SocketAddr>, Mark)>,
        room: &'static str,
        pace: Duration,
    ) -> Self {
        let (quiet, told) = watch::channel(false);
        let (mut logs, mut phones) = (Vec::new(), JoinSet::new());
        for (name, addrs, mark) in people {
            let log = Arc::<Mutex<Log>>::default();
            logs.push(log.clone());
            let (epoch, quiet) = (String::new(), told.clone());
            let phone = Phone { name, room, addrs, pace, mark, log, quiet, epoch, said: 0, outstanding: false };
            phones.spawn(phone.run());
        }
        Self { logs, quiet, phones }
    }

    /// Looks at each phone.
    pub fn each<T>(&self, look: impl Fn(&Log) -> T) -> Vec<T> {
        self.logs.iter().map(|log| look(&log.lock().expect("no panic"))).collect()
    }

    /// Waits until all phones are so.
    pub async fn are(&self, what: &str, is: impl Fn(&Log) -> bool) {
        let began = Instant::now();
        while !self.each(&is).iter().all(|is| *is) {
            let there = self.each(&is).iter().filter(|is| **is).count();
            assert!(began.elapsed() < 6 * DEADLINE, "{there} of {} phones {what}", self.logs.len());
            breathe().await;
        }
    }

    /// Nobody says anything new; what was said is acknowledged, and everything is read up to the end of the stored log:
    /// it is dense, each phone received it once and in order, and whatever was acknowledged is in its place, once.
    /// Returns how many acknowledgements that was.
    pub async fn verify(&self, stored: impl AsyncFn() -> Vec<Value>) -> usize {
        self.quiet.send_replace(true);
        let mut head = 0;
        // What was under way when it became quiet is sent again until it is answered.
        loop {
            let log = stored().await;
            self.are("read all there is", |phone| phone.entries.last().is_some_and(|last| last.0 >= log.len() as u64))
                .await;
            if log.len() == head {
                break;
            }
            head = log.len();
        }
        let log = stored().await;
        let mut by_key = HashMap::new();
        for (n, entry) in log.iter().enumerate() {
            assert_eq!(entry["seq"], n as u64 + 1, "the stored log has a hole");
            let key = entry["key"].as_str().unwrap_or_default();
            assert!(by_key.insert(key, n as u64 + 1).is_none(), "{key} is in the log twice");
        }
        let logs = self.each(Log::clone);
        for phone in &logs {
            assert!(phone.faults.is_empty(), "{:?}", phone.faults);
            let from = phone.entries[0].0 as usize;
            let expected = log[from - 1..].iter().map(|entry| entry["id"].as_str().unwrap_or_default());
            assert!(
                phone.entries.iter().map(|(_, id)| id.as_str()).eq(expected),
                "what a phone received is not the log"
            );
        }
        let acknowledged = logs.iter().flat_map(|phone| &phone.acknowledged);
        for (key, seq) in acknowledged.clone() {
            assert_eq!(by_key.get(&**key), Some(seq), "{key} was acknowledged and is not in its place");
        }
        acknowledged.count()
    }

    /// When phones came back after `since`, as the part of `window` that had passed, in order.
    pub fn returns(&self, since: Instant, window: Duration) -> Vec<f64> {
        let times = self.each(|log| log.connected.iter().filter(|(at, _)| *at > since).map(|(at, _)| *at).collect());
        let mut parts: Vec<f64> = times
            .into_iter()
            .flat_map(|times: Vec<Instant>| times)
            .map(|at| (at - since).as_secs_f64() / window.as_secs_f64())
            .collect();
        parts.sort_by(f64::total_cmp);
        parts
    }

    /// Everybody puts the phone away.
    pub async fn ends(mut self) {
        self.phones.shutdown().await;
    }
}

/// How many of these parts of a window fall into each of its tenths; what is later counts to the last.
pub fn tenths(parts: &[f64]) -> [usize; 10] {
    let mut tenths = [0; 10];
    parts.iter().for_each(|part| tenths[((part * 10.0) as usize).min(9)] += 1);
    tenths
}

impl Phone {
    fn log<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        change(&mut self.log.lock().expect("no panic"))
    }

    /// Waits before the next try as SDKs do, longer each time: hundreds that try at once would use up all ports.
    async fn backs_off(tries: u32) {
        let wait = Duration::from_millis(50 << tries.min(5)).mul_f64(0.5 + rand::random::<f64>());
        tokio::time::sleep_until((Instant::now() + wait).into()).await;
    }

    async fn run(mut self) {
        let mut tries = 0;
        loop {
            let addr = self.addrs[0];
            match Wire::open_marked(addr, None, &mut self.mark).await {
                Ok(wire) => {
                    tries = 0;
                    let ended = self.converse(wire, addr).await;
                    self.log(|log| {
                        log.live = false;
                        log.closed.extend(ended);
                    });
                }
                Err(_) => {
                    self.log(|log| log.refused += 1);
                    Self::backs_off(tries).await;
                    tries += 1;
                }
            }
            self.addrs.rotate_left(1);
        }
    }

    fn send(&self) -> String {
        let (name, n) = (&self.name, self.said);
        let data = json!({ "room": self.room, "text": format!("{name} says {n}"), "key": format!("{name}-{n}") });
        json!({ "id": 100 + n, "rpc": { "method": "send", "data": data } }).to_string()
    }

    /// One connection; returns the code it was closed with, if any.
    async fn converse(&mut self, mut wire: Wire, addr: SocketAddr) -> Option<u16> {
        let position = self.log(|log| log.entries.last().map_or(0, |last| last.0));
        wire.say(json!({ "id": 1, "connect": { "token": person::token(&self.name) } }).to_string()).await;
        let channel = format!("room:{}", self.room);
        let subscribe =
            json!({ "channel": channel, "recover": !self.epoch.is_empty(), "offset": position, "epoch": self.epoch });
        wire.say(json!({ "id": 2, "subscribe": subscribe }).to_string()).await;
        let mut turn = tokio::time::interval_at((Instant::now() + self.pace.mul_f64(rand::random())).into(), self.pace);
        if self.outstanding {
            wire.say(self.send()).await;
        }
        loop {
            tokio::select! {
                heard = wire.next() => match heard {
                    Heard::Line(line) => self.take(&line, addr, &mut wire).await,
                    Heard::Closed(code, _) => return Some(code),
                    Heard::Gone => return None,
                },
                _ = turn.tick() => {
                    if !self.outstanding && self.log(|log| log.live) && !*self.quiet.borrow() {
                        self.said += 1;
                        self.outstanding = true;
                        wire.say(self.send()).await;
                    }
                }
            }
        }
    }

    async fn take(&mut self, line: &Value, addr: SocketAddr, wire: &mut Wire) {
        match line["id"].as_u64() {
            Some(1) => self.log(|log| {
                log.connected.push((Instant::now(), addr));
                log.nodes.push(line["connect"]["node"].as_str().unwrap_or_default().to_owned());
            }),
            Some(2) if line["error"].is_object() => {
                // Temporary: the connection is begun anew.
                assert_eq!(line["error"]["temporary"], true, "{line}");
                wire.say("not JSON").await;
            }
            Some(2) => {
                let answer = &line["subscribe"];
                if !self.epoch.is_empty() && answer["recovered"] != true {
                    self.log(|log| log.faults.push(format!("not recovered: {answer}")));
                }
                self.epoch = answer["epoch"].as_str().unwrap_or_default().into();
                let began = self.log(|log| log.entries.is_empty()).then(|| answer["offset"].as_u64().unwrap_or(0));
                for publication in answer["publications"].as_array().into_iter().flatten() {
                    self.read(publication, began);
                }
                self.log(|log| log.live = true);
            }
            Some(_) if line["rpc"].is_object() => {
                let seq = line["rpc"]["data"]["seq"].as_u64().expect("a seq");
                let key = format!("{}-{}", self.name, self.said);
                self.outstanding = false;
                self.log(|log| log.acknowledged.push((key, seq)));
            }
            Some(_) => {
                assert_eq!(line["error"]["temporary"], true, "{line}");
                breathe().await;
                wire.say(self.send()).await;
            }
            None => self.read(&line["push"]["pub"], None),
        }
    }

    fn read(&self, publication: &Value, began: Option<u64>) {
        let Some(offset) = publication["offset"].as_u64() else { return };
        let id = publication["data"]["id"].as_str().unwrap_or_default().to_owned();
        self.log(|log| {
            let last = log.entries.last().map(|last| last.0).or(began);
            if last.is_some_and(|last| last + 1 != offset) {
                log.faults.push(format!("{offset} came after {last:?}"));
            }
            log.entries.push((offset, id));
        });
    }
}
