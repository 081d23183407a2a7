//! Commands of a stream that come in a request of their own: `{"session":…,"node":…,"data":"…"}`.

use super::{Format, protobuf};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Such a request, read.
#[derive(Debug, PartialEq, Eq)]
pub struct Emulated {
    /// The stream, as `connect` was answered.
    pub session: String,
    /// The life of the instance that answered it.
    pub node: String,
    /// A frame of commands.
    pub frame: Bytes,
}

#[derive(Deserialize)]
struct WireEmulated<'a> {
    #[serde(borrow)]
    session: Cow<'a, str>,
    #[serde(borrow)]
    node: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Emulated {
    /// Reads the body of such a request. `None`: it is none.
    pub fn parse(body: Bytes, format: Format) -> Option<Self> {
        match format {
            Format::Json => Self::from_json(&body),
            Format::Protobuf => protobuf::emulated(body),
        }
    }

    /// `data` is a string of commands, one per line, or one command as it is.
    fn from_json(body: &[u8]) -> Option<Self> {
        let wire: WireEmulated<'_> = serde_json::from_slice(body).ok()?;
        let data = wire.data.get();
        let frame = match data.as_bytes().first() {
            Some(b'"') => serde_json::from_str::<String>(data).ok()?.into(),
            Some(b'{') => Bytes::copy_from_slice(data.as_bytes()),
            _ => return None,
        };
        Some(Self { session: wire.session.into_owned(), node: wire.node.into_owned(), frame })
    }
}

/// The stream that the beginning of such a request names, as soon as it is there: so a request for none is refused before
/// the rest of it has come. `None`: not yet, or in a way that only the whole can be read in.
pub fn early_session(beginning: &[u8], format: Format) -> Option<String> {
    match format {
        Format::Json => early_in_json(beginning),
        Format::Protobuf => early_in_protobuf(beginning),
    }
}

fn early_in_json(text: &[u8]) -> Option<String> {
    let mut at = after_spaces(text, 0);
    if text.get(at) != Some(&b'{') {
        return None;
    }
    loop {
        let key = after_spaces(text, at + 1);
        let colon = after_spaces(text, end_of_value(text, key)?);
        let value = after_spaces(text, colon + 1);
        let end = end_of_value(text, value)?;
        if text.get(colon) != Some(&b':') {
            return None;
        }
        if text[key..].starts_with(b"\"session\"") {
            return serde_json::from_slice(&text[value..end]).ok();
        }
        at = after_spaces(text, end);
        if text.get(at) != Some(&b',') {
            return None;
        }
    }
}

fn after_spaces(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Where the value that begins here ends, if all of it is there.
fn end_of_value(text: &[u8], begin: usize) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.iter().enumerate().skip(begin) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => {
                in_text = !in_text;
                if !in_text && depth == 0 {
                    return Some(at + 1);
                }
            }
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b',' | b'}' | b']' | b':' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

fn early_in_protobuf(mut message: &[u8]) -> Option<String> {
    const SESSION: u64 = 2 << 3 | 2;
    loop {
        let tag = varint(&mut message)?;
        let length = varint(&mut message)?;
        match tag & 7 {
            0 => {}
            2 => {
                let (field, rest) = message.split_at_checked(usize::try_from(length).ok()?)?;
                if tag == SESSION {
                    return String::from_utf8(field.to_vec()).ok();
                }
                message = rest;
            }
            _ => return None,
        }
    }
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        limits,
        model::seq::{Epoch, Seq},
        wire::{
            command::{Command, Commands, Said},
            rpc::SomeMethods,
        },
    };

    /// What an SDK says when it comes back: every subscription again, with every option that Hubbub knows, all in one frame.
    #[test]
    fn as_many_subscriptions_as_there_may_be_fit_into_one_frame_in_both_formats() {
        let epoch = Epoch { incarnation: u32::MAX, generation: u32::MAX }.to_string();
        let room = |n: usize| format!("{n:a>0$}", limits::ROOM_ID_BYTES);
        let ids = (u32::MAX - limits::SUBSCRIPTIONS as u32 + 1)..=u32::MAX;
        let json: Vec<String> = ids
            .clone()
            .enumerate()
            .map(|(n, id)| {
                let (room, offset) = (room(n), Seq::MAX);
                format!(
                    r#"{{"id":{id},"subscribe":{{"channel":"room:{room}","positioned":true,"recoverable":true,"join_leave":true,"flag":3,"recover":true,"offset":{offset},"epoch":"{epoch}"}}}}"#
                )
            })
            .collect();
        let json = json.join("\n");
        let field = |number: u8, value: &[u8]| [&[number << 3 | 2, value.len() as u8], value].concat();
        let varint = |mut n: u64| {
            let mut bytes = Vec::new();
            while n > 127 {
                bytes.push(n as u8 | 0x80);
                n >>= 7;
            }
            bytes.push(n as u8);
            bytes
        };
        let mut protobuf = Vec::new();
        for (n, id) in ids.enumerate() {
            let subscribe = [
                field(1, format!("room:{}", room(n)).as_bytes()),
                vec![3 << 3, 1],
                field(6, epoch.as_bytes()),
                [vec![7 << 3], varint(Seq::MAX.get())].concat(),
                vec![9 << 3, 1, 10 << 3, 1, 11 << 3, 1, 14 << 3, 3],
            ]
            .concat();
            let command = [vec![1 << 3], varint(id.into()), field(5, &subscribe)].concat();
            protobuf.extend_from_slice(&varint(command.len() as u64));
            protobuf.extend_from_slice(&command);
        }
        println!("{} bytes of JSON, {} of Protobuf", json.len(), protobuf.len());
        for (format, frame) in [(Format::Json, Bytes::from(json.clone())), (Format::Protobuf, protobuf.clone().into())]
        {
            assert!(frame.len() <= limits::FRAME_BYTES, "{} bytes", frame.len());
            let mut commands = Commands::new(frame, format);
            let read = std::iter::from_fn(|| commands.next(&SomeMethods));
            let recovers = |command: &Command| matches!(&command.said, Ok(Said::Subscribe(it)) if it.recover.is_some());
            assert_eq!(read.filter(|command| command.as_ref().is_ok_and(recovers)).count(), limits::SUBSCRIPTIONS);
        }
        // The same in a request of their own: in a string, where quotes and line feeds are escaped.
        let body = serde_json::json!({ "session": "s".repeat(43), "node": "n".repeat(64), "data": json }).to_string();
        assert!(body.len() + 64 <= limits::EMULATION_BODY_BYTES, "{} bytes", body.len());
        assert_eq!(Emulated::parse(body.into(), Format::Json).unwrap().frame, json);
        // Whatever the commands are: each of their bytes is escaped by one more at most.
        const { assert!(2 * limits::FRAME_BYTES + 1024 <= limits::EMULATION_BODY_BYTES) };
        const { assert!(2 * limits::FRAME_BYTES <= limits::UPLINK_BYTES && limits::UPLINK_BYTES <= limits::INTAKE_BYTES) };
    }

    #[test]
    fn the_stream_is_known_once_its_name_has_come() {
        let json = |text: &str| early_session(text.as_bytes(), Format::Json);
        let found = Some("s-1".to_owned());
        for whole in [
            r#"{"session":"s-1","node":"n","data":"{}"}"#,
            r#" { "node" : "a\"}," , "session" : "s-1" , "data":"x"}"#,
            r#"{"data":{"id":1,"session":"other","list":[1,"]"]},"n":1.5e3,"t":true,"session":"s\u002d1"}"#,
        ] {
            assert_eq!(json(whole), found, "{whole}");
            let name = whole.rfind("s-1").or(whole.rfind("002d1")).unwrap();
            for cut in (0..name).filter(|cut| whole.is_char_boundary(*cut)) {
                assert_eq!(json(&whole[..cut]), None, "{}", &whole[..cut]);
            }
        }
        for none in [
            "",
            "[",
            "{",
            "{}",
            "x",
            r#"{"session" "x"}"#,
            r#"{"session":7,"#,
            r#"{"a":1}"#,
            r#"{"session":{}}"#,
            "{,,,",
            "{:",
        ] {
            assert_eq!(json(none), None, "{none}");
        }
        let body = b"\x0a\x01n\x20\x07\x12\x03s-1\x1a\x02{}";
        for cut in 0..body.len() {
            let early = early_session(&body[..cut], Format::Protobuf);
            assert_eq!(early, found.clone().filter(|_| cut >= 10), "{cut}");
        }
        for none in [&b"\xff"[..], b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x12\x01\xff", b"\x0b\x01"] {
            assert_eq!(early_session(none, Format::Protobuf), None);
        }
    }

    #[test]
    fn the_commands_are_a_string_or_one_object() {
        let parse = |body: &'static str| Emulated::parse(Bytes::from_static(body.as_bytes()), Format::Json);
        for (body, frame) in [
            (r#"{"session":"s","node":"n","data":"{\"id\":1}\n{}"}"#, "{\"id\":1}\n{}"),
            (r#"{"session":"s","node":"n","data":{"id":1}}"#, r#"{"id":1}"#),
        ] {
            let read = parse(body).unwrap();
            assert_eq!((read.session.as_str(), read.node.as_str(), &read.frame[..]), ("s", "n", frame.as_bytes()));
        }
        for wrong in [
            "",
            "[]",
            r#"{"session":"s","node":"n"}"#,
            r#"{"session":1,"node":"n","data":"{}"}"#,
            r#"{"session":"s","node":"n","data":7}"#,
            r#"{"node":"n","data":"{}"}"#,
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn in_protobuf_it_is_a_message() {
        let body = b"\x0a\x01n\x12\x01s\x1a\x02{}";
        let read = Emulated::parse(Bytes::from_static(body), Format::Protobuf).unwrap();
        assert_eq!((read.session.as_str(), read.node.as_str(), &read.frame[..]), ("s", "n", &b"{}"[..]));
        for wrong in [&body[..body.len() - 1], b"\x12\x01\xff", b"{\"session\":\"s\"}"] {
            assert_eq!(Emulated::parse(Bytes::copy_from_slice(wrong), Format::Protobuf), None);
        }
    }
}
