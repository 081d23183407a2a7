//! Compares the clock with that of the store, over and over, and says when they differ.

use crate::{clock::Clock, metrics::Metrics, store::Store};
use hubbub_core::{limits, model::reason::Reason};
use std::{
    sync::{Arc, Weak},
    time::Instant,
};

/// Keeps a clock, until nobody has it any more.
pub(super) async fn keep(clock: Weak<Clock>, store: Arc<dyn Store>, metrics: Arc<Metrics>) {
    let mut off = Reason::new(limits::REASON_EVERY_MAX, 10 * limits::REASON_EVERY_MAX);
    let mut retry = limits::CLOCK_RETRY;
    loop {
        let answer = store.clock().await;
        let Some(clock) = clock.upgrade() else { return };
        match answer {
            Ok(Some(reading)) => {
                clock.take(reading);
                retry = limits::CLOCK_EVERY;
                say(&clock, &metrics, &mut off);
            }
            Ok(None) => return clock.tried(),
            Err(error) => tracing::debug!(%error, "the store does not say what time it is; asking again"),
        }
        clock.tried();
        drop(clock);
        tokio::time::sleep(retry).await;
    }
}

fn say(clock: &Clock, metrics: &Metrics, off: &mut Reason) {
    metrics.tokens.clock_offset.set(clock.offset().unwrap_or_default());
    match clock.is_off() {
        Some(offset) => {
            let way = if offset > 0.0 { "ahead of" } else { "behind" };
            let says = format!("{:.0} s {way} that of Postgres", offset.abs());
            if off.fails(&says, Instant::now()) {
                tracing::warn!("the clock of this machine is {says}, by which tokens and webhooks are judged: set it");
            }
        }
        None => {
            if off.works() {
                tracing::info!("the clock of this machine agrees with that of Postgres again");
            }
        }
    }
}
