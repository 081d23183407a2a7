//! `invites`: where somebody is invited.

use super::views::{InviteView, next};
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
            rest::USER,
            views::{After, ListQuery},
        },
    },
    features::people::Choices,
};
use hubbub_core::{
    log::checks,
    model::ids::{Invalid, RoomId, UserId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// See the module.
pub struct ListInvites;

/// Some of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitesPage {
    /// By the room's id.
    invites: Vec<InviteView>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Method for ListInvites {
    const NAME: &'static str = "invites";
    const DOC: Doc = Doc {
        summary: "The rooms into which one is invited, by id: of each the first invitation that waits.",
        example: r#"{"limit":100}
{"invites":[{"room":"kitchen","user":"dora","by":"ana","at":"2026-01-31T09:30:00.123Z","expires_at":"2026-02-14T09:30:00.123Z","kind":"private","name":"Kitchen"}]}"#,
        more: "None by people whom one has blocked. `next`, where there may be more, is the `after` of the next page. Ask after each connect.",
    };
    type On = Choices;
    type Request = (Option<RoomId>, usize);
    type Output = InvitesPage;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, (after, limit): Self::Request) -> Result<InvitesPage, MethodError> {
        let part = on.store.invites(&by.user, after.as_ref(), limit).await.map_err(ChatError::from)?;
        Ok(InvitesPage {
            invites: part.items.iter().map(InviteView::with_room).collect(),
            next: next(&part, |listed| listed.invite.room.to_string()),
        })
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct InvitesData<'a> {
    #[schema(value_type = Option<String>)]
    #[serde(borrow)]
    after: Option<After<'a>>,
    limit: Option<u64>,
}

fn page(after: Option<&str>, limit: Option<u64>) -> Result<(Option<RoomId>, usize), Invalid> {
    Ok((after.map(|after| RoomId::parse_as("after", after)).transpose()?, checks::page_limit(limit)?))
}

impl RpcMethod for ListInvites {
    type Data<'a> = InvitesData<'a>;

    fn read(data: InvitesData<'_>) -> Result<Self::Request, Invalid> {
        page(After::name(&data.after)?, data.limit)
    }
}

impl RestMethod for ListInvites {
    const ROUTE: Route = Route {
        tag: "invites",
        problems: &[422],
        example: "?limit=50",
        ..Route::new(Verb::Get, "/v1/users/{user}/invites", &[USER])
    };
    type Path = String;
    type Query = ListQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path)?;
        Ok((Actor::for_user(user), page(asked.query.after.as_deref(), asked.query.limit)?))
    }
}
