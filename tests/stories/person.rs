//! Somebody with a chat app: says things until they are acknowledged, follows rooms, and comes back by herself.

use crate::{
    cluster::SECRET,
    wire::{DEADLINE, Heard, Wire},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};

/// What a person has received of a room, in the order of arrival, across all her connections.
#[derive(Debug, Default, Clone)]
pub struct Followed {
    pub entries: Vec<Value>,
    pub position: u64,
    pub epoch: String,
    /// Whenever what came was not the next.
    pub faults: Vec<String>,
    /// The server ended the subscription, with this code.
    pub ended: Option<u64>,
    /// Subscribed now.
    pub live: bool,
    /// The answers to recoveries.
    pub recoveries: Vec<bool>,
    /// The last refusal to subscribe.
    pub refused: Option<Value>,
}

#[derive(Debug, Default)]
struct Seen {
    rooms: BTreeMap<String, Followed>,
    hints: Vec<Value>,
    connected: u32,
    online: bool,
    closed: Option<(u16, String)>,
}

enum Order {
    Ask(Value, oneshot::Sender<Value>),
    Follow(String),
    Move(SocketAddr),
    Drop,
}

/// See the module.
pub struct Person {
    pub name: String,
    seen: Arc<Mutex<Seen>>,
    changed: watch::Receiver<u64>,
    orders: mpsc::Sender<Order>,
    reading: watch::Sender<bool>,
    keys: std::sync::atomic::AtomicU64,
}

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    pub id: String,
    pub seq: u64,
    pub key: String,
}

/// A token for anybody.
pub fn token(user: &str) -> String {
    token_for(user, Duration::from_secs(3600))
}

/// A token that is good for so long.
pub fn token_for(user: &str, ttl: Duration) -> String {
    use hubbub::token::{Requirements, make};
    let user = hubbub_core::ids::UserId::parse(user).expect("a user id");
    make(SECRET, &Requirements::default(), &user, ttl).expect("a token")
}

impl Person {
    /// Somebody who begins to connect.
    pub fn new(name: &str, addr: SocketAddr) -> Self {
        Self::with_buffer(name, addr, None)
    }

    /// The same, with a kernel buffer of about this many bytes.
    pub fn with_buffer(name: &str, addr: SocketAddr, buffer: Option<u32>) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let (tell, changed) = watch::channel(0);
        let (orders, queue) = mpsc::channel(4096);
        let (reading, read) = watch::channel(true);
        let app = App {
            name: name.into(),
            addr,
            buffer,
            seen: seen.clone(),
            tell,
            read,
            pending: HashMap::new(),
            next_id: 0,
        };
        tokio::spawn(app.run(queue));
        Self { name: name.into(), seen, changed, orders, reading, keys: Default::default() }
    }

    fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().expect("no panic"))
    }

    /// Waits for a level, with the deadline.
    pub async fn waits_for(&self, what: &str, deadline: Duration, is: impl Fn(&Person) -> bool) -> Duration {
        let began = Instant::now();
        let mut changed = self.changed.clone();
        let level = async {
            while !is(self) {
                changed.changed().await.expect("the app runs");
            }
        };
        if tokio::time::timeout(deadline, level).await.is_err() {
            panic!("{} waited for {what} in vain; seen: {}", self.name, self.seen(summary));
        }
        began.elapsed()
    }

    pub async fn is_connected(&self) {
        self.waits_for("a connection", DEADLINE, |me| me.seen(|seen| seen.online)).await;
    }

    /// How often she has connected.
    pub fn connections(&self) -> u32 {
        self.seen(|seen| seen.connected)
    }

    /// Follows a room, from now on across all connections.
    pub async fn follows(&self, room: &str) {
        self.orders.send(Order::Follow(room.into())).await.expect("the app runs");
        self.waits_for("a subscription", DEADLINE, |me| me.with(room, |followed| followed.live)).await;
    }

    /// Looks at what she has received of a room.
    pub fn with<T>(&self, room: &str, look: impl FnOnce(&Followed) -> T) -> T {
        self.seen(|seen| look(seen.rooms.get(room).unwrap_or(&Followed::default())))
    }

    /// Asks, once, on the connection of the moment. `None`: it broke before the answer.
    pub async fn asks(&self, command: Value) -> Option<Value> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order::Ask(command, answer)).await.expect("the app runs");
        tokio::time::timeout(DEADLINE, answered).await.ok()?.ok()
    }

    /// Calls a method.
    pub async fn calls(&self, method: &str, data: Value) -> Value {
        self.asks(json!({ "rpc": { "method": method, "data": data } })).await.expect("an answer")
    }

    /// Says something, again with the same key until it is acknowledged.
    pub async fn says(&self, room: &str, text: &str) -> Ack {
        let n = self.keys.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.says_with_key(room, text, &format!("{}-{n}", self.name)).await
    }

    pub async fn says_with_key(&self, room: &str, text: &str, key: &str) -> Ack {
        let began = Instant::now();
        loop {
            let answer = self
                .asks(json!({ "rpc": { "method": "send", "data": { "room": room, "text": text, "key": key } } }))
                .await;
            match answer {
                Some(answer) if answer["rpc"].is_object() => {
                    let data = &answer["rpc"]["data"];
                    let id = data["id"].as_str().expect("an id").to_owned();
                    return Ack { id, seq: data["seq"].as_u64().expect("a seq"), key: key.into() };
                }
                Some(answer) if answer["error"]["temporary"] != true => panic!("{} was refused: {answer}", self.name),
                _ if began.elapsed() > 6 * DEADLINE => panic!("{} was never heard: {answer:?}", self.name),
                _ => crate::cluster::breathe().await,
            }
        }
    }

    /// Waits until a text has arrived. Says how long that took.
    pub async fn hears(&self, room: &str, text: &str) -> Duration {
        let there = |followed: &Followed| followed.entries.iter().rev().any(|entry| entry["text"] == text);
        self.waits_for(text, DEADLINE, |me| me.with(room, there)).await
    }

    /// Waits until a room has been read up to `seq`.
    pub async fn has_read(&self, room: &str, seq: u64) -> Duration {
        self.waits_for(&format!("seq {seq} of {room}"), 6 * DEADLINE, |me| me.with(room, |f| f.position >= seq)).await
    }

    /// Waits for this very hint.
    pub async fn is_told_that(&self, hint: Value) {
        self.waits_for(&hint.to_string(), DEADLINE, |me| me.seen(|seen| seen.hints.contains(&hint))).await;
    }

    /// Waits until the server has ended her subscription. Says with which code.
    pub async fn is_unsubscribed(&self, room: &str) -> u64 {
        let ended = |me: &Person| me.with(room, |followed| followed.ended);
        self.waits_for("an end of the subscription", 3 * DEADLINE, |me| ended(me).is_some()).await;
        ended(self).expect("just seen")
    }

    /// Waits until the server has closed her connection.
    pub async fn is_closed(&self) -> (u16, String) {
        self.waits_for("a close", DEADLINE, |me| me.seen(|seen| seen.closed.is_some())).await;
        self.seen(|seen| seen.closed.clone()).expect("just seen")
    }

    /// Connects to another instance from now on.
    pub async fn moves_to(&self, addr: SocketAddr) {
        let before = self.connections();
        self.orders.send(Order::Move(addr)).await.expect("the app runs");
        self.waits_for("a new connection", DEADLINE, |me| me.connections() > before).await;
    }

    /// Loses her connection, without a goodbye, and comes back by herself.
    pub async fn loses_connection(&self) {
        self.orders.send(Order::Drop).await.expect("the app runs");
    }

    /// Stops reading what arrives, as a phone in a tunnel does.
    pub fn stops_reading(&self) {
        self.reading.send_replace(false);
    }

    /// Reads again.
    pub fn reads_again(&self) {
        self.reading.send_replace(true);
    }
}

fn summary(seen: &Seen) -> String {
    let rooms: Vec<_> = seen
        .rooms
        .iter()
        .map(|(room, f)| {
            format!(
                "{room}: position {}, live {}, ended {:?}, refused {:?}, faults {:?}",
                f.position, f.live, f.ended, f.refused, f.faults
            )
        })
        .collect();
    format!(
        "online {}, connections {}, closed {:?}, hints {:?}, {rooms:?}",
        seen.online, seen.connected, seen.closed, seen.hints
    )
}

/// The app on the person's phone.
struct App {
    name: String,
    addr: SocketAddr,
    buffer: Option<u32>,
    seen: Arc<Mutex<Seen>>,
    tell: watch::Sender<u64>,
    read: watch::Receiver<bool>,
    pending: HashMap<u64, Pending>,
    next_id: u64,
}

enum Pending {
    Answer(oneshot::Sender<Value>),
    Subscribe(String, bool),
}

impl App {
    fn see<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        let result = change(&mut self.seen.lock().expect("no panic"));
        self.tell.send_modify(|n| *n += 1);
        result
    }

    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            if let Ok(wire) = Wire::open(self.addr, self.buffer).await
                && self.converse(wire, &mut orders).await
            {
                return;
            }
            self.pending.clear();
            self.see(|seen| {
                seen.online = false;
                seen.rooms.values_mut().for_each(|followed| followed.live = false);
            });
            // What was ordered while there is no connection is not lost but unanswered.
            while let Ok(order) = orders.try_recv() {
                self.order_offline(order);
            }
            crate::cluster::breathe().await;
        }
    }

    fn order_offline(&mut self, order: Order) {
        match order {
            Order::Move(addr) => self.addr = addr,
            Order::Follow(room) => {
                self.see(|seen| seen.rooms.entry(room).or_default().refused = None);
            }
            Order::Ask(..) | Order::Drop => {}
        }
    }

    /// One connection. True: nobody is interested any more.
    async fn converse(&mut self, mut wire: Wire, orders: &mut mpsc::Receiver<Order>) -> bool {
        let id = self.number();
        wire.say(json!({ "id": id, "connect": { "token": token(&self.name) } }).to_string()).await;
        match tokio::time::timeout(DEADLINE, wire.next()).await {
            Ok(Heard::Line(line)) if line["connect"].is_object() => {}
            Ok(Heard::Closed(code, reason)) => {
                self.see(|seen| seen.closed = Some((code, reason)));
                return false;
            }
            _ => return false,
        }
        let rooms: Vec<String> = self.see(|seen| {
            seen.online = true;
            seen.connected += 1;
            seen.rooms.iter().filter(|(_, f)| f.ended.is_none()).map(|(room, _)| room.clone()).collect()
        });
        for room in rooms {
            self.subscribe(&mut wire, room).await;
        }
        let mut read = self.read.clone();
        loop {
            let reading = *read.borrow_and_update();
            tokio::select! {
                heard = wire.next(), if reading => match heard {
                    Heard::Line(line) => {
                        if let Some(room) = self.take(line) {
                            self.subscribe(&mut wire, room).await;
                        }
                    }
                    Heard::Closed(code, reason) => {
                        self.see(|seen| seen.closed = Some((code, reason)));
                        return false;
                    }
                    Heard::Gone => return false,
                },
                order = orders.recv() => match order {
                    None => return true,
                    Some(Order::Drop) => return false,
                    Some(Order::Move(addr)) => {
                        self.addr = addr;
                        return false;
                    }
                    Some(Order::Follow(room)) => self.subscribe(&mut wire, room).await,
                    Some(Order::Ask(mut command, answer)) => {
                        let id = self.number();
                        command["id"] = id.into();
                        self.pending.insert(id, Pending::Answer(answer));
                        wire.say(command.to_string()).await;
                    }
                },
                _ = read.changed() => {}
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    async fn subscribe(&mut self, wire: &mut Wire, room: String) {
        let (position, epoch) = self.see(|seen| {
            let followed = seen.rooms.entry(room.clone()).or_default();
            (followed.ended, followed.refused) = (None, None);
            (followed.position, followed.epoch.clone())
        });
        let id = self.number();
        let recover = !epoch.is_empty();
        let ask = json!({ "channel": format!("room:{room}"), "recover": recover, "offset": position, "epoch": epoch });
        self.pending.insert(id, Pending::Subscribe(room, recover));
        wire.say(json!({ "id": id, "subscribe": ask }).to_string()).await;
    }

    /// Takes a line in. Returns a room to subscribe to anew.
    fn take(&mut self, line: Value) -> Option<String> {
        if let Some(id) = line["id"].as_u64() {
            match self.pending.remove(&id) {
                Some(Pending::Answer(answer)) => drop(answer.send(line)),
                Some(Pending::Subscribe(room, recover)) => return self.subscribed(room, recover, &line),
                None => {}
            }
            return None;
        }
        let push = &line["push"];
        let channel = push["channel"].as_str().unwrap_or_default();
        match channel.strip_prefix("room:") {
            None => self.see(|seen| seen.hints.push(push["pub"]["data"].clone())),
            Some(room) => {
                if let Some(code) = push["unsubscribe"]["code"].as_u64() {
                    self.see(|seen| {
                        let followed = seen.rooms.entry(room.to_owned()).or_default();
                        (followed.live, followed.ended) = (false, Some(code));
                    });
                    return (code >= 2500).then(|| room.to_owned());
                }
                self.see(|seen| deliver(seen.rooms.entry(room.to_owned()).or_default(), &push["pub"]));
            }
        }
        None
    }

    fn subscribed(&mut self, room: String, recover: bool, line: &Value) -> Option<String> {
        let answer = &line["subscribe"];
        if line["error"].is_object() {
            let temporary = line["error"]["temporary"] == true;
            self.see(|seen| seen.rooms.entry(room.clone()).or_default().refused = Some(line["error"].clone()));
            return temporary.then_some(room);
        }
        self.see(|seen| {
            let followed = seen.rooms.entry(room).or_default();
            followed.live = true;
            followed.epoch = answer["epoch"].as_str().unwrap_or_default().into();
            let offset = answer["offset"].as_u64().unwrap_or(0);
            let recovered = answer["recovered"] == true;
            if recover {
                followed.recoveries.push(recovered);
            }
            if recover && recovered && offset != followed.position {
                followed.faults.push(format!("recovered from {offset}, asked from {}", followed.position));
            }
            followed.position = offset;
            for publication in answer["publications"].as_array().into_iter().flatten() {
                deliver(followed, publication);
            }
        });
        None
    }
}

fn deliver(followed: &mut Followed, publication: &Value) {
    let offset = publication["offset"].as_u64().unwrap_or(0);
    if offset != followed.position + 1 || publication["data"]["seq"] != offset {
        followed.faults.push(format!("{offset} came after {}", followed.position));
    }
    if !followed.live {
        followed.faults.push(format!("{offset} came without a subscription"));
    }
    followed.position = offset;
    followed.entries.push(publication["data"].clone());
}
