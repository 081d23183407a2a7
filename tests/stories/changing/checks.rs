//! What everybody has and is shown at the end is what the model has.

use super::{
    folded,
    model::{BACKEND, Model},
    ops::Way,
    reader::Reader,
    rights::Why,
    views::{Look, compared, without_samples},
    wishes::{Dice, PEOPLE},
};
use crate::{cluster::API_KEY, http, person::Person};
use hubbub_core::log::fold::PageKind;
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::SocketAddr};

/// Lines of differences that are told.
const TOLD: usize = 9;

/// Two things that should be equal: which entries differ.
fn differs(what: &str, found: &Value, expected: &Value) -> String {
    let entries = |of: &Value| of["entries"].as_array().or_else(|| of.as_array()).cloned().unwrap_or_default();
    let (left, right) = (entries(found), entries(expected));
    let seq = |entry: &Value| entry["seq"].clone();
    let mut told = format!("{what} differs:\n");
    for entry in left.iter().filter(|entry| !right.contains(entry)) {
        let wanted = right.iter().find(|other| seq(other) == seq(entry)).cloned().unwrap_or_default();
        told.push_str(&format!("  is       {entry}\n  expected {wanted}\n"));
    }
    for entry in right.iter().filter(|entry| !left.iter().any(|other| seq(other) == seq(entry))) {
        told.push_str(&format!("  missing  {entry}\n"));
    }
    let many = told.lines().count();
    if many > TOLD {
        told = told.lines().take(TOLD).map(|line| format!("{line}\n")).collect();
        told.push_str(&format!("  … {} more\n", many - TOLD));
    }
    if many == 1 {
        told.push_str(&format!("  is       {found}\n  expected {expected}\n"));
    }
    told
}

impl Look {
    fn call(&self, room: &str) -> (&'static str, Value) {
        let placed = |mut data: Value, at: &Option<(&'static str, u64)>, limit: &u64| {
            data["limit"] = json!(limit);
            if let Some((name, seq)) = at {
                data[*name] = json!(seq);
            }
            data
        };
        let data = json!({ "room": room });
        match self {
            Self::Messages { at, limit } => ("messages", placed(data, at, limit)),
            Self::Thread { root, at, limit } => ("thread", placed(json!({ "room": room, "root": root }), at, limit)),
            Self::Pins => ("pins", data),
            Self::Message(seq) => ("message", json!({ "room": room, "seq": seq })),
            Self::Reactions { target, reaction: None } => ("reactions", json!({ "room": room, "target": target })),
            Self::Reactions { target, reaction } => {
                ("reactions", json!({ "room": room, "target": target, "reaction": reaction }))
            }
            Self::Rooms => ("rooms", json!({ "limit": 1_000, "unread": true })),
            Self::Unread => ("unread", json!({})),
            Self::Members => ("members", data),
            Self::History { at, limit } => ("history", placed(data, at, limit)),
        }
    }

    fn path(&self, room: &str, who: &str) -> String {
        let by = if who == BACKEND { String::new() } else { format!("by={who}&") };
        let placed = |at: &Option<(&'static str, u64)>, limit: &u64| {
            format!("{by}limit={limit}{}", at.map_or(String::new(), |(name, seq)| format!("&{name}={seq}")))
        };
        let rest = match self {
            Self::Messages { at, limit } => format!("messages?{}", placed(at, limit)),
            Self::Thread { root, at, limit } => format!("messages/{root}/thread?{}", placed(at, limit)),
            Self::Pins => format!("pins?{by}"),
            Self::Message(seq) => format!("messages/{seq}?{by}"),
            Self::Reactions { target, reaction } => {
                let word =
                    reaction.iter().map(|word| word.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>());
                let word: String = word.map(|word| format!("&reaction={word}")).collect();
                format!("messages/{target}/reactions?{by}limit=1000{word}")
            }
            Self::Rooms => return format!("/v1/users/{who}/rooms?limit=1000&unread=true"),
            Self::Unread => return format!("/v1/users/{who}/unread"),
            Self::Members => format!("members?{by}"),
            Self::History { at, limit } => format!("history?{}", placed(at, limit)),
        };
        format!("/v1/rooms/{room}/{rest}")
    }

    /// Whether this is there for somebody over this way.
    fn is_for(&self, who: &str, way: Way) -> bool {
        match self {
            Self::Rooms | Self::Unread => who != BACKEND,
            // Over REST it is the backend's.
            Self::Members => who == BACKEND || way == Way::Socket,
            // A command of its own, and no method.
            Self::History { at, .. } => way != Way::Socket || at.is_none(),
            _ => true,
        }
    }
}

/// Reads something; `Err`: the code and what was said.
pub async fn read(
    look: &Look,
    room: &str,
    who: &str,
    way: Way,
    person: Option<&Person>,
    instances: &[SocketAddr],
) -> Result<Value, (String, String)> {
    let Way::Rest(n) = way else {
        let (method, data) = look.call(room);
        let mut command = json!({ "rpc": { "method": method, "data": data } });
        if let Look::History { .. } = look {
            command = json!({ "history": { "channel": format!("room:{room}"), "limit": -1 } });
        }
        let answer = person.expect("somebody").asks(command).await.unwrap_or_default();
        if answer["rpc"].is_object() {
            return Ok(answer["rpc"]["data"].clone());
        }
        if let Some(publications) = answer["history"]["publications"].as_array() {
            let entries: Vec<&Value> = publications.iter().map(|publication| &publication["data"]).collect();
            return Ok(json!({ "entries": entries, "head": answer["history"]["offset"] }));
        }
        if answer["history"].is_object() {
            return Ok(json!({ "entries": [], "head": answer["history"]["offset"] }));
        }
        let error = &answer["error"];
        return Err((error["code"].to_string(), error["message"].as_str().unwrap_or_default().into()));
    };
    let bearer = format!("Bearer {API_KEY}");
    let headers = [("authorization", &*bearer)];
    match http::ask(instances[n], "GET", &look.path(room, who), &headers, "").await {
        Ok(answer) if answer.status == 200 => Ok(answer.json()),
        Ok(answer) => {
            let text = |name: &str| answer.json()[name].as_str().unwrap_or_default().to_owned();
            Err((text("code"), text("detail")))
        }
        Err(error) => Err((String::new(), error.to_string())),
    }
}

/// What is looked at at the end of a round: all there is, and random parts.
fn looks(model: &Model, dice: &mut Dice) -> Vec<Look> {
    let head = model.head();
    let any = |dice: &mut Dice| dice.below(head + 3);
    let limit = |dice: &mut Dice| 1 + dice.below(30);
    let place = |dice: &mut Dice| Some((dice.of(&["before", "after", "around"]), any(dice)));
    let mut looks = vec![
        Look::Messages { at: None, limit: 1_000 },
        Look::Messages { at: None, limit: limit(dice) },
        Look::Pins,
        Look::Rooms,
        Look::Unread,
        Look::Members,
        Look::History { at: None, limit: 1_000 },
        Look::History { at: place(dice), limit: limit(dice) },
    ];
    for _ in 0..4 {
        looks.push(Look::Messages { at: place(dice), limit: limit(dice) });
    }
    let roots: Vec<u64> = model.messages.values().filter_map(|message| message.thread).collect();
    for root in roots.iter().copied().collect::<std::collections::BTreeSet<_>>() {
        looks.push(Look::Thread { root, at: None, limit: 1_000 });
    }
    if !roots.is_empty() {
        looks.push(Look::Thread { root: dice.of(&roots), at: place(dice), limit: 1 + dice.below(3) });
    }
    let messages: Vec<u64> = model.messages.keys().copied().collect();
    for _ in 0..5 {
        let seq = if messages.is_empty() || dice.one_in(4) { any(dice) } else { dice.of(&messages) };
        looks.push(Look::Thread { root: seq, at: None, limit: 1_000 });
        looks.push(Look::Message(seq));
        looks.push(Look::Reactions { target: seq, reaction: None });
    }
    let reacted: Vec<_> = model.reactions.keys().cloned().collect();
    for _ in 0..if reacted.is_empty() { 0 } else { 3 } {
        let (target, word, _) = dice.of(&reacted);
        looks.push(Look::Reactions { target, reaction: None });
        looks.push(Look::Reactions { target, reaction: Some(word) });
    }
    looks
}

/// Compares one answer.
pub fn judge(
    look: &Look,
    who: &str,
    way: Way,
    found: Result<Value, (String, String)>,
    model: &Model,
) -> Result<(), String> {
    let what = format!("{look:?} of {who} over {way:?}");
    let mut expected = model.sees(who, look);
    let mut found = match (found, &expected) {
        (Ok(found), Ok(_)) => found,
        (Err((code, message)), Err(why)) if why.is(way, &code, &message) => return Ok(()),
        (found, expected) => return Err(format!("{what} is {found:?}, expected {expected:?}")),
    };
    match look {
        Look::Rooms | Look::Unread => {
            let name = if *look == Look::Rooms { "id" } else { "room" };
            let mut rooms = found["rooms"].as_array().into_iter().flatten();
            found = rooms.find(|room| room[name] == model.room).cloned().unwrap_or_default();
        }
        Look::History { .. } if way == Way::Socket => {
            expected = expected.map(|page| json!({ "entries": page["entries"], "head": page["head"] }));
        }
        _ => {}
    }
    let (found, expected) =
        (compared(found, model).map_err(|why| format!("{what}: {why}"))?, expected.expect("just looked"));
    if found == expected { Ok(()) } else { Err(differs(&what, &found, &expected)) }
}

/// Every page of every method, for everybody, over sockets and REST.
pub async fn pages(
    model: &Model,
    people: &BTreeMap<String, Person>,
    instances: &[SocketAddr],
    dice: &mut Dice,
) -> Result<usize, String> {
    let mut answers = 0;
    for who in PEOPLE.into_iter().chain([BACKEND]) {
        for look in looks(model, dice) {
            let rest = Way::Rest(dice.below(instances.len() as u64) as usize);
            let ways = if who == BACKEND { vec![rest] } else { vec![Way::Socket, rest] };
            for way in ways.into_iter().filter(|way| look.is_for(who, *way)) {
                let found = read(&look, &model.room, who, way, people.get(who), instances).await;
                judge(&look, who, way, found, model)?;
                answers += 1;
            }
        }
    }
    Ok(answers)
}

/// Every client has come to the end and has folded the same; who may not read the room follows it no more.
pub async fn folds(model: &Model, readers: &[Reader]) -> Result<usize, String> {
    let mut folds = 0;
    for reader in readers {
        match model.may_read(&reader.name) {
            Ok(()) => {
                let head = model.head();
                let is_there = |kept: &super::reader::Kept| kept.live && kept.position == head && kept.page.is_some();
                reader.waits(&format!("the end of the log, {head}"), is_there).await?;
            }
            Err(why) => {
                let code = if why == Why::Banned { 103 } else { 102 };
                reader.waits("a refusal", |kept| !kept.live && kept.refused == Some(code)).await?;
                continue;
            }
        }
        let kept = reader.kept.lock().expect("no panic");
        if let Some(fault) = kept.faults.first() {
            return Err(format!("{}: {fault}", reader.name));
        }
        for (page, first) in kept.page.iter().chain(&kept.threads) {
            let first = *first.max(&model.floor(&reader.name));
            let (what, look) = match page.kind {
                PageKind::Room => ("the room", Look::Messages { at: None, limit: 1_000 }),
                PageKind::Thread(root) => ("a thread", Look::Thread { root: root.get(), at: None, limit: 1_000 }),
            };
            let shown = model.sees(&reader.name, &look).map_err(|why| format!("{look:?}: {why:?}"))?;
            let expected: Vec<Value> = shown["entries"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|entry| entry["seq"].as_u64() >= Some(first))
                .cloned()
                .collect();
            let mut found = folded::shows(page, first);
            for entry in &mut found {
                without_samples(entry, model)?;
            }
            if found != expected {
                let what = format!("what {} folded of {what} (as of {}) from {first} on", reader.name, page.as_of);
                return Err(differs(&what, &found.into(), &expected.into()));
            }
            folds += 1;
        }
    }
    Ok(folds)
}
