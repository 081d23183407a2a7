//! A real PgBouncer stands between instances and their Postgres.

use crate::{
    cluster::{API_KEY, Cluster, SECRET, breathe, program},
    person::{Ack, Person},
    support::{
        pgbouncer::{PgBouncer, Which},
        postgres::Postgres,
    },
    wire::DEADLINE,
};
use futures_util::future::join_all;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};
use tokio_postgres::{Client, NoTls};

/// A pooler of few connections, so that sessions have to share them.
const SPREAD: [&str; 3] = ["pool_mode = transaction", "max_prepared_statements = 200", "default_pool_size = 2"];

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server");
    tokio::spawn(connection);
    client
}

/// A database of its own on the shared server, and its URL.
async fn database(name: &str) -> String {
    client(&Postgres::shared().url())
        .await
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .expect("a database");
    Postgres::shared().url().replace("/postgres", &format!("/{name}"))
}

/// `hubbub check` with this store and these flags: whether it is content, and what it says.
async fn check(store: &str, flags: &[&str]) -> (bool, String) {
    let arguments =
        ["check", "--store", store, "--token-secret", SECRET, "--api-key", API_KEY, "--listen", "127.0.0.1:0"];
    let (content, says, _) = program(&[&arguments, flags].concat()).await;
    (content, says)
}

/// Neither `check` nor `serve` takes this: both say all these words. Returns what `check` says.
async fn is_refused(store: &str, flags: &[&str], words: &[&str]) -> String {
    let (content, says) = check(store, flags).await;
    let arguments =
        ["serve", "--store", store, "--token-secret", SECRET, "--api-key", API_KEY, "--listen", "127.0.0.1:0"];
    let (served, _, complaint) = program(&[&arguments, flags].concat()).await;
    assert!(!content && !served, "{says}\n{complaint}");
    for word in words {
        assert!(says.contains(word) && complaint.contains(word), "no `{word}` in\n{says}\n{complaint}");
    }
    says
}

/// Gives the role what `check` says that it lacks, in its own words.
async fn gives_the_role_what_it_lacks(pooler: &PgBouncer, direct: &str) {
    let says = is_refused(&pooler.url(), &[], &["lock_timeout = '1000';", "RECONNECT", "pool_mode = session"]).await;
    let (from, to) = (says.find("ALTER ROLE").expect("statements"), says.rfind("';").expect("an end") + 2);
    client(direct).await.batch_execute(&says[from..to]).await.expect("what it says");
    pooler.console("RECONNECT").await;
}

#[tokio::test]
async fn what_a_pooler_lacks_is_said_and_with_that_it_will_do() {
    let direct = database("pooled_named").await;
    let server = Postgres::shared().port();
    let before = async |which, settings: &[&str]| PgBouncer::before(which, server, "pooled_named", settings).await;

    let forgetful = before(Which::Newer, &["pool_mode = transaction", "max_prepared_statements = 0"]).await;
    let words = ["keeps no prepared statements", "max_prepared_statements = 200", "pool_mode = session"];
    is_refused(&forgetful.url(), &[], &words).await;
    let packaged = before(Which::Packaged, &["pool_mode = transaction"]).await;
    if !Which::Packaged.keeps_statements() {
        is_refused(&packaged.url(), &[], &words).await;
    }
    // What a client asks for at its login is refused by the pooler itself.
    let options = format!("{}?options=-c%20geqo%3Doff", packaged.url());
    is_refused(&options, &[], &["startup parameter", "a pooler in front of Postgres takes no `options`"]).await;
    let single = before(Which::Newer, &["pool_mode = statement", "max_prepared_statements = 200"]).await;
    is_refused(&single.url(), &[], &["takes no transactions", "pool_mode = transaction"]).await;
    // With a connection for each session everything is as without a pooler.
    let whole = before(Which::Packaged, &["pool_mode = session"]).await;
    let (content, says) = check(&whole.url(), &["--bus", "postgres"]).await;
    assert!(content && says.contains("a probe that was published came back") && !says.contains("pooler"), "{says}");

    let pooler = before(Which::Newer, &SPREAD).await;
    gives_the_role_what_it_lacks(&pooler, &direct).await;
    let (content, says) = check(&pooler.url(), &[]).await;
    assert!(content && says.contains("behind a pooler that spreads transactions"), "{says}");
    let words = ["LISTEN", "use another --bus", "pool_mode = session"];
    is_refused(&pooler.url(), &["--bus", "postgres"], &words).await;
}

/// Talks until told to stop.
async fn talks(person: &Person, stop: &AtomicBool) -> Vec<(Ack, String)> {
    let mut said = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let texts: Vec<String> = (0..4).map(|n| format!("{} {}", person.name, said.len() + n)).collect();
        let acks = join_all(texts.iter().map(|text| person.says("general", text))).await;
        said.extend(acks.into_iter().zip(texts));
    }
    said
}

#[tokio::test]
async fn behind_a_pooler_that_spreads_transactions_nothing_is_lost_or_doubled() {
    let direct = database("pooled_story").await;
    let pooler = PgBouncer::before(Which::Newer, Postgres::shared().port(), "pooled_story", &SPREAD).await;
    gives_the_role_what_it_lacks(&pooler, &direct).await;
    // The tables are made through it.
    let mut cluster = Cluster::on_postgres(2, pooler.port()).await;
    let names = ["ana", "ben", "cem", "dora"];
    cluster.room("general", "private", &names).await;
    let mut people = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let person = cluster.person(name, n % 2).await;
        person.follows("general").await;
        people.push(person);
    }
    let stop = AtomicBool::new(false);
    let (said, ()) = tokio::join!(join_all(people.iter().map(|person| talks(person, &stop))), async {
        let goes_on = async |person: &Person| {
            let heard = person.with("general", |followed| followed.position);
            person.has_read("general", heard + 20).await;
        };
        goes_on(&people[0]).await;
        cluster.kill(1);
        goes_on(&people[0]).await;
        cluster.restart(1).await;
        goes_on(&people[1]).await;
        cluster.stop(0).await;
        goes_on(&people[1]).await;
        cluster.restart(0).await;
        goes_on(&people[0]).await;
        let (sessions, servers) = (pooler.console("SHOW CLIENTS").await, pooler.console("SHOW SERVERS").await);
        assert!(servers <= 2 && sessions > servers + 1, "{sessions} sessions on {servers} connections share nothing");
        stop.store(true, Ordering::Relaxed);
    });
    let log = cluster.verify("general", &people.iter().collect::<Vec<_>>()).await;
    let mut acknowledged = 0;
    for (ack, text) in said.iter().flatten() {
        let entry = &log[ack.seq as usize - 1];
        assert_eq!((entry["id"].as_str(), entry["text"].as_str()), (Some(&*ack.id), Some(&**text)));
        acknowledged += 1;
    }
    assert_eq!(log.len(), names.len() + acknowledged, "something is in the log that nobody said");

    // Leases are renewed, and those of who was killed and who went are over.
    let (direct, began) = (client(&direct).await, Instant::now());
    let living = format!(
        "SELECT count(*) FROM {}.instances WHERE expires_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
        cluster.schema()
    );
    loop {
        let living: i64 = direct.query_one(&living, &[]).await.expect("leases").get(0);
        if living == 2 {
            break;
        }
        assert!(began.elapsed() < 3 * DEADLINE, "{living} leases");
        breathe().await;
    }
    // What sessions set for themselves would be on the connections of all who come after.
    let leaks = "SELECT count(*) FROM pg_settings WHERE source = 'session' AND name IN ('lock_timeout', 'statement_timeout', 'enable_seqscan')";
    let through = client(&pooler.url()).await;
    let leaks: i64 = through.query_one(leaks, &[]).await.expect("settings").get(0);
    assert_eq!(leaks, 0, "settings stay on the pooler's connections");
}
