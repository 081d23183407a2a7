//! Every operation × every standing × every transport: whoever asks and however, the answer is that of [`table`].

mod table;

use crate::{
    cluster::{API_KEY, Cluster},
    desk, http,
    messages_refusals::soon,
    person::token,
    support::portal::Portal,
    wire::{DEADLINE, Mark, Speech, Wire},
};
use hubbub::{
    chat::methods::{Edge, RestMethod, RpcMethod},
    features,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{collections::HashMap, net::SocketAddr};
use table::{BACKEND, CLIENTS, COLUMNS, ELSEWHERE, IN_NAMES, KEYS, ROOMS, Standing, is_status_of};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Json,
    Protobuf,
    HttpStream,
    Sse,
}

const TRANSPORTS: [Transport; 4] = [Transport::Json, Transport::Protobuf, Transport::HttpStream, Transport::Sse];

/// One client, over whichever transport.
enum Way {
    Socket(Box<Wire>),
    Stream { lines: tokio::io::Lines<BufReader<TcpStream>>, addr: SocketAddr, session: Value, node: Value },
}

/// Passes commands, or the answer to a ping, to where a stream is.
async fn passes(addr: SocketAddr, session: &Value, node: &Value, data: &str) {
    let body = json!({ "session": session, "node": node, "data": data }).to_string();
    let headers = [("content-type", "application/json")];
    let passed = http::ask(addr, "POST", "/emulation", &headers, &body).await.expect("an answer");
    assert_eq!(passed.status, 204, "{}", passed.text);
}

impl Way {
    /// Opens one, and says this first.
    async fn open(addr: SocketAddr, over: Transport, first: &Value) -> (Self, Value) {
        let speech = if over == Transport::Protobuf { Speech::Protobuf } else { Speech::Json };
        if matches!(over, Transport::Json | Transport::Protobuf) {
            let mut wire = Wire::open_speaking(addr, None, &mut Mark::None, speech).await.expect("a socket");
            assert!(wire.say(first.to_string()).await);
            let answer = match tokio::time::timeout(DEADLINE, wire.next()).await.expect("an answer in time") {
                crate::wire::Heard::Line(line) => line,
                crate::wire::Heard::Closed(code, _) => json!({ "push": { "disconnect": { "code": code } } }),
                crate::wire::Heard::Gone => panic!("no answer"),
            };
            return (Self::Socket(Box::new(wire)), answer);
        }
        let body = first.to_string();
        let request = if over == Transport::Sse {
            let escaped: String = body.bytes().map(|b| format!("%{b:02X}")).collect();
            format!("GET /connection/sse?cf_connect={escaped} HTTP/1.1\r\nHost: {addr}\r\n\r\n")
        } else {
            format!(
                "POST /connection/http_stream HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let mut stream = TcpStream::connect(addr).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let lines = BufReader::new(stream).lines();
        let mut way = Self::Stream { lines, addr, session: Value::Null, node: Value::Null };
        let answer = way.line().await;
        if let Self::Stream { session, node, .. } = &mut way {
            (*session, *node) = (answer["connect"]["session"].clone(), answer["connect"]["node"].clone());
        }
        (way, answer)
    }

    async fn of(addr: SocketAddr, over: Transport, user: &str) -> Self {
        let (way, answer) = Self::open(addr, over, &json!({ "id": 1, "connect": { "token": token(user) } })).await;
        assert!(answer["connect"].is_object(), "{over:?}: {answer}");
        way
    }

    async fn line(&mut self) -> Value {
        match self {
            Self::Socket(wire) => wire.line().await,
            Self::Stream { lines, addr, session, node } => loop {
                let line = tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("a line in time");
                let line = line.expect("a line").expect("the stream goes on");
                // Between them stand the lines of HTTP.
                let json = line.strip_prefix("data: ").unwrap_or(&line);
                if json == "{}" {
                    passes(*addr, session, node, "{}").await;
                } else if json.starts_with('{') {
                    return serde_json::from_str(json).expect("JSON");
                }
            },
        }
    }

    async fn asks(&mut self, command: &Value) -> Value {
        match self {
            Self::Socket(wire) => drop(wire.say(command.to_string()).await),
            Self::Stream { addr, session, node, .. } => {
                passes(*addr, session, node, &command.to_string()).await;
            }
        }
        loop {
            let line = self.line().await;
            if line["id"] == command["id"] {
                return line;
            }
        }
    }
}

const fn user(standing: Standing) -> &'static str {
    match standing {
        Standing::Stranger => "stranger",
        Standing::Reader => "reader",
        Standing::Member => "member",
        Standing::Moderator => "moderator",
        Standing::Admin => "admin",
        Standing::Banned => "banned",
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The server, with a room of each kind.
struct House {
    cluster: Cluster,
    /// The ids of rooms by what the table calls them.
    ids: HashMap<&'static str, String>,
    _directory: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let cluster = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
        let portal = Portal::start().await;
        desk::make(&cluster, "desk", &portal, json!({})).await;
        desk::make(&cluster, "counter", &portal, json!({ "customers_open": false })).await;
        let mut ids: HashMap<_, _> = ROOMS.into_iter().map(|room| (room, room.to_owned())).collect();
        for kind in ["open", "private"] {
            cluster.room(kind, kind, &[]).await;
        }
        let pair = json!({ "kind": "direct", "members": [{ "user": "member" }, { "user": "admin" }] });
        let direct = cluster.api("POST", "/v1/rooms", &pair).await.json();
        ids.insert("direct", direct["id"].as_str().expect("an id").to_owned());
        for session in ["talk", "closed"] {
            desk::open(&cluster, session, "desk", "member").await;
        }
        let house = Self { cluster, ids, _directory: directory };
        for (room, standing) in COLUMNS {
            house.stands(room, standing).await;
        }
        for room in ["open", "private", "talk", "closed"] {
            house.makes(room, "keeper", "member").await;
            house.others_stand(room).await;
        }
        house
    }

    /// Has somebody stand so to a room, whatever they did.
    async fn stands(&self, room: &str, standing: Standing) {
        if ["direct", "nowhere"].contains(&room) {
            return;
        }
        let role = if standing == Standing::Stranger { "" } else { user(standing) };
        self.makes(room, user(standing), role).await;
        if let Some(state) = [("talk", "open"), ("closed", "closed")].iter().find(|(name, _)| *name == room) {
            self.turns(room, state.1).await;
        }
    }

    /// Has somebody have this role in a room; none: be nobody there.
    async fn makes(&self, room: &str, user: &str, role: &str) {
        let path = format!("/v1/rooms/{room}/members/{user}");
        let (method, body) = if role.is_empty() { ("DELETE", Value::Null) } else { ("PUT", json!({ "role": role })) };
        let answer = self.cluster.api(method, &path, &body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text);
    }

    /// Those whom something is done to.
    async fn others_stand(&self, room: &str) {
        if ["direct", "nowhere"].contains(&room) {
            return;
        }
        for (user, role) in [("pupil", "member"), ("chief", "admin"), ("newcomer", "")] {
            self.makes(room, user, role).await;
        }
        for user in ["pupil", "chief"] {
            let path = format!("/v1/rooms/{room}/members/{user}/mute");
            assert_eq!(self.cluster.api("DELETE", &path, &Value::Null).await.status, 200);
        }
    }

    async fn turns(&self, session: &str, state: &str) {
        let path = format!("/v1/sessions/{session}/state");
        assert_eq!(self.cluster.api("PUT", &path, &json!({ "state": state })).await.status, 200);
    }

    /// A new message of somebody who is in the room, as whatever.
    async fn message(&self, room: &str, from: &str) -> u64 {
        let is_closed = room == "closed";
        if is_closed {
            self.turns(room, "open").await;
        }
        if from == "reader" {
            self.makes(room, from, "member").await;
        }
        let path = format!("/v1/rooms/{}/messages", self.ids[room]);
        let answer = self.cluster.api("POST", &path, &json!({ "from": from, "text": "about this" })).await;
        assert_eq!(answer.status, 201, "{from} in {room}: {}", answer.text);
        if from == "reader" {
            self.makes(room, from, "reader").await;
        }
        if is_closed {
            self.turns(room, "closed").await;
        }
        answer.json()["seq"].as_u64().expect("a seq")
    }

    /// What a cell says.
    async fn cell(&self, text: &str, room: &str, standing: Standing) -> String {
        let mut text = self.fill(text, room).replace("{who}", user(standing)).replace("{soon}", &soon());
        text = text.replace("{n}", &NUMBER.fetch_add(1, Ordering::Relaxed).to_string());
        let author = if room == "direct" { "admin" } else { "keeper" };
        for (word, whose) in [("{own}", user(standing)), ("{other}", author)] {
            if text.contains(word) {
                let writes = !["stranger", "banned"].contains(&whose);
                let target = match room {
                    "nowhere" => 1,
                    _ => self.message(room, if writes { whose } else { author }).await,
                };
                text = text.replace(word, &target.to_string());
            }
        }
        text
    }

    /// What a cell may have changed is as it was.
    async fn is_undone(&self, operation: &str, text: &str, room: &str, standing: Standing) {
        if ["join", "leave", "hand over", "close_session", "open_session"].contains(&operation) {
            self.stands(room, standing).await;
        }
        if ["pupil", "chief", "newcomer"].iter().any(|name| text.contains(name)) {
            self.others_stand(room).await;
        }
    }

    fn fill(&self, text: &str, room: &str) -> String {
        text.replace("{room}", &self.ids[room])
    }

    async fn command(&self, text: &str, room: &str, standing: Standing, id: u32) -> Value {
        let mut command: Value = serde_json::from_str(&self.cell(text, room, standing).await).expect("a command");
        command["id"] = id.into();
        command
    }

    /// Walks the rows and columns of clients over one transport. Says what was not as it should be, and how many cells there were.
    async fn walk(&self, over: Transport) -> (usize, Vec<String>) {
        let (addr, mut cells, mut wrong) = (self.cluster.at(0), 0, Vec::new());
        let mut ways = HashMap::new();
        for (_, standing) in COLUMNS {
            if ways.contains_key(user(standing)) {
                continue;
            }
            ways.insert(user(standing), Way::of(addr, over, user(standing)).await);
        }
        let mut id = 1;
        for (operation, text, expected) in CLIENTS {
            for ((room, standing), code) in COLUMNS.into_iter().zip(expected) {
                id += 1;
                cells += 1;
                let command = self.command(text, room, standing, id).await;
                let way = ways.get_mut(user(standing)).expect("connected");
                let answer = way.asks(&command).await;
                let given = answer["error"]["code"].as_u64().unwrap_or_default() as u32;
                if given != *code {
                    wrong.push(format!("{operation} of {room} by {standing:?} over {over:?}: {code}, not {answer}"));
                }
                if answer["error"].is_null() && text.contains("subscribe") {
                    let channel = format!("room:{}", self.ids[room]);
                    way.asks(&json!({ "id": 900_000 + id, "unsubscribe": { "channel": channel } })).await;
                }
                self.is_undone(operation, text, room, standing).await;
            }
            // Somebody who has not said who she is.
            cells += 1;
            let first = self.command(text, "open", Standing::Stranger, 1).await;
            let (_, answer) = Way::open(addr, over, &first).await;
            if answer["push"]["disconnect"]["code"] != 3501 {
                wrong.push(format!("{operation} by nobody over {over:?}: 3501, not {answer}"));
            }
        }
        (cells, wrong)
    }

    async fn rest(&self, method: &str, path: &str, bearer: Option<&str>, body: &str) -> http::Answer {
        let bearer = bearer.map(|key| format!("Bearer {key}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        http::ask(self.cluster.at(0), method, path, &headers, body).await.expect("an answer")
    }

    /// Everything under `/v1`, for whoever has no key.
    async fn walk_without_key(&self) -> (usize, Vec<String>) {
        let (mut cells, mut wrong) = (0, Vec::new());
        let mut table = Names::default();
        features::methods(&mut table);
        for (method, path) in table.rest {
            let path = path.replace(['{', '}'], "");
            for (who, key) in KEYS {
                cells += 1;
                let key = key.map(|key| key.replace("{token}", &token("admin")).replace("{half}", &API_KEY[..20]));
                let answer = self.rest(method, &path, key.as_deref(), "{}").await;
                if answer.status != 401 {
                    wrong.push(format!("{method} {path} with {who}: 401, not {} {}", answer.status, answer.text));
                }
            }
        }
        (cells, wrong)
    }

    /// What the product's backend asks, in its own name and in that of users.
    async fn walk_with_key(&self) -> (usize, Vec<String>) {
        let (mut cells, mut wrong) = (0, Vec::new());
        for (operation, method, path, body) in IN_NAMES {
            let row = CLIENTS.iter().find(|(row, ..)| row == operation).expect("a row");
            for ((room, standing), code) in COLUMNS.into_iter().zip(row.2) {
                cells += 1;
                // Both of them name the same message.
                let both = self.cell(&format!("{path} {body}"), room, standing).await;
                let (path, body) = both.split_once(' ').expect("both");
                let answer = self.rest(method, path, Some(API_KEY), body).await;
                // Nobody there may do it, whoever they are.
                let is_fixed = (room, code, answer.status) == ("direct", 103, 409);
                if !is_fixed && !is_status_of(answer.status, code) {
                    wrong.push(format!(
                        "{operation} of {room} as {standing:?}, {method} {path}: {code}, not {}",
                        answer.text
                    ));
                }
                self.is_undone(operation, &both, room, standing).await;
            }
        }
        for (method, path, body, expected) in BACKEND {
            for (room, status) in ROOMS.into_iter().zip(expected) {
                cells += 1;
                let both = self.cell(&format!("{path} {body}"), room, Standing::Stranger).await;
                let (path, body) = both.split_once(' ').expect("both");
                let answer = self.rest(method, path, Some(API_KEY), body).await;
                if answer.status != *status {
                    wrong.push(format!("{method} {path} of {room}: {status}, not {} {}", answer.status, answer.text));
                }
            }
        }
        (cells, wrong)
    }
}

/// The methods that there are.
#[derive(Default)]
struct Names {
    rpc: Vec<&'static str>,
    rest: Vec<(&'static str, &'static str)>,
}

impl<On> Edge<On> for Names {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {
        self.rpc.push(M::NAME);
    }

    fn rest<M: RestMethod<On = On>>(&mut self) {
        self.rest.push((M::ROUTE.verb.word(), M::ROUTE.path));
    }
}

/// Whether a path is one of this template.
fn is_of(path: &str, template: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (path, template): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len() && path.iter().zip(&template).all(|(a, b)| a == b || b.starts_with('{'))
}

#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let mut methods = Names::default();
    features::methods(&mut methods);
    for method in methods.rpc {
        let call = format!(r#""method":"{method}""#);
        assert!(CLIENTS.iter().any(|(_, text, _)| text.contains(&call)), "{method} has no row in the table");
    }
    for (verb, template) in methods.rest {
        let is_asked = |(row, path): (&str, &str)| row == verb && is_of(path, template);
        let rows = BACKEND.iter().map(|(verb, path, ..)| (*verb, *path));
        let is_there = ELSEWHERE.iter().any(|other| template.starts_with(other)) || rows.into_iter().any(is_asked);
        assert!(is_there, "{verb} {template} has no row in the table");
    }
    let house = House::new().await;
    let (mut all, mut wrong) = (0, Vec::new());
    for over in TRANSPORTS {
        let (cells, odd) = house.walk(over).await;
        println!("{over:?}: {cells} cells");
        all += cells;
        wrong.extend(odd);
    }
    for (what, (cells, odd)) in
        [("REST without a key", house.walk_without_key().await), ("REST", house.walk_with_key().await)]
    {
        println!("{what}: {cells} cells");
        all += cells;
        wrong.extend(odd);
    }
    println!("authorisation: {all} cells, {} not as they should be", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
