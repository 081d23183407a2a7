//! `/v1/sessions`: support conversations.

use crate::{
    chat::{ChatError, log::committer::Source},
    features::portals::{
        error::SupportError,
        sessions::Wish,
        store::{Filter, Session, SessionState},
        support::SupportChat,
    },
    http::extract::{Body, Path, Query},
    problem::Problem,
};
use axum::{Json, extract::State, http::StatusCode};
use hubbub_core::{
    limits,
    log::entry::Right,
    model::ids::{Invalid, RoomId, UserId},
    portal::PortalId,
    wire::{
        rpc,
        session::{DeliveryView, PartView},
    },
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A session to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// The portal whose agents answer.
    portal: String,
    /// The customer's user id.
    customer: String,
    /// `[A-Za-z0-9._-]{1,64}`, also the room's id; without one it is the customer's one session with the portal.
    id: Option<String>,
    /// For people.
    #[serde(default)]
    name: String,
    /// The portal's own id of the conversation, where it is known already: at most 256 bytes.
    external: Option<String>,
    /// Others of yours who read and write there: at most 1,000.
    #[serde(default)]
    members: Vec<String>,
}

/// A state to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewState {
    /// open, waiting or closed.
    state: String,
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
    /// Those after this id.
    after: Option<String>,
    /// 1 to 1,000; 100 without.
    limit: Option<u64>,
}

/// Opens a session (201), or resumes the one of this id (200): a closed one is opened again.
#[utoipa::path(post, path = "/v1/sessions", request_body = NewSession, tag = "sessions",
    responses((status = 201, body = DeliveryView), (status = 200, body = DeliveryView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn open(
    State(support): State<Arc<SupportChat>>,
    Body(new): Body<NewSession>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    if new.members.len() > limits::MEMBERS_AT_ONCE {
        let problem = format!("{} named; the limit is {}", new.members.len(), limits::MEMBERS_AT_ONCE);
        return Err(Invalid::new("members", problem).into());
    }
    let members = new.members.iter().map(|member| UserId::parse_outsider("members", member));
    let wish = Wish {
        portal: PortalId::parse(&new.portal)?,
        customer: UserId::parse_outsider("customer", &new.customer)?,
        id: new.id.as_deref().map(RoomId::parse_resumed).transpose()?,
        name: rpc::room_name(&new.name)?,
        external: new.external.as_deref().map(external).transpose()?,
        members: members.collect::<Result<_, _>>()?,
        most: None,
    };
    let (session, made) = support.open_session(&UserId::backend(), Right::Backend, wish).await?;
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(DeliveryView::new(&session))))
}

fn external(id: &str) -> Result<String, Invalid> {
    match id.len() {
        0 => Err(Invalid::new("external", "empty")),
        bytes if bytes > limits::EXTERNAL_BYTES => Err(Invalid::too_long("external", bytes, limits::EXTERNAL_BYTES)),
        _ if id.contains('\0') => Err(Invalid::new("external", "the character U+0000 is not allowed")),
        _ => Ok(id.to_owned()),
    }
}

/// Sessions, by id, with how far their portals have got.
#[utoipa::path(get, path = "/v1/sessions", params(SessionsQuery), tag = "sessions",
    responses((status = 200, body = PartView<DeliveryView>), (status = 422, body = Problem)))]
pub async fn list(
    State(support): State<Arc<SupportChat>>,
    Query(query): Query<SessionsQuery>,
) -> Result<Json<PartView<DeliveryView>>, Problem> {
    let filter = Filter {
        portal: query.portal.as_deref().map(PortalId::parse).transpose()?,
        customer: query.customer.as_deref().map(|user| UserId::parse_as("customer", user)).transpose()?,
        waiting: query.waiting,
        ..Filter::default()
    };
    let after = query.after.as_deref().map(|after| RoomId::parse_as("after", after)).transpose()?;
    listed(&support, &filter, after.as_ref(), query.limit).await
}

/// The sessions of a filter, as every list of them shows them.
pub(super) async fn listed(
    support: &SupportChat,
    filter: &Filter,
    after: Option<&RoomId>,
    limit: Option<u64>,
) -> Result<Json<PartView<DeliveryView>>, Problem> {
    let part = support.sessions(filter, after, rpc::limit(limit)?).await?;
    Ok(Json(PartView::new(&part, DeliveryView::new, |session| session.room.id.to_string())))
}

/// A session, with how far its portal has got.
#[utoipa::path(get, path = "/v1/sessions/{session}", params(("session", description = "The session's id")), tag = "sessions",
    responses((status = 200, body = DeliveryView), (status = 404, body = Problem)))]
pub async fn show(
    State(support): State<Arc<SupportChat>>,
    Path(session): Path<String>,
) -> Result<Json<DeliveryView>, Problem> {
    let id = RoomId::parse_as("session", &session)?;
    Ok(Json(DeliveryView::new(&shown(&support, &id).await?)))
}

/// A session. That there is none is said in another word than that there is no such room.
async fn shown(support: &SupportChat, id: &RoomId) -> Result<Session, Problem> {
    support.session(id).await.map_err(|error| match error {
        ChatError::UNKNOWN_ROOM => SupportError::UnknownSession.into(),
        error => error.into(),
    })
}

/// Closes a session, opens it again, or says that its customer waits.
#[utoipa::path(put, path = "/v1/sessions/{session}/state", params(("session", description = "The session's id")),
    request_body = NewState, tag = "sessions",
    responses((status = 200, body = DeliveryView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn set_state(
    State(support): State<Arc<SupportChat>>,
    Path(session): Path<String>,
    Body(new): Body<NewState>,
) -> Result<Json<DeliveryView>, Problem> {
    let id = RoomId::parse_as("session", &session)?;
    let state = SessionState::parse(&new.state)?;
    support.set_state(Source::NONE, &id, &UserId::backend(), Right::Backend, state).await?;
    Ok(Json(DeliveryView::new(&shown(&support, &id).await?)))
}
