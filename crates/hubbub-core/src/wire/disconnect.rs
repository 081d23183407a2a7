//! Why a connection is closed: the WebSocket close code and its reason.
//!
//! SDKs come back after 3000–3499; 3500–3999 are final.

use crate::model::farewell::Farewell;
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
    /// The product's backend wants this user to come back with another token.
    pub const RECONNECT: Self = closing(3011, "come back with another token");
    /// `connect` has begun to come, and has not come in time.
    pub const SLOW: Self = closing(3008, "slow: connect has not come in time");
    /// Commands did not find their stream, or too many waited for it.
    pub const LOST_COMMANDS: Self = closing(3010, "some commands were lost");
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

    /// As the product's backend wants it.
    pub fn by_backend(farewell: &Farewell) -> Self {
        let plain = if farewell.reconnect { Self::RECONNECT } else { Self::LOGGED_OUT };
        match &farewell.reason {
            Some(reason) => Self { reason: Cow::Owned(reason.clone()), ..plain },
            None => plain,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_travels_whole_and_orders_nothing() {
        let farewell = |reason: &str| Farewell::new(true, Some(reason.to_owned()));
        let longest = "\u{e9}".repeat(61) + "!";
        for good in ["your rights have changed", "a", "null and void", "{", "\"half", "\u{1f642}", &longest] {
            let why = Disconnect::by_backend(&farewell(good).unwrap());
            assert_eq!((why.code, why.short_reason()), (3011, good));
        }
        let too_long = longest.clone() + "!";
        for bad in
            ["", "a\nb", "\u{7f}", &too_long, "42", "true", "null", " {\"reconnect\":false} ", "\"text\"", "[]", "-1e3"]
        {
            assert!(farewell(bad).unwrap_err().to_string().starts_with("reason: "), "{bad}");
        }
        assert_eq!(Disconnect::by_backend(&Farewell::default()), Disconnect::LOGGED_OUT);
        assert_eq!(Disconnect::by_backend(&Farewell { reconnect: true, reason: None }), Disconnect::RECONNECT);
    }
}
