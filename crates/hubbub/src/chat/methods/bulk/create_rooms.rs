//! `create_rooms`: many rooms at once.

use super::at_once;
use crate::chat::{
    Chat,
    methods::{
        Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, Problem, RestMethod, RestRequest, Route, Verb,
        create_room::{CreateRequest, CreateRoom, NewRoom},
        views::RoomView,
    },
};
use futures_util::{StreamExt, stream};
use hubbub_core::{limits, model::ids::Invalid};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, time::Duration};
use utoipa::ToSchema;

/// See the module.
pub struct CreateRooms;

/// Rooms that are made side by side.
const TOGETHER: usize = 4;

/// Rooms to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRooms {
    /// At most 100, each as in `create_room`.
    rooms: Vec<NewRoom>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
pub struct CreatedRoom {
    /// It was not there before.
    created: bool,
    /// The room.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<RoomView>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// What became of them.
#[derive(Serialize, ToSchema)]
pub struct CreatedRooms {
    /// One for each asked, in order.
    results: Vec<CreatedRoom>,
}

impl Method for CreateRooms {
    const NAME: &'static str = "create_rooms";
    const PATIENCE: Duration = limits::BULK_PATIENCE;
    const DOC: Doc = Doc {
        summary: "Makes many rooms at once, each as `create_room` does and with its own result; no id twice. Asking again finds those that were made.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = Vec<Result<CreateRequest, Invalid>>;
    type Output = CreatedRooms;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, rooms: Self::Request) -> Result<CreatedRooms, MethodError> {
        // They are made side by side: which of two would be first?
        let mut ids = HashSet::new();
        let rooms = rooms.into_iter().map(|room| {
            let room = room?;
            match &room {
                CreateRequest::Group { id: Some(id), .. } if !ids.insert(id.clone()) => {
                    Err(Invalid::new("id", format!("{id} is named twice")))
                }
                _ => Ok(room),
            }
        });
        let make = async |room: Result<CreateRequest, Invalid>| match room {
            Ok(room) => CreateRoom::run(chat, by, room).await,
            Err(invalid) => Err(invalid.into()),
        };
        let made: Vec<_> = stream::iter(rooms).map(make).buffered(TOGETHER).collect().await;
        let result = |made: Result<RoomView, MethodError>| match made {
            Ok(room) => CreatedRoom { created: room.is_new, room: Some(room), error: None },
            Err(error) => CreatedRoom { created: false, room: None, error: Some(error.into()) },
        };
        Ok(CreatedRooms { results: made.into_iter().map(result).collect() })
    }
}

impl RestMethod for CreateRooms {
    const ROUTE: Route = Route {
        tag: "bulk",
        problems: &[422],
        example: r#"{"rooms":[{"id":"kitchen","kind":"private","members":[{"user":"ana","role":"admin"}]}]}"#,
        ..Route::new(Verb::Post, "/v1/bulk/rooms", &[])
    };
    type Path = ();
    type Query = NoQuery;
    type Body = JsonBody<NewRooms>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let JsonBody(NewRooms { rooms }) = asked.body;
        at_once("rooms", rooms.len(), limits::ROOMS_AT_ONCE)?;
        Ok((Actor::backend(), rooms.iter().map(NewRoom::request).collect()))
    }
}
