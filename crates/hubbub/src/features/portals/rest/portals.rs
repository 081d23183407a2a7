//! `/v1/portals`: third parties whose agents answer.

use crate::http::{
    Api,
    extract::{Body, Path},
};
use crate::{
    features::portals::store::{Portal, PortalStanding, Secret, Secrets},
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
    model::{ids::Invalid, time::Timestamp},
    portal::{
        PortalId,
        mapping::{Event, Mapped},
        settings::Settings,
        signature,
    },
};
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

/// Tries of a change that meets another one.
const TRIES: u32 = 5;

/// A portal to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPortal {
    /// `[A-Za-z0-9._-]{1,32}`: stands in `/hooks/{id}`.
    id: String,
    /// What is said of it; everything has a default.
    #[serde(default)]
    settings: Settings,
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
    settings: Settings,
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

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn checked(settings: &Settings) -> Result<(), Problem> {
    settings.check()?;
    let bytes = serde_json::to_string(settings).map_or(usize::MAX, |json| json.len());
    if bytes > limits::PORTAL_SETTINGS_BYTES {
        return Err(Invalid::too_long("settings", bytes, limits::PORTAL_SETTINGS_BYTES).into());
    }
    Ok(())
}

fn outgoing(given: Option<&str>) -> Result<String, Invalid> {
    let Some(given) = given else { return Ok(signature::make_secret(rand::random())) };
    signature::parse_secret(given).map_err(|invalid| Invalid { field: "outgoing_secret", ..invalid })?;
    Ok(given.to_owned())
}

/// The secret, and what is kept of it.
fn incoming(settings: &Settings, given: Option<&str>) -> Result<(String, String), Invalid> {
    let secret = given.map_or_else(|| settings.verify.make(rand::random()), ToOwned::to_owned);
    let kept = settings.verify.stored(&secret).map_err(|invalid| Invalid { field: "incoming_secret", ..invalid })?;
    Ok((secret, kept))
}

/// Makes a portal. Its secrets are in this answer and in no other.
#[utoipa::path(post, path = "/v1/portals", request_body = NewPortal, tag = "portals",
    responses((status = 201, body = PortalView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(api): State<Api>,
    Body(new): Body<NewPortal>,
) -> Result<(StatusCode, Json<PortalView>), Problem> {
    checked(&new.settings)?;
    if api.chat.store.portals().await?.len() >= limits::PORTALS {
        let why = format!("limit exceeded: portals; the limit is {}", limits::PORTALS);
        return Err(Problem::new(StatusCode::CONFLICT, "too_many", why));
    }
    let outgoing = outgoing(new.outgoing_secret.as_deref())?;
    let (incoming, kept) = incoming(&new.settings, new.incoming_secret.as_deref())?;
    let good = |value: &str| vec![Secret { value: value.to_owned(), until: None }];
    let portal = Portal {
        id: PortalId::parse_as("id", &new.id)?,
        secrets: Secrets { outgoing: good(&outgoing), incoming: good(&kept) },
        settings: new.settings,
        standing: PortalStanding::Active,
        revision: 0,
        created_at: Timestamp(now()),
        succeeded_at: None,
    };
    if !api.chat.store.create_portal(&portal).await? {
        return Err(Problem::new(StatusCode::CONFLICT, "portal_exists", "a portal of this id exists"));
    }
    let view = PortalView {
        outgoing_secret: Some(outgoing),
        incoming_secret: Some(incoming),
        ..PortalView::new(&found(&api, &new.id).await?)
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// All portals, by id.
#[utoipa::path(get, path = "/v1/portals", tag = "portals", responses((status = 200, body = PortalsView)))]
pub async fn list(State(api): State<Api>) -> Result<Json<PortalsView>, Problem> {
    let portals = api.chat.store.portals().await?;
    Ok(Json(PortalsView { portals: portals.iter().map(PortalView::new).collect() }))
}

pub(super) async fn found(api: &Api, id: &str) -> Result<Portal, Problem> {
    let id = PortalId::parse(id)?;
    let portal = api.chat.store.portals().await?.into_iter().find(|portal| portal.id == id);
    portal.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "unknown_portal", "there is no portal of this id"))
}

/// A portal.
#[utoipa::path(get, path = "/v1/portals/{portal}", params(("portal", description = "The portal's id")), tag = "portals",
    responses((status = 200, body = PortalView), (status = 404, body = Problem)))]
pub async fn show(State(api): State<Api>, Path(portal): Path<String>) -> Result<Json<PortalView>, Problem> {
    Ok(Json(PortalView::new(&found(&api, &portal).await?)))
}

/// Changes a portal as it is now; once more where somebody else was quicker.
async fn change<T>(
    api: &Api,
    id: &str,
    mut change: impl FnMut(&mut Portal) -> Result<T, Problem>,
) -> Result<(Portal, T), Problem> {
    for _ in 0..TRIES {
        let mut portal = found(api, id).await?;
        let answer = change(&mut portal)?;
        if api.chat.store.write_portal(&portal).await? {
            return Ok((portal, answer));
        }
    }
    Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", "others change this portal, too; try again"))
}

/// Gives a portal other settings, as a whole; instances follow within 2 seconds. Another scheme of verification needs a new
/// secret of its form: rotate it, too.
#[utoipa::path(put, path = "/v1/portals/{portal}", params(("portal", description = "The portal's id")),
    request_body = Settings, tag = "portals",
    responses((status = 200, body = PortalView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn configure(
    State(api): State<Api>,
    Path(portal): Path<String>,
    Body(settings): Body<Settings>,
) -> Result<Json<PortalView>, Problem> {
    checked(&settings)?;
    let (portal, ()) = change(&api, &portal, |portal| {
        portal.settings = settings.clone();
        Ok(())
    })
    .await?;
    Ok(Json(PortalView::new(&portal)))
}

/// Gives a portal another secret; the old one stays good beside it for a day, or as long as is said. It is in this answer and
/// in no other.
#[utoipa::path(post, path = "/v1/portals/{portal}/secrets", params(("portal", description = "The portal's id")),
    request_body = NewSecret, tag = "portals",
    responses((status = 200, body = PortalView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn rotate(
    State(api): State<Api>,
    Path(portal): Path<String>,
    Body(new): Body<NewSecret>,
) -> Result<Json<PortalView>, Problem> {
    let keep = new.keep_seconds.unwrap_or(limits::ROTATION.as_secs());
    let until = now().saturating_add(i64::try_from(keep).unwrap_or(i64::MAX).saturating_mul(1_000));
    let is_outgoing = match new.direction.as_str() {
        "outgoing" => true,
        "incoming" => false,
        _ => return Err(Invalid::new("direction", "one of outgoing, incoming").into()),
    };
    let (portal, secret) = change(&api, &portal, |portal| {
        let (secret, kept) = if is_outgoing {
            let secret = outgoing(new.secret.as_deref())?;
            (secret.clone(), secret)
        } else {
            incoming(&portal.settings, new.secret.as_deref())?
        };
        let secrets = if is_outgoing { &mut portal.secrets.outgoing } else { &mut portal.secrets.incoming };
        secrets.retain(|old| old.value != kept && old.until.is_none_or(|until| until > now()));
        for old in secrets.iter_mut() {
            old.until = Some(old.until.unwrap_or(i64::MAX).min(until));
        }
        secrets.insert(0, Secret { value: kept, until: None });
        secrets.truncate(limits::PORTAL_SECRETS);
        Ok(secret)
    })
    .await?;
    let mut view = PortalView::new(&portal);
    let shown = if is_outgoing { &mut view.outgoing_secret } else { &mut view.incoming_secret };
    *shown = Some(secret);
    Ok(Json(view))
}

/// Sends a portal nothing until it is resumed; everything waits. What it sends is taken.
#[utoipa::path(post, path = "/v1/portals/{portal}/pause", params(("portal", description = "The portal's id")), tag = "portals",
    responses((status = 200, body = PortalView), (status = 404, body = Problem)))]
pub async fn pause(State(api): State<Api>, Path(portal): Path<String>) -> Result<Json<PortalView>, Problem> {
    stand(&api, &portal, PortalStanding::Paused).await
}

/// Sends a portal again what waits for it, whether it was paused or disabled.
#[utoipa::path(post, path = "/v1/portals/{portal}/resume", params(("portal", description = "The portal's id")), tag = "portals",
    responses((status = 200, body = PortalView), (status = 404, body = Problem)))]
pub async fn resume(State(api): State<Api>, Path(portal): Path<String>) -> Result<Json<PortalView>, Problem> {
    stand(&api, &portal, PortalStanding::Active).await
}

async fn stand(api: &Api, portal: &str, standing: PortalStanding) -> Result<Json<PortalView>, Problem> {
    let (portal, ()) = change(api, portal, |portal| {
        portal.standing = standing.clone();
        Ok(())
    })
    .await?;
    Ok(Json(PortalView::new(&portal)))
}

/// What a body would become if the portal sent it, without its signature: nothing is stored. The content type is that of this
/// request.
#[utoipa::path(post, path = "/v1/portals/{portal}/dry-run", params(("portal", description = "The portal's id")),
    request_body(content = String, description = "The body, as the portal sends it"), tag = "portals",
    responses((status = 200, body = DryRun), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn dry_run(
    State(api): State<Api>,
    Path(portal): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<DryRun>, Problem> {
    if body.len() > limits::HOOK_BYTES {
        return Err(Problem::too_large(limits::HOOK_BYTES));
    }
    let portal = found(&api, &portal).await?;
    let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
    let dry = match portal.settings.mapping.read(content_type, &body)? {
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
