//! `resume_portal`: sends a portal again what waits for it, whether it was paused or disabled.

use super::views::{PORTAL, PortalView};
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{store::PortalStanding, support::SupportChat},
};

/// See the module.
pub struct ResumePortal;

impl Method for ResumePortal {
    const NAME: &'static str = "resume_portal";
    const DOC: Doc = Doc {
        summary: "Sends a portal again what waits for it, whether it was paused or disabled.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = String;
    type Output = PortalView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, portal: String) -> Result<PortalView, MethodError> {
        Ok(PortalView::new(&support.set_standing(&portal, PortalStanding::Active).await?))
    }
}

impl RestMethod for ResumePortal {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        problems: &[404],
        ..Route::new(Verb::Post, "/v1/portals/{portal}/resume", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, String), MethodError> {
        Ok((Actor::backend(), asked.path))
    }
}
