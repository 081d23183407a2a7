//! `preferences`: the rooms that are shown to somebody otherwise than usual.

use super::views::{PreferencesView, next};
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
pub struct ListPreferences;

/// Some of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreferencesPage {
    /// By the room's id.
    preferences: Vec<PreferencesView>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Method for ListPreferences {
    const NAME: &'static str = "preferences";
    const DOC: Doc = Doc {
        summary: "The rooms that are shown to oneself otherwise than usual, by id.",
        example: r#"{"limit":100}
{"preferences":[{"room":"general","notify":"mentions","pinned":true,"hidden":false}]}"#,
        more: "`next`, where there may be more, is the `after` of the next page.",
    };
    type On = Choices;
    type Request = (Option<RoomId>, usize);
    type Output = PreferencesPage;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, (after, limit): Self::Request) -> Result<PreferencesPage, MethodError> {
        let part = on.store.preferences(&by.user, after.as_ref(), limit).await.map_err(ChatError::from)?;
        Ok(PreferencesPage {
            preferences: part
                .items
                .iter()
                .map(|(room, preferences)| PreferencesView::new(room, *preferences))
                .collect(),
            next: next(&part, |(room, _)| room.to_string()),
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

fn page(after: Option<&str>, limit: Option<u64>) -> Result<(Option<RoomId>, usize), Invalid> {
    Ok((after.map(|after| RoomId::parse_as("after", after)).transpose()?, checks::page_limit(limit)?))
}

impl RpcMethod for ListPreferences {
    type Data<'a> = PageData<'a>;

    fn read(data: PageData<'_>) -> Result<Self::Request, Invalid> {
        page(After::name(&data.after)?, data.limit)
    }
}

impl RestMethod for ListPreferences {
    const ROUTE: Route = Route {
        tag: "users",
        problems: &[422],
        example: "?limit=50",
        ..Route::new(Verb::Get, "/v1/users/{user}/preferences", &[USER])
    };
    type Path = String;
    type Query = ListQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path)?;
        Ok((Actor::for_user(user), page(asked.query.after.as_deref(), asked.query.limit)?))
    }
}
