//! `set_session_state`: closes a session, opens it again, or says that its customer waits.

use super::{
    session::shown,
    views::{DeliveryView, SESSION},
};
use crate::{
    chat::methods::{
        Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb, rest::words,
        writing::Writing,
    },
    features::portals::support::SupportChat,
};
use hubbub_core::{
    log::kinds::{SessionState, What},
    model::ids::RoomId,
};
use serde::Deserialize;
use utoipa::{ToSchema, openapi::Object};

/// See the module.
pub struct SetSessionState;

/// A state to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewState {
    /// What it is to be.
    #[schema(schema_with = state_word, required = true)]
    state: String,
}

fn state_word() -> Object {
    words("What it is to be", &["open", "waiting", "closed"])
}

impl Method for SetSessionState {
    const NAME: &'static str = "set_session_state";
    const DOC: Doc =
        Doc { summary: "Closes a session, opens it again, or says that its customer waits.", example: "", more: "" };
    type On = SupportChat;
    type Request = Writing;
    type Output = DeliveryView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, by: &Actor, writing: Writing) -> Result<DeliveryView, MethodError> {
        let id = writing.room.clone();
        writing.write(&support.chat, by).await?;
        Ok(DeliveryView::new(&shown(support, &id).await?))
    }
}

impl RestMethod for SetSessionState {
    const ROUTE: Route = Route {
        tag: "sessions",
        problems: &[404, 409, 422],
        idempotency_key: true,
        example: r#"{"state":"closed"}"#,
        ..Route::new(Verb::Put, "/v1/sessions/{session}/state", &[SESSION])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<NewState>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        let (key, id) = (asked.key()?, RoomId::parse_as("session", &asked.path)?);
        Ok((Actor::backend(), Writing::new(id, key, What::State(SessionState::parse(&asked.body.0.state)?))))
    }
}
