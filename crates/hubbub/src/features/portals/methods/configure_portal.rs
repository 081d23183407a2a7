//! `configure_portal`: gives a portal other settings.

use super::views::{PORTAL, PortalView};
use crate::{
    chat::methods::{Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::support::SupportChat,
};
use hubbub_core::portal::settings::PortalSettings;

/// See the module.
pub struct ConfigurePortal;

impl Method for ConfigurePortal {
    const NAME: &'static str = "configure_portal";
    const DOC: Doc = Doc {
        summary: "Gives a portal other settings, as a whole; instances follow within 2 seconds. Another scheme of verification needs a new secret of its form: rotate it, too.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = (String, PortalSettings);
    type Output = PortalView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        support: &SupportChat,
        _: &Actor,
        (portal, settings): (String, PortalSettings),
    ) -> Result<PortalView, MethodError> {
        Ok(PortalView::new(&support.configure_portal(&portal, &settings).await?))
    }
}

impl RestMethod for ConfigurePortal {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        problems: &[404, 422],
        example: r#"{"url":"https://desk.example/hubbub"}"#,
        ..Route::new(Verb::Put, "/v1/portals/{portal}", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<PortalSettings>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, PortalSettings)), MethodError> {
        Ok((Actor::backend(), (asked.path, asked.body.0)))
    }
}
