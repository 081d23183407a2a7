//! `deliveries`: the sessions in which something waits for a portal.

use super::{
    sessions::SessionsRequest,
    views::{DeliveryView, PORTAL, PartView},
};
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, Verb, views::ListQuery,
    },
    features::portals::{store::Filter, support::SupportChat},
};
use hubbub_core::{log::checks, model::ids::RoomId};

/// See the module.
pub struct ListDeliveries;

/// Which of them.
pub struct DeliveriesRequest {
    /// The portal.
    pub portal: String,
    /// Those after this id.
    pub after: Option<String>,
    /// Most sessions.
    pub limit: Option<u64>,
}

impl Method for ListDeliveries {
    const NAME: &'static str = "deliveries";
    const DOC: Doc = Doc {
        summary: "The sessions in which something waits for the portal, with their attempts.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = DeliveriesRequest;
    type Output = PartView<DeliveryView>;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        support: &SupportChat,
        _: &Actor,
        request: DeliveriesRequest,
    ) -> Result<PartView<DeliveryView>, MethodError> {
        let portal = support.portal(&request.portal).await?.id;
        // What is wrong with the rest is said once it is known that there is such a portal.
        let after = request.after.as_deref().map(|after| RoomId::parse_as("after", after)).transpose()?;
        let filter = Filter { portal: Some(portal), waiting: true, ..Filter::default() };
        let limit = checks::page_limit(request.limit)?;
        SessionsRequest { filter, after, limit }.list(support).await
    }
}

impl RestMethod for ListDeliveries {
    const ROUTE: Route = Route {
        tag: "portals",
        problems: &[404],
        ..Route::new(Verb::Get, "/v1/portals/{portal}/deliveries", &[PORTAL])
    };
    type Path = String;
    type Query = ListQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, DeliveriesRequest), MethodError> {
        let ListQuery { after, limit } = asked.query;
        Ok((Actor::backend(), DeliveriesRequest { portal: asked.path, after, limit }))
    }
}
