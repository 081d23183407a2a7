//! What became of webhooks: deliveries that wait, dead letters, and events in quarantine.

use super::portals::found;
use crate::{
    chat::ChatError,
    features::portals::{
        rest::sessions::{listed, unknown},
        store::{DeadLetter, Filter, Incoming, Quarantined, Received, Which},
    },
    http::{
        Api,
        extract::{Body, Path, Query},
        rooms::ListQuery,
    },
    problem::Problem,
};
use axum::{Json, extract::State, http::StatusCode};
use hubbub_core::{
    limits,
    log::{
        entry::Place,
        kinds::{Message, Text, What},
    },
    model::{
        ids::{Invalid, RoomId},
        json,
    },
    wire::{
        rpc,
        session::{DeadLetterView, DeliveryView, PartView, QuarantinedView},
        view::SentView,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which part of a numbered list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NumbersQuery {
    /// Only of this session.
    session: Option<String>,
    /// Those after this number.
    after: Option<u64>,
    /// 1 to 1,000; 100 without.
    limit: Option<u64>,
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

/// Where an event from quarantine goes.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The session; without one that which the event names.
    session: Option<String>,
}

/// The sessions in which something waits for the portal, with their attempts.
#[utoipa::path(get, path = "/v1/portals/{portal}/deliveries", params(("portal", description = "The portal's id"), ListQuery),
    tag = "portals", responses((status = 200, body = PartView<DeliveryView>), (status = 404, body = Problem)))]
pub async fn deliveries(
    State(api): State<Api>,
    Path(portal): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<PartView<DeliveryView>>, Problem> {
    let filter = Filter { portal: Some(found(&api, &portal).await?.id), waiting: true, ..Filter::default() };
    let after = query.after.as_deref().map(|after| RoomId::parse_as("after", after)).transpose()?;
    listed(&api, &filter, after.as_ref(), query.limit).await
}

/// Dead letters, by number, with their attempts; those that were delivered since stay in the list.
#[utoipa::path(get, path = "/v1/portals/{portal}/dead-letters",
    params(("portal", description = "The portal's id"), NumbersQuery), tag = "portals",
    responses((status = 200, body = PartView<DeadLetterView>), (status = 404, body = Problem)))]
pub async fn dead_letters(
    State(api): State<Api>,
    Path(portal): Path<String>,
    Query(query): Query<NumbersQuery>,
) -> Result<Json<PartView<DeadLetterView>>, Problem> {
    let filter = Filter {
        portal: Some(found(&api, &portal).await?.id),
        session: query.session.as_deref().map(|id| RoomId::parse_as("session", id)).transpose()?,
        ..Filter::default()
    };
    let after = query.after.unwrap_or_default();
    let part = api.chat.store.dead_letters(&filter, after, rpc::limit(query.limit)?).await?;
    Ok(Json(PartView::new(&part, DeadLetterView::new, |letter| letter.number.to_string())))
}

async fn letter(api: &Api, portal: &str, number: u64) -> Result<DeadLetter, Problem> {
    let filter = Filter { portal: Some(found(api, portal).await?.id), ..Filter::default() };
    let part = api.chat.store.dead_letters(&filter, number.saturating_sub(1), 1).await?;
    part.items.into_iter().find(|letter| letter.number == number).ok_or_else(no_letter)
}

fn no_letter() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_letter", "this portal has no dead letter of this number")
}

/// A dead letter, with its attempts.
#[utoipa::path(get, path = "/v1/portals/{portal}/dead-letters/{number}",
    params(("portal", description = "The portal's id"), ("number" = u64, description = "The dead letter's number")), tag = "portals",
    responses((status = 200, body = DeadLetterView), (status = 404, body = Problem)))]
pub async fn dead_letter(
    State(api): State<Api>,
    Path((portal, number)): Path<(String, u64)>,
) -> Result<Json<DeadLetterView>, Problem> {
    Ok(Json(DeadLetterView::new(&letter(&api, &portal, number).await?)))
}

/// Sends a dead letter again, at its session's next turn: out of order, with the same id. One attempt; if that fails it stays
/// a dead letter.
#[utoipa::path(post, path = "/v1/portals/{portal}/dead-letters/{number}/replay",
    params(("portal", description = "The portal's id"), ("number" = u64, description = "The dead letter's number")), tag = "portals",
    responses((status = 202, body = Replaying), (status = 404, body = Problem)))]
pub async fn replay_one(
    State(api): State<Api>,
    Path((portal, number)): Path<(String, u64)>,
) -> Result<(StatusCode, Json<Replaying>), Problem> {
    let portal = letter(&api, &portal, number).await?.portal;
    let replaying = api.chat.store.replay(&portal, Which::One(number)).await?;
    Ok((StatusCode::ACCEPTED, Json(Replaying { replaying })))
}

/// Sends many dead letters again: a range of numbers, or all that were not delivered since.
#[utoipa::path(post, path = "/v1/portals/{portal}/dead-letters/replay", params(("portal", description = "The portal's id")),
    request_body = Replay, tag = "portals",
    responses((status = 202, body = Replaying), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn replay_many(
    State(api): State<Api>,
    Path(portal): Path<String>,
    Body(asked): Body<Replay>,
) -> Result<(StatusCode, Json<Replaying>), Problem> {
    let which = match (asked.from, asked.to, asked.all) {
        (Some(from), Some(to), false) => Which::Range(from, to),
        (None, None, true) => Which::All,
        _ => return Err(Invalid::new("from", "give from and to, or all").into()),
    };
    let portal = found(&api, &portal).await?.id;
    let mut replaying = 0;
    loop {
        // In portions: their sessions are locked meanwhile.
        let more = api.chat.store.replay(&portal, which).await?;
        replaying += more;
        if more < limits::REPLAYED_TOGETHER as u64 {
            return Ok((StatusCode::ACCEPTED, Json(Replaying { replaying })));
        }
    }
}

/// Throws a dead letter away; a session that stands still at it goes on.
#[utoipa::path(delete, path = "/v1/portals/{portal}/dead-letters/{number}",
    params(("portal", description = "The portal's id"), ("number" = u64, description = "The dead letter's number")), tag = "portals",
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn discard(
    State(api): State<Api>,
    Path((portal, number)): Path<(String, u64)>,
) -> Result<StatusCode, Problem> {
    let portal = found(&api, &portal).await?.id;
    let gone = api.chat.store.discard(&portal, number).await?;
    gone.then_some(StatusCode::NO_CONTENT).ok_or_else(no_letter)
}

/// Events for sessions that were not known, by number.
#[utoipa::path(get, path = "/v1/portals/{portal}/quarantine",
    params(("portal", description = "The portal's id"), NumbersQuery), tag = "portals",
    responses((status = 200, body = PartView<QuarantinedView>), (status = 404, body = Problem)))]
pub async fn quarantine(
    State(api): State<Api>,
    Path(portal): Path<String>,
    Query(query): Query<NumbersQuery>,
) -> Result<Json<PartView<QuarantinedView>>, Problem> {
    let portal = found(&api, &portal).await?.id;
    let after = query.after.unwrap_or_default();
    let part = api.chat.store.quarantined(&portal, after, rpc::limit(query.limit)?).await?;
    Ok(Json(PartView::new(&part, QuarantinedView::new, |kept| kept.number.to_string())))
}

async fn kept(api: &Api, portal: &str, number: u64) -> Result<Quarantined, Problem> {
    let portal = found(api, portal).await?.id;
    let part = api.chat.store.quarantined(&portal, number.saturating_sub(1), 1).await?;
    part.items.into_iter().find(|kept| kept.number == number).ok_or_else(not_kept)
}

fn not_kept() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_event", "this portal has no event of this number in quarantine")
}

/// Takes an event out of quarantine, into the log of a session.
#[utoipa::path(post, path = "/v1/portals/{portal}/quarantine/{number}/replay",
    params(("portal", description = "The portal's id"), ("number" = u64, description = "The event's number")),
    request_body = Release, tag = "portals",
    responses((status = 200, body = SentView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn release(
    State(api): State<Api>,
    Path((portal, number)): Path<(String, u64)>,
    Body(asked): Body<Release>,
) -> Result<Json<SentView>, Problem> {
    let kept = kept(&api, &portal, number).await?;
    let session = asked.session.as_deref().map(|id| RoomId::parse_as("session", id)).transpose()?;
    let what = What::Message(Message {
        text: Text::trusted(kept.text),
        data: kept.data.map(json::Json::trusted),
        reply_to: None,
    });
    let (draft, opening) = api.chat.incoming(&kept.portal, &kept.from, what);
    let message = Incoming {
        portal: kept.portal,
        session: kept.session,
        external: kept.external,
        event: kept.event,
        draft,
        opening,
        quarantine: true,
    };
    match api.chat.release(number, &message, session.as_ref()).await? {
        Some(Received::Stored { epoch, entries }) => {
            let entry = entries.last().ok_or(ChatError::Unavailable)?;
            let place = Place { id: entry.id, seq: entry.seq, epoch, at: entry.at };
            Ok(Json(SentView::new(&entry.room, place)))
        }
        Some(Received::Repeated { session, place }) => Ok(Json(SentView::new(&session, place))),
        Some(Received::UnknownSession | Received::Quarantined(_)) => Err(unknown()),
        Some(Received::LogFull) => {
            Err(Problem::new(StatusCode::CONFLICT, "log_full", "the log of this session is full"))
        }
        None => Err(not_kept()),
    }
}

/// Throws an event in quarantine away.
#[utoipa::path(delete, path = "/v1/portals/{portal}/quarantine/{number}",
    params(("portal", description = "The portal's id"), ("number" = u64, description = "The event's number")), tag = "portals",
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn drop_quarantined(
    State(api): State<Api>,
    Path((portal, number)): Path<(String, u64)>,
) -> Result<StatusCode, Problem> {
    let portal = found(&api, &portal).await?.id;
    let gone = api.chat.store.drop_quarantined(&portal, number).await?;
    gone.then_some(StatusCode::NO_CONTENT).ok_or_else(not_kept)
}
