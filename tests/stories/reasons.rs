//! Why something does not work: the log and readiness say the present reason, not the first one.

use crate::{
    cluster::{API_KEY, SECRET, breathe},
    http,
    operated::Program,
    support::{postgres::Postgres, redis::Redis},
    wire::{DEADLINE, Wire},
};
use serde_json::{Value, json};
use std::time::Instant;

/// Waits until readiness says so.
async fn is(program: &Program, what: &str, says: impl Fn(&Value) -> bool) {
    let asked = Instant::now();
    loop {
        let answer = http::ask(program.addr, "GET", "/health/ready", &[], "").await.expect("an answer");
        if says(&answer.json()) {
            assert_eq!(answer.status, 200, "{}", answer.text);
            return;
        }
        assert!(asked.elapsed() < 3 * DEADLINE, "not {what}: {}\n{}", answer.text, program.log());
        breathe().await;
    }
}

fn because(ready: &Value, of: &str, words: &str) -> bool {
    ready[of] == "down" && ready[format!("{of}_reason")].as_str().is_some_and(|reason| reason.contains(words))
}

/// A configuration for [`Program`].
pub fn configuration(store: &str, schema: &str, bus: &str) -> String {
    format!(
        "token-secret = \"{SECRET}\"\napi-key = \"{API_KEY}\"\nstore = \"{store}\"\nschema = \"{schema}\"\nbus = \"{bus}\"\n"
    )
}

#[tokio::test]
async fn whatever_redis_refuses_now_is_said() {
    let redis = Redis::start().await;
    let app = async |rules: &[&str]| {
        let command = [&["ACL", "SETUSER", "app"], rules].concat();
        assert_eq!(redis.ask(&command).await, "+OK\r\n");
        redis.ask(&["CLIENT", "KILL", "USER", "app"]).await;
    };
    app(&["on", ">first", "&*", "+@all"]).await;
    let bus = format!("redis://app:first@{}", redis.addr());
    let program = Program::serve(&configuration(&Postgres::shared().url(), "reasons_redis", &bus)).await;
    is(&program, "well", |ready| ready["bus"] == "up" && ready["bus_reason"].is_null()).await;
    for (rules, words) in [
        (&["resetpass", ">second"][..], "refuses the user or the password"),
        (&["resetpass", ">first", "-publish"], "lacks a right"),
        (&["off"], "refuses the user or the password"),
        (&["on", "+publish", "-subscribe"], "lacks a right"),
    ] {
        let before = program.log().matches(words).count();
        app(rules).await;
        is(&program, words, |ready| because(ready, "bus", words)).await;
        program.has_said(words, before + 1).await;
    }
    app(&["+subscribe"]).await;
    is(&program, "well again", |ready| ready["bus"] == "up" && ready["bus_reason"].is_null()).await;
    program.has_said("the bus is back", 1).await;
    let lines = program.log().matches("the bus is out").count();
    assert!(lines <= 24, "{lines} lines for four reasons of two connections\n{}", program.log());
}

#[tokio::test]
async fn whatever_postgres_refuses_now_is_said_of_the_store_and_of_the_bus() {
    let server = Postgres::shared();
    let admin = {
        let (client, connection) =
            tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.expect("Postgres");
        tokio::spawn(connection);
        client
    };
    let does = async |sql: &str| admin.batch_execute(sql).await.expect(sql);
    // Whoever is asked to go has to come again.
    let role = async |rules: &str| {
        does(&format!("ALTER ROLE reasons {rules}")).await;
        does("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reasons'").await;
    };
    does("CREATE ROLE reasons LOGIN; CREATE SCHEMA reasons AUTHORIZATION reasons").await;
    let store = server.url().replace("hubbub@", "reasons@");
    let program = Program::serve(&configuration(&store, "reasons", "postgres")).await;
    is(&program, "well", |ready| ready["store"] == "up" && ready["bus"] == "up").await;
    for (rules, words) in [("NOLOGIN", "not permitted to log in"), ("LOGIN CONNECTION LIMIT 0", "too many connections")]
    {
        let before = program.log().matches(words).count();
        role(rules).await;
        is(&program, words, |ready| because(ready, "store", words) && because(ready, "bus", words)).await;
        // Of the store and of the bus.
        program.has_said(words, before + 2).await;
    }
    role("CONNECTION LIMIT -1").await;
    is(&program, "well again", |ready| {
        ready["status"] == "ok" && ready["store_reason"].is_null() && ready["bus_reason"].is_null()
    })
    .await;
    program.has_said("the store answers again", 1).await;
}

#[tokio::test]
async fn every_refused_token_and_key_is_said_by_its_reason_and_a_storm_in_few_lines() {
    let program = Program::serve(&format!("token-secret = \"{SECRET}\"\napi-key = \"{API_KEY}\"\n")).await;
    let connect = async |token: String| {
        let mut wire = Wire::open(program.addr, None).await.expect("a socket");
        wire.say(json!({ "id": 1, "connect": { "token": token } }).to_string()).await;
        wire.closed().await.0
    };
    let began = Instant::now();
    for n in 0..300 {
        assert_eq!(connect(format!("planted{n}\u{1b}[31m\nERROR")).await, 3500);
        assert_eq!(
            program.api("another key of nobody, long enough", "GET", "/v1/rooms/x", &Value::Null).await.status,
            401
        );
    }
    assert_eq!(connect(String::new()).await, 3500);
    let text = http::ask(program.addr, "GET", "/metrics", &[], "").await.expect("metrics").text;
    for (reason, count) in [("malformed", 300), ("api_key_unknown", 300), ("missing", 1)] {
        assert!(text.contains(&format!("hubbub_tokens_refused_total{{reason=\"{reason}\"}} {count}\n")), "{text}");
    }
    for words in ["a token was refused: it is no JWT", "an API key was refused", "a token was refused: there is none"] {
        program.has_said(words, 1).await;
    }
    let log = program.log();
    let lines = log.matches("was refused").count();
    let most = 3 + 2 * (1 + began.elapsed().as_secs() as usize);
    assert!((3..=most).contains(&lines), "{lines} lines, at most {most}\n{log}");
    assert!(!log.contains("planted") && !log.contains('\u{1b}'), "{log}");
}
