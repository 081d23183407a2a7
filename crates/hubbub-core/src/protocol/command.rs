//! What a client says.

use super::{
    disconnect::Disconnect,
    error::CommandError,
    rpc::{self, Rpc, Send},
};
use crate::{
    ids::{Invalid, RoomId},
    limits,
    seq::{Position, Seq},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashMap};

/// One command with its number.
#[derive(Debug)]
pub struct Command {
    /// The reply carries the same number; 0 only where none is expected.
    pub id: u32,
    /// What is asked, or why it cannot be.
    pub said: Result<Said, CommandError>,
}

/// Everything a client may say.
#[derive(Debug)]
pub enum Said {
    /// The answer to a ping: `{}`.
    Pong,
    /// The first command: who am I.
    Connect {
        /// A JWT.
        token: String,
    },
    /// A new token before the old one expires.
    Refresh {
        /// A JWT.
        token: String,
    },
    /// Follow a room's log.
    Subscribe(Subscribe),
    /// Stop following it.
    Unsubscribe(RoomId),
    /// A `send` for people trying it out.
    Publish(Send),
    /// The raw log in pages, both directions.
    History(History),
    /// Everything else a client does.
    Rpc(Rpc),
    /// A message without an answer: the protocol has it, Hubbub gives it no meaning.
    Send,
}

/// A subscription asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The room.
    pub room: RoomId,
    /// From where, if the client was here before.
    pub recover: Option<Position>,
    /// Flag bit 2: rather an error than a fresh start.
    pub reject_unrecovered: bool,
}

/// A page of the raw log asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The room.
    pub room: RoomId,
    /// Most entries; 0 asks for the head alone.
    pub limit: usize,
    /// From where; without it from the beginning, or in reverse from the head.
    pub since: Option<Position>,
    /// Newest first.
    pub reverse: bool,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct WireToken {
    token: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireChannel<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    recover: bool,
    epoch: String,
    offset: u64,
    flag: i64,
    limit: i64,
    since: Option<WireSince>,
    reverse: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireSince {
    offset: u64,
    epoch: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireRpc<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

fn position(epoch: String, offset: u64) -> Position {
    Position { epoch: (!epoch.is_empty()).then_some(epoch), seq: Seq::new(offset) }
}

/// The commands of one frame, read one at a time, so that a frame of many costs no more than its text.
#[derive(Debug, Default)]
pub struct Lines {
    frame: String,
    at: usize,
}

impl Lines {
    /// The lines of a frame.
    pub const fn new(frame: String) -> Self {
        Self { frame, at: 0 }
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.at >= self.frame.len()
    }
}

impl Iterator for Lines {
    /// A command, or why the connection must end: what cannot be read cannot be answered.
    type Item = Result<Command, Disconnect>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.frame.len() {
            let rest = &self.frame[self.at..];
            let line = rest.split('\n').next().unwrap_or(rest);
            self.at += line.len() + 1;
            if !line.trim().is_empty() {
                return Some(decode(line));
            }
        }
        // The text is not kept any longer than it is needed.
        self.frame = String::new();
        self.at = 0;
        None
    }
}

fn decode(line: &str) -> Result<Command, Disconnect> {
    let mut parts: HashMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(line).map_err(|_| Disconnect::bad_request("not a JSON object per line"))?;
    let id = match parts.remove("id") {
        Some(raw) => {
            serde_json::from_str(raw.get()).map_err(|_| Disconnect::bad_request("id: a number from 1 to 2^32-1"))?
        }
        None => 0,
    };
    let mut parts = parts.into_iter();
    let Some((name, body)) = parts.next() else {
        return if id == 0 {
            Ok(Command { id, said: Ok(Said::Pong) })
        } else {
            Ok(Command { id, said: Err(CommandError::bad_request("no command beside the id")) })
        };
    };
    if parts.next().is_some() {
        return Ok(Command { id, said: Err(CommandError::bad_request("more than one command under one id")) });
    }
    if id == 0 && name != "send" {
        return Err(Disconnect::bad_request("id: missing"));
    }
    Ok(Command { id, said: read(&name, body) })
}

fn parse<'a, T: Deserialize<'a>>(name: &str, body: &'a RawValue) -> Result<T, CommandError> {
    // An array would be taken for the fields in their order.
    if !body.get().starts_with('{') {
        return Err(CommandError::bad_request(format!("{name}: a JSON object is expected")));
    }
    serde_json::from_str(body.get()).map_err(|e| CommandError::bad_request(format!("{name}: {e}")))
}

/// The room of a channel. Every other channel is as unknown as a room that does not exist.
fn room(channel: &str) -> Result<RoomId, CommandError> {
    if channel.is_empty() {
        return Err(Invalid::missing("channel").into());
    }
    channel.strip_prefix("room:").and_then(|id| RoomId::parse(id).ok()).ok_or(CommandError::UNKNOWN_ROOM)
}

fn read(name: &str, body: &RawValue) -> Result<Said, CommandError> {
    match name {
        "connect" => Ok(Said::Connect { token: parse::<WireToken>(name, body)?.token }),
        "refresh" => Ok(Said::Refresh { token: parse::<WireToken>(name, body)?.token }),
        "subscribe" => {
            let wire: WireChannel<'_> = parse(name, body)?;
            Ok(Said::Subscribe(Subscribe {
                room: room(&wire.channel)?,
                recover: wire.recover.then(|| position(wire.epoch, wire.offset)),
                reject_unrecovered: wire.flag & 2 != 0,
            }))
        }
        "unsubscribe" => Ok(Said::Unsubscribe(room(&parse::<WireChannel<'_>>(name, body)?.channel)?)),
        "publish" => {
            let wire: WireChannel<'_> = parse(name, body)?;
            let data = wire.data.ok_or_else(|| Invalid::missing("data"))?;
            rpc::published(room(&wire.channel)?, data).map(Said::Publish)
        }
        "history" => {
            let wire: WireChannel<'_> = parse(name, body)?;
            Ok(Said::History(History {
                room: room(&wire.channel)?,
                limit: match wire.limit {
                    -1 => limits::PAGE_MAX,
                    n if (0..=limits::PAGE_MAX as i64).contains(&n) => n as usize,
                    n => return Err(Invalid::new("limit", format!("{n}; it is 0 to {}", limits::PAGE_MAX)).into()),
                },
                since: wire.since.map(|since| position(since.epoch, since.offset)),
                reverse: wire.reverse,
            }))
        }
        "rpc" => {
            let wire: WireRpc<'_> = parse(name, body)?;
            Rpc::parse(&wire.method, wire.data).map(Said::Rpc)
        }
        "send" => Ok(Said::Send),
        "presence" | "presence_stats" | "sub_refresh" | "ping" => Err(CommandError::NOT_AVAILABLE),
        other => Err(CommandError::unknown_method(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(line: &str) -> String {
        let mut commands: Vec<_> = Lines::new(line.to_owned()).collect::<Result<_, _>>().unwrap();
        assert_eq!(commands.len(), 1);
        let command = commands.remove(0);
        assert!(command.id > 0);
        let error = command.said.expect_err(line);
        format!("{} {}", error.code, error.message)
    }

    #[test]
    fn what_can_be_numbered_is_answered() {
        for (line, answer) in [
            (r#"{"id":1,"dance":{}}"#, "104 method not found: dance"),
            (r#"{"id":1}"#, "107 bad request: no command beside the id"),
            (r#"{"id":1,"rpc":{"method":"dance"}}"#, "104 method not found: dance"),
            (r#"{"id":1,"rpc":{"method":"send","data":{"text":"hi"}}}"#, "107 bad request: room: missing"),
            (r#"{"id":1,"rpc":{"method":"send","data":{"room":"r"}}}"#, "107 bad request: text: missing"),
            (r#"{"id":1,"subscribe":{"channel":"disco:1"}}"#, "102 unknown room"),
            (r#"{"id":1,"subscribe":{}}"#, "107 bad request: channel: missing"),
            (
                r#"{"id":1,"history":{"channel":"room:r","limit":1001}}"#,
                "107 bad request: limit: 1001; it is 0 to 1000",
            ),
            (r#"{"id":1,"presence":{"channel":"room:r"}}"#, "108 not available"),
            (
                r#"{"id":1,"rpc":{"method":"messages","data":{"room":"r","before":1,"after":2}}}"#,
                "107 bad request: before: give only one of before, after, around",
            ),
        ] {
            assert_eq!(error_of(line), answer, "{line}");
        }
        let long =
            format!(r#"{{"id":1,"rpc":{{"method":"send","data":{{"room":"r","text":"{}"}}}}}}"#, "x".repeat(8193));
        assert_eq!(error_of(&long), "107 bad request: text: 8193 bytes; the limit is 8192");
    }

    #[test]
    fn what_cannot_be_numbered_ends_the_connection() {
        for line in
            ["{", "[]", "hello", r#"{"id":-1,"rpc":{}}"#, r#"{"rpc":{"method":"rooms"}}"#, r#"{"id":4294967296}"#]
        {
            assert_eq!(Lines::new(line.to_owned()).next().unwrap().unwrap_err().code, 3501, "{line}");
        }
    }

    #[test]
    fn one_frame_holds_many_commands_in_order() {
        let frame = "{\"id\":1,\"connect\":{\"token\":\"t\"}}\n{\"id\":2,\"subscribe\":{\"channel\":\"room:r\",\"recover\":true,\"offset\":7,\"epoch\":\"e\",\"flag\":3}}\n{}\n";
        let commands: Vec<_> = Lines::new(frame.to_owned()).collect::<Result<_, _>>().unwrap();
        assert_eq!(commands.iter().map(|c| c.id).collect::<Vec<_>>(), [1, 2, 0]);
        let Ok(Said::Subscribe(subscribe)) = &commands[1].said else { panic!("{commands:?}") };
        assert_eq!(subscribe.recover, Some(Position { epoch: Some("e".into()), seq: Seq::new(7) }));
        assert!(subscribe.reject_unrecovered);
    }

    #[test]
    fn a_publish_is_a_text_or_a_send_or_data() {
        for (data, text, kept, key) in [
            (r#""hi""#, "hi", None, None),
            (r#"{"text":"hi","key":"k"}"#, "hi", None, Some("k")),
            (r#"{"lat":1.5,"key":"k"}"#, "", Some(r#"{"lat":1.5,"key":"k"}"#), Some("k")),
            ("[1, 2]", "", Some("[1,2]"), None),
        ] {
            let raw = RawValue::from_string(data.to_owned()).unwrap();
            let send = rpc::published(RoomId::parse("r").unwrap(), &raw).unwrap();
            assert_eq!(send.message.text.as_str(), text);
            assert_eq!(send.message.data.as_ref().map(crate::json::Json::as_str), kept);
            assert_eq!(send.key.as_ref().map(crate::ids::Key::as_str), key);
        }
    }
}
