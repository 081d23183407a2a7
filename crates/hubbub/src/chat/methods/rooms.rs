//! `rooms`: the rooms one is a member of.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::USER,
    views::{After, ListQuery, RoomView, next},
};
use crate::{
    chat::Chat,
    store::{ListPart, Listed},
};
use hubbub_core::{
    limits::UNREAD_ROOMS,
    log::{checks, fold::Shown},
    model::ids::{Invalid, RoomId, UserId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// See the module.
pub struct ListRooms;

/// Which part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomsRequest {
    /// Those after this one, by id.
    pub after: Option<RoomId>,
    /// Most rooms.
    pub limit: usize,
}

/// Some of a user's rooms.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomsView {
    /// The rooms, by id.
    rooms: Vec<RoomView>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl RoomsView {
    /// A part of the list.
    pub fn new(part: &ListPart<Listed>) -> Self {
        let view = |l: &Listed| {
            let last = l.last.as_ref().map(Shown::raw);
            RoomView::new(&l.room, l.standing).with_info(&l.info).with_last(last).with_unread(l.unread)
        };
        Self { rooms: part.items.iter().map(view).collect(), next: next(part, |l| l.room.id.to_string()) }
    }
}

impl Method for ListRooms {
    const NAME: &'static str = "rooms";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "The rooms one is a member of, by id.",
        example: r#"{"after":"general","limit":100}
{"rooms":[{"id":"kitchen","kind":"private","name":"Kitchen","head":9,"floor":1,"epoch":"1a2b3c4d.1","role":"member","last":{"type":"message","seq":8,…},"read":5,"unread":{"count":2},"mentions":{"count":1}}],"next":"kitchen"}"#,
        more: "`last` is the newest message that the room shows, as it is now, as in `messages`. `read`, `unread` and `mentions` are those of [`unread`](#unread). `settings` are those of `change_room`, all of them; absent where nothing is set; so are `topic` and `data`. `next`, where there may be more, is the `after` of the next page; a page has no more than 100 rooms, whatever `limit` says.",
    };
    type On = Chat;
    type Request = RoomsRequest;
    type Output = RoomsView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: RoomsRequest) -> Result<RoomsView, MethodError> {
        let part = chat.store.rooms_of(&by.user, request.after.as_ref(), request.limit).await?;
        Ok(RoomsView::new(&part))
    }
}

/// `data` of a call.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RoomsData<'a> {
    #[serde(borrow)]
    after: Option<After<'a>>,
    limit: Option<u64>,
}

fn asked(after: Option<&str>, limit: Option<u64>) -> Result<RoomsRequest, Invalid> {
    let after = after.map(|after| RoomId::parse_as("after", after)).transpose()?;
    Ok(RoomsRequest { after, limit: checks::page_limit(limit)?.min(UNREAD_ROOMS) })
}

impl RpcMethod for ListRooms {
    type Data<'a> = RoomsData<'a>;

    fn read(data: RoomsData<'_>) -> Result<RoomsRequest, Invalid> {
        asked(After::name(&data.after)?, data.limit)
    }
}

impl RestMethod for ListRooms {
    const ROUTE: Route = Route {
        tag: "users",
        problems: &[422],
        example: "?limit=50",
        ..Route::new(Verb::Get, "/v1/users/{user}/rooms", &[USER])
    };
    type Path = String;
    type Query = ListQuery;
    type Body = NoBody;

    fn translate(request: RestRequest<Self>) -> Result<(Actor, RoomsRequest), MethodError> {
        let user = UserId::parse_outsider("user", &request.path)?;
        Ok((Actor::for_user(user), asked(request.query.after.as_deref(), request.query.limit)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn a_list_goes_on_after_an_id() {
        let read = |data: &str| ListRooms::read(RawData::from_json(data).read().unwrap());
        let request = read(r#"{"after":"general"}"#).unwrap();
        assert_eq!((request.after.unwrap().as_str(), request.limit), ("general", 100));
        assert_eq!(read(r#"{"limit":1000}"#).unwrap().limit, 100, "a page looks at no more");
        assert_eq!(read(r#"{"after":7}"#).unwrap_err().to_string(), "after: an id is a string");
        assert_eq!(read(r#"{"limit":1001}"#).unwrap_err().to_string(), "limit: 1001; it is 1 to 1000");
    }
}
