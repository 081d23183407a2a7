//! Redis as operators run it: under Sentinels, in a cluster, over TLS; and over a network that loses packets.

use crate::{
    cluster::{API_KEY, Cluster, SECRET, breathe, print_times},
    person::Person,
    support::{
        network::{Losing, Network},
        redis::Redis,
        redis_fleet::{RedisCluster, Sentinels},
    },
    wire::DEADLINE,
};
use std::{
    io::Read,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What the promise allows while Redis is refused or cut, and until a hang is noticed.
const CUT: Duration = Duration::from_secs(1);
const HUNG: Duration = Duration::from_secs(3);
/// And what somebody says who alone is not heard.
const LOST: Duration = Duration::from_secs(2);
/// What a machine that is busy with other tests may take beyond it; a wait without end is what is looked for.
const SLACK: Duration = Duration::from_secs(3);

async fn heard_after(ana: &Person, ben: &Person, text: &str) -> Duration {
    let said = Instant::now();
    ana.says("general", text).await;
    ben.hears("general", text).await;
    said.elapsed()
}

/// Both talk until all is well again, and at least for a second; how long each message took.
async fn talk_until_ready(cluster: &Cluster, ana: &Person, ben: &Person, word: &str) -> Vec<Duration> {
    let began = Instant::now();
    let mut times = Vec::new();
    let well = async {
        breathe().await;
        cluster.ready().await;
        while began.elapsed() < Duration::from_secs(1) {
            breathe().await;
        }
    };
    tokio::pin!(well);
    let mut is_well = false;
    while !is_well {
        let text = format!("{word} {}", times.len());
        let (one, other) = if times.len() % 2 == 0 { (ana, ben) } else { (ben, ana) };
        let said = heard_after(one, other, &text);
        tokio::pin!(said);
        loop {
            tokio::select! {
                took = &mut said => {
                    times.push(took);
                    break;
                }
                () = &mut well, if !is_well => is_well = true,
            }
        }
    }
    times
}

#[tokio::test]
async fn a_master_dies_while_people_talk_and_the_sentinels_choose_another() {
    let mut fleet = Sentinels::start().await;
    let url = fleet.url();
    let cluster = Cluster::on_buses(&[url.clone(), url]).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    heard_after(&ana, &ben, "before").await;
    fleet.redises[0].stop();
    let killed = Instant::now();
    let mut times = talk_until_ready(&cluster, &ana, &ben, "failover").await;
    println!("Sentinel failover: all instances follow the new master after {:.2?}", killed.elapsed());
    print_times("Sentinel failover, heard on the other instance after", CUT, &mut times);
    assert!(times.last().is_some_and(|worst| *worst < CUT + SLACK));
    let reads = cluster.instances[1].counter("hubbub_wakes_total").await;
    heard_after(&ana, &ben, "after").await;
    assert!(cluster.instances[1].counter("hubbub_wakes_total").await > reads, "announcements do not travel again");
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn a_slot_moves_while_people_talk() {
    let fleet = RedisCluster::start().await;
    let url = fleet.url();
    let cluster = Cluster::on_buses(&[url.clone(), url]).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let channels = fleet.nodes[0].ask(&["PUBSUB", "SHARDCHANNELS"]).await
        + &fleet.nodes[1].ask(&["PUBSUB", "SHARDCHANNELS"]).await
        + &fleet.nodes[2].ask(&["PUBSUB", "SHARDCHANNELS"]).await;
    let lane = channels.split("\r\n").find(|channel| channel.ends_with(":lane:29")).expect("the lane of general");
    let mut times = Vec::new();
    for run in 0..5 {
        heard_after(&ana, &ben, &format!("before {run}")).await;
        fleet.move_slot_of(lane).await;
        times.extend(talk_until_ready(&cluster, &ana, &ben, &format!("moved {run}")).await);
    }
    print_times("slot moved, heard on the other instance after", CUT, &mut times);
    assert!(times.last().is_some_and(|worst| *worst < CUT + SLACK));
    cluster.verify("general", &[&ana, &ben]).await;
}

/// Whoever cannot make namespaces is told so, and not only that all is well.
async fn network() -> Option<Network> {
    match Network::with_redis().await {
        Ok(network) => Some(network),
        Err(why) => {
            println!("SKIPPED: this machine makes no network namespace ({why}); root and iproute2 are needed");
            assert!(std::env::var_os("CI").is_none(), "CI has to: {why}");
            None
        }
    }
}

async fn half_open(losing: Losing, what: &str) {
    let Some(network) = network().await else { return };
    let cluster = Cluster::on_buses(&[network.url(0), network.url(1)]).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let (mut noticed, mut early, mut inwards, mut outwards, mut made_up) = (vec![], vec![], vec![], vec![], vec![]);
    for run in 0..3 {
        heard_after(&ana, &ben, &format!("well {run}")).await;
        network.lose(0, losing);
        let lost = Instant::now();
        early.push(heard_after(&ana, &ben, &format!("out {run}")).await);
        early.push(heard_after(&ben, &ana, &format!("in {run}")).await);
        cluster.instances[0].is_ready(|ready| ready["bus"] == "down").await;
        noticed.push(lost.elapsed());
        inwards.push(heard_after(&ben, &ana, &format!("known in {run}")).await);
        outwards.push(heard_after(&ana, &ben, &format!("known out {run}")).await);
        // The other's bus is well; it learns that it does not hear everybody.
        while cluster.instances[1].counter("hubbub_silent_instances").await == 0 {
            assert!(lost.elapsed() < DEADLINE, "its silence is not noticed");
            breathe().await;
        }
        made_up.push(heard_after(&ana, &ben, &format!("made up for {run}")).await);
        assert_eq!(cluster.instances[1].counter("hubbub_bus_up").await, 1, "the other has a way of its own");
        network.mend(0);
        cluster.ready().await;
    }
    print_times(&format!("{what}: noticed after"), HUNG, &mut noticed);
    print_times(&format!("{what}: heard meanwhile after"), HUNG + CUT, &mut early);
    print_times(&format!("{what}: heard here once it is known after"), CUT, &mut inwards);
    print_times(&format!("{what}: heard by the others, whose bus is well, after"), LOST, &mut outwards);
    print_times(&format!("{what}: the same once they notice the silence"), CUT, &mut made_up);
    assert!(noticed.last().is_some_and(|worst| *worst < HUNG + SLACK));
    assert!(inwards.last().is_some_and(|worst| *worst < CUT + SLACK));
    assert!(outwards.last().is_some_and(|worst| *worst < LOST + SLACK));
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn packets_towards_redis_are_lost_and_nobody_closes_anything() {
    half_open(Losing::There, "packets to Redis lost").await;
}

#[tokio::test]
async fn packets_from_redis_are_lost_and_nobody_closes_anything() {
    half_open(Losing::Back, "packets from Redis lost").await;
}

#[tokio::test]
async fn a_wrong_password_is_said_in_words_and_the_password_is_not() {
    let redis = Redis::start().await;
    assert_eq!(redis.ask(&["CONFIG", "SET", "requirepass", "right"]).await, "+OK\r\n");
    let directory = tempfile::tempdir().expect("a directory");
    for (login, hush) in [(":hush-hush@", "hush-hush"), ("", "right"), ("ana:hush-hush@", "hush-hush")] {
        let log = directory.path().join("log");
        let mut process = Command::new(env!("CARGO_BIN_EXE_hubbub"))
            .args(["serve", "--listen", "127.0.0.1:0", "--token-secret", SECRET, "--api-key", API_KEY])
            .args(["--store", &crate::support::postgres::Postgres::shared().url(), "--schema", "wrong_password"])
            .args(["--bus", &format!("redis://{login}{}", redis.addr())])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("a log"))
            .spawn()
            .expect("the program");
        let (began, mut said) = (Instant::now(), String::new());
        while !said.contains("refuses the user or the password") && began.elapsed() < 2 * DEADLINE {
            breathe().await;
            said.clear();
            std::fs::File::open(&log).and_then(|mut log| log.read_to_string(&mut said)).expect("its log");
        }
        process.kill().expect("kill");
        process.wait().expect("wait");
        assert!(said.contains("refuses the user or the password"), "{said}");
        assert!(!said.contains(hush), "{said}");
    }
}
