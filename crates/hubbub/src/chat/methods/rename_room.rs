//! `rename_room`: gives a room another name.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb, rest::ROOM,
    views::ChangedView,
};
use crate::chat::Chat;
use hubbub_core::{
    log::{
        checks,
        kinds::{Renamed, What},
    },
    model::ids::RoomId,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// See the module.
pub struct RenameRoom;

/// The room, and its name to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameRequest {
    /// The room.
    pub room: RoomId,
    /// For people.
    pub name: String,
}

/// A name to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewName {
    /// For people.
    name: String,
}

impl Method for RenameRoom {
    const NAME: &'static str = "rename_room";
    const DOC: Doc = Doc { summary: "Gives a room another name.", example: "", more: "" };
    type On = Chat;
    type Request = RenameRequest;
    type Output = ChangedView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: RenameRequest) -> Result<ChangedView, MethodError> {
        let RenameRequest { room, name } = request;
        let place = chat.append(by, &room, What::Renamed(Renamed { name })).await?;
        Ok(ChangedView::new(&room, place))
    }
}

impl RestMethod for RenameRoom {
    const ROUTE: Route = Route {
        tag: "rooms",
        problems: &[404],
        example: r#"{"name":"Kitchen"}"#,
        ..Route::new(Verb::Patch, "/v1/rooms/{room}", &[ROOM])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<NewName>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, RenameRequest), MethodError> {
        let room = RoomId::parse(&asked.path)?;
        Ok((Actor::backend(), RenameRequest { room, name: checks::room_name(&asked.body.0.name)? }))
    }
}
