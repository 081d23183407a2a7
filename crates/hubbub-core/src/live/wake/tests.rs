use super::*;
use crate::{
    live::receipt::Became,
    log::{
        effects::{HintKind, ListKind},
        entry::Entry,
        hash::HashKey,
        kinds::{Joined, Left, Message, Text},
    },
    model::{access::Role, ids::Key, json::Json, time::Timestamp},
};

const EPOCH_9: Epoch = Epoch { incarnation: 9, generation: 1 };

fn ana() -> UserId {
    UserId::parse("ana \"a\"").unwrap()
}

fn entry(what: What) -> EncodedEntry {
    EncodedEntry::new(&Entry {
        room: RoomId::parse("general").unwrap(),
        seq: Seq::new(3),
        id: uuid::Uuid::from_u128(1),
        from: ana(),
        at: Timestamp(5),
        key: Key::parse("k").unwrap(),
        what,
    })
}

fn says(text: &str) -> What {
    let data = Some(Json::trusted(r#"{"a":1,"entry":{"b":2}}"#.into()));
    What::Message(Message::new(Text::parse(text).unwrap(), data, None))
}

fn decode(line: String) -> Option<Wake> {
    Wake::decode(&line.into())
}

#[test]
fn every_wake_survives_the_bus() {
    let (room, user) = (RoomId::parse("general").unwrap(), ana());
    let epoch = EPOCH_9;
    let stream = StreamId::new(uuid::Uuid::from_u128(9));
    let wants = WantsReceipt { from: uuid::Uuid::from_u128(1), owner: uuid::Uuid::from_u128(2) };
    for wake in [
        Wake::Entry { epoch, entry: entry(What::Left(Left { user: user.clone() })) },
        Wake::Entry { epoch, entry: entry(says(r#"","entry":"#)) },
        Wake::Head { room: room.clone(), epoch, seq: Seq::new(3) },
        Wake::Notify { user: user.clone(), event: r#"{"a":1,"entry":2}"#.into() },
        Wake::Forwarding {
            customer: user.clone(),
            forwarding: Forwarding { room, seq: Seq::new(3), way: Way::Delayed },
        },
        Wake::Disconnect { user: user.clone(), farewell: Farewell::default() },
        Wake::Disconnect { user: user.clone(), farewell: Farewell::new(false, Some("a \"reason\"".into())).unwrap() },
        Wake::Disconnect { user: user.clone(), farewell: Farewell::new(true, None).unwrap() },
        Wake::Disconnect { user, farewell: Farewell::new(true, Some("other rights".into())).unwrap() },
        Wake::Revoked(7),
        Wake::Spent(Fingerprint::of("a token", &HashKey([7; 32]))),
        Wake::Commands(PassedOn { stream, nonce: u64::MAX, frame: "\0{}\n".into(), receipt: None }),
        Wake::Commands(PassedOn { stream, nonce: 0, frame: "{}".into(), receipt: Some(wants) }),
        Wake::Receipt(Receipt { to: wants.from, nonce: u64::MAX, became: Became::Gone }),
        Wake::EndStream(stream),
    ] {
        let line = wake.encode();
        assert!(!line.contains('\n'), "{line}");
        assert_eq!(decode(line), Some(wake));
    }
    // A version that knows no farewell closes for good what has `user` alone: whoever is to come back is not named so.
    let back = Wake::Disconnect { user: ana(), farewell: Farewell { reconnect: true, reason: None } };
    assert!(!back.encode().contains("\"user\""));
    assert_eq!(decode("{".into()), None);
    assert_eq!(decode(r#"{"later":"version"}"#.into()), None);
}

#[test]
fn a_wake_of_the_first_version_says_the_same() {
    let joined = entry(What::Joined(Joined { user: ana(), role: Role::Member }));
    for entry in [entry(says("hi")), entry(What::Left(Left { user: ana() })), joined] {
        let json = str::from_utf8(&entry.json).unwrap();
        let old = format!(r#"{{"epoch":"{EPOCH_9}","entry":{json}}}"#);
        assert_eq!(decode(old), Some(Wake::Entry { epoch: EPOCH_9, entry }));
    }
}

#[test]
fn a_kind_of_a_newer_version_is_carried_with_its_effects_and_its_body_is_not_read() {
    let line = r#"{"epoch":"00000009.1","room":"general","seq":7,"effects":{"removes":"ben","blanks":[3],"lists":["pins"],"hint":{"user":"ben","type":"removed"},"later":1},"entry":{"type":"expelled","whatever":}}"#;
    let Some(Wake::Entry { entry, .. }) = decode(line.into()) else { panic!("not read") };
    assert_eq!(&entry.json[..], br#"{"type":"expelled","whatever":}"#);
    assert_eq!(entry.effects.removed(), UserId::parse("ben").ok().as_ref());
    assert_eq!((entry.effects.blanked(), entry.effects.changed()), (&[Seq::new(3)][..], &[ListKind::Pins][..]));
    assert_eq!(entry.effects.hint().map(|hint| hint.kind), Some(HintKind::Removed));
}
