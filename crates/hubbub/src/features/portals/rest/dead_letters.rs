//! `/v1/portals/…/deliveries` and `/dead-letters`: what waits for a portal, and what was given up on.

use super::sessions::listed;
use crate::{
    features::portals::{
        store::{Filter, Which},
        support::SupportChat,
    },
    http::{
        extract::{Body, Path, Query},
        rooms::ListQuery,
    },
    problem::Problem,
};
use axum::{Json, extract::State, http::StatusCode};
use hubbub_core::{
    model::ids::RoomId,
    wire::{
        rpc,
        session::{DeadLetterView, DeliveryView, PartView},
    },
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

type Support = State<Arc<SupportChat>>;

/// Which part of a numbered list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NumbersQuery {
    /// Only of this session.
    session: Option<String>,
    /// Those after this number.
    pub(super) after: Option<u64>,
    /// 1 to 1,000; 100 without.
    pub(super) limit: Option<u64>,
}

/// Which dead letters to send again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The first number of a range.
    from: Option<u64>,
    /// The last number of it.
    to: Option<u64>,
    /// All of them, instead of a range.
    #[serde(default)]
    all: bool,
}

/// How many are sent again.
#[derive(Serialize, ToSchema)]
pub struct Replaying {
    /// How many.
    replaying: u64,
}

/// The sessions in which something waits for the portal, with their attempts.
#[utoipa::path(get, path = "/v1/portals/{portal}/deliveries", params(("portal", description = "The portal's id"), ListQuery),
    tag = "portals", responses((status = 200, body = PartView<DeliveryView>), (status = 404, body = Problem)))]
pub async fn deliveries(
    State(support): Support,
    Path(portal): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<PartView<DeliveryView>>, Problem> {
    let filter = Filter { portal: Some(support.portal(&portal).await?.id), waiting: true, ..Filter::default() };
    let after = query.after.as_deref().map(|after| RoomId::parse_as("after", after)).transpose()?;
    listed(&support, &filter, after.as_ref(), query.limit).await
}

/// Dead letters, by number, with their attempts; those that were delivered since stay in the list.
#[utoipa::path(get, path = "/v1/portals/{portal}/dead-letters",
    params(("portal", description = "The portal's id"), NumbersQuery), tag = "portals",
    responses((status = 200, body = PartView<DeadLetterView>), (status = 404, body = Problem)))]
pub async fn dead_letters(
    State(support): Support,
    Path(portal): Path<String>,
    Query(query): Query<NumbersQuery>,
) -> Result<Json<PartView<DeadLetterView>>, Problem> {
    let filter = Filter {
        portal: Some(support.portal(&portal).await?.id),
        session: query.session.as_deref().map(|id| RoomId::parse_as("session", id)).transpose()?,
        ..Filter::default()
    };
    let after = query.after.unwrap_or_default();
    let part = support.dead_letters(&filter, after, rpc::limit(query.limit)?).await?;
    Ok(Json(PartView::new(&part, DeadLetterView::new, |letter| letter.number.to_string())))
}

/// A dead letter, with its attempts.
#[utoipa::path(get, path = "/v1/portals/{portal}/dead-letters/{number}",
    params(("portal", description = "The portal's id"), ("number" = u64, description = "The dead letter's number")), tag = "portals",
    responses((status = 200, body = DeadLetterView), (status = 404, body = Problem)))]
pub async fn dead_letter(
    State(support): Support,
    Path((portal, number)): Path<(String, u64)>,
) -> Result<Json<DeadLetterView>, Problem> {
    let portal = support.portal(&portal).await?;
    Ok(Json(DeadLetterView::new(&support.dead_letter(&portal, number).await?)))
}

/// Sends a dead letter again, at its session's next turn: out of order, with the same id. One attempt; if that fails it stays
/// a dead letter.
#[utoipa::path(post, path = "/v1/portals/{portal}/dead-letters/{number}/replay",
    params(("portal", description = "The portal's id"), ("number" = u64, description = "The dead letter's number")), tag = "portals",
    responses((status = 202, body = Replaying), (status = 404, body = Problem)))]
pub async fn replay_one(
    State(support): Support,
    Path((portal, number)): Path<(String, u64)>,
) -> Result<(StatusCode, Json<Replaying>), Problem> {
    let portal = support.portal(&portal).await?;
    let replaying = support.replay_dead_letter(&portal, number).await?;
    Ok((StatusCode::ACCEPTED, Json(Replaying { replaying })))
}

/// Sends many dead letters again: a range of numbers, or all that were not delivered since.
#[utoipa::path(post, path = "/v1/portals/{portal}/dead-letters/replay", params(("portal", description = "The portal's id")),
    request_body = Replay, tag = "portals",
    responses((status = 202, body = Replaying), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn replay_many(
    State(support): Support,
    Path(portal): Path<String>,
    Body(asked): Body<Replay>,
) -> Result<(StatusCode, Json<Replaying>), Problem> {
    let which = Which::of(asked.from, asked.to, asked.all)?;
    let portal = support.portal(&portal).await?.id;
    let replaying = support.replay_dead_letters(&portal, which).await?;
    Ok((StatusCode::ACCEPTED, Json(Replaying { replaying })))
}

/// Throws a dead letter away; a session that stands still at it goes on.
#[utoipa::path(delete, path = "/v1/portals/{portal}/dead-letters/{number}",
    params(("portal", description = "The portal's id"), ("number" = u64, description = "The dead letter's number")), tag = "portals",
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn discard(
    State(support): Support,
    Path((portal, number)): Path<(String, u64)>,
) -> Result<StatusCode, Problem> {
    let portal = support.portal(&portal).await?.id;
    support.discard_dead_letter(&portal, number).await?;
    Ok(StatusCode::NO_CONTENT)
}
