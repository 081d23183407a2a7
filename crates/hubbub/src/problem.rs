//! Errors of the REST API: problem documents (RFC 9457).

use crate::{chat::ChatError, store::StoreError};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hubbub_core::model::{access::Refusal, ids::Invalid};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// Why a request was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A word for machines.
    code: &'static str,
    /// The HTTP status.
    status: u16,
    /// What kind of problem.
    title: &'static str,
    /// What exactly: names the field and the limit where there is one.
    detail: String,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { code, status: status.as_u16(), title, detail: detail.into(), retry_after: None }
    }

    /// The same, to be tried again after so long. Busy and unavailable say a second by themselves.
    pub fn retry_after(self, later: Duration) -> Self {
        Self { retry_after: Some(later), ..self }
    }
}

impl Problem {
    /// A body that is longer than `limit` bytes, or was cut off.
    pub fn too_large(limit: usize) -> Self {
        let why = format!("body: more than {limit} bytes, or cut off");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", why)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        ChatError::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let later = self.retry_after.unwrap_or(Duration::from_secs(1));
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, later.as_secs().into());
        }
        response
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", invalid.to_string())
    }
}

impl From<ChatError> for Problem {
    fn from(error: ChatError) -> Self {
        let (status, code) = match &error {
            ChatError::Refused(refusal) => match refusal {
                Refusal::UnknownRoom => (StatusCode::NOT_FOUND, "unknown_room"),
                Refusal::NotMember => (StatusCode::FORBIDDEN, "not_member"),
                Refusal::Banned => (StatusCode::FORBIDDEN, "banned"),
                Refusal::NotAdmin => (StatusCode::FORBIDDEN, "not_admin"),
                Refusal::FixedMembers => (StatusCode::CONFLICT, "fixed_members"),
                Refusal::NoSuchEntry => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
                Refusal::LogFull => (StatusCode::CONFLICT, "log_full"),
                Refusal::SessionClosed => (StatusCode::CONFLICT, "session_closed"),
                Refusal::NotSession => (StatusCode::NOT_FOUND, "not_session"),
            },
            ChatError::Conflict { .. } => (StatusCode::CONFLICT, "conflict"),
            ChatError::RoomExists => (StatusCode::CONFLICT, "room_exists"),
            ChatError::Unrecoverable => (StatusCode::CONFLICT, "unrecoverable"),
            ChatError::Busy => (StatusCode::TOO_MANY_REQUESTS, "busy"),
            ChatError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self::new(status, code, error.to_string())
    }
}
