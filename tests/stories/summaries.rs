//! What happens to many rooms at once is a few lines of the log, and they name what an operator looks for.

use crate::{
    cluster::API_KEY,
    http,
    operated::Program,
    person::Person,
    reasons::configuration,
    support::{door::Door, postgres::Postgres, redis::Redis},
    wire::DEADLINE,
};
use hubbub_core::limits;
use serde_json::json;
use std::{net::SocketAddr, time::Instant};

/// Enough that a line for each of them would be seen.
const ROOMS: usize = 400;

async fn counter(program: &Program, name: &str) -> u64 {
    let text = http::ask(program.addr, "GET", "/metrics", &[], "").await.expect("metrics").text;
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    line.and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or_else(|| panic!("no counter {name}"))
}

async fn says(program: &Program, room: &str, text: &str) -> u16 {
    let path = format!("/v1/rooms/{room}/messages");
    program.api(API_KEY, "POST", &path, &json!({ "from": "ana", "text": text })).await.status
}

/// The most rooms that a line about reading the log tells of.
fn of_how_many(log: &str) -> Option<usize> {
    let lines = log.lines().filter(|line| line.contains("reading the log failed"));
    lines.filter_map(|line| line.split(" of=").nth(1)?.split(' ').next()?.parse().ok()).max()
}

#[tokio::test]
async fn hundreds_of_rooms_with_a_gap_that_cannot_be_read_are_one_line_with_their_number() {
    let (redis, postgres) = (Redis::start().await, Postgres::shared());
    let (bus, store) =
        (Door::to(redis.addr()).await, Door::to(SocketAddr::from(([127, 0, 0, 1], postgres.port()))).await);
    let near = Program::serve(&configuration(&postgres.url(), "summaries", &redis.url())).await;
    let through = postgres.url().replace(&format!(":{}", postgres.port()), &format!(":{}", store.addr().port()));
    let far = Program::serve_within(
        &configuration(&through, "summaries", &redis.url().replace(&redis.addr().to_string(), &bus.addr().to_string())),
        &[("HUBBUB_USER_COMMANDS_PER_SECOND", "100000")],
    )
    .await;
    let rooms: Vec<String> = (0..ROOMS).map(|n| format!("room-{n}")).collect();
    for room in &rooms {
        let body = json!({ "id": room, "kind": "private", "members": [{ "user": "ana" }, { "user": "ben" }] });
        let made = near.api(API_KEY, "POST", "/v1/rooms", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let ben = Person::new("ben", far.addr);
    for room in &rooms {
        ben.follows(room).await;
    }
    // Without its store it cannot poll what the bus does not bring.
    store.cut();
    bus.cut();
    let cut_at = Instant::now();
    for room in &rooms {
        assert_eq!(says(&near, room, "while the bus was out").await, 201);
    }
    bus.mend();
    // Each of these is heard behind a gap.
    let before = counter(&far, "hubbub_gap_reads_total").await;
    while counter(&far, "hubbub_gap_reads_total").await < before + 8 * ROOMS as u64 {
        for room in &rooms {
            assert_eq!(says(&near, room, "and now").await, 201);
        }
    }
    far.has_said("reading the log failed; reading again", 1).await;
    // How many of them there are is told, and one is named. The first line may come before all of them have failed.
    let asked = Instant::now();
    while of_how_many(&far.log()) <= Some(ROOMS / 4) {
        assert!(asked.elapsed() < 3 * limits::SUMMARY_EVERY, "{}", far.log());
        for room in &rooms {
            assert_eq!(says(&near, room, "and on").await, 201);
        }
    }
    let log = far.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("reading the log failed")).collect();
    let most = 2 + cut_at.elapsed().as_secs() / limits::SUMMARY_EVERY.as_secs();
    assert!(lines.len() as u64 <= most, "{} lines\n{log}", lines.len());
    assert!(log.lines().count() < ROOMS / 2, "{log}");
    assert!(lines[0].contains("room-"), "{lines:?}");
    store.mend();
    for room in &rooms {
        ben.hears(room, "and now").await;
    }
}

#[tokio::test]
async fn a_room_that_somebody_locks_is_named_with_how_long_and_how_many_and_that_it_is_over() {
    let postgres = Postgres::shared();
    let program = Program::serve(&configuration(&postgres.url(), "summaries_locked", "postgres")).await;
    for room in ["locked", "free"] {
        let body = json!({ "id": room, "kind": "private", "members": [{ "user": "ana" }] });
        let made = program.api(API_KEY, "POST", "/v1/rooms", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let (mut other, connection) =
        tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    let transaction = other.transaction().await.expect("a transaction");
    transaction
        .batch_execute("SELECT FROM summaries_locked.rooms WHERE id = 'locked' FOR UPDATE")
        .await
        .expect("the lock");
    let mut refused = 0;
    let began = Instant::now();
    while !program.log().contains("rooms stay locked") {
        assert!(began.elapsed() < 3 * DEADLINE, "{}", program.log());
        refused += usize::from(says(&program, "locked", "hello?").await != 201);
        assert_eq!(says(&program, "free", "hello").await, 201, "others do not wait");
    }
    assert!(refused > 0);
    let log = program.log();
    let line = log.lines().find(|line| line.contains("rooms stay locked")).expect("a line");
    for word in ["longest=locked", "rooms=1", "refused="] {
        assert!(line.contains(word), "no {word} in {line}");
    }
    assert!(!log.contains("longest=free"));
    transaction.commit().await.expect("a commit");
    assert_eq!(says(&program, "locked", "at last").await, 201);
    program.has_said("rooms are locked no more", 1).await;
}
