//! A store that is far away, hangs, or is taken away: every answer is there within the time that is promised, whatever it waits for,
//! and starting needs few round trips.

use crate::{
    cluster::{API_KEY, Cluster},
    http,
    operated::Program,
    person::Person,
    reasons::configuration,
    support::{door::Door, postgres::Postgres},
    wire::Wire,
};
use futures_util::future::join_all;
use hubbub_core::limits::REQUEST_PATIENCE;
use serde_json::{Value, json};
use std::{
    fs,
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

/// What is promised, and what a busy machine may add.
const WITHIN: Duration = Duration::from_millis(4_900);

/// Over a connection: the code of its error, or 0, and how long it took.
async fn asked(person: &Person, command: Value) -> (u64, Duration) {
    let began = Instant::now();
    let answer = person.asks(command).await.expect("an answer");
    (answer["error"]["code"].as_u64().unwrap_or(0), began.elapsed())
}

/// Over REST: the status.
async fn rest(cluster: &Cluster, method: &str, path: &str, body: Value) -> (u64, Duration) {
    let began = Instant::now();
    let answer = cluster.api(method, path, &body).await;
    (u64::from(answer.status), began.elapsed())
}

fn send(n: usize) -> Value {
    json!({ "rpc": { "method": "send", "data": { "room": "general", "text": "hello?", "key": format!("k{n}") } } })
}

#[tokio::test]
async fn with_a_store_that_hangs_everything_is_answered_in_the_time_that_is_promised() {
    let cluster = Cluster::of(1).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 0).await);
    // A connection is not read while it is answered with a page.
    let mut readers = Vec::new();
    for name in ["cho", "dan", "eve", "fay"] {
        readers.push(cluster.person(name, 0).await);
    }
    ana.follows("general").await;
    let door = cluster.instances[0].postgres.as_ref().unwrap();
    for slow in [false, true] {
        if slow {
            door.mend();
            cluster.ready().await;
            // Nothing is lost, and nothing comes in time.
            door.delay(Duration::from_secs(3));
        } else {
            door.hold();
        }
        let rpc = |method: &str, data: Value| json!({ "rpc": { "method": method, "data": data } });
        let sends = join_all((0..40).map(|n| asked(&ana, send(n))));
        let behind = async {
            // They come while a batch before them is tried, and do not wait its time and their own.
            let mut told = Vec::new();
            for n in 100..103 {
                told.push(asked(&ben, send(n)).await);
            }
            told
        };
        let calls = join_all([
            asked(
                &ben,
                json!({ "subscribe": { "channel": "room:general", "recover": true, "epoch": "1.1", "offset": 1 } }),
            ),
            asked(&readers[0], json!({ "history": { "channel": "room:general", "limit": 10 } })),
            asked(&readers[1], rpc("messages", json!({ "room": "general" }))),
            asked(&readers[2], rpc("members", json!({ "room": "general" }))),
            asked(&readers[3], rpc("rooms", json!({}))),
            asked(&ben, rpc("leave", json!({ "room": "general" }))),
            asked(&ben, rpc("create_room", json!({ "kind": "direct", "with": "ana" }))),
        ]);
        let rest = join_all([
            rest(&cluster, "POST", "/v1/rooms/general/messages", json!({ "from": "ana", "text": "hi" })),
            rest(&cluster, "GET", "/v1/rooms/general/messages", Value::Null),
            rest(&cluster, "PUT", "/v1/rooms/general/members/cho", json!({ "role": "member" })),
            rest(&cluster, "PUT", "/v1/users/cho", json!({ "info": { "name": "Cho" } })),
            rest(&cluster, "POST", "/v1/rooms", json!({ "id": format!("new-{slow}"), "kind": "open" })),
            rest(&cluster, "GET", "/v1/rooms/general", Value::Null),
        ]);
        let (sends, behind, calls, rest) = tokio::join!(sends, behind, calls, rest);
        let all = sends.into_iter().chain(behind).chain(calls).chain(rest);
        let mut times = Vec::new();
        for (n, (code, took)) in all.enumerate() {
            assert!(took < WITHIN, "request {n} was answered {code} after {took:?}");
            // What was asked for behind others of the same connection may be refused with them.
            assert!(matches!(code, 503 | 429), "request {n} was answered {code} after {took:?}");
            times.push(took);
        }
        println!("answers: the last after {:.2?}; promised {REQUEST_PATIENCE:?}", times.iter().max().expect("some"));
    }
    door.delay(Duration::ZERO);
    door.mend();
    cluster.ready().await;
    ana.says_with_key("general", "hello?", "k0").await;
    assert_eq!(ana.connections(), 1, "the socket did not stay");
}

/// The upper bound of the bucket of a histogram in which its median is.
fn median(metrics: &str, histogram: &str) -> f64 {
    let buckets: Vec<(f64, f64)> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("{histogram}_bucket{{le=\"")))
        .filter_map(|line| line.split_once("\"} "))
        .map(|(bound, count)| (bound.parse().unwrap_or(f64::INFINITY), count.parse().expect("a count")))
        .collect();
    let all = buckets.last().expect("buckets").1;
    buckets.into_iter().find(|(_, count)| *count >= all / 2.0).expect("a bucket").0
}

#[tokio::test]
async fn a_slow_store_shows_in_metrics_alert_log_and_night_book() {
    let server = Postgres::shared();
    let door = Door::to(SocketAddr::from(([127, 0, 0, 1], server.port()))).await;
    let store = server.url().replace(&format!(":{}", server.port()), &format!(":{}", door.addr().port()));
    let program = Program::serve(&configuration(&store, "slow_store", "local")).await;
    let members = json!([{ "user": "ana" }]);
    let room = json!({ "id": "general", "kind": "private", "members": members });
    assert_eq!(program.api(API_KEY, "POST", "/v1/rooms", &room).await.status, 201);
    let mut ana = Wire::of(program.addr, "ana").await;
    let subscribe = json!({ "id": 2, "subscribe": { "channel": "room:general" } });
    assert!(ana.asks(subscribe).await["subscribe"].is_object());
    let says = async |text: String| {
        let message = json!({ "from": "ana", "text": text });
        let answer = program.api(API_KEY, "POST", "/v1/rooms/general/messages", &message).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    };
    let before = scraped(&program).await;
    // A send waits for two answers.
    door.delay(Duration::from_millis(55));
    for n in 0..30 {
        says(format!("slow {n}")).await;
    }
    let metrics = scraped(&program).await;
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let rules = fs::read_to_string(format!("{project}/deploy/prometheus/hubbub.rules.yml")).unwrap();
    let alert = rules.split("- alert: HubbubStoreSlow").nth(1).expect("the alert").split("- alert:").next().unwrap();
    let bound = alert.lines().find(|line| line.contains("expr:")).and_then(|line| line.rsplit_once("> ")).unwrap().1;
    let bound: f64 = bound.trim().parse().expect("seconds");
    for histogram in ["hubbub_commit_seconds", "hubbub_send_seconds", "hubbub_delivery_seconds"] {
        let median = median(&metrics, histogram);
        assert!(median > bound, "{histogram}: {median}");
    }
    program.has_said("the store is slow", 1).await;
    let heading = alert.split_once("night.md#").expect("a runbook").1.lines().next().unwrap().replace('-', " ");
    let night = fs::read_to_string(format!("{project}/docs/operating/night.md")).unwrap();
    let chapter = night.split("\n## ").find(|chapter| chapter.to_lowercase().starts_with(&format!("{heading}\n")));
    let chapter = chapter.unwrap_or_else(|| panic!("no heading {heading}"));
    for words in ["`hubbub_commit_seconds`", "`the store is slow`", "`the store is quick again`"] {
        assert!(chapter.contains(words), "{words}: {chapter}");
    }
    assert!(alerted(&before, &metrics, true), "the alert does not come");

    door.delay(Duration::ZERO);
    for n in 0..30 {
        says(format!("quick {n}")).await;
    }
    program.has_said("the store is quick again", 1).await;
    assert!(alerted(&metrics, &scraped(&program).await, false), "the alert stays");
}

async fn scraped(program: &Program) -> String {
    http::ask(program.addr, "GET", "/metrics", &[], "").await.expect("metrics").text
}

/// Whether Prometheus' own evaluation of the alert agrees, given what was scraped before and after a minute that goes on like
/// this for half an hour. Not asked where there is no `promtool`, which only the long tests install.
fn alerted(before: &str, after: &str, fires: bool) -> bool {
    let is_long = std::env::var_os("HUBBUB_LONG").is_some();
    if !is_long && Command::new("promtool").arg("--version").output().is_err() {
        return true;
    }
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/prometheus/hubbub.rules.yml");
    let buckets = |text: &str| -> Vec<(String, u64)> {
        let line = |line: &str| {
            let (bound, count) = line.strip_prefix("hubbub_commit_seconds_bucket{le=\"")?.split_once("\"} ")?;
            Some((bound.to_owned(), count.parse().expect("a count")))
        };
        text.lines().filter_map(line).collect()
    };
    let series: Vec<Value> = buckets(before)
        .into_iter()
        .zip(buckets(after))
        .map(|((bound, first), (_, then))| {
            json!({
                "series": format!("hubbub_commit_seconds_bucket{{job=\"hubbub\",instance=\"a\",le=\"{bound}\"}}"),
                "values": format!("{first}+{}x30", then - first),
            })
        })
        .collect();
    assert!(series.len() > 10, "{before}");
    let alert = json!({
        "exp_labels": { "severity": "ticket", "job": "hubbub", "instance": "a" },
        "exp_annotations": {
            "summary": "a: half of all batches take the database longer than 100 ms",
            "runbook": "docs/operating/night.md#the-store-is-slow",
        },
    });
    let wanted = if fires { vec![alert] } else { Vec::new() };
    let test = json!({
        "rule_files": [rules],
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": series,
            "alert_rule_test": [{ "eval_time": "25m", "alertname": "HubbubStoreSlow", "exp_alerts": wanted }],
        }],
    });
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("slow.yml");
    fs::write(&file, test.to_string()).expect("a file");
    let asked = Command::new("promtool").args(["test", "rules"]).arg(file).output().expect("promtool");
    println!("{}{}", String::from_utf8_lossy(&asked.stdout), String::from_utf8_lossy(&asked.stderr));
    asked.status.success()
}

#[tokio::test]
async fn an_instance_far_from_its_store_starts_and_serves() {
    let mut cluster = Cluster::of(1).await;
    cluster.room("general", "private", &["ana"]).await;
    cluster.stop(0).await;
    cluster.instances[0].postgres.as_ref().unwrap().delay(Duration::from_millis(400));
    let began = Instant::now();
    cluster.restart(0).await;
    println!("ready after {:.2?}, with a store 800 ms away", began.elapsed());
    let ana = cluster.person("ana", 0).await;
    ana.follows("general").await;
    let began = Instant::now();
    ana.says("general", "from far away").await;
    println!("a message after {:.2?}", began.elapsed());
    ana.hears("general", "from far away").await;
}

#[tokio::test]
async fn a_sqlite_file_that_is_taken_away_is_a_store_that_is_down() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop(directory.path()).await;
    cluster.room("general", "private", &["ana"]).await;
    let ana = cluster.person("ana", 0).await;
    ana.follows("general").await;
    ana.says("general", "one").await;
    let (file, aside) = (directory.path().join("hubbub.db"), directory.path().join("aside.db"));
    for replaced in [false, true] {
        fs::rename(&file, &aside).expect("a file");
        if replaced {
            fs::copy(&aside, &file).expect("a copy");
        }
        cluster.instances[0].is_ready(|ready| ready["store"] == "down" && ready["status"] != "ok").await;
        let key = format!("lost-{replaced}");
        let send =
            json!({ "rpc": { "method": "send", "data": { "room": "general", "text": "into nothing", "key": key } } });
        assert_eq!(asked(&ana, send).await.0, 503, "it was acknowledged");
        fs::rename(&aside, &file).expect("it comes back");
        cluster.ready().await;
        ana.says_with_key("general", "into nothing", &key).await;
    }
    let link = directory.path().join("link.db");
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    let hard = directory.path().join("hard.db");
    fs::hard_link(&file, &hard).expect("a hard link");
    refused(&link, "another process has").await;
    refused(&hard, "2 names (hard links)").await;
    fs::remove_file(&hard).expect("it goes");
    cluster.verify("general", &[&ana]).await;
}

/// A second `serve` on this file ends with these words.
async fn refused(file: &std::path::Path, why: &str) {
    let store = format!("sqlite:{}", file.display());
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--store", &store, "--token-secret", crate::cluster::SECRET];
    let (content, _, complaint) = crate::cluster::program(&arguments).await;
    assert!(!content && complaint.contains(why), "{}: {complaint}", file.display());
}
