//! How the product's backend ends a user's connections.

use super::ids::Invalid;
use crate::limits::DISCONNECT_REASON_BYTES;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Farewell {
    /// SDKs are to come back, with another token.
    pub reconnect: bool,
    /// For people, or for the app.
    pub reason: Option<String>,
}

impl Farewell {
    /// With a reason that travels whole, and is no instruction to anybody.
    ///
    /// # Errors
    /// Names what is wrong with the reason.
    pub fn new(reconnect: bool, reason: Option<String>) -> Result<Self, Invalid> {
        let invalid = |why: String| Err(Invalid::new("reason", why));
        if let Some(text) = &reason {
            if text.is_empty() {
                return invalid("empty; leave it out".into());
            }
            if text.len() > DISCONNECT_REASON_BYTES {
                return invalid(format!("{} bytes; the limit is {DISCONNECT_REASON_BYTES}", text.len()));
            }
            if text.chars().any(char::is_control) {
                return invalid("no control characters are allowed".into());
            }
            // The SDK for JavaScript reads JSON in a close frame as an order whether to come back.
            if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
                return invalid("JSON, which SDKs would take for an order; text is expected".into());
            }
        }
        Ok(Self { reconnect, reason })
    }
}
