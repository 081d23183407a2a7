//! A vendor of help-desk software with an API of its own: conversations are looked for, made and written into, in three calls. It
//! refuses what is too long, and can hold an answer back.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{net::TcpListener, sync::watch};

/// Characters that a message may have.
pub const LONGEST: usize = 40;

/// See the module.
pub struct Acme {
    addr: SocketAddr,
    shared: Arc<Shared>,
    serving: tokio::task::JoinHandle<()>,
}

struct Shared {
    seen: Mutex<Seen>,
    held: watch::Sender<bool>,
}

#[derive(Default)]
struct Seen {
    asked: Vec<String>,
    /// By the id of the conversation: whose session it is, and what was said.
    conversations: BTreeMap<u64, (String, Vec<Value>)>,
    waiting: usize,
    refused: HashMap<String, u16>,
}

impl Acme {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { seen: Mutex::default(), held: watch::Sender::new(false) });
        let routes = Router::new()
            .route("/api/conversations", get(look).post(make))
            .route("/api/conversations/{id}/messages", post(write))
            .with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.expect("serving") });
        Self { addr, shared, serving }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().expect("no panic")
    }

    pub fn url(&self) -> String {
        format!("http://{}/api", self.addr)
    }

    /// Settings with which it is looked for, made, written into.
    pub fn settings(&self) -> Value {
        json!({
            "url": self.url(),
            "vars": { "team": "support & sales" },
            "retry_seconds": [0.05, 0.05, 0.05],
            "calls": [
                { "name": "find", "method": "GET", "unless": "/session/external", "path": "/conversations",
                  "query": { "session": "{/session/id}" }, "found": "/0/id", "pick": { "external": "/0/id", "source": "/0/source" } },
                { "name": "make", "unless": "/session/external", "path": "/conversations",
                  "json": { "session": "{/session/id}", "name": "{/customer/name}", "team": "{/vars/team}" },
                  "success": { "status": [201] }, "pick": { "external": "/id", "source": "/source" } },
                { "name": "send", "path": "/conversations/{/session/external}/messages",
                  "headers": { "X-Source": "{/session/refs/source}" },
                  "json": { "text": "{/message/text}", "part": "{/message/part}", "of": "{/message/parts}" },
                  "success": { "require": { "/ok": [true] }, "throttled": { "/error": ["slow down"] } },
                  "message_id": "/message/id", "text_limit": LONGEST, "long_text": "split" },
            ],
            "mapping": { "external": "/conversation", "text": "/text", "message_id": "/id" },
        })
    }

    /// The last parts of split messages are taken, and not answered, from now on.
    pub fn holds(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// How many wait for an answer.
    pub fn waiting(&self) -> usize {
        self.seen().waiting
    }

    /// A message with this text is answered so.
    pub fn refuses(&self, text: &str, status: u16) {
        self.seen().refused.insert(text.into(), status);
    }

    /// What was asked, in order: `find`, `make`, `send`.
    pub fn asked(&self) -> Vec<String> {
        self.seen().asked.clone()
    }

    /// The conversations of a session: their ids, and what was said in each.
    pub fn conversations(&self, session: &str) -> Vec<(u64, Vec<String>)> {
        let text = |said: &Value| said["text"].as_str().unwrap_or_default().to_owned();
        let all = self.seen();
        let of = all.conversations.iter().filter(|(_, (whose, _))| whose == session);
        of.map(|(id, (_, said))| (*id, said.iter().map(text).collect())).collect()
    }

    /// The bodies of the messages of a conversation.
    pub fn bodies(&self, conversation: u64) -> Vec<Value> {
        self.seen().conversations[&conversation].1.clone()
    }
}

impl Drop for Acme {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn asked(&self, what: &str) -> MutexGuard<'_, Seen> {
        let mut seen = self.seen.lock().expect("no panic");
        seen.asked.push(what.to_owned());
        seen
    }
}

type Acmes = State<Arc<Shared>>;

async fn look(State(acme): Acmes, Query(query): Query<HashMap<String, String>>) -> Response {
    let seen = acme.asked("find");
    let session = query.get("session").cloned().unwrap_or_default();
    let found = seen.conversations.iter().filter(|(_, (whose, _))| *whose == session);
    let found: Vec<Value> = found.map(|(id, _)| json!({ "id": id, "source": format!("src-{id}") })).collect();
    Json(found).into_response()
}

async fn make(State(acme): Acmes, Json(body): Json<Value>) -> Response {
    let mut seen = acme.asked("make");
    let (Some(session), "support & sales", Some(_)) =
        (body["session"].as_str(), body["team"].as_str().unwrap_or_default(), body["name"].as_str())
    else {
        return (StatusCode::UNPROCESSABLE_ENTITY, "a conversation has a session, a name and a team").into_response();
    };
    let id = 7_000 + seen.conversations.len() as u64;
    seen.conversations.insert(id, (session.to_owned(), vec![]));
    (StatusCode::CREATED, Json(json!({ "id": id, "source": format!("src-{id}") }))).into_response()
}

async fn write(State(acme): Acmes, Path(id): Path<u64>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut held = acme.held.subscribe();
    let answer = {
        let mut seen = acme.asked("send");
        let text = body["text"].as_str().unwrap_or_default().to_owned();
        if let Some(status) = seen.refused.get(&text).filter(|status| **status != 200) {
            let who = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
            return (StatusCode::from_u16(*status).expect("a status"), format!("not like this, {who}")).into_response();
        }
        if headers.get("x-source").is_none_or(|source| source != format!("src-{id}").as_str()) {
            return (StatusCode::FORBIDDEN, "another source's").into_response();
        }
        if text.chars().count() > LONGEST {
            return Json(json!({ "ok": false, "error": "too long" })).into_response();
        }
        let Some((_, said)) = seen.conversations.get_mut(&id) else { return StatusCode::NOT_FOUND.into_response() };
        let is_last_of_several = body["part"] == body["of"] && body["part"] != 1;
        said.push(body);
        let number = said.len();
        seen.waiting += usize::from(is_last_of_several);
        (json!({ "ok": true, "message": { "id": format!("m-{id}-{number}") } }), is_last_of_several)
    };
    let (answer, is_last_of_several) = answer;
    if is_last_of_several {
        let _ = held.wait_for(|held| !held).await;
        acme.seen.lock().expect("no panic").waiting -= 1;
    }
    Json(answer).into_response()
}
