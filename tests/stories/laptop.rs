//! One instance on SQLite: nothing to install, the same promises.

use crate::{
    cluster::{API_KEY, Cluster, SECRET, program},
    http,
    person::Person,
    wire::{DEADLINE, Wire},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

async fn ana_and_ben(cluster: &Cluster) -> (Person, Person) {
    cluster.room("general", "private", &["ana", "ben"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 0).await);
    ana.follows("general").await;
    ben.follows("general").await;
    (ana, ben)
}

fn store(directory: &Path) -> String {
    format!("sqlite:{}", directory.join("hubbub.db").display())
}

/// Waits until she is subscribed again, after so many answers to a recovery.
async fn is_back(person: &Person, answers: usize) {
    let back = |me: &Person| me.with("general", |followed| followed.live && followed.recoveries.len() == answers);
    person.waits_for("a subscription after a recovery", DEADLINE, back).await;
}

async fn bump(directory: &Path) {
    let (content, printed, complaints) = program(&["epoch", "bump", "--store", &store(directory)]).await;
    assert!(content, "{complaints}");
    assert!(printed.contains("the epoch is now"), "{printed}");
}

#[tokio::test]
async fn two_people_talk_and_a_killed_server_has_everything_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::laptop(directory.path()).await;
    let (ana, ben) = ana_and_ben(&cluster).await;
    let mut acks = Vec::new();
    for round in 0..5 {
        for n in 0..20 {
            let (one, other) = (format!("ana {round}-{n}"), format!("ben {round}-{n}"));
            let (first, second) = tokio::join!(ana.says("general", &one), ben.says("general", &other));
            acks.extend([(first, one), (second, other)]);
        }
        // The kill hits while both go on talking; they say it again with its key until it is acknowledged.
        let during: Vec<String> = (0..50).map(|n| format!("during {round}-{n}")).collect();
        let talk = futures_util::future::join_all(during.iter().map(|text| ana.says("general", text)));
        let kill = async {
            ben.hears("general", &during[0]).await;
            cluster.kill(0);
            cluster.restart(0).await;
        };
        let (said, ()) = tokio::join!(talk, kill);
        acks.extend(said.into_iter().zip(during));
    }
    let log = cluster.verify("general", &[&ana, &ben]).await;
    assert_eq!(log.len(), 2 + acks.len(), "a message is there twice, or not at all");
    for (ack, text) in &acks {
        let entry = &log[ack.seq as usize - 1];
        assert_eq!((&entry["id"], &entry["text"]), (&json!(ack.id), &json!(text)));
    }
    for person in [&ana, &ben] {
        assert!(person.connections() > 1);
        assert!(person.with("general", |followed| !followed.recoveries.contains(&false)), "{} began anew", person.name);
    }
}

#[tokio::test]
async fn a_second_process_on_the_same_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::laptop(directory.path()).await;
    let (ana, ben) = ana_and_ben(&cluster).await;
    let store = store(directory.path());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--token-secret", SECRET, "--store", &store];
    for arguments in [&serve[..], &["epoch", "bump", "--store", &store]] {
        let (content, _, complaints) = program(arguments).await;
        assert!(!content, "a second process was let in");
        let file = directory.path().join("hubbub.db").display().to_string();
        assert!(complaints.contains(&file) && complaints.contains("another process"), "{complaints}");
    }
    ana.says("general", "never mind").await;
    ben.hears("general", "never mind").await;
    // The lock goes with its holder, however that ends.
    cluster.kill(0);
    bump(directory.path()).await;
}

#[tokio::test]
async fn after_an_epoch_bump_people_begin_anew_without_mixing() {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::laptop(directory.path()).await;
    let (ana, ben) = ana_and_ben(&cluster).await;
    ana.says("general", "before").await;
    ben.hears("general", "before").await;
    let old = ben.with("general", |followed| followed.epoch.clone());
    cluster.stop(0).await;
    bump(directory.path()).await;
    cluster.restart(0).await;
    // Who begins anew begins at the head: what is said next, she hears.
    is_back(&ana, 1).await;
    is_back(&ben, 1).await;
    ana.says("general", "after").await;
    ben.hears("general", "after").await;
    for person in [&ana, &ben] {
        person.with("general", |followed| {
            assert_eq!(followed.recoveries, [false], "{}", person.name);
            assert_ne!(followed.epoch, old);
        });
    }
    let mut wire = Wire::of(cluster.at(0), "ana").await;
    let since = json!({ "offset": 1, "epoch": old });
    let answer =
        wire.asks(json!({ "id": 2, "history": { "channel": "room:general", "since": since, "limit": 5 } })).await;
    assert_eq!(answer["error"]["code"], 112, "{answer}");
    // Nothing was lost this time, so what they have is still the log.
    cluster.verify("general", &[&ana, &ben]).await;
}

/// The files of the store, as a careful person copies them: all of them, while nothing runs.
fn copy(from: &Path, to: &Path) {
    for name in ["hubbub.db", "hubbub.db-wal", "hubbub.db-shm"] {
        let (from, to) = (from.join(name), to.join(name));
        match from.exists() {
            true => drop(fs::copy(from, to).expect("a copy")),
            false if to.exists() => fs::remove_file(to).expect("no file"),
            false => {}
        }
    }
}

#[tokio::test]
async fn after_an_older_copy_was_put_back_and_the_epoch_bumped_nobody_is_silently_wrong() {
    let (directory, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut cluster = Cluster::laptop(directory.path()).await;
    let (ana, ben) = ana_and_ben(&cluster).await;
    for n in 0..10 {
        ana.says("general", &format!("kept {n}")).await;
    }
    cluster.stop(0).await;
    copy(directory.path(), backup.path());
    cluster.restart(0).await;
    for n in 0..10 {
        ana.says("general", &format!("lost {n}")).await;
    }
    ben.hears("general", "lost 9").await;
    let kept = cluster.verify("general", &[&ana, &ben]).await[..12].to_vec();
    let had = ben.with("general", |followed| followed.entries.len());
    assert_eq!(ben.with("general", |followed| followed.recoveries.clone()), [true], "the restart alone is no new life");
    // Ben is away while it happens, and comes back when the numbers he has seen have been given again.
    ben.stops_reading();
    cluster.stop(0).await;
    copy(backup.path(), directory.path());
    bump(directory.path()).await;
    cluster.restart(0).await;
    let other = Person::new("ana", cluster.at(0));
    other.follows("general").await;
    for n in 0..20 {
        other.says_with_key("general", &format!("new {n}"), &format!("new {n}")).await;
    }
    ben.reads_again();
    is_back(&ana, 2).await;
    is_back(&ben, 2).await;
    other.says_with_key("general", "and on", "and on").await;
    let log = cluster.verify("general", &[&other]).await;
    assert_eq!(log[..12], kept, "what was in the copy is there as it was");
    for person in [&ana, &ben] {
        person.hears("general", "and on").await;
        person.with("general", |followed| {
            assert_eq!(followed.recoveries, [true, false], "{} was not told", person.name);
            assert!(followed.faults.is_empty(), "{}: {:?}", person.name, followed.faults);
            // All she has received since she was told is the log, without anything of the other life.
            let since = &followed.entries[had..];
            let from = since[0]["seq"].as_u64().unwrap() as usize;
            assert_eq!(since, &log[from - 1..], "{}", person.name);
        });
    }
}

#[tokio::test]
async fn a_printed_token_connects() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--token-issuer", "us", "--token-audience", "chat"]).await;
    let required = ["--token-secret", SECRET, "--token-issuer", "us", "--token-audience", "chat"];
    let arguments = [&["token", "--user", "\u{c4}nne M\u{fc}ller", "--ttl", "15m"], &required[..]].concat();
    let (content, printed, complaints) = program(&arguments).await;
    assert!(content, "{complaints}");
    let mut wire = Wire::open(cluster.at(0), None).await.unwrap();
    let answer = wire.asks(json!({ "id": 1, "connect": { "token": printed.trim() } })).await;
    let connected = &answer["connect"];
    assert!((890..=900).contains(&connected["ttl"].as_u64().unwrap()), "{answer}");
    assert!(connected["subs"]["user:\u{c4}nne M\u{fc}ller"].is_object(), "{answer}");
    for (arguments, names) in [
        (&["token", "--user", "portal:desk", "--token-secret", SECRET][..], "reserved"),
        (&["token", "--user", "ana", "--ttl", "soon", "--token-secret", SECRET], "15m"),
        (&["token", "--user", "ana"], "HUBBUB_TOKEN_SECRET"),
    ] {
        let (content, _, complaints) = program(arguments).await;
        assert!(!content && complaints.contains(names), "{complaints}");
    }
}

#[tokio::test]
async fn to_try_it_out_one_flag_is_enough() {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::laptop_with(directory.path(), &["--dev"]).await;
    let get = async |at, path: &str| http::ask(at, "GET", path, &[], "").await.unwrap();
    let page = get(cluster.at(0), "/").await;
    // A build without the page says how to get it.
    assert!(page.status == 200 && page.text.contains("<html") || page.text.contains("make web"), "{}", page.text);
    for name in ["ana", "ben"] {
        let handed = get(cluster.at(0), &format!("/dev/token?user={name}")).await.json();
        assert_eq!(handed["user"], name);
        let mut wire = Wire::open(cluster.at(0), None).await.unwrap();
        let answer = wire.asks(json!({ "id": 1, "connect": { "token": handed["token"] } })).await;
        assert!(answer["connect"].is_object(), "{answer}");
        let rooms = wire.asks(json!({ "id": 2, "rpc": { "method": "rooms" } })).await["rpc"]["data"].clone();
        assert_eq!(rooms["rooms"][0]["id"], "general", "{rooms}");
    }
    assert_eq!(get(cluster.at(0), "/dev/token?user=portal:desk").await.status, 422);
    // A page whose name leads here all of a sudden gets no token, nor anything else.
    for host in ["rebind.evil", "rebind.evil:8000", "127.0.0.1.evil", "localhost.evil"] {
        for (method, path) in [
            ("GET", "/dev/token?user=ana"),
            ("HEAD", "/dev/token?user=ana"),
            ("POST", "/dev/token?user=ana"),
            ("GET", "/"),
            ("GET", "/metrics"),
            ("GET", "/v1/rooms/general"),
            ("OPTIONS", "/emulation"),
            ("GET", "/connection/websocket"),
        ] {
            let origin = format!("http://{host}");
            let answer = http::ask_as(cluster.at(0), host, method, path, &[("origin", &origin)], "").await.unwrap();
            assert_eq!(answer.status, 403, "{host} {method} {path}: {}", answer.text);
        }
        assert_eq!(http::ask_as(cluster.at(0), host, "GET", "/health/live", &[], "").await.unwrap().status, 200);
    }
    for path in ["/", "/dev/token?user=ana"] {
        let answer = http::ask_as(cluster.at(0), "LocalHost:1", "GET", path, &[], "").await.unwrap();
        for shield in ["frame-ancestors 'none'", "script-src 'self'", "x-frame-options: DENY", "nosniff", "no-referrer"]
        {
            assert!(answer.headers.contains(shield), "{path} lacks {shield}: {}", answer.headers);
        }
    }
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let (content, _, complaints) = program(&["serve", "--dev", "--listen", listen]).await;
        assert!(!content && complaints.contains("--dev-host"), "{complaints}");
    }
    // Once more on the same file: nobody joins twice.
    cluster.stop(0).await;
    cluster.restart(0).await;
    assert_eq!(cluster.log("general").await.len(), 2);
    // Without the flag there is none of it.
    let other = tempfile::tempdir().unwrap();
    let sober = Cluster::laptop(other.path()).await;
    for path in ["/", "/dev/token?user=ana"] {
        assert_eq!(get(sober.at(0), path).await.status, 404, "{path}");
    }
    assert_eq!(sober.api("GET", "/v1/rooms/general", &Value::Null).await.status, 404);
}

#[tokio::test]
async fn the_command_line_says_what_it_takes_and_what_is_wrong() {
    let (content, help, _) = program(&["serve", "--help"]).await;
    assert!(content);
    for flag in [
        "listen",
        "store",
        "schema",
        "bus",
        "config",
        "token-secret",
        "token-public-key",
        "token-jwks",
        "token-jwks-ca",
        "token-issuer",
        "token-audience",
        "token-audience-claim",
        "token-require",
        "token-user-claim",
        "token-info-claim",
        "token-max-life",
        "hooks-per-second",
        "api-key",
        "instance",
        "log",
        "log-format",
        "sends-per-second",
        "max-connections",
        "text-bytes",
        "data-bytes",
        "user-connections",
        "user-commands-per-second",
        "user-entries-per-second",
        "user-rooms-per-hour",
        "user-people-per-hour",
        "user-sessions-per-hour",
        "client-rooms",
        "dev",
        "dev-host",
        "trusted-proxies",
        "strangers-per-address",
    ] {
        assert!(help.contains(&format!("--{flag}")), "--{flag} is not in the help");
        let variable = format!("HUBBUB_{}", flag.to_uppercase().replace('-', "_"));
        assert!(help.contains(&variable), "{variable} is not in the help");
    }
    assert!(!help.contains(SECRET) && !help.contains(API_KEY));
    let (_, overview, _) = program(&["--help"]).await;
    for command in ["serve", "check", "token", "epoch", "openapi"] {
        assert!(overview.contains(command), "{command} is not in the help");
    }
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    for (arguments, names) in [
        (&["--store", &store, "--bus", "redis://127.0.0.1:1"][..], &["--bus", "local", "postgres://"][..]),
        (&["--store", "mysql://x"], &["--store", "sqlite:", "postgres://"]),
        (&["--store", &store, "--bus", "carrier-pigeon"], &["--bus", "redis://"]),
        (&["--store", &store, "--config", "/nowhere.toml"], &["--config", "/nowhere.toml"]),
        (&["--store", "sqlite:/nowhere/hubbub.db"], &["--store", "/nowhere/hubbub.db"]),
    ] {
        let arguments = [&["serve", "--listen", "127.0.0.1:0", "--token-secret", SECRET], arguments].concat();
        let (content, _, complaints) = program(&arguments).await;
        assert!(!content && names.iter().all(|name| complaints.contains(name)), "{arguments:?}: {complaints}");
    }
    let (content, _, complaints) = program(&["serve", "--listen", "127.0.0.1:0", "--store", &store]).await;
    assert!(!content && complaints.contains("--token-secret"), "{complaints}");
}

#[tokio::test]
async fn what_is_nearly_right_is_answered_with_what_to_write() {
    let directory = tempfile::tempdir().unwrap();
    let folder = format!("sqlite:{}", directory.path().display());
    let missing = directory.path().join("not/there");
    let below = format!("sqlite:{}/x.db", missing.display());
    let make = format!("mkdir -p {}", missing.display());
    let file = format!("{}/hubbub.db", directory.path().display());
    for (arguments, told) in [
        (["--store", "x.db"], "write sqlite:x.db"),
        (["--store", &below], &make),
        (["--store", &folder], &file),
        (["--listen", "localhost:9100"], "127.0.0.1:8000"),
        (["--bus", "redis.example:6379"], "write redis://redis.example:6379"),
        (["--public-url", "chat.example.com"], "like https://chat.example.com"),
        (["--trusted-proxies", "balancer"], "--trusted-proxies: `balancer` is no address"),
        (["--lisen", "9100"], "--listen"),
    ] {
        let mut all = vec!["serve", "--token-secret", SECRET];
        all.extend(if arguments[0] == "--listen" { &[][..] } else { &["--listen", "127.0.0.1:0"] });
        all.extend(arguments);
        let (content, _, complaints) = program(&all).await;
        assert!(!content && complaints.contains(told), "{arguments:?}: {complaints}");
    }
    let (content, version, _) = program(&["--version"]).await;
    assert!(content && version.trim() == format!("hubbub {}", hubbub::metrics::version()), "{version}");
}

#[tokio::test]
async fn there_are_manual_pages_and_completions() {
    for (arguments, has) in [
        (&["man"][..], &["hubbub\\-dead\\-letters", ".SH EXTRA"][..]),
        (&["man", "serve"], &["drain\\-window", "HUBBUB_TOKEN_SECRET_FILE"]),
        (&["man", "portals", "explain"], &["\\-\\-refused"]),
        (&["completions", "bash"], &["dead-letters", "--drain-window"]),
        (&["completions", "zsh"], &["dead-letters", "--drain-window"]),
        (&["completions", "fish"], &["dead-letters", "drain-window"]),
    ] {
        let (content, page, complaints) = program(arguments).await;
        assert!(content, "{arguments:?}: {complaints}");
        for words in has {
            assert!(page.contains(words), "{arguments:?} has no {words}: {page}");
        }
    }
    let (content, _, complaints) = program(&["man", "portals", "explian"]).await;
    assert!(!content && complaints.contains("\"explian\""), "{complaints}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hubbub");
    fs::write(&file, program(&["completions", "bash"]).await.1).unwrap();
    let read = std::process::Command::new("bash").arg("-n").arg(&file).output().expect("bash");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}
