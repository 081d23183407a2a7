//! `/v1/portals`: third parties whose agents answer.

use crate::{
    features::portals::{
        administration::PortalWish,
        rotation::Direction,
        store::{Portal, PortalStanding},
        support::SupportChat,
    },
    http::extract::{Body, Path},
    problem::Problem,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use bytes::Bytes;
use hubbub_core::{
    limits,
    portal::{
        mapping::{Event, Mapped},
        settings::PortalSettings,
    },
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use utoipa::ToSchema;

type Support = State<Arc<SupportChat>>;

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
}

/// A secret to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// outgoing or incoming.
    direction: String,
    /// The new secret; made where none is given.
    secret: Option<String>,
    /// For how many seconds the old one stays good beside it; 86,400 without.
    keep_seconds: Option<u64>,
}

/// A portal.
#[derive(Serialize, ToSchema)]
pub struct PortalView {
    /// Its id.
    id: String,
    /// What is said of it.
    settings: PortalSettings,
    /// active, paused, or disabled (it answered 410).
    standing: &'static str,
    /// Why it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Where it sends its webhooks, below the server's address.
    hook: String,
    /// When it was made.
    created_at: String,
    /// When it last took something, to about a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    succeeded_at: Option<String>,
    /// What our webhooks are signed with. Shown once: when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing_secret: Option<String>,
    /// What its webhooks are verified with. Shown once: when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    incoming_secret: Option<String>,
}

/// All portals.
#[derive(Serialize, ToSchema)]
pub struct PortalsView {
    /// By id.
    portals: Vec<PortalView>,
}

/// What a body would become.
#[derive(Serialize, ToSchema)]
pub struct DryRun {
    /// The answer, where the body is a challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
    /// The messages.
    events: Vec<DryEvent>,
    /// Events that the filters pass over.
    passed_over: usize,
}

/// What an event would become.
#[derive(Serialize, ToSchema)]
pub struct DryEvent {
    /// What was found.
    #[serde(flatten)]
    event: Event,
    /// Who would write.
    from: String,
    /// What would tell repeats of it, if the webhook's own id does not; absent: nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_key: Option<String>,
}

impl PortalView {
    fn new(portal: &Portal) -> Self {
        Self {
            id: portal.id.to_string(),
            settings: portal.settings.clone(),
            standing: portal.standing.word(),
            why: portal.standing.why().map(ToOwned::to_owned),
            hook: format!("/hooks/{}", portal.id),
            created_at: portal.created_at.to_string(),
            succeeded_at: portal.succeeded_at.map(|at| at.to_string()),
            outgoing_secret: None,
            incoming_secret: None,
        }
    }
}

/// Makes a portal. Its secrets are in this answer and in no other.
#[utoipa::path(post, path = "/v1/portals", request_body = NewPortal, tag = "portals",
    responses((status = 201, body = PortalView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(support): Support,
    Body(new): Body<NewPortal>,
) -> Result<(StatusCode, Json<PortalView>), Problem> {
    let wish = PortalWish {
        id: new.id,
        settings: new.settings,
        outgoing_secret: new.outgoing_secret,
        incoming_secret: new.incoming_secret,
    };
    let made = support.create_portal(wish).await?;
    let view = PortalView {
        outgoing_secret: Some(made.outgoing_secret),
        incoming_secret: Some(made.incoming_secret),
        ..PortalView::new(&made.portal)
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// All portals, by id.
#[utoipa::path(get, path = "/v1/portals", tag = "portals", responses((status = 200, body = PortalsView)))]
pub async fn list(State(support): Support) -> Result<Json<PortalsView>, Problem> {
    let portals = support.portals().await?;
    Ok(Json(PortalsView { portals: portals.iter().map(PortalView::new).collect() }))
}

/// A portal.
#[utoipa::path(get, path = "/v1/portals/{portal}", params(("portal", description = "The portal's id")), tag = "portals",
    responses((status = 200, body = PortalView), (status = 404, body = Problem)))]
pub async fn show(State(support): Support, Path(portal): Path<String>) -> Result<Json<PortalView>, Problem> {
    Ok(Json(PortalView::new(&support.portal(&portal).await?)))
}

/// Gives a portal other settings, as a whole; instances follow within 2 seconds. Another scheme of verification needs a new
/// secret of its form: rotate it, too.
#[utoipa::path(put, path = "/v1/portals/{portal}", params(("portal", description = "The portal's id")),
    request_body = PortalSettings, tag = "portals",
    responses((status = 200, body = PortalView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn configure(
    State(support): Support,
    Path(portal): Path<String>,
    Body(settings): Body<PortalSettings>,
) -> Result<Json<PortalView>, Problem> {
    Ok(Json(PortalView::new(&support.configure_portal(&portal, &settings).await?)))
}

/// Gives a portal another secret; the old one stays good beside it for a day, or as long as is said. It is in this answer and
/// in no other.
#[utoipa::path(post, path = "/v1/portals/{portal}/secrets", params(("portal", description = "The portal's id")),
    request_body = NewSecret, tag = "portals",
    responses((status = 200, body = PortalView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn rotate(
    State(support): Support,
    Path(portal): Path<String>,
    Body(new): Body<NewSecret>,
) -> Result<Json<PortalView>, Problem> {
    let keep = new.keep_seconds.map_or(limits::ROTATION, Duration::from_secs);
    let direction = Direction::parse(&new.direction)?;
    let (portal, secret) = support.rotate_secret(&portal, direction, new.secret.as_deref(), keep).await?;
    let view = PortalView::new(&portal);
    Ok(Json(match direction {
        Direction::Outgoing => PortalView { outgoing_secret: Some(secret), ..view },
        Direction::Incoming => PortalView { incoming_secret: Some(secret), ..view },
    }))
}

/// Sends a portal nothing until it is resumed; everything waits. What it sends is taken.
#[utoipa::path(post, path = "/v1/portals/{portal}/pause", params(("portal", description = "The portal's id")), tag = "portals",
    responses((status = 200, body = PortalView), (status = 404, body = Problem)))]
pub async fn pause(State(support): Support, Path(portal): Path<String>) -> Result<Json<PortalView>, Problem> {
    Ok(Json(PortalView::new(&support.set_standing(&portal, PortalStanding::Paused).await?)))
}

/// Sends a portal again what waits for it, whether it was paused or disabled.
#[utoipa::path(post, path = "/v1/portals/{portal}/resume", params(("portal", description = "The portal's id")), tag = "portals",
    responses((status = 200, body = PortalView), (status = 404, body = Problem)))]
pub async fn resume(State(support): Support, Path(portal): Path<String>) -> Result<Json<PortalView>, Problem> {
    Ok(Json(PortalView::new(&support.set_standing(&portal, PortalStanding::Active).await?)))
}

/// What a body would become if the portal sent it, without its signature: nothing is stored. The content type is that of this
/// request.
#[utoipa::path(post, path = "/v1/portals/{portal}/dry-run", params(("portal", description = "The portal's id")),
    request_body(content = String, description = "The body, as the portal sends it"), tag = "portals",
    responses((status = 200, body = DryRun), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn dry_run(
    State(support): Support,
    Path(portal): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<DryRun>, Problem> {
    if body.len() > limits::HOOK_BYTES {
        return Err(Problem::too_large(limits::HOOK_BYTES));
    }
    let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
    let (portal, mapped) = support.dry_run(&portal, content_type, &body).await?;
    let dry = match mapped {
        Mapped::Challenge(answer) => DryRun { challenge: Some(answer), events: vec![], passed_over: 0 },
        Mapped::Events { events, passed_over } => {
            let show = |event: Event| DryEvent {
                from: portal.id.agent(event.agent.as_deref()).to_string(),
                repeat_key: event.repeat_key(None),
                event,
            };
            DryRun { challenge: None, events: events.into_iter().map(show).collect(), passed_over }
        }
    };
    Ok(Json(dry))
}
