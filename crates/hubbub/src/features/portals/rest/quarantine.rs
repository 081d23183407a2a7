//! `/v1/portals/…/quarantine`: events for sessions that were not known.

use super::dead_letters::NumbersQuery;
use crate::{
    features::portals::support::SupportChat,
    http::extract::{Body, Path, Query},
    problem::Problem,
};
use axum::{Json, extract::State, http::StatusCode};
use hubbub_core::{
    model::ids::RoomId,
    wire::{
        rpc,
        session::{PartView, QuarantinedView},
        view::SentView,
    },
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

type Support = State<Arc<SupportChat>>;

/// Where an event from quarantine goes.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The session; without one that which the event names.
    session: Option<String>,
}

/// Events for sessions that were not known, by number.
#[utoipa::path(get, path = "/v1/portals/{portal}/quarantine",
    params(("portal", description = "The portal's id"), NumbersQuery), tag = "portals",
    responses((status = 200, body = PartView<QuarantinedView>), (status = 404, body = Problem)))]
pub async fn quarantine(
    State(support): Support,
    Path(portal): Path<String>,
    Query(query): Query<NumbersQuery>,
) -> Result<Json<PartView<QuarantinedView>>, Problem> {
    let portal = support.portal(&portal).await?.id;
    let after = query.after.unwrap_or_default();
    let part = support.quarantined(&portal, after, rpc::limit(query.limit)?).await?;
    Ok(Json(PartView::new(&part, QuarantinedView::new, |kept| kept.number.to_string())))
}

/// Takes an event out of quarantine, into the log of a session.
#[utoipa::path(post, path = "/v1/portals/{portal}/quarantine/{number}/replay",
    params(("portal", description = "The portal's id"), ("number" = u64, description = "The event's number")),
    request_body = Release, tag = "portals",
    responses((status = 200, body = SentView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn release(
    State(support): Support,
    Path((portal, number)): Path<(String, u64)>,
    Body(asked): Body<Release>,
) -> Result<Json<SentView>, Problem> {
    let portal = support.portal(&portal).await?.id;
    let kept = support.quarantined_event(&portal, number).await?;
    let session = asked.session.as_deref().map(|id| RoomId::parse_as("session", id)).transpose()?;
    let (session, place) = support.release_event(kept, session.as_ref()).await?;
    Ok(Json(SentView::new(&session, place)))
}

/// Throws an event in quarantine away.
#[utoipa::path(delete, path = "/v1/portals/{portal}/quarantine/{number}",
    params(("portal", description = "The portal's id"), ("number" = u64, description = "The event's number")), tag = "portals",
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn drop_quarantined(
    State(support): Support,
    Path((portal, number)): Path<(String, u64)>,
) -> Result<StatusCode, Problem> {
    let portal = support.portal(&portal).await?.id;
    support.drop_event(&portal, number).await?;
    Ok(StatusCode::NO_CONTENT)
}
