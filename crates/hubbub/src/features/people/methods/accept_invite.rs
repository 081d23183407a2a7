//! `accept_invite`: becomes a member of a room into which one is invited.

use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, Method, MethodError, NoQuery, OptionalJson, RestMethod, RestRequest, Route, RpcMethod,
            Verb,
            rest::{ROOM, USER},
            views::room,
            writing::{Writing, WrittenView, queue},
        },
    },
    features::people::Choices,
};
use hubbub_core::{
    log::{
        account::Use,
        entry::Right,
        kinds::{Joined, What},
    },
    model::{
        access::Role,
        ids::{Invalid, Key, RoomId, UserId},
        rights::Act,
    },
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct AcceptInvite;

/// What is said where nobody has invited somebody, whether there is such a room or not.
pub fn none() -> MethodError {
    MethodError::new(404, "unknown_invite", "room: you are not invited there, or not any more")
}

impl Method for AcceptInvite {
    const NAME: &'static str = "accept_invite";
    const DOC: Doc = Doc {
        summary: "Becomes a member of a room into which one is invited.",
        example: r#"{"room":"kitchen","key":"5b0c…"}
{"id":"0198…","room":"kitchen","seq":12,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:30:00.123Z"}"#,
        more: "The entry `joined` is one's own. Who was a reader when they left is one again. Who is a member already: without `seq`. Who is not invited, or not any more (it was withdrawn, it has expired, whoever \
has sent it may not add members any more), is told so, alike for every room: 107. Who was banned meanwhile stays outside: 102, in an open room 103.",
    };
    type On = Choices;
    type Request = (RoomId, Option<Key>);
    type Output = WrittenView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, (room, key): Self::Request) -> Result<WrittenView, MethodError> {
        on.chat.charge(by, &[Use::Entry])?;
        let waiting = on.store.invites_into(&by.user, &room).await.map_err(ChatError::from)?;
        let mut is_invited = false;
        for invite in &waiting {
            match on.chat.may(&invite.actor(), &room, Act::Invite).await {
                Ok(_) => {
                    is_invited = true;
                    break;
                }
                Err(ChatError::Refused(_)) => {}
                // It is not known.
                Err(error) => return Err(error.into()),
            }
        }
        if !is_invited {
            // A retry, or somebody who has come in otherwise.
            let is_member = on.chat.standing_of(&by.user, &room).await?.is_some_and(|standing| standing.is_member());
            return if is_member { Ok(WrittenView::new(&room, None)) } else { Err(none()) };
        }
        let what = What::Joined(Joined { user: by.user.clone(), role: Role::Member });
        let writing = Writing::new(room.clone(), key, what);
        let queued = queue(&on.chat, &by.source, &by.user, Right::Returning, writing, true)?;
        let place = queued.committed().await?;
        on.store.end_invites(&room, &by.user).await.map_err(ChatError::from)?;
        Ok(WrittenView::new(&room, place))
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct AcceptData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

impl RpcMethod for AcceptInvite {
    type Data<'a> = AcceptData<'a>;

    fn read(data: AcceptData<'_>) -> Result<Self::Request, Invalid> {
        Ok((room(data.room.as_deref())?, data.key.as_deref().map(Key::parse).transpose()?))
    }
}

/// Nothing: the path says it all.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct InviteBody {}

impl RestMethod for AcceptInvite {
    const ROUTE: Route = Route {
        tag: "invites",
        problems: &[403, 404, 409, 422],
        idempotency_key: true,
        ..Route::new(Verb::Post, "/v1/users/{user}/invites/{room}/accept", &[USER, ROOM])
    };
    type Path = (String, String);
    type Query = NoQuery;
    type Body = OptionalJson<InviteBody>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let key = asked.key()?;
        let user = UserId::parse_outsider("user", &asked.path.0)?;
        Ok((Actor::for_user(user), (RoomId::parse(&asked.path.1)?, key)))
    }
}
