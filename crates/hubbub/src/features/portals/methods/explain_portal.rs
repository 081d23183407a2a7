//! `explain_portal`: what a message would send to a portal.

use super::{
    try_portal::TestMessage,
    views::{PORTAL, TrialView},
};
use crate::{
    chat::methods::{Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{Portals, trial::TrialWish},
};

/// See the module.
pub struct ExplainPortal;

impl Method for ExplainPortal {
    const NAME: &'static str = "explain_portal";
    const DOC: Doc = Doc {
        summary: "What a message would send to a portal: nothing is sent. What only an answer can tell is shown as `picked-NAME`, and searches find nothing. What a webhook would become: `dry-run`.",
        example: "",
        more: "",
    };
    type On = Portals;
    type Request = (String, TrialWish);
    type Output = TrialView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(portals: &Portals, _: &Actor, (portal, wish): (String, TrialWish)) -> Result<TrialView, MethodError> {
        Ok(TrialView::new(portals.try_out(&portal, wish, false).await?))
    }
}

impl RestMethod for ExplainPortal {
    const ROUTE: Route = Route {
        tag: "portals",
        problems: &[404, 422],
        example: r#"{"session":"order-4711","text":"Where is my parcel?"}"#,
        ..Route::new(Verb::Post, "/v1/portals/{portal}/explain", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<TestMessage>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, TrialWish)), MethodError> {
        Ok((Actor::backend(), (asked.path, asked.body.0.wish()?)))
    }
}
