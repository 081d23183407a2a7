//! `create_portal`: makes a portal.

use super::views::PortalView;
use crate::{
    chat::methods::{Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{administration::PortalWish, support::SupportChat},
};
use hubbub_core::portal::settings::PortalSettings;
use serde::Deserialize;
use utoipa::ToSchema;

/// See the module.
pub struct CreatePortal;

/// A portal to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPortal {
    /// `[A-Za-z0-9._-]{1,32}`: stands in `/hooks/{id}`.
    id: String,
    /// What is said of it; everything has a default.
    #[serde(default)]
    settings: PortalSettings,
    /// What our webhooks are signed with, `whsec_…`; made where none is given.
    outgoing_secret: Option<String>,
    /// What theirs are verified with; made where none is given.
    incoming_secret: Option<String>,
    /// What the portal says in challenges, like Meta's `hub.verify_token`; made where none is given and the settings ask for one.
    challenge_secret: Option<String>,
    /// What opens it to our calls, where its `auth` needs that: a token, a password, a client's secret.
    access_secret: Option<String>,
}

impl Method for CreatePortal {
    const NAME: &'static str = "create_portal";
    const DOC: Doc =
        Doc { summary: "Makes a portal. Its secrets are in this answer and in no other.", example: "", more: "" };
    type On = SupportChat;
    type Request = PortalWish;
    type Output = PortalView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, request: PortalWish) -> Result<PortalView, MethodError> {
        let made = support.create_portal(request).await?;
        let view = PortalView::new(&made.portal);
        let view = view.with_outgoing_secret(made.outgoing_secret).with_incoming_secret(made.incoming_secret);
        Ok(match made.challenge_secret {
            Some(secret) => view.with_challenge_secret(secret),
            None => view,
        })
    }
}

impl RestMethod for CreatePortal {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        success: &[201],
        problems: &[409, 422],
        example: r#"{"id":"desk","settings":{"url":"https://desk.example/hubbub"}}"#,
        ..Route::new(Verb::Post, "/v1/portals", &[])
    };
    type Path = ();
    type Query = NoQuery;
    type Body = JsonBody<NewPortal>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, PortalWish), MethodError> {
        let JsonBody(new) = asked.body;
        let wish = PortalWish {
            id: new.id,
            settings: new.settings,
            outgoing_secret: new.outgoing_secret,
            incoming_secret: new.incoming_secret,
            challenge_secret: new.challenge_secret,
            access_secret: new.access_secret,
        };
        Ok((Actor::backend(), wish))
    }
}
