//! What a client can do, beyond reading: the methods of `rpc`.

use super::error::CommandError;
use crate::log::room::PageOf;
use crate::{
    limits,
    log::kinds::{Message, Text},
    model::{
        access::RoomKind,
        ids::{Invalid, Key, RoomId, UserId},
        json::Json,
        seq::Seq,
    },
    portal::PortalId,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One request, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rpc {
    /// `send`: put a message in a room's log.
    Send(Send),
    /// `messages`: a page of a room's log.
    Messages {
        /// The room.
        room: RoomId,
        /// Which page.
        page: PageOf,
        /// Most entries.
        limit: usize,
    },
    /// `rooms`: the rooms I am a member of, with head and last message.
    Rooms {
        /// Those after this one, by id.
        after: Option<RoomId>,
        /// Most rooms.
        limit: usize,
    },
    /// `create_room`.
    CreateRoom(CreateRoom),
    /// `join` an open room.
    Join(RoomId),
    /// `leave` a room.
    Leave(RoomId),
    /// `open_session`: a support session of mine, new or as it was.
    OpenSession(OpenSession),
    /// `session`: where it stands, and how far its portal has got.
    Session(RoomId),
    /// `close_session`.
    CloseSession(RoomId),
    /// `members` of a room.
    Members {
        /// The room.
        room: RoomId,
        /// Those after this one, by id.
        after: Option<UserId>,
        /// Most members.
        limit: usize,
    },
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// The room.
    pub room: RoomId,
    /// The client's key; without one nothing is recognised when it is sent again.
    pub key: Option<Key>,
    /// What is said.
    pub message: Message,
}

/// A room to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateRoom {
    /// An open or private room.
    Group {
        /// Its id; one is made where the client names none.
        id: Option<RoomId>,
        /// Open or private.
        kind: RoomKind,
        /// For people.
        name: String,
        /// First members, beside the creator.
        members: Vec<UserId>,
    },
    /// The one room of two people.
    Direct {
        /// The other.
        with: UserId,
    },
}

/// A session to be opened, or resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// The portal.
    pub portal: PortalId,
    /// The session's id; without one it is my one session with the portal.
    pub id: Option<RoomId>,
    /// For people.
    pub name: String,
}

#[derive(Deserialize)]
struct WireSend<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    reply_to: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireRoom<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    before: Option<u64>,
    #[serde(borrow)]
    after: Option<After<'a>>,
    around: Option<u64>,
    limit: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum After<'a> {
    Seq(u64),
    Name(#[serde(borrow)] Cow<'a, str>),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireCreate<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    with: Option<Cow<'a, str>>,
    members: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireSession<'a> {
    #[serde(borrow)]
    portal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}

fn parse<'a, T: Deserialize<'a>>(data: Option<&'a RawValue>) -> Result<T, CommandError> {
    let json = data.map_or("{}", RawValue::get);
    // An array would be taken for the fields in their order.
    if !json.starts_with('{') {
        return Err(CommandError::bad_request("data: a JSON object is expected"));
    }
    serde_json::from_str(json).map_err(|e| CommandError::bad_request(format!("data: {e}")))
}

fn room(name: Option<&str>) -> Result<RoomId, CommandError> {
    Ok(RoomId::parse(name.ok_or_else(|| Invalid::missing("room"))?)?)
}

impl Rpc {
    /// Reads `method` with its `data`.
    pub fn parse(method: &str, data: Option<&RawValue>) -> Result<Self, CommandError> {
        match method {
            "send" => Ok(Self::Send(parse::<WireSend<'_>>(data)?.check()?)),
            "messages" => {
                let wire: WireRoom<'_> = parse(data)?;
                Ok(Self::Messages {
                    room: room(wire.room.as_deref())?,
                    page: wire.page_of()?,
                    limit: limit(wire.limit)?,
                })
            }
            "rooms" => {
                let wire: WireRoom<'_> = parse(data)?;
                let after = wire.after_name()?.map(|name| RoomId::parse_as("after", name)).transpose()?;
                Ok(Self::Rooms { after, limit: limit(wire.limit)? })
            }
            "create_room" => parse::<WireCreate<'_>>(data)?.check().map(Self::CreateRoom),
            "join" => Ok(Self::Join(room(parse::<WireRoom<'_>>(data)?.room.as_deref())?)),
            "open_session" => parse::<WireSession<'_>>(data)?.check().map(Self::OpenSession),
            "session" => Ok(Self::Session(room(parse::<WireRoom<'_>>(data)?.room.as_deref())?)),
            "close_session" => Ok(Self::CloseSession(room(parse::<WireRoom<'_>>(data)?.room.as_deref())?)),
            "leave" => Ok(Self::Leave(room(parse::<WireRoom<'_>>(data)?.room.as_deref())?)),
            "members" => {
                let wire: WireRoom<'_> = parse(data)?;
                let after = wire.after_name()?.map(|name| UserId::parse_as("after", name)).transpose()?;
                Ok(Self::Members { room: room(wire.room.as_deref())?, after, limit: limit(wire.limit)? })
            }
            _ => Err(CommandError::unknown_method(method)),
        }
    }

    /// Whether the answer is a page: few of those are in flight at a time.
    pub const fn is_page(&self) -> bool {
        matches!(self, Self::Messages { .. } | Self::Rooms { .. } | Self::Members { .. })
    }
}

/// A page's size, checked.
pub fn limit(limit: Option<u64>) -> Result<usize, Invalid> {
    match limit {
        None => Ok(limits::PAGE_DEFAULT),
        Some(n) if n >= 1 && n <= limits::PAGE_MAX as u64 => Ok(n as usize),
        Some(n) => Err(Invalid::new("limit", format!("{n}; it is 1 to {}", limits::PAGE_MAX))),
    }
}

impl WireSend<'_> {
    fn check(self) -> Result<Send, CommandError> {
        let room = room(self.room.as_deref())?;
        Ok(self.check_in(room)?)
    }

    fn check_in(self, room: RoomId) -> Result<Send, Invalid> {
        let key = self.key.as_deref().map(Key::parse).transpose()?;
        let message = message(self.text.as_deref(), self.data, self.reply_to)?;
        Ok(Send { room, key, message })
    }
}

/// A message from its parts, checked: a text, or data, or both.
pub fn message(text: Option<&str>, data: Option<&RawValue>, reply_to: Option<u64>) -> Result<Message, Invalid> {
    let data = data.filter(|raw| raw.get() != "null");
    match (text, data) {
        (None, None) => return Err(Invalid::missing("text")),
        (Some(""), None) => return Err(Invalid::new("text", "empty, and there is no data")),
        _ => {}
    }
    Ok(Message {
        text: Text::parse(text.unwrap_or_default())?,
        data: data.map(|raw| Json::parse("data", raw, limits::DATA_BYTES)).transpose()?,
        reply_to: reply_to.map(Seq::new),
    })
}

/// A room's name for people, checked.
pub fn room_name(name: &str) -> Result<String, Invalid> {
    if name.len() > limits::ROOM_NAME_BYTES {
        return Err(Invalid::too_long("name", name.len(), limits::ROOM_NAME_BYTES));
    }
    if name.chars().any(char::is_control) {
        return Err(Invalid::new("name", "control characters are not allowed"));
    }
    Ok(name.to_owned())
}

/// What a `publish` into a room means: a text, an object like that of `send`, or any other JSON as a message's data.
pub fn published(room: RoomId, data: &RawValue) -> Result<Send, CommandError> {
    if let Ok(text) = serde_json::from_str::<Cow<'_, str>>(data.get()) {
        return Ok(Send { room, key: None, message: message(Some(&text), None, None)? });
    }
    match parse::<WireSend<'_>>(Some(data)) {
        Ok(send) if send.text.is_some() => Ok(send.check_in(room)?),
        Ok(send) => {
            let key = send.key.as_deref().map(Key::parse).transpose()?;
            Ok(Send { room, key, message: message(None, Some(data), None)? })
        }
        Err(_) => Ok(Send { room, key: None, message: message(None, Some(data), None)? }),
    }
}

impl WireRoom<'_> {
    fn page_of(&self) -> Result<PageOf, Invalid> {
        let after = match &self.after {
            Some(After::Seq(seq)) => Some(*seq),
            Some(After::Name(_)) => return Err(Invalid::new("after", "a seq is a number")),
            None => None,
        };
        match (self.before, after, self.around) {
            (None, None, None) => Ok(PageOf::Newest),
            (Some(seq), None, None) => Ok(PageOf::Before(Seq::new(seq))),
            (None, Some(seq), None) => Ok(PageOf::After(Seq::new(seq))),
            (None, None, Some(seq)) => Ok(PageOf::Around(Seq::new(seq))),
            _ => Err(Invalid::new("before", "give only one of before, after, around")),
        }
    }

    fn after_name(&self) -> Result<Option<&str>, Invalid> {
        match &self.after {
            None => Ok(None),
            Some(After::Name(name)) => Ok(Some(name)),
            Some(After::Seq(_)) => Err(Invalid::new("after", "an id is a string")),
        }
    }
}

impl WireSession<'_> {
    fn check(self) -> Result<OpenSession, CommandError> {
        Ok(OpenSession {
            portal: PortalId::parse(self.portal.as_deref().ok_or_else(|| Invalid::missing("portal"))?)?,
            id: self.id.as_deref().map(RoomId::parse_resumed).transpose()?,
            name: room_name(self.name.as_deref().unwrap_or_default())?,
        })
    }
}

impl WireCreate<'_> {
    fn check(self) -> Result<CreateRoom, CommandError> {
        let kind = RoomKind::parse(self.kind.as_deref().ok_or_else(|| Invalid::missing("kind"))?)?;
        if kind == RoomKind::Direct {
            let with = self.with.as_deref().ok_or_else(|| Invalid::missing("with"))?;
            return Ok(CreateRoom::Direct { with: UserId::parse_as("with", with)? });
        }
        if self.members.len() > limits::MEMBERS_AT_ONCE {
            let problem = format!("{} named; the limit is {}", self.members.len(), limits::MEMBERS_AT_ONCE);
            return Err(Invalid::new("members", problem).into());
        }
        let members: Result<Vec<_>, _> = self.members.iter().map(|m| UserId::parse_outsider("members", m)).collect();
        Ok(CreateRoom::Group {
            id: self.id.as_deref().map(RoomId::parse_chosen).transpose()?,
            kind,
            name: room_name(self.name.as_deref().unwrap_or_default())?,
            members: members?,
        })
    }
}
