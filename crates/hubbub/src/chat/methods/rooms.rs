//! `rooms`: the rooms one is a member of.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::USER,
    views::{After, RoomView, next},
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
use utoipa::{IntoParams, ToSchema};

/// See the module.
pub struct ListRooms;

/// Which part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomsRequest {
    /// Those after this one, by id.
    pub after: Option<RoomId>,
    /// Most rooms.
    pub limit: usize,
    /// Whether what is unread is counted, too.
    pub unread: bool,
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
            let view =
                RoomView::new(&l.room, l.standing).with_info(&l.info).with_last(last).with_preferences(l.preferences);
            if let Some(unread) = l.unread { view.with_unread(unread) } else { view }
        };
        Self { rooms: part.items.iter().map(view).collect(), next: next(part, |l| l.room.id.to_string()) }
    }
}

impl Method for ListRooms {
    const NAME: &'static str = "rooms";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "The rooms one is a member of, by id.",
        example: r#"{"after":"general","limit":100,"unread":true}
{"rooms":[{"id":"kitchen","kind":"private","name":"Kitchen","head":9,"floor":1,"epoch":"1a2b3c4d.1","role":"member","last":{"type":"message","seq":8,…},"read":5,"unread":{"count":2},"mentions":{"count":1}}],"next":"kitchen"}"#,
        more: "`last` is the newest message that the room shows, as it is now, as in `messages`. `read`, `unread` and `mentions` are those of [`unread`](#unread), for whoever says `unread`: a page has no more than 100 rooms then, whatever `limit` says. `settings` are those of `change_room`, all of them; absent where nothing is set; so are `topic` and `data`. `preferences` are those of [`set_preferences`](#set_preferences), absent where all is as usual. `next`, where there may be more, is the `after` of the next page.",
    };
    type On = Chat;
    type Request = RoomsRequest;
    type Output = RoomsView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: RoomsRequest) -> Result<RoomsView, MethodError> {
        let RoomsRequest { after, limit, unread } = request;
        let part = chat.store.rooms_of(&by.user, after.as_ref(), limit, unread).await?;
        Ok(RoomsView::new(&part))
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct RoomsData<'a> {
    #[schema(value_type = Option<String>)]
    #[serde(borrow)]
    after: Option<After<'a>>,
    limit: Option<u64>,
    unread: bool,
}

fn asked(after: Option<&str>, limit: Option<u64>, unread: bool) -> Result<RoomsRequest, Invalid> {
    let after = after.map(|after| RoomId::parse_as("after", after)).transpose()?;
    let most = if unread { UNREAD_ROOMS } else { usize::MAX };
    Ok(RoomsRequest { after, limit: checks::page_limit(limit)?.min(most), unread })
}

impl RpcMethod for ListRooms {
    type Data<'a> = RoomsData<'a>;

    fn read(data: RoomsData<'_>) -> Result<RoomsRequest, Invalid> {
        asked(After::name(&data.after)?, data.limit, data.unread)
    }
}

/// Which page of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RoomsQuery {
    /// Those after this id.
    pub after: Option<String>,
    /// 1 to 1,000; 100 without.
    pub limit: Option<u64>,
    /// Whether what is unread is counted, too: then a page has 100 rooms at most.
    pub unread: Option<bool>,
}

impl RestMethod for ListRooms {
    const ROUTE: Route = Route {
        tag: "users",
        problems: &[422],
        example: "?unread=true",
        ..Route::new(Verb::Get, "/v1/users/{user}/rooms", &[USER])
    };
    type Path = String;
    type Query = RoomsQuery;
    type Body = NoBody;

    fn translate(request: RestRequest<Self>) -> Result<(Actor, RoomsRequest), MethodError> {
        let user = UserId::parse_outsider("user", &request.path)?;
        let RoomsQuery { after, limit, unread } = request.query;
        Ok((Actor::for_user(user), asked(after.as_deref(), limit, unread.unwrap_or_default())?))
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
        assert_eq!((request.after.unwrap().as_str(), request.limit, request.unread), ("general", 100, false));
        assert_eq!(read(r#"{"limit":1000}"#).unwrap().limit, 1_000);
        let counted = read(r#"{"limit":1000,"unread":true}"#).unwrap();
        assert_eq!((counted.limit, counted.unread), (100, true), "a page counts in no more");
        assert_eq!(read(r#"{"limit":7,"unread":true}"#).unwrap().limit, 7);
        assert!(RawData::from_json(r#"{"unread":1}"#).read::<RoomsData<'_>>().is_err());
        assert_eq!(read(r#"{"after":7}"#).unwrap_err().to_string(), "after: an id is a string");
        assert_eq!(read(r#"{"limit":1001}"#).unwrap_err().to_string(), "limit: 1001; it is 1 to 1000");
    }
}
