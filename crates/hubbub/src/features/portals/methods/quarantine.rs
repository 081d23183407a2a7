//! `quarantine`: events for sessions that were not known.

use super::{
    dead_letters::NumbersQuery,
    views::{PORTAL, PartView},
};
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, Verb},
    features::portals::{store::Quarantined, support::SupportChat},
};
use hubbub_core::log::checks;
use serde::Serialize;
use utoipa::ToSchema;

/// See the module.
pub struct ListQuarantine;

/// An event for a session that was not known.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantinedView {
    /// Its number.
    number: u64,
    /// The portal.
    portal: String,
    /// When it came.
    at: String,
    /// The session it named.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    /// The portal's own id of the conversation that it named.
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<String>,
    /// Who wrote.
    from: String,
    /// What was written.
    text: String,
    /// What tells repeats of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// It leaves by itself once its session is known.
    awaits: bool,
    /// When it is thrown away, if its session is not known by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl QuarantinedView {
    /// An event.
    pub fn new(kept: &Quarantined) -> Self {
        Self {
            number: kept.number,
            portal: kept.portal.to_string(),
            at: kept.at.to_string(),
            session: kept.session.clone(),
            external: kept.external.clone(),
            from: kept.from.to_string(),
            text: kept.text.clone(),
            event: kept.event.clone(),
            awaits: kept.awaits,
            until: kept.until.map(|until| until.to_string()),
        }
    }
}

impl Method for ListQuarantine {
    const NAME: &'static str = "quarantine";
    const DOC: Doc = Doc { summary: "Events for sessions that were not known, by number.", example: "", more: "" };
    type On = SupportChat;
    type Request = (String, NumbersQuery);
    type Output = PartView<QuarantinedView>;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        support: &SupportChat,
        _: &Actor,
        (portal, query): (String, NumbersQuery),
    ) -> Result<PartView<QuarantinedView>, MethodError> {
        let portal = support.portal(&portal).await?.id;
        let after = query.after.unwrap_or_default();
        let part = support.quarantined(&portal, after, checks::page_limit(query.limit)?).await?;
        Ok(PartView::new(&part, QuarantinedView::new, |kept| kept.number.to_string()))
    }
}

impl RestMethod for ListQuarantine {
    const ROUTE: Route = Route {
        tag: "portals",
        problems: &[404],
        ..Route::new(Verb::Get, "/v1/portals/{portal}/quarantine", &[PORTAL])
    };
    type Path = String;
    type Query = NumbersQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, NumbersQuery)), MethodError> {
        Ok((Actor::backend(), (asked.path, asked.query)))
    }
}
