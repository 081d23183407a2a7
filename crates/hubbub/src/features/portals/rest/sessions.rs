//! `/v1/sessions`: support conversations.

use crate::http::{
    Api,
    extract::{Body, Path, Query},
};
use crate::{
    chat::log::committer::Source,
    features::portals::{
        sessions::{SessionError, Wish},
        store::{Filter, SessionState},
    },
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
    State(api): State<Api>,
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
    let (session, made) = api.chat.open_session(&UserId::backend(), Right::Backend, wish).await?;
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
    State(api): State<Api>,
    Query(query): Query<SessionsQuery>,
) -> Result<Json<PartView<DeliveryView>>, Problem> {
    let filter = Filter {
        portal: query.portal.as_deref().map(PortalId::parse).transpose()?,
        customer: query.customer.as_deref().map(|user| UserId::parse_as("customer", user)).transpose()?,
        waiting: query.waiting,
        ..Filter::default()
    };
    let after = query.after.as_deref().map(|after| RoomId::parse_as("after", after)).transpose()?;
    listed(&api, &filter, after.as_ref(), query.limit).await
}

/// The sessions of a filter, as every list of them shows them.
pub(super) async fn listed(
    api: &Api,
    filter: &Filter,
    after: Option<&RoomId>,
    limit: Option<u64>,
) -> Result<Json<PartView<DeliveryView>>, Problem> {
    let part = api.chat.store.sessions(filter, after, rpc::limit(limit)?).await?;
    Ok(Json(PartView::new(&part, DeliveryView::new, |session| session.room.id.to_string())))
}

/// A session, with how far its portal has got.
#[utoipa::path(get, path = "/v1/sessions/{session}", params(("session", description = "The session's id")), tag = "sessions",
    responses((status = 200, body = DeliveryView), (status = 404, body = Problem)))]
pub async fn show(State(api): State<Api>, Path(session): Path<String>) -> Result<Json<DeliveryView>, Problem> {
    let id = RoomId::parse_as("session", &session)?;
    let session = api.chat.store.session(&id).await?.ok_or_else(unknown)?;
    Ok(Json(DeliveryView::new(&session)))
}

pub(super) fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_session", "there is no session of this id")
}

/// Closes a session, opens it again, or says that its customer waits.
#[utoipa::path(put, path = "/v1/sessions/{session}/state", params(("session", description = "The session's id")),
    request_body = NewState, tag = "sessions",
    responses((status = 200, body = DeliveryView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn set_state(
    State(api): State<Api>,
    Path(session): Path<String>,
    Body(new): Body<NewState>,
) -> Result<Json<DeliveryView>, Problem> {
    let id = RoomId::parse_as("session", &session)?;
    let state = SessionState::parse(&new.state)?;
    api.chat.set_state(Source::NONE, &id, &UserId::backend(), Right::Backend, state).await?;
    show(State(api), Path(session)).await
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        let (status, code) = match &error {
            SessionError::Chat(chat) => return chat.clone().into(),
            SessionError::UnknownPortal => (StatusCode::NOT_FOUND, "unknown_portal"),
            SessionError::NotByCustomers => (StatusCode::FORBIDDEN, "not_by_customers"),
            SessionError::ExternalTaken(_) => (StatusCode::CONFLICT, "external_taken"),
            SessionError::TooMany(_) => (StatusCode::CONFLICT, "too_many"),
        };
        Self::new(status, code, error.to_string())
    }
}
