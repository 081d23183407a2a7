//! A log entry on the wire: `{"type":"message","id":…,"room":…,"seq":…,"from":…,"at":…,"key":…,"text":…}`.

use crate::{
    log::entry::{Entry, Message, Text, Timestamp, What},
    model::{
        access::Role,
        ids::{Key, RoomId, UserId},
        json::Json,
        seq::Seq,
    },
    portal::session::SessionState,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Serialize, Deserialize)]
struct WireEntry<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    id: uuid::Uuid,
    #[serde(borrow)]
    room: Cow<'a, str>,
    seq: u64,
    #[serde(borrow)]
    from: Cow<'a, str>,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
}

/// The entry as JSON.
pub fn encode(entry: &Entry) -> String {
    let at = entry.at.to_string();
    let mut wire = WireEntry {
        kind: entry.what.word().into(),
        id: entry.id,
        room: entry.room.as_str().into(),
        seq: entry.seq.get(),
        from: entry.from.as_str().into(),
        at: at.as_str().into(),
        key: entry.key.as_str().into(),
        text: None,
        data: None,
        reply_to: None,
        user: None,
        role: None,
        name: None,
    };
    match &entry.what {
        What::Message(message) => {
            wire.text = Some(message.text.as_str().into());
            wire.data = message.data.as_ref().map(Json::to_raw);
            wire.reply_to = message.reply_to.map(Seq::get);
        }
        What::Joined { user, role } => {
            wire.user = Some(user.as_str().into());
            wire.role = Some(role.word().into());
        }
        What::Left { user } | What::Banned { user } => wire.user = Some(user.as_str().into()),
        What::Renamed { name } => wire.name = Some(name.as_str().into()),
        What::State(_) => {}
    }
    super::to_json(&wire)
}

/// Reads an entry that another instance encoded. `None`: not one of ours, or of a newer version.
pub fn decode(json: &str) -> Option<Entry> {
    let wire: WireEntry<'_> = serde_json::from_str(json).ok()?;
    let user = || wire.user.as_deref().and_then(|u| UserId::parse(u).ok());
    let what = match &*wire.kind {
        "message" => What::Message(Message {
            text: Text::trusted(wire.text.as_deref()?.to_owned()),
            data: wire.data.as_ref().map(|raw| Json::trusted(raw.get().to_owned())),
            reply_to: wire.reply_to.map(Seq::new),
        }),
        "joined" => What::Joined { user: user()?, role: Role::parse(wire.role.as_deref()?).ok()? },
        "left" => What::Left { user: user()? },
        "banned" => What::Banned { user: user()? },
        "renamed" => What::Renamed { name: wire.name.as_deref()?.to_owned() },
        "opened" => What::State(SessionState::Open),
        "waiting" => What::State(SessionState::Waiting),
        "closed" => What::State(SessionState::Closed),
        _ => return None,
    };
    Some(Entry {
        room: RoomId::parse(&wire.room).ok()?,
        seq: Seq::new(wire.seq),
        id: wire.id,
        from: UserId::parse(&wire.from).ok()?,
        at: Timestamp::parse(&wire.at)?,
        key: Key::parse(&wire.key).ok()?,
        what,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_entry_survives_the_wire() {
        let ben = UserId::parse("ben \"x\"").unwrap();
        let whats = [
            What::Message(Message {
                text: Text::parse("line\nline \u{1f642}").unwrap(),
                data: Some(Json::trusted(r#"{"n":1.50}"#.into())),
                reply_to: Some(Seq::new(41)),
            }),
            What::Joined { user: ben.clone(), role: Role::Admin },
            What::Left { user: ben.clone() },
            What::Banned { user: ben },
            What::Renamed { name: "Kitchen".into() },
            What::State(SessionState::Open),
            What::State(SessionState::Waiting),
            What::State(SessionState::Closed),
        ];
        for what in whats {
            let entry = Entry {
                room: RoomId::parse("general").unwrap(),
                seq: Seq::new(42),
                id: uuid::Uuid::from_u128(7),
                from: UserId::parse("ana").unwrap(),
                at: Timestamp(1_769_851_800_123),
                key: Key::parse("k").unwrap(),
                what,
            };
            let json = encode(&entry);
            assert!(!json.contains('\n'), "a line feed would end the frame");
            assert_eq!(decode(&json), Some(entry), "{json}");
        }
    }
}
