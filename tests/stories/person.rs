//! Somebody with a chat app: says things until they are acknowledged, follows rooms, and comes back by herself.

use crate::{
    app::App,
    cluster::SECRET,
    wire::{DEADLINE, Mark, Speech},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
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
    /// She wants to be told who comes and goes.
    pub watching: bool,
    /// Who came, and who went, in the order of being told: `+ben`, `-ben`.
    pub comings: Vec<String>,
    /// What was said in it without an offset, in the order of being told.
    pub signals: Vec<Value>,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub rooms: BTreeMap<String, Followed>,
    pub hints: Vec<Value>,
    pub connected: u32,
    /// `data` of the last answer to `connect`.
    pub told: Value,
    pub online: bool,
    pub closed: Option<(u16, String)>,
}

pub(crate) enum Order {
    Ask(Value, oneshot::Sender<Value>),
    Follow(String, bool),
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
    let user = hubbub_core::model::ids::UserId::parse(user).expect("a user id");
    make(SECRET, &Requirements::default(), &user, ttl).expect("a token")
}

impl Person {
    /// Somebody who begins to connect.
    pub fn new(name: &str, addr: SocketAddr) -> Self {
        Self::with_buffer(name, addr, None)
    }

    /// The same, with a kernel buffer of about this many bytes.
    pub fn with_buffer(name: &str, addr: SocketAddr, buffer: Option<u32>) -> Self {
        Self::with_app(name, addr, buffer, Mark::None, Speech::Json)
    }

    /// The same with an app that a balancer knows again, in either format.
    pub fn with_app(name: &str, addr: SocketAddr, buffer: Option<u32>, mark: Mark, speech: Speech) -> Self {
        Self::begins(name, addr, buffer, mark, speech, Value::Null)
    }

    /// Somebody whose app says this as `data` of `connect`.
    pub async fn wanting(name: &str, addr: SocketAddr, speech: Speech, wants: Value) -> Self {
        let person = Self::begins(name, addr, None, Mark::None, speech, wants);
        person.is_connected().await;
        person
    }

    fn begins(name: &str, addr: SocketAddr, buffer: Option<u32>, mark: Mark, speech: Speech, wants: Value) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let (tell, changed) = watch::channel(0);
        let (orders, queue) = mpsc::channel(4096);
        let (reading, read) = watch::channel(true);
        let app = App {
            name: name.into(),
            addr,
            buffer,
            mark,
            speech,
            wants,
            seen: seen.clone(),
            tell,
            read,
            pending: Default::default(),
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

    /// What she was told when she last connected.
    pub fn was_told(&self) -> Value {
        self.seen(|seen| seen.told.clone())
    }

    /// The last list of features that she was told of since.
    pub fn features(&self) -> Option<Value> {
        let list = |hint: &Value| (hint["type"] == "features").then(|| hint["features"].clone());
        self.seen(|seen| seen.hints.iter().rev().find_map(list))
    }

    /// Follows a room, from now on across all connections.
    pub async fn follows(&self, room: &str) {
        self.orders.send(Order::Follow(room.into(), false)).await.expect("the app runs");
        self.waits_for("a subscription", DEADLINE, |me| me.with(room, |followed| followed.live)).await;
    }

    /// The same, and is told who comes and goes.
    pub async fn watches(&self, room: &str) {
        self.orders.send(Order::Follow(room.into(), true)).await.expect("the app runs");
        self.waits_for("a subscription", DEADLINE, |me| me.with(room, |followed| followed.live)).await;
    }

    /// Waits until she has been told exactly these comings and goings, since she last waited for any.
    pub async fn sees(&self, room: &str, comings: &[&str]) -> Duration {
        let wanted: Vec<String> = comings.iter().map(|one| (*one).to_owned()).collect();
        let what = format!("{wanted:?} and not {:?}", self.with(room, |followed| followed.comings.clone()));
        let deadline = 2 * DEADLINE;
        let took = self.waits_for(&what, deadline, |me| me.with(room, |f| f.comings.len() >= wanted.len())).await;
        let told = self.seen.lock().expect("no panic").rooms.get_mut(room).map(|f| std::mem::take(&mut f.comings));
        assert_eq!(told, Some(wanted), "what {} was told", self.name);
        took
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

    /// Has a message of theirs say something else.
    pub async fn edits(&self, room: &str, target: u64, text: &str) {
        let edited = self.calls("edit", json!({ "room": room, "target": target, "text": text })).await;
        assert!(edited["rpc"]["data"]["seq"].is_u64(), "{edited}");
    }

    /// Deletes a message of theirs.
    pub async fn deletes(&self, room: &str, target: u64) {
        let deleted = self.calls("delete", json!({ "room": room, "target": target })).await;
        assert!(deleted["rpc"]["data"]["seq"].is_u64(), "{deleted}");
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

    /// Waits for a hint with these members.
    pub async fn is_told_that(&self, hint: Value) {
        let wanted = hint.as_object().expect("an object");
        let is = |told: &Value| wanted.iter().all(|(name, value)| told[name] == *value);
        self.waits_for(&hint.to_string(), DEADLINE, |me| me.seen(|seen| seen.hints.iter().any(is))).await;
    }

    /// Waits for something with these members that is said in a room without an offset.
    pub async fn notices(&self, room: &str, signal: Value) {
        let wanted = signal.as_object().expect("an object");
        let is = |told: &Value| wanted.iter().all(|(name, value)| told[name] == *value);
        self.waits_for(&signal.to_string(), DEADLINE, |me| me.with(room, |f| f.signals.iter().any(is))).await;
    }

    /// What she was told on her own channel.
    pub fn hints(&self) -> Vec<Value> {
        self.seen(|seen| seen.hints.clone())
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
