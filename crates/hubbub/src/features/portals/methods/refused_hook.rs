//! `refused_hook`: a webhook that was verified and then refused.

use super::{refused::RefusedView, views::PORTAL};
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb, rest::PathParam,
    },
    features::portals::support::SupportChat,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use utoipa::ToSchema;

/// See the module.
pub struct ShowRefused;

/// A refused webhook with its body.
#[derive(Serialize, ToSchema)]
pub struct RefusedBodyView {
    /// What is said of it in lists.
    #[serde(flatten)]
    hook: RefusedView,
    /// The body as it came, where it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The body as it came, in base64, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl RefusedBodyView {
    fn new(hook: RefusedView, body: Vec<u8>) -> Self {
        match String::from_utf8(body) {
            Ok(body) => Self { hook, body: Some(body), body_base64: None },
            Err(other) => Self { hook, body: None, body_base64: Some(STANDARD.encode(other.as_bytes())) },
        }
    }
}

impl Method for ShowRefused {
    const NAME: &'static str = "refused_hook";
    const DOC: Doc = Doc { summary: "A refused webhook, with its body as it came.", example: "", more: "" };
    type On = SupportChat;
    type Request = (String, u64);
    type Output = RefusedBodyView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        support: &SupportChat,
        _: &Actor,
        (portal, number): (String, u64),
    ) -> Result<RefusedBodyView, MethodError> {
        let portal = support.portal(&portal).await?.id;
        let (kept, body) = support.refused_hook(&portal, number).await?;
        Ok(RefusedBodyView::new(RefusedView::new(&kept), body))
    }
}

impl RestMethod for ShowRefused {
    const ROUTE: Route = Route {
        tag: "portals",
        problems: &[404],
        ..Route::new(
            Verb::Get,
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
