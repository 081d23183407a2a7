//! A portal does not take what some customers write: nobody else notices.

use crate::{desk::Desk, wire::DEADLINE};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Honest customers, and how often each of them writes.
const HONEST: usize = 10;
const ROUNDS: usize = 10;

/// Honest customers write, one after another: how long it took until the portal had each message.
async fn honest(desk: &Desk, round: &str) -> Vec<Duration> {
    let mut took = Vec::new();
    for n in 0..HONEST * ROUNDS {
        let (session, customer) = (format!("honest{}", n % HONEST), format!("h{}", n % HONEST));
        let text = format!("{round} {n}");
        desk.says(&session, &customer, &text).await;
        let began = Instant::now();
        while desk.portal.taken(&session).last().map(|arrival| arrival.text()).as_ref() != Some(&text) {
            assert!(began.elapsed() < DEADLINE, "{text} waits behind what the portal does not take");
            crate::cluster::breathe().await;
        }
        took.push(began.elapsed());
    }
    took.sort();
    took
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() * 99 / 100]
}

/// A hundred sessions write what the portal answers with `status`, or never (`None`), of one customer or of as many.
async fn poisoned(status: Option<u16>, of_one: bool) {
    let desk = Desk::with(json!({})).await;
    for n in 0..HONEST {
        desk.session(&format!("honest{n}"), &format!("h{n}")).await;
    }
    let before = honest(&desk, "before").await;
    match status {
        Some(status) => desk.portal.poisons("poison", status),
        None => desk.portal.hangs_at("poison"),
    }
    for n in 0..100 {
        let customer = if of_one { "mallory".into() } else { format!("m{n}") };
        desk.session(&format!("bad{n}"), &customer).await;
        for _ in 0..3 {
            desk.says(&format!("bad{n}"), &customer, "poison").await;
        }
    }
    let during = honest(&desk, "during").await;
    println!(
        "{status:?}, of one customer: {of_one}: p99 {:.1?} before, {:.1?} during; {} refused",
        p99(&before),
        p99(&during),
        desk.portal.arrivals().iter().filter(|arrival| !arrival.taken).count()
    );
    assert_eq!(desk.api("GET", "/v1/portals/desk", &Value::Null).await.json()["standing"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_sessions_that_are_refused_delay_nobody() {
    poisoned(Some(422), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_with_a_hundred_sessions_delays_nobody() {
    poisoned(Some(413), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_sessions_that_break_the_portal_delay_nobody() {
    poisoned(Some(500), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_sessions_that_are_forbidden_delay_nobody() {
    poisoned(Some(403), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_sessions_that_make_the_portal_hang_delay_nobody() {
    poisoned(None, false).await;
}
