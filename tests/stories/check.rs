//! `hubbub check`: what an operator is told before anything is served.

use crate::{
    cluster::{API_KEY, Cluster, SECRET},
    launch,
    logged::Logged,
    support::{
        door::Door,
        postgres::Postgres,
        provider::{Answer, Provider},
        redis::Redis,
        signer::Signer,
    },
};
use jsonwebtoken::Algorithm;
use std::{os::unix::fs::PermissionsExt, path::Path, process::Stdio, time::Duration};

/// What it found: its lines, and its exit code.
struct Found {
    lines: Vec<String>,
    code: i32,
    all: String,
}

impl Found {
    /// There is a line of this level with all these words.
    #[track_caller]
    fn says(&self, level: &str, words: &[&str]) -> &Self {
        let is = |line: &&String| line.starts_with(level) && words.iter().all(|word| line.contains(word));
        assert!(self.lines.iter().any(|line| is(&line)), "no `{level}` with {words:?} in\n{}", self.all);
        self
    }

    #[track_caller]
    fn fails(&self) -> &Self {
        assert_eq!(self.code, 1, "{}", self.all);
        self
    }
}

/// Flags, environment, and the line that must be there: its level and its words.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);

/// Runs it, at a free address unless another is named.
async fn check(flags: &[&str], environment: &[(&str, &str)]) -> Found {
    let output = tokio::process::Command::from(launch::hubbub())
        .arg("check")
        .args(if flags.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] })
        .args(flags)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    let output =
        tokio::time::timeout(Duration::from_secs(30), output).await.expect("an end in time").expect("the program");
    let all = String::from_utf8(output.stdout).expect("UTF-8");
    let complaints = String::from_utf8(output.stderr).expect("UTF-8");
    for secret in [SECRET, API_KEY, "hush"] {
        assert!(!all.contains(secret) && !complaints.contains(secret), "{secret} is in\n{all}{complaints}");
    }
    Found { lines: all.lines().map(Into::into).collect(), code: output.status.code().unwrap_or(-1), all }
}

fn secrets() -> [(&'static str, &'static str); 2] {
    [("HUBBUB_TOKEN_SECRET", SECRET), ("HUBBUB_API_KEY", API_KEY)]
}

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    path.display().to_string()
}

/// A certificate that is good for long, its key, and two more of this key: one for ten days yet, one that has expired.
fn pairs(directory: &Path) -> [String; 4] {
    let key = rcgen::KeyPair::generate().expect("a key");
    let now = std::time::SystemTime::now();
    let certificate = |name: &str, from: u64, to: i64| {
        let mut wanted = rcgen::CertificateParams::new(vec!["localhost".into()]).expect("a name");
        let day = |days: u64| Duration::from_secs(days * 86_400);
        wanted.not_before = (now - day(from)).into();
        wanted.not_after = if to < 0 { now - day(to.unsigned_abs()) } else { now + day(to.unsigned_abs()) }.into();
        write(directory, name, &wanted.self_signed(&key).expect("a certificate").pem())
    };
    let (long, soon) = (certificate("long.pem", 1, 90), certificate("soon.pem", 80, 10));
    [long, write(directory, "key.pem", &key.serialize_pem()), soon, certificate("old.pem", 90, -1)]
}

#[tokio::test]
async fn a_good_configuration_is_found_good() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("hubbub.db").display());
    // What other commands read, and what Kubernetes says of a service of this name, is no misspelt setting.
    let besides = [
        ("HUBBUB_SERVER", "http://127.0.0.1:1"),
        ("HUBBUB_SERVICE_HOST", "10.0.0.1"),
        ("HUBBUB_PORT", "tcp://10.0.0.1:8000"),
    ];
    let found = check(&["--store", &store, "--strict"], &[&secrets()[..], &besides].concat()).await;
    assert_eq!(found.code, 0, "{}", found.all);
    let misspelt = [&secrets()[..], &[("HUBBUB_LISTN", "127.0.0.1:1")]].concat();
    for (strict, code) in [(None, 0), (Some("--strict"), 1)] {
        let flags: Vec<_> = ["--store", &store].into_iter().chain(strict).collect();
        let found = check(&flags, &misspelt).await;
        assert_eq!(
            found.says("warning", &["HUBBUB_LISTN:", "did you mean HUBBUB_LISTEN?"]).code,
            code,
            "{}",
            found.all
        );
    }
    found.says("ok", &["--listen"]).says("ok", &["--store", "not there yet"]).says("ok", &["--bus local"]);
    assert!(!directory.path().join("hubbub.db").exists(), "nothing was made");
    let (redis, signer) = (Redis::start().await, Signer::named("k1", Algorithm::ES256));
    let provider = Provider::start(&[&signer]).await;
    let flags = [
        "--store",
        &Postgres::shared().url(),
        "--schema",
        "check_good",
        "--bus",
        &redis.url(),
        "--token-jwks",
        &provider.url(),
        "--token-audience",
        "chat",
        "--strict",
    ];
    let found = check(&flags, &secrets()).await;
    assert_eq!(found.code, 0, "{}", found.all);
    found.says("ok", &["--store", "Postgres", "no tables yet"]).says("ok", &["--bus redis", "came back"]);
    found.says("ok", &["--token-jwks", "k1", "ES256"]);
    assert!(redis.ask(&["PUBSUB", "CHANNELS"]).await.starts_with("*0"), "nothing stays behind");
}

#[tokio::test]
async fn who_is_in_front_and_who_may_come_to_a_trial_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("hubbub.db").display());
    let cases: [Case; 6] = [
        (&["--listen", "0.0.0.0:0"], &secrets(), "warning", &["--trusted-proxies", "balancer"]),
        (&["--listen", "0.0.0.0:0", "--trusted-proxies", "10.0.0.0/8,::1"], &secrets(), "ok", &["--trusted-proxies"]),
        (&["--trusted-proxies", "10.0.0.0/8,::/0"], &secrets(), "wrong", &["--trusted-proxies", "everybody"]),
        (&["--trusted-proxies", "lb.internal"], &secrets(), "wrong", &["--trusted-proxies", "lb.internal"]),
        (&["--dev", "--listen", "0.0.0.0:0"], &[], "wrong", &["--dev", "--dev-host"]),
        (&["--dev", "--listen", "0.0.0.0:0", "--dev-host", "laptop.local"], &[], "warning", &["--dev-host", "tokens"]),
    ];
    for (flags, environment, level, words) in cases {
        check(&[&["--store", &store], flags].concat(), environment).await.says(level, words);
    }
    check(&["--store", &store, "--strangers-per-address", "5000"], &secrets()).await.says("wrong", &["4096"]).fails();
}

#[tokio::test]
async fn a_file_of_an_older_version_that_others_may_read_and_rows_that_others_cannot_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hubbub.db");
    let store = format!("sqlite:{}", file.display());
    {
        let cluster = Cluster::laptop(directory.path()).await;
        cluster.room("general", "open", &["ana"]).await;
        let message = serde_json::json!({ "from": "ana", "data": { "p": "whole" } });
        assert_eq!(cluster.api("POST", "/v1/rooms/general/messages", &message).await.status, 201);
    }
    check(&["--store", &store], &secrets()).await.says("ok", &["--store"]);
    let database = rusqlite::Connection::open(&file).unwrap();
    let changed =
        database.execute("UPDATE entries SET data = '{\"p\":\"cut \\ud83d\"}' WHERE data IS NOT NULL", []).unwrap();
    assert_eq!(changed, 1);
    drop(database);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let found = check(&["--store", &store], &secrets()).await;
    found.says("warning", &["hubbub.db", "0644", "chmod 600"]);
    found.says("warning", &["1 row with JSON that others cannot read", "general"]);
}

#[tokio::test]
async fn what_is_wrong_is_found_and_all_of_it_and_what_to_do_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let sqlite = format!("sqlite:{}", here.join("hubbub.db").display());
    let signer = Signer::new(Algorithm::RS256);
    let private = write(here, "private.pem", &signer.private_pem);
    let nonsense = write(here, "nonsense.pem", "hush");
    let readable = write(here, "readable", SECRET);
    std::fs::set_permissions(&readable, std::fs::Permissions::from_mode(0o644)).unwrap();
    let typo = write(here, "typo.toml", "token_secret = \"hush\"\nlisten = 5\n[limits]\ntext-byte = 1\n");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let no_disk = Postgres::start(&["fsync=off"]);
    let provider = Provider::start(&[]).await;
    let closed = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    let (closed_redis, closed_postgres) =
        (format!("redis://:hush@{closed}"), format!("postgres://hubbub:hush@{closed}/postgres"));
    let (published, pg, closed_text) = (provider.url(), Postgres::shared().url(), closed.to_string());
    let [cert, key, soon, old] = pairs(here);
    let kafka = format!("kafka://{closed}");
    let half_kafka = format!("kafka://{closed},{taken}/chat");
    let table: &[Case<'_>] = &[
        (&[], &[("HUBBUB_TOKEN_SECRET", "")], "wrong", &["--token-secret", "HUBBUB_TOKEN_SECRET_FILE", "--token-jwks"]),
        (&[], &[("HUBBUB_TOKEN_SECRET", "hush")], "wrong", &["--token-secret", "4 bytes", "openssl rand"]),
        (&[], &[("HUBBUB_API_KEY", "hush")], "wrong", &["--api-key", "4 bytes", "openssl rand"]),
        (&[], &[("HUBBUB_API_KEY", "hush with 20 bytes..")], "warning", &["--api-key", "20 bytes", "32 are advised"]),
        (&[], &[("HUBBUB_TOKEN_SECRET", "hush, 15 bytes.")], "wrong", &["--token-secret", "15 bytes", "openssl rand"]),
        (&["--dev"], &[("HUBBUB_TOKEN_SECRET", "hush")], "warning", &["--token-secret", "4 bytes"]),
        (&[], &[("HUBBUB_API_KEY", "")], "warning", &["--api-key", "/v1 is closed"]),
        (
            &[],
            &[("HUBBUB_TOKEN_SECRET_FILE", "/nowhere/secret"), ("HUBBUB_TOKEN_SECRET", "")],
            "wrong",
            &["HUBBUB_TOKEN_SECRET_FILE", "/nowhere/secret"],
        ),
        (&[], &[("HUBBUB_TOKEN_SECRET_FILE", &readable)], "warning", &["HUBBUB_TOKEN_SECRET_FILE", "chmod 640"]),
        (&[], &[("HUBBUB_TOKEN_SECRET_FILE", &readable)], "warning", &["not read: HUBBUB_TOKEN_SECRET is set as well"]),
        (&[], &[("HUBBUB_STORRE", "hush")], "warning", &["HUBBUB_STORRE:", "did you mean HUBBUB_STORE?"]),
        (&[], &[("HUBBUB_DATABASE_URL", "hush")], "warning", &["HUBBUB_DATABASE_URL:", "hubbub serve --help"]),
        (&[], &[("HUBBUB_SCHEMA", "chat")], "warning", &["--schema", "means nothing with --store sqlite:"]),
        (&["--dev-host", "laptop.local"], &[], "warning", &["--dev-host", "means nothing without --dev"]),
        (&["--config", "/nowhere.toml"], &[], "wrong", &["--config /nowhere.toml"]),
        (&["--config", &typo], &[], "wrong", &["token_secret", "did you mean token-secret?"]),
        (&["--config", &typo], &[], "wrong", &["[limits]", "text-byte", "did you mean text-bytes?"]),
        (&["--config", &typo], &[], "wrong", &["listen", "integer"]),
        (&["--token-public-key", &private], &[], "wrong", &["--token-public-key", "openssl pkey -pubout"]),
        (&["--token-public-key", &nonsense], &[], "wrong", &["--token-public-key", "PEM"]),
        (&["--token-public-key", "/nowhere.pem"], &[], "wrong", &["--token-public-key /nowhere.pem"]),
        (&["--token-user-claim", "exp"], &[], "wrong", &["--token-user-claim exp", "the user's id"]),
        (&["--token-jwks", "http://idp.example.com/keys"], &[], "wrong", &["--token-jwks", "use https:"]),
        (&["--token-jwks", &published], &[], "wrong", &["--token-jwks", "it is empty", "curl"]),
        (&["--token-jwks", &published], &[], "warning", &["--token-audience", "another application"]),
        (&["--token-jwks-ca", &private], &[], "wrong", &["--token-jwks-ca", "name the URL"]),
        (&["--listen", &taken], &[], "warning", &["--listen", "somebody listens there", "another port"]),
        (&["--listen", "192.0.2.1:8000"], &[], "wrong", &["--listen 192.0.2.1:8000", "no such address", "0.0.0.0"]),
        (&["--store", "mysql://hush@x"], &[], "wrong", &["--store", "sqlite:FILE", "postgres://"]),
        (&["--store", "sqlite:/nowhere/hubbub.db"], &[], "wrong", &["--store", "/nowhere", "make the directory"]),
        (&["--store", &format!("sqlite:{typo}")], &[], "wrong", &["--store", "name a file of Hubbub's"]),
        (&["--store", &closed_postgres], &[], "wrong", &["--store", "psql"]),
        (&["--store", &no_disk.url()], &[], "wrong", &["--store", "fsync is off", "set fsync = on"]),
        (&["--store", &Postgres::shared().url()], &[], "warning", &["--bus local", "--bus redis://"]),
        (&["--store", &sqlite, "--bus", "redis://127.0.0.1:1"], &[], "wrong", &["--bus", "leave --bus out"]),
        (&["--bus", "carrier-pigeon"], &[], "wrong", &["--bus", "redis://host:6379"]),
        (&["--store", &Postgres::shared().url(), "--bus", &closed_redis], &[], "wrong", &["--bus redis", "redis-cli"]),
        (&["--sends-per-second", "0"], &[], "wrong", &["--sends-per-second 0", "leave it out"]),
        (&["--text-bytes", "9000"], &[], "wrong", &["--text-bytes 9000", "at most 8192"]),
        (&["--log", "loud=very"], &[], "wrong", &["--log", "info"]),
        (&["--dev"], &[], "warning", &["--dev", "leave it out"]),
        (&["--drain-window", "soon"], &[], "wrong", &["--drain-window", "15m"]),
        (&["--drain-window", "0"], &[], "warning", &["--drain-window", "at once"]),
        (&["--base-path", "chat"], &[], "wrong", &["--base-path chat", "/chat"]),
        (&["--admin-listen", &taken], &[], "warning", &["--admin-listen", "somebody listens there"]),
        (
            &["--listen", &closed_text, "--admin-listen", &closed_text],
            &[],
            "wrong",
            &["--admin-listen", "another port"],
        ),
        (&["--allowed-origins", "example.com"], &[], "wrong", &["--allowed-origins example.com", "https://"]),
        (&["--allowed-origins", "*"], &[], "warning", &["--allowed-origins", "any page", "name the origins"]),
        (&["--tls-cert", &cert], &[], "wrong", &["--tls-key", "missing"]),
        (&["--tls-cert", "/nowhere.pem", "--tls-key", &key], &[], "wrong", &["--tls-cert /nowhere.pem"]),
        (
            &["--tls-cert", &cert, "--tls-key", &private],
            &[],
            "wrong",
            &["--tls-key", "not the key of this certificate"],
        ),
        (&["--tls-cert", &old, "--tls-key", &key], &[], "wrong", &["--tls-cert", "has expired"]),
        (&["--tls-cert", &soon, "--tls-key", &key], &[], "warning", &["--tls-cert", "days", "renew"]),
        (&["--tls-cert", &cert, "--tls-key", &key], &[], "ok", &["--tls-cert", "days"]),
        (&["--store", &pg, "--bus", "kafka://u:hush@one"], &[], "wrong", &["--bus kafka", "users and passwords"]),
        (&["--store", &pg, "--bus", &kafka], &[], "wrong", &["--bus kafka", &closed_text]),
        (&["--store", &pg, "--bus", &half_kafka], &[], "warning", &["--bus kafka", &closed_text]),
    ];
    for (flags, environment, level, words) in table {
        let mut flags = flags.to_vec();
        if !flags.contains(&"--store") {
            flags.extend(["--store", &sqlite]);
        }
        let environment: Vec<_> = secrets().iter().chain(*environment).copied().collect();
        let found = check(&flags, &environment).await;
        found.says(level, words);
        if *level == "wrong" {
            found.fails();
        }
    }
    // All of it is found in one go.
    let flags =
        ["--token-public-key", &private, "--store", "sqlite:/nowhere/hubbub.db", "--bus", "x", "--text-bytes", "0"];
    let found = check(&flags, &[("HUBBUB_TOKEN_SECRET", "hush")]).await;
    for about in ["--token-secret", "--token-public-key", "--store", "--bus", "--text-bytes"] {
        found.says("wrong", &[about]);
    }
    found.fails();
}

#[tokio::test]
async fn what_a_server_may_not_do_is_found() {
    let postgres = Postgres::shared();
    let (client, driver) = tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(driver);
    client
        .batch_execute(
            "CREATE ROLE check_poor LOGIN; REVOKE CREATE ON DATABASE postgres FROM PUBLIC;
             CREATE SCHEMA check_newer; CREATE TABLE check_newer.migrations (version integer, at timestamptz DEFAULT now());
             INSERT INTO check_newer.migrations VALUES (99)",
        )
        .await
        .expect("a role and a schema");
    let url = |user: &str| format!("postgres://{user}@127.0.0.1:{}/postgres", postgres.port());
    let found = check(&["--store", &url("check_poor"), "--schema", "check_poor"], &secrets()).await;
    found.says("wrong", &["--store", "may make none", "GRANT CREATE"]).fails();
    let found = check(&["--store", &url("hubbub"), "--schema", "check_newer"], &secrets()).await;
    found.says("wrong", &["--store", "version 99", "newer program"]).fails();
    client
        .batch_execute("CREATE DATABASE check_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        .await
        .expect("a database");
    let latin = format!("postgres://hubbub@127.0.0.1:{}/check_latin", postgres.port());
    let found = check(&["--store", &latin], &secrets()).await;
    found.says("wrong", &["--store", "LATIN1", "ENCODING 'UTF8'"]).fails();
}

#[tokio::test]
async fn what_never_answers_is_found_in_time_and_a_running_server_is_no_fault() {
    let directory = tempfile::tempdir().unwrap();
    let (provider, redis) = (Provider::start(&[]).await, Redis::start().await);
    provider.answers(Answer::Silence);
    let door = Door::to(redis.addr()).await;
    door.hold();
    let dead = format!("redis://{}", door.addr());
    let published = provider.url();
    let url = Postgres::shared().url();
    let found = check(&["--token-jwks", &published, "--store", &url, "--bus", &dead], &secrets()).await;
    found.says("wrong", &["--token-jwks", "curl"]).says("wrong", &["--bus redis", "no probe"]).fails();
    let cluster = Cluster::laptop(directory.path()).await;
    let (store, address) =
        (format!("sqlite:{}", directory.path().join("hubbub.db").display()), cluster.at(0).to_string());
    let found = check(&["--listen", &address, "--store", &store], &secrets()).await;
    assert_eq!(found.code, 0, "{}", found.all);
    found.says("warning", &["--listen", "somebody listens there"]).says("warning", &["--store", "another process has"]);
}

#[tokio::test]
async fn portals_that_sign_a_url_that_nobody_knows_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let server = Logged::start(directory.path(), &["--public-url", "https://chat.example"]).await;
    let verify =
        |id: &str, verify: serde_json::Value| serde_json::json!({ "id": id, "settings": { "verify": verify } });
    for made in [
        verify("texts", serde_json::json!({ "scheme": "twilio" })),
        verify("deleted", serde_json::json!({ "scheme": "hubspot" })),
        verify("desk", serde_json::json!({ "scheme": "bearer" })),
    ] {
        let made = server.api("POST", "/v1/portals", &made).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    assert_eq!(server.api("DELETE", "/v1/portals/deleted", &serde_json::Value::Null).await.status, 200);
    let store = format!("sqlite:{}", directory.path().join("hubbub.db").display());
    let found = check(&["--store", &store], &secrets()).await;
    found.says("warning", &["--public-url", "sign their whole URL: texts;"]);
    let found = check(&["--store", &store, "--public-url", "https://chat.example"], &secrets()).await;
    assert!(!found.all.contains("texts"), "{}", found.all);
    let cluster = Cluster::of_with(1, &["--public-url", "https://chat.example"]).await;
    for id in ["one", "two", "gone"] {
        let made = cluster.api("POST", "/v1/portals", &verify(id, serde_json::json!({ "scheme": "twilio" }))).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    assert_eq!(cluster.api("DELETE", "/v1/portals/gone", &serde_json::Value::Null).await.status, 200);
    let url = Postgres::shared().url();
    let found = check(&["--store", &url, "--schema", cluster.schema()], &secrets()).await;
    found.says("warning", &["--public-url", "sign their whole URL: one, two;"]);
}
