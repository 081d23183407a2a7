//! kill -9 of an instance under load, at random moments.

use crate::{
    cluster::{Cluster, breathe},
    person::{Ack, Person},
    support::postgres::Postgres,
    wire::DEADLINE,
};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

/// Ten in `make test`, forty in `make test-long`.
fn kills() -> usize {
    if std::env::var_os("HUBBUB_LONG").is_some() { 40 } else { 10 }
}

/// A random number below `below`, for moments at which something is killed. It is not reproducible on purpose.
fn any(below: u64) -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| u64::from(d.subsec_nanos())) / 7
        % below
}

/// Talks until told to stop; what was acknowledged, and every key that was used with its text.
async fn talks(person: &Person, stop: &AtomicBool) -> Vec<(Ack, String)> {
    let mut said = Vec::new();
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        let texts: Vec<String> = (0..8).map(|i| format!("{} {}", person.name, n + i)).collect();
        n += 8;
        let acks = futures_util::future::join_all(texts.iter().map(|text| person.says("general", text))).await;
        said.extend(acks.into_iter().zip(texts));
    }
    said
}

#[tokio::test]
async fn one_of_three_instances_is_killed_under_load_again_and_again() {
    let mut cluster = Cluster::of(3).await;
    let names = ["ana", "ben", "cem", "dora", "emil", "fay"];
    cluster.room("general", "private", &names).await;
    let mut people = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let person = cluster.person(name, n % 3).await;
        person.follows("general").await;
        people.push(person);
    }
    let stop = AtomicBool::new(false);
    let (said, ()) =
        tokio::join!(futures_util::future::join_all(people.iter().map(|person| talks(person, &stop))), async {
            for kill in 0..kills() {
                let victim = any(3) as usize;
                let witness = &people[(victim + 1) % 3];
                // Any moment: after some more has been heard, and a few milliseconds on.
                let heard = witness.with("general", |followed| followed.position);
                witness.has_read("general", heard + 20 + any(60)).await;
                cluster.kill(victim);
                let at = witness.with("general", |followed| followed.position);
                witness.has_read("general", at + 10).await;
                cluster.restart(victim).await;
                for person in people.iter().skip(victim).step_by(3) {
                    person.is_connected().await;
                }
                println!("kill {} of instance {victim} at seq {at}", kill + 1);
            }
            stop.store(true, Ordering::Relaxed);
        });

    let everybody: Vec<&Person> = people.iter().collect();
    let log = cluster.verify("general", &everybody).await;
    let by_key: HashMap<&str, usize> = log.iter().fold(HashMap::new(), |mut seen, entry| {
        *seen.entry(entry["key"].as_str().unwrap()).or_default() += 1;
        seen
    });
    assert!(by_key.values().all(|times| *times == 1), "a key is in the log twice");
    let mut acknowledged = 0;
    for (ack, text) in said.iter().flatten() {
        let entry = &log[ack.seq as usize - 1];
        assert_eq!(
            (entry["id"].as_str(), entry["text"].as_str()),
            (Some(&*ack.id), Some(&**text)),
            "{ack:?} is not in its place"
        );
        acknowledged += 1;
    }
    assert_eq!(log.len(), names.len() + acknowledged, "something is in the log that nobody said");
    println!("{} kills, {acknowledged} acknowledged messages, each once in {} logs", kills(), people.len());

    // The dead left nothing behind.
    let redis = cluster.redis.as_ref().unwrap();
    assert_eq!(redis.ask(&["DBSIZE"]).await.trim(), ":0");
    let probes = redis.ask(&["PUBSUB", "CHANNELS", "*:probe:*"]).await;
    assert_eq!(probes.matches(":probe:").count(), 3, "a probe channel of the dead is left: {probes}");
    let (client, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    let tables: Vec<String> = client
        .query(
            "SELECT table_name::text FROM information_schema.tables
             WHERE table_schema = $1 AND table_type = 'BASE TABLE' ORDER BY 1",
            &[&cluster.schema()],
        )
        .await
        .expect("tables")
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(
        tables,
        [
            "additions",
            "audit",
            "blocks",
            "cursors",
            "dead_letters",
            "deleted_rooms",
            "entries",
            "imports",
            "instances",
            "invites",
            "last_seen",
            "members",
            "mentions",
            "meta",
            "migrations",
            "openings",
            "pins",
            "portal_changes",
            "portal_events",
            "portal_grants",
            "portals",
            "preferences",
            "quarantine",
            "reaction_counts",
            "reactions",
            "reads",
            "refused_hooks",
            "reports",
            "revocation_number",
            "revocations",
            "room_infos",
            "rooms",
            "session_externals",
            "sessions",
            "speakers",
            "threads",
            "users"
        ],
        "a table that could hold traces of instances"
    );
    // The leases of the dead are removed by those who live.
    let (sql, asked) = (format!("SELECT count(*) FROM {}.instances", cluster.schema()), Instant::now());
    while client.query_one(&sql, &[]).await.expect("leases").get::<_, i64>(0) != 3 {
        assert!(asked.elapsed() < 3 * DEADLINE, "a lease of the dead is left");
        breathe().await;
    }
    let transactions: i64 = client
        .query_one("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'", &[])
        .await
        .expect("activity")
        .get(0);
    assert_eq!(transactions, 0, "a transaction of the dead is open");
}
