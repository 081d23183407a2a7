//! Who follows a room, between instances: one question and its answer as JSON.

use crate::{
    limits,
    live::presence::{Here, PresencePart, Present, Who},
    model::{
        ids::{RoomId, UserId},
        json::{Json, to_json},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{borrow::Cow, sync::Arc};
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct WireWho<'a> {
    ask: Uuid,
    from: Uuid,
    #[serde(borrow)]
    rooms: Vec<Cow<'a, str>>,
    #[serde(default)]
    listed: bool,
}

#[derive(Serialize, Deserialize)]
struct WireHere<'a> {
    ask: Uuid,
    from: Uuid,
    #[serde(borrow)]
    parts: Vec<WirePart<'a>>,
    #[serde(default)]
    more: bool,
}

#[derive(Serialize, Deserialize)]
struct WirePart<'a> {
    #[serde(borrow)]
    room: Cow<'a, str>,
    clients: usize,
    users: usize,
    /// A UUID only in how it is written: 128 bits.
    digest: Uuid,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    list: Option<Vec<WirePresent<'a>>>,
}

#[derive(Serialize, Deserialize)]
struct WirePresent<'a> {
    client: Uuid,
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    info: Option<Cow<'a, RawValue>>,
}

/// A question.
pub fn encode_who(who: &Who) -> String {
    let rooms = who.rooms.iter().map(|room| room.as_str().into()).collect();
    to_json(&WireWho { ask: who.ask, from: who.from, rooms, listed: who.listed })
}

/// The same, read. `None`: not one of ours.
pub fn decode_who(text: &str) -> Option<Who> {
    let wire: WireWho<'_> = serde_json::from_str(text).ok()?;
    let rooms = wire.rooms.iter().take(limits::PRESENCE_ROOMS).map(|room| RoomId::parse(room).ok());
    Some(Who { ask: wire.ask, from: wire.from, rooms: rooms.collect::<Option<_>>()?, listed: wire.listed })
}

/// A piece of an answer.
pub fn encode_here(here: &Here) -> String {
    let name = |present: &'_ Arc<Present>| WirePresent {
        client: present.client,
        user: present.user.as_str().to_owned().into(),
        info: present.info.as_ref().map(|info| Cow::Owned(info.to_raw())),
    };
    let part = |(room, part): &(RoomId, PresencePart)| WirePart {
        room: room.as_str().to_owned().into(),
        clients: part.clients,
        users: part.users,
        digest: Uuid::from_u128(part.digest),
        list: part.list.as_ref().map(|list| list.iter().map(name).collect()),
    };
    let parts = here.parts.iter().map(part).collect();
    to_json(&WireHere { ask: here.ask, from: here.from, parts, more: here.more })
}

/// The same, read. `None`: not one of ours.
pub fn decode_here(text: &str) -> Option<Here> {
    let wire: WireHere<'_> = serde_json::from_str(text).ok()?;
    let name = |wire: WirePresent<'_>| {
        let info = wire.info.and_then(|raw| Json::parse("info", &raw, limits::USER_INFO_BYTES).ok());
        Some(Arc::new(Present { client: wire.client, user: UserId::parse(&wire.user).ok()?, info, revision: 0 }))
    };
    let part = |wire: WirePart<'_>| {
        let list = wire.list.map(|list| list.into_iter().take(limits::PRESENT_MAX).filter_map(name).collect());
        let part = PresencePart { clients: wire.clients, users: wire.users, digest: wire.digest.as_u128(), list };
        Some((RoomId::parse(&wire.room).ok()?, part))
    };
    let parts = wire.parts.into_iter().map(part).collect::<Option<_>>()?;
    Some(Here { ask: wire.ask, from: wire.from, parts, more: wire.more })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::wake::Wake;

    #[test]
    fn questions_and_answers_survive_the_bus() {
        let (ask, from) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let room = RoomId::parse("general").unwrap();
        let ana = Present {
            client: Uuid::from_u128(3),
            user: UserId::parse("ana \"a\"").unwrap(),
            info: Some(Json::trusted(r#"{"name":"Ana","n":1.50}"#.into())),
            revision: 0,
        };
        let ben = Present { client: Uuid::from_u128(4), user: UserId::parse("ben").unwrap(), info: None, revision: 0 };
        let part = PresencePart::of(&[Arc::new(ana), Arc::new(ben)], true);
        for wake in [
            Wake::Who(Who { ask, from, rooms: vec![room.clone()], listed: true }),
            Wake::Here(Here { ask, from, parts: vec![(room.clone(), part)], more: true }),
            Wake::Here(Here {
                ask,
                from,
                parts: vec![(room, PresencePart { clients: 9, users: 8, digest: 7, list: None })],
                more: false,
            }),
        ] {
            let line = wake.encode();
            assert!(!line.contains('\n'));
            assert_eq!(Wake::decode(&line.clone().into()), Some(wake), "{line}");
        }
    }
}
