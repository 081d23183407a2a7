//! `thread`: a page of the replies in a thread.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    pages::{PageQuery, ShownView, page_of},
    rest::{MESSAGE, ROOM},
    views::{After, room},
};
use crate::{chat::Chat, store::ShownOf};
use hubbub_core::{
    log::room::PageOf,
    model::{
        access::Refusal,
        ids::{Invalid, RoomId},
        seq::Seq,
    },
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct ListThread;

/// Which page of which thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadRequest {
    /// The room.
    pub room: RoomId,
    /// The message that is the thread's root.
    pub root: Seq,
    /// Which page.
    pub page: PageOf,
    /// Most replies.
    pub limit: usize,
}

impl Method for ListThread {
    const NAME: &'static str = "thread";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "A page of the replies in a thread, as they are now. `root` is the seq of the message that it hangs on; the pages are \
            those of `messages`.",
        example: r#"{"room":"general","root":38,"limit":50}
{"entries":[{"type":"message","seq":41,…,"thread":38},{"type":"message","seq":44,…,"thread":38,"in_room":true}],"as_of":57,"head":57,"floor":1,"epoch":"1a2b3c4d.1"}"#,
        more: "The root itself is asked for with `message`. A thread goes on under a root that was deleted, and replies below `floor` \
            are left out.",
    };
    type On = Chat;
    type Request = ThreadRequest;
    type Output = ShownView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: ThreadRequest) -> Result<ShownView, MethodError> {
        let ThreadRequest { room, root, page, limit } = request;
        let shown = chat.shown(by, &room, ShownOf::Thread(root, page), limit).await?;
        if shown.entries.is_empty() && (root >= shown.floor || root == Seq::ZERO) {
            // There is nothing: is there anything it may hang on?
            let found = chat.shown(by, &room, ShownOf::One(root), 1).await?;
            let message = found.entries.first().ok_or(Refusal::NoSuchMessage("root"))?;
            if let Some(root) = message.thread() {
                return Err(Refusal::InThread(root).into());
            }
        }
        Ok(ShownView::new(&shown))
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct ThreadData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    root: Option<u64>,
    before: Option<u64>,
    #[schema(value_type = Option<u64>)]
    #[serde(borrow)]
    after: Option<After<'a>>,
    around: Option<u64>,
    limit: Option<u64>,
}

impl RpcMethod for ListThread {
    type Data<'a> = ThreadData<'a>;

    fn read(data: ThreadData<'_>) -> Result<ThreadRequest, Invalid> {
        let root = Seq::new(data.root.ok_or_else(|| Invalid::missing("root"))?);
        let (page, limit) = page_of(data.before, data.after, data.around, data.limit)?;
        Ok(ThreadRequest { room: room(data.room.as_deref())?, root, page, limit })
    }
}

impl RestMethod for ListThread {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[403, 404, 422],
        example: "?limit=50",
        ..Route::new(Verb::Get, "/v1/rooms/{room}/messages/{seq}/thread", &[ROOM, MESSAGE])
    };
    type Path = (String, u64);
    type Query = PageQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, ThreadRequest), MethodError> {
        let (page, limit, by) = asked.query.read()?;
        let (room, root) = (RoomId::parse(&asked.path.0)?, Seq::new(asked.path.1));
        Ok((by, ThreadRequest { room, root, page, limit }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn a_thread_is_named_by_its_root() {
        let read = |data: &str| ListThread::read(RawData::from_json(data).read().unwrap());
        let request = read(r#"{"room":"r","root":7,"before":30}"#).unwrap();
        assert_eq!((request.root, request.page), (Seq::new(7), PageOf::Before(Seq::new(30))));
        for (data, why) in [
            (r#"{"room":"r"}"#, "root: missing"),
            (r#"{"root":7}"#, "room: missing"),
            (r#"{"room":"r","root":7,"after":"x"}"#, "after: a seq is a number"),
        ] {
            assert_eq!(read(data).unwrap_err().to_string(), why);
        }
    }
}
