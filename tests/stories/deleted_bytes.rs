//! What was deleted, searched for byte by byte: in files, tuples, logs and answers.

use crate::{
    cluster::{Cluster, breathe},
    desk::{make, open},
    person::Person,
    support::{
        portal::{self, Portal},
        postgres::Postgres,
    },
    wire::DEADLINE,
};
use hubbub_core::limits::TEXT_BYTES;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// What is promised of the files of SQLite.
const IN_FILES: Duration = Duration::from_secs(2);

const SECRET_BYTES: usize = 26;

/// Texts that are nowhere but where they were said. Digits that no library compresses, and that stand for nothing else.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn word(&mut self) -> String {
        self.0.push(format!("q{:024x}z", rand::random::<u128>() >> 32));
        self.0.last().expect("one").clone()
    }

    /// As long as a text may be, and one at either end.
    fn long(&mut self) -> String {
        let (mut text, end) = (self.word(), self.word());
        while text.len() + 40 + end.len() < TEXT_BYTES {
            text += &format!("{:032x}", rand::random::<u128>());
        }
        text + &end
    }

    /// Those that are there.
    fn within(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let all: BTreeSet<&str> = self.0.iter().map(String::as_str).collect();
        let like_one = bytes.windows(SECRET_BYTES).filter(|window| window[0] == b'q' && window.ends_with(b"z"));
        like_one.filter_map(|window| all.get(std::str::from_utf8(window).ok()?).copied()).collect()
    }

    #[track_caller]
    fn are_not_in(&self, what: &str, bytes: &[u8]) {
        assert_eq!(self.within(bytes), BTreeSet::new(), "in {what}");
    }
}

/// All files below a directory, with their names.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            // One that has just gone has nothing in it.
            all.push((path, bytes));
        }
    }
    all
}

/// A program that is Hubbub, and writes down whatever it says.
fn logged(directory: &Path) -> PathBuf {
    let path = directory.join("logged");
    let script = format!(
        "#!/bin/sh\nexec {} \"$@\" --log trace 2>>{}/log-$$\n",
        env!("CARGO_BIN_EXE_hubbub"),
        directory.display()
    );
    fs::write(&path, script).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    path
}

struct House {
    cluster: Cluster,
    portal: Portal,
    incoming: String,
    ana: Person,
    mo: Person,
    secrets: Secrets,
    logs: tempfile::TempDir,
}

impl House {
    /// Instances that log everything, a room, and a portal with sessions.
    async fn new(mut cluster: Cluster) -> Self {
        let logs = tempfile::tempdir().expect("a directory");
        for n in 0..cluster.instances.len() {
            cluster.stop(n).await;
            cluster.instances[n].program = logged(logs.path());
            cluster.restart(n).await;
        }
        let portal = Portal::start().await;
        let settings = json!({
            "mapping": { "external": "/conversation", "text": "/text", "message_id": "/id", "agent": "/by" },
            "unknown_session": "quarantine",
            "retry_seconds": [0.05, 0.05],
        });
        let made = make(&cluster, "desk", &portal, settings).await;
        let secret = |which: &str| made[which].as_str().expect("a secret").to_owned();
        portal.knows(&[&secret("outgoing_secret")]);
        let incoming = secret("incoming_secret");
        open(&cluster, "s1", "desk", "ana").await;
        open(&cluster, "s2", "desk", "mo").await;
        let members = json!([{ "user": "ana" }, { "user": "mo", "role": "admin" }]);
        let room = json!({ "id": "general", "kind": "private", "members": members });
        assert_eq!(cluster.api("POST", "/v1/rooms", &room).await.status, 201);
        let (ana, mo) = (cluster.person("ana", 0).await, cluster.person("mo", cluster.instances.len() - 1).await);
        ana.follows("general").await;
        mo.follows("general").await;
        ana.follows("s1").await;
        Self { cluster, portal, incoming, ana, mo, secrets: Secrets::default(), logs }
    }

    async fn does(who: &Person, method: &str, mut data: Value) -> u64 {
        if data["room"].is_null() {
            data["room"] = "general".into();
        }
        let answer = who.calls(method, data).await;
        answer["rpc"]["data"]["seq"].as_u64().unwrap_or_else(|| panic!("{method}: {answer}"))
    }

    /// Says all kinds of things that are to be deleted. Where they are.
    async fn says(&mut self) -> Vec<(&'static str, u64)> {
        let Self { ana, mo, secrets, cluster, .. } = self;
        let mut all = Vec::new();
        let short = Self::does(ana, "send", json!({ "text": secrets.word(), "key": secrets_key(all.len()) })).await;
        all.push(("general", short));
        all.push(("general", Self::does(ana, "send", json!({ "text": secrets.long() })).await));
        let label =
            json!({ "text": "@Mo, look", "data": { "mo": secrets.word() }, "mentions": ["mo"], "mention_all": false });
        all.push(("general", Self::does(ana, "send", label).await));
        let changed = Self::does(ana, "send", json!({ "text": secrets.word() })).await;
        for text in [secrets.word(), secrets.long(), secrets.word()] {
            let data = json!({ "more": secrets.word() });
            Self::does(ana, "edit", json!({ "target": changed, "text": text, "data": data })).await;
        }
        all.push(("general", changed));
        let root = Self::does(ana, "send", json!({ "text": secrets.word() })).await;
        all.push((
            "general",
            Self::does(mo, "send", json!({ "text": secrets.word(), "thread": root, "reply_to": root })).await,
        ));
        all.push((
            "general",
            Self::does(mo, "send", json!({ "text": secrets.word(), "thread": root, "in_room": true })).await,
        ));
        all.push(("general", root));
        for target in [short, changed, root] {
            Self::does(mo, "react", json!({ "target": target, "reaction": "👍" })).await;
            Self::does(mo, "pin", json!({ "target": target })).await;
        }
        let by_backend = json!({ "from": "ana", "text": secrets.word(), "data": { "long": secrets.long() } });
        let said = cluster.api("POST", "/v1/rooms/general/messages", &by_backend).await.json();
        all.push(("general", said["seq"].as_u64().unwrap_or_else(|| panic!("{said}"))));
        all
    }

    /// The same in a support session: what was delivered, answered, and not taken.
    async fn says_to_the_portal(&mut self) -> Vec<(&'static str, u64)> {
        let (delivered, poison, answered, waited) =
            (self.secrets.word(), self.secrets.word(), self.secrets.word(), self.secrets.word());
        let mut all = vec![("s1", self.ana.says("s1", &delivered).await.seq)];
        crate::desk::takes(&self.portal, "s1", &[&delivered]).await;
        self.portal.poisons(&poison, 400);
        all.push(("s1", self.ana.says("s1", &poison).await.seq));
        let began = Instant::now();
        while !self.cluster.api("GET", "/v1/portals/desk/dead-letters", &Value::Null).await.text.contains(&poison) {
            assert!(began.elapsed() < 3 * DEADLINE, "no dead letter");
            // The portal takes others meanwhile.
            let said =
                self.cluster.api("POST", "/v1/rooms/s2/messages", &json!({ "from": "mo", "text": "hello" })).await;
            assert_eq!(said.status, 201, "{}", said.text);
            breathe().await;
        }
        // One waits until its session is known.
        let (to, secret) = (self.cluster.at(0), self.incoming.clone());
        let hook = async |id: &str, body: Value| {
            portal::call(to, "desk", &secret, id, &body.to_string()).await.expect("an answer")
        };
        let unknown = json!({ "conversation": "c-new", "text": waited, "id": "w", "by": "Ada" });
        let (status, said) = hook("w", unknown).await;
        assert_eq!(status, 202, "{said}");
        let kept = self.cluster.api("GET", "/v1/portals/desk/quarantine", &Value::Null).await.json();
        let path = format!("/v1/portals/desk/quarantine/{}/replay", kept["items"][0]["number"]);
        let released = self.cluster.api("POST", &path, &json!({ "session": "s1" })).await;
        if released.status == 200 {
            all.push(("s1", released.json()["seq"].as_u64().expect("a seq")));
        }
        let known = json!({ "conversation": "c-new", "text": answered, "id": "a", "by": "Ada" });
        let (status, said) = hook("a", known).await;
        assert_eq!(status, 200, "{said}");
        let log = self.cluster.log("s1").await;
        let place = |text: &str| {
            let entry = log.iter().find(|entry| entry["text"] == text).unwrap_or_else(|| panic!("{text}: {log:?}"));
            ("s1", entry["seq"].as_u64().expect("a seq"))
        };
        all.retain(|(_, seq)| *seq != place(&waited).1);
        all.extend([place(&answered), place(&waited)]);
        all
    }

    /// Deletes in all ways there are.
    async fn deletes(&self, all: &[(&str, u64)]) {
        for (n, (room, seq)) in all.iter().enumerate() {
            match (*room, n % 3) {
                ("general", 0) => _ = Self::does(&self.mo, "delete", json!({ "target": seq })).await,
                (room, 1) => {
                    let path = format!("/v1/rooms/{room}/messages/{seq}?from=ana");
                    let gone = self.cluster.api("DELETE", &path, &Value::Null).await;
                    if gone.status != 200 {
                        let path = format!("/v1/rooms/{room}/messages/{seq}");
                        let gone = self.cluster.api("DELETE", &path, &Value::Null).await;
                        assert_eq!(gone.status, 200, "{}", gone.text);
                    }
                }
                (room, _) => {
                    let path = format!("/v1/rooms/{room}/messages/{seq}");
                    let gone = self.cluster.api("DELETE", &path, &Value::Null).await;
                    assert_eq!(gone.status, 200, "{}", gone.text);
                }
            }
        }
    }

    /// Whatever anybody may ask for says nothing of it.
    async fn tells_nothing(&self, all: &[(&str, u64)]) {
        let mut said = String::new();
        for instance in &self.cluster.instances {
            for room in ["general", "s1"] {
                let one = all.iter().filter(|(of, _)| *of == room).map(|(_, seq)| seq);
                let paths = one.flat_map(|seq| {
                    ["", "/thread", "/reactions"].map(|what| format!("/v1/rooms/{room}/messages/{seq}{what}"))
                });
                let lists = ["messages?limit=1000", "history?after=0&limit=1000", "pins", "members"];
                let lists = lists.map(|list| format!("/v1/rooms/{room}/{list}"));
                for path in paths.chain(lists) {
                    said += &instance.api("GET", &path, &Value::Null).await.text;
                }
            }
            let others = [
                "/v1/users/ana/rooms",
                "/v1/rooms/general",
                "/v1/sessions/s1",
                "/v1/sessions",
                "/v1/portals/desk",
                "/v1/portals/desk/dead-letters",
                "/v1/portals/desk/dead-letters/1",
                "/v1/portals/desk/deliveries",
                "/v1/portals/desk/quarantine",
                "/v1/portals/desk/refused",
                "/metrics",
                "/openapi.json",
                "/health/ready",
            ];
            for path in others {
                said += &instance.api("GET", path, &Value::Null).await.text;
            }
        }
        for who in [&self.ana, &self.mo] {
            let mut asked = vec![("rooms", json!({})), ("messages", json!({ "limit": 1000 }))];
            asked.extend([("pins", json!({})), ("members", json!({}))]);
            for (_, seq) in all.iter().filter(|(room, _)| *room == "general") {
                asked.push(("message", json!({ "seq": seq })));
                asked.push(("thread", json!({ "root": seq })));
                asked.push(("reactions", json!({ "target": seq })));
                asked.push(("messages", json!({ "around": seq })));
            }
            for (method, mut data) in asked {
                data["room"] = "general".into();
                said += &who.calls(method, data).await.to_string();
            }
            let history = json!({ "history": { "channel": "room:general", "limit": 1000 } });
            said += &who.asks(history).await.expect("an answer").to_string();
        }
        assert!(said.contains("\"gone\":true"), "{said}");
        self.secrets.are_not_in("an answer", said.as_bytes());
    }

    fn logs_nothing(&self) {
        let logs = files(self.logs.path());
        assert!(logs.iter().map(|(_, log)| log.len()).sum::<usize>() > 10_000, "nothing was logged");
        for (name, log) in &logs {
            self.secrets.are_not_in(&name.display().to_string(), log);
        }
    }

    /// Who says it again is told where it was, and it is not there again.
    async fn is_not_said_again(&self, all: &[(&str, u64)]) {
        let again = json!({ "text": self.secrets.0[0], "key": secrets_key(0) });
        assert_eq!(Self::does(&self.ana, "send", again).await, all[0].1, "a retry");
    }
}

fn secrets_key(n: usize) -> String {
    format!("key-{n}")
}

/// Waits until none is in a file of the directory. How long that took since `since`.
async fn leave_the_files(secrets: &Secrets, directory: &Path, since: Instant) -> Duration {
    loop {
        let looked = Instant::now();
        let left: Vec<_> = files(directory)
            .iter()
            .flat_map(|(name, bytes)| {
                let name = name.display().to_string();
                secrets.within(bytes).into_iter().map(move |secret| format!("{secret} in {name}")).collect::<Vec<_>>()
            })
            .collect();
        if left.is_empty() {
            return looked - since;
        }
        assert!(since.elapsed() < 2 * DEADLINE, "{left:?}");
        breathe().await;
    }
}

#[tokio::test]
async fn a_deleted_text_is_soon_in_no_file_of_sqlite_in_no_log_and_no_answer() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
    let mut house = House::new(cluster).await;
    let mut all = house.says().await;
    all.extend(house.says_to_the_portal().await);
    let there: Vec<u8> = files(directory.path()).into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert_eq!(house.secrets.within(&there).len(), house.secrets.0.len(), "they are there before");
    // Others write all the time.
    let busy = house.cluster.person("ana", 0).await;
    let chatter = tokio::spawn(async move {
        for n in 0.. {
            busy.says("general", &format!("the weather {n}")).await;
        }
    });
    house.deletes(&all).await;
    let took = leave_the_files(&house.secrets, directory.path(), Instant::now()).await;
    println!("deleted, in no file of SQLite after {took:.2?}; promised {IN_FILES:?}");
    chatter.abort();
    house.tells_nothing(&all).await;
    house.is_not_said_again(&all).await;
    // Neither is it written down again by what the server still has in memory, nor by a restart.
    house.cluster.stop(0).await;
    leave_the_files(&house.secrets, directory.path(), Instant::now()).await;
    house.cluster.restart(0).await;
    house.tells_nothing(&all).await;
    leave_the_files(&house.secrets, directory.path(), Instant::now()).await;
    house.logs_nothing();
}

#[tokio::test]
async fn a_killed_server_has_the_rest_done_by_the_next() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cluster = Cluster::laptop(directory.path()).await;
    cluster.room("general", "private", &["ana"]).await;
    let ana = cluster.person("ana", 0).await;
    let mut secrets = Secrets::default();
    for round in 0..5 {
        let mut said = Vec::new();
        for text in [secrets.word(), secrets.long(), secrets.word()] {
            said.push(ana.says("general", &text).await.seq);
        }
        for seq in said {
            let gone = cluster.api("DELETE", &format!("/v1/rooms/general/messages/{seq}"), &Value::Null).await;
            assert_eq!(gone.status, 200, "{}", gone.text);
        }
        cluster.kill(0);
        let left = files(directory.path()).iter().flat_map(|(_, bytes)| secrets.within(bytes)).count();
        println!("round {round}: {left} deleted texts were left by the kill");
        cluster.restart(0).await;
        let restarted = Instant::now();
        leave_the_files(&secrets, directory.path(), restarted).await;
        ana.is_connected().await;
    }
}

#[tokio::test]
async fn a_deleted_text_is_in_no_tuple_of_postgres_after_vacuum_in_no_log_and_no_answer() {
    let postgres = Postgres::start(&["wal_level=minimal", "max_wal_senders=0", "log_min_messages=debug1"]);
    let (client, connection) = tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    client.batch_execute("CREATE EXTENSION pageinspect").await.expect("pageinspect");
    let cluster = Cluster::on_postgres_with(2, postgres.port(), &["--portal-allow", "127.0.0.1"]).await;
    let schema = cluster.schema().to_owned();
    let mut house = House::new(cluster).await;
    let mut all = house.says().await;
    all.extend(house.says_to_the_portal().await);
    client.batch_execute("ANALYZE").await.expect("ANALYZE");
    let there = tuples(&client, &schema).await;
    assert_eq!(house.secrets.within(&there).len(), house.secrets.0.len(), "they are there before");
    house.deletes(&all).await;
    house.tells_nothing(&all).await;
    house.is_not_said_again(&all).await;
    let began = Instant::now();
    loop {
        client.batch_execute("VACUUM").await.expect("VACUUM");
        let there = tuples(&client, &schema).await;
        if house.secrets.within(&there).is_empty() {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "{:?}", house.secrets.within(&there));
    }
    let samples = client.query_one("SELECT string_agg(s::text, ' ') FROM pg_stats s", &[]).await.expect("samples");
    house.secrets.are_not_in("samples of columns", samples.get::<_, String>(0).as_bytes());
    // Of the bytes of files nothing is promised before the tables are written anew.
    let data: String = client.query_one("SHOW data_directory", &[]).await.expect("a directory").get(0);
    let tables = PathBuf::from(&data).join("base");
    let bytes = |at: &Path| files(at).into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<u8>>();
    client.batch_execute("CHECKPOINT").await.expect("CHECKPOINT");
    let left = house.secrets.within(&bytes(&tables)).len();
    println!("{left} of {} deleted texts are in unused bytes of pages after VACUUM", house.secrets.0.len());
    client.batch_execute("VACUUM FULL").await.expect("VACUUM FULL");
    client.batch_execute("CHECKPOINT").await.expect("CHECKPOINT");
    client.batch_execute("CHECKPOINT").await.expect("CHECKPOINT");
    house.secrets.are_not_in("files of tables after VACUUM FULL", &bytes(&tables));
    let log = Path::new(&data).parent().expect("a directory").join("log");
    house.secrets.are_not_in("the log of Postgres", &fs::read(log).expect("a log"));
    house.logs_nothing();
}

/// What lies in tuples of all tables of a schema, with what is out of line.
async fn tuples(client: &tokio_postgres::Client, schema: &str) -> Vec<u8> {
    let tables = "SELECT t.oid::regclass::text FROM pg_class c
        JOIN pg_class t ON t.oid IN (c.oid, c.reltoastrelid) WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'r'";
    let mut all = Vec::new();
    for table in client.query(tables, &[&schema]).await.expect("tables") {
        let table: String = table.get(0);
        let items = "SELECT i.t_data FROM generate_series(0, pg_relation_size($1::text::regclass) / 8192 - 1) block,
            heap_page_items(get_raw_page($1::text, block::int)) i WHERE i.t_data IS NOT NULL";
        for item in client.query(items, &[&table]).await.expect("tuples") {
            all.extend(item.get::<_, Vec<u8>>(0));
        }
    }
    all
}
