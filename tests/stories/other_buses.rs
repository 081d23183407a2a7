//! NATS, Kafka or the listeners of Postgres go away while people talk: that costs latency, not messages.

use crate::{
    cluster::{Broker, Cluster, breathe, print_times},
    person::Person,
    support::{kafka::Kafka, nats::Nats, postgres::Postgres},
    wire::{DEADLINE, Speech},
};
use serde_json::json;
use std::{
    process::Command,
    time::{Duration, Instant},
};
use tokio_postgres::NoTls;

/// What the promise allows when the server is gone, and until a hang is noticed.
const CUT: Duration = Duration::from_secs(1);
const HUNG: Duration = Duration::from_secs(3);

const RUNS: usize = 3;

/// Ana says it; how long until Ben hears it.
async fn heard_after(ana: &Person, ben: &Person, text: &str) -> Duration {
    let said = Instant::now();
    ana.says("general", text).await;
    ben.hears("general", text).await;
    said.elapsed()
}

async fn is_down(cluster: &Cluster) {
    for instance in &cluster.instances {
        instance.is_ready(|ready| ready["status"] == "degraded" && ready["bus"] == "down").await;
    }
}

/// On a bus that is well nothing is read from the log in order to deliver.
async fn nothing_is_read(cluster: &Cluster, ana: &Person, ben: &Person) {
    let reads = async || {
        let mut reads = 0;
        for instance in &cluster.instances {
            reads += instance.counter("hubbub_log_reads_total").await;
        }
        reads
    };
    // A machine that is busy with other things for longer than a feed waits makes one look: not so in three rounds.
    let mut read = 0;
    for round in 0..3 {
        let before = reads().await;
        for n in 0..100 {
            heard_after(ana, ben, &format!("well {round} {n}")).await;
        }
        read = reads().await - before;
        if read == 0 {
            break;
        }
    }
    assert_eq!(read, 0, "delivering read the log");
    assert!(cluster.instances[0].counter("hubbub_bus_published_total").await > 0, "what the bus counts is not shown");
}

/// What is kept nowhere travels as well: who types, who has read how far, who is online, and what happens where nobody looks.
async fn people_are_told_of_each_other(cluster: &Cluster) {
    cluster.room("kitchen", "private", &["dora", "eve"]).await;
    let wants = json!({ "signals": true, "activity": true });
    let dora = Person::wanting("dora", cluster.at(0), Speech::Json, wants.clone()).await;
    let eve = Person::wanting("eve", cluster.at(1), Speech::Json, wants).await;
    eve.is_told_that(json!({ "type": "watching" })).await;
    eve.follows("kitchen").await;
    for (method, data) in [("typing", json!({ "room": "kitchen" })), ("read", json!({ "room": "kitchen", "seq": 2 }))] {
        let answer = dora.calls(method, data).await;
        assert!(answer["rpc"].is_object(), "{answer}");
        eve.notices("kitchen", json!({ "type": method, "user": "dora" })).await;
    }
    // An instance that has just started is asked once the others know of it.
    let began = Instant::now();
    loop {
        let answer = eve.calls("online", json!({ "users": ["dora"] })).await;
        if answer["rpc"]["data"]["users"][0]["online"] == true {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "{answer}");
        breathe().await;
    }
    let head = dora.says("kitchen", "anybody?").await.seq;
    eve.is_told_that(json!({ "type": "activity", "room": "kitchen", "head": head })).await;
}

fn signal(pid: u32, signal: &str) {
    let sent = Command::new("kill").args([signal, &pid.to_string()]).status().expect("kill");
    assert!(sent.success());
}

#[tokio::test]
async fn nats_is_killed_and_restarted_while_people_talk() {
    let mut cluster = Cluster::on(Broker::Nats(Nats::start().await), 2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    people_are_told_of_each_other(&cluster).await;
    nothing_is_read(&cluster, &ana, &ben).await;
    let mut times = Vec::new();
    for run in 0..RUNS {
        let Broker::Nats(nats) = &mut cluster.broker else { panic!("NATS") };
        nats.stop();
        times.push(heard_after(&ana, &ben, &format!("killed {run}")).await);
        times.push(heard_after(&ben, &ana, &format!("still gone {run}")).await);
        is_down(&cluster).await;
        let Broker::Nats(nats) = &mut cluster.broker else { panic!("NATS") };
        nats.restart().await;
        cluster.ready().await;
        heard_after(&ana, &ben, &format!("back {run}")).await;
    }
    print_times("NATS killed, heard on the other instance after", CUT, &mut times);
    nothing_is_read(&cluster, &ana, &ben).await;
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn nats_hangs_while_people_talk() {
    let cluster = Cluster::on(Broker::Nats(Nats::start().await), 2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let Broker::Nats(nats) = &cluster.broker else { panic!("NATS") };
    hangs("NATS", nats.pid(), &cluster, &ana, &ben).await;
}

async fn hangs(what: &str, pid: u32, cluster: &Cluster, ana: &Person, ben: &Person) {
    let (mut noticed, mut times) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let hung = Instant::now();
        signal(pid, "-STOP");
        times.push(heard_after(ana, ben, &format!("hung {run}")).await);
        is_down(cluster).await;
        noticed.push(hung.elapsed());
        times.push(heard_after(ben, ana, &format!("known to hang {run}")).await);
        signal(pid, "-CONT");
        cluster.ready().await;
    }
    print_times(&format!("{what} hung, noticed after"), HUNG, &mut noticed);
    print_times(&format!("{what} hung, heard on the other instance after"), HUNG + CUT, &mut times);
    cluster.verify("general", &[ana, ben]).await;
}

#[tokio::test]
async fn kafka_hangs_and_is_restarted_while_people_talk() {
    let mut cluster = Cluster::on(Broker::Kafka(Kafka::start().await), 2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    people_are_told_of_each_other(&cluster).await;
    nothing_is_read(&cluster, &ana, &ben).await;
    let Broker::Kafka(kafka) = &cluster.broker else { panic!("Kafka") };
    hangs("Kafka", kafka.pid(), &cluster, &ana, &ben).await;

    let Broker::Kafka(kafka) = &mut cluster.broker else { panic!("Kafka") };
    kafka.stop();
    let mut times = Vec::new();
    for run in 0..RUNS {
        times.push(heard_after(&ana, &ben, &format!("killed {run}")).await);
        times.push(heard_after(&ben, &ana, &format!("still gone {run}")).await);
    }
    is_down(&cluster).await;
    let Broker::Kafka(kafka) = &mut cluster.broker else { panic!("Kafka") };
    kafka.restart().await;
    cluster.ready().await;
    print_times("Kafka killed, heard on the other instance after", CUT, &mut times);
    nothing_is_read(&cluster, &ana, &ben).await;
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn the_listeners_of_postgres_are_killed_while_people_talk() {
    let cluster = Cluster::on(Broker::Postgres, 2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    people_are_told_of_each_other(&cluster).await;
    let (client, connection) = tokio_postgres::connect(&Postgres::shared().url(), NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    let mut times = Vec::new();
    for run in 0..RUNS {
        // Of other stories, too, if they run beside this one: that does them no harm either.
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hubbub bus'";
        let killed = client.query(kill, &[]).await.expect("killed").len();
        assert!(killed >= 2, "{killed}");
        times.push(heard_after(&ana, &ben, &format!("killed {run}")).await);
        times.push(heard_after(&ben, &ana, &format!("after that {run}")).await);
        let began = Instant::now();
        for instance in &cluster.instances {
            // One is said at each start.
            while instance.counter("hubbub_bus_lost_total").await < 2 * (run as u64 + 1) {
                assert!(began.elapsed() < DEADLINE, "nobody was told");
                breathe().await;
            }
        }
        cluster.ready().await;
    }
    print_times("listeners killed, heard on the other instance after", CUT, &mut times);
    cluster.verify("general", &[&ana, &ben]).await;
}
