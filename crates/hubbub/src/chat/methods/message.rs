//! `message`: one message, as it is now.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    pages::{ByQuery, ShownView, reader},
    rest::{MESSAGE, ROOM},
    views::room,
};
use crate::{chat::Chat, store::ShownOf};
use hubbub_core::model::{
    access::Refusal,
    ids::{Invalid, RoomId},
    seq::Seq,
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct ShowMessage;

/// Which message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRequest {
    /// The room.
    pub room: RoomId,
    /// Its number.
    pub seq: Seq,
}

impl Method for ShowMessage {
    const NAME: &'static str = "message";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "One message, as it is now, also one that stands only in a thread: a page as of `messages`, with that entry alone.",
        example: r#"{"room":"general","seq":38}
{"entries":[{"type":"message","seq":38,…,"text":"hi all"}],"as_of":57,"head":57,"floor":1,"epoch":"1a2b3c4d.1"}"#,
        more: "",
    };
    type On = Chat;
    type Request = MessageRequest;
    type Output = ShownView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: MessageRequest) -> Result<ShownView, MethodError> {
        let MessageRequest { room, seq } = request;
        let page = chat.shown(by, &room, ShownOf::One(seq), 1).await?;
        match page.entries.first() {
            Some(_) => Ok(ShownView::new(&page)),
            None if seq < page.floor && seq != Seq::ZERO => Err(Refusal::BelowFloor("seq").into()),
            None => Err(Refusal::NoSuchMessage("seq").into()),
        }
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct MessageData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    seq: Option<u64>,
}

impl RpcMethod for ShowMessage {
    type Data<'a> = MessageData<'a>;

    fn read(data: MessageData<'_>) -> Result<MessageRequest, Invalid> {
        let seq = data.seq.ok_or_else(|| Invalid::missing("seq"))?;
        Ok(MessageRequest { room: room(data.room.as_deref())?, seq: Seq::new(seq) })
    }
}

impl RestMethod for ShowMessage {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[403, 404, 422],
        ..Route::new(Verb::Get, "/v1/rooms/{room}/messages/{seq}", &[ROOM, MESSAGE])
    };
    type Path = (String, u64);
    type Query = ByQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, MessageRequest), MethodError> {
        let (room, seq) = (RoomId::parse(&asked.path.0)?, Seq::new(asked.path.1));
        Ok((reader(asked.query.by.as_deref())?, MessageRequest { room, seq }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn a_message_is_named_by_its_room_and_number() {
        let read = |data: &str| ShowMessage::read(RawData::from_json(data).read().unwrap());
        assert_eq!(read(r#"{"room":"r","seq":7}"#).unwrap().seq, Seq::new(7));
        for (data, why) in [(r#"{"room":"r"}"#, "seq: missing"), (r#"{"seq":7}"#, "room: missing")] {
            assert_eq!(read(data).unwrap_err().to_string(), why);
        }
    }
}
