//! `delete_portal`: a portal is served no more, and its sessions are closed.

use super::views::PORTAL;
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::support::SupportChat,
};
use serde::Serialize;
use utoipa::ToSchema;

/// See the module.
pub struct DeletePortal;

/// A portal that was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedPortal {
    /// Its id. It is not given again.
    id: String,
    /// Sessions that were closed.
    sessions_closed: usize,
    /// Others are still being closed.
    more: bool,
}

impl Method for DeletePortal {
    const NAME: &'static str = "delete_portal";
    const DOC: Doc = Doc {
        summary: "Deletes a portal: nothing is sent to it or taken from it, its secrets are gone, its sessions are closed. What was \
                  said in them stays.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = String;
    type Output = DeletedPortal;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, portal: String) -> Result<DeletedPortal, MethodError> {
        let (portal, sessions_closed, more) = support.delete_portal(&portal).await?;
        Ok(DeletedPortal { id: portal.to_string(), sessions_closed, more })
    }
}

impl RestMethod for DeletePortal {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        problems: &[404],
        ..Route::new(Verb::Delete, "/v1/portals/{portal}", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, String), MethodError> {
        Ok((Actor::backend(), asked.path))
    }
}
