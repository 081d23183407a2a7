//! Secrets of portals at rest: sealed under the operator's key, which may be replaced, and may be lost.

use crate::{
    cluster::{API_KEY, Cluster, breathe, program},
    desk::{make, open, takes},
    logged::Logged,
    support::{
        portal::{self, Portal},
        postgres::Postgres,
        vendor::Vendor,
    },
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

fn key(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

/// The configuration of all instances: which keys they have.
struct Keys(PathBuf);

impl Keys {
    fn at(directory: &Path, keys: &[u8]) -> Self {
        let file = Self(directory.join("hubbub.toml"));
        file.are(keys);
        file
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path")
    }

    fn are(&self, keys: &[u8]) {
        let list: Vec<String> = keys.iter().map(|n| key(*n)).collect();
        std::fs::write(&self.0, format!("secrets-key = \"{}\"\n", list.join(","))).expect("a file");
    }

    /// These instances read it again.
    async fn are_read(&self, server: &Cluster, keys: &[u8], instances: &[usize]) {
        self.are(keys);
        let first = keys.first().map(|n| id_of(*n));
        for n in instances {
            let instance = &server.instances[*n];
            let told = Command::new("kill").args(["-HUP", &instance.pid().to_string()]).status().expect("kill");
            assert!(told.success());
            until("the keys are not read", async || {
                let seen = instance.api("GET", "/v1/secrets", &Value::Null).await.json();
                seen["seals_with"].as_str().map(ToOwned::to_owned) == first
            })
            .await;
        }
    }
}

/// The id that a key is known by: the beginning of a digest of it.
fn id_of(n: u8) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest([b"hubbub sealing key\0".as_slice(), &[n; 32]].concat());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is().await {
        assert!(began.elapsed() < 6 * DEADLINE, "{what} in time");
        breathe().await;
    }
}

async fn says(server: &Cluster, n: usize, session: &str, text: &str) {
    let said = json!({ "from": "ana", "text": text });
    let said = server.instances[n].api("POST", &format!("/v1/rooms/{session}/messages"), &said).await;
    assert_eq!(said.status, 201, "{}", said.text);
}

/// A webhook to an instance; its status.
async fn hook(server: &Cluster, n: usize, secret: &str, id: &str) -> u16 {
    let body = json!({ "sessionId": "s1", "message": format!("answer {id}") }).to_string();
    portal::call(server.at(n), "desk", secret, id, &body).await.expect("an answer").0
}

async fn hook_is(server: &Cluster, n: usize, secret: &str, id: &str, status: u16) {
    let mut last = 0;
    until(&format!("the webhook {id} is not answered {status}"), async || {
        last = hook(server, n, secret, id).await;
        last == status
    })
    .await;
}

async fn seen(server: &Cluster, n: usize) -> Value {
    server.instances[n].api("GET", "/v1/portals/desk", &Value::Null).await.json()
}

fn secret(made: &Value, which: &str) -> String {
    made[which].as_str().expect("a secret").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_before_go_on_and_a_lost_key_disables_the_portal_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = Keys::at(directory.path(), &[]);
    let server =
        Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1", "--config", keys.path()]).await;
    let desk = Portal::start().await;
    let made = make(&server, "desk", &desk, json!({})).await;
    let (outgoing, incoming) = (secret(&made, "outgoing_secret"), secret(&made, "incoming_secret"));
    desk.knows(&[&outgoing]);
    open(&server, "s1", "desk", "ana").await;
    let store = format!("sqlite:{}", directory.path().join("hubbub.db").display());
    let checked = async |key: &str| {
        let flags = ["check", "--dev", "--listen", "127.0.0.1:0", "--store", &store, "--secrets-key", key];
        let (_, out, _) = program(&flags).await;
        out.lines().find(|line| line.contains("--secrets-key:")).expect("a finding").to_owned()
    };
    assert!(checked("").await.starts_with("warning") && checked(&key(1)).await.contains("2 secrets of portals lie"));
    let at_rest = server.api("GET", "/v1/secrets", &Value::Null).await.json();
    assert!(at_rest["plain"] == 2 && at_rest["sealed"] == json!({}), "{at_rest}");

    // A key comes: what lies there as it is goes on working, and is sealed when an operator says so.
    keys.are_read(&server, &[1], &[0]).await;
    says(&server, 0, "s1", "one").await;
    takes(&desk, "s1", &["one"]).await;
    assert_eq!(hook(&server, 0, &incoming, "e1").await, 200);
    let url = format!("http://{}", server.at(0));
    let (done, out, errors) = program(&["portals", "reseal", "--server", &url, "--api-key", API_KEY]).await;
    assert!(done && out.contains("2 secrets were sealed anew; 0 lie there"), "{out}{errors}");
    let at_rest = server.api("GET", "/v1/secrets", &Value::Null).await.json();
    assert!(at_rest["plain"] == 0 && at_rest["sealed"][id_of(1)] == 2, "{at_rest}");
    assert!(checked(&key(1)).await.starts_with("ok") && checked(&key(2)).await.starts_with("wrong"));
    says(&server, 0, "s1", "two").await;
    takes(&desk, "s1", &["one", "two"]).await;
    assert_eq!(hook(&server, 0, &incoming, "e2").await, 200);

    // The key is lost: visibly so, nothing is sent unsigned, and nobody is told that their signature is wrong.
    keys.are_read(&server, &[2], &[0]).await;
    until("it is not disabled", async || seen(&server, 0).await["standing"] == "disabled").await;
    let shown = seen(&server, 0).await;
    assert!(shown["why"].as_str().is_some_and(|why| why.contains("cannot be opened here") && why.contains(&id_of(1))));
    hook_is(&server, 0, &incoming, "e3", 503).await;
    let wrong = format!("whsec_{}", "A".repeat(43) + "=");
    assert_eq!(hook(&server, 0, &wrong, "e4").await, 503, "whether it is right cannot be told");
    until("it is not counted", async || {
        server.instances[0].counter("hubbub_portal_locked{portal=\"desk\"}").await == 1
    })
    .await;
    says(&server, 0, "s1", "three").await;
    let (done, out, errors) = program(&["portals", "reseal", "--server", &url, "--api-key", API_KEY]).await;
    assert!(!done && errors.contains("secrets of 1 portals cannot be opened"), "{out}{errors}");
    // Whatever an operator changes meanwhile, the secrets stay.
    let settings = json!({ "url": desk.url(), "name": "another name" });
    assert_eq!(server.api("PUT", "/v1/portals/desk", &settings).await.status, 200);
    assert_eq!(server.api("POST", "/v1/portals/desk/resume", &Value::Null).await.status, 200);
    assert_eq!(seen(&server, 0).await["standing"], "disabled");
    assert_eq!(desk.taken("s1").len(), 2);

    // It is found again: everything goes on.
    keys.are_read(&server, &[2, 1], &[0]).await;
    takes(&desk, "s1", &["one", "two", "three"]).await;
    hook_is(&server, 0, &incoming, "e3", 200).await;
    assert_eq!(hook(&server, 0, &wrong, "e4").await, 401);
    assert!(desk.arrivals().iter().all(|arrival| arrival.verified == 1), "each was signed");

    // Lost for good: new secrets, given at once, and the portal goes on.
    keys.are_read(&server, &[3], &[0]).await;
    let mut fresh = Vec::new();
    for direction in ["outgoing", "incoming"] {
        let given = json!({ "direction": direction, "keep_seconds": 0 });
        let given = server.api("POST", "/v1/portals/desk/secrets", &given).await;
        assert_eq!(given.status, 200, "{}", given.text);
        fresh.push(secret(&given.json(), &format!("{direction}_secret")));
    }
    desk.knows(&[&fresh[0]]);
    says(&server, 0, "s1", "four").await;
    takes(&desk, "s1", &["one", "two", "three", "four"]).await;
    hook_is(&server, 0, &fresh[1], "e5", 200).await;
    assert_eq!(desk.arrivals().last().map(|arrival| arrival.verified), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_while_two_instances_serve() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = Keys::at(directory.path(), &[1]);
    let server = Cluster::of_with(2, &["--portal-allow", "127.0.0.1", "--config", keys.path()]).await;
    let desk = Portal::start().await;
    let made = make(&server, "desk", &desk, json!({})).await;
    let (outgoing, incoming) = (secret(&made, "outgoing_secret"), secret(&made, "incoming_secret"));
    desk.knows(&[&outgoing]);
    open(&server, "s1", "desk", "ana").await;
    let mut texts: Vec<String> = Vec::new();
    let mut works = async |phase: &str| {
        for n in 0..2 {
            texts.push(format!("{phase} {n}"));
            says(&server, n, "s1", &format!("{phase} {n}")).await;
            assert_eq!(hook(&server, n, &incoming, &format!("{phase}-{n}")).await, 200, "{phase}");
        }
        takes(&desk, "s1", &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    };
    works("old").await;
    // First all know it, then it seals, then everything is sealed with it, then the old one goes.
    keys.are_read(&server, &[1, 2], &[0, 1]).await;
    works("known").await;
    keys.are_read(&server, &[2, 1], &[0, 1]).await;
    works("first").await;
    let resealed = server.api("POST", "/v1/secrets/reseal", &Value::Null).await.json();
    assert!(resealed["resealed"] == 2 && resealed["sealed"] == json!({ id_of(2): 2 }), "{resealed}");
    assert_eq!(server.api("POST", "/v1/secrets/reseal", &Value::Null).await.json()["resealed"], 0);
    keys.are_read(&server, &[2], &[0, 1]).await;
    works("new").await;

    // One that does not know the key disables the portal in its own view, and destroys nothing.
    keys.are_read(&server, &[3, 2], &[0]).await;
    let given = json!({ "direction": "incoming", "keep_seconds": 0 });
    let given = server.api("POST", "/v1/portals/desk/secrets", &given).await.json();
    let newer = secret(&given, "incoming_secret");
    hook_is(&server, 0, &newer, "newer-0", 200).await;
    hook_is(&server, 1, &newer, "newer-1", 503).await;
    assert!(seen(&server, 0).await["standing"] == "active" && seen(&server, 1).await["standing"] == "disabled");
    for path in ["pause", "resume"] {
        let done = server.instances[1].api("POST", &format!("/v1/portals/desk/{path}"), &Value::Null).await;
        assert_eq!(done.status, 200, "{}", done.text);
    }
    says(&server, 1, "s1", "still").await;
    until("the other one does not deliver", async || desk.taken("s1").iter().any(|a| a.text() == "still")).await;
    hook_is(&server, 0, &newer, "newer-2", 200).await;
    keys.are_read(&server, &[3, 2], &[1]).await;
    hook_is(&server, 1, &newer, "newer-1", 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_the_database_holds_no_secret() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = Keys::at(directory.path(), &[1]);
    let server = Cluster::of_with(1, &["--portal-allow", "127.0.0.1", "--config", keys.path()]).await;
    let vendor = Vendor::start("the-first-refresh-token").await;
    let settings = json!({ "url": vendor.url(), "auth": vendor.auth("refresh_token"), "retry_seconds": [0.05] });
    let new = json!({ "id": "desk", "settings": settings, "access_secret": "the client's secret" });
    let made = server.api("POST", "/v1/portals", &new).await.json();
    let mut secrets = vec!["the client's secret".to_owned(), "the-first-refresh-token".to_owned()];
    secrets.extend(["outgoing_secret", "incoming_secret"].map(|which| secret(&made, which)));
    let given = json!({ "direction": "grant", "secret": "the-first-refresh-token" });
    assert_eq!(server.api("POST", "/v1/portals/desk/secrets", &given).await.status, 200);
    open(&server, "s1", "desk", "ana").await;
    says(&server, 0, "s1", "hi").await;
    until("it was not taken", async || !vendor.taken().is_empty()).await;
    // The portal refuses every token, and repeats it in its complaint, which is kept with the attempt.
    vendor.answers(Some((200, json!({ "access_token": "a-token-that-is-refused" }))));
    secrets.push("a-token-that-is-refused".into());
    vendor.revokes();
    says(&server, 0, "s1", "again").await;
    until("no attempt", async || {
        let seen = server.api("GET", "/v1/sessions/s1", &Value::Null).await.json();
        seen["attempts"][0]["error"].as_str().is_some_and(|error| error.contains("you_sent"))
    })
    .await;
    secrets.extend(vendor.secrets());
    let (client, driver) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(driver);
    let sql =
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = $1 AND table_type = 'BASE TABLE'";
    let (mut dump, mut tables) = (String::new(), 0);
    for table in client.query(sql, &[&server.schema()]).await.expect("tables") {
        let sql = format!("SELECT t::text FROM \"{}\".\"{}\" t", server.schema(), table.get::<_, String>(0));
        for row in client.query(&sql, &[]).await.expect("rows") {
            dump += &row.get::<_, String>(0);
            dump.push('\n');
        }
        tables += 1;
    }
    assert!(tables > 10 && dump.matches("sealed:1:").count() >= 5, "{tables} tables: {dump}");
    for secret in &secrets {
        let bare = secret.trim_start_matches("whsec_");
        assert!(!bare.is_empty() && !dump.contains(bare), "{secret} is in the dump");
    }
}

#[tokio::test]
async fn without_a_key_it_is_said_where_a_secret_lies_as_it_is_and_not_in_a_trial() {
    let directory = tempfile::tempdir().expect("a directory");
    let says =
        |server: &Logged, words: &str| server.log().lines().any(|line| line.contains("WARN") && line.contains(words));
    let server = Logged::start(directory.path(), &[]).await;
    assert!(!says(&server, "--secrets-key"), "there is no secret yet: {}", server.log());
    let made = server.api("POST", "/v1/portals", &json!({ "id": "desk" })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (outgoing, incoming) = (secret(&made.json(), "outgoing_secret"), secret(&made.json(), "incoming_secret"));
    assert!(says(&server, "no --secrets-key: a secret is kept as it is"), "{}", server.log());
    assert!(!server.log().contains(&outgoing) && !server.log().contains(&incoming));
    drop(server);
    for (flags, is_said) in [(&[][..], true), (&["--dev"], false), (&["--secrets-key", &key(1)], false)] {
        let server = Logged::start(directory.path(), flags).await;
        assert_eq!(says(&server, "no --secrets-key"), is_said, "{flags:?}: {}", server.log());
        let made = server.api("POST", "/v1/portals", &json!({ "id": format!("desk{}", flags.len()) })).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(says(&server, "is kept as it is"), is_said, "{flags:?}: {}", server.log());
    }
}
