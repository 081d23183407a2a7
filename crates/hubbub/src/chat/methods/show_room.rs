//! `show_room`: a room, for the product's backend.

use super::{
    Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb, rest::ROOM,
    views::RoomView,
};
use crate::chat::Chat;
use hubbub_core::model::{access::Standing, ids::RoomId};

/// See the module.
pub struct ShowRoom;

impl Method for ShowRoom {
    const NAME: &'static str = "show_room";
    const DOC: Doc = Doc { summary: "A room.", example: "", more: "" };
    type On = Chat;
    type Request = RoomId;
    type Output = RoomView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, room: RoomId) -> Result<RoomView, MethodError> {
        let view = chat.view(&by.user, &room).await?;
        let info = chat.store.room_info(&room).await?;
        Ok(RoomView::new(&view.room, Standing::Stranger).with_info(&info))
    }
}

impl RestMethod for ShowRoom {
    const ROUTE: Route = Route { tag: "rooms", problems: &[404], ..Route::new(Verb::Get, "/v1/rooms/{room}", &[ROOM]) };
    type Path = String;
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, RoomId), MethodError> {
        Ok((Actor::backend(), RoomId::parse(&asked.path)?))
    }
}
