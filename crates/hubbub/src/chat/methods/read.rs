//! `read`: how far somebody has read a room.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::{ROOM, USER},
    views::room,
};
use crate::chat::{Chat, ChatError, people::marks::Put};
use hubbub_core::{
    model::{
        ids::{Invalid, RoomId, UserId},
        seq::Seq,
    },
    people::marks::Backwards,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct Read;

/// A mark to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRequest {
    /// The room.
    pub room: RoomId,
    /// The last entry that was read.
    pub seq: Seq,
}

/// A mark.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadView {
    /// The room.
    room: String,
    /// The last entry that was read.
    seq: u64,
}

impl Method for Read {
    const NAME: &'static str = "read";
    const DOC: Doc = Doc {
        summary: "Says how far one has read a room: up to this entry. For its members, of any role.",
        example: r#"{"room":"general","seq":57}
{"room":"general","seq":57}"#,
        more: "The mark is one for all of a user's devices, and goes forward only: one that is further already is 409, and the message says where it \
is; beyond the room's head is 107. It is answered once it is written, which for each room is so at once and then every 2 s at most: say one at a time for each room, and with the answer say \
the newest, if that is another; of more than 8 at once those beyond are 429. What the mark means for `unread` stands [there](#unread).",
    };
    type On = Chat;
    type Request = ReadRequest;
    type Output = ReadView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: ReadRequest) -> Result<ReadView, MethodError> {
        let ReadRequest { room, seq } = request;
        // Who reads along is looked at as their mark is written, and not once more before.
        if !chat.marks.knows(&room, &by.user) {
            let view = chat.member_view(by, &room).await?;
            if seq > view.room.head {
                return Err(beyond(seq, view.room.head).into());
            }
        }
        match chat.marks.put(room.clone(), by.user.clone(), seq).await {
            Ok(Put::There(seq)) => Ok(ReadView { room: room.to_string(), seq: seq.get() }),
            Ok(Put::Further(backwards)) => {
                // That may be known from a moment ago, and they may have gone since.
                chat.member_view(by, &room).await?;
                Err(refused(backwards))
            }
            Ok(Put::Beyond(head)) => Err(beyond(seq, head).into()),
            Err(ChatError::Refused(refusal)) => {
                // What they are instead.
                chat.member_view(by, &room).await?;
                Err(refusal.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn beyond(seq: Seq, head: Seq) -> Invalid {
    Invalid::new("seq", format!("{seq}; the head is {head}"))
}

fn refused(backwards: Backwards) -> MethodError {
    MethodError::Own { code: 409, status: 409, word: "read_further", why: backwards.to_string().into() }
}

fn number(seq: Option<u64>) -> Result<Seq, Invalid> {
    seq.map(Seq::new).ok_or_else(|| Invalid::missing("seq"))
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct ReadData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    seq: Option<u64>,
}

impl RpcMethod for Read {
    type Data<'a> = ReadData<'a>;

    fn read(data: ReadData<'_>) -> Result<ReadRequest, Invalid> {
        Ok(ReadRequest { room: room(data.room.as_deref())?, seq: number(data.seq)? })
    }
}

/// How far a room was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMark {
    /// The last entry that was read.
    #[schema(value_type = u64, required = true)]
    seq: Option<u64>,
}

impl RestMethod for Read {
    const ROUTE: Route = Route {
        tag: "users",
        problems: &[403, 404, 409, 422],
        example: r#"{"seq":57}"#,
        ..Route::new(Verb::Put, "/v1/users/{user}/rooms/{room}/read", &[USER, ROOM])
    };
    type Path = (String, String);
    type Query = NoQuery;
    type Body = JsonBody<NewMark>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, ReadRequest), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path.0)?;
        let request = ReadRequest { room: RoomId::parse(&asked.path.1)?, seq: number(asked.body.0.seq)? };
        Ok((Actor::for_user(user), request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn a_mark_is_a_number_in_a_room() {
        let read = |data: &str| {
            let data = RawData::from_json(data);
            let read = data.read().map_err(|error| error.message.into_owned());
            read.and_then(|data| <Read as RpcMethod>::read(data).map_err(|invalid| invalid.to_string()))
        };
        assert_eq!(read(r#"{"room":"general","seq":0}"#).unwrap().seq, Seq::ZERO);
        assert_eq!(read(r#"{"room":"general"}"#).unwrap_err(), "seq: missing");
        assert_eq!(read(r#"{"seq":1}"#).unwrap_err(), "room: missing");
        for data in [r#"{"room":"r","seq":-1}"#, r#"{"room":"r","seq":"7"}"#, r#"{"room":"r","seq":1.5}"#] {
            assert!(read(data).unwrap_err().contains("seq"), "{data}");
        }
    }
}
