//! What a client says.

use super::{
    Format,
    disconnect::Disconnect,
    error::CommandError,
    protobuf,
    rpc::{Call, RawData, RpcMethods},
    wants::Wants,
};
use crate::{
    limits,
    model::{
        ids::{Invalid, RoomId},
        misread,
        seq::{Position, Seq},
    },
};
use bytes::{Buf, Bytes};
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
        /// What else it wants to be told.
        wants: Wants,
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
    Publish {
        /// The room.
        room: RoomId,
        /// What is said, in one of several forms.
        data: RawData,
    },
    /// The raw log in pages, both directions.
    History(History),
    /// Who follows a room, or with `stats` only how many.
    Presence {
        /// The room.
        room: RoomId,
        /// Counts are enough.
        stats: bool,
    },
    /// Everything else a client does.
    Rpc(Call),
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
    /// Joins and leaves are to be told, too.
    pub join_leave: bool,
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
struct WireConnect<'a> {
    token: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
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
    join_leave: bool,
    limit: i64,
    since: Option<WireSince>,
    reverse: bool,
    #[serde(borrow)]
    token: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: i64,
    tf: Option<serde::de::IgnoredAny>,
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

/// The commands of one frame, read one at a time, so that a frame of many costs no more than its bytes.
#[derive(Debug)]
pub struct Commands {
    frame: Bytes,
    format: Format,
}

impl Commands {
    /// The commands of a frame.
    pub const fn new(frame: Bytes, format: Format) -> Self {
        Self { frame, format }
    }

    /// How many bytes are left.
    pub const fn len(&self) -> usize {
        self.frame.len()
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.frame.is_empty()
    }

    /// The next line that is not blank.
    fn line(&mut self) -> Option<Bytes> {
        while !self.frame.is_empty() {
            let end = self.frame.iter().position(|byte| *byte == b'\n').unwrap_or(self.frame.len());
            let line = self.frame.split_to(end);
            self.frame.advance(self.frame.len().min(1));
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
        None
    }

    /// The next command, or why the connection must end: what cannot be read cannot be answered.
    pub fn next(&mut self, methods: &dyn RpcMethods) -> Option<Result<Command, Disconnect>> {
        let command = match self.format {
            Format::Json => self.line().map(|line| decode(&line, methods)),
            Format::Protobuf => protobuf::next_command(&mut self.frame, methods),
        };
        if self.frame.is_empty() {
            // The frame is not kept any longer than it is needed.
            self.frame = Bytes::new();
        }
        command
    }
}

fn decode(line: &Bytes, methods: &dyn RpcMethods) -> Result<Command, Disconnect> {
    let mut parts: HashMap<Cow<'_, str>, &RawValue> =
        serde_json::from_slice(line).map_err(|_| Disconnect::bad_request("not a JSON object per line"))?;
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
    Ok(Command { id, said: read(line, &name, body, methods) })
}

fn parse<'a, T: Deserialize<'a>>(name: &str, body: &'a RawValue) -> Result<T, CommandError> {
    // An array would be taken for the fields in their order.
    if !body.get().starts_with('{') {
        return Err(CommandError::bad_request(format!("{name}: a JSON object is expected")));
    }
    misread::read(name, body.get()).map_err(CommandError::bad_request)
}

/// The room of a channel. Every other channel is as unknown as a room that does not exist.
fn room(channel: &str) -> Result<RoomId, CommandError> {
    if channel.is_empty() {
        return Err(Invalid::missing("channel").into());
    }
    channel.strip_prefix("room:").and_then(|id| RoomId::parse(id).ok()).ok_or(CommandError::UNKNOWN_ROOM)
}

fn read(line: &Bytes, name: &str, body: &RawValue, methods: &dyn RpcMethods) -> Result<Said, CommandError> {
    match name {
        "connect" => {
            let WireConnect { token, data } = parse(name, body)?;
            Ok(Said::Connect { token, wants: Wants::read(data.map_or("", RawValue::get)) })
        }
        "refresh" => Ok(Said::Refresh { token: parse::<WireToken>(name, body)?.token }),
        "subscribe" => {
            let wire: WireChannel<'_> = parse(name, body)?;
            let recover = wire.recover.then_some((wire.epoch, wire.offset));
            plain_subscription(&wire.token, wire.kind, wire.tf.is_some())?;
            Said::subscribe(&wire.channel, recover, wire.flag, wire.join_leave)
        }
        "unsubscribe" => Said::unsubscribe(&parse::<WireChannel<'_>>(name, body)?.channel),
        "publish" => {
            let wire: WireChannel<'_> = parse(name, body)?;
            Said::publish(&wire.channel, RawData::within(line, wire.data))
        }
        "history" => {
            let wire: WireChannel<'_> = parse(name, body)?;
            let since = wire.since.map(|since| (since.epoch, since.offset));
            Said::history(&wire.channel, wire.limit, since, wire.reverse)
        }
        "rpc" => {
            let wire: WireRpc<'_> = parse(name, body)?;
            Call::new(methods, &wire.method, RawData::within(line, wire.data)).map(Said::Rpc)
        }
        "send" => Ok(Said::Send),
        "presence" => Said::presence(&parse::<WireChannel<'_>>(name, body)?.channel, false),
        "presence_stats" => Said::presence(&parse::<WireChannel<'_>>(name, body)?.channel, true),
        "sub_refresh" | "ping" => Err(CommandError::NOT_AVAILABLE),
        other => Err(CommandError::unknown_method(other)),
    }
}

/// What the protocol has and Hubbub has not is refused: an SDK would take the reply for that of a map, of a filtered channel, or
/// for a token that was checked.
pub(super) fn plain_subscription(token: &str, kind: i64, is_filtered: bool) -> Result<(), CommandError> {
    let what = match (kind, is_filtered, token) {
        (0, false, "") => return Ok(()),
        (0, false, _) => "token: who may read a room is decided by its members",
        (0, true, _) => "tf: filters",
        _ => "type: maps and shared polls",
    };
    Err(CommandError { message: format!("not available: {what}").into(), ..CommandError::NOT_AVAILABLE })
}

/// What the formats have in common: from the fields of a command to what is said.
impl Said {
    pub(super) fn subscribe(
        channel: &str,
        recover: Option<(String, u64)>,
        flag: i64,
        join_leave: bool,
    ) -> Result<Self, CommandError> {
        Ok(Self::Subscribe(Subscribe {
            room: room(channel)?,
            recover: recover.map(position),
            reject_unrecovered: flag & 2 != 0,
            join_leave,
        }))
    }

    pub(super) fn presence(channel: &str, stats: bool) -> Result<Self, CommandError> {
        Ok(Self::Presence { room: room(channel)?, stats })
    }

    pub(super) fn unsubscribe(channel: &str) -> Result<Self, CommandError> {
        Ok(Self::Unsubscribe(room(channel)?))
    }

    pub(super) fn publish(channel: &str, data: RawData) -> Result<Self, CommandError> {
        if data.as_str().is_empty() {
            return Err(Invalid::missing("data").into());
        }
        Ok(Self::Publish { room: room(channel)?, data })
    }

    pub(super) fn history(
        channel: &str,
        limit: i64,
        since: Option<(String, u64)>,
        reverse: bool,
    ) -> Result<Self, CommandError> {
        Ok(Self::History(History {
            room: room(channel)?,
            limit: match limit {
                -1 => limits::PAGE_MAX,
                n if (0..=limits::PAGE_MAX as i64).contains(&n) => n as usize,
                n => return Err(Invalid::new("limit", format!("{n}; it is 0 to {}", limits::PAGE_MAX)).into()),
            },
            since: since.map(position),
            reverse,
        }))
    }
}

fn position((epoch, offset): (String, u64)) -> Position {
    Position { epoch: (!epoch.is_empty()).then_some(epoch), seq: Seq::new(offset) }
}

#[cfg(test)]
mod tests {
    use super::{super::rpc::SomeMethods, *};

    fn all(frame: &str) -> impl Iterator<Item = Result<Command, Disconnect>> {
        let mut commands = Commands::new(Bytes::copy_from_slice(frame.as_bytes()), Format::Json);
        std::iter::from_fn(move || commands.next(&SomeMethods))
    }

    fn error_of(line: &str) -> String {
        let mut commands: Vec<_> = all(line).collect::<Result<_, _>>().unwrap();
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
            (r#"{"id":1,"subscribe":{"channel":"disco:1"}}"#, "102 unknown room"),
            (r#"{"id":1,"subscribe":{}}"#, "107 bad request: channel: missing"),
            (r#"{"id":1,"subscribe":{"channel":"room:r","type":1}}"#, "108 not available: type: maps and shared polls"),
            (r#"{"id":1,"subscribe":{"channel":"room:r","tf":{"op":"eq"}}}"#, "108 not available: tf: filters"),
            (
                r#"{"id":1,"subscribe":{"channel":"room:r","token":"x"}}"#,
                "108 not available: token: who may read a room is decided by its members",
            ),
            (
                r#"{"id":1,"history":{"channel":"room:r","limit":1001}}"#,
                "107 bad request: limit: 1001; it is 0 to 1000",
            ),
            (r#"{"id":1,"sub_refresh":{"channel":"room:r"}}"#, "108 not available"),
            (r#"{"id":1,"presence":{"channel":"disco:1"}}"#, "102 unknown room"),
            (r#"{"id":1,"presence_stats":{}}"#, "107 bad request: channel: missing"),
        ] {
            assert_eq!(error_of(line), answer, "{line}");
        }
    }

    #[test]
    fn the_data_of_a_call_is_a_part_of_its_frame() {
        let frame = Bytes::from_static(br#"{"id":1,"rpc":{"method":"send","data":{"text":"a\u0062"}}}"#);
        let command = Commands::new(frame, Format::Json).next(&SomeMethods).unwrap().unwrap();
        let Ok(Said::Rpc(call)) = command.said else { panic!("{command:?}") };
        assert_eq!(call.data.as_str(), r#"{"text":"a\u0062"}"#);
        assert_eq!(call.method.cost, super::super::rpc::Cost::Send);
    }

    #[test]
    fn what_cannot_be_numbered_ends_the_connection() {
        for line in
            ["{", "[]", "hello", r#"{"id":-1,"rpc":{}}"#, r#"{"rpc":{"method":"rooms"}}"#, r#"{"id":4294967296}"#]
        {
            assert_eq!(all(line).next().unwrap().unwrap_err().code, 3501, "{line}");
        }
    }

    #[test]
    fn one_frame_holds_many_commands_in_order() {
        let frame = "{\"id\":1,\"connect\":{\"token\":\"t\"}}\n{\"id\":2,\"subscribe\":{\"channel\":\"room:r\",\"recover\":true,\"offset\":7,\"epoch\":\"e\",\"flag\":3}}\n{}\n";
        let commands: Vec<_> = all(frame).collect::<Result<_, _>>().unwrap();
        assert_eq!(commands.iter().map(|c| c.id).collect::<Vec<_>>(), [1, 2, 0]);
        let Ok(Said::Subscribe(subscribe)) = &commands[1].said else { panic!("{commands:?}") };
        assert_eq!(subscribe.recover, Some(Position { epoch: Some("e".into()), seq: Seq::new(7) }));
        assert!(subscribe.reject_unrecovered);
    }
}
