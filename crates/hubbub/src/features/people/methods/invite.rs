//! `invite`: asks somebody to become a member of a room.

use super::views::InviteView;
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, Method, MethodError, OptionalJson, RestMethod, RestRequest, Route, RpcMethod, Verb,
            rest::{ROOM, USER},
            views::room,
            writing::InName,
        },
    },
    features::people::{
        Choices,
        invites::{Invited, NewInvite},
    },
};
use hubbub_core::{
    limits::{INVITE_DAYS, INVITES_OF_ROOM},
    log::account::Use,
    model::{
        access::{Refusal, RoomKind},
        ids::{Invalid, RoomId, UserId},
        rights::Act,
    },
    people::preferences::invite_signal,
};
use serde::Deserialize;
use std::{borrow::Cow, time::Duration};
use utoipa::ToSchema;

/// See the module.
pub struct Invite;

/// How long an invitation waits.
const LASTS: Duration = Duration::from_secs(INVITE_DAYS as u64 * 86_400);

impl Method for Invite {
    const NAME: &'static str = "invite";
    const DOC: Doc = Doc {
        summary: "Invites somebody into a room: they become a member once they say `accept_invite`. For whoever may add members.",
        example: r#"{"room":"kitchen","user":"dora"}
{"room":"kitchen","user":"dora","by":"ana","at":"2026-01-31T09:30:00.123Z","expires_at":"2026-02-14T09:30:00.123Z"}"#,
        more: "An invitation waits for 14 days. Whoever invites somebody again is answered with the first one as long as it waits. It is good as long as whoever has sent it may add members: \
who is no member any more, or of too low a role, has invited nobody. Who is a member or banned cannot be invited: 107. Whom somebody has blocked is answered as ever, and the invitation is not shown. \
The one who is invited is told by a [signal](#signals); [`invites`](#invites) has all of them. For a room and for a user at most 1,000 wait: 106. Whoever becomes a member, leaves, is removed or is banned is not invited there any more. Whoever is to be a member without being asked is added with `set_role`.",
    };
    type On = Choices;
    type Request = (RoomId, UserId);
    type Output = InviteView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, (room, user): (RoomId, UserId)) -> Result<InviteView, MethodError> {
        let view = on.chat.may(by, &room, Act::Invite).await?;
        if view.room.kind == RoomKind::Direct {
            return Err(Refusal::FixedMembers.into());
        }
        let theirs = on.chat.standing_of(&user, &room).await?.unwrap_or_default();
        if let Some(word) = theirs.word() {
            let why = if theirs.is_member() { "a member of" } else { "banned from" };
            return Err(Invalid::new("user", format!("{word}: this user is {why} this room already")).into());
        }
        on.chat.charge(by, &[Use::Entry, Use::People(1)])?;
        let new = NewInvite { room, user, by: by.user.clone(), lasts: LASTS };
        match on.store.invite(&new, INVITES_OF_ROOM).await.map_err(ChatError::from)? {
            Invited::Is { invite, is_news } => {
                if is_news {
                    on.tell(invite_signal(&invite.user, &invite.room, &invite.by));
                }
                Ok(InviteView::new(&invite))
            }
            Invited::TooMany => {
                let what = "invitations that wait for a room, or for a user";
                Err(Refusal::TooMany { field: "user", what, limit: INVITES_OF_ROOM }.into())
            }
            Invited::NoRoom => Err(Refusal::UnknownRoom.into()),
        }
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct InviteData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
}

impl InviteData<'_> {
    /// Who is invited, and where.
    ///
    /// # Errors
    /// Names the field.
    pub fn read(&self) -> Result<(RoomId, UserId), Invalid> {
        let room = room(self.room.as_deref())?;
        let user = self.user.as_deref().ok_or_else(|| Invalid::missing("user"))?;
        Ok((room, UserId::parse_outsider("user", user)?))
    }
}

impl RpcMethod for Invite {
    type Data<'a> = InviteData<'a>;

    fn read(data: InviteData<'_>) -> Result<Self::Request, Invalid> {
        data.read()
    }
}

impl RestMethod for Invite {
    const ROUTE: Route = Route {
        tag: "invites",
        problems: &[403, 404, 409, 422],
        ..Route::new(Verb::Put, "/v1/invites/{room}/{user}", &[ROOM, USER])
    };
    type Path = (String, String);
    type Query = InName;
    type Body = OptionalJson<InName>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let by = asked.query.actor(asked.body.0.from.as_deref())?;
        Ok((by, (RoomId::parse(&asked.path.0)?, UserId::parse_outsider("user", &asked.path.1)?)))
    }
}
