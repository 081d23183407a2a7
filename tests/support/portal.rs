//! A portal to test with: a real HTTP server whose behaviour changes while it runs. It checks signatures by itself, records what
//! arrives, and may answer each message like an agent, over webhooks of its own.

mod agents;
mod calls;

#[allow(unused_imports, reason = "no suite uses all of it")]
pub use calls::{call, post, sign, unix_now};

use agents::Agents;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// No status: no answer.
const SILENT: u16 = 0;

/// How it answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Mood {
    /// 200, with a conversation's id.
    Well,
    /// This status, with these headers.
    Status(u16, String),
    /// This status, and this is what it says.
    Refuses(u16, String),
    /// Never.
    Silent,
    /// It takes it, and says so when it is no longer like this.
    Held,
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

#[derive(Debug)]
struct Shared {
    seen: Mutex<Seen>,
    mood: watch::Sender<Mood>,
}

#[derive(Debug, Default)]
struct Seen {
    arrivals: Vec<Arrival>,
    /// Texts that are answered with a status of their own.
    poison: HashMap<String, u16>,
    secrets: Vec<String>,
    connections: usize,
    /// Those whom a held answer is for, now.
    held: usize,
    /// Those who hung up before they got it.
    hung_up: usize,
    agents: Option<Agents>,
    /// What sessions' conversations are called, where it is not `conv-` and the session.
    conversations: HashMap<String, String>,
}

/// See the module.
pub struct Portal {
    addr: SocketAddr,
    shared: Arc<Shared>,
    serving: Mutex<Serving>,
}

enum Serving {
    Up(tokio::task::JoinHandle<()>),
    /// The port is kept, and refuses.
    Down(TcpSocket),
    Changing,
}

impl Portal {
    /// Starts one that is well.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { seen: Mutex::default(), mood: watch::Sender::new(Mood::Well) });
        let serving = Mutex::new(Serving::Up(tokio::spawn(serve(listener, shared.clone()))));
        Self { addr, shared, serving }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen()
    }

    fn serving(&self, next: Serving) -> Serving {
        std::mem::replace(&mut *self.serving.lock().expect("no panic"), next)
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
        self.shared.mood.send_replace(mood);
    }

    /// A message with this text is answered so, until it is 200.
    pub fn poisons(&self, text: &str, status: u16) {
        self.seen().poison.insert(text.into(), status);
    }

    /// A message with this text is never answered.
    pub fn hangs_at(&self, text: &str) {
        self.poisons(text, SILENT);
    }

    /// Refuses connections, and breaks those that there are.
    pub async fn goes_down(&self) {
        let Serving::Up(serving) = self.serving(Serving::Changing) else { panic!("it is down") };
        serving.abort();
        let _ = serving.await;
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(self.addr).expect("its own port");
        self.serving(Serving::Down(socket));
    }

    /// Listens again, where it did.
    pub fn comes_up(&self) {
        let Serving::Down(socket) = self.serving(Serving::Changing) else { panic!("it is up") };
        let listener = socket.listen(1_024).expect("a listener");
        self.serving(Serving::Up(tokio::spawn(serve(listener, self.shared.clone()))));
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

    /// How many wait for an answer that is held.
    pub fn held(&self) -> usize {
        self.seen().held
    }

    /// How many did not wait for it.
    pub fn hung_up(&self) -> usize {
        self.seen().hung_up
    }

    /// Calls the conversation of a session so, from now on.
    pub fn calls(&self, session: &str, conversation: &str) {
        self.seen().conversations.insert(session.into(), conversation.into());
    }

    /// Agents answer each message from now on, in the order of a session.
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
        if let Serving::Up(serving) = self.serving(Serving::Changing) {
            serving.abort();
        }
    }
}

impl Shared {
    /// What the conversation of a session is called.
    fn called(&self, session: &str) -> String {
        self.seen().conversations.get(session).cloned().unwrap_or_else(|| format!("conv-{session}"))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic")
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, they break.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                shared.seen().connections += 1;
                connections.spawn(converse(stream, shared.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(mut stream: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    let _ = stream.set_nodelay(true);
    let mut left = Vec::new();
    loop {
        let Some((head, body)) = read(&mut stream, &mut left).await? else { return Ok(()) };
        let (mood, session) = shared.arrived(&head, body);
        match mood {
            Mood::Well => answers_well(&mut stream, &shared.called(&session)).await?,
            Mood::Held => {
                if !shared.holds(&mut stream).await {
                    return Ok(());
                }
                answers_well(&mut stream, &shared.called(&session)).await?;
            }
            Mood::Status(status, headers) => stream.write_all(answer_with(status, &headers, "no").as_bytes()).await?,
            Mood::Refuses(status, said) => stream.write_all(answer_with(status, "", &said).as_bytes()).await?,
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

async fn answers_well(stream: &mut TcpStream, conversation: &str) -> std::io::Result<()> {
    let answer = json!({ "conversation": { "id": conversation } }).to_string();
    stream.write_all(answer_with(200, "", &answer).as_bytes()).await
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

impl Shared {
    /// Takes a webhook down, and says how it is answered.
    fn arrived(&self, head: &str, body: String) -> (Mood, String) {
        let text = |name| header(head, name).unwrap_or_default().to_owned();
        let (id, timestamp, signature) = (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"));
        let timestamp: i64 = timestamp.parse().unwrap_or_default();
        let mut all = self.seen();
        let signatures = || signature.split(' ').filter(|one| !one.is_empty());
        let right = |given: &&str| all.secrets.iter().any(|secret| sign(secret, &id, timestamp, &body) == **given);
        let (verified, count) = (signatures().filter(right).count(), signatures().count());
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (session, said) = (word(&json["data"]["sessionId"]), word(&json["data"]["message"]));
        let poison = all.poison.get(&said).filter(|status| **status != 200);
        let mood = match poison {
            Some(&SILENT) => Mood::Silent,
            Some(status) => Mood::Refuses(*status, format!("cannot take `{said}`")),
            None => self.mood.borrow().clone(),
        };
        let taken = matches!(mood, Mood::Well | Mood::Endless | Mood::Held);
        all.arrivals.push(Arrival { id: id.clone(), timestamp, signature, body, verified, signatures: count, taken });
        if taken && let Some(agents) = &mut all.agents {
            agents.hear(&id, &session, &said);
        }
        (mood, session)
    }

    /// Holds an answer back. Says whether somebody still waits for it.
    async fn holds(&self, stream: &mut TcpStream) -> bool {
        let (mut mood, mut nothing) = (self.mood.subscribe(), [0]);
        self.seen().held += 1;
        let waits = tokio::select! {
            changed = mood.wait_for(|mood| *mood != Mood::Held) => changed.is_ok(),
            // It says nothing more until it is answered.
            _ = stream.peek(&mut nothing) => false,
        };
        let mut seen = self.seen();
        seen.held -= 1;
        seen.hung_up += usize::from(!waits);
        waits
    }
}
