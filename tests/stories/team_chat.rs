//! Members of one room on different instances.

use crate::{cluster::Cluster, person::Person};
use futures_util::future::join_all;

#[tokio::test]
async fn what_ana_says_on_one_instance_ben_hears_on_another() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let ack = ana.says("general", "Is this thing on?").await;
    assert_eq!(ack.seq, 3, "after the two who joined");
    ben.hears("general", "Is this thing on?").await;
    ben.says("general", "It is.").await;
    ana.hears("general", "It is.").await;
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn who_was_away_gets_everything_in_order_on_whichever_instance() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 1).await);
    ben.follows("general").await;
    // Longer than a page, than a ring, and than a write.
    ben.stops_reading();
    let says = async |n: usize| ana.says("general", &n.to_string()).await;
    for window in (0..700).collect::<Vec<_>>().chunks(50) {
        join_all(window.iter().map(|n| says(*n))).await;
    }
    ben.reads_again();
    ben.loses_connection().await;
    ben.moves_to(cluster.at(0)).await;
    cluster.verify("general", &[&ben]).await;
    assert!(ben.with("general", |followed| !followed.recoveries.contains(&false)));
}

#[tokio::test]
async fn a_healthy_bus_makes_delivering_cost_no_read_of_the_log() {
    const MESSAGES: usize = 10_000;
    let cluster = Cluster::of(3).await;
    cluster.room("general", "private", &["ana", "ben", "cem"]).await;
    let people = [cluster.person("ana", 0).await, cluster.person("ben", 1).await, cluster.person("cem", 2).await];
    for person in &people {
        person.follows("general").await;
    }
    let reads = || join_all(cluster.instances.iter().map(|instance| instance.counter("hubbub_log_reads_total")));
    let before = reads().await;
    let talks = async |person: &Person| {
        let mine: Vec<usize> = (0..MESSAGES / people.len() + 1).collect();
        for window in mine.chunks(20) {
            join_all(window.iter().map(async |n| person.says("general", &n.to_string()).await)).await;
        }
    };
    join_all(people.iter().map(talks)).await;
    let [ana, ben, cem] = &people;
    let log = cluster.verify("general", &[ana, ben, cem]).await;
    assert!(log.len() > MESSAGES);
    let after = reads().await;
    println!("{} messages across three instances; reads of the log before {before:?}, after {after:?}", log.len() - 3);
    // A message that was published before another may come after it, by more than `REORDER` on a machine that is busy elsewhere.
    let more: u64 = after.iter().zip(&before).map(|(after, before)| after - before).sum();
    assert!(more <= MESSAGES as u64 / 1_000, "delivering read the log {more} times");
}
