//! `drop_refused`: throws a refused webhook away.

use super::views::PORTAL;
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, Nothing, RestMethod, RestRequest, Route, Verb,
        rest::PathParam,
    },
    features::portals::support::SupportChat,
};

/// See the module.
pub struct DropRefused;

impl Method for DropRefused {
    const NAME: &'static str = "drop_refused";
    const DOC: Doc = Doc { summary: "Throws a refused webhook away.", example: "", more: "" };
    type On = SupportChat;
    type Request = (String, u64);
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, (portal, number): (String, u64)) -> Result<Nothing, MethodError> {
        let portal = support.portal(&portal).await?.id;
        support.drop_refused(&portal, number).await?;
        Ok(Nothing {})
    }
}

impl RestMethod for DropRefused {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        success: &[204],
        is_silent: true,
        problems: &[404],
        ..Route::new(
            Verb::Delete,
            "/v1/portals/{portal}/refused/{number}",
            &[PORTAL, PathParam::number("number", "The refused webhook's number", "17")],
        )
    };
    type Path = (String, u64);
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, u64)), MethodError> {
        Ok((Actor::backend(), asked.path))
    }
}
