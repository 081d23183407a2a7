//! `withdraw_invite`: takes invitations back.

use super::invite::InviteData;
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, Method, MethodError, Nothing, OptionalJson, RestMethod, RestRequest, Route, RpcMethod,
            Verb,
            rest::{ROOM, USER},
            writing::InName,
        },
    },
    features::people::Choices,
};
use hubbub_core::model::{
    ids::{Invalid, RoomId, UserId},
    rights::Act,
};

/// See the module.
pub struct WithdrawInvite;

impl Method for WithdrawInvite {
    const NAME: &'static str = "withdraw_invite";
    const DOC: Doc = Doc {
        summary: "Takes all invitations of somebody into a room back, whoever has sent them. For whoever may add members.",
        example: r#"{"room":"kitchen","user":"dora"}
{}"#,
        more: "Where there is none, nothing changes. They are not told.",
    };
    type On = Choices;
    type Request = (RoomId, UserId);
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, (room, user): (RoomId, UserId)) -> Result<Nothing, MethodError> {
        on.chat.may(by, &room, Act::Invite).await?;
        on.store.end_invites(&room, &user).await.map_err(ChatError::from)?;
        Ok(Nothing {})
    }
}

impl RpcMethod for WithdrawInvite {
    type Data<'a> = InviteData<'a>;

    fn read(data: InviteData<'_>) -> Result<Self::Request, Invalid> {
        data.read()
    }
}

impl RestMethod for WithdrawInvite {
    const ROUTE: Route = Route {
        tag: "invites",
        success: &[204],
        is_silent: true,
        problems: &[403, 404, 422],
        ..Route::new(Verb::Delete, "/v1/invites/{room}/{user}", &[ROOM, USER])
    };
    type Path = (String, String);
    type Query = InName;
    type Body = OptionalJson<InName>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let by = asked.query.actor(asked.body.0.from.as_deref())?;
        Ok((by, (RoomId::parse(&asked.path.0)?, UserId::parse_outsider("user", &asked.path.1)?)))
    }
}
