//! `replay_all_refused`: takes all refused webhooks of a portal after all.

use super::{replay_refused::ReplayedView, views::PORTAL};
use crate::{
    chat::methods::{Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{Portals, refused::After},
};
use hubbub_core::limits;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// See the module.
pub struct ReplayAllRefused;

/// Where to begin.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct ReplayFrom {
    /// What `next` of the answer before said; without it with the oldest.
    after: Option<String>,
}

/// What became of refused webhooks that were replayed.
#[derive(Serialize, ToSchema)]
pub struct ReplayedAllView {
    /// How many were taken.
    taken: usize,
    /// How many were refused again.
    refused: usize,
    /// Each, in the order in which they came.
    results: Vec<ReplayedView>,
    /// There are more: ask again with this as `after`. Where the last of `results` is undecided, wait a moment before.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Method for ReplayAllRefused {
    const NAME: &'static str = "replay_all_refused";
    const DOC: Doc = Doc {
        summary: "Takes the refused webhooks of a portal as if they came now, in the order in which they came, at most 100 at a time: `next` says where to go on. What is taken is kept no more.",
        example: "",
        more: "",
    };
    const PATIENCE: Duration =
        limits::REFUSED_HOOKS_REPLAY_WITHIN.saturating_add(limits::REQUEST_PATIENCE.saturating_mul(3));
    type On = Portals;
    type Request = (String, After);
    type Output = ReplayedAllView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        portals: &Portals,
        _: &Actor,
        (portal, after): (String, After),
    ) -> Result<ReplayedAllView, MethodError> {
        let portal = portals.support.portal(&portal).await?;
        let replayed = portals.replay_all_refused(&portal, after).await?;
        let results: Vec<_> = replayed.results.into_iter().map(ReplayedView::new).collect();
        let count = |outcome: &str| results.iter().filter(|one| one.outcome == outcome).count();
        Ok(ReplayedAllView {
            taken: count("taken"),
            refused: count("refused"),
            results,
            next: replayed.next.map(|next| next.to_string()),
        })
    }
}

impl RestMethod for ReplayAllRefused {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        problems: &[404, 422],
        ..Route::new(Verb::Post, "/v1/portals/{portal}/refused/replay", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<ReplayFrom>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, After)), MethodError> {
        let after = asked.body.0.after.as_deref().map(After::parse).transpose()?;
        Ok((Actor::backend(), (asked.path, after.unwrap_or_default())))
    }
}
