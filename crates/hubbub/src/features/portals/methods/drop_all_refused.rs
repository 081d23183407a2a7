//! `drop_all_refused`: throws all refused webhooks of a portal away.

use super::views::PORTAL;
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::support::SupportChat,
};
use serde::Serialize;
use utoipa::ToSchema;

/// See the module.
pub struct DropAllRefused;

/// What was thrown away.
#[derive(Serialize, ToSchema)]
pub struct DroppedView {
    /// How many.
    dropped: u64,
}

impl Method for DropAllRefused {
    const NAME: &'static str = "drop_all_refused";
    const DOC: Doc = Doc { summary: "Throws all refused webhooks of a portal away.", example: "", more: "" };
    type On = SupportChat;
    type Request = String;
    type Output = DroppedView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, portal: String) -> Result<DroppedView, MethodError> {
        let portal = support.portal(&portal).await?.id;
        Ok(DroppedView { dropped: support.drop_all_refused(&portal).await? })
    }
}

impl RestMethod for DropAllRefused {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        problems: &[404],
        ..Route::new(Verb::Delete, "/v1/portals/{portal}/refused", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, String), MethodError> {
        Ok((Actor::backend(), asked.path))
    }
}
