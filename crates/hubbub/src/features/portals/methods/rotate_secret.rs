//! `rotate_secret`: gives a portal another secret.

use super::views::{PORTAL, PortalView};
use crate::{
    chat::methods::{Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{rotation::Direction, support::SupportChat},
};
use hubbub_core::limits;
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;

/// See the module.
pub struct RotateSecret;

/// A secret to be, checked.
pub struct RotateRequest {
    /// The portal.
    pub portal: String,
    /// What it is for.
    pub direction: Direction,
    /// The new secret; made where none is given.
    pub secret: Option<String>,
    /// For how long the old one stays good.
    pub keep: Duration,
}

/// A secret to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// outgoing, incoming or challenge, for webhooks; access, for what opens the portal to our calls; grant, for the first refresh
    /// token.
    direction: String,
    /// The new secret; made where none is given, for outgoing and incoming.
    secret: Option<String>,
    /// For how many seconds the old one stays good beside it; 86,400 without.
    keep_seconds: Option<u64>,
}

impl Method for RotateSecret {
    const NAME: &'static str = "rotate_secret";
    const DOC: Doc = Doc {
        summary: "Gives a portal another secret; the old one stays good beside it for a day, or as long as is said. It is in this answer and in no other. What opens the portal to our calls (`access`, `grant`) replaces the old one at once, and is in no answer.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = RotateRequest;
    type Output = PortalView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, request: RotateRequest) -> Result<PortalView, MethodError> {
        let RotateRequest { portal, direction, secret, keep } = request;
        let (portal, secret) = support.rotate_secret(&portal, direction, secret.as_deref(), keep).await?;
        let view = PortalView::new(&portal);
        Ok(match direction {
            Direction::Outgoing => view.with_outgoing_secret(secret),
            Direction::Incoming => view.with_incoming_secret(secret),
            Direction::Challenge => view.with_challenge_secret(secret),
            // Whoever gave it has it.
            Direction::Access | Direction::Grant => view,
        })
    }
}

impl RestMethod for RotateSecret {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        problems: &[404, 422],
        example: r#"{"direction":"incoming"}"#,
        ..Route::new(Verb::Post, "/v1/portals/{portal}/secrets", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<NewSecret>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, RotateRequest), MethodError> {
        let JsonBody(new) = asked.body;
        let request = RotateRequest {
            portal: asked.path,
            direction: Direction::parse(&new.direction)?,
            secret: new.secret,
            keep: new.keep_seconds.map_or(limits::ROTATION, Duration::from_secs),
        };
        Ok((Actor::backend(), request))
    }
}
