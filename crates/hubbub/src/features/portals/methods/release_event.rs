//! `release_event`: takes an event out of quarantine.

use super::views::PORTAL;
use crate::{
    chat::methods::{
        Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb,
        rest::PathParam, send::SentView,
    },
    features::portals::support::SupportChat,
};
use hubbub_core::model::ids::RoomId;
use serde::Deserialize;
use utoipa::ToSchema;

/// See the module.
pub struct ReleaseEvent;

/// Which event, and where it goes.
pub struct ReleaseRequest {
    /// The portal.
    pub portal: String,
    /// The event's number.
    pub number: u64,
    /// The session; without one that which the event names.
    pub session: Option<String>,
}

/// Where an event from quarantine goes.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The session; without one that which the event names.
    session: Option<String>,
}

impl Method for ReleaseEvent {
    const NAME: &'static str = "release_event";
    const DOC: Doc =
        Doc { summary: "Takes an event out of quarantine, into the log of a session.", example: "", more: "" };
    type On = SupportChat;
    type Request = ReleaseRequest;
    type Output = SentView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, request: ReleaseRequest) -> Result<SentView, MethodError> {
        let portal = support.portal(&request.portal).await?.id;
        let kept = support.quarantined_event(&portal, request.number).await?;
        let session = request.session.as_deref().map(|id| RoomId::parse_as("session", id)).transpose()?;
        let (session, place) = support.release_event(kept, session.as_ref()).await?;
        Ok(SentView::new(&session, place))
    }
}

impl RestMethod for ReleaseEvent {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        problems: &[404, 422],
        example: r#"{"session":"order-4711"}"#,
        ..Route::new(
            Verb::Post,
            "/v1/portals/{portal}/quarantine/{number}/replay",
            &[PORTAL, PathParam::number("number", "The event's number", "17")],
        )
    };
    type Path = (String, u64);
    type Query = NoQuery;
    type Body = JsonBody<Release>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, ReleaseRequest), MethodError> {
        let (portal, number) = asked.path;
        Ok((Actor::backend(), ReleaseRequest { portal, number, session: asked.body.0.session }))
    }
}
