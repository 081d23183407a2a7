//! Tokens of OAuth 2: fetched, kept before they are used, and renewed by one instance at a time.

use super::store::{Grant, GrantClaim, GrantStep};
use crate::{
    features::portals::{
        call::Caller,
        store::{Portal, PortalStanding},
        support::SupportChat,
        vault::Field,
    },
    store::StoreError,
};
use hubbub_core::{
    delivery::retry::{Class, PostVerdict},
    limits,
    model::time::Timestamp,
    portal::{
        PortalId,
        access::{
            GrantKind, OAuth2,
            oauth::{TokenAnswer, Tokens, judge, renew_at, without},
        },
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

/// The pause before what was not written is written again.
const WRITE_AGAIN: Duration = Duration::from_millis(500);
/// How often a portal is read again that others change.
const TRIES: u32 = 5;

/// A token that opens a portal.
#[derive(Clone)]
pub(super) struct Token {
    pub text: String,
    /// Which one.
    pub generation: u64,
}

/// See the module.
pub(super) struct Renewals {
    desk: Arc<Desk>,
    portals: Mutex<HashMap<PortalId, Arc<Turns>>>,
}

/// One portal: deliveries that need its token look for it one after another, and find what the first has found.
struct Turns {
    turns: Semaphore,
    seen: Mutex<Option<Seen>>,
}

/// A token as it was in the store a moment ago.
#[derive(Clone)]
struct Seen {
    token: Token,
    renew_at: Option<Timestamp>,
    made_for: String,
    looked: Instant,
}

impl Turns {
    fn seen(&self) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn good(&self, made_for: &str, now: Timestamp) -> Option<Token> {
        let seen = self.seen().clone()?;
        let is_good = seen.looked.elapsed() < limits::PORTALS_EVERY
            && seen.made_for == made_for
            && seen.renew_at.is_none_or(|at| now < at);
        is_good.then_some(seen.token)
    }
}

fn down(why: impl Into<String>) -> PostVerdict {
    PostVerdict::failed(Class::Down, why.into())
}

fn credentials(why: impl Into<String>) -> PostVerdict {
    PostVerdict::failed(Class::Credentials, why.into())
}

impl Renewals {
    pub fn new(support: Arc<SupportChat>, caller: Arc<Caller>) -> Self {
        Self { desk: Arc::new(Desk { support, caller }), portals: Mutex::default() }
    }

    fn turns(&self, portal: &PortalId) -> Arc<Turns> {
        let mut portals = self.portals.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Turns { turns: Semaphore::new(1), seen: Mutex::default() });
        portals.entry(portal.clone()).or_insert_with(new).clone()
    }

    /// A token that is good now, fetched if need be.
    ///
    /// # Errors
    /// What an attempt comes to that has none.
    pub async fn token(&self, portal: &Portal, oauth: &OAuth2, secret: Option<&str>) -> Result<Token, PostVerdict> {
        let (turns, made_for) = (self.turns(&portal.id), oauth.fingerprint());
        let now = || self.desk.support.chat.clock.timestamp();
        if let Some(token) = turns.good(&made_for, now()) {
            return Ok(token);
        }
        let find = async {
            let _turn = turns.turns.acquire().await;
            if let Some(token) = turns.good(&made_for, now()) {
                return Ok(token);
            }
            let mut first = None;
            loop {
                match self.desk.look(portal, oauth, secret, &made_for, &mut first).await? {
                    Looked::Found(token, renew_at) => {
                        let seen = Seen { token: token.clone(), renew_at, made_for, looked: Instant::now() };
                        *turns.seen() = Some(seen);
                        return Ok(token);
                    }
                    Looked::Renewed => {}
                    // By somebody else.
                    Looked::Busy => sleep(limits::TOKEN_LOOK).await,
                }
            }
        };
        let late = || down(format!("no token within {} s", limits::TOKEN_WITHIN.as_secs()));
        timeout(limits::TOKEN_WITHIN, find).await.unwrap_or_else(|_| Err(late()))
    }

    /// The portal refused this token. Whether it is worth a try with another one.
    pub async fn rejected(&self, portal: &PortalId, generation: u64) -> bool {
        let turns = self.turns(portal);
        turns.seen().take_if(|seen| seen.token.generation == generation);
        let store = &self.desk.support.store;
        match store.void_grant(portal, generation, limits::TOKEN_AGAIN).await {
            Ok(true) => true,
            // Somebody else was first, and there is another one by now.
            Ok(false) => store.grant(portal).await.is_ok_and(|now| now.is_some_and(|now| now.generation != generation)),
            Err(_) => false,
        }
    }
}

enum Looked {
    Found(Token, Option<Timestamp>),
    Renewed,
    Busy,
}

/// What a renewal needs, also when whoever asked for it has gone.
struct Desk {
    support: Arc<SupportChat>,
    caller: Arc<Caller>,
}

impl Desk {
    async fn look(
        self: &Arc<Self>,
        portal: &Portal,
        oauth: &OAuth2,
        secret: Option<&str>,
        made_for: &str,
        first: &mut Option<u64>,
    ) -> Result<Looked, PostVerdict> {
        let unread = |error: StoreError| down(format!("its token cannot be read: {error}"));
        let grant = self.support.store.grant(&portal.id).await.map_err(unread)?;
        if let Some(why) = grant.as_ref().and_then(|grant| grant.refused.as_ref()) {
            return Err(credentials(why));
        }
        let generation = grant.as_ref().map_or(0, |grant| grant.generation);
        // One that was renewed while we waited is used once, however short its life.
        let is_new = *first.get_or_insert(generation) != generation;
        if let Some(found) = self.good(&portal.id, grant.as_ref(), made_for, is_new)? {
            return Ok(found);
        }
        let refresh = match (oauth.grant, grant.as_ref().and_then(|grant| grant.refresh.as_ref())) {
            (GrantKind::RefreshToken, Some(kept)) => {
                let opened = self.support.vault.open(&portal.id, Field::RefreshToken, kept);
                Some(opened.map_err(|locked| credentials(locked.to_string()))?)
            }
            _ => None,
        };
        // What is missing is said without a claim.
        oauth.request(secret, refresh.as_deref()).map_err(credentials)?;
        let claimed = self.support.store.claim_grant(&portal.id, generation, limits::TOKEN_LEASE).await;
        let Some(claim) = claimed.map_err(unread)? else { return Ok(Looked::Busy) };
        let (desk, oauth, secret) = (self.clone(), oauth.clone(), secret.map(ToOwned::to_owned));
        // What a token endpoint has given is kept, whoever has stopped waiting for it.
        let renewed = tokio::spawn(async move { desk.renew(claim, &oauth, secret, refresh).await });
        renewed.await.unwrap_or_else(|_| Err(down("its token was not renewed")))?;
        Ok(Looked::Renewed)
    }

    /// The token that is there, if it is good.
    fn good(
        &self,
        portal: &PortalId,
        grant: Option<&Grant>,
        made_for: &str,
        is_new: bool,
    ) -> Result<Option<Looked>, PostVerdict> {
        let now = self.support.chat.clock.timestamp();
        let Some(grant) = grant else { return Ok(None) };
        let lasts = is_new || grant.renew_at.is_none_or(|at| now < at);
        let is_good = lasts && grant.made_for.as_deref() == Some(made_for);
        let Some(kept) = grant.access.as_ref().filter(|_| is_good) else { return Ok(None) };
        let text = self.support.vault.open(portal, Field::AccessToken, kept);
        let text = text.map_err(|locked| credentials(locked.to_string()))?;
        Ok(Some(Looked::Found(Token { text, generation: grant.generation }, grant.renew_at)))
    }

    /// Fetches a token and keeps it. It is used by whoever finds it in the store.
    async fn renew(
        &self,
        claim: GrantClaim,
        oauth: &OAuth2,
        secret: Option<String>,
        refresh: Option<String>,
    ) -> Result<(), PostVerdict> {
        let asked = oauth.request(secret.as_deref(), refresh.as_deref()).map_err(credentials)?;
        let called = self.caller.ask_for_token(&oauth.token_url, &asked).await;
        let now = self.support.chat.clock.timestamp();
        let answer = judge(&called.outcome(), &called.body, now);
        let known: Vec<&str> = secret.iter().chain(&refresh).map(String::as_str).collect();
        let hidden = |why: &str| without(&known, why);
        let count = |outcome| self.support.chat.metrics.portals.renewed(claim.portal.as_str(), outcome);
        let verdict = match answer {
            TokenAnswer::Granted(tokens) => {
                count("renewed");
                let step = self.step(&claim.portal, oauth, &tokens, now)?;
                return self.keep(&claim, &step).await;
            }
            TokenAnswer::Revoked(why) if oauth.grant == GrantKind::RefreshToken => {
                count("revoked");
                let why = format!("{}; give it another refresh token (direction grant)", hidden(&why));
                self.refused(&claim, &why).await;
                return Err(credentials(why));
            }
            TokenAnswer::Revoked(why) | TokenAnswer::Credentials(why) => {
                count("credentials");
                credentials(hidden(&why))
            }
            TokenAnswer::Throttled { why, after } => {
                count("throttled");
                PostVerdict { after, ..PostVerdict::failed(Class::Throttled, hidden(&why)) }
            }
            TokenAnswer::Down(why) => {
                count("down");
                down(hidden(&why))
            }
        };
        tracing::debug!(portal = %claim.portal, why = verdict.why, "a token was not renewed");
        // Should it not be written, the lease ends by itself.
        let _ = self.support.store.settle_grant(&claim, &GrantStep::GivenBack).await;
        Err(verdict)
    }

    fn step(
        &self,
        portal: &PortalId,
        oauth: &OAuth2,
        tokens: &Tokens,
        now: Timestamp,
    ) -> Result<GrantStep, PostVerdict> {
        let seal = |field, text: &str| {
            self.support.vault.seal(portal, field, text).map_err(|invalid| credentials(invalid.to_string()))
        };
        let refresh = tokens.refresh.as_deref().filter(|_| oauth.grant == GrantKind::RefreshToken);
        Ok(GrantStep::Renewed {
            access: seal(Field::AccessToken, &tokens.access)?,
            renew_at: tokens.good_for.map(|good_for| renew_at(now, good_for)),
            made_for: oauth.fingerprint(),
            refresh: refresh.map(|refresh| seal(Field::RefreshToken, refresh)).transpose()?,
        })
    }

    /// Writes what a token endpoint gave, and does not give up soon: the old refresh token may be good no more.
    async fn keep(&self, claim: &GrantClaim, step: &GrantStep) -> Result<(), PostVerdict> {
        let began = Instant::now();
        loop {
            match self.support.store.settle_grant(claim, step).await {
                // Not written: an operator has given another grant, or somebody else has renewed it. What there is now is found.
                Ok(_) => return Ok(()),
                Err(error) if began.elapsed() < limits::TOKEN_KEPT_WITHIN => {
                    tracing::warn!(%error, portal = %claim.portal, "a new token was not kept; trying again");
                    sleep(WRITE_AGAIN).await;
                }
                Err(error) => {
                    tracing::error!(%error, portal = %claim.portal, "a new token was not kept, and is lost");
                    return Err(down("its new token was not kept"));
                }
            }
        }
    }

    /// The token endpoint wants another grant: nobody calls the portal until an operator has done something about it.
    async fn refused(&self, claim: &GrantClaim, why: &str) {
        let (store, portal) = (&self.support.store, &claim.portal);
        // Somebody else may have renewed it, or an operator have given another one.
        match store.settle_grant(claim, &GrantStep::Refused(why.to_owned())).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::warn!(%error, %portal, "that its grant was refused was not kept"),
        }
        tracing::warn!(%portal, why, "the portal is disabled: its grant was refused");
        for _ in 0..TRIES {
            let Ok(all) = store.portals().await else { return };
            let Some(found) = all.into_iter().find(|found| found.id == *portal) else { return };
            if found.standing != PortalStanding::Active {
                return;
            }
            let disabled = Portal { standing: PortalStanding::Disabled(why.to_owned()), ..found };
            if !matches!(store.write_portal(&disabled).await, Ok(false)) {
                return;
            }
        }
    }
}
