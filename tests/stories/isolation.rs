//! Rooms do not wait for each other.

use crate::{
    cluster::Cluster,
    support::postgres::Postgres,
    wire::{DEADLINE, Wire},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Instant;

#[tokio::test]
async fn a_room_that_is_far_behind_does_not_hold_up_a_live_one_on_the_same_connection() {
    const BEHIND: usize = 3_000;
    let cluster = Cluster::of(2).await;
    cluster.room("behind", "private", &["ana", "ben"]).await;
    cluster.room("live", "private", &["ana", "ben"]).await;
    let ana = cluster.person("ana", 0).await;
    for window in (0..BEHIND).collect::<Vec<_>>().chunks(50) {
        join_all(window.iter().map(async |n| ana.says("behind", &format!("{n:0>1000}")).await)).await;
    }

    // Ben reads nothing while more is on its way to him than his phone and the server's kernel hold.
    let mut ben = Wire::open(cluster.at(1), Some(4 * 1024)).await.expect("a socket");
    let token = crate::person::token("ben");
    assert!(ben.asks(json!({ "id": 1, "connect": { "token": token } })).await["connect"].is_object());
    let answer = ben.asks(json!({ "id": 2, "subscribe": { "channel": "room:live" } })).await;
    assert!(answer["subscribe"].is_object(), "{answer}");
    let recover = json!({ "channel": "room:behind", "recover": true, "offset": 0 });
    let answer = ben.asks(json!({ "id": 3, "subscribe": recover })).await;
    assert_eq!(answer["subscribe"]["recovered"], true, "{answer}");
    ana.says("live", "hello").await;

    let (mut behind, mut heard_after) = (0, None);
    let entry_of = |line: &Value| line["push"]["pub"]["data"].clone();
    let first = answer["subscribe"]["publications"].as_array().map_or(0, Vec::len);
    while first + behind < BEHIND {
        let entry = entry_of(&ben.line().await);
        match entry["room"].as_str() {
            Some("behind") => behind += 1,
            Some("live") => heard_after = Some(behind),
            _ => {}
        }
    }
    let heard_after = heard_after.expect("the live room was heard");
    println!("the live room was heard after {heard_after} of {BEHIND} entries of the other");
    assert!(heard_after < BEHIND / 3, "the live room waited for {heard_after} entries of the other");
}

#[tokio::test]
async fn a_locked_room_delays_only_itself() {
    const FREE: usize = 8;
    let cluster = Cluster::of(1).await;
    cluster.room("locked", "private", &["ana"]).await;
    for n in 0..FREE {
        cluster.room(&format!("free{n}"), "private", &["ben"]).await;
    }
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 0).await);
    let (mut somebody, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    let lock = somebody.transaction().await.expect("a transaction");
    let sql = format!("SELECT FROM {}.rooms WHERE id = 'locked' FOR UPDATE", cluster.schema());
    lock.execute(&sql, &[]).await.expect("the row");

    let says = ana.says("locked", "at last");
    let others = async {
        let mut times = Vec::new();
        for n in 0..5 * FREE {
            let asked = Instant::now();
            ben.says(&format!("free{}", n % FREE), "on we go").await;
            times.push(asked.elapsed());
        }
        times.sort();
        println!(
            "beside a locked room {} sends took {:.2?} in the median and {:.2?} at worst",
            times.len(),
            times[times.len() / 2],
            times[times.len() - 1]
        );
        // Those behind it in the same batch wait for the lock's time-out, and are then written without it.
        assert!(times[times.len() - 1] < DEADLINE / 2, "the other rooms waited, too: {times:?}");
        lock.rollback().await.expect("the end of the lock");
    };
    let ((), ack) = tokio::join!(others, says);
    assert_eq!(cluster.log("locked").await.last().map(|entry| entry["seq"].clone()), Some(json!(ack.seq)));
    assert_eq!(cluster.log("free0").await.len(), 1 + 5, "one joined, five said");
}
