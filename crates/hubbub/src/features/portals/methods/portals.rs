//! `portals`: all portals.

use super::views::PortalView;
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{store::Portal, support::SupportChat},
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
        let refused = support.count_refused().await?;
        let hooks = |portal: &Portal| refused.get(&portal.id).copied().unwrap_or_default();
        let view = |portal: &Portal| PortalView::new(portal).with_refused(hooks(portal));
        Ok(PortalsView { portals: portals.iter().map(view).collect() })
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
