//! JSON as answers of HTTP, and problems among them.

pub use crate::chat::methods::Problem;
use crate::store::StoreError;
use axum::{
    body::Bytes,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::time::Duration;

/// The content type of problems.
pub const PROBLEM: &str = "application/problem+json";

/// JSON as an answer.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match as_line(&self.0) {
            Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// JSON with a line end behind it, so that a terminal that shows an answer begins a new line after it.
///
/// # Errors
/// Where the value is none of JSON's, like a map whose keys are no texts.
pub fn as_line(value: &impl Serialize) -> serde_json::Result<Bytes> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(bytes.into())
}

/// The value of `Retry-After`, in whole seconds: who comes again then is let in.
pub const fn whole_seconds(wait: Duration) -> u64 {
    let seconds = wait.as_secs() + if wait.subsec_nanos() > 0 { 1 } else { 0 };
    if seconds == 0 { 1 } else { seconds }
}

impl Problem {
    /// A problem.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self::of(status.as_u16(), code, detail)
    }

    /// The same, to be tried again after so long. Busy and unavailable say a second by themselves.
    pub fn retry_after(self, later: Duration) -> Self {
        Self { retry_after: Some(later), ..self }
    }

    /// Whether this is the server's doing: busy, without its store, or broken.
    pub const fn is_failure(&self) -> bool {
        matches!(self.status, 429 | 500 | 503)
    }

    /// A body that is longer than `limit` bytes, or was cut off.
    pub fn too_large(limit: usize) -> Self {
        let why = format!("body: more than {limit} bytes, or cut off");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", why)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        crate::chat::ChatError::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let later = self.retry_after.unwrap_or(Duration::from_secs(1));
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(later).into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ChatError;
    use hubbub_core::model::access::Refusal;

    #[test]
    fn who_comes_again_after_the_seconds_that_were_named_is_not_too_early() {
        let slow = |wait_ms| Problem::from(ChatError::from(Refusal::SlowMode { seconds: 3, wait_ms }));
        for (wait_ms, named) in [(0, "1"), (1, "1"), (999, "1"), (1_000, "1"), (1_001, "2"), (1_999, "2"), (2_100, "3")]
        {
            let response = slow(wait_ms).into_response();
            assert_eq!(response.headers()[header::RETRY_AFTER], named, "{wait_ms} ms");
        }
        assert_eq!(whole_seconds(Duration::from_nanos(5_000_000_001)), 6);
    }
}
