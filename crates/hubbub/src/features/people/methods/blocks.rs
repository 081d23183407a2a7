//! `blocks`: whom somebody has blocked.

use super::views::next;
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
    model::ids::{Invalid, UserId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// See the module.
pub struct ListBlocks;

/// Somebody who is blocked.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockView {
    /// Who.
    user: String,
    /// Since when.
    at: String,
}

/// Some of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlocksPage {
    /// By id.
    blocks: Vec<BlockView>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Method for ListBlocks {
    const NAME: &'static str = "blocks";
    const DOC: Doc = Doc {
        summary: "Whom one has blocked, by id.",
        example: r#"{"limit":100}
{"blocks":[{"user":"eve","at":"2026-01-31T09:30:00.123Z"}]}"#,
        more: "Clients hide by it what they do not want to show. `next`, where there may be more, is the `after` of the next page.",
    };
    type On = Choices;
    type Request = (Option<UserId>, usize);
    type Output = BlocksPage;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, (after, limit): Self::Request) -> Result<BlocksPage, MethodError> {
        let part = on.store.blocks(&by.user, after.as_ref(), limit).await.map_err(ChatError::from)?;
        Ok(BlocksPage {
            blocks: part
                .items
                .iter()
                .map(|(user, at)| BlockView { user: user.to_string(), at: at.to_string() })
                .collect(),
            next: next(&part, |(user, _)| user.to_string()),
        })
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct PageData<'a> {
    #[schema(value_type = Option<String>)]
    #[serde(borrow)]
    after: Option<After<'a>>,
    limit: Option<u64>,
}

fn page(after: Option<&str>, limit: Option<u64>) -> Result<(Option<UserId>, usize), Invalid> {
    Ok((after.map(|after| UserId::parse_as("after", after)).transpose()?, checks::page_limit(limit)?))
}

impl RpcMethod for ListBlocks {
    type Data<'a> = PageData<'a>;

    fn read(data: PageData<'_>) -> Result<Self::Request, Invalid> {
        page(After::name(&data.after)?, data.limit)
    }
}

impl RestMethod for ListBlocks {
    const ROUTE: Route = Route {
        tag: "users",
        problems: &[422],
        example: "?limit=50",
        ..Route::new(Verb::Get, "/v1/users/{user}/blocks", &[USER])
    };
    type Path = String;
    type Query = ListQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path)?;
        Ok((Actor::for_user(user), page(asked.query.after.as_deref(), asked.query.limit)?))
    }
}
