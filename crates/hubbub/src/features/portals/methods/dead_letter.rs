//! `dead_letter`: an entry that was given up on.

use super::{dead_letters::DeadLetterView, views::PORTAL};
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb, rest::PathParam,
    },
    features::portals::support::SupportChat,
};

/// See the module.
pub struct ShowDeadLetter;

impl Method for ShowDeadLetter {
    const NAME: &'static str = "dead_letter";
    const DOC: Doc = Doc { summary: "A dead letter, with its attempts.", example: "", more: "" };
    type On = SupportChat;
    type Request = (String, u64);
    type Output = DeadLetterView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        support: &SupportChat,
        _: &Actor,
        (portal, number): (String, u64),
    ) -> Result<DeadLetterView, MethodError> {
        let portal = support.left_by(&portal).await?;
        Ok(DeadLetterView::new(&support.dead_letter(&portal, number).await?))
    }
}

impl RestMethod for ShowDeadLetter {
    const ROUTE: Route = Route {
        tag: "portals",
        problems: &[404],
        ..Route::new(
            Verb::Get,
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
