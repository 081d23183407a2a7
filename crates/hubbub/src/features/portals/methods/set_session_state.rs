//! `set_session_state`: closes a session, opens it again, or says that its customer waits.

use super::{
    session::shown,
    views::{DeliveryView, SESSION},
};
use crate::{
    chat::methods::{Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::support::SupportChat,
};
use hubbub_core::{
    log::kinds::{SessionState, What},
    model::ids::RoomId,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// See the module.
pub struct SetSessionState;

/// A state to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewState {
    /// open, waiting or closed.
    state: String,
}

impl Method for SetSessionState {
    const NAME: &'static str = "set_session_state";
    const DOC: Doc =
        Doc { summary: "Closes a session, opens it again, or says that its customer waits.", example: "", more: "" };
    type On = SupportChat;
    type Request = (RoomId, SessionState);
    type Output = DeliveryView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        support: &SupportChat,
        by: &Actor,
        (id, state): (RoomId, SessionState),
    ) -> Result<DeliveryView, MethodError> {
        support.chat.append(by, &id, What::State(state)).await?;
        Ok(DeliveryView::new(&shown(support, &id).await?))
    }
}

impl RestMethod for SetSessionState {
    const ROUTE: Route = Route {
        tag: "sessions",
        problems: &[404, 422],
        example: r#"{"state":"closed"}"#,
        ..Route::new(Verb::Put, "/v1/sessions/{session}/state", &[SESSION])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<NewState>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (RoomId, SessionState)), MethodError> {
        let id = RoomId::parse_as("session", &asked.path)?;
        Ok((Actor::backend(), (id, SessionState::parse(&asked.body.0.state)?)))
    }
}
