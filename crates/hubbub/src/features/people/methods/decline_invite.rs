//! `decline_invite`: stays outside of a room into which one is invited.

use super::accept_invite::InviteBody;
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, Method, MethodError, NoQuery, Nothing, OptionalJson, RestMethod, RestRequest, Route,
            RpcMethod, Verb,
            rest::{ROOM, USER},
            views::{RoomData, room},
        },
    },
    features::people::Choices,
};
use hubbub_core::model::ids::{Invalid, RoomId, UserId};

/// See the module.
pub struct DeclineInvite;

impl Method for DeclineInvite {
    const NAME: &'static str = "decline_invite";
    const DOC: Doc = Doc {
        summary: "Declines all invitations of oneself into a room.",
        example: r#"{"room":"kitchen"}
{}"#,
        more: "Nobody is told. Where there is none, nothing changes. Who is invited again is invited; who does not want that says `block`.",
    };
    type On = Choices;
    type Request = RoomId;
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, room: RoomId) -> Result<Nothing, MethodError> {
        on.store.end_invites(&room, &by.user).await.map_err(ChatError::from)?;
        Ok(Nothing {})
    }
}

impl RpcMethod for DeclineInvite {
    type Data<'a> = RoomData<'a>;

    fn read(data: RoomData<'_>) -> Result<RoomId, Invalid> {
        room(data.room.as_deref())
    }
}

impl RestMethod for DeclineInvite {
    const ROUTE: Route = Route {
        tag: "invites",
        success: &[204],
        is_silent: true,
        problems: &[422],
        ..Route::new(Verb::Delete, "/v1/users/{user}/invites/{room}", &[USER, ROOM])
    };
    type Path = (String, String);
    type Query = NoQuery;
    type Body = OptionalJson<InviteBody>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, RoomId), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path.0)?;
        Ok((Actor::for_user(user), RoomId::parse(&asked.path.1)?))
    }
}
