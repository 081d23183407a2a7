//! Somebody is logged out everywhere: tokens of before are not taken any more, whatever happens to wakes and instances.

use crate::{
    cluster::{Cluster, breathe},
    support::door::Door,
    tokens::{connect, in_seconds, is_let_in, saying},
    wire::{DEADLINE, Wire},
};
use serde_json::{Value, json};
use std::time::Instant;

/// Somebody's token that was issued so many seconds from now.
fn issued(user: &str, seconds: i64) -> String {
    saying(json!({ "sub": user, "iat": in_seconds(seconds) }))
}

async fn is_told_that_it_has_expired(addr: std::net::SocketAddr, token: &str) {
    let (_, answer) = connect(addr, token).await.expect("an answer");
    assert_eq!(answer["error"]["code"], 109, "{answer}");
}

async fn logs_out(cluster: &Cluster, n: usize, user: &str, body: &Value) -> Value {
    let answer = cluster.instances[n].api("POST", &format!("/v1/users/{user}/log-out"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    serde_json::from_str(&answer.text).expect("JSON")
}

#[tokio::test]
async fn who_is_logged_out_is_out_on_every_instance_and_after_every_restart() {
    let mut cluster = Cluster::of(2).await;
    let (old, other) = (issued("ana", -60), issued("ben", -60));
    let mut devices = vec![is_let_in(cluster.at(0), &old).await, is_let_in(cluster.at(1), &old).await];
    let mut ben = is_let_in(cluster.at(1), &other).await;
    let answer = logs_out(&cluster, 0, "ana", &json!({ "reason": "your password has changed" })).await;
    assert_eq!(answer["user"], "ana");
    assert!(answer["issued_before"].as_str().is_some_and(|at| at.ends_with('Z')), "{answer}");
    for device in &mut devices {
        assert_eq!(device.closed().await, (3503, "your password has changed".into()));
    }
    assert!(ben.asks(json!({ "id": 2, "rpc": { "method": "rooms" } })).await["rpc"].is_object(), "he stays");
    // The instance that was asked knows at once, the other when it has heard and read.
    let asked = Instant::now();
    while connect(cluster.at(1), &old).await.is_ok_and(|(_, answer)| answer["error"]["code"] != 109) {
        assert!(asked.elapsed() < DEADLINE, "the old token is taken");
        breathe().await;
    }
    for n in [0, 1] {
        is_told_that_it_has_expired(cluster.at(n), &old).await;
        is_told_that_it_has_expired(cluster.at(n), &saying(json!({ "iat": null }))).await;
        drop(is_let_in(cluster.at(n), &other).await);
        // Who has logged in anew.
        drop(is_let_in(cluster.at(n), &issued("ana", 1)).await);
    }
    assert!(cluster.instances[1].counter("hubbub_tokens_refused_total{reason=\"revoked\"}").await >= 2);
    // A refresh with an old one does not help, and costs nobody the connection.
    let mut ana = is_let_in(cluster.at(1), &issued("ana", 2)).await;
    let refreshed = ana.asks(json!({ "id": 3, "refresh": { "token": old } })).await;
    assert_eq!((&refreshed["error"]["code"], &refreshed["error"]["temporary"]), (&json!(109), &json!(true)));
    cluster.stop(1).await;
    cluster.restart(1).await;
    is_told_that_it_has_expired(cluster.at(1), &old).await;
    drop(is_let_in(cluster.at(1), &issued("ana", 2)).await);
}

#[tokio::test]
async fn tokens_of_before_a_moment_are_revoked_and_later_ones_stay() {
    let cluster = Cluster::of(2).await;
    let mut stolen = is_let_in(cluster.at(1), &issued("ana", -600)).await;
    let mut own = is_let_in(cluster.at(1), &issued("ana", -60)).await;
    let moment = written(in_seconds(-300));
    let answer = logs_out(&cluster, 0, "ana", &json!({ "issued_before": moment, "reconnect": true })).await;
    assert_eq!(answer["issued_before"].as_str().map(|at| &at[..19]), Some(&moment[..19]));
    assert_eq!(stolen.closed().await.0, 3011);
    assert!(own.asks(json!({ "id": 2, "rpc": { "method": "rooms" } })).await["rpc"].is_object(), "she stays");
    is_told_that_it_has_expired(cluster.at(1), &issued("ana", -301)).await;
    drop(is_let_in(cluster.at(1), &issued("ana", -299)).await);
    // It does not go back.
    let earlier = json!({ "issued_before": written(in_seconds(-3_000)) });
    assert_eq!(logs_out(&cluster, 1, "ana", &earlier).await["issued_before"], answer["issued_before"]);
    for (body, says) in [
        (json!({ "issued_before": written(in_seconds(120)) }), "issued_before: in the future; the limit is 60 s"),
        (json!({ "issued_before": "yesterday" }), "issued_before: a time like"),
        (json!({ "reason": "7" }), "reason: JSON"),
    ] {
        let answer = cluster.api("POST", "/v1/users/ana/log-out", &body).await;
        assert!(answer.status == 422 && answer.text.contains(says), "{body}: {} {}", answer.status, answer.text);
    }
}

/// A time in seconds since 1970 as RFC 3339 writes it.
fn written(seconds: i64) -> String {
    hubbub_core::model::time::Timestamp(seconds * 1_000).to_string()
}

#[tokio::test]
async fn an_instance_that_hears_nothing_of_it_reads_it_from_the_store() {
    let cluster = Cluster::of(2).await;
    let old = issued("ana", -60);
    let mut deaf = is_let_in(cluster.at(1), &old).await;
    cluster.instances[1].redis.as_ref().map(Door::cut).expect("a door");
    cluster.instances[1].is_ready(|ready| ready["bus"] == "down").await;
    logs_out(&cluster, 0, "ana", &Value::Null).await;
    assert_eq!(deaf.closed().await.0, 3503);
    is_told_that_it_has_expired(cluster.at(1), &old).await;
    // While the store is away what is known holds, and others are let in.
    cluster.instances[1].postgres.as_ref().map(Door::cut).expect("a door");
    is_told_that_it_has_expired(cluster.at(1), &old).await;
    drop(is_let_in(cluster.at(1), &issued("ben", -60)).await);
}

#[tokio::test]
async fn on_a_laptop_it_holds_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::laptop(directory.path()).await;
    let old = issued("ana", -60);
    let mut wire = is_let_in(cluster.at(0), &old).await;
    logs_out(&cluster, 0, "ana", &Value::Null).await;
    assert_eq!(wire.closed().await.0, 3503);
    cluster.kill(0);
    cluster.restart(0).await;
    is_told_that_it_has_expired(cluster.at(0), &old).await;
    let asked = Instant::now();
    while connect(cluster.at(0), &issued("ana", 1)).await.is_ok_and(|(_, answer)| !answer["connect"].is_object()) {
        assert!(asked.elapsed() < DEADLINE, "she may log in anew");
        breathe().await;
    }
    drop(Wire::of(cluster.at(0), "ben").await);
}
