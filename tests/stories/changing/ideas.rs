//! What every device thinks is what the model has, once nothing happens any more.

use super::{
    lister::{Kept, Lister, Order},
    model::Model,
    reads::{self, Reads},
    wishes::{Dice, PEOPLE},
};
use crate::{cluster::Instance, person::Person};
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::SocketAddr};

/// Events that are more than a connection keeps and the kernel takes, and the bytes of each.
const EVENTS: (usize, usize) = (200, 12_000);

/// The parts of a room in a list that are compared.
const PARTS: [&str; 5] = ["head", "role", "read", "unread", "mentions"];

fn parts(room: &Value) -> Value {
    if room.is_null() { Value::Null } else { PARTS.iter().map(|part| (*part, room[part].clone())).collect() }
}

/// The last message that names somebody who was there already, as far as it is known what it said.
fn last_mention(model: &Model, who: &str) -> u64 {
    let me = model.somebody(who);
    let is_meant = |entry: &&Value| {
        let names = entry["mentions"].as_array().cloned().unwrap_or_default();
        entry["type"] == "message"
            && entry["from"] != who
            && entry["seq"].as_u64() > Some(me.joined)
            && (entry["mention_all"] == true || names.iter().any(|name| name == who))
    };
    model.log.iter().rfind(is_meant).and_then(|entry| entry["seq"].as_u64()).unwrap_or(0)
}

/// Whether somebody was a member once this entry was written.
fn was_member(model: &Model, who: &str, seq: u64) -> bool {
    let changes = ["joined", "left", "banned"];
    let is_about = |entry: &&Value| entry["user"] == who && changes.iter().any(|kind| entry["type"] == *kind);
    let last = model.log.iter().take(seq as usize).rfind(is_about);
    last.is_some_and(|entry| entry["type"] == "joined")
}

/// What is not so, of what a device should have.
fn stale(model: &Model, who: &str, kept: &Kept) -> Option<String> {
    let is_member = model.somebody(who).standing.is_member();
    let listed = parts(&model.listed(who));
    let receipts = is_member.then(|| {
        let members = PEOPLE.into_iter().map(|one| (one, model.somebody(one)));
        let those = members.filter(|(_, one)| one.standing.is_member() && one.read > 0);
        those.map(|(name, one)| (name.to_owned(), one.read)).collect::<BTreeMap<_, _>>()
    });
    let mention = if is_member { last_mention(model, who) } else { 0 };
    if kept.room.as_ref().map(parts).as_ref() != Some(&listed) {
        Some(format!("the room, {listed}"))
    } else if is_member && !kept.live {
        Some("a subscription".into())
    } else if kept.receipts != receipts {
        Some(format!("receipts, {receipts:?}"))
    } else if mention > kept.mentioned.last().copied().unwrap_or(0).max(kept.surely) {
        Some(format!("the mention in {mention}"))
    } else {
        None
    }
}

/// Waits until all have what the model has, and says how often they have asked and how often something was missed.
pub async fn converge(model: &Model, listers: &[Lister]) -> Result<(u32, u32), String> {
    let (mut asked, mut missed) = (0, 0);
    for lister in listers {
        if let Err(why) = lister.waits("what is so", |kept| stale(model, &lister.name, kept).is_none()).await {
            let what = stale(model, &lister.name, &lister.kept.lock().expect("no panic"));
            return Err(format!("a device of {} is stale, it has not {what:?}; {why}", lister.name));
        }
        let kept = lister.kept.lock().expect("no panic");
        if let Some(seq) = kept.news.iter().find(|seq| !was_member(model, &lister.name, **seq)) {
            return Err(format!(
                "a device of {} was told of {seq}, when its user was no member: {kept:?}",
                lister.name
            ));
        }
        let is_odd = |seq: &&u64| {
            // Where wakes are late it is not known with which entry somebody came back: rather too many than none.
            let is_own = model.log[**seq as usize - 1]["from"] == *lister.name;
            is_own || (**seq..=model.head()).all(|seq| !was_member(model, &lister.name, seq))
        };
        if let Some(seq) = kept.mentioned.iter().find(is_odd) {
            return Err(format!("a device of {} was told of the mention in {seq}: {kept:?}", lister.name));
        }
        if let Some(fault) = kept.faults.first() {
            return Err(format!("a device of {}: {fault}; {kept:?}", lister.name));
        }
        asked += kept.asked;
        missed += kept.missed;
    }
    Ok((asked, missed))
}

/// A device does not read while its user reads elsewhere, and more comes for it than is kept: it is told that it has missed something.
pub async fn overflow(
    model: &mut Model,
    lister: &Lister,
    people: &BTreeMap<String, Person>,
    (at, instances): (&Instance, &[SocketAddr]),
    (reads, dice): (&mut Reads, &mut Dice),
) -> Result<(), String> {
    lister.waits("its rooms", |kept| kept.room.is_some()).await?;
    lister.does(Order::Pause).await;
    lister.waits("a pause", |kept| kept.is_paused).await?;
    let before = lister.kept.lock().expect("no panic").missed;
    reads::together(model, &[&*lister.name], people, instances, (reads, dice)).await?;
    let (many, bytes) = EVENTS;
    let (path, body) = (format!("/v1/users/{}/notify", lister.name), json!({ "event": "x".repeat(bytes) }));
    let ask = || async { at.api("POST", &path, &body).await.status };
    for _ in 0..many / 20 {
        let answers = futures_util::future::join_all((0..20).map(|_| ask())).await;
        if answers.iter().any(|status| *status != 202) {
            return Err(format!("events were answered {answers:?}"));
        }
    }
    lister.does(Order::Resume).await;
    lister.waits("being told that it has missed something", |kept| kept.missed > before).await
}
