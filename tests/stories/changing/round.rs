//! A round: a room of its own, from its first entry to the last look at it.

use super::{
    checks, crowd,
    deleted::{Source, Watch},
    ideas,
    lister::Lister,
    model::{BACKEND, Model},
    ops::{Answered, Doing, Op, Way},
    reader::{Order, Reader},
    reads::{self, Reads},
    wishes::{PEOPLE, ROLES, Wishes},
};
use crate::{
    cluster::Cluster,
    person::Person,
    wire::{DEADLINE, Heard, Wire},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Instant};

/// What is done one after another, before and after the crowd.
const BEFORE: usize = 45;
const AFTER: usize = 25;

/// How many do something at once, and how much each.
const CROWD: (u64, usize) = (8, 10);

/// See the module.
pub struct House {
    cluster: Cluster,
    instances: Vec<SocketAddr>,
    people: BTreeMap<String, Person>,
}

/// What there is in a round.
struct Round<'a> {
    house: &'a mut House,
    seed: u64,
    model: Model,
    wishes: Wishes,
    readers: Vec<Reader>,
    listers: Vec<Lister>,
    watch: Arc<Watch>,
    refused: usize,
}

impl House {
    pub async fn new(cluster: Cluster) -> Self {
        let instances: Vec<SocketAddr> = cluster.instances.iter().map(|instance| instance.addr).collect();
        let mut people = BTreeMap::new();
        for (n, name) in PEOPLE.into_iter().enumerate() {
            people.insert(name.to_owned(), cluster.person(name, n % instances.len()).await);
        }
        Self { cluster, instances, people }
    }

    /// What happened in a round, or what is wrong.
    pub async fn round(&mut self, seed: u64) -> Result<String, String> {
        let began = Instant::now();
        let kind = if seed % 3 == 2 { "open" } else { "private" };
        let model = Model::new(&format!("room-{seed}"), kind);
        let wishes = Wishes::new(seed, 1, self.instances.len());
        let (readers, listers) = (Vec::new(), Vec::new());
        let mut round = Round { house: self, seed, model, wishes, readers, listers, watch: Arc::default(), refused: 0 };
        let told = round.run().await;
        let Round { model, .. } = round;
        told.map(|told| format!("{kind}, {told} in {:.1?}", began.elapsed()))
            .map_err(|trouble| format!("{trouble}\n{}", history(&model, &trouble)))
    }
}

impl Round<'_> {
    async fn run(&mut self) -> Result<String, String> {
        self.begin().await?;
        for n in 0..BEFORE {
            self.next().await?;
            self.disturb(n).await;
        }
        self.amnesty().await?;
        let (workers, many) = CROWD;
        let House { cluster, people, instances } = &mut *self.house;
        let parts = (self.seed, workers, many);
        let followers = (&*self.readers, &*self.listers);
        let (tried, mut reads, faults) =
            crowd::crowd(cluster, &self.model, people, followers, &self.watch, instances, parts).await?;
        let log = cluster.log(&self.model.room).await;
        crowd::follow(&mut self.model, &log, &tried)?;
        for person in self.house.people.values() {
            person.is_connected().await;
        }
        self.rests(&mut reads).await?;
        self.amnesty().await?;
        for _ in 0..AFTER {
            self.next().await?;
        }
        let House { people, instances, .. } = &*self.house;
        reads::together(&mut self.model, &PEOPLE, people, instances, (&mut reads, &mut self.wishes.dice)).await?;
        let House { cluster, people, instances } = &*self.house;
        let log = cluster.log(&self.model.room).await;
        if log != self.model.log {
            let nth = log.iter().zip(&self.model.log).position(|(is, expected)| is != expected);
            let both = nth.map(|nth| format!("is {}, expected {}", log[nth], self.model.log[nth]));
            return Err(format!("the raw log has {} of {} entries; {both:?}", log.len(), self.model.log.len()));
        }
        reads::learn(&mut self.model, &reads, instances).await?;
        let mut folds = checks::folds(&self.model, &self.readers).await?;
        let answers = checks::pages(&self.model, people, instances, &mut self.wishes.dice).await?;
        // Who was outside comes back.
        self.amnesty().await?;
        folds += checks::folds(&self.model, &self.readers).await?;
        reads::learn(&mut self.model, &reads, &self.house.instances).await?;
        let (asked, missed) = ideas::converge(&self.model, &self.listers).await?;
        let summary = self.watch.judge(&self.model)?;
        let (recovered, anew) = self.readers.iter().fold((0, 0), |(recovered, anew), reader| {
            let kept = reader.kept.lock().expect("no panic");
            (recovered + kept.recovered, anew + kept.began_anew)
        });
        let refused = tried.iter().filter(|one| matches!(one.answered, Answered::Refused(..))).count() + self.refused;
        Ok(format!(
            "{} entries, {refused} refused; {} marks; lists asked for {asked} times, {missed} times missed; {folds} folds ({recovered} recoveries, {anew} not), {answers} answers; {} deleted \
             ({} times given before, {} late); faults:{faults};",
            log.len(),
            reads.values().map(|said| said.tried.len()).sum::<usize>(),
            summary.deleted,
            summary.seen,
            summary.late
        ))
    }

    /// Makes the room, and has everybody follow it.
    async fn begin(&mut self) -> Result<(), String> {
        let members: Vec<Value> = ROLES.iter().map(|(user, role)| json!({ "user": user, "role": role })).collect();
        let (room, kind) = (self.model.room.clone(), self.model.kind.clone());
        let body = json!({ "id": room, "kind": kind, "name": "The room", "members": members });
        let answer = self.house.cluster.api("POST", "/v1/rooms", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        self.model.name = "The room".into();
        for entry in self.house.cluster.log(&room).await {
            let doing = Doing { who: BACKEND.into(), op: Op::of(&entry, false)?, key: None };
            self.model.take(&entry, &doing)?;
        }
        let instances = self.house.instances.clone();
        for (n, name) in PEOPLE.into_iter().chain(["ana", "ben", "rea"]).enumerate() {
            let reader = Reader::new(name, &room, (n + 1) % instances.len(), &instances, self.watch.clone());
            self.readers.push(reader);
        }
        for (n, name) in PEOPLE.into_iter().chain(["ana", "ben", "cem", "eve"]).enumerate() {
            self.listers.push(Lister::new(name, &room, n % instances.len(), &instances));
        }
        Ok(())
    }

    /// Nothing happens any more: all devices have what is so, also one that has missed something.
    async fn rests(&mut self, reads: &mut Reads) -> Result<(), String> {
        let House { cluster, people, instances } = &*self.house;
        reads::learn(&mut self.model, reads, instances).await?;
        let members = self.listers.iter().filter(|one| self.model.somebody(&one.name).standing.is_member());
        let (members, dice) = (members.collect::<Vec<_>>(), &mut self.wishes.dice);
        if !members.is_empty() {
            let lister = members[dice.below(members.len() as u64) as usize];
            let at = &cluster.instances[dice.below(instances.len() as u64) as usize];
            ideas::overflow(&mut self.model, lister, people, (at, instances), (reads, dice)).await?;
        }
        ideas::converge(&self.model, &self.listers).await.map(drop)
    }

    /// Something happens to somebody who reads, or to an announcement.
    async fn disturb(&mut self, n: usize) {
        let dice = &mut self.wishes.dice;
        if n % 4 == 1 {
            let reader = &self.readers[dice.below(self.readers.len() as u64) as usize];
            reader.does(dice.of(&[Order::Drop, Order::Forget, Order::Move(0), Order::Again])).await;
        }
        let instances = &self.house.cluster.instances;
        if let (true, Some(bus)) = (n % 9 == 4, &instances[dice.below(instances.len() as u64) as usize].redis) {
            bus.swallow(1);
        }
    }

    /// The next thing, whatever it is.
    async fn next(&mut self) -> Result<(), String> {
        let again = self.wishes.dice.one_in(9).then(|| self.wishes.again(&self.model)).flatten();
        let (mut doing, way) = again.unwrap_or_else(|| self.wishes.next(&self.model, &[]));
        if let Op::Edit { target, content } = &mut doing.op
            && self.wishes.dice.one_in(6)
            && let Some(message) = self.model.messages.get(target).filter(|message| !message.gone)
        {
            content.clone_from(&message.content);
        }
        self.step(&doing, way).await
    }

    /// The backend makes things so that something can be done.
    async fn amnesty(&mut self) -> Result<(), String> {
        let mut ops = vec![Op::Settings(json!({ "slow_mode": null, "frozen": false, "edit_window": null }))];
        for (user, role) in ROLES.into_iter().chain([("eve", "member"), ("dan", "member")]) {
            if user == "ana" || !self.wishes.dice.one_in(4) {
                ops.push(Op::Role { user: user.into(), role: role.into() });
                ops.push(Op::Mute { user: user.into(), until: None });
            }
        }
        for op in ops {
            let (doing, way) = self.wishes.by(BACKEND.into(), op);
            self.step(&doing, way).await?;
        }
        Ok(())
    }

    /// One thing, of which is known what comes of it.
    async fn step(&mut self, doing: &Doing, way: Way) -> Result<(), String> {
        let verdict = self.model.judge(doing);
        let House { people, instances, cluster } = &*self.house;
        let person = people.get(&doing.who).unwrap_or(&people["ana"]);
        let room = self.model.room.clone();
        let (answered, attempts) = crowd::until_answered(doing, way, &room, person, instances).await?;
        let next = self.model.head() + 1;
        if !verdict.is(&answered, way, next) {
            return Err(format!(
                "{doing:?} over {way:?} was answered {answered:?}, expected {verdict:?} (entry {next}, {attempts} attempts)"
            ));
        }
        self.refused += usize::from(matches!(answered, Answered::Refused(..)));
        if answered != Answered::Taken(next) {
            return Ok(());
        }
        let path = format!("/v1/rooms/{room}/history?after={}&limit=10", next - 1);
        let n = self.wishes.dice.below(instances.len() as u64) as usize;
        let page = cluster.instances[n].api("GET", &path, &Value::Null).await.json();
        let [entry] = &page["entries"].as_array().cloned().unwrap_or_default()[..] else {
            return Err(format!("after {doing:?} the log goes on with {page}"));
        };
        self.model.take(entry, doing)?;
        if let Op::Delete { target } = doing.op {
            let by = way.at(&doing.who, instances.len());
            self.watch.deleted(target, Some(by).filter(|_| attempts == 1));
            let epoch = page["epoch"].as_str().unwrap_or_default();
            for (n, from) in [(by, target - 1), (n, 0)] {
                self.comes_back(n, from, epoch).await?;
            }
        }
        Ok(())
    }

    /// Somebody comes back to an instance from a position, and is looked at while they read to the end; or their position is below what
    /// they may read, and they are told so.
    async fn comes_back(&mut self, at: usize, from: u64, epoch: &str) -> Result<(), String> {
        let may: Vec<&str> = PEOPLE.into_iter().filter(|who| self.model.may_read(who).is_ok()).collect();
        if may.is_empty() {
            return Ok(());
        }
        let who = self.wishes.dice.of(&may);
        let recovers = self.model.floor(who) <= from + 1;
        let mut wire = Wire::of(self.house.instances[at], who).await;
        let (began, head) = (Instant::now(), self.model.head());
        let channel = format!("room:{}", self.model.room);
        let asked = json!({ "channel": channel, "recover": true, "offset": from, "epoch": epoch });
        wire.say(json!({ "id": 2, "subscribe": asked }).to_string()).await;
        let mut position = from;
        while position < head {
            let Ok(Heard::Line(line)) = tokio::time::timeout(DEADLINE, wire.next()).await else {
                return Err(format!(
                    "{who} came back to {at} from {from} and got no further than {position} of {head}"
                ));
            };
            self.watch.sees(&wire.last, at, Source::Memory, began, who);
            let answer = &line["subscribe"];
            if line["error"].is_object() || answer.is_object() && (answer["recovered"] == true) != recovers {
                return Err(format!("{who} came back to {at} from {from}, expected recovered {recovers}: {line}"));
            }
            if answer.is_object() && !recovers {
                return Ok(());
            }
            let last = answer["publications"].as_array().and_then(|all| all.last());
            let offset = last.map_or(&line["push"]["pub"]["offset"], |last| &last["offset"]);
            position = offset.as_u64().unwrap_or(position);
        }
        Ok(())
    }
}

/// What led to some trouble: the entries that it names, those that are about the same, and what was set and who stood how.
fn history(model: &Model, trouble: &str) -> String {
    // Numbers of entries, and not those within times, ids and texts.
    let words = trouble.split(|c: char| !c.is_ascii_alphanumeric() && !"-._:".contains(c));
    let named: Vec<u64> = words.filter_map(|word| word.trim_matches(['.', ':']).parse().ok()).collect();
    let users: Vec<&str> = PEOPLE.into_iter().filter(|user| trouble.contains(user)).collect();
    let mut told = String::from("What led to it:\n");
    for (n, doing) in model.done.iter().enumerate() {
        let seq = n as u64 + 1;
        let is_about = doing.op.target().is_some_and(|target| named.contains(&target));
        let is_of_people = doing.op.user().is_some_and(|user| users.contains(&user))
            || (matches!(doing.op, Op::Join | Op::Leave) && users.contains(&&*doing.who));
        if is_about || is_of_people || named.contains(&seq) || matches!(doing.op, Op::Settings(_)) {
            told.push_str(&format!("  {seq} {}: {}\n", doing.who, doing.op.entry(&doing.who)));
        }
    }
    told
}
