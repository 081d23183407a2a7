//! `history`: a page of a room's raw log, over REST. Clients have the command of this name.

use super::{
    Actor, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, Verb, entry::EntryView,
    messages::MessagesRequest, pages::PageQuery, rest::ROOM,
};
use crate::{
    chat::{Chat, ChatError},
    store::Page,
};
use hubbub_core::{log::encoded, model::ids::RoomId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// See the module.
pub struct ListHistory;

/// A page of a room's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageView {
    /// Entries, ascending and without holes.
    #[schema(value_type = Vec<EntryView>)]
    entries: Vec<Box<RawValue>>,
    /// The last seq of the room.
    head: u64,
    /// The first seq that may be read.
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

impl Method for ListHistory {
    const NAME: &'static str = "history";
    const DOC: Doc = Doc {
        summary: "A page of the raw log, ascending and without holes: every entry as it happened. At most one of `before`, `after`, \
            `around` (a seq); without, the newest.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = MessagesRequest;
    type Output = PageView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: MessagesRequest) -> Result<PageView, MethodError> {
        let MessagesRequest { room, page, limit } = request;
        let page = if by.is_backend() {
            match chat.store.page(&room, page, limit).await? {
                Some(page) => page,
                None => return Err(chat.view(&by.user, &room).await.err().unwrap_or(ChatError::UNKNOWN_ROOM).into()),
            }
        } else {
            chat.page(&by.user, &room, page, limit).await?
        };
        Ok(PageView::new(&page))
    }
}

impl RestMethod for ListHistory {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[403, 404, 422],
        example: "?after=120&limit=50",
        ..Route::new(Verb::Get, "/v1/rooms/{room}/history", &[ROOM])
    };
    type Path = String;
    type Query = PageQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, MessagesRequest), MethodError> {
        let (page, limit, by) = asked.query.read()?;
        Ok((by, MessagesRequest { room: RoomId::parse(&asked.path)?, page, limit }))
    }
}
