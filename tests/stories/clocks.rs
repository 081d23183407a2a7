//! Machines whose clocks are wrong: everybody is judged by the clock of the database.

use crate::{
    cluster::{Cluster, SECRET, breathe},
    desk::{make, open, takes},
    http,
    operated::Program,
    person::token_for,
    reasons::configuration,
    support::{
        portal::{self, Portal, sign, unix_now},
        postgres::Postgres,
    },
    wire::{DEADLINE, Wire},
};
use hubbub::token::{Requirements, make_at};
use hubbub_core::model::ids::UserId;
use serde_json::{Value, json};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The library that gives a program another time of day.
fn faketime() -> String {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let library = |folder: PathBuf| folder.join("faketime/libfaketimeMT.so.1");
    let found = folders.map(|folder| library(folder.path())).find(|path| path.exists());
    found.expect("faketime is not installed: run scripts/install-services").display().to_string()
}

/// A program that runs ours with a clock that is so many seconds ahead; what it logs is in `log`.
fn ahead(directory: &Path, seconds: i64) -> (PathBuf, PathBuf) {
    let (program, log) = (directory.join(format!("at{seconds}")), directory.join(format!("log{seconds}")));
    let text = format!(
        "#!/bin/sh\nexec env LD_PRELOAD={} FAKETIME={seconds:+} FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 \\\n  NO_FAKE_STAT=1 {} \"$@\" 2>>{}\n",
        faketime(),
        env!("CARGO_BIN_EXE_hubbub"),
        log.display()
    );
    std::fs::write(&program, text).expect("a script");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    (program, log)
}

async fn offset(cluster: &Cluster, n: usize) -> f64 {
    let text = http::ask(cluster.at(n), "GET", "/metrics", &[], "").await.expect("metrics").text;
    let line = text.lines().find_map(|line| line.strip_prefix("hubbub_clock_offset_seconds "));
    line.and_then(|number| number.parse().ok()).expect("the offset")
}

/// A token made this many seconds after now, for a minute.
fn made_in(seconds: i64) -> String {
    let at = Duration::from_secs((unix_now() + seconds).unsigned_abs());
    let ana = UserId::parse("ana").expect("a user");
    make_at(SECRET, &Requirements::default(), &ana, Duration::from_secs(60), at).expect("a token")
}

async fn connects(cluster: &Cluster, n: usize, token: &str) -> Value {
    let mut wire = Wire::open(cluster.at(n), None).await.expect("a socket");
    wire.asks(json!({ "id": 1, "connect": { "token": token } })).await
}

#[tokio::test]
async fn instances_whose_clocks_are_wrong_judge_like_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::of_with(3, &["--portal-allow", "127.0.0.1"]).await;
    let portal = Portal::start().await;
    let made = make(&cluster, "desk", &portal, json!({})).await;
    let incoming = made["incoming_secret"].as_str().expect("a secret").to_owned();
    portal.knows(&[made["outgoing_secret"].as_str().expect("a secret")]);
    open(&cluster, "s1", "desk", "ana").await;
    let wrong = [3_600, -86_400, 7];
    let mut logs = Vec::new();
    for (n, seconds) in wrong.into_iter().enumerate() {
        let (program, log) = ahead(directory.path(), seconds);
        cluster.instances[n].program = program;
        cluster.stop(n).await;
        cluster.restart_unwell(n);
        logs.push(log);
    }
    for (n, seconds) in wrong.into_iter().enumerate() {
        // It is said, and serves all the same.
        let near = |found: f64| (found - seconds as f64).abs() < 2.0;
        cluster.instances[n]
            .is_ready(|ready| {
                ready["clock"] == "off"
                    && ready["status"] == "degraded"
                    && ready["clock_offset_seconds"].as_f64().is_some_and(near)
            })
            .await;
        assert!(near(offset(&cluster, n).await), "{}", offset(&cluster, n).await);
        let asked = Instant::now();
        let says = |log: &str| log.contains("the clock of this machine is") && log.contains("that of Postgres");
        while !says(&std::fs::read_to_string(&logs[n]).unwrap_or_default()) {
            assert!(asked.elapsed() < DEADLINE, "nothing in the log");
            breathe().await;
        }
        // Tokens are as old as they are.
        for (token, code) in [
            (token_for("ana", Duration::from_secs(60)), None),
            (made_in(30), None),
            (made_in(-61), Some(109)),
            (made_in(-3_600), Some(109)),
            (made_in(3_600), Some(100)),
            (made_in(86_400), Some(100)),
        ] {
            let answer = connects(&cluster, n, &token).await;
            assert_eq!(answer["error"]["code"].as_u64(), code, "{seconds}: {answer}");
            assert_eq!(answer["error"]["temporary"] == true, code == Some(100), "{answer}");
            let ttl = answer["connect"]["ttl"].as_u64();
            assert!(code.is_some() || ttl.is_some_and(|ttl| (50..=90).contains(&ttl)), "{answer}");
        }
        // So are webhooks.
        let body = json!({ "sessionId": "s1", "message": format!("from {n}") }).to_string();
        let (status, text) =
            portal::call(cluster.at(n), "desk", &incoming, &format!("e{n}"), &body).await.expect("an answer");
        assert_eq!(status, 200, "{seconds}: {text}");
        if seconds.abs() > 300 {
            let (at, id) = (unix_now() + seconds, format!("x{n}"));
            let signature = sign(&incoming, &id, at, &body);
            let headers = format!("webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\n");
            let (status, text) = portal::post(cluster.at(n), "/hooks/desk", &headers, &body).await.expect("an answer");
            assert_eq!(status, 401, "{seconds}: {text}");
        }
    }
    for n in 0..6 {
        let said = json!({ "from": "ana", "text": format!("to {n}") });
        assert_eq!(cluster.api("POST", "/v1/rooms/s1/messages", &said).await.status, 201);
    }
    takes(&portal, "s1", &["to 0", "to 1", "to 2", "to 3", "to 4", "to 5"]).await;
    for arrival in portal.taken("s1") {
        assert!((arrival.timestamp - unix_now()).abs() < 60, "signed at {}", arrival.timestamp);
    }
}

#[tokio::test]
async fn the_databases_clock_counts_even_where_it_is_the_one_that_is_wrong() {
    let server = Postgres::shared();
    let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    // Found before the server's own by who looks along this path.
    let ahead = "CREATE SCHEMA ahead; CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql
        AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 hour' $$";
    client.batch_execute(ahead).await.expect("a function");
    let store = format!("{}?options=-c%20search_path%3Dahead%2Cpg_catalog", server.url());
    let program = Program::serve(&configuration(&store, "clock_ahead", "local")).await;
    let ready = http::ask(program.addr, "GET", "/health/ready", &[], "").await.expect("an answer");
    let behind = ready.json()["clock_offset_seconds"].as_f64().expect("an offset");
    assert!(ready.status == 200 && ready.json()["clock"] == "off" && (behind + 3_600.0).abs() < 2.0, "{}", ready.text);
    program.has_said("behind that of Postgres", 1).await;
    for (token, code) in [(made_in(0), Some(109)), (made_in(3_600), None), (made_in(7_300), Some(100))] {
        let mut wire = Wire::open(program.addr, None).await.expect("a socket");
        let answer = wire.asks(json!({ "id": 1, "connect": { "token": token } })).await;
        assert_eq!(answer["error"]["code"].as_u64(), code, "{answer}");
    }
    let flags =
        ["check", "--listen", "127.0.0.1:0", "--store", &store, "--schema", "clock_ahead", "--token-secret", SECRET];
    let (_, said, _) = crate::cluster::program(&flags).await;
    assert!(said.contains("warning  --store") && said.contains("3600 s behind the server's"), "{said}");
}

#[tokio::test]
async fn without_a_database_of_its_own_clock_the_machines_counts() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    cluster.instances[0].is_ready(|ready| ready["clock"].is_null()).await;
    assert!(connects(&cluster, 0, &made_in(30)).await["connect"].is_object());
    assert_eq!(connects(&cluster, 0, &made_in(-61)).await["error"]["code"], 109);
    assert_eq!(offset(&cluster, 0).await, 0.0);
}
