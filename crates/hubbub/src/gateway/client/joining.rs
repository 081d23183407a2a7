//! Who a client is: `connect` and `refresh`.

use super::{Client, Done};
use crate::token::Verdict;
use hubbub_core::{
    connection::{Identity, TokenError},
    limits,
    protocol::{
        push,
        reply::{self, Connected, Empty, Refreshed},
    },
};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite};

/// What the server calls itself to clients.
const VERSION: &str = concat!("hubbub ", env!("CARGO_PKG_VERSION"));

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(super) fn verify(&mut self, id: u32, token: &str) {
        match self.gateway.tokens.verify(token, Instant::now()) {
            Verdict::Now(verdict) => self.judged(id, verdict),
            Verdict::Later(verdict) => {
                self.in_flight.push(Box::pin(async move { Done::Judged { id, verdict: verdict.await } }));
            }
        }
    }

    pub(super) fn judged(&mut self, id: u32, verdict: Result<Identity, TokenError>) {
        let now = Instant::now();
        let ttl =
            verdict.as_ref().ok().and_then(|identity| identity.expires).map(|at| at.saturating_duration_since(now));
        let info = verdict.as_ref().ok().and_then(|identity| identity.info.clone());
        // A second is the least the protocol can say.
        let (expires, ttl) = (ttl.is_some(), ttl.map_or(0, |ttl| ttl.as_secs().max(1)));
        match self.connection.verified(id, verdict) {
            Err(action) => self.act(action),
            Ok(false) => {
                let refreshed = Refreshed { client: self.id.clone(), version: VERSION, expires, ttl };
                self.outbox.push(reply::ok(id, "refresh", &refreshed));
            }
            Ok(true) => {
                let user = self.user();
                let chat = &self.gateway.chat;
                chat.people.enter(&user, &self.inbox);
                self.span.record("user", user.as_str());
                tracing::debug!("connected");
                if let Some(info) = info {
                    chat.remember(&user, info);
                }
                let connected = Connected {
                    client: self.id.clone(),
                    version: VERSION,
                    expires,
                    ttl,
                    ping: limits::PING_EVERY.as_secs(),
                    pong: true,
                    node: self.gateway.label.clone(),
                    subs: [(push::user_channel(&user), Empty {})].into(),
                };
                self.outbox.push(reply::ok(id, "connect", &connected));
            }
        }
    }
}
