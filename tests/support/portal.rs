//! A portal to test with: a real HTTP server whose behaviour changes while it runs. It checks signatures by itself, records what
//! arrives, and may answer each message like an agent, over webhooks of its own.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};

/// How long a portal waits for the answer to a webhook of its own.
const PATIENCE: Duration = Duration::from_secs(10);

/// How it answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Mood {
    /// 200, with a conversation's id.
    Well,
    /// This status, with these headers.
    Status(u16, String),
    /// Never.
    Silent,
    /// 200 and a body that does not end.
    Endless,
    /// It hangs up in the middle of the head.
    HangsUp,
}

/// A webhook that arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub id: String,
    pub timestamp: i64,
    pub signature: String,
    pub body: String,
    /// Signatures in its header that are right.
    pub verified: usize,
    /// Signatures in its header.
    pub signatures: usize,
    /// How it was answered: taken or not.
    pub taken: bool,
}

impl Arrival {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub fn session(&self) -> String {
        self.json()["data"]["sessionId"].as_str().expect("a session").to_owned()
    }

    pub fn seq(&self) -> u64 {
        self.json()["data"]["seq"].as_u64().expect("a seq")
    }

    pub fn text(&self) -> String {
        self.json()["data"]["message"].as_str().unwrap_or_default().to_owned()
    }
}

#[derive(Default)]
struct Seen {
    arrivals: Vec<Arrival>,
    mood: Option<Mood>,
    /// Texts that are answered with a status of their own.
    poison: HashMap<String, u16>,
    secrets: Vec<String>,
    connections: usize,
    agents: Option<Agents>,
}

struct Agents {
    portal: String,
    secret: String,
    instances: Vec<SocketAddr>,
    sessions: HashMap<String, mpsc::Sender<(String, String)>>,
    known: HashSet<String>,
}

/// See the module.
pub struct Portal {
    addr: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    serving: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Portal {
    /// Starts one that is well.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let seen = Arc::<Mutex<Seen>>::default();
        let serving = Mutex::new(Some(tokio::spawn(serve(listener, seen.clone()))));
        Self { addr, seen, serving }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic")
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn url(&self) -> String {
        format!("http://{}/webhooks", self.addr)
    }

    /// Signatures are checked with these secrets from now on.
    pub fn knows(&self, secrets: &[&str]) {
        self.seen().secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    }

    pub fn is(&self, mood: Mood) {
        self.seen().mood = Some(mood);
    }

    /// A message with this text is answered so, until it is 200.
    pub fn poisons(&self, text: &str, status: u16) {
        self.seen().poison.insert(text.into(), status);
    }

    /// Refuses connections, and breaks those that there are.
    pub async fn goes_down(&self) {
        let serving = self.serving.lock().expect("no panic").take();
        if let Some(serving) = serving {
            serving.abort();
            let _ = serving.await;
        }
    }

    /// Listens again, where it did.
    pub async fn comes_up(&self) {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(self.addr).expect("its own port");
        let listener = socket.listen(1_024).expect("a listener");
        *self.serving.lock().expect("no panic") = Some(tokio::spawn(serve(listener, self.seen.clone())));
    }

    /// What has arrived, in order.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.seen().arrivals.clone()
    }

    /// What it has taken of a session, each id once, in the order of the first.
    pub fn taken(&self, session: &str) -> Vec<Arrival> {
        let mut ids = HashSet::new();
        let arrivals = self.arrivals();
        arrivals.into_iter().filter(|a| a.taken && a.session() == session && ids.insert(a.id.clone())).collect()
    }

    /// How often somebody has connected.
    pub fn connections(&self) -> usize {
        self.seen().connections
    }

    /// Agents answer each message from now on: `re: …`, in the order of a session, on an instance that chance picks, again with
    /// the same id until it is taken.
    pub fn has_agents(&self, portal: &str, secret: &str, instances: &[SocketAddr]) {
        self.seen().agents = Some(Agents {
            portal: portal.into(),
            secret: secret.into(),
            instances: instances.to_vec(),
            sessions: HashMap::new(),
            known: HashSet::new(),
        });
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.lock().expect("no panic").take() {
            serving.abort();
        }
    }
}

/// The signature of Standard Webhooks, made here and not by what is tested.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("whsec_")).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

pub fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64
}

/// A webhook of the portal's own, signed; its status and body, or why there is none.
pub async fn call(to: SocketAddr, portal: &str, secret: &str, id: &str, body: &str) -> std::io::Result<(u16, String)> {
    let now = unix_now();
    let signature = sign(secret, id, now, body);
    let headers = format!("webhook-id: {id}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\n");
    post(to, &format!("/hooks/{portal}"), &format!("content-type: application/json\r\n{headers}"), body).await
}

/// A POST with these headers, over a connection of its own.
pub async fn post(to: SocketAddr, path: &str, headers: &str, body: &str) -> std::io::Result<(u16, String)> {
    let asked = async {
        let mut stream = TcpStream::connect(to).await?;
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        stream.write_all((head + body).as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or(std::io::ErrorKind::InvalidData)?, body.to_owned()))
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

async fn serve(listener: TcpListener, seen: Arc<Mutex<Seen>>) {
    // Dropped with this task, they break.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                seen.lock().expect("no panic").connections += 1;
                connections.spawn(converse(stream, seen.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(mut stream: TcpStream, seen: Arc<Mutex<Seen>>) -> std::io::Result<()> {
    let _ = stream.set_nodelay(true);
    let mut left = Vec::new();
    loop {
        let Some((head, body)) = read(&mut stream, &mut left).await? else { return Ok(()) };
        let (mood, session) = arrived(&seen, &head, body);
        match mood {
            Mood::Well => {
                let answer = json!({ "conversation": { "id": format!("conv-{session}") } }).to_string();
                stream.write_all(answer_with(200, "", &answer).as_bytes()).await?;
            }
            Mood::Status(status, headers) => stream.write_all(answer_with(status, &headers, "no").as_bytes()).await?,
            Mood::Silent => std::future::pending().await,
            Mood::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
                loop {
                    stream.write_all(b"5\r\nx y z\r\n").await?;
                    tokio::task::yield_now().await;
                }
            }
            Mood::HangsUp => {
                stream.write_all(b"HTTP/1.1 200 O").await?;
                return Ok(());
            }
        }
    }
}

fn answer_with(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} -\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

async fn read(stream: &mut TcpStream, left: &mut Vec<u8>) -> std::io::Result<Option<(String, String)>> {
    loop {
        if let Some(end) = left.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&left[..end]).into_owned();
            let length: usize = header(&head, "content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
            while left.len() < end + 4 + length {
                if stream.read_buf(left).await? == 0 {
                    return Ok(None);
                }
            }
            let body = String::from_utf8_lossy(&left[end + 4..end + 4 + length]).into_owned();
            left.drain(..end + 4 + length);
            return Ok(Some((head, body)));
        }
        if stream.read_buf(left).await? == 0 {
            return Ok(None);
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    lines.map(|(key, value)| (key, value.trim())).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v)
}

fn arrived(seen: &Arc<Mutex<Seen>>, head: &str, body: String) -> (Mood, String) {
    let text = |name| header(head, name).unwrap_or_default().to_owned();
    let (id, timestamp, signatures) = (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"));
    let timestamp: i64 = timestamp.parse().unwrap_or_default();
    let mut all = seen.lock().expect("no panic");
    let right = |given: &&str| all.secrets.iter().any(|secret| sign(secret, &id, timestamp, &body) == **given);
    let verified = signatures.split(' ').filter(right).count();
    let json: Value = serde_json::from_str(&body).unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (session, said) = (word(&json["data"]["sessionId"]), word(&json["data"]["message"]));
    let poison = all.poison.get(&said).filter(|status| **status != 200);
    let mood = match poison {
        Some(status) => Mood::Status(*status, String::new()),
        None => all.mood.clone().unwrap_or(Mood::Well),
    };
    let taken = matches!(mood, Mood::Well | Mood::Endless);
    let count = signatures.split(' ').filter(|one| !one.is_empty()).count();
    all.arrivals.push(Arrival {
        id: id.clone(),
        timestamp,
        signature: signatures,
        body,
        verified,
        signatures: count,
        taken,
    });
    if taken && let Some(agents) = &mut all.agents {
        agents.hear(&id, &session, &said);
    }
    (mood, session)
}

impl Agents {
    /// Each message is answered once, however often it arrives.
    fn hear(&mut self, id: &str, session: &str, said: &str) {
        if !self.known.insert(id.to_owned()) {
            return;
        }
        let (portal, secret, instances) = (&self.portal, &self.secret, &self.instances);
        let agent = self.sessions.entry(session.to_owned()).or_insert_with(|| {
            let (tell, told) = mpsc::channel(1_024);
            tokio::spawn(answer(portal.clone(), secret.clone(), instances.clone(), session.to_owned(), told));
            tell
        });
        agent.try_send((id.to_owned(), said.to_owned())).expect("room for what is to be answered");
    }
}

/// An agent who answers in one session, one message after another.
async fn answer(
    portal: String,
    secret: String,
    instances: Vec<SocketAddr>,
    session: String,
    mut told: mpsc::Receiver<(String, String)>,
) {
    while let Some((id, said)) = told.recv().await {
        let body = json!({ "sessionId": session, "message": format!("re: {said}"), "agent": "Ada" }).to_string();
        loop {
            let to = instances[rand::random_range(0..instances.len())];
            if let Ok((200..=299, _)) = call(to, &portal, &secret, &format!("re-{id}"), &body).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
