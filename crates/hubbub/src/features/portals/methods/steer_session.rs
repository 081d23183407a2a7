//! `steer_session`: what an operator does about what waits in a session.

use super::views::{DeliveryView, SESSION};
use crate::{
    chat::methods::{Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{steering::SessionAction, support::SupportChat},
};
use hubbub_core::model::ids::{Invalid, RoomId};
use serde::Deserialize;
use utoipa::ToSchema;

/// See the module.
pub struct SteerSession;

/// What is to be done about what waits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Steering {
    /// skip: the next message becomes a dead letter, and the session goes on. retry: it is tried at once, as if for the first time.
    /// disable: the portal is sent nothing more of the session, everything waits. enable: it goes on.
    action: String,
}

impl Method for SteerSession {
    const NAME: &'static str = "steer_session";
    const DOC: Doc = Doc {
        summary: "What waits in a session: skips the next message or tries it at once, or stops the session and lets it go on.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = (RoomId, SessionAction);
    type Output = DeliveryView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        support: &SupportChat,
        _: &Actor,
        (id, action): (RoomId, SessionAction),
    ) -> Result<DeliveryView, MethodError> {
        Ok(DeliveryView::new(&support.steer_session(&id, action).await?))
    }
}

impl RestMethod for SteerSession {
    const ROUTE: Route = Route {
        audited: true,
        tag: "sessions",
        problems: &[404, 409, 422],
        example: r#"{"action":"skip"}"#,
        ..Route::new(Verb::Post, "/v1/sessions/{session}/delivery", &[SESSION])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<Steering>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (RoomId, SessionAction)), MethodError> {
        let id = RoomId::parse_as("session", &asked.path)?;
        let action = SessionAction::parse(&asked.body.0.action);
        let action = action.ok_or_else(|| Invalid::new("action", "it is skip, retry, disable or enable"))?;
        Ok((Actor::backend(), (id, action)))
    }
}
