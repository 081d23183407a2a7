//! `delete_room`: a room is no more, and its id is never used again.

use super::{
    Actor, Doc, Edge, Method, MethodError, NoQuery, Nothing, OptionalJson, RestMethod, RestRequest, Route, Verb,
    rest::ROOM,
};
use crate::chat::Chat;
use hubbub_core::model::ids::RoomId;
use serde::Deserialize;
use utoipa::ToSchema;

/// See the module.
pub struct DeleteRoom;

/// Nothing: only the product's backend in its own name deletes rooms.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct Deletion {}

impl Method for DeleteRoom {
    const NAME: &'static str = "delete_room";
    const DOC: Doc =
        Doc { summary: "Deletes a room, with everything in it. Its id is never used again.", example: "", more: "" };
    type On = Chat;
    type Request = RoomId;
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, _: &Actor, room: RoomId) -> Result<Nothing, MethodError> {
        chat.delete_room(&room).await?;
        Ok(Nothing {})
    }
}

impl RestMethod for DeleteRoom {
    const ROUTE: Route = Route {
        audited: true,
        tag: "rooms",
        success: &[204],
        is_silent: true,
        problems: &[404],
        ..Route::new(Verb::Delete, "/v1/rooms/{room}", &[ROOM])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = OptionalJson<Deletion>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, RoomId), MethodError> {
        Ok((Actor::backend(), RoomId::parse(&asked.path)?))
    }
}
