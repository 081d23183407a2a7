//! What a bus over Redis must survive.

use super::{DEADLINE, Endpoint};
use crate::support::{door::Door, redis::Redis};
use hubbub::bus::{Bus, BusEvent, Health, redis::RedisBus};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// What is promised for noticing a hung Redis, and what a busy machine is allowed.
const NOTICED: Duration = Duration::from_secs(3);
const NOTICED_AT_MOST: Duration = Duration::from_secs(10);

/// Everybody is up, and hears everybody.
async fn all_hear_each_other(endpoints: &mut [Endpoint], word: &str) -> Vec<usize> {
    for endpoint in &*endpoints {
        endpoint.is(Health::Up).await;
    }
    let mut lost = vec![0; endpoints.len()];
    for from in 0..endpoints.len() {
        let said = format!("{word} {from}");
        endpoints[from].says(9, said.clone());
        for (hearer, lost) in endpoints.iter_mut().zip(&mut lost) {
            *lost += hearer.hears_at_last(&said).await;
        }
    }
    lost
}

#[tokio::test]
async fn a_redis_that_is_down_at_the_start_is_found_once_it_is_up() {
    let mut redis = Redis::start().await;
    redis.stop();
    let started = RedisBus::start(&redis.url(), "suite").expect("a Redis that is down is normal");
    let counters = started.counters().expect("counters");
    let mut endpoint = Endpoint::of(started);
    assert_eq!(*endpoint.bus.health().borrow(), Health::Down);
    endpoint.says(0, "stale");
    until("a redial of both sides", || counters.redials.load(Ordering::Relaxed) >= 4).await;
    redis.restart().await;
    eprintln!("up {:?} after Redis", endpoint.is(Health::Up).await);
    endpoint.says(0, "fresh");
    assert_eq!(endpoint.event().await, BusEvent::Lost);
    assert_eq!(endpoint.hears().await, "fresh", "what was published while it was down is stale and dropped");
    assert_eq!(counters.dropped.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_killed_for_eight_seconds_is_found_again_and_the_loss_is_said() {
    let mut redis = Redis::start().await;
    let mut endpoints = [Endpoint::dial(redis.addr(), "suite").await, Endpoint::dial(redis.addr(), "suite").await];
    redis.stop();
    let killed = Instant::now();
    for endpoint in &mut endpoints {
        endpoint.is(Health::Down).await;
        assert_eq!(endpoint.event().await, BusEvent::Lost, "said at once, not only when it is back");
        eprintln!("kill noticed after {:?}", killed.elapsed());
        endpoint.says(0, "into the void");
    }
    // Longer than the client's own retries, which give up silently after about six seconds.
    sleep(Duration::from_secs(8).saturating_sub(killed.elapsed())).await;
    redis.restart().await;
    let back = Instant::now();
    let lost = all_hear_each_other(&mut endpoints, "again").await;
    eprintln!("healed {:?} after Redis was back", back.elapsed());
    assert!(lost.iter().all(|lost| *lost >= 1), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_redis_is_noticed_and_the_others_do_not_mind() {
    let redis = Redis::start().await;
    let door = Door::to(redis.addr()).await;
    let mut endpoints = [Endpoint::dial(door.addr(), "suite").await, Endpoint::dial(redis.addr(), "suite").await];
    door.hold();
    let noticed = endpoints[0].is(Health::Down).await;
    eprintln!("hung: noticed after {noticed:?} (promised: {NOTICED:?})");
    assert!(noticed < NOTICED_AT_MOST);
    assert_eq!(*endpoints[1].bus.health().borrow(), Health::Up);
    // Whoever publishes may notice it first. Whoever listens does, too, before it answers again.
    assert_eq!(endpoints[0].event().await, BusEvent::Lost, "said at once, not only when it is back");
    door.mend();
    let mended = Instant::now();
    let lost = all_hear_each_other(&mut endpoints, "again").await;
    eprintln!("hung: healed {:?} after it answered again", mended.elapsed());
    assert_eq!(lost[1], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_looks_well_and_hears_nothing_is_given_up() {
    let redis = Redis::start().await;
    let door = Door::to(redis.addr()).await;
    let mut endpoints = [Endpoint::dial(door.addr(), "suite").await, Endpoint::dial(redis.addr(), "suite").await];
    door.mute();
    let noticed = endpoints[0].is(Health::Down).await;
    eprintln!("half-open: noticed after {noticed:?} (promised: {NOTICED:?})");
    assert!(noticed < NOTICED_AT_MOST);
    endpoints[0].says(1, "publishing still works");
    assert_eq!(endpoints[1].hears().await, "publishing still works");
    door.mend();
    let lost = all_hear_each_other(&mut endpoints, "again").await;
    assert!(lost[0] >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_is_noticed_at_once_and_heals_by_itself() {
    let redis = Redis::start().await;
    let door = Door::to(redis.addr()).await;
    let mut endpoints = [Endpoint::dial(door.addr(), "suite").await, Endpoint::dial(redis.addr(), "suite").await];
    for round in 0..3 {
        door.cut();
        let noticed = endpoints[0].is(Health::Down).await;
        assert!(noticed < Duration::from_secs(1), "{noticed:?}");
        assert_eq!(endpoints[0].event().await, BusEvent::Lost, "said at once, not only when it is back");
        endpoints[1].says(2, "missed");
        endpoints[1].hears_at_last("missed").await;
        door.mend();
        let mended = Instant::now();
        let lost = all_hear_each_other(&mut endpoints, &format!("round {round}")).await;
        eprintln!("cut: noticed after {noticed:?}, healed after {:?}", mended.elapsed());
        assert!(lost[0] >= 1);
        assert_eq!(lost[1], 0);
    }
}

#[tokio::test]
async fn an_instance_that_is_gone_leaves_nothing_in_redis() {
    let redis = Redis::start().await;
    let mut endpoints = [Endpoint::dial(redis.addr(), "suite").await, Endpoint::dial(redis.addr(), "suite").await];
    all_hear_each_other(&mut endpoints, "here").await;
    assert!(redis.ask(&["PUBSUB", "CHANNELS"]).await.contains("hubbub:suite:lane:0"));
    drop(endpoints);
    let gone = async {
        while redis.ask(&["PUBSUB", "CHANNELS"]).await != "*0\r\n" {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, gone).await.expect("no channel is left");
    assert_eq!(redis.ask(&["DBSIZE"]).await, ":0\r\n");
}

#[tokio::test]
async fn two_namespaces_on_one_redis_do_not_hear_each_other() {
    let redis = Redis::start().await;
    let mut here = [Endpoint::dial(redis.addr(), "here").await, Endpoint::dial(redis.addr(), "here").await];
    let mut there = Endpoint::dial(redis.addr(), "there").await;
    here[0].says(0, "ours");
    assert_eq!(here[1].hears().await, "ours");
    there.says(0, "fence");
    assert_eq!(there.hears().await, "fence");
}

#[tokio::test]
async fn a_door_that_swallows_some_lets_the_next_ones_pass() {
    let redis = Redis::start().await;
    let door = Door::to(redis.addr()).await;
    let publisher = Endpoint::dial(door.addr(), "suite").await;
    let mut hearer = Endpoint::dial(redis.addr(), "suite").await;
    for burst in [1, 40] {
        let (before, swallowed) = (door.swallowed(), 3);
        door.swallow(swallowed);
        let mut health = publisher.bus.health();
        health.mark_unchanged();
        for number in 0..swallowed + burst {
            publisher.says(5, format!("{burst} {number}"));
        }
        for number in swallowed..swallowed + burst {
            assert_eq!(hearer.hears().await, format!("{burst} {number}"));
        }
        assert_eq!(door.swallowed() - before, swallowed);
        assert!(!health.has_changed().expect("a bus"), "probes pass, so nobody notices");
    }
}

#[tokio::test]
async fn a_door_that_keeps_publishes_back_inverts_two_instances() {
    let redis = Redis::start().await;
    let door = Door::to(redis.addr()).await;
    let first = Endpoint::dial(door.addr(), "suite").await;
    let second = Endpoint::dial(redis.addr(), "suite").await;
    let mut hearer = Endpoint::dial(redis.addr(), "suite").await;
    door.hold_publishes();
    for word in ["1", "2"] {
        first.says(5, word);
    }
    until("both are kept back", || door.held_publishes() == 2).await;
    second.says(5, "3");
    assert_eq!(hearer.hears().await, "3");
    door.release().await;
    first.says(5, "4");
    for word in ["1", "2", "4"] {
        assert_eq!(hearer.hears().await, word);
    }
}

#[tokio::test]
async fn a_slow_way_to_redis_is_no_outage() {
    let redis = Redis::start().await;
    let door = Door::to(redis.addr()).await;
    door.delay(Duration::from_millis(100));
    let mut slow = Endpoint::dial(door.addr(), "suite").await;
    let quick = Endpoint::dial(redis.addr(), "suite").await;
    quick.says(0, "hello");
    assert_eq!(slow.hears().await, "hello");
}

#[tokio::test]
async fn a_password_is_used_and_a_wrong_one_is_an_outage() {
    let redis = Redis::start().await;
    assert_eq!(redis.ask(&["CONFIG", "SET", "requirepass", "right"]).await, "+OK\r\n");
    let start = |password| RedisBus::start(&format!("redis://:{password}@{}", redis.addr()), "suite").expect("a URL");
    let (right, wrong) = (Endpoint::of(start("right")), start("wrong"));
    right.is(Health::Up).await;
    let counters = wrong.counters().expect("counters");
    until("two redials of both sides", || counters.redials.load(Ordering::Relaxed) >= 4).await;
    assert_eq!(*wrong.health().borrow(), Health::Down);
}

#[tokio::test]
async fn what_is_published_and_heard_is_counted() {
    let redis = Redis::start().await;
    let mut hearer = Endpoint::dial(redis.addr(), "suite").await;
    let bus = RedisBus::start(&redis.url(), "suite").expect("a URL");
    let counters = bus.counters().expect("counters");
    let publisher = Endpoint::of(bus);
    publisher.is(Health::Up).await;
    for number in 0..5 {
        publisher.says(0, number.to_string());
    }
    hearer.hears_at_last("4").await;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    until("counted", || (count(&counters.published), count(&counters.heard)) == (5, 5)).await;
    assert_eq!((count(&counters.dropped), count(&counters.lost), count(&counters.redials)), (0, 1, 0));
}

async fn until(what: &str, level: impl Fn() -> bool) {
    let reached = async {
        while !level() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, reached).await.unwrap_or_else(|_| panic!("in time: {what}"));
}
