//! `remove_member`: the product's backend removes a member, or lifts a ban.

use super::{
    Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb,
    rest::{ROOM, USER},
    views::ChangedView,
};
use crate::chat::{Chat, rooms::MembershipChange};
use hubbub_core::model::ids::{RoomId, UserId};

/// See the module.
pub struct RemoveMember;

impl Method for RemoveMember {
    const NAME: &'static str = "remove_member";
    const DOC: Doc = Doc { summary: "Removes a member, or lifts a ban.", example: "", more: "" };
    type On = Chat;
    type Request = (RoomId, UserId);
    type Output = ChangedView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, (room, user): (RoomId, UserId)) -> Result<ChangedView, MethodError> {
        let place = chat.change(by, &room, &user, MembershipChange::Remove).await?;
        Ok(ChangedView::new(&room, place))
    }
}

impl RestMethod for RemoveMember {
    const ROUTE: Route = Route {
        tag: "members",
        problems: &[404, 409],
        ..Route::new(Verb::Delete, "/v1/rooms/{room}/members/{user}", &[ROOM, USER])
    };
    type Path = (String, String);
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (RoomId, UserId)), MethodError> {
        let (room, user) = asked.path;
        // Any id: who came in by a name that is refused today can be removed.
        Ok((Actor::backend(), (RoomId::parse(&room)?, UserId::parse(&user)?)))
    }
}
