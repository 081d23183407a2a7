//! `replay_dead_letter`: sends a dead letter again.

use super::views::PORTAL;
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb, rest::PathParam,
    },
    features::portals::support::SupportChat,
};
use serde::Serialize;
use utoipa::ToSchema;

/// See the module.
pub struct ReplayDeadLetter;

/// How many are sent again.
#[derive(Serialize, ToSchema)]
pub struct Replaying {
    /// How many.
    pub(super) replaying: u64,
}

impl Method for ReplayDeadLetter {
    const NAME: &'static str = "replay_dead_letter";
    const DOC: Doc = Doc {
        summary: "Sends a dead letter again, at its session's next turn: out of order, with the same id. One attempt; if that fails it stays a dead letter.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = (String, u64);
    type Output = Replaying;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, (portal, number): (String, u64)) -> Result<Replaying, MethodError> {
        let portal = support.portal(&portal).await?;
        Ok(Replaying { replaying: support.replay_dead_letter(&portal, number).await? })
    }
}

impl RestMethod for ReplayDeadLetter {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        success: &[202],
        problems: &[404],
        ..Route::new(
            Verb::Post,
            "/v1/portals/{portal}/dead-letters/{number}/replay",
            &[PORTAL, PathParam::number("number", "The dead letter's number", "17")],
        )
    };
    type Path = (String, u64);
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, u64)), MethodError> {
        Ok((Actor::backend(), asked.path))
    }
}
