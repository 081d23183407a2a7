//! Vendors of agent software, as their documentation says they behave: real HTTP servers that refuse what the vendor would
//! refuse, and send the webhooks that the vendor would send. Each file names the pages it was written from, and when.

mod agents;
mod asked;
pub mod catch_hook;
pub mod chatwoot;
pub mod crisp;
mod faults;
pub mod freshchat;
pub mod front;
pub mod genesys;
pub mod help_scout;
pub mod intercom;
pub mod plain;
pub mod rocket_chat;
pub mod slack;
pub mod sunshine;
pub mod telegram;
pub mod twilio;

pub use asked::{Answer, Asked};

use super::portal::post;
use agents::Agents;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use faults::{Faults, Happens, Meets, Poison};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinHandle,
};

/// Bytes of a request that a vendor reads.
const BODY_BYTES: usize = 1 << 20;

/// What a vendor is.
pub trait Vendor: Send + 'static {
    /// What it answers, and what it keeps.
    fn answer(&mut self, asked: &Asked) -> Answer;

    /// What it answers who asks too often.
    fn too_many(&self) -> Answer;

    /// The headers of a webhook to this URL, its signature among them.
    fn signed(&self, url: &str, body: &str) -> Vec<(&'static str, String)>;
}

/// A vendor's server.
pub struct Mock<V> {
    addr: SocketAddr,
    shared: Arc<Shared<V>>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

struct Shared<V> {
    vendor: Mutex<V>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Requests, when they came, and the status of the answer.
    asked: Vec<(Instant, Asked, u16)>,
    faults: Faults,
    hooks: Option<(Vec<SocketAddr>, String)>,
    /// Webhooks that it has sent by itself, and how they were answered.
    hooked: Vec<(u16, String)>,
    /// Its webhooks go out before the request that caused them is answered, and are waited for.
    hooks_first: bool,
    /// Nobody is at work behind the address.
    is_down: bool,
    agents: Agents,
    /// What agents have sent by themselves, and when.
    answers: Vec<(Instant, String)>,
}

impl<V: Vendor> Mock<V> {
    /// Starts one.
    pub async fn start(vendor: V) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { vendor: Mutex::new(vendor), seen: Mutex::default() });
        let mock = Self { addr, shared, serving: Mutex::default() };
        mock.listens(listener);
        mock
    }

    fn listens(&self, listener: TcpListener) {
        let router = Router::new().fallback(serve::<V>).with_state(self.shared.clone());
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        *self.serving.lock().expect("no panic") = Some(serving);
    }

    /// Refuses connections; on those that there are nobody is at work any more.
    pub async fn goes_down(&self) {
        self.seen().is_down = true;
        let serving = self.serving.lock().expect("no panic").take();
        if let Some(serving) = serving {
            serving.abort();
            let _ = serving.await;
        }
    }

    /// Is there again, where it was.
    pub fn comes_up(&self) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(self.addr).expect("its own port");
        self.listens(socket.listen(1_024).expect("a listener"));
        self.seen().is_down = false;
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The vendor, to look at and to change.
    pub fn vendor(&self) -> MutexGuard<'_, V> {
        self.shared.vendor.lock().expect("no panic")
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen()
    }

    /// Where its webhooks go.
    pub fn hooks_to(&self, server: SocketAddr, path: &str) {
        self.hooks_to_any(&[server], path);
    }

    /// The same, to whichever of several.
    pub fn hooks_to_any(&self, servers: &[SocketAddr], path: &str) {
        self.seen().hooks = Some((servers.to_vec(), path.to_owned()));
    }

    /// From now on a webhook goes out, and is answered, before the request that caused it is.
    pub fn is_hasty(&self) {
        self.seen().hooks_first = true;
    }

    /// The next request of this kind was one too many.
    pub fn throttles(&self, to: &str) {
        self.fault(to, Happens::TooMany);
    }

    /// The next request of this kind is answered so.
    pub fn answers(&self, to: &str, answer: Answer) {
        self.fault(to, Happens::Answered(answer));
    }

    /// The next request of this kind is done, and its answer lost.
    pub fn loses_the_answer(&self, to: &str) {
        self.fault(to, Happens::Lost);
    }

    fn fault(&self, to: &str, what: Happens) {
        self.seen().faults.happens_once(to, what);
    }

    /// From now on each request that contains this is answered so.
    pub fn refuses(&self, of: &str, answer: Answer) {
        self.seen().faults.poisons(of, Poison::Answered(answer));
    }

    /// From now on no request that contains this is answered.
    pub fn hangs_at(&self, of: &str) {
        self.seen().faults.poisons(of, Poison::Hangs);
    }

    /// How many requests were refused so, or hang.
    pub fn poisoned(&self) -> usize {
        self.seen().faults.poisoned
    }

    /// The answer to the `nth` request that contains this, or to each, is held back: once it is done, or before.
    pub fn holds(&self, of: &str, nth: Option<usize>, done: bool) {
        self.seen().faults.holds(of, nth, done);
    }

    /// How many were held.
    pub fn held(&self) -> usize {
        self.seen().faults.held
    }

    /// How many of those who were held did not wait for the answer.
    pub fn hung_up(&self) -> usize {
        self.seen().faults.hung_up
    }

    /// Those who are held are answered, and nobody is held any more.
    pub fn lets_go(&self) {
        self.seen().faults.lets_go();
    }

    /// `METHOD path status` of everything it was asked.
    pub fn asked(&self) -> Vec<String> {
        self.seen().asked.iter().map(|(_, asked, status)| format!("{} {} {status}", asked.method, asked.path)).collect()
    }

    /// The requests themselves.
    pub fn requests(&self) -> Vec<Asked> {
        self.seen().asked.iter().map(|(_, asked, _)| asked.clone()).collect()
    }

    /// How often it was asked.
    pub fn times_asked(&self) -> usize {
        self.seen().asked.len()
    }

    /// The bodies of what it was asked with paths that end so, and when they came.
    pub fn arrivals(&self, path: &str) -> Vec<(Instant, String)> {
        let seen = self.seen();
        let of = seen.asked.iter().filter(|(_, asked, _)| asked.path.ends_with(path));
        of.map(|(at, asked, _)| (*at, asked.body.clone())).collect()
    }

    /// The webhooks that agents have sent by themselves, and when.
    pub fn answers_sent(&self) -> Vec<(Instant, String)> {
        self.seen().answers.clone()
    }

    /// How the webhooks were answered that it has sent by itself.
    pub fn hooked(&self) -> Vec<(u16, String)> {
        self.seen().hooked.clone()
    }

    /// Sends a webhook; how it is answered.
    pub async fn sends(&self, body: &str) -> (u16, String) {
        self.shared.sends(body).await
    }
}

impl<V> Drop for Mock<V> {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.lock().expect("no panic").take() {
            serving.abort();
        }
    }
}

/// Somebody who is held, and hangs up if this is dropped.
struct Held<V: Vendor>(Arc<Shared<V>>, bool);

impl<V: Vendor> Held<V> {
    async fn waits(shared: &Arc<Shared<V>>, mut let_go: watch::Receiver<usize>) {
        let mut held = Self(shared.clone(), true);
        let _ = let_go.changed().await;
        held.1 = false;
    }
}

impl<V: Vendor> Drop for Held<V> {
    fn drop(&mut self) {
        self.0.seen().faults.hung_up += usize::from(self.1);
    }
}

impl<V: Vendor> Shared<V> {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic")
    }

    async fn sends(&self, body: &str) -> (u16, String) {
        self.tries(body).await.expect("an answer")
    }

    async fn tries(&self, body: &str) -> std::io::Result<(u16, String)> {
        let (servers, path) = self.seen().hooks.clone().expect("where webhooks go");
        let server = servers[rand::random_range(0..servers.len())];
        let signed = self.vendor.lock().expect("no panic").signed(&format!("http://{server}{path}"), body);
        let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        post(server, &path, &headers, body).await
    }

    async fn hook(&self, bodies: Vec<String>) {
        for body in bodies {
            // An instance that dies answers nothing, and this vendor does not ask again.
            let answer = self.tries(&body).await.unwrap_or_else(|why| (0, why.to_string()));
            self.seen().hooked.push(answer);
        }
    }

    /// What it answers, and the webhooks that come of it.
    fn answer(&self, asked: &Asked) -> Answer {
        let fault = self.seen().faults.once(asked);
        let mut vendor = self.vendor.lock().expect("no panic");
        match fault {
            Some(Happens::TooMany) => vendor.too_many(),
            Some(Happens::Answered(answer)) => answer,
            Some(Happens::Lost) => {
                let hooks = vendor.answer(asked).hooks;
                Answer { hooks, ..Answer::text(502, "Bad Gateway") }
            }
            None => vendor.answer(asked),
        }
    }
}

async fn serve<V: Vendor>(State(shared): State<Arc<Shared<V>>>, request: Request) -> Response {
    let came = Instant::now();
    let (head, body) = request.into_parts();
    if shared.seen().is_down {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        return response;
    }
    let body = to_bytes(body, BODY_BYTES).await.unwrap_or_default();
    let asked = Asked::new(&head, &body);
    let meets = shared.seen().faults.meets(&asked);
    let mut held = None;
    let mut answer = match meets {
        Meets::Poison(Poison::Hangs) => std::future::pending().await,
        Meets::Poison(Poison::Answered(answer)) => answer,
        Meets::Held { done: false, let_go } => {
            Held::waits(&shared, let_go).await;
            shared.answer(&asked)
        }
        Meets::Held { done: true, let_go } => {
            held = Some(let_go);
            shared.answer(&asked)
        }
        Meets::Nothing => shared.answer(&asked),
    };
    let hooks = std::mem::take(&mut answer.hooks);
    for (conversation, body) in std::mem::take(&mut answer.by_agents) {
        let agent = shared.clone();
        shared.seen().agents.answer(&conversation, body, move |body| {
            let agent = agent.clone();
            async move {
                agent.seen().answers.push((Instant::now(), body.clone()));
                agent.tries(&body).await
            }
        });
    }
    let first = {
        let mut seen = shared.seen();
        seen.asked.push((came, asked, answer.status));
        seen.hooks_first
    };
    if first {
        shared.hook(hooks).await;
    } else if !hooks.is_empty() {
        let told = shared.clone();
        tokio::spawn(async move { told.hook(hooks).await });
    }
    if let Some(let_go) = held {
        Held::waits(&shared, let_go).await;
    }
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("a status");
    for (name, value) in answer.headers {
        let value = HeaderValue::from_str(&value).expect("a header's value");
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}

/// Seconds since 1970.
fn now() -> i64 {
    super::portal::unix_now()
}

/// HMAC, in lower-case hexadecimal.
fn hex_hmac(algorithm: ring::hmac::Algorithm, key: &str, signed: &str) -> String {
    hmac(algorithm, key, signed).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(algorithm: ring::hmac::Algorithm, key: &str, signed: &str) -> Vec<u8> {
    ring::hmac::sign(&ring::hmac::Key::new(algorithm, key.as_bytes()), signed.as_bytes()).as_ref().to_vec()
}
