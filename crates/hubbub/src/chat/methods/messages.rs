//! `messages`: a page of what people read in a room, as it is now.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    pages::{PageQuery, ShownView, page_of},
    rest::ROOM,
    views::{After, room},
};
use crate::{chat::Chat, store::ShownOf};
use hubbub_core::{
    log::room::PageOf,
    model::ids::{Invalid, RoomId},
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct ListMessages;

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagesRequest {
    /// The room.
    pub room: RoomId,
    /// Which page.
    pub page: PageOf,
    /// Most entries.
    pub limit: usize,
}

impl Method for ListMessages {
    const NAME: &'static str = "messages";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "A page of what people read in a room, ascending, as it is now: messages that stand not only in a thread, with what \
            became of them, and lines (who joined, was muted, what was renamed or changed). At most one of `before`, `after`, \
            `around` (a seq); without, the newest.",
        example: r#"{"room":"general","before":42,"limit":50}
{"entries":[{"type":"message","seq":38,…,"text":"hi all","edited_at":"2026-01-31T09:31:00.000Z","reactions":[{"reaction":"+1","count":2,"me":true,"users":["ana","ben"]}],"replies":{"count":3,"last":44,"last_at":"2026-01-31T09:40:00.000Z","users":["cem"]},"pinned":true},{"type":"message","seq":40,…,"gone":true}],"as_of":57,"head":57,"floor":1,"epoch":"1a2b3c4d.1"}"#,
        more: "`before` gives the nearest below, `after` the nearest above, `around` half below, then the entry itself and what \
            follows; a seq that is not shown stands for its place. `limit` is 1 to 1,000, 100 without. A page
may end early by weight, at its far end. An `after` beyond the head is an empty page; compare `epoch` yourself. `floor` is the first
seq that the asker may read. What became of a message stands behind its entry's own members; what is absent is not so:

- `text`, `data`, `mentions`, `mention_all`: what its newest edit says, and `edited_at`, when that came.
- `gone`: it was deleted. There is no content, reaction or pin any more; number, sender, time, `thread` and `in_room` stay.
- `reactions`: in the order in which the first of each came; `me` where the asker is among them, `users` some of them, at most ten.
- `replies`: it is the root of a thread: how many replies that has (deleted ones left out), the newest (also where that was deleted)
  and at most five who wrote the last ones.
- `pinned`.

A page is of one moment, and `as_of` is the head it was read at. Later entries are folded into it: see [folding](#folding).",
    };
    type On = Chat;
    type Request = MessagesRequest;
    type Output = ShownView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: MessagesRequest) -> Result<ShownView, MethodError> {
        let MessagesRequest { room, page, limit } = request;
        Ok(ShownView::new(&chat.shown(by, &room, ShownOf::Room(page), limit).await?))
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct MessagesData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    before: Option<u64>,
    #[schema(value_type = Option<u64>)]
    #[serde(borrow)]
    after: Option<After<'a>>,
    around: Option<u64>,
    limit: Option<u64>,
}

impl RpcMethod for ListMessages {
    type Data<'a> = MessagesData<'a>;

    fn read(data: MessagesData<'_>) -> Result<MessagesRequest, Invalid> {
        let (page, limit) = page_of(data.before, data.after, data.around, data.limit)?;
        Ok(MessagesRequest { room: room(data.room.as_deref())?, page, limit })
    }
}

impl RestMethod for ListMessages {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[404, 422],
        example: "?before=120&limit=50",
        ..Route::new(Verb::Get, "/v1/rooms/{room}/messages", &[ROOM])
    };
    type Path = String;
    type Query = PageQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, MessagesRequest), MethodError> {
        let (page, limit, by) = asked.query.read()?;
        Ok((by, MessagesRequest { room: RoomId::parse(&asked.path)?, page, limit }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::{model::seq::Seq, wire::rpc::RawData};

    fn read(data: &str) -> Result<MessagesRequest, String> {
        let data = RawData::from_json(data);
        ListMessages::read(data.read().unwrap()).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn one_page_is_asked_for_at_a_time() {
        assert_eq!(read(r#"{"room":"r"}"#).unwrap().page, PageOf::Newest);
        assert_eq!(read(r#"{"room":"r","after":7}"#).unwrap().page, PageOf::After(Seq::new(7)));
        for (data, why) in [
            (r#"{"room":"r","before":1,"after":2}"#, "before: give only one of before, after, around"),
            (r#"{"room":"r","after":"x"}"#, "after: a seq is a number"),
            (r#"{"room":"r","limit":0}"#, "limit: 0; it is 1 to 1000"),
            (r#"{"room":"r","limit":1001}"#, "limit: 1001; it is 1 to 1000"),
            ("{}", "room: missing"),
        ] {
            assert_eq!(read(data).unwrap_err(), why);
        }
        assert_eq!(read(r#"{"room":"r","around":7,"limit":1000}"#).unwrap().limit, 1000);
    }
}
