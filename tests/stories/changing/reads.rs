//! How far people say that they have read, while everything else goes on.

use super::{
    model::Model,
    ops::Way,
    wishes::{Dice, PEOPLE},
};
use crate::{
    cluster::{API_KEY, breathe},
    http,
    person::Person,
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::SocketAddr, time::Instant};

/// What somebody has said of how far they have read.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// All that was tried.
    pub tried: Vec<u64>,
    /// The furthest that was acknowledged.
    pub acknowledged: u64,
}

/// By person.
pub type Reads = BTreeMap<String, Said>;

/// Says how far somebody has read until there is an answer. `Ok(true)`: the mark is there, or further.
async fn says(
    who: &str,
    seq: u64,
    way: Way,
    room: &str,
    person: &Person,
    instances: &[SocketAddr],
) -> Result<bool, String> {
    let (began, mut way) = (Instant::now(), way);
    loop {
        let (code, said, is_final) = match way {
            Way::Socket => {
                let data = json!({ "room": room, "seq": seq });
                let answer =
                    person.asks(json!({ "rpc": { "method": "read", "data": data } })).await.unwrap_or_default();
                if answer["rpc"].is_object() {
                    return if answer["rpc"]["data"] == data { Ok(true) } else { Err(answer.to_string()) };
                }
                let error = &answer["error"];
                (error["code"].to_string(), answer.to_string(), error.is_object() && error["temporary"] != true)
            }
            Way::Rest(n) => {
                let (bearer, body) = (format!("Bearer {API_KEY}"), json!({ "seq": seq }).to_string());
                let headers = [("authorization", &*bearer), ("content-type", "application/json")];
                let path = format!("/v1/users/{who}/rooms/{room}/read");
                way = Way::Rest((n + 1) % instances.len());
                match http::ask(instances[n], "PUT", &path, &headers, &body).await {
                    Ok(answer) if answer.status == 200 => return Ok(true),
                    Ok(answer) => {
                        (answer.status.to_string(), answer.text.clone(), ![429, 503].contains(&answer.status))
                    }
                    Err(error) => (String::new(), error.to_string(), false),
                }
            }
        };
        match &*code {
            "409" => return Ok(true),
            // Not a member, for now.
            "102" | "103" | "404" | "403" => return Ok(false),
            _ if is_final || began.elapsed() > 4 * DEADLINE => return Err(format!("{who} has read {seq}: {said}")),
            _ => breathe().await,
        }
    }
}

/// Somebody reads, again and again, as long as something goes on.
pub async fn read(
    mut dice: Dice,
    people: &BTreeMap<String, Person>,
    (room, instances): (&str, &[SocketAddr]),
    head: impl Fn() -> Option<u64>,
) -> Result<Reads, String> {
    let mut reads = Reads::new();
    while let Some(head) = head() {
        let who = dice.of(&PEOPLE);
        let seq = 1 + dice.below(head);
        let n = dice.below(instances.len() as u64) as usize;
        let way = if dice.one_in(2) { Way::Socket } else { Way::Rest(n) };
        let said = reads.entry(who.to_owned()).or_default();
        said.tried.push(seq);
        if says(who, seq, way, room, &people[who], instances).await? {
            said.acknowledged = said.acknowledged.max(seq);
        }
    }
    Ok(reads)
}

/// These say at once how far they have read: it is known what comes of it.
pub async fn together(
    model: &mut Model,
    those: &[&str],
    people: &BTreeMap<String, Person>,
    instances: &[SocketAddr],
    (reads, dice): (&mut Reads, &mut Dice),
) -> Result<(), String> {
    let (room, head) = (model.room.clone(), model.head());
    let mut say = |who: &str| {
        let seq = 1 + dice.below(head);
        let n = dice.below(instances.len() as u64) as usize;
        (who.to_owned(), seq, if dice.one_in(2) { Way::Socket } else { Way::Rest(n) })
    };
    let all: Vec<_> = those.iter().map(|who| say(who)).collect();
    let says = all.iter().map(|(who, seq, way)| says(who, *seq, *way, &room, &people[who], instances));
    let there = futures_util::future::join_all(says).await;
    for ((who, seq, way), is_there) in all.iter().zip(there) {
        let one = model.people.entry(who.clone()).or_default();
        if is_there? != one.standing.is_member() {
            return Err(format!("{who} has read {seq} over {way:?}, and is {:?}", one.standing));
        }
        let said = reads.entry(who.clone()).or_default();
        said.tried.push(*seq);
        if one.standing.is_member() {
            one.read = one.read.max(*seq);
            said.acknowledged = said.acknowledged.max(*seq);
        }
    }
    Ok(())
}

/// Puts together what several have said.
pub fn merge(all: &mut Reads, more: Reads) {
    for (who, said) in more {
        let one = all.entry(who).or_default();
        one.tried.extend(said.tried);
        one.acknowledged = one.acknowledged.max(said.acknowledged);
    }
}

/// Where the marks of those who are members now are: at what somebody has said, and not before what was acknowledged.
pub async fn learn(model: &mut Model, reads: &Reads, instances: &[SocketAddr]) -> Result<(), String> {
    let bearer = format!("Bearer {API_KEY}");
    for who in PEOPLE {
        if !model.somebody(who).standing.is_member() {
            continue;
        }
        let path = format!("/v1/users/{who}/rooms?limit=1000&unread=true");
        let answer = http::ask(instances[0], "GET", &path, &[("authorization", &*bearer)], "").await;
        let answer: Value = answer.map_err(|error| error.to_string())?.json();
        let mut rooms = answer["rooms"].as_array().into_iter().flatten();
        let room = rooms.find(|room| room["id"] == model.room).cloned().unwrap_or_default();
        let read = room["read"].as_u64().ok_or_else(|| format!("{who} has no mark in {room}"))?;
        let said = reads.get(who).cloned().unwrap_or_default();
        if read < said.acknowledged || (read > 0 && !said.tried.contains(&read)) {
            return Err(format!("the mark of {who} is at {read}; they have said {said:?}"));
        }
        let before = std::mem::replace(&mut model.people.entry(who.into()).or_default().read, read);
        if before > read {
            return Err(format!("the mark of {who} was at {before}, and is at {read}"));
        }
    }
    Ok(())
}
