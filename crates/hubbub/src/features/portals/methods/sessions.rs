//! `sessions`: support sessions, with how far their portals have got.

use super::views::{DeliveryView, PartView};
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, Verb},
    features::portals::{store::Filter, support::SupportChat},
};
use hubbub_core::{
    log::checks,
    model::ids::{RoomId, UserId},
    portal::PortalId,
};
use serde::Deserialize;
use utoipa::IntoParams;

/// See the module.
pub struct ListSessions;

/// Which sessions.
pub struct SessionsRequest {
    /// Which of all.
    pub filter: Filter,
    /// Those after this one, by id.
    pub after: Option<RoomId>,
    /// Most sessions.
    pub limit: usize,
}

impl SessionsRequest {
    /// The sessions, as every list of them shows them.
    pub(super) async fn list(&self, support: &SupportChat) -> Result<PartView<DeliveryView>, MethodError> {
        let part = support.sessions(&self.filter, self.after.as_ref(), self.limit).await?;
        Ok(PartView::new(&part, DeliveryView::new, |session| session.room.id.to_string()))
    }
}

/// Which sessions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionsQuery {
    /// Only of this portal.
    portal: Option<String>,
    /// Only of this customer.
    customer: Option<String>,
    /// Only those in which something waits for the portal.
    #[serde(default)]
    waiting: bool,
    /// Only those with an id of the portal's that another one has, too.
    #[serde(default)]
    shared: bool,
    /// Those after this id.
    after: Option<String>,
    /// 1 to 1,000; 100 without.
    limit: Option<u64>,
}

impl Method for ListSessions {
    const NAME: &'static str = "sessions";
    const DOC: Doc = Doc { summary: "Sessions, by id, with how far their portals have got.", example: "", more: "" };
    type On = SupportChat;
    type Request = SessionsRequest;
    type Output = PartView<DeliveryView>;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        support: &SupportChat,
        _: &Actor,
        request: SessionsRequest,
    ) -> Result<PartView<DeliveryView>, MethodError> {
        request.list(support).await
    }
}

impl RestMethod for ListSessions {
    const ROUTE: Route = Route {
        tag: "sessions",
        problems: &[422],
        example: r#"?portal=desk&waiting=true"#,
        ..Route::new(Verb::Get, "/v1/sessions", &[])
    };
    type Path = ();
    type Query = SessionsQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, SessionsRequest), MethodError> {
        let filter = Filter {
            portal: asked.query.portal.as_deref().map(PortalId::parse).transpose()?,
            customer: asked
                .query
                .customer
                .as_deref()
                .map(|user| UserId::parse_outsider("customer", user))
                .transpose()?,
            waiting: asked.query.waiting,
            shared: asked.query.shared,
            ..Filter::default()
        };
        let after = asked.query.after.as_deref().map(|after| RoomId::parse_as("after", after)).transpose()?;
        Ok((Actor::backend(), SessionsRequest { filter, after, limit: checks::page_limit(asked.query.limit)? }))
    }
}
