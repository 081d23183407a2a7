//! REST of portals, sessions and dead letters.

use super::{error::SupportError, sessions::SessionError, support::SupportChat};
use crate::problem::Problem;
use axum::http::StatusCode;
use hubbub_core::portal::mapping::Unmapped;
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub mod dead_letters;
pub mod portals;
pub mod quarantine;
pub mod sessions;

fn routes() -> OpenApiRouter<Arc<SupportChat>> {
    OpenApiRouter::new()
        .routes(routes!(sessions::open, sessions::list))
        .routes(routes!(sessions::show))
        .routes(routes!(sessions::set_state))
        .routes(routes!(portals::create, portals::list))
        .routes(routes!(portals::show, portals::configure))
        .routes(routes!(portals::rotate))
        .routes(routes!(portals::pause))
        .routes(routes!(portals::resume))
        .routes(routes!(portals::dry_run))
        .routes(routes!(dead_letters::deliveries))
        .routes(routes!(dead_letters::dead_letters))
        .routes(routes!(dead_letters::replay_many))
        .routes(routes!(dead_letters::dead_letter, dead_letters::discard))
        .routes(routes!(dead_letters::replay_one))
        .routes(routes!(quarantine::quarantine))
        .routes(routes!(quarantine::drop_quarantined))
        .routes(routes!(quarantine::release))
}

/// The routes, to be merged with the others of the API.
pub fn router<S: Clone + Send + Sync + 'static>(support: Arc<SupportChat>) -> OpenApiRouter<S> {
    routes().with_state(support)
}

/// What the OpenAPI document says of them.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

impl From<SupportError> for Problem {
    fn from(error: SupportError) -> Self {
        let (status, code) = match error {
            SupportError::Chat(chat) => return chat.into(),
            SupportError::Invalid(invalid) => return invalid.into(),
            SupportError::Unmapped(unmapped) => return unmapped.into(),
            SupportError::UnknownPortal => (StatusCode::NOT_FOUND, "unknown_portal"),
            SupportError::PortalExists => (StatusCode::CONFLICT, "portal_exists"),
            SupportError::TooManyPortals => (StatusCode::CONFLICT, "too_many"),
            SupportError::PortalBusy => (StatusCode::TOO_MANY_REQUESTS, "busy"),
            SupportError::UnknownSession => (StatusCode::NOT_FOUND, "unknown_session"),
            SupportError::UnknownDeadLetter => (StatusCode::NOT_FOUND, "unknown_letter"),
            SupportError::UnknownEvent => (StatusCode::NOT_FOUND, "unknown_event"),
            SupportError::LogFull => (StatusCode::CONFLICT, "log_full"),
        };
        Self::new(status, code, error.to_string())
    }
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

impl From<Unmapped> for Problem {
    fn from(unmapped: Unmapped) -> Self {
        let status = StatusCode::from_u16(unmapped.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        Self::new(status, "unmapped", unmapped.to_string())
    }
}
