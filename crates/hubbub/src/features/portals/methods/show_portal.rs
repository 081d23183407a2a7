//! `show_portal`: a portal.

use super::views::{PORTAL, PortalView};
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::support::SupportChat,
};

/// See the module.
pub struct ShowPortal;

impl Method for ShowPortal {
    const NAME: &'static str = "show_portal";
    const DOC: Doc = Doc { summary: "A portal.", example: "", more: "" };
    type On = SupportChat;
    type Request = String;
    type Output = PortalView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, portal: String) -> Result<PortalView, MethodError> {
        let portal = support.portal(&portal).await?;
        let refused = support.count_refused().await?;
        Ok(PortalView::new(&portal).with_refused(refused.get(&portal.id).copied().unwrap_or_default()))
    }
}

impl RestMethod for ShowPortal {
    const ROUTE: Route =
        Route { tag: "portals", problems: &[404], ..Route::new(Verb::Get, "/v1/portals/{portal}", &[PORTAL]) };
    type Path = String;
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, String), MethodError> {
        Ok((Actor::backend(), asked.path))
    }
}
