//! One POST to a portal: to addresses that may be called and no others, without redirects, its answer bounded in time and size.

use futures_util::{FutureExt, future::BoxFuture};
use hubbub_core::{
    delivery::retry::PostOutcome,
    limits,
    portal::address::{self, Allowed},
};
use reqwest::{
    Client, Method, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderValue, RETRY_AFTER},
};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// How long the body of an answer is read when nothing in it is needed: reading it to its end keeps the connection.
const UNNEEDED: Duration = Duration::from_secs(1);
/// Characters of a portal's complaint that are kept with an attempt.
const COMPLAINT: usize = 200;

/// Who calls portals.
pub(super) struct Caller {
    client: Client,
    /// For ports at which more is allowed than at others: who resolves a name is not told the port.
    at_ports: BTreeMap<u16, Client>,
    allowed: Arc<Allowed>,
}

/// A webhook on its way.
pub(super) struct Outgoing<'a> {
    pub method: &'a str,
    pub url: &'a str,
    /// Names in lower case, and values.
    pub headers: &'a [(String, String)],
    pub body: Option<String>,
    /// How many bytes of the answer's body are needed; `None`: it is not.
    pub wants_answer: Option<usize>,
}

/// What came back.
#[derive(Default)]
pub(super) struct Called {
    pub status: Option<u16>,
    pub retry_after: Option<String>,
    /// Headers that may be an id: names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Why there is no status.
    pub failure: Option<String>,
    /// What the portal said, as far as it was read.
    pub body: Vec<u8>,
    /// Why that is not all.
    cut: Option<String>,
    pub took: Duration,
}

impl Called {
    pub fn outcome(&self) -> PostOutcome<'_> {
        match self.status {
            Some(code) => PostOutcome::Status { code, retry_after: self.retry_after.as_deref() },
            None => PostOutcome::NoAnswer { why: self.failure.clone().unwrap_or_default() },
        }
    }

    /// Why the answer was not read to its end, where there is one.
    pub fn unread(&self) -> Option<String> {
        self.status.and(self.cut.clone())
    }

    /// The beginning of what the portal said, for people. It is masked before it is cut: what is left of a secret is one, too.
    pub fn complaint(&self, mask: impl Fn(&str) -> String) -> Option<String> {
        let text = mask(&String::from_utf8_lossy(&self.body));
        let words: Vec<&str> = text.split_whitespace().collect();
        let said: String = words.join(" ").chars().filter(|c| !c.is_control()).take(COMPLAINT).collect();
        (!said.is_empty()).then_some(said)
    }
}

impl Caller {
    pub fn new(allowed: Allowed) -> reqwest::Result<Self> {
        let look_up = |host: String| async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) }.boxed();
        Self::looking_up(allowed, Arc::new(look_up))
    }

    fn looking_up(allowed: Allowed, look_up: LookUp) -> reqwest::Result<Self> {
        let allowed = Arc::new(allowed);
        crate::crypto::install();
        let client = |port| {
            let guarded = Guarded { allowed: allowed.clone(), port, look_up: look_up.clone() };
            Client::builder()
                .user_agent(concat!("Hubbub/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                // A proxy would resolve the name itself, and reach what must not be reached.
                .no_proxy()
                .retry(reqwest::retry::never())
                .referer(false)
                .connect_timeout(limits::DELIVERY_CONNECT)
                .dns_resolver(Arc::new(guarded))
                .build()
        };
        let at_ports = allowed.ports().into_iter().map(|port| Ok((port, client(Some(port))?)));
        Ok(Self { client: client(None)?, at_ports: at_ports.collect::<reqwest::Result<_>>()?, allowed })
    }

    /// Calls, within [`limits::DELIVERY_WITHIN`].
    pub async fn call(&self, outgoing: Outgoing<'_>) -> Called {
        let began = Instant::now();
        let mut called = Called::default();
        match timeout(limits::DELIVERY_WITHIN, self.head(&outgoing, &mut called)).await {
            Ok(Ok(response)) => {
                let left = limits::DELIVERY_WITHIN.saturating_sub(began.elapsed());
                let patience = if outgoing.wants_answer.is_some() { left } else { left.min(UNNEEDED) };
                let most = outgoing.wants_answer.unwrap_or(limits::ANSWER_BYTES);
                // What is not read in time is not needed, or will be asked for again: the status stands.
                let read = timeout(patience, read(response, most, &mut called.body)).await;
                called.cut = match read {
                    Ok(Ok(true)) => None,
                    Ok(Ok(false)) => Some(format!("its answer is longer than {most} bytes")),
                    Ok(Err(why)) => Some(format!("its answer broke off: {why}")),
                    Err(_) => Some("its answer did not end in time".into()),
                };
            }
            Ok(Err(why)) => called.failure = Some(why),
            Err(_) => called.failure = Some(format!("no answer within {} s", limits::DELIVERY_WITHIN.as_secs())),
        }
        called.took = began.elapsed();
        called
    }

    async fn head(&self, outgoing: &Outgoing<'_>, called: &mut Called) -> Result<reqwest::Response, String> {
        // What is written as an address is never resolved.
        address::may_call(outgoing.url, &self.allowed).map_err(|refused| refused.to_string())?;
        let method = Method::from_bytes(outgoing.method.as_bytes()).map_err(|why| why.to_string())?;
        let port = Url::parse(outgoing.url).ok().and_then(|url| url.port_or_known_default());
        let client = port.and_then(|port| self.at_ports.get(&port)).unwrap_or(&self.client);
        let mut request = client.request(method, outgoing.url);
        for (name, value) in outgoing.headers {
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| format!("the header {name} has no value that can be sent"))?;
            request = request.header(name, value);
        }
        if let Some(body) = &outgoing.body {
            request = request.body(body.clone());
        }
        let response = request.send().await.map_err(|error| words(&error))?;
        called.status = Some(response.status().as_u16());
        let id =
            |value: &HeaderValue| value.to_str().ok().filter(|id| id.len() <= limits::EXTERNAL_BYTES).map(Into::into);
        let headers = response.headers().iter();
        called.headers = headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), id(value)?))).collect();
        called.retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(Into::into);
        Ok(response)
    }
}

/// Reads at most so much. Says whether that was all.
async fn read(mut response: reqwest::Response, most: usize, body: &mut Vec<u8>) -> Result<bool, String> {
    while let Some(chunk) = response.chunk().await.map_err(|error| words(&error))? {
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An error with its causes, without the URL: it may hold a secret.
fn words(error: &reqwest::Error) -> String {
    use std::error::Error;
    let kind = if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "failed"
    };
    let mut words = kind.to_owned();
    let mut cause = error.source();
    while let Some(why) = cause {
        words = format!("{words}: {why}");
        cause = why.source();
    }
    words.chars().take(2 * COMPLAINT).collect()
}

/// How the addresses of a name are found.
type LookUp = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Names are resolved to addresses that may be called: the very ones that are then connected to.
struct Guarded {
    allowed: Arc<Allowed>,
    /// Where that is one of [`Allowed::ports`].
    port: Option<u16>,
    look_up: LookUp,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, port, found) = (self.allowed.clone(), self.port, (self.look_up)(name.as_str().to_owned()));
        Box::pin(async move {
            let fit = fit(name.as_str(), port, found.await?, &allowed)?;
            Ok(Box::new(fit.into_iter()) as Addrs)
        })
    }
}

/// Those of the addresses found for a host that may be called, or why there are none.
fn fit(
    host: &str,
    port: Option<u16>,
    mut found: Vec<SocketAddr>,
    allowed: &Allowed,
) -> Result<Vec<SocketAddr>, String> {
    found.retain(|at| address::may_connect(host, port, at.ip(), allowed));
    if found.is_empty() {
        return Err(format!("{host} has no address that may be called: private ones must be allowed by name"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
mod token;
