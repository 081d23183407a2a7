//! Why a connection is closed: the WebSocket close code and its reason.
//!
//! SDKs come back after 3000–3499; 3500–3999 are final.

use std::borrow::Cow;

/// A close code with the reason that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect {
    /// The close code.
    pub code: u16,
    /// For people; at most 123 bytes travel.
    pub reason: Cow<'static, str>,
}

const fn closing(code: u16, reason: &'static str) -> Disconnect {
    Disconnect { code, reason: Cow::Borrowed(reason) }
}

impl Disconnect {
    /// The server is going away; come back to another.
    pub const SHUTDOWN: Self = closing(3001, "shutdown");
    /// Something failed that is not the client's fault.
    pub const SERVER_ERROR: Self = closing(3004, "internal server error");
    /// The token expired and no new one came.
    pub const EXPIRED: Self = closing(3005, "connection expired");
    /// A ping was not answered.
    pub const NO_PONG: Self = closing(3012, "no pong");
    /// Too many clients arrive at once; come back a little later.
    pub const TOO_MANY: Self = closing(3013, "too many clients arrive at once");
    /// One reason for every token that is not accepted.
    pub const INVALID_TOKEN: Self = closing(3500, "invalid token");
    /// No `connect` in time.
    pub const STALE: Self = closing(3502, "stale");
    /// The product's backend logged this user out.
    pub const LOGGED_OUT: Self = closing(3503, "disconnected by the server");

    /// Binary on a connection that speaks JSON.
    pub const INAPPROPRIATE: Self = closing(3506, "inappropriate protocol: a binary frame on a JSON connection");

    /// The client does not speak the protocol.
    pub fn bad_request(why: impl std::fmt::Display) -> Self {
        Self { code: 3501, reason: Cow::Owned(format!("bad request: {why}")) }
    }

    /// The reason, cut at a character boundary to what a close frame carries.
    pub fn short_reason(&self) -> &str {
        let mut end = self.reason.len().min(123);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        &self.reason[..end]
    }
}
