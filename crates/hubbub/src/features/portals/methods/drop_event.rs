//! `drop_event`: throws an event in quarantine away.

use super::views::PORTAL;
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, Nothing, RestMethod, RestRequest, Route, Verb,
        rest::PathParam,
    },
    features::portals::support::SupportChat,
};

/// See the module.
pub struct DropEvent;

impl Method for DropEvent {
    const NAME: &'static str = "drop_event";
    const DOC: Doc = Doc { summary: "Throws an event in quarantine away.", example: "", more: "" };
    type On = SupportChat;
    type Request = (String, u64);
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, (portal, number): (String, u64)) -> Result<Nothing, MethodError> {
        let portal = support.portal(&portal).await?.id;
        support.drop_event(&portal, number).await?;
        Ok(Nothing {})
    }
}

impl RestMethod for DropEvent {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        success: &[204],
        is_silent: true,
        problems: &[404],
        ..Route::new(
            Verb::Delete,
            "/v1/portals/{portal}/quarantine/{number}",
            &[PORTAL, PathParam::number("number", "The event's number", "17")],
        )
    };
    type Path = (String, u64);
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, u64)), MethodError> {
        Ok((Actor::backend(), asked.path))
    }
}
