//! All at once: everybody does something, with faults in between, and tries again with the same key until there is an answer.

use super::{
    deleted::Watch,
    lister::{self, Lister},
    model::Model,
    ops::{Answered, Doing, Op, Way},
    reader::{Order, Reader},
    reads::{self, Reads},
    rights::Verdict,
    wishes::{Dice, Wishes},
};
use crate::{
    cluster::{Cluster, breathe},
    person::Person,
    wire::DEADLINE,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a fault lasts at most.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many say at once how far they have read.
const READERS: u64 = 4;

/// Something that was tried, and what came of it.
#[derive(Debug, Clone)]
pub struct Tried {
    pub doing: Doing,
    pub way: Way,
    pub attempts: u32,
    pub answered: Answered,
    began: Instant,
    ended: Instant,
    /// The room's head was at least this when it began.
    head: u64,
}

/// What all of a crowd see.
pub struct Board<'a> {
    pub room: &'a str,
    pub instances: &'a [SocketAddr],
    pub watch: &'a Watch,
    /// Messages that were acknowledged.
    messages: Mutex<Vec<u64>>,
    tried: Mutex<Vec<Tried>>,
    head: AtomicU64,
    /// How many are still at it.
    busy: AtomicU64,
}

/// Tries something until there is an answer.
pub async fn until_answered(
    doing: &Doing,
    way: Way,
    room: &str,
    person: &Person,
    instances: &[SocketAddr],
) -> Result<(Answered, u32), String> {
    let began = Instant::now();
    let (mut way, mut attempts) = (way, 0);
    loop {
        attempts += 1;
        let why = match doing.attempt(room, way, person, instances).await {
            Ok(answered) => return Ok((answered, attempts)),
            Err(why) => why,
        };
        if began.elapsed() > 4 * DEADLINE {
            return Err(format!("{doing:?} was never answered over {way:?}, {attempts} attempts, the last: {why}"));
        }
        if let Way::Rest(n) = way {
            // The backend asks another instance, as through a balancer.
            way = Way::Rest((n + 1) % instances.len());
        }
        breathe().await;
    }
}

impl Board<'_> {
    async fn works(
        &self,
        mut wishes: Wishes,
        people: &BTreeMap<String, Person>,
        model: &Model,
        many: usize,
    ) -> Result<(), String> {
        let mut done = Ok(());
        for _ in 0..many {
            let more = self.messages.lock().expect("no panic").clone();
            let (doing, way) = wishes.next(model, &more);
            done = self.tries(doing, way, people).await;
            if done.is_err() {
                break;
            }
        }
        self.busy.fetch_sub(1, Ordering::SeqCst);
        done
    }

    async fn tries(&self, doing: Doing, way: Way, people: &BTreeMap<String, Person>) -> Result<(), String> {
        let (began, head) = (Instant::now(), self.head.load(Ordering::SeqCst));
        let person = people.get(&doing.who).or_else(|| people.get("ana")).expect("ana");
        let (answered, attempts) = until_answered(&doing, way, self.room, person, self.instances).await?;
        if let Answered::Taken(seq) = answered {
            if let Op::Say { .. } = doing.op {
                self.messages.lock().expect("no panic").push(seq);
            }
            if let Op::Delete { target } = doing.op {
                let by = way.at(&doing.who, self.instances.len());
                self.watch.deleted(target, Some(by).filter(|_| attempts == 1));
            }
            self.head.fetch_max(seq, Ordering::SeqCst);
        }
        let tried = Tried { doing, way, attempts, answered, began, ended: Instant::now(), head };
        self.tried.lock().expect("no panic").push(tried);
        Ok(())
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    /// Waits until so much more has been said, nobody says anything any more, or nobody gets on: all may wait for one instance.
    async fn goes_on(&self, entries: u64) {
        let (until, began) = (self.head.load(Ordering::SeqCst) + entries, Instant::now());
        while self.is_busy() && self.head.load(Ordering::SeqCst) < until && began.elapsed() < PATIENCE {
            breathe().await;
        }
    }

    async fn faults(
        &self,
        cluster: &mut Cluster,
        (readers, listers): (&[Reader], &[Lister]),
        people: &BTreeMap<String, Person>,
        dice: &mut Dice,
    ) -> String {
        let instances = cluster.instances.len() as u64;
        let (mut told, mut killed) = (String::new(), false);
        while self.is_busy() {
            self.goes_on(2 + dice.below(6)).await;
            let n = dice.below(instances) as usize;
            let bus = cluster.instances[n].redis.as_ref();
            match (dice.below(11), bus) {
                (0, _) if !killed => {
                    killed = true;
                    cluster.kill(n);
                    told.push_str(&format!(" {n} killed,"));
                    if instances > 1 {
                        self.goes_on(4 + dice.below(8)).await;
                    }
                    cluster.restart_unwell(n);
                }
                (1, Some(_)) => {
                    let cut: Vec<_> = cluster.instances.iter().filter_map(|one| one.redis.as_ref()).collect();
                    cut.iter().for_each(|door| door.cut());
                    self.goes_on(3 + dice.below(8)).await;
                    cut.iter().for_each(|door| door.mend());
                    told.push_str(" bus cut,");
                }
                (2, Some(bus)) => {
                    bus.cut();
                    self.goes_on(3 + dice.below(8)).await;
                    bus.mend();
                    told.push_str(&format!(" bus of {n} cut,"));
                }
                (3, Some(bus)) => {
                    bus.swallow(1 + dice.below(3) as usize);
                    told.push_str(&format!(" {n} not heard,"));
                }
                (4, Some(bus)) => {
                    bus.hold_publishes();
                    self.goes_on(2 + dice.below(4)).await;
                    bus.release().await;
                    told.push_str(&format!(" {n} heard late,"));
                }
                (5, _) => {
                    let names: Vec<&String> = people.keys().collect();
                    people[dice.of(&names)].loses_connection().await;
                }
                (6, _) => {
                    let lister = &listers[dice.below(listers.len() as u64) as usize];
                    lister.does(lister::Order::Move(n)).await;
                }
                (7, _) => {
                    let lister = &listers[dice.below(listers.len() as u64) as usize];
                    lister.does(lister::Order::Pause).await;
                    self.goes_on(3 + dice.below(8)).await;
                    lister.does(lister::Order::Resume).await;
                }
                _ => {
                    let reader = &readers[dice.below(readers.len() as u64) as usize];
                    let order = dice.of(&[Order::Drop, Order::Forget, Order::Again]);
                    reader.does(if dice.one_in(4) { Order::Move(n) } else { order }).await;
                }
            }
        }
        // At least once in each round.
        if !killed {
            let n = dice.below(instances) as usize;
            cluster.kill(n);
            cluster.restart_unwell(n);
            told.push_str(&format!(" {n} killed,"));
        }
        told.trim_end_matches(',').to_owned()
    }
}

/// What a crowd did and what happened to it meanwhile.
pub async fn crowd(
    cluster: &mut Cluster,
    model: &Model,
    people: &BTreeMap<String, Person>,
    (readers, listers): (&[Reader], &[Lister]),
    watch: &Watch,
    instances: &[SocketAddr],
    (seed, workers, many): (u64, u64, usize),
) -> Result<(Vec<Tried>, Reads, String), String> {
    let board = Board {
        room: &model.room,
        instances,
        watch,
        messages: Mutex::default(),
        tried: Mutex::default(),
        head: AtomicU64::new(model.head()),
        busy: AtomicU64::new(workers),
    };
    let works = (0..workers).map(|nth| board.works(Wishes::new(seed, 10 + nth, instances.len()), people, model, many));
    let head = || board.is_busy().then(|| board.head.load(Ordering::SeqCst));
    let read = (0..READERS).map(|nth| {
        reads::read(Dice::new(seed.wrapping_mul(100).wrapping_add(nth)), people, (board.room, instances), head)
    });
    let mut dice = Dice::new(seed.wrapping_add(7));
    let (done, read, told) = tokio::join!(
        futures_util::future::join_all(works),
        futures_util::future::join_all(read),
        board.faults(cluster, (readers, listers), people, &mut dice)
    );
    done.into_iter().collect::<Result<(), String>>()?;
    let mut all = Reads::new();
    for reads in read {
        reads::merge(&mut all, reads?);
    }
    cluster.ready().await;
    Ok((board.tried.into_inner().expect("no panic"), all, told))
}

/// Takes what a crowd left in the log, and looks at each answer.
pub fn follow(model: &mut Model, log: &[Value], tried: &[Tried]) -> Result<(), String> {
    let begin = model.head();
    let mut moments = vec![model.clone()];
    for entry in &log[begin as usize..] {
        let (from, key) = (entry["from"].as_str().unwrap_or_default(), entry["key"].as_str());
        let seq = model.head() + 1;
        let is_keyed = |one: &&Tried| one.doing.who == from && one.doing.key.as_deref() == key;
        let is_answered = |one: &&Tried| one.doing.key.is_none() && one.answered == Answered::Taken(seq);
        let doing = match tried.iter().find(is_keyed).or_else(|| tried.iter().find(is_answered)) {
            Some(tried) => tried.doing.clone(),
            None => {
                let is_member = model.somebody(from).standing.is_member();
                Doing { who: from.into(), op: Op::of(entry, is_member)?, key: None }
            }
        };
        let verdict = model.judge(&doing);
        if verdict != Verdict::Taken {
            return Err(format!("the log took {entry}, which was asked for as {doing:?}; the model says {verdict:?}"));
        }
        model.take(entry, &doing)?;
        moments.push(model.clone());
    }
    for one in tried {
        let there = model.keyed(&one.doing).map(|(seq, _)| seq);
        match (&one.answered, there) {
            (Answered::Taken(seq), there) if one.doing.key.is_some() => {
                if there != Some(*seq) {
                    return Err(format!("{one:?} was acknowledged and is at {there:?}"));
                }
            }
            (Answered::Taken(seq), _) => {
                if model.done.get(*seq as usize - 1) != Some(&one.doing) {
                    return Err(format!("{one:?} was acknowledged and is not there"));
                }
            }
            // What was tried more than once may have been taken late, after another attempt was refused.
            (_, Some(seq)) if one.attempts == 1 => return Err(format!("{one:?} is at {seq}")),
            (_, Some(_)) => {}
            (_, None) if one.doing.key.is_none() && one.attempts > 1 => {}
            (answered, None) => {
                // Who began after this was answered began after what it looked at.
                let later = tried.iter().filter(|other| other.began > one.ended);
                let bound = later.filter_map(|other| match other.answered {
                    Answered::Taken(seq) => Some(seq - 1),
                    _ => None,
                });
                let last = bound.min().unwrap_or(model.head()).max(one.head);
                let mut verdicts = (one.head..=last).map(|head| moments[(head - begin) as usize].judge(&one.doing));
                if !verdicts.any(|verdict| verdict.is(answered, one.way, 0)) {
                    let then = moments[(one.head - begin) as usize].judge(&one.doing);
                    return Err(format!(
                        "{one:?} was answered so at no moment from {} to {last}; first {then:?}",
                        one.head
                    ));
                }
            }
        }
    }
    Ok(())
}
