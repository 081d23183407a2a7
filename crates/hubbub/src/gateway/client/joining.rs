//! Who a client is: `connect` and `refresh`.

use super::{Client, Done, Transport};
use crate::token::Verdict;
use hubbub_core::{
    limits,
    live::{fingerprint::Fingerprint, presence::Present},
    wire::{
        connection::{Identity, TokenError, Verified},
        error::CommandError,
        push,
        reply::{Answer, Connected, Empty, Refreshed, Reply},
    },
};
use std::time::Instant;

/// What the server calls itself to clients.
const VERSION: &str = concat!("hubbub ", env!("CARGO_PKG_VERSION"));

impl<T: Transport> Client<T> {
    pub(super) fn verify(&mut self, id: u32, token: &str) {
        let (chat, now) = (&self.gateway.chat, Instant::now());
        let shown = Fingerprint::of(token, &chat.store.identity().hash_key);
        if chat.spent.has(&shown, now) {
            return self.judged(id, Err(TokenError::Expired));
        }
        self.shown = Some(shown);
        match self.gateway.tokens.verify(token, now) {
            Verdict::Now(verdict) => self.judged(id, verdict),
            Verdict::Later(verdict) => {
                self.in_flight.push(Box::pin(async move { Done::Judged { id, verdict: verdict.await } }));
            }
        }
    }

    pub(super) fn judged(&mut self, id: u32, verdict: Result<Identity, TokenError>) {
        let now = Instant::now();
        if let Ok(identity) = &verdict
            && self.counted.is_none()
        {
            let chat = &self.gateway.chat;
            match chat.accounts.connect(&identity.user, &chat.quota().user) {
                Ok(counted) => self.counted = Some(counted),
                Err(over) => {
                    chat.metrics.over_quota.inc();
                    // As one whose token could not be judged: it may come again.
                    let _ = self.connection.verified(id, Err(TokenError::Unknown));
                    return self.reply(&Reply::error(id, CommandError { temporary: true, ..over.into() }));
                }
            }
        }
        if verdict.is_ok() {
            self.token = self.shown;
        }
        let ttl =
            verdict.as_ref().ok().and_then(|identity| identity.expires).map(|at| at.saturating_duration_since(now));
        let info = verdict.as_ref().ok().and_then(|identity| identity.info.clone());
        // A second is the least the protocol can say.
        let (expires, ttl) = (ttl.is_some(), ttl.map_or(0, |ttl| ttl.as_secs().max(1)));
        match self.connection.verified(id, verdict) {
            Err(action) => self.act(action),
            Ok(Verified::Refreshed(_)) => {
                let refreshed = Refreshed { client: self.id.to_string(), version: VERSION, expires, ttl };
                self.reply(&Reply::ok(id, Answer::Refresh(refreshed)));
            }
            Ok(Verified::Connected(user)) => {
                let chat = &self.gateway.chat;
                chat.people.enter(&user, &self.inbox);
                self.span.record("user", user.as_str());
                tracing::debug!("connected");
                self.inbox.belongs_to(Present { client: self.id, user: user.clone().into(), info: info.clone() });
                if let Some(info) = info {
                    chat.remember(&user, info);
                }
                let address = self.transport.address();
                let (session, node) = address.unwrap_or_else(|| (String::new(), self.gateway.label.clone()));
                let connected = Connected {
                    client: self.id.to_string(),
                    version: VERSION,
                    expires,
                    ttl,
                    ping: limits::PING_EVERY.as_secs(),
                    pong: true,
                    session,
                    node,
                    subs: [(push::user_channel(&user), Empty {})].into(),
                };
                self.reply(&Reply::ok(id, Answer::Connect(Box::new(connected))));
            }
        }
    }
}
