//! What comes in may be anything. What goes out is read back with the same messages here, and by the SDKs in the stories.

use super::{messages as wire, *};
use crate::{
    limits,
    log::{
        encoded::EncodedEntry,
        entry::Entry,
        kinds::{Text, What},
    },
    model::{
        ids::{Key, RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
    wire::{
        Format,
        command::Commands,
        push::{self, Hint},
        rpc::SomeMethods,
    },
};

fn frame(commands: &[wire::Command]) -> Vec<u8> {
    commands.iter().flat_map(Message::encode_length_delimited_to_vec).collect()
}

fn commands(frame: &[u8]) -> Vec<Result<Command, Disconnect>> {
    let mut commands = Commands::new(Bytes::copy_from_slice(frame), Format::Protobuf);
    std::iter::from_fn(|| commands.next(&SomeMethods)).collect()
}

fn only(command: &wire::Command) -> Command {
    let mut read = commands(&frame(std::slice::from_ref(command)));
    assert_eq!(read.len(), 1);
    read.remove(0).unwrap()
}

fn rpc(id: u32, method: &str, data: &'static [u8]) -> wire::Command {
    let rpc = wire::RpcRequest { method: method.into(), data: Bytes::from_static(data) };
    wire::Command { id, rpc: Some(rpc), ..Default::default() }
}

fn subscribe(id: u32, channel: &str) -> wire::Command {
    let subscribe = wire::SubscribeRequest {
        channel: channel.into(),
        recover: true,
        epoch: "e".into(),
        offset: 7,
        join_leave: true,
        flag: 3,
        ..Default::default()
    };
    wire::Command { id, subscribe: Some(subscribe), ..Default::default() }
}

fn connect(id: u32) -> wire::Command {
    wire::Command {
        id,
        connect: Some(wire::ConnectRequest { token: "t".into(), ..Default::default() }),
        ..Default::default()
    }
}

fn entry(text: &str) -> Entry {
    Entry {
        room: RoomId::parse("general").unwrap(),
        seq: Seq::new(42),
        id: uuid::Uuid::from_u128(7),
        from: UserId::parse("ana").unwrap(),
        at: Timestamp(1_769_851_800_123),
        key: Key::parse("k").unwrap(),
        what: What::Message(crate::log::kinds::Message::new(Text::parse(text).unwrap(), None, None)),
    }
}

fn read_back(bytes: &[u8]) -> wire::Reply {
    let mut rest = bytes;
    let reply = wire::Reply::decode_length_delimited(&mut rest).unwrap();
    assert!(rest.is_empty(), "one message after its length");
    reply
}

#[test]
fn one_frame_holds_many_commands_in_order() {
    let frame = frame(&[connect(1), subscribe(2, "room:r"), wire::Command::default()]);
    let commands: Vec<_> = commands(&frame).into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(commands.iter().map(|c| c.id).collect::<Vec<_>>(), [1, 2, 0]);
    assert!(matches!(&commands[0].said, Ok(Said::Connect { token, .. }) if token == "t"));
    let Ok(Said::Subscribe(subscribe)) = &commands[1].said else { panic!("{commands:?}") };
    assert_eq!(
        subscribe.recover.as_ref().map(|position| (position.epoch.as_deref(), position.seq.get())),
        Some((Some("e"), 7))
    );
    assert!(subscribe.reject_unrecovered);
    assert!(matches!(commands[2].said, Ok(Said::Pong)));
}

#[test]
fn what_can_be_numbered_is_answered() {
    let with = |change: fn(&mut wire::Command)| {
        let mut command = wire::Command { id: 1, ..Default::default() };
        change(&mut command);
        command
    };
    for (command, answer) in [
        (with(|_| ()), "107 bad request: no command beside the id"),
        (
            with(|c| (c.ping, c.send) = (Some(wire::Empty {}), Some(wire::Empty {}))),
            "107 bad request: more than one command under one id",
        ),
        (rpc(1, "dance", b""), "104 method not found: dance"),
        (rpc(1, "send", b"{"), "107 bad request: data: not JSON: EOF while parsing an object at line 1 column 1"),
        (rpc(1, "send", b"\xff\xfe"), "107 bad request: data: not JSON: expected value at line 1 column 1"),
        (subscribe(1, "disco:1"), "102 unknown room"),
        (subscribe(1, ""), "107 bad request: channel: missing"),
        (
            with(|c| c.publish = Some(wire::PublishRequest { channel: "room:r".into(), data: Bytes::new() })),
            "107 bad request: data: missing",
        ),
        (
            with(|c| {
                c.history = Some(wire::HistoryRequest { channel: "room:r".into(), limit: 1001, ..Default::default() })
            }),
            "107 bad request: limit: 1001; it is 0 to 1000",
        ),
        (with(|c| c.ping = Some(wire::Empty {})), "108 not available"),
        (with(|c| c.sub_refresh = Some(wire::Empty {})), "108 not available"),
    ] {
        let error = only(&command).said.expect_err(answer);
        assert_eq!(format!("{} {}", error.code, error.message), answer);
    }
}

#[test]
fn the_data_of_a_call_is_handed_on_as_it_came() {
    let data = |json: &'static [u8]| match only(&rpc(1, "send", json)).said {
        Ok(Said::Rpc(call)) => call.data,
        other => panic!("{other:?}"),
    };
    assert_eq!(data(br#" {"text":"hi"} "#).as_str(), r#"{"text":"hi"}"#);
    assert_eq!((data(b"").as_str(), data(b"").read::<serde_json::Value>().unwrap()), ("", serde_json::json!({})));
    let error = data(b"[]").read::<serde_json::Value>().unwrap_err();
    assert_eq!((error.code, &*error.message), (107, "bad request: data: a JSON object is expected"));
}

#[test]
fn what_cannot_be_read_ends_the_connection() {
    let whole = frame(&[rpc(1, "rooms", b"{}")]);
    let bodies: &[(&str, Vec<u8>)] = &[
        ("a command cut short", whole[..whole.len() - 1].to_vec()),
        ("a length and nothing behind it", vec![9]),
        ("half a length", vec![0x80]),
        ("a length of eleven bytes", vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]),
        ("a length of 2^63", vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]),
        ("a length of 2^64 - 1", vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 0]),
        ("a field longer than its command", vec![3, 0x22, 0x7f, 0x0a]),
        ("an id of eleven bytes", [&[12, 0x08][..], &[0x80; 10], &[0x01]].concat()),
        ("a field of an unknown wire type", vec![2, 0x0f, 0x00]),
        ("field 0", vec![2, 0x00, 0x00]),
        ("text where a message is expected", vec![3, 0x20, 0x01, 0x00]),
        ("a token that is no UTF-8", vec![6, 0x22, 0x04, 0x0a, 0x02, 0xff, 0xfe]),
        ("JSON", br#"{"id":1,"connect":{"token":"t"}}"#.to_vec()),
        ("no id", frame(&[rpc(0, "rooms", b"{}")])),
        ("a group that never ends", [&[200, 1][..], &[0x93, 0x04].repeat(100)].concat()),
    ];
    for (what, body) in bodies {
        let read = commands(body);
        assert_eq!(read.last().expect(what).as_ref().expect_err(what).code, 3501, "{what}");
        assert_eq!(read.len(), 1, "{what}: nothing is read behind it");
    }
}

#[test]
fn what_later_versions_say_is_skipped() {
    // Fields 99 of every wire type within a command, and a deep message in a field that is not known.
    let mut deep = Vec::new();
    for _ in 0..500 {
        let mut outer = vec![0x32];
        prost::encoding::encode_varint(deep.len() as u64, &mut outer);
        outer.append(&mut deep);
        deep = outer;
    }
    let mut body = rpc(1, "rooms", b"{}").encode_to_vec();
    body.extend([0x98, 0x06, 0x01]);
    body.extend([&[0x99, 0x06][..], &[1; 8], &[0x9d, 0x06], &[1; 4]].concat());
    body.extend([0x9a, 0x06]);
    prost::encoding::encode_varint(deep.len() as u64, &mut body);
    body.append(&mut deep);
    let mut frame = Vec::new();
    prost::encoding::encode_varint(body.len() as u64, &mut frame);
    frame.append(&mut body);
    assert!(matches!(commands(&frame)[0].as_ref().unwrap().said, Ok(Said::Rpc(_))));
}

#[test]
fn whatever_comes_is_a_command_or_an_end_and_costs_no_more_than_its_bytes() {
    // A generator with a seed, so that what fails fails again.
    let mut state = 20_261_122_u64;
    let mut dice = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let valid = frame(&[
        connect(1),
        subscribe(2, "room:general"),
        rpc(3, "send", br#"{"room":"general","text":"hi"}"#),
        wire::Command::default(),
    ]);
    for round in 0..200_000 {
        let mut bytes = valid.clone();
        match round % 4 {
            0 => bytes = (0..dice(64)).map(|_| dice(256) as u8).collect(),
            1 => {
                for _ in 0..=dice(4) {
                    let at = dice(bytes.len());
                    bytes[at] = dice(256) as u8;
                }
            }
            2 => bytes.truncate(dice(bytes.len())),
            _ => {
                let at = dice(bytes.len());
                bytes.splice(at..at, [0xff; 9]);
            }
        }
        let read = commands(&bytes);
        assert!(read.len() <= bytes.len(), "{bytes:?}");
        let ends = read.iter().filter(|command| command.is_err()).count();
        assert!(ends <= 1 && (ends == 0 || read.last().unwrap().is_err()), "{bytes:?}");
        for command in read.into_iter().flatten() {
            if let Ok(Said::Connect { token, .. } | Said::Refresh { token }) = command.said {
                assert!(token.len() <= bytes.len() && token.capacity() <= limits::FRAME_BYTES);
            }
        }
    }
}

#[test]
fn a_publication_is_the_same_in_both_formats() {
    for text in ["hi", "line\nline \u{1f642} \"quoted\"", &"x".repeat(8_000)] {
        let item = push::item(&EncodedEntry::new(&entry(text)));
        let json: serde_json::Value = serde_json::from_slice(push::of_item(&item, Format::Json)).unwrap();
        let push = read_back(push::of_item(&item, Format::Protobuf)).push.unwrap();
        let publication = push.publication.unwrap();
        assert_eq!(push.channel, json["push"]["channel"]);
        assert_eq!(publication.offset, json["push"]["pub"]["offset"]);
        let data: serde_json::Value = serde_json::from_slice(&publication.data).unwrap();
        assert_eq!(data, json["push"]["pub"]["data"]);
        assert_eq!(data["text"], text);
    }
    let user = UserId::parse("ana \"a\"").unwrap();
    let hint = push::hint(&user, &Hint::Event(r#"{"badge":3}"#));
    let push = read_back(push::of_hint(&hint, Format::Protobuf)).push.unwrap();
    let publication = push.publication.unwrap();
    assert_eq!((push.channel.as_str(), publication.offset), ("user:ana \"a\"", 0));
    assert_eq!(publication.data, r#"{"type":"event","event":{"badge":3}}"#);
}

#[test]
fn an_entry_is_encoded_once_for_all_who_read_protobuf() {
    let item = push::item(&EncodedEntry::new(&entry("hi")));
    let (one, other) = (push::of_item(&item, Format::Protobuf), push::of_item(&item, Format::Protobuf));
    assert_eq!(one.as_ptr(), other.as_ptr());
}

#[test]
fn replies_carry_their_id_and_what_is_zero_is_left_out() {
    let answers = Publications(vec![push::item(&EncodedEntry::new(&entry("hi")))]);
    let page = HistoryPage { publications: answers, offset: 57, epoch: "e".into() };
    let reply = read_back(&Reply::ok(5, Answer::History(page)).encode(Format::Protobuf));
    let history = reply.history.unwrap();
    assert_eq!((reply.id, history.offset, history.publications[0].offset), (5, 57, 42));

    let refused = read_back(&Reply::error(6, CommandError::BUSY).encode(Format::Protobuf));
    let error = refused.error.unwrap();
    assert_eq!((refused.id, error.code, error.temporary), (6, 429, true));

    let said = read_back(&Reply::ok(7, Answer::Rpc(r#"{"a":1}"#.into())).encode(Format::Protobuf));
    assert_eq!(said.rpc.unwrap().data, r#"{"a":1}"#);

    let ended = read_back(&push::disconnect(&Disconnect::LOGGED_OUT, Format::Protobuf)).push.unwrap();
    assert_eq!(ended.disconnect.unwrap().code, 3503);
    assert_eq!(read_back(&push::ping(Format::Protobuf)), wire::Reply::default());
    assert_eq!(Reply::ok(3, Answer::Publish).encode(Format::Protobuf), &b"\x04\x08\x03\x42\x00"[..]);
}
