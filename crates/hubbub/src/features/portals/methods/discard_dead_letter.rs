//! `discard_dead_letter`: throws a dead letter away.

use super::views::PORTAL;
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, Nothing, RestMethod, RestRequest, Route, Verb,
        rest::PathParam,
    },
    features::portals::support::SupportChat,
};

/// See the module.
pub struct DiscardDeadLetter;

impl Method for DiscardDeadLetter {
    const NAME: &'static str = "discard_dead_letter";
    const DOC: Doc =
        Doc { summary: "Throws a dead letter away; a session that stands still at it goes on.", example: "", more: "" };
    type On = SupportChat;
    type Request = (String, u64);
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, (portal, number): (String, u64)) -> Result<Nothing, MethodError> {
        let portal = support.left_by(&portal).await?;
        support.discard_dead_letter(&portal, number).await?;
        Ok(Nothing {})
    }
}

impl RestMethod for DiscardDeadLetter {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        success: &[204],
        is_silent: true,
        problems: &[404],
        ..Route::new(
            Verb::Delete,
            "/v1/portals/{portal}/dead-letters/{number}",
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
