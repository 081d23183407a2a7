//! What the log says is true where it stands: for an operator with one instance, and for one with several.

use crate::{
    cluster::API_KEY,
    operated::Program,
    reasons::configuration,
    support::{postgres::Postgres, redis::Redis},
    wire::Wire,
};
use serde_json::json;

/// Whatever speaks of instances, which an operator of one on SQLite does not have.
const OF_OTHERS: [&str; 4] = ["instances", "other instance", "on the bus", "the bus is"];
const MADE: &str = "made the tables";
const ADDED: &str = "added to the tables";
const DISCONNECTED: &str = "those that are here are disconnected; they come back once it runs again";
const SENT_ON: &str = "those that are here are sent to the other instances";
const KILLED: &str = "One that was killed counts until its lease ends, within 10s";
const NONE_MISSING: &str = "no instance is missing on the bus any more";

/// Somebody is connected, follows a room, and talks.
async fn is_used(program: &Program) -> Wire {
    let room = json!({ "id": "general", "kind": "open", "members": [{ "user": "ana" }] });
    let made = program.api(API_KEY, "POST", "/v1/rooms", &room).await.status;
    assert!(matches!(made, 200 | 201), "{made}");
    let mut ana = Wire::of(program.addr, "ana").await;
    let subscribe = json!({ "id": 2, "subscribe": { "channel": "room:general", "recover": true } });
    assert!(ana.asks(subscribe).await["subscribe"].is_object());
    let said = json!({ "from": "ana", "text": "hello" });
    assert_eq!(program.api(API_KEY, "POST", "/v1/rooms/general/messages", &said).await.status, 201);
    ana
}

#[tokio::test]
async fn one_instance_on_a_file_is_told_nothing_of_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = format!("sqlite:{}", directory.path().join("hubbub.db").display());
    let started = async || Program::serve(&configuration(&store, "hubbub", "local")).await;
    let mut lives = Vec::new();
    for signal in ["-TERM", "-KILL", "-INT"] {
        let mut program = started().await;
        let ana = is_used(&program).await;
        program.signal(signal);
        drop(ana);
        lives.push(program.ends().await);
    }
    for log in &lives {
        assert!(log.contains("serving"), "{log}");
        for line in log.lines() {
            assert!(OF_OTHERS.iter().all(|words| !line.contains(words)), "{line}");
            assert!(!line.contains(" WARN ") && !line.contains(" ERROR "), "{line}");
            assert!(!line.contains(ADDED), "{line}");
        }
    }
    let [first, killed, last] = &lives[..] else { panic!("three lives") };
    assert_eq!(first.matches(MADE).count(), 1, "{first}");
    assert!(!killed.contains(MADE) && !last.contains(MADE), "{killed}{last}");
    for log in [first, last] {
        assert!(log.contains(DISCONNECTED), "{log}");
        assert!(log.trim_end().ends_with("stopped"), "{log}");
    }
    assert!(!killed.contains("stopping") && !killed.contains("stopped"), "{killed}");
}

#[tokio::test]
async fn one_instance_on_postgres_is_told_that_the_one_that_is_missing_may_be_its_own_past() {
    let redis = Redis::start().await;
    let server = Postgres::shared().url();
    for (bus, is_missed) in [("local".to_owned(), false), (redis.url(), true)] {
        let schema = format!("worded_{is_missed}");
        let mut program = Program::serve(&configuration(&server, &schema, &bus)).await;
        drop(is_used(&program).await);
        program.signal("-KILL");
        let log = program.ends().await;
        assert_eq!((log.matches(MADE).count(), log.matches(ADDED).count()), (1, 0), "{log}");
        let mut program = Program::serve(&configuration(&server, &schema, &bus)).await;
        drop(is_used(&program).await);
        if is_missed {
            program.has_said(KILLED, 1).await;
            program.has_said(NONE_MISSING, 1).await;
            program.signal("-TERM");
            let log = program.ends().await;
            assert!(log.contains(DISCONNECTED) && !log.contains(SENT_ON), "{log}");
        } else {
            program.signal("-TERM");
            let log = program.ends().await;
            assert!(!log.contains("not heard") && log.contains("if there are other instances"), "{log}");
        }
    }
}

#[tokio::test]
async fn of_three_instances_one_that_goes_says_where_its_clients_are_sent() {
    let redis = Redis::start().await;
    let configuration = configuration(&Postgres::shared().url(), "worded_three", &redis.url());
    let mut killed = Program::serve(&configuration).await;
    let mut goes = Program::serve(&configuration).await;
    let stays = Program::serve(&configuration).await;
    let ana = is_used(&goes).await;
    killed.signal("-KILL");
    killed.ends().await;
    for program in [&goes, &stays] {
        program.has_said(KILLED, 1).await;
        program.has_said(NONE_MISSING, 1).await;
    }
    goes.signal("-TERM");
    // Twice: the window is left out.
    goes.has_said(SENT_ON, 1).await;
    goes.signal("-TERM");
    drop(ana);
    let log = goes.ends().await;
    assert!(log.contains("others=1") && !log.contains(DISCONNECTED), "{log}");
    assert!(log.trim_end().ends_with("stopped"), "{log}");
}
