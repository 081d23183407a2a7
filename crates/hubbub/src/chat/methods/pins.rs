//! `pins`: the pinned messages of a room.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    messages::ListMessages,
    messages::{MessagesData, MessagesRequest},
    pages::{PageQuery, ShownView},
    rest::ROOM,
};
use crate::{chat::Chat, store::ShownOf};
use hubbub_core::model::ids::{Invalid, RoomId};

/// See the module.
pub struct ListPins;

impl Method for ListPins {
    const NAME: &'static str = "pins";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "The pinned messages of a room, ascending, as they are now, those in threads included. The pages are those of \
            `messages`; there are at most 100 pins, and only where they are heavy more than one page.",
        example: r#"{"room":"general"}
{"entries":[{"type":"message","seq":38,…,"pinned":true}],"as_of":57,"head":57,"floor":1,"epoch":"1a2b3c4d.1"}"#,
        more: "",
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
        Ok(ShownView::new(&chat.shown(by, &room, ShownOf::Pins(page), limit).await?))
    }
}

impl RpcMethod for ListPins {
    type Data<'a> = MessagesData<'a>;

    fn read(data: MessagesData<'_>) -> Result<MessagesRequest, Invalid> {
        ListMessages::read(data)
    }
}

impl RestMethod for ListPins {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[403, 404, 422],
        ..Route::new(Verb::Get, "/v1/rooms/{room}/pins", &[ROOM])
    };
    type Path = String;
    type Query = PageQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, MessagesRequest), MethodError> {
        let (page, limit, by) = asked.query.read()?;
        Ok((by, MessagesRequest { room: RoomId::parse(&asked.path)?, page, limit }))
    }
}
