//! Keys that are fetched from where an identity provider publishes them, and kept.
//!
//! One task fetches. It begins at once, goes on at the pace the server asks for, and fetches sooner where a token names a
//! key that is not there or was signed by none there is, but not again within [`limits::JWKS_PAUSE`] (while it fails, within a time that begins at a second
//! and doubles up to that). While fetching fails, the keys there are stay in use for [`limits::JWKS_STALE`].

use super::{key::Key, refusal::Why, set::KeySet};
use crate::{
    clock,
    crypto::{
        self,
        certificate::{self, Fault},
    },
    direct,
    metrics::Metrics,
};
use anyhow::{Context, anyhow, bail, ensure};
use hubbub_core::{limits, model::backoff::Backoff};
use jsonwebtoken::Algorithm;
use reqwest::{Certificate, Client, Url, header, redirect};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

/// Where keys are published.
#[derive(Clone, PartialEq, Eq)]
pub struct JwksAt {
    url: Url,
    ca: Option<Vec<u8>>,
}

/// See the module.
pub struct Jwks {
    /// Where they come from.
    pub at: JwksAt,
    known: watch::Receiver<Known>,
    wanted: Arc<Notify>,
    task: AbortHandle,
}

/// What is known after a number of attempts.
#[derive(Clone, Default)]
pub(super) struct Known {
    set: Option<(Arc<KeySet>, Instant)>,
    attempts: u64,
    failed: bool,
}

/// How keys that are fetched are doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Fetched at the last attempt.
    Fresh,
    /// The last attempt failed; those of the one before are used.
    Stale,
    /// There are none.
    None,
}

impl JwksAt {
    /// Reads `--token-jwks`, and the certificates of `--token-jwks-ca`. Keys that decide who somebody is must not be
    /// changed on their way: `http:` is only for this machine, unless `anywhere`.
    ///
    /// # Errors
    /// What is wrong and what to do; the URL is not repeated.
    pub fn parse(url: &str, ca: Option<Vec<u8>>, anywhere: bool) -> anyhow::Result<Self> {
        let url = Url::parse(url).context("--token-jwks: not a URL; https://host/path is expected")?;
        match url.scheme() {
            "https" => {}
            "http" if anywhere || direct::is_local(&url) => {}
            "http" => bail!(
                "--token-jwks: over http: anybody on the way could put in a key of their own; use https: (http: is taken for this machine, and with --dev)"
            ),
            _ => bail!("--token-jwks: https://host/path is expected"),
        }
        let at = Self { url, ca };
        at.client()?;
        Ok(at)
    }

    fn client(&self) -> anyhow::Result<Client> {
        let secure = self.url.scheme() == "https";
        let (home, is_local) = (self.url.clone(), direct::is_local(&self.url));
        let redirects = redirect::Policy::custom(move |attempt| {
            let next = attempt.url();
            if attempt.previous().len() > 3 {
                attempt.error("more than three redirects")
            } else if direct::is_local(next) && !is_local {
                attempt.error("a redirect to this machine")
            } else if (secure && next.scheme() == "https") || (!secure && next.origin() == home.origin()) {
                attempt.follow()
            } else {
                attempt.error("a redirect to where keys are not taken from")
            }
        });
        crypto::install();
        let mut client = direct::client(Client::builder(), &self.url)
            .timeout(limits::JWKS_WITHIN)
            .redirect(redirects)
            .pool_max_idle_per_host(0)
            .user_agent(concat!("hubbub/", env!("CARGO_PKG_VERSION")));
        if let Some(ca) = &self.ca {
            let certificates = Certificate::from_pem_bundle(ca).context("--token-jwks-ca: not a PEM file")?;
            ensure!(!certificates.is_empty(), "--token-jwks-ca: there is no certificate in it");
            client = client.tls_certs_only(certificates);
        } else if !secure {
            // A machine without any certificates will do.
            client = client.tls_certs_only([]);
        }
        client.build().context("--token-jwks: cannot make a client")
    }

    /// Fetches the set once. Returns how long it is good, too.
    ///
    /// # Errors
    /// Why there is none, without the URL's query or password.
    pub async fn fetch(&self) -> anyhow::Result<(KeySet, Duration)> {
        // A client for each fetch: there are minutes between two, and a connection that was kept would be a stale one.
        let mut answer = self.client()?.get(self.url.clone()).send().await.map_err(explained)?;
        ensure!(answer.status().is_success(), "the answer is {}", answer.status());
        let good_for = good_for(answer.headers());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            body.extend_from_slice(&chunk);
            ensure!(body.len() <= limits::JWKS_BYTES, "more than {} bytes", limits::JWKS_BYTES);
        }
        // Each key is looked at closely, which takes its time.
        let set = tokio::task::spawn_blocking(move || KeySet::parse(&body)).await.context("reading them")??;
        Ok((set, good_for))
    }
}

/// Why nothing came, without the URL. Of a certificate in the words that are used for Postgres' and Redis', too.
fn explained(error: reqwest::Error) -> anyhow::Error {
    match certificate::refused(&error) {
        Some((Fault::Authority, says)) => anyhow!("{says}; name the one that signed it with --token-jwks-ca"),
        Some((Fault::Host, says)) => {
            anyhow!("{says}; the host of the URL has to be among its subject alternative names")
        }
        Some((Fault::Time | Fault::Other, says)) => anyhow!(says),
        None => error.without_url().into(),
    }
}

/// For people: without a query or a password.
impl std::fmt::Display for JwksAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.url.origin().ascii_serialization(), self.url.path())
    }
}

/// `Cache-Control: max-age`, within what is sensible.
fn good_for(headers: &header::HeaderMap) -> Duration {
    let said = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let age = said.flat_map(|value| value.split(',')).find_map(|part| {
        let (name, seconds) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| seconds.trim().trim_matches('"').parse().ok())?
    });
    age.map_or(limits::JWKS_EVERY, Duration::from_secs).clamp(limits::JWKS_EVERY_MIN, limits::JWKS_EVERY_MAX)
}

impl Jwks {
    /// Begins to fetch, for as long as this lives.
    pub fn start(at: JwksAt, metrics: Arc<Metrics>) -> Self {
        let (known, watched) = watch::channel(Known::default());
        let wanted = Arc::new(Notify::new());
        let task = tokio::spawn(keep(at.clone(), known, wanted.clone(), metrics));
        Self { at, known: watched, wanted, task: task.abort_handle() }
    }

    /// Does not wait until keys are due.
    pub fn fetch_soon(&self) {
        self.wanted.notify_one();
    }

    /// Whether there are keys, and of when.
    pub fn freshness(&self) -> Freshness {
        let known = self.known.borrow();
        match known.usable() {
            None => Freshness::None,
            Some(_) if known.failed => Freshness::Stale,
            Some(_) => Freshness::Fresh,
        }
    }

    /// The keys that are known.
    pub(super) fn known(&self) -> Known {
        self.known.borrow().clone()
    }

    /// The keys after the next attempt that may be made. Everybody who waits, waits for the same one.
    pub(super) async fn after(&self, before: &Known) -> Result<Known, Why> {
        let mut known = self.known.clone();
        if known.borrow().attempts == before.attempts {
            self.fetch_soon();
        }
        // Nothing was ever there, and the attempts go on: the client is told at once, and comes again.
        if before.usable().is_none() && before.attempts > 0 {
            return Err(Why::NoKeys);
        }
        let next = known.wait_for(|known| known.attempts > before.attempts);
        match tokio::time::timeout(limits::VERIFY_WITHIN, next).await {
            Ok(Ok(after)) => Ok(after.clone()),
            Ok(Err(_)) | Err(_) => Err(Why::NoKeys),
        }
    }
}

impl Drop for Jwks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Known {
    /// The keys, unless they are too old.
    fn usable(&self) -> Option<&KeySet> {
        self.set.as_ref().filter(|(_, since)| since.elapsed() < limits::JWKS_STALE).map(|(set, _)| &**set)
    }

    /// The keys that may have signed a token of this header.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        self.usable().into_iter().flat_map(move |set| set.find(id, algorithm))
    }

    /// Whether a token that none of them has signed may be good all the same: its key is not there, or may have been
    /// replaced since they were fetched, under the same id or without one.
    pub(super) fn may_lack(&self, id: Option<&str>) -> bool {
        let old = self.set.as_ref().is_none_or(|(_, since)| since.elapsed() >= limits::JWKS_PAUSE);
        old || self.usable().is_none_or(|set| !set.has(id))
    }

    /// What becomes of a token that none of them has signed, once they have been fetched for it.
    pub(super) fn refusal(&self) -> Why {
        if self.failed { Why::NoKeys } else { Why::Signature }
    }
}

async fn keep(at: JwksAt, known: watch::Sender<Known>, wanted: Arc<Notify>, metrics: Arc<Metrics>) {
    let mut backoff = Backoff::new(Duration::from_secs(1), limits::JWKS_RETRY_MAX);
    let mut told = Vec::new();
    loop {
        let fetched = at.fetch().await;
        let pause = match &fetched {
            Ok((set, good_for)) => {
                // Once, and not at every fetch.
                for why in set.unusable.iter().filter(|why| !told.contains(*why)) {
                    tracing::warn!(jwks = %at, "{why}; it is left out");
                }
                told.clone_from(&set.unusable);
                tracing::debug!(jwks = %at, keys = set.len(), ?good_for, "fetched the keys of tokens");
                metrics.jwks_fetched.inc();
                metrics.jwks_fetched_at.set(i64::try_from(clock::local().as_secs()).unwrap_or(i64::MAX));
                metrics.jwks_keys.set(i64::try_from(set.len()).unwrap_or(i64::MAX));
                backoff = Backoff::new(Duration::from_secs(1), limits::JWKS_RETRY_MAX);
                *good_for
            }
            Err(error) => {
                tracing::warn!(jwks = %at, "cannot fetch the keys of tokens: {error:#}");
                metrics.jwks_failed.inc();
                backoff.next(rand::random())
            }
        };
        known.send_modify(|known| {
            known.attempts += 1;
            known.failed = fetched.is_err();
            if let Ok((set, _)) = fetched {
                known.set = Some((Arc::new(set), Instant::now()));
            }
        });
        let earliest = tokio::time::Instant::now() + pause.min(limits::JWKS_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = wanted.notified() => tokio::time::sleep_until(earliest).await,
        }
    }
}
