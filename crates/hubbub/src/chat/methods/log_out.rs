//! `log_out`: no token of a user that was issued before a moment is taken any more, and connections by such tokens are closed.

use super::{
    Actor, Doc, Edge, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb,
    rest::{OptionalJson, USER},
};
use crate::chat::Chat;
use hubbub_core::{
    limits::TOKEN_LEEWAY,
    live::wake::Wake,
    model::{
        farewell::Farewell,
        ids::{Invalid, UserId},
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// See the module.
pub struct LogOut;

/// Which tokens are not taken any more, and how connections are closed.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct LoggingOut {
    /// Tokens issued (`iat`) before this moment, as RFC 3339 writes it; at most 60 s from now. Without it: before now.
    #[schema(value_type = Option<String>, format = DateTime)]
    issued_before: Option<String>,
    /// Whether SDKs are to come back, with another token (3011), or not (3503).
    reconnect: bool,
    /// What is told as the reason: text that is not JSON, without control characters, 1 to 123 bytes.
    reason: Option<String>,
}

/// What holds from now on.
#[derive(Serialize, ToSchema)]
pub struct LoggedOut {
    /// Who.
    user: String,
    /// Tokens issued before this moment are not taken any more. It never goes back.
    #[schema(format = DateTime)]
    issued_before: String,
}

impl Method for LogOut {
    const NAME: &'static str = "log_out";
    const DOC: Doc = Doc {
        summary: "Logs a user out everywhere: no token issued before now, or before `issued_before`, is taken any more, on any instance and after \
                  any restart; connections by such tokens are closed with 3503, or with `reconnect` with 3011.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = (UserId, Option<Timestamp>, Farewell);
    type Output = LoggedOut;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        chat: &Chat,
        _: &Actor,
        (user, asked, farewell): (UserId, Option<Timestamp>, Farewell),
    ) -> Result<LoggedOut, MethodError> {
        let now = i64::try_from(chat.clock.now().as_millis()).unwrap_or(i64::MAX);
        let latest = now.saturating_add(TOKEN_LEEWAY.as_millis() as i64);
        if asked.is_some_and(|asked| asked.0 > latest) {
            let why = format!("in the future; the limit is {} s from now", TOKEN_LEEWAY.as_secs());
            return Err(Invalid::new("issued_before", why).into());
        }
        let revocation = chat.store.revoke(&user, asked.unwrap_or(Timestamp(now)), &farewell).await?;
        chat.revoked.take(&revocation);
        let mut wakes = vec![Wake::Revoked(revocation.number)];
        if asked.is_none() {
            // Instances of before this version know that one.
            wakes.push(Wake::Disconnect { user: user.clone(), farewell });
        }
        chat.announcer.announce(&wakes);
        Ok(LoggedOut { user: user.to_string(), issued_before: revocation.before.to_string() })
    }
}

impl RestMethod for LogOut {
    const ROUTE: Route = Route {
        audited: true,
        tag: "users",
        problems: &[422],
        example: r#"{"reason":"your password has changed"}"#,
        ..Route::new(Verb::Post, "/v1/users/{user}/log-out", &[USER])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = OptionalJson<LoggingOut>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (UserId, Option<Timestamp>, Farewell)), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path)?;
        let OptionalJson(LoggingOut { issued_before, reconnect, reason }) = asked.body;
        let expected = || Invalid::new("issued_before", "a time like 2026-01-31T09:30:00Z is expected");
        let before = issued_before.map(|text| Timestamp::parse_strict(&text).ok_or_else(expected)).transpose()?;
        Ok((Actor::backend(), (user, before, Farewell::new(reconnect, reason)?)))
    }
}
