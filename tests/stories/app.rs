//! The app on a person's phone: connects, follows, and comes back by itself.

use crate::{
    person::{Followed, Order, Seen, token},
    wire::{DEADLINE, Heard, Mark, Speech, Wire},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::sync::{mpsc, oneshot, watch};

/// See the module.
pub(crate) struct App {
    pub name: String,
    pub addr: SocketAddr,
    pub buffer: Option<u32>,
    pub mark: Mark,
    pub speech: Speech,
    /// `data` of `connect`.
    pub wants: Value,
    pub seen: Arc<Mutex<Seen>>,
    pub tell: watch::Sender<u64>,
    pub read: watch::Receiver<bool>,
    pub pending: HashMap<u64, Pending>,
    pub next_id: u64,
}

/// What an answer is waited for with.
pub(crate) enum Pending {
    Answer(oneshot::Sender<Value>),
    Subscribe(String, bool),
}

impl App {
    fn see<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        let result = change(&mut self.seen.lock().expect("no panic"));
        self.tell.send_modify(|n| *n += 1);
        result
    }

    /// Until nobody is interested any more.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            if let Ok(wire) = Wire::open_speaking(self.addr, self.buffer, &mut self.mark, self.speech).await
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
            Order::Follow(room, watching) => self.see(|seen| {
                let followed = seen.rooms.entry(room).or_default();
                (followed.refused, followed.watching) = (None, watching);
            }),
            Order::Ask(..) | Order::Drop => {}
        }
    }

    /// One connection. True: nobody is interested any more.
    async fn converse(&mut self, mut wire: Wire, orders: &mut mpsc::Receiver<Order>) -> bool {
        let id = self.number();
        wire.say(json!({ "id": id, "connect": { "token": token(&self.name), "data": self.wants } }).to_string()).await;
        match tokio::time::timeout(DEADLINE, wire.next()).await {
            Ok(Heard::Line(line)) if line["connect"].is_object() => {
                self.see(|seen| seen.told = line["connect"]["data"].clone());
            }
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
                    Some(Order::Follow(room, watching)) => {
                        self.see(|seen| seen.rooms.entry(room.clone()).or_default().watching = watching);
                        self.subscribe(&mut wire, room).await;
                    }
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
        let (position, epoch, watching) = self.see(|seen| {
            let followed = seen.rooms.entry(room.clone()).or_default();
            (followed.ended, followed.refused) = (None, None);
            (followed.position, followed.epoch.clone(), followed.watching)
        });
        let id = self.number();
        let recover = !epoch.is_empty();
        let channel = format!("room:{room}");
        let mut ask = json!({ "channel": channel, "recover": recover, "offset": position, "epoch": epoch });
        if watching {
            ask["join_leave"] = true.into();
        }
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
                for (what, sign) in [("join", '+'), ("leave", '-')] {
                    if let Some(user) = push[what]["info"]["user"].as_str() {
                        let coming = format!("{sign}{user}");
                        self.see(|seen| seen.rooms.entry(room.to_owned()).or_default().comings.push(coming));
                        return None;
                    }
                }
                let signal = &push["pub"]["data"];
                let has_offset = push["pub"]["offset"].as_u64().is_some_and(|offset| offset > 0);
                if !has_offset && signal.is_object() && signal["id"].is_null() {
                    self.see(|seen| seen.rooms.entry(room.to_owned()).or_default().signals.push(signal.clone()));
                    return None;
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
