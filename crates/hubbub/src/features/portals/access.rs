//! What opens a portal to our calls: its secrets, opened, put into headers as its `auth` says; with OAuth 2 a token, which is
//! fetched and renewed ([`renewal`]) and kept in the database ([`store`]), sealed like every secret.

use super::{
    call::{Called, Caller, Outgoing},
    store::Portal,
    support::SupportChat,
    vault::Field,
};
use hubbub_core::{
    delivery::retry::{Class, PostVerdict},
    limits,
    portal::access::{Auth, Held, ToSign, mask},
};
use renewal::Renewals;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

mod renewal;
pub mod store;

/// Who opens portals.
pub(super) struct Access {
    support: Arc<SupportChat>,
    caller: Arc<Caller>,
    renewals: Renewals,
}

/// What a call is sent with.
pub(super) struct Opened {
    /// Headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The URL, where the secret stands in it.
    url: Option<String>,
    /// What must not be shown.
    secrets: Vec<String>,
    /// Which token it is, where it is one.
    token: Option<u64>,
}

/// What came of a call.
pub(super) struct Answered {
    pub called: Called,
    /// What it was sent with.
    pub opened: Opened,
    /// All of its headers.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(…)")
    }
}

impl Opened {
    /// A text without what must not be shown: for what the portal answers, which may repeat it, and for what operators see.
    pub fn mask(&self, text: &str) -> String {
        let secrets: Vec<&str> = self.secrets.iter().map(String::as_str).collect();
        mask(text, &secrets)
    }
}

impl Access {
    pub fn new(support: Arc<SupportChat>, caller: Arc<Caller>) -> Self {
        Self { renewals: Renewals::new(support.clone(), caller.clone()), support, caller }
    }

    /// What opens the portal to this call. Waits at most [`limits::TOKEN_WITHIN`] for a token.
    ///
    /// # Errors
    /// What the attempt comes to that cannot be made.
    pub async fn open(&self, portal: &Portal, call: &ToSign<'_>) -> Result<Opened, PostVerdict> {
        let now = self.support.chat.clock.timestamp();
        let good = |field, secrets| {
            let good = self.support.vault.good(&portal.id, field, secrets, now);
            good.map_err(|locked| PostVerdict::failed(Class::Credentials, locked.to_string()))
        };
        let auth = portal.settings.auth();
        let outgoing = match auth {
            Auth::StandardWebhooks {} => good(Field::Outgoing, &portal.secrets.outgoing)?,
            _ => vec![],
        };
        let mut secrets = good(Field::Access, &portal.secrets.access)?;
        let (mut token, mut which) = (None, None);
        if let Some(oauth) = auth.oauth() {
            let found = self.renewals.token(portal, oauth, secrets.first().map(String::as_str)).await?;
            which = Some(found.generation);
            token = Some(found.text);
        }
        let held = Held { access: secrets.first().map(String::as_str), outgoing: &outgoing, token: token.as_deref() };
        let headers =
            auth.headers(held, call).map_err(|missing| PostVerdict::failed(Class::Credentials, missing.to_string()))?;
        let base = portal.settings.url.as_deref().unwrap_or(call.url);
        let url = auth.url(held, base, call.url);
        let url = url.map_err(|missing| PostVerdict::failed(Class::Credentials, missing.to_string()))?;
        secrets.extend(token);
        if let Auth::Basic { user } = auth {
            let pair = secrets.first().map(|secret| format!("{user}:{secret}"));
            secrets.extend(pair);
        }
        secrets.extend(outgoing);
        Ok(Opened { headers, url, secrets, token: which })
    }

    /// Calls with what opens the portal, besides the headers that there are; once more with another token where the portal refuses
    /// one that was good. `id` is the event's.
    ///
    /// # Errors
    /// What the attempt comes to that cannot be made: nobody was called.
    pub async fn call(&self, portal: &Portal, id: &str, outgoing: &Outgoing<'_>) -> Result<Answered, PostVerdict> {
        let Outgoing { method, url, body, wants_answer, .. } = outgoing;
        let began = Instant::now();
        let mut again = true;
        loop {
            let at = self.support.chat.clock.timestamp();
            let body_bytes = body.as_deref().unwrap_or_default().as_bytes();
            let opened = self.open(portal, &ToSign { id, at, method, url, body: body_bytes }).await?;
            let is_opened = |name: &str| opened.headers.iter().any(|(other, _)| other == name);
            let own = outgoing.headers.iter().filter(|(name, _)| !is_opened(name));
            let headers: Vec<_> = own.chain(&opened.headers).cloned().collect();
            let url = opened.url.as_deref().unwrap_or(url);
            let call = Outgoing { method, url, headers: &headers, body: body.clone(), wants_answer: *wants_answer };
            let mut called = self.caller.call(call).await;
            called.failure = called.failure.map(|why| opened.mask(&why));
            let is_worth_it = again && called.status == Some(401) && is_time_left(began.elapsed());
            if !is_worth_it || !self.rejected(portal, &opened).await {
                return Ok(Answered { called, opened, headers });
            }
            again = false;
        }
    }

    /// The portal answered 401 to a call with these. A token that was good till then is good no more: `true`, once for each
    /// token, when another one is worth a try.
    async fn rejected(&self, portal: &Portal, opened: &Opened) -> bool {
        match opened.token {
            Some(generation) => self.renewals.rejected(&portal.id, generation).await,
            None => false,
        }
    }
}

/// Whether, so long after a claim, there is time for another token and another call before it ends.
fn is_time_left(since: Duration) -> bool {
    let needed = limits::TOKEN_WITHIN + limits::DELIVERY_WITHIN + limits::STORE_PATIENCE;
    since + needed < limits::DELIVERY_LEASE
}
