//! What is said and not heard is noticed: by the next number, by a heartbeat, by silence; and, without any of them, by the
//! sweep.

use crate::{
    cluster::{Cluster, breathe, print_times},
    http,
    person::Person,
    wire::DEADLINE,
};
use hubbub_core::{limits, model::ids::RoomId};
use std::time::{Duration, Instant};

/// What the promise allows after one lost announcement, and while the bus is known not to carry.
const LOST: Duration = Duration::from_secs(2);
const POLLED: Duration = Duration::from_secs(1);

const RUNS: u64 = 20;

/// A room whose announcements travel on the lane of another's.
fn beside(room: &str) -> String {
    let lane = |room: &str| RoomId::parse(room).expect("a room id").lane(limits::LANES);
    let names = (0..).map(|n| format!("beside-{n}"));
    names.into_iter().find(|name| lane(name) == lane(room)).expect("one in sixty-four")
}

async fn say_and_hear(ana: &Person, ben: &Person, text: &str) -> Duration {
    let said = Instant::now();
    ana.says("general", text).await;
    ben.hears("general", text).await;
    said.elapsed()
}

impl Cluster {
    /// Waits until an instance shows a gauge or counter at this level; says how long it took.
    async fn shows(&self, n: usize, name: &str, level: impl Fn(u64) -> bool) -> Duration {
        let asked = Instant::now();
        loop {
            let now = self.instances[n].counter(name).await;
            if level(now) {
                return asked.elapsed();
            }
            assert!(asked.elapsed() < 2 * DEADLINE, "{name} stays at {now}");
            breathe().await;
        }
    }

    /// How many losses of lanes an instance has noticed, in whichever way.
    async fn losses(&self, n: usize) -> u64 {
        let mut losses = 0;
        for name in ["hubbub_lost_by_gap_total", "hubbub_lost_by_beat_total", "hubbub_lost_first_heard_total"] {
            losses += self.instances[n].counter(name).await;
        }
        losses
    }

    /// Waits until it has noticed another one.
    async fn notices_a_loss(&self, n: usize, before: u64) {
        let asked = Instant::now();
        while self.losses(n).await == before {
            assert!(asked.elapsed() < DEADLINE, "the loss is not noticed");
            breathe().await;
        }
    }
}

#[tokio::test]
async fn a_lost_announcement_is_missed_when_the_next_of_its_lane_comes() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let beside = beside("general");
    cluster.room(&beside, "private", &["ana", "ben"]).await;
    ana.follows(&beside).await;
    let mut times = Vec::new();
    for run in 0..RUNS {
        let losses = cluster.losses(1).await;
        let door = cluster.instances[0].redis.as_ref().unwrap();
        let before = door.swallowed();
        door.swallow(1);
        let (said, text) = (Instant::now(), format!("swallowed {run}"));
        ana.says("general", &text).await;
        while door.swallowed() == before {
            assert!(said.elapsed() < DEADLINE, "the announcement was never published");
            tokio::task::yield_now().await;
        }
        ana.says(&beside, &format!("next {run}")).await;
        ben.hears("general", &text).await;
        times.push(said.elapsed());
        cluster.notices_a_loss(1, losses).await;
    }
    // A few at the start are the first that is heard of an instance.
    cluster.shows(1, "hubbub_lost_by_gap_total", |noticed| noticed >= RUNS / 2).await;
    print_times("announcement lost in a busy lane, heard after", LOST, &mut times);
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn the_last_announcement_is_missed_with_the_next_heartbeat() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let mut times = Vec::new();
    for run in 0..RUNS {
        let losses = cluster.losses(1).await;
        let door = cluster.instances[0].redis.as_ref().unwrap();
        let before = door.swallowed();
        door.swallow(1);
        times.push(say_and_hear(&ana, &ben, &format!("swallowed {run}")).await);
        assert_eq!(door.swallowed(), before + 1, "the announcement got through");
        cluster.notices_a_loss(1, losses).await;
    }
    cluster.shows(1, "hubbub_lost_by_beat_total", |noticed| noticed >= RUNS / 2).await;
    print_times("last announcement of a quiet lane lost, heard after", LOST, &mut times);
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn whoever_lives_and_is_not_heard_is_made_up_for_until_its_lease_expires() {
    let mut cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    for n in 0..2 {
        cluster.shows(n, "hubbub_silent_instances", |silent| silent == 0).await;
    }
    // Its probe comes back, so it thinks that it is heard.
    cluster.instances[0].redis.as_ref().unwrap().gag(true);
    println!("silence noticed after {:.2?}", cluster.shows(1, "hubbub_silent_instances", |silent| silent == 1).await);
    let mut times = Vec::new();
    for run in 0..10 {
        times.push(say_and_hear(&ana, &ben, &format!("gagged {run}")).await);
    }
    print_times("said by somebody who is not heard, heard after", POLLED, &mut times);
    cluster.instances[0].redis.as_ref().unwrap().gag(false);
    cluster.shows(1, "hubbub_silent_instances", |silent| silent == 0).await;
    say_and_hear(&ana, &ben, "heard again").await;
    // Dead, and not silent for ever.
    cluster.kill(0);
    cluster.shows(1, "hubbub_silent_instances", |silent| silent == 1).await;
    let expired = cluster.shows(1, "hubbub_silent_instances", |silent| silent == 0).await;
    println!("a dead instance was waited for {expired:.2?}; its lease is of {:?}", limits::LEASE);
    cluster.restart(0).await;
    say_and_hear(&ana, &ben, "back").await;
    // Whoever goes in peace gives its lease up.
    cluster.stop(0).await;
    cluster.shows(1, "hubbub_silent_instances", |silent| silent == 0).await;
    cluster.restart(0).await;
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn what_somebody_committed_and_told_nobody_before_it_died_is_found() {
    let mut cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let mut times = Vec::new();
    for run in 0..5 {
        cluster.instances[0].redis.as_ref().unwrap().gag(true);
        let (said, text) = (Instant::now(), format!("last words {run}"));
        ana.says("general", &text).await;
        // Neither another announcement nor a heartbeat will tell of it.
        cluster.kill(0);
        ben.hears("general", &text).await;
        times.push(said.elapsed());
        cluster.instances[0].redis.as_ref().unwrap().gag(false);
        cluster.restart(0).await;
    }
    print_times("committed by an instance that died before it told, heard after", LOST, &mut times);
    cluster.verify("general", &[&ana, &ben]).await;
}

/// The status and the word of `/health/ready`.
async fn readiness(cluster: &Cluster, n: usize) -> (u16, String) {
    let answer = http::ask(cluster.at(n), "GET", "/health/ready", &[], "").await.expect("an answer");
    (answer.status, answer.json()["status"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn one_that_is_cut_off_alone_is_not_ready_and_a_whole_fleet_that_is_stays_so() {
    let (one, fleet) = tokio::join!(Cluster::of(2), Cluster::of(2));
    let (ana, ben) = one.ana_and_ben().await;
    let cut = Instant::now();
    one.instances[1].redis.as_ref().unwrap().cut();
    for instance in &fleet.instances {
        instance.redis.as_ref().unwrap().cut();
    }
    // Its bus is down at once; what follows from that waits for others to be sure.
    while readiness(&one, 1).await != (503, "cut off".to_owned()) {
        assert!(cut.elapsed() < limits::CUT_OFF + DEADLINE, "it stays ready");
        breathe().await;
    }
    let noticed = cut.elapsed();
    println!("cut off alone: not ready after {noticed:.2?}; promised {:?}", limits::CUT_OFF);
    assert!(noticed >= limits::CUT_OFF);
    assert_eq!(readiness(&one, 0).await, (200, "ok".to_owned()));
    for n in 0..2 {
        assert_eq!(readiness(&fleet, n).await, (200, "degraded".to_owned()), "the sockets of a whole fleet stay");
    }
    say_and_hear(&ana, &ben, "it goes on").await;
    one.instances[1].redis.as_ref().unwrap().mend();
    one.ready().await;
    // When the fleet's Redis comes back, one of them notices first; nobody is sent away for that.
    for instance in &fleet.instances {
        instance.redis.as_ref().unwrap().mend();
    }
    let mended = Instant::now();
    while mended.elapsed() < 2 * limits::LEASE_EVERY {
        for n in 0..2 {
            assert_eq!(readiness(&fleet, n).await.0, 200);
        }
        breathe().await;
    }
    one.verify("general", &[&ana, &ben]).await;
}
