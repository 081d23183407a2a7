//! A device that shows a list of rooms: what is unread, who is meant, who has read how far. It asks where it is told that something has
//! happened or was missed, and when it has come, and at no other time: one that is told nothing and is stale is the fault to be found.

use crate::{
    cluster::breathe,
    person::token,
    wire::{DEADLINE, Heard, Wire},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::sync::{mpsc, watch};

/// A phone's buffer, in bytes: what it does not read piles up at the server.
const BUFFER: u32 = 4_096;

/// What it was told last, for whoever looks for a fault.
const TOLD: usize = 12;

/// What it has.
#[derive(Debug, Default)]
pub struct Kept {
    /// The room, as the last answer to `rooms` has it; null where it is not there, `None` since it has come until it has asked.
    pub room: Option<Value>,
    /// Who has read how far; `None` where it may not see that.
    pub receipts: Option<BTreeMap<String, u64>>,
    /// It follows the room.
    pub live: bool,
    /// It reads nothing for now.
    pub is_paused: bool,
    /// Whatever is before this was asked for after something was missed, or it has come.
    pub surely: u64,
    /// The mentions that it was told of.
    pub mentioned: BTreeSet<u64>,
    /// The heads that it was told of.
    pub news: BTreeSet<u64>,
    /// How often something was missed, and how often it has asked.
    pub missed: u32,
    pub asked: u32,
    /// What should not be.
    pub faults: Vec<String>,
    told: VecDeque<String>,
}

/// What it is told to do.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// Loses its connection, and comes back to this instance.
    Move(usize),
    /// Reads nothing until it is told to.
    Pause,
    Resume,
}

/// See the module.
pub struct Lister {
    pub name: String,
    pub kept: Arc<Mutex<Kept>>,
    changed: watch::Receiver<u64>,
    orders: mpsc::Sender<Order>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Subscription,
    /// Whether something was missed, and the head that it was told of.
    List(bool, u64),
    Reads,
}

struct App {
    name: String,
    room: String,
    at: usize,
    instances: Vec<SocketAddr>,
    kept: Arc<Mutex<Kept>>,
    tell: watch::Sender<u64>,
    next: u64,
    /// One at a time.
    asked: Option<(u64, Asked)>,
    /// Where it does not follow the room already.
    wants_to_follow: bool,
    /// True: something was missed.
    wants_list: Option<bool>,
    wants_reads: bool,
    /// Signals since the receipts were asked for.
    signals: Vec<(String, u64)>,
    head: u64,
}

impl Lister {
    /// A device of somebody that comes to an instance.
    pub fn new(name: &str, room: &str, at: usize, instances: &[SocketAddr]) -> Self {
        let kept = Arc::<Mutex<Kept>>::default();
        let (tell, changed) = watch::channel(0);
        let (orders, queue) = mpsc::channel(64);
        let app = App {
            name: name.into(),
            room: room.into(),
            at,
            instances: instances.to_vec(),
            kept: kept.clone(),
            tell,
            next: 1,
            asked: None,
            wants_to_follow: false,
            wants_list: None,
            wants_reads: false,
            signals: Vec::new(),
            head: 0,
        };
        tokio::spawn(app.run(queue));
        Self { name: name.into(), kept, changed, orders }
    }

    pub async fn does(&self, order: Order) {
        self.orders.send(order).await.expect("the app runs");
    }

    /// Waits for a level. `Err`: in vain, and what is so instead.
    pub async fn waits(&self, what: &str, is: impl Fn(&Kept) -> bool) -> Result<(), String> {
        let mut changed = self.changed.clone();
        let level = async {
            while !is(&self.kept.lock().expect("no panic")) {
                changed.changed().await.expect("the app runs");
            }
        };
        if tokio::time::timeout(3 * DEADLINE, level).await.is_ok() {
            return Ok(());
        }
        let kept = self.kept.lock().expect("no panic");
        Err(format!("{} waited for {what} in vain: {kept:#?}", self.name))
    }
}

impl App {
    fn keep<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> T {
        let result = change(&mut self.kept.lock().expect("no panic"));
        self.tell.send_modify(|n| *n += 1);
        result
    }

    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            if let Ok(wire) = Wire::open(self.instances[self.at], Some(BUFFER)).await
                && self.follow(wire, &mut orders).await
            {
                return;
            }
            self.keep(|kept| (kept.live, kept.is_paused, kept.room) = (false, false, None));
            // Where nobody is, it looks elsewhere.
            while let Ok(order) = orders.try_recv() {
                if let Order::Move(at) = order {
                    self.at = at;
                }
            }
            breathe().await;
        }
    }

    /// One connection. True: nobody is interested any more.
    async fn follow(&mut self, mut wire: Wire, orders: &mut mpsc::Receiver<Order>) -> bool {
        (self.asked, self.wants_list, self.wants_reads, self.head) = (None, None, false, 0);
        let wants = json!({ "signals": true, "activity": true });
        let connect = json!({ "id": 1, "connect": { "token": token(&self.name), "data": wants } });
        wire.say(connect.to_string()).await;
        match tokio::time::timeout(DEADLINE, wire.next()).await {
            Ok(Heard::Line(line)) if line["connect"].is_object() => {}
            _ => return false,
        }
        self.wants_to_follow = true;
        let mut is_paused = false;
        loop {
            if !self.asks(&mut wire).await {
                return false;
            }
            tokio::select! {
                heard = wire.next(), if !is_paused => {
                    let Heard::Line(line) = heard else { return false };
                    if !self.take(&line).await {
                        return false;
                    }
                }
                order = orders.recv() => match order {
                    None => return true,
                    Some(Order::Move(at)) => {
                        self.at = at;
                        return false;
                    }
                    Some(order) => {
                        is_paused = matches!(order, Order::Pause);
                        self.keep(|kept| kept.is_paused = is_paused);
                    }
                },
            }
        }
    }

    /// Asks for what is wanted next.
    async fn asks(&mut self, wire: &mut Wire) -> bool {
        if self.asked.is_some() {
            return true;
        }
        let follows = std::mem::take(&mut self.wants_to_follow) && !self.keep(|kept| kept.live);
        let (asked, command) = if follows {
            (Asked::Subscription, json!({ "subscribe": { "channel": format!("room:{}", self.room) } }))
        } else if let Some(missed) = self.wants_list.take() {
            let data = json!({ "after": before(&self.room), "limit": 1, "unread": true });
            (Asked::List(missed, self.head), json!({ "rpc": { "method": "rooms", "data": data } }))
        } else if std::mem::take(&mut self.wants_reads) {
            self.signals.clear();
            (Asked::Reads, json!({ "rpc": { "method": "reads", "data": { "room": self.room } } }))
        } else {
            return true;
        };
        self.next += 1;
        self.asked = Some((self.next, asked));
        let mut command = command;
        command["id"] = self.next.into();
        wire.say(command.to_string()).await
    }

    fn wants(&mut self, missed: bool) {
        self.wants_list = Some(missed || self.wants_list == Some(true));
    }

    /// Takes a line in. False: the connection is of no use.
    async fn take(&mut self, line: &Value) -> bool {
        if let Some((_, asked)) = self.asked.take_if(|(id, _)| line["id"] == *id) {
            let error = &line["error"];
            if error["temporary"] == true {
                breathe().await;
                match asked {
                    Asked::Subscription => self.wants_to_follow = true,
                    Asked::List(missed, _) => self.wants(missed),
                    Asked::Reads => self.wants_reads = true,
                }
                return true;
            }
            self.answered(asked, line);
            return true;
        }
        let push = &line["push"];
        let (channel, data) = (push["channel"].as_str().unwrap_or_default(), &push["pub"]["data"]);
        if channel == format!("user:{}", self.name) {
            self.told(data);
        } else if channel == format!("room:{}", self.room) {
            if push["unsubscribe"].is_object() {
                self.keep(|kept| kept.live = false);
                self.wants_to_follow |= push["unsubscribe"]["code"] == 2500;
            } else {
                self.hears(&push["pub"]);
            }
        }
        !push["disconnect"].is_object()
    }

    fn answered(&mut self, asked: Asked, line: &Value) {
        match asked {
            Asked::Subscription => {
                self.keep(|kept| kept.live = line["subscribe"].is_object());
                self.wants_reads = true;
            }
            Asked::List(missed, head) => {
                let rooms = line["rpc"]["data"]["rooms"].as_array().cloned().unwrap_or_default();
                let room = rooms.into_iter().find(|room| room["id"] == self.room).unwrap_or_default();
                let at = room["head"].as_u64().unwrap_or(u64::MAX);
                self.keep(|kept| {
                    if !line["rpc"].is_object() || at < head {
                        kept.faults.push(format!("it was told of {head}, asked for its rooms, and heard {line}"));
                    }
                    if missed && !room.is_null() {
                        kept.surely = at;
                    }
                    kept.asked += 1;
                    kept.room = Some(room);
                });
            }
            Asked::Reads => {
                let reads = line["rpc"]["data"]["reads"].as_array();
                let of = |one: &Value| (one["user"].as_str().unwrap_or_default().to_owned(), one["seq"].as_u64());
                let mut reads: Option<BTreeMap<String, u64>> =
                    reads.map(|all| all.iter().map(of).filter_map(|(user, seq)| Some((user, seq?))).collect());
                for (user, seq) in self.signals.drain(..) {
                    if let Some(known) = reads.as_mut().and_then(|reads| reads.get_mut(&user)) {
                        *known = seq.max(*known);
                    }
                }
                self.keep(|kept| kept.receipts = reads);
            }
        }
    }

    /// What comes for the user.
    fn told(&mut self, hint: &Value) {
        let kind = hint["type"].as_str().unwrap_or_default();
        if kind != "event" {
            self.keep(|kept| {
                kept.told.push_back(hint.to_string());
                if kept.told.len() > TOLD {
                    kept.told.pop_front();
                }
            });
        }
        if kind == "watching" || kind == "missed" {
            self.keep(|kept| kept.missed += u32::from(kind == "missed"));
            self.wants(true);
            self.wants_reads = true;
            self.wants_to_follow = true;
        }
        if hint["room"] != self.room {
            return;
        }
        let seq = hint["seq"].as_u64().or(hint["head"].as_u64()).unwrap_or_default();
        match kind {
            "added" => self.wants_to_follow = true,
            "removed" => {}
            "activity" if seq < self.head => {
                self.keep(|kept| kept.faults.push(format!("{hint} came after the head {}", self.head)));
            }
            "activity" => {
                self.head = seq;
                self.keep(|kept| kept.news.insert(seq));
            }
            "mention" => self.keep(|kept| kept.mentioned.extend([seq])),
            "read" => self.reads(&self.name.clone(), seq),
            _ => return,
        }
        self.wants(false);
    }

    /// What comes in the room.
    fn hears(&mut self, publication: &Value) {
        let data = &publication["data"];
        if publication["offset"].is_null() {
            if data["type"] == "read" {
                self.reads(data["user"].as_str().unwrap_or_default(), data["seq"].as_u64().unwrap_or_default());
            }
        } else if ["joined", "left", "banned"].iter().any(|kind| data["type"] == *kind) {
            // Whoever comes back has read something before.
            self.wants_reads = true;
        }
    }

    /// Somebody has read so far. Of whom it knows nothing it asks: they may be in the room no more.
    fn reads(&mut self, user: &str, seq: u64) {
        self.signals.push((user.to_owned(), seq));
        let is_known = self.keep(|kept| {
            let known = kept.receipts.as_mut().and_then(|receipts| receipts.get_mut(user));
            known.map(|known| *known = seq.max(*known)).is_some()
        });
        self.wants_reads |= !is_known;
    }
}

/// What is before this room and after all others whose names are numbered like it.
fn before(room: &str) -> String {
    let (rest, last) = room.split_at(room.len() - 1);
    match last.parse::<u32>() {
        Ok(n) if n > 0 => format!("{rest}{}zz", n - 1),
        _ => format!("{rest}.zz"),
    }
}
