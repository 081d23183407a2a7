//! `try_portal`: sends a portal a test message, and shows what was said on both sides.

use super::views::{PORTAL, TrialView};
use crate::{
    chat::methods::{Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{Portals, trial::TrialWish},
};
use hubbub_core::{
    limits,
    model::ids::{Invalid, RoomId},
};
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;

/// See the module.
pub struct TryPortal;

/// A message that there is not.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestMessage {
    /// In this session, with what is known of it; without one in a session `test-session` of `test-customer`.
    session: Option<String>,
    /// What it says.
    text: Option<String>,
    /// message.created, session.opened, session.waiting or session.closed; message.created without.
    r#type: Option<String>,
}

impl TestMessage {
    /// Checks it.
    pub(super) fn wish(self) -> Result<TrialWish, Invalid> {
        let session = self.session.as_deref().map(|id| RoomId::parse_as("session", id)).transpose()?;
        Ok(TrialWish { session, text: self.text, kind: self.r#type })
    }
}

impl Method for TryPortal {
    const NAME: &'static str = "try_portal";
    const DOC: Doc = Doc {
        summary: "Sends a portal a test message, for real, and shows requests and answers; secrets are masked. Nothing of it is kept here, but the portal has it.",
        example: "",
        more: "",
    };
    const PATIENCE: Duration = limits::TRIAL_WITHIN.saturating_add(limits::REQUEST_PATIENCE);
    type On = Portals;
    type Request = (String, TrialWish);
    type Output = TrialView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(portals: &Portals, _: &Actor, (portal, wish): (String, TrialWish)) -> Result<TrialView, MethodError> {
        Ok(TrialView::new(portals.try_out(&portal, wish, true).await?))
    }
}

impl RestMethod for TryPortal {
    const ROUTE: Route = Route {
        tag: "portals",
        problems: &[404, 422],
        example: r#"{"text":"Is anybody there?"}"#,
        ..Route::new(Verb::Post, "/v1/portals/{portal}/try", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<TestMessage>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, TrialWish)), MethodError> {
        Ok((Actor::backend(), (asked.path, asked.body.0.wish()?)))
    }
}
