//! `/v1/users`: what the product says about its users, and what it tells their devices.

use super::{
    Api,
    extract::{Body, Path, Query},
    rooms::ListQuery,
};
use crate::{chat::ChatError, problem::Problem};
use axum::{Json, extract::State, http::StatusCode};
use hubbub_core::{
    limits::{DATA_BYTES, USER_INFO_BYTES},
    model::{
        ids::{RoomId, UserId},
        json,
    },
    wire::{rpc, view::RoomsView},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What the product says about a user.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Info {
    /// Any JSON, at most 2 KiB.
    #[schema(value_type = Object)]
    info: Box<RawValue>,
}

/// A user, as far as Hubbub knows.
#[derive(Serialize, ToSchema)]
pub struct User {
    /// Who.
    user: String,
    /// What the product says.
    #[schema(value_type = Object)]
    info: Box<RawValue>,
    /// When that was last changed.
    updated: String,
}

/// An event for all devices of a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Any JSON, at most 16 KiB.
    #[schema(value_type = Object)]
    event: Box<RawValue>,
}

/// Keeps what the product says about a user.
#[utoipa::path(put, path = "/v1/users/{user}", params(("user", description = "The user's id")), request_body = Info, tag = "users",
    responses((status = 204), (status = 422, body = Problem)))]
pub async fn put(
    State(api): State<Api>,
    Path(user): Path<String>,
    Body(body): Body<Info>,
) -> Result<StatusCode, Problem> {
    let user = UserId::parse_outsider("user", &user)?;
    let info = json::Json::parse("info", &body.info, USER_INFO_BYTES)?;
    api.chat.store.put_users(&[(user, info)]).await.map_err(ChatError::from)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the product said about a user.
#[utoipa::path(get, path = "/v1/users/{user}", params(("user", description = "The user's id")), tag = "users",
    responses((status = 200, body = User), (status = 404, body = Problem)))]
pub async fn show(State(api): State<Api>, Path(user): Path<String>) -> Result<Json<User>, Problem> {
    let user = UserId::parse(&user)?;
    match api.chat.store.user(&user).await.map_err(ChatError::from)? {
        Some((info, updated)) => {
            Ok(Json(User { user: user.to_string(), info: info.to_raw(), updated: updated.to_string() }))
        }
        None => Err(Problem::new(StatusCode::NOT_FOUND, "unknown_user", "nothing is kept of this user")),
    }
}

/// The rooms a user is a member of, by id.
#[utoipa::path(get, path = "/v1/users/{user}/rooms", params(("user", description = "The user's id"), ListQuery), tag = "users",
    responses((status = 200, body = RoomsView), (status = 422, body = Problem)))]
pub async fn rooms(
    State(api): State<Api>,
    Path(user): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<RoomsView>, Problem> {
    let (user, limit) = (UserId::parse(&user)?, rpc::limit(query.limit)?);
    let after = query.after.as_deref().map(|after| RoomId::parse_as("after", after)).transpose()?;
    Ok(Json(RoomsView::new(&api.chat.rooms_of(&user, after.as_ref(), limit).await?)))
}

/// Tells all devices of a user that are connected now, on whichever instance. Nothing is kept.
#[utoipa::path(post, path = "/v1/users/{user}/notify", params(("user", description = "The user's id")), request_body = Event, tag = "users",
    responses((status = 202), (status = 422, body = Problem)))]
pub async fn notify(
    State(api): State<Api>,
    Path(user): Path<String>,
    Body(body): Body<Event>,
) -> Result<StatusCode, Problem> {
    let user = UserId::parse(&user)?;
    api.chat.notify(&user, &json::Json::parse("event", &body.event, DATA_BYTES)?);
    Ok(StatusCode::ACCEPTED)
}

/// Closes all connections of a user, on whichever instance (log-out). Tokens are the product's to withhold.
#[utoipa::path(post, path = "/v1/users/{user}/disconnect", params(("user", description = "The user's id")), tag = "users",
    responses((status = 202), (status = 422, body = Problem)))]
pub async fn disconnect(State(api): State<Api>, Path(user): Path<String>) -> Result<StatusCode, Problem> {
    api.chat.log_out(&UserId::parse(&user)?);
    Ok(StatusCode::ACCEPTED)
}
