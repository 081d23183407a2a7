//! Postgres fails over to a standby that lacks what was acknowledged last.

use crate::{
    cluster::{Cluster, breathe, local},
    support::{door::Door, postgres::Postgres},
    wire::DEADLINE,
};
use std::time::Instant;

/// The seqs of the room's messages that a server has.
async fn head(postgres: &Postgres, schema: &str) -> i64 {
    let (client, connection) =
        tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let sql = format!("SELECT head FROM {schema}.rooms WHERE id = 'general'");
    client.query_opt(&sql, &[]).await.ok().flatten().map_or(0, |row| row.get(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failover_that_lost_something_readers_begin_anew_in_another_epoch() {
    let mut primary = Postgres::start(&[]);
    let replication = Door::to(local(primary.port())).await;
    let through = replication.addr().port();
    let standby = tokio::task::spawn_blocking(move || Postgres::standby_of(through)).await.expect("a standby");
    let cluster = Cluster::on_postgres(2, primary.port()).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    for n in 0..10 {
        ana.says("general", &format!("kept {n}")).await;
    }
    ben.hears("general", "kept 9").await;
    let asked = Instant::now();
    while head(&standby, cluster.schema()).await < 12 {
        assert!(asked.elapsed() < DEADLINE, "the standby does not follow");
        breathe().await;
    }
    // From here on the standby hears nothing, and what is acknowledged is on the primary alone.
    replication.hold();
    for n in 0..5 {
        assert_eq!(ana.says("general", &format!("lost {n}")).await.seq, 13 + n);
    }
    ben.hears("general", "lost 4").await;
    let old = ben.with("general", |followed| followed.epoch.clone());

    let failed = Instant::now();
    primary.kill();
    let standby = tokio::task::spawn_blocking(move || {
        standby.promote();
        standby
    });
    let standby = standby.await.expect("a promotion");
    for instance in &cluster.instances {
        let door = instance.postgres.as_ref().expect("a door");
        door.cut();
        door.leads_to(local(standby.port()));
        door.mend();
    }
    let first = ana.says("general", "after").await;
    assert_eq!(first.seq, 13, "the numbers of what was lost are given again");
    for person in [&ana, &ben] {
        let anew = |me: &crate::person::Person| me.with("general", |f| f.live && f.epoch != old && !f.epoch.is_empty());
        person.waits_for("another epoch", 3 * DEADLINE, anew).await;
        person.with("general", |followed| assert_eq!(followed.recoveries.last(), Some(&false), "{followed:?}"));
    }
    println!("readers had begun anew {:.1?} after the primary was gone", failed.elapsed());
    ana.says("general", "and on").await;
    ben.hears("general", "and on").await;
    let log = cluster.log("general").await;
    let texts: Vec<_> = log.iter().filter_map(|entry| entry["text"].as_str()).collect();
    assert!(!texts.iter().any(|text| text.starts_with("lost")) && texts.ends_with(&["after", "and on"]), "{texts:?}");
    for person in [&ana, &ben] {
        person.with("general", |followed| {
            assert!(followed.faults.is_empty(), "{}: {:?}", person.name, followed.faults);
            // What was read since is the new log and nothing else: nothing lost under its epoch.
            let since =
                followed.entries.iter().rposition(|e| e["text"].as_str().is_some_and(|t| t.starts_with("lost")));
            for entry in &followed.entries[since.map_or(0, |at| at + 1)..] {
                assert_eq!(Some(entry), log.get(entry["seq"].as_u64().unwrap_or(0) as usize - 1), "{}", person.name);
            }
        });
    }
    assert_eq!((ana.connections(), ben.connections()), (1, 1), "the sockets did not stay");
}
