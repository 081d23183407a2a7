//! Who a client is: `connect` and `refresh`.

use super::{Client, Done, Transport};
use crate::token::{Verdict, refusal::Why};
use hubbub_core::{
    limits,
    live::{fingerprint::Fingerprint, presence::Present},
    model::{farewell::Farewell, ids::UserId, json::Json, time::Timestamp},
    wire::{
        command::{Command, Said},
        connection::{Identity, TokenError, Verified},
        push,
        reply::{self, Answer, Connected, ConnectedData, Empty, Refreshed, Reply},
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
            self.gateway.tokens.refused(Why::Spent);
            return self.judged(id, Err(TokenError::Expired));
        }
        self.shown = Some(shown);
        match self.gateway.tokens.verify(token) {
            Verdict::Now(verdict) if chat.revoked.is_known() => self.judged(id, verdict),
            verdict => {
                let revoked = chat.revoked.clone();
                self.in_flight.push(Box::pin(async move {
                    let verdict = verdict.wait().await;
                    let is_known = verdict.is_err() || revoked.comes_to_be_known().await;
                    Done::Judged { id, verdict: if is_known { verdict } else { Err(TokenError::Unknown) } }
                }));
            }
        }
    }

    /// The verdict, unless the product's backend has logged the user out since the token was issued.
    fn unless_revoked(&self, verdict: Result<Identity, TokenError>) -> Result<Identity, TokenError> {
        let identity = verdict?;
        if self.gateway.chat.revoked.has(&identity.user, identity.issued) {
            self.gateway.tokens.refused(Why::Revoked);
            return Err(TokenError::Expired);
        }
        Ok(identity)
    }

    /// Who was logged out between the verdict and now has been told nothing: looks again.
    fn looks_again(&mut self, user: &UserId, issued: Option<Timestamp>) {
        if self.gateway.chat.revoked.has(user, issued) {
            self.take_farewell(&Farewell { reconnect: true, reason: None });
        }
    }

    /// Whether the next command has to wait because its user has said so much. It is counted once, and has a slot from then on.
    pub(super) fn pauses(&mut self, command: &Command) -> bool {
        let (Some(counted), false) = (&self.counted, matches!(command.said, Ok(Said::Pong))) else { return false };
        let (chat, now) = (&self.gateway.chat, Instant::now());
        let take = || now + counted.take_command(&chat.quota().user, now);
        now < *self.slot_at.get_or_insert_with(take)
    }

    pub(super) fn judged(&mut self, id: u32, verdict: Result<Identity, TokenError>) {
        let verdict = self.unless_revoked(verdict);
        if let Ok(identity) = &verdict
            && self.counted.is_none()
        {
            let chat = &self.gateway.chat;
            match chat.accounts.connect(&identity.user, &chat.quota().user) {
                Ok(counted) => self.counted = Some(counted),
                Err(over) => {
                    chat.metrics.over_quota.inc();
                    let verdict = Err(TokenError::TooMany(over));
                    self.in_flight.push(Box::pin(async move {
                        tokio::time::sleep(limits::TOO_MANY_AFTER).await;
                        Done::Judged { id, verdict }
                    }));
                    return;
                }
            }
        }
        if verdict.is_ok() {
            self.token = self.shown;
        }
        let identity = verdict.as_ref().ok();
        let left =
            identity.and_then(|identity| identity.expires).map(|at| at.saturating_duration_since(Instant::now()));
        let issued = identity.and_then(|identity| identity.issued);
        let (info, is_good) = (identity.and_then(|identity| identity.info.clone()), identity.is_some());
        let (expires, ttl) = reply::ttl(left);
        match self.connection.verified(id, verdict) {
            Err(action) => {
                if is_good {
                    self.gateway.tokens.refused(Why::OtherUser);
                }
                self.act(action);
            }
            Ok(Verified::Refreshed(user)) => {
                let refreshed = Refreshed { client: self.id.to_string(), version: VERSION, expires, ttl };
                self.inbox.was_issued(issued);
                self.refreshed(&user, info, Reply::ok(id, Answer::Refresh(refreshed)));
                self.looks_again(&user, issued);
            }
            Ok(Verified::Connected(user)) => {
                self.arriving.is_identified();
                self.inbox.was_issued(issued);
                let chat = &self.gateway.chat;
                chat.people.enter(&user, &self.inbox);
                self.transport.belongs_to(&user);
                self.span.record("user", user.as_str());
                tracing::debug!("connected");
                let present = Present { client: self.id, user: user.clone().into(), info: info.clone(), revision: 0 };
                let wants = self.connection.wants;
                self.inbox.belongs_to(present, wants);
                if wants.activity {
                    chat.activity.enter(&user, &self.inbox);
                }
                if let Some(info) = info {
                    // Nobody waits for it: many may connect at a time.
                    drop(chat.remember(&user, info));
                }
                let address = self.transport.address();
                let (session, node) = address.unwrap_or_else(|| (String::new(), self.gateway.label.clone()));
                let connected = Connected {
                    client: self.id.to_string(),
                    version: VERSION,
                    expires,
                    ttl,
                    data: ConnectedData {
                        features: chat.known_to_all.now().words(),
                        database: chat.store.identity().public_name(),
                        instance: self.gateway.label.clone(),
                    },
                    ping: reply::seconds(limits::PING_EVERY),
                    pong: true,
                    session,
                    node,
                    subs: [(push::user_channel(&user), Empty {})].into(),
                };
                self.reply(&Reply::ok(id, Answer::Connect(Box::new(connected))));
                self.looks_again(&user, issued);
            }
        }
    }

    /// The last token holds, in whatever it says: when the answer has come, others see it.
    fn refreshed(&mut self, user: &UserId, info: Option<Json>, reply: Reply) {
        self.inbox.is_told(info.clone());
        match info {
            // Also where it is the same: another device may have brought another in between.
            Some(info) => {
                let kept = self.gateway.chat.remember(user, info);
                self.in_flight.push(Box::pin(async move {
                    kept.await;
                    Done::Refreshed(reply)
                }));
            }
            None => self.reply(&reply),
        }
    }
}
