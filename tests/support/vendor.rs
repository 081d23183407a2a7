//! A portal with a token endpoint of its own, as RFC 6749 describes it: refresh tokens are good once, access tokens until they are
//! revoked. It records what it is sent, and may hold its answers back.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// See the module.
pub struct Vendor {
    addr: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    seen: Mutex<Seen>,
    /// Whether calls of the portal are held back.
    held: watch::Sender<bool>,
    /// Whether answers of the token endpoint are.
    tokens_held: watch::Sender<bool>,
}

#[derive(Default)]
struct Seen {
    /// The refresh token that is good now.
    refresh: String,
    good: HashSet<String>,
    issued: usize,
    expires_in: Value,
    /// What the token endpoint answers instead.
    answer: Option<(u16, Value)>,
    asked: Vec<HashMap<String, String>>,
    calls: Vec<VendorCall>,
}

/// A call of the portal.
#[derive(Debug, Clone)]
pub struct VendorCall {
    pub headers: HashMap<String, String>,
    pub body: String,
    pub status: u16,
}

impl VendorCall {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).expect("JSON");
        body["data"]["message"].as_str().unwrap_or_default().to_owned()
    }
}

impl Vendor {
    /// One that has given out this refresh token.
    pub async fn start(refresh: &str) -> Self {
        let seen = Seen { refresh: refresh.into(), expires_in: json!(3_600), ..Seen::default() };
        let shared = Arc::new(Shared {
            seen: Mutex::new(seen),
            held: watch::Sender::new(false),
            tokens_held: watch::Sender::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let routes = Router::new().route("/token", post(token)).route("/hook", post(hook)).route("/any", post(any));
        let app = routes.with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        Self { addr, shared, serving }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen()
    }

    /// Where it takes webhooks with a good token.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.addr)
    }

    /// Where it takes anything.
    pub fn open_url(&self) -> String {
        format!("http://{}/any", self.addr)
    }

    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.addr)
    }

    /// Its settings of `auth` for a grant.
    pub fn auth(&self, grant: &str) -> Value {
        json!({ "scheme": "oauth2", "token_url": self.token_url(), "grant": grant, "client_id": "hubbub" })
    }

    /// Gives out another refresh token; the one before is good no more.
    pub fn gives(&self, refresh: &str) {
        self.seen().refresh = refresh.into();
    }

    /// Takes all access tokens back.
    pub fn revokes(&self) {
        self.seen().good.clear();
    }

    /// The token endpoint answers this from now on; `None`: what is right.
    pub fn answers(&self, answer: Option<(u16, Value)>) {
        self.seen().answer = answer;
    }

    /// How long tokens are good from now on.
    pub fn expires_in(&self, seconds: Value) {
        self.seen().expires_in = seconds;
    }

    /// Calls of the portal are answered only once this is `false` again.
    pub fn holds(&self, holds: bool) {
        self.shared.held.send_replace(holds);
    }

    /// The same for the token endpoint.
    pub fn holds_tokens(&self, holds: bool) {
        self.shared.tokens_held.send_replace(holds);
    }

    /// How many tokens it has issued.
    pub fn issued(&self) -> usize {
        self.seen().issued
    }

    /// What its token endpoint was asked.
    pub fn asked(&self) -> Vec<HashMap<String, String>> {
        self.seen().asked.clone()
    }

    /// What has arrived.
    pub fn calls(&self) -> Vec<VendorCall> {
        self.seen().calls.clone()
    }

    /// The texts that it has taken, in the order of their arrival.
    pub fn taken(&self) -> Vec<String> {
        self.calls().iter().filter(|call| call.status == 200).map(VendorCall::text).collect()
    }

    /// Every secret that it has issued or taken.
    pub fn secrets(&self) -> Vec<String> {
        let seen = self.seen();
        let issued = (1..=seen.issued).flat_map(|n| [access(n), refresh(n)]);
        issued.chain([seen.refresh.clone()]).collect()
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn access(n: usize) -> String {
    format!("access-token-number-{n}")
}

fn refresh(n: usize) -> String {
    format!("refresh-token-number-{n}")
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic")
    }
}

async fn let_go(held: &watch::Sender<bool>) {
    let _ = held.subscribe().wait_for(|held| !held).await;
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut form: HashMap<String, String> = url_pairs(&body);
    if let Some(authorization) = headers.get("authorization").and_then(|value| value.to_str().ok()) {
        form.insert("authorization".into(), authorization.into());
    }
    let (status, answer) = {
        let mut seen = shared.seen();
        seen.asked.push(form.clone());
        match (&seen.answer, form.get("grant_type").map(String::as_str)) {
            (Some((status, answer)), _) => (*status, answer.clone()),
            (None, Some("refresh_token")) if form.get("refresh_token") != Some(&seen.refresh) => {
                // It names the token, as careless endpoints do.
                let said = format!("no such token: {}", form.get("refresh_token").map_or("", String::as_str));
                (400, json!({ "error": "invalid_grant", "error_description": said }))
            }
            (None, Some("refresh_token" | "client_credentials")) => {
                seen.issued += 1;
                let n = seen.issued;
                seen.good.insert(access(n));
                let mut answer =
                    json!({ "access_token": access(n), "token_type": "Bearer", "expires_in": seen.expires_in });
                if form["grant_type"] == "refresh_token" {
                    seen.refresh = refresh(n);
                    answer["refresh_token"] = refresh(n).into();
                }
                (200, answer)
            }
            _ => (400, json!({ "error": "unsupported_grant_type" })),
        }
    };
    let_go(&shared.tokens_held).await;
    (StatusCode::from_u16(status).expect("a status"), Json(answer)).into_response()
}

fn url_pairs(body: &[u8]) -> HashMap<String, String> {
    let text = String::from_utf8_lossy(body).into_owned();
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).expect("a form");
    url.query_pairs().into_owned().collect()
}

async fn hook(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let is_good = token.strip_prefix("Bearer ").is_some_and(|token| shared.seen().good.contains(token));
    let status = if is_good { 200 } else { 401 };
    record(&shared, &headers, body, status);
    let_go(&shared.held).await;
    // What it was sent stands in its complaint, as careless portals have it.
    (StatusCode::from_u16(status).expect("a status"), format!("{{\"you_sent\":\"{token}\"}}")).into_response()
}

async fn any(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> StatusCode {
    record(&shared, &headers, body, 200);
    StatusCode::OK
}

fn record(shared: &Shared, headers: &HeaderMap, body: String, status: u16) {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    shared.seen().calls.push(VendorCall { headers, body, status });
}
