//! `portals`: all portals.

use super::views::PortalView;
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::support::SupportChat,
};
use serde::Serialize;
use utoipa::ToSchema;

/// See the module.
pub struct ListPortals;

/// All portals.
#[derive(Serialize, ToSchema)]
pub struct PortalsView {
    /// By id.
    portals: Vec<PortalView>,
}

impl Method for ListPortals {
    const NAME: &'static str = "portals";
    const DOC: Doc = Doc { summary: "All portals, by id.", example: "", more: "" };
    type On = SupportChat;
    type Request = ();
    type Output = PortalsView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, (): ()) -> Result<PortalsView, MethodError> {
        let portals = support.portals().await?;
        Ok(PortalsView { portals: portals.iter().map(PortalView::new).collect() })
    }
}

impl RestMethod for ListPortals {
    const ROUTE: Route = Route { tag: "portals", ..Route::new(Verb::Get, "/v1/portals", &[]) };
    type Path = ();
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(_: RestRequest<Self>) -> Result<(Actor, ()), MethodError> {
        Ok((Actor::backend(), ()))
    }
}
