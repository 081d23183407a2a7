//! What a bus over Kafka must survive, and what it must not leave behind.

use super::{DEADLINE, Endpoint, all_hear_each_other, until};
use crate::support::kafka::Kafka;
use hubbub::bus::{self, Bus, BusEvent, Health, PacketBus};
use std::{process::Command, sync::atomic::Ordering, time::Instant};
use tokio::time::timeout;

fn start(kafka: &Kafka, prefix: &str) -> PacketBus {
    bus::kafka::start(&format!("{}/{prefix}", kafka.url()), "suite").expect("a URL")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kafka_killed_and_restarted_is_found_again() {
    let mut kafka = Kafka::start().await;
    kafka.stop();
    let started = start(&kafka, "chat");
    let counters = started.counters().expect("counters");
    let first = Endpoint::of(started);
    first.says(0, "stale");
    until("a redial", || counters.redials.load(Ordering::Relaxed) >= 2).await;
    kafka.restart().await;
    let mut first = first.comes_up().await;
    let mut second = Endpoint::up(start(&kafka, "chat")).await;
    first.says(1, "fresh");
    assert_eq!(first.hears_at_last("fresh").await, 0, "said at the start already");
    assert_eq!(second.hears().await, "fresh", "what was published while it was down is stale and dropped");
    assert_eq!(counters.dropped.load(Ordering::Relaxed), 1);

    kafka.stop();
    let killed = Instant::now();
    for endpoint in [&mut first, &mut second] {
        endpoint.is(Health::Down).await;
        assert_eq!(endpoint.event().await, BusEvent::Lost, "said at once, not only when it is back");
    }
    println!("kill noticed by all after {:?}", killed.elapsed());
    kafka.restart().await;
    let back = Instant::now();
    let lost = all_hear_each_other(&mut [first, second], "again").await;
    println!("healed {:?} after Kafka was back; told of a loss again: {lost:?}", back.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_cut_off_reads_on_from_where_it_was() {
    let kafka = Kafka::start().await;
    let url = format!("kafka://{}/chat", kafka.door.addr());
    let mut away = Endpoint::up(bus::kafka::start(&url, "suite").expect("a URL")).await;
    let mut other = Endpoint::up(start(&kafka, "chat")).await;
    kafka.door.cut();
    let noticed = away.is(Health::Down).await;
    println!("cut: noticed after {noticed:?}");
    assert!(noticed < super::NOTICED, "{noticed:?}");
    assert_eq!(away.event().await, BusEvent::Lost, "said at once, not only when it is back");
    for number in 0..100 {
        other.says(3, number.to_string());
    }
    other.hears_at_last("99").await;
    kafka.door.mend();
    let mended = Instant::now();
    for number in 0..100 {
        assert_eq!(away.hears().await, number.to_string(), "the server has kept it");
    }
    away.is(Health::Up).await;
    println!("cut: everything heard {:?} after it was mended", mended.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_kafka_is_noticed() {
    let kafka = Kafka::start().await;
    let mut endpoints = [Endpoint::up(start(&kafka, "chat")).await, Endpoint::up(start(&kafka, "chat")).await];
    signal(&kafka, "-STOP");
    let hung = Instant::now();
    for endpoint in &endpoints {
        endpoint.is(Health::Down).await;
    }
    println!("hung: noticed by all after {:?} (promised: {:?})", hung.elapsed(), super::NOTICED);
    assert!(hung.elapsed() < super::NOTICED_AT_MOST);
    signal(&kafka, "-CONT");
    let mended = Instant::now();
    all_hear_each_other(&mut endpoints, "again").await;
    println!("hung: healed {:?} after it answered again", mended.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_leave_one_topic_behind_and_no_groups() {
    let kafka = Kafka::start().await;
    for round in 0..3 {
        let mut endpoints = [Endpoint::up(start(&kafka, "chat")).await, Endpoint::up(start(&kafka, "chat")).await];
        all_hear_each_other(&mut endpoints, &format!("round {round}")).await;
    }
    let asks = |tool: &'static str, arguments: &'static [&str]| kafka.ask(tool, arguments);
    assert_eq!(asks("org.apache.kafka.tools.TopicCommand", &["--list"]).trim(), "chat.suite");
    assert_eq!(asks("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", &["--list"]).trim(), "");
    let topic = asks("org.apache.kafka.tools.TopicCommand", &["--describe", "--topic", "chat.suite"]);
    for setting in ["PartitionCount: 4", "retention.ms=60000", "segment.ms=60000", "cleanup.policy=delete"] {
        assert!(topic.contains(setting), "{topic}");
    }
}

impl Endpoint {
    /// Once it is up and has said what it says at the start.
    async fn comes_up(mut self) -> Self {
        self.is(Health::Up).await;
        assert_eq!(timeout(DEADLINE, self.events.recv()).await.expect("in time"), Some(BusEvent::Lost));
        self
    }
}

fn signal(kafka: &Kafka, signal: &str) {
    let sent = Command::new("kill").args([signal, &kafka.pid().to_string()]).status().expect("kill");
    assert!(sent.success());
}
