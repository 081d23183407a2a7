//! `messages`: a page of a room's log.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::ROOM,
    views::{After, room},
};
use crate::{
    chat::{Chat, ChatError},
    store::Page,
};
use hubbub_core::{
    log::{checks, encoded, room::PageOf},
    model::ids::{Invalid, RoomId},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use utoipa::{IntoParams, ToSchema};

/// See the module.
pub struct ListMessages;

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagesRequest {
    /// The room.
    pub room: RoomId,
    /// Which page of its log.
    pub page: PageOf,
    /// Most entries.
    pub limit: usize,
}

/// A page of a room's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageView {
    /// Entries, ascending and without holes.
    #[schema(value_type = Vec<Object>)]
    entries: Vec<Box<RawValue>>,
    /// The last seq of the room.
    head: u64,
    /// The first seq that is kept.
    floor: u64,
    /// What the numbers count in.
    epoch: String,
}

impl PageView {
    /// A page.
    pub fn new(page: &Page) -> Self {
        Self {
            entries: page.entries.iter().map(encoded::raw).collect(),
            head: page.head.get(),
            floor: page.floor.get(),
            epoch: page.epoch.to_string(),
        }
    }
}

impl Method for ListMessages {
    const NAME: &'static str = "messages";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "A page of the log, ascending and without holes. At most one of `before`, `after`, `around` (a seq); without, \
            the newest.",
        example: r#"{"room":"general","before":42,"limit":50}
{"entries":[{"type":"message","seq":40,…},{"type":"joined","seq":41,…}],"head":57,"floor":1,"epoch":"1a2b3c4d.1"}"#,
        more: "`before` gives the nearest below, `after` the nearest above, `around` half below, then the entry itself and what \
            follows. `limit` is 1 to 1,000, 100 without. A page
may end early by weight, at its far end. An `after` beyond the head is an empty page; compare `epoch` yourself.",
    };
    type On = Chat;
    type Request = MessagesRequest;
    type Output = PageView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: MessagesRequest) -> Result<PageView, MethodError> {
        let MessagesRequest { room, page, limit } = request;
        let page = if by.is_backend() {
            chat.store.page(&room, page, limit).await?.ok_or(ChatError::UNKNOWN_ROOM)?
        } else {
            chat.page(&by.user, &room, page, limit).await?
        };
        Ok(PageView::new(&page))
    }
}

/// `data` of a call.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct MessagesData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    before: Option<u64>,
    #[serde(borrow)]
    after: Option<After<'a>>,
    around: Option<u64>,
    limit: Option<u64>,
}

impl RpcMethod for ListMessages {
    type Data<'a> = MessagesData<'a>;

    fn read(data: MessagesData<'_>) -> Result<MessagesRequest, Invalid> {
        Ok(MessagesRequest {
            room: room(data.room.as_deref())?,
            page: checks::page_of(data.before, After::seq(data.after)?, data.around)?,
            limit: checks::page_limit(data.limit)?,
        })
    }
}

/// Which page of a log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Entries before this seq, the nearest to it.
    before: Option<u64>,
    /// Entries after this seq, the nearest to it.
    after: Option<u64>,
    /// Entries around this seq.
    around: Option<u64>,
    /// 1 to 1,000; 100 without.
    limit: Option<u64>,
}

impl RestMethod for ListMessages {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[404, 422],
        example: "?before=120&limit=50",
        ..Route::new(Verb::Get, "/v1/rooms/{room}/messages", &[ROOM])
    };
    type Path = String;
    type Query = LogQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, MessagesRequest), MethodError> {
        let LogQuery { before, after, around, limit } = asked.query;
        let (room, limit) = (RoomId::parse(&asked.path)?, checks::page_limit(limit)?);
        Ok((Actor::backend(), MessagesRequest { room, page: checks::page_of(before, after, around)?, limit }))
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
            ("{}", "room: missing"),
        ] {
            assert_eq!(read(data).unwrap_err(), why);
        }
    }
}
