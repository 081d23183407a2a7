//! A client that shows a room: it takes a page, folds in what comes, and comes back from its position or with a page anew.

use super::{
    deleted::{Source, Watch},
    folded,
};
use crate::{
    cluster::breathe,
    person::token,
    wire::{DEADLINE, Heard, Wire},
};
use hubbub_core::log::{
    entry::Entry,
    fold::{FoldedPage, PageKind},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::sync::{mpsc, watch};

/// Entries of a page that it asks for.
const PAGE: usize = 25;

/// Threads of a page that it follows, too.
const THREADS: usize = 3;

/// What it has.
#[derive(Debug, Default)]
pub struct Kept {
    pub position: u64,
    pub epoch: String,
    pub live: bool,
    /// Not let in, with this code.
    pub refused: Option<u64>,
    /// Each page with the seq from which on it has everything.
    pub page: Option<(FoldedPage, u64)>,
    pub threads: Vec<(FoldedPage, u64)>,
    /// What should not be.
    pub faults: Vec<String>,
    pub recovered: u32,
    pub began_anew: u32,
}

/// What it is told to do.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// Loses its connection.
    Drop,
    /// Loses it, and comes back to another instance.
    Move(usize),
    /// Forgets everything, like an app that is started again.
    Forget,
    /// Subscribes, where it does not follow the room.
    Again,
}

/// See the module.
pub struct Reader {
    pub name: String,
    pub kept: Arc<Mutex<Kept>>,
    changed: watch::Receiver<u64>,
    orders: mpsc::Sender<Order>,
}

#[derive(Debug, Clone, Copy)]
enum Asked {
    Subscribe { recover: bool },
    Page(PageKind),
}

struct App {
    name: String,
    room: String,
    at: usize,
    instances: Vec<SocketAddr>,
    watch: Arc<Watch>,
    kept: Arc<Mutex<Kept>>,
    tell: watch::Sender<u64>,
    /// What came since it began anew, for pages that come later.
    received: Vec<Entry>,
    asked: HashMap<u64, (Asked, Instant)>,
    next: u64,
    /// When the subscription was asked for, and whether it began at the head.
    since: Instant,
    is_from_head: bool,
}

impl Reader {
    /// Somebody who begins to follow a room at an instance.
    pub fn new(name: &str, room: &str, at: usize, instances: &[SocketAddr], watch: Arc<Watch>) -> Self {
        let kept = Arc::<Mutex<Kept>>::default();
        let (tell, changed) = watch::channel(0);
        let (orders, queue) = mpsc::channel(64);
        let app = App {
            name: name.into(),
            room: room.into(),
            at,
            instances: instances.to_vec(),
            watch,
            kept: kept.clone(),
            tell,
            received: Vec::new(),
            asked: HashMap::new(),
            next: 0,
            since: Instant::now(),
            is_from_head: false,
        };
        tokio::spawn(app.run(queue));
        Self { name: name.into(), kept, changed, orders }
    }

    pub async fn does(&self, order: Order) {
        self.orders.send(order).await.expect("the app runs");
    }

    /// Subscribes where it does not follow the room, and waits for a level. `Err`: in vain, and what is so instead.
    pub async fn waits(&self, what: &str, is: impl Fn(&Kept) -> bool) -> Result<(), String> {
        let mut changed = self.changed.clone();
        let began = Instant::now();
        while began.elapsed() < 3 * DEADLINE {
            // Again, since what it was answered a moment ago may be of a moment before.
            self.does(Order::Again).await;
            let level = async {
                while !is(&self.kept.lock().expect("no panic")) {
                    changed.changed().await.expect("the app runs");
                }
            };
            if tokio::time::timeout(DEADLINE / 10, level).await.is_ok() {
                return Ok(());
            }
        }
        let kept = self.kept.lock().expect("no panic");
        let (position, live, refused) = (kept.position, kept.live, kept.refused);
        Err(format!("{} waited for {what} in vain: at {position}, live {live}, refused {refused:?}", self.name))
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
            if let Ok(wire) = Wire::open(self.instances[self.at], None).await
                && self.follow(wire, &mut orders).await
            {
                return;
            }
            self.asked.clear();
            self.keep(|kept| kept.live = false);
            // Where nobody is, it looks elsewhere.
            while let Ok(order) = orders.try_recv() {
                self.obey(order);
            }
            breathe().await;
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Move(at) => self.at = at,
            Order::Forget => {
                self.received.clear();
                self.keep(|kept| (kept.epoch, kept.page, kept.threads) = (String::new(), None, Vec::new()));
            }
            Order::Drop | Order::Again => {}
        }
    }

    /// One connection. True: nobody is interested any more.
    async fn follow(&mut self, mut wire: Wire, orders: &mut mpsc::Receiver<Order>) -> bool {
        let connect = json!({ "id": 1_000_000, "connect": { "token": token(&self.name) } });
        wire.say(connect.to_string()).await;
        match tokio::time::timeout(DEADLINE, wire.next()).await {
            Ok(Heard::Line(line)) if line["connect"].is_object() => {}
            _ => return false,
        }
        self.subscribe(&mut wire).await;
        loop {
            tokio::select! {
                heard = wire.next() => {
                    let Heard::Line(line) = heard else { return false };
                    let text = std::mem::take(&mut wire.last);
                    if !self.take(&mut wire, &line, &text).await {
                        return false;
                    }
                }
                order = orders.recv() => match order {
                    None => return true,
                    Some(Order::Again) => {
                        let is_waiting = self.asked.values().any(|(asked, _)| matches!(asked, Asked::Subscribe { .. }));
                        if !is_waiting && !self.keep(|kept| kept.live) {
                            self.subscribe(&mut wire).await;
                        }
                    }
                    Some(order) => {
                        self.obey(order);
                        return false;
                    }
                },
            }
        }
    }

    async fn ask(&mut self, wire: &mut Wire, asked: Asked, mut command: Value) {
        self.next += 1;
        self.asked.insert(self.next, (asked, Instant::now()));
        command["id"] = self.next.into();
        wire.say(command.to_string()).await;
    }

    async fn subscribe(&mut self, wire: &mut Wire) {
        let (position, epoch) = self.keep(|kept| {
            kept.refused = None;
            (kept.position, kept.epoch.clone())
        });
        self.since = Instant::now();
        let recover = !epoch.is_empty();
        let channel = format!("room:{}", self.room);
        let command =
            json!({ "subscribe": { "channel": channel, "recover": recover, "offset": position, "epoch": epoch } });
        self.ask(wire, Asked::Subscribe { recover }, command).await;
    }

    async fn ask_page(&mut self, wire: &mut Wire, kind: PageKind) {
        let (method, data) = match kind {
            PageKind::Room => ("messages", json!({ "room": self.room, "limit": PAGE })),
            PageKind::Thread(root) => ("thread", json!({ "room": self.room, "root": root.get(), "limit": 1_000 })),
        };
        self.ask(wire, Asked::Page(kind), json!({ "rpc": { "method": method, "data": data } })).await;
    }

    /// Takes a line in. False: the connection is of no use.
    async fn take(&mut self, wire: &mut Wire, line: &Value, text: &str) -> bool {
        if let Some((asked, began)) = line["id"].as_u64().and_then(|id| self.asked.remove(&id)) {
            let source = if matches!(asked, Asked::Page(_)) { Source::Store } else { Source::Memory };
            self.watch.sees(text, self.at, source, began, &self.name);
            match asked {
                Asked::Subscribe { recover } => return self.subscribed(wire, recover, line).await,
                Asked::Page(kind) if line["rpc"].is_object() => {
                    self.paged(wire, kind, &line["rpc"]["data"]).await;
                }
                // Not let in any more: the end of the subscription comes, too. Else it is tried again.
                Asked::Page(_) => return line["error"]["temporary"] != true,
            }
            return true;
        }
        let push = &line["push"];
        let channel = push["channel"].as_str().unwrap_or_default();
        if channel.strip_prefix("room:") == Some(&self.room) {
            self.watch.sees(text, self.at, Source::Memory, self.since, &self.name);
            if push["unsubscribe"].is_object() {
                self.keep(|kept| kept.live = false);
                if push["unsubscribe"]["code"] == 2500 {
                    self.subscribe(wire).await;
                }
            } else {
                self.deliver(&push["pub"]);
            }
        } else if push["pub"]["data"]["type"] == "added"
            && push["pub"]["data"]["room"] == self.room
            && !self.keep(|kept| kept.live)
            && !self.asked.values().any(|(asked, _)| matches!(asked, Asked::Subscribe { .. }))
        {
            self.subscribe(wire).await;
        }
        true
    }

    async fn subscribed(&mut self, wire: &mut Wire, recover: bool, line: &Value) -> bool {
        let (answer, error) = (&line["subscribe"], &line["error"]);
        if error.is_object() {
            self.keep(|kept| kept.refused = error["code"].as_u64());
            return error["temporary"] != true;
        }
        let (offset, recovered) = (answer["offset"].as_u64().unwrap_or(0), answer["recovered"] == true);
        self.is_from_head = !recovered;
        if !recovered {
            self.received.clear();
        }
        let needs_page = self.keep(|kept| {
            kept.live = true;
            kept.epoch = answer["epoch"].as_str().unwrap_or_default().into();
            if recovered && offset != kept.position {
                kept.faults.push(format!("recovered from {offset}, asked from {}", kept.position));
            }
            if recovered {
                kept.recovered += 1;
            } else {
                (kept.page, kept.threads) = (None, Vec::new());
                kept.began_anew += u32::from(recover);
            }
            kept.position = offset;
            kept.page.is_none()
        });
        for publication in answer["publications"].as_array().into_iter().flatten() {
            self.deliver(publication);
        }
        if needs_page {
            self.ask_page(wire, PageKind::Room).await;
        }
        true
    }

    fn deliver(&mut self, publication: &Value) {
        let (offset, json) = (publication["offset"].as_u64().unwrap_or(0), &publication["data"]);
        let entry = folded::entry(json);
        if self.is_from_head && json["type"] == "deleted" {
            self.watch.heard(json["target"].as_u64().unwrap_or(0), self.at);
        }
        self.keep(|kept| {
            if offset != kept.position + 1 || json["seq"] != offset {
                kept.faults.push(format!("{offset} came after {}", kept.position));
            }
            if !kept.live {
                kept.faults.push(format!("{offset} came without a subscription"));
            }
            kept.position = offset;
            kept.page.iter_mut().chain(&mut kept.threads).for_each(|(page, _)| page.apply(&entry));
        });
        self.received.push(entry);
    }

    async fn paged(&mut self, wire: &mut Wire, kind: PageKind, json: &Value) {
        let mut page = folded::page(kind, &self.name, json);
        // One that is not full begins where its reader could read from then.
        let is_full = kind == PageKind::Room && page.entries.len() >= PAGE;
        let floor = json["floor"].as_u64().unwrap_or(0);
        let first = page.entries.keys().next().filter(|_| is_full).map_or(floor, |seq| seq.get());
        self.received.iter().for_each(|entry| page.apply(entry));
        let roots: Vec<_> =
            page.entries.iter().rev().filter(|(_, shown)| shown.hung.replies.is_some()).map(|(seq, _)| *seq).collect();
        self.keep(|kept| match kind {
            PageKind::Room => kept.page = Some((page, first)),
            PageKind::Thread(_) => kept.threads.push((page, first)),
        });
        if kind == PageKind::Room {
            for root in roots.into_iter().take(THREADS) {
                self.ask_page(wire, PageKind::Thread(root)).await;
            }
        }
    }
}
