//! `list_rooms`: all rooms, or some of them, for the product's backend.

use super::{Actor, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, Verb, views::RoomView};
use crate::{
    chat::Chat,
    store::{FoundRoom, FoundRooms, RoomInfo, RoomQuery},
};
use hubbub_core::{
    log::checks,
    model::{
        access::{RoomKind, Standing},
        ids::{Invalid, RoomId, UserId},
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// See the module.
pub struct FindRooms;

/// Some of all rooms.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundRoomsView {
    /// The rooms, by id: `limit` at most, and fewer, or none, where many were looked at.
    rooms: Vec<RoomView>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl FoundRoomsView {
    fn new(found: &FoundRooms) -> Self {
        let view = |FoundRoom { room, topic, active_at }: &FoundRoom| {
            let info = RoomInfo { topic: topic.clone(), data: None };
            RoomView::new(room, Standing::Stranger).with_info(&info).active_at(*active_at)
        };
        Self {
            rooms: found.rooms.iter().map(view).collect(),
            next: found.next.as_ref().map(|next| next.as_str().to_owned()),
        }
    }
}

impl Method for FindRooms {
    const NAME: &'static str = "list_rooms";
    const DOC: Doc = Doc {
        summary: "All rooms, by id, or those that match every filter that is given. A page may have fewer rooms than `limit`, or none, \
                  although there are others: as long as there is `next` there may be.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = (RoomQuery, usize);
    type Output = FoundRoomsView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, _: &Actor, (query, limit): (RoomQuery, usize)) -> Result<FoundRoomsView, MethodError> {
        Ok(FoundRoomsView::new(&chat.store.find_rooms(&query, limit).await?))
    }
}

/// Which rooms.
#[derive(Deserialize, IntoParams, Default)]
#[into_params(parameter_in = Query)]
pub struct RoomsQuery {
    /// Of this kind: open, private or direct.
    kind: Option<String>,
    /// Whose ids begin so.
    prefix: Option<String>,
    /// In which this user is a member.
    member: Option<String>,
    /// In which something has happened at this time or later, as RFC 3339 writes it: any entry counts.
    active_since: Option<String>,
    /// Those after this id.
    after: Option<String>,
    /// 1 to 1,000; 100 without.
    limit: Option<u64>,
}

impl RoomsQuery {
    fn read(&self) -> Result<(RoomQuery, usize), Invalid> {
        let room = |field, id: &Option<String>| id.as_deref().map(|id| RoomId::parse_as(field, id)).transpose();
        let time = |text: &str| {
            let why = || Invalid::new("active_since", "a time as RFC 3339 writes it is expected, 2026-01-31T09:30:00Z");
            Timestamp::parse_strict(text).ok_or_else(why)
        };
        let query = RoomQuery {
            kind: self.kind.as_deref().map(RoomKind::parse).transpose()?,
            prefix: room("prefix", &self.prefix)?,
            member: self.member.as_deref().map(|user| UserId::parse_outsider("member", user)).transpose()?,
            active_since: self.active_since.as_deref().map(time).transpose()?,
            after: room("after", &self.after)?,
        };
        Ok((query, checks::page_limit(self.limit)?))
    }
}

impl RestMethod for FindRooms {
    const ROUTE: Route = Route {
        tag: "rooms",
        problems: &[422],
        example: "?kind=private&prefix=team-&limit=50",
        ..Route::new(Verb::Get, "/v1/rooms", &[])
    };
    type Path = ();
    type Query = RoomsQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        Ok((Actor::backend(), asked.query.read()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_none_is_named() {
        let read = |change: &dyn Fn(&mut RoomsQuery)| {
            let mut query = RoomsQuery::default();
            change(&mut query);
            query.read().map_err(|invalid| invalid.to_string())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read(&|_| {}).unwrap(), (RoomQuery::default(), 100));
        for (why, change) in [
            (
                "kind: one of open, private, direct",
                &(|query: &mut RoomsQuery| query.kind = some("deleted")) as &dyn Fn(&mut RoomsQuery),
            ),
            ("kind: one of open, private, direct", &|query: &mut RoomsQuery| query.kind = some("")),
            ("prefix: ", &|query: &mut RoomsQuery| query.prefix = some("a b")),
            ("prefix: ", &|query: &mut RoomsQuery| query.prefix = some("")),
            ("after: ", &|query: &mut RoomsQuery| query.after = some("\u{e9}")),
            ("member: ", &|query: &mut RoomsQuery| query.member = some("hubbub:api")),
            ("active_since: ", &|query: &mut RoomsQuery| query.active_since = some("yesterday")),
            ("active_since: ", &|query: &mut RoomsQuery| query.active_since = some("1700000000")),
            ("limit: 0; it is 1 to 1000", &|query: &mut RoomsQuery| query.limit = Some(0)),
        ] {
            let refused = read(change).unwrap_err();
            assert!(refused.starts_with(why), "{refused}: {why}");
        }
    }
}
