//! `refused`: webhooks that were verified and then refused.

use super::{
    dead_letters::NumbersQuery,
    views::{PORTAL, PartView},
};
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, Verb},
    features::portals::support::SupportChat,
};
use hubbub_core::{log::checks, portal::refused::RefusedHook};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// See the module.
pub struct ListRefused;

/// A webhook that was verified and then refused, and is kept for a while.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedView {
    /// Its number.
    number: u64,
    /// The portal.
    portal: String,
    /// When it came first.
    at: String,
    /// When it came last.
    last_at: String,
    /// How often it came.
    times: u64,
    /// How it was answered last: the status.
    status: u16,
    /// The code in the answer.
    code: String,
    /// Why, in words.
    why: String,
    /// What of its headers is kept: the content type, and what may hold its id.
    headers: BTreeMap<String, String>,
    /// What it weighs.
    bytes: u64,
}

impl RefusedView {
    /// A refused webhook.
    pub fn new(kept: &RefusedHook) -> Self {
        Self {
            number: kept.number,
            portal: kept.portal.to_string(),
            at: kept.at.to_string(),
            last_at: kept.last_at.to_string(),
            times: kept.times,
            status: kept.verdict.status,
            code: kept.verdict.code.clone(),
            why: kept.verdict.why.clone(),
            headers: kept.headers.clone(),
            bytes: kept.bytes,
        }
    }
}

impl Method for ListRefused {
    const NAME: &'static str = "refused";
    const DOC: Doc = Doc {
        summary: "Webhooks of the portal that were verified and then refused with a 4xx, by number, without their bodies. They are kept for seven days at most.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = (String, NumbersQuery);
    type Output = PartView<RefusedView>;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        support: &SupportChat,
        _: &Actor,
        (portal, query): (String, NumbersQuery),
    ) -> Result<PartView<RefusedView>, MethodError> {
        let portal = support.portal(&portal).await?.id;
        let after = query.after.unwrap_or_default();
        let part = support.list_refused(&portal, after, checks::page_limit(query.limit)?).await?;
        Ok(PartView::new(&part, RefusedView::new, |kept| kept.number.to_string()))
    }
}

impl RestMethod for ListRefused {
    const ROUTE: Route =
        Route { tag: "portals", problems: &[404], ..Route::new(Verb::Get, "/v1/portals/{portal}/refused", &[PORTAL]) };
    type Path = String;
    type Query = NumbersQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, NumbersQuery)), MethodError> {
        Ok((Actor::backend(), (asked.path, asked.query)))
    }
}
