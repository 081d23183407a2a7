//! Redis is cut, hangs, loses and inverts announcements: that costs latency, not messages.

use crate::{
    cluster::{Cluster, print_times},
    person::Person,
    wire::DEADLINE,
};
use std::time::{Duration, Instant};

/// What the promise allows when Redis is refused or cut, after one lost announcement, and until a hang is noticed.
const CUT: Duration = Duration::from_secs(1);
const LOST: Duration = Duration::from_secs(2);
const HUNG: Duration = Duration::from_secs(3);

const RUNS: usize = 5;

/// Ana says it; how long until Ben hears it.
async fn heard_after(ana: &Person, ben: &Person, text: &str) -> Duration {
    let said = Instant::now();
    ana.says("general", text).await;
    ben.hears("general", text).await;
    said.elapsed()
}

#[tokio::test]
async fn redis_is_cut_while_people_talk() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let mut times = Vec::new();
    for run in 0..RUNS {
        for instance in &cluster.instances {
            instance.redis.as_ref().unwrap().cut();
        }
        // The first while the cut is news, the second while it is known.
        times.push(heard_after(&ana, &ben, &format!("cut {run}")).await);
        times.push(heard_after(&ben, &ana, &format!("still cut {run}")).await);
        for instance in &cluster.instances {
            instance.is_ready(|ready| ready["status"] == "degraded" && ready["bus"] == "down").await;
            instance.redis.as_ref().unwrap().mend();
        }
        cluster.ready().await;
        heard_after(&ana, &ben, &format!("mended {run}")).await;
    }
    print_times("Redis cut, heard on the other instance after", CUT, &mut times);
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn redis_hangs_while_people_talk() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let (mut noticed, mut times) = (Vec::new(), Vec::new());
    for run in 0..3 {
        let hung = Instant::now();
        for instance in &cluster.instances {
            instance.redis.as_ref().unwrap().hold();
        }
        times.push(heard_after(&ana, &ben, &format!("hung {run}")).await);
        for instance in &cluster.instances {
            instance.is_ready(|ready| ready["bus"] == "down").await;
        }
        noticed.push(hung.elapsed());
        times.push(heard_after(&ana, &ben, &format!("known to hang {run}")).await);
        for instance in &cluster.instances {
            instance.redis.as_ref().unwrap().mend();
        }
        cluster.ready().await;
    }
    print_times("Redis hung, noticed after", HUNG, &mut noticed);
    print_times("Redis hung, heard on the other instance after", HUNG + CUT, &mut times);
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn the_last_announcement_of_a_quiet_room_is_swallowed() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let mut times = Vec::new();
    for run in 0..RUNS {
        let door = cluster.instances[0].redis.as_ref().unwrap();
        let before = door.swallowed();
        door.swallow(1);
        times.push(heard_after(&ana, &ben, &format!("swallowed {run}")).await);
        assert_eq!(door.swallowed(), before + 1, "the announcement got through");
    }
    print_times("last announcement lost, heard after", LOST, &mut times);
    assert!(cluster.instances[1].counter("hubbub_gap_reads_total").await >= RUNS as u64);
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn announcements_of_two_instances_arrive_inverted() {
    let cluster = Cluster::of(3).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let cem = Person::new("ben", cluster.at(2));
    cem.follows("general").await;
    let mut times = Vec::new();
    let reads = cluster.instances[2].counter("hubbub_log_reads_total").await;
    for run in 0..RUNS {
        let door = cluster.instances[0].redis.as_ref().unwrap();
        door.hold_publishes();
        let said = Instant::now();
        ana.says("general", &format!("first {run}")).await;
        let wakes = cluster.instances[2].counter("hubbub_wakes_total").await;
        ben.says("general", &format!("second {run}")).await;
        // The second has arrived, the first has not: it comes well within the time a feed waits for it.
        while cluster.instances[2].counter("hubbub_wakes_total").await == wakes {
            assert!(said.elapsed() < DEADLINE, "the second announcement never came");
            tokio::task::yield_now().await;
        }
        door.release().await;
        cem.hears("general", &format!("second {run}")).await;
        times.push(said.elapsed());
    }
    print_times("two announcements inverted, heard after", LOST, &mut times);
    let read = cluster.instances[2].counter("hubbub_log_reads_total").await - reads;
    println!("reads of the log for {RUNS} inversions: {read}");
    assert!(read < RUNS as u64, "a feed does not wait for the missing announcement");
    cluster.verify("general", &[&ana, &ben, &cem]).await;
}

#[tokio::test]
async fn a_slow_redis_delays_and_nothing_else() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    cluster.instances[1].redis.as_ref().unwrap().delay(Duration::from_millis(120));
    for run in 0..20 {
        ana.says("general", &format!("slow {run}")).await;
        ben.says("general", &format!("slow too {run}")).await;
    }
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn members_on_the_same_instance_notice_nothing() {
    let cluster = Cluster::of(1).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 0).await);
    ana.follows("general").await;
    ben.follows("general").await;
    cluster.instances[0].redis.as_ref().unwrap().hold();
    let reads = cluster.instances[0].counter("hubbub_log_reads_total").await;
    for n in 0..50 {
        heard_after(&ana, &ben, &n.to_string()).await;
    }
    assert_eq!(cluster.instances[0].counter("hubbub_log_reads_total").await, reads, "local delivery read the log");
    cluster.verify("general", &[&ana, &ben]).await;
}
