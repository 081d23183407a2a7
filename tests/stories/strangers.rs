//! What strangers ask of a room costs nobody anything, and tells them nothing.

use crate::{bad_input::asks, cluster::Cluster, support::postgres::Postgres, wire::Wire};
use serde_json::json;
use std::time::Duration;

/// Printed, for whoever wants to know; that nothing else is asked of the store is told below.
#[tokio::test]
async fn a_stranger_cannot_tell_by_the_clock() {
    let cluster = Cluster::of(1).await;
    let crowd: Vec<String> = (0..1_000).map(|n| format!("member-{n}")).collect();
    cluster.room("private", "private", &crowd.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for n in 0..200 {
        let said = json!({ "from": "member-1", "text": format!("{n} {}", "x".repeat(500)) });
        assert_eq!(cluster.api("POST", "/v1/rooms/private/messages", &said).await.status, 201);
    }
    let mut eve = Wire::of(cluster.at(0), "eve").await;
    for method in ["members", "messages", "join", "leave", "send", "session"] {
        let mut times = [Vec::new(), Vec::new()];
        // In turn, so that whatever else the machine does meets both.
        for n in 0..100 {
            for (times, room) in times.iter_mut().zip(["private", "nowhere"]) {
                let data = json!({ "room": room, "limit": 1_000, "text": "hi", "key": n.to_string() });
                let ask = json!({ "id": 2 + n, "rpc": { "method": method, "data": data } });
                let began = std::time::Instant::now();
                assert_eq!(eve.asks(ask).await["error"]["code"], 102);
                times.push(began.elapsed());
            }
        }
        times.iter_mut().for_each(|times| times.sort_unstable());
        let [there, nowhere] = times.map(|times| times[times.len() / 2]);
        println!("{method} by a stranger on Postgres: there {there:.2?}, not there {nowhere:.2?}");
    }
}

/// Everything that a stranger may not see is locked by somebody who does not let go. An answer in time has touched none of it.
#[tokio::test]
async fn a_stranger_is_answered_by_standing_alone() {
    let cluster = Cluster::of(1).await;
    cluster.room("private", "private", &["ana"]).await;
    let mut eve = Wire::of(cluster.at(0), "eve").await;
    let (locker, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let schema = cluster.schema();
    let held = format!(
        "BEGIN; LOCK TABLE {schema}.entries, {schema}.users, {schema}.portals, {schema}.cursors IN ACCESS EXCLUSIVE MODE;
         SELECT 1 FROM {schema}.rooms FOR UPDATE"
    );
    locker.batch_execute(&held).await.expect("locks");
    let mut answers = Vec::new();
    for room in ["private", "nowhere"] {
        let mut said = Vec::new();
        // A retry of a send is looked for by its key: that one is asked below.
        for mut ask in asks(room) {
            if let Some(data) = ask.pointer_mut("/rpc/data").and_then(|data| data.as_object_mut()) {
                data.remove("key");
            }
            let what = ask.to_string();
            let answered = tokio::time::timeout(Duration::from_secs(5), eve.asks(ask)).await;
            let answer = answered.unwrap_or_else(|_| panic!("it waits for a lock: {what}"));
            assert_eq!(answer["error"], json!({ "code": 102, "message": "unknown room" }), "{what}");
            said.push(eve.last.clone());
        }
        answers.push(said);
    }
    assert_eq!(answers[0], answers[1]);
    locker.batch_execute("ROLLBACK").await.expect("no locks");

    // With a key: the room's row alone is locked.
    locker.batch_execute(&format!("BEGIN; SELECT 1 FROM {schema}.rooms FOR UPDATE")).await.expect("a lock");
    for room in ["private", "nowhere"] {
        let send = json!({ "room": room, "text": "hi", "key": "k" });
        let answer = eve.asks(json!({ "id": 3, "rpc": { "method": "send", "data": send } })).await;
        assert_eq!(answer["error"]["code"], 102, "{answer}");
    }
    locker.batch_execute("ROLLBACK").await.expect("no lock");
}

/// Standing comes first, but an acknowledgement that was lost comes before it.
#[tokio::test]
async fn who_was_removed_still_hears_what_became_of_a_send() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(1).await] {
        cluster.room("private", "private", &["ana", "ben"]).await;
        let send = |id: u32, key: &str| json!({ "id": id, "rpc": { "method": "send", "data": { "room": "private", "text": "hi", "key": key } } });
        let mut ben = Wire::of(cluster.at(0), "ben").await;
        let first = ben.asks(send(2, "k")).await;
        assert_eq!(first["rpc"]["data"]["seq"], 3, "{first}");
        assert_eq!(cluster.api("DELETE", "/v1/rooms/private/members/ben", &json!(null)).await.status, 200);
        let mut again = Wire::of(cluster.at(0), "ben").await;
        for (wire, fresh) in [(&mut ben, "l"), (&mut again, "m")] {
            assert_eq!(wire.asks(send(3, "k")).await["rpc"], first["rpc"]);
            assert_eq!(wire.asks(send(4, fresh)).await["error"]["code"], 102);
        }
    }
}
