//! An instance that goes sends its clients elsewhere, some at a time.

use super::Gateway;
use hubbub_core::model::drain::Pace;
use std::time::Duration;
use tokio::{sync::watch, time::Instant};

/// How often some are sent away, about.
const STEP: Duration = Duration::from_millis(100);
/// How long the last may take to go: their sends are answered first, and then they have time for a goodbye.
const GO_WITHIN: Duration = Duration::from_secs(7);

/// Sends every client elsewhere, evenly over `window`, each with 3001; returns when none is left, or when the last have
/// been given up. When `stops` changes, the rest of the window is left out. Nobody new should be let in meanwhile; whoever
/// was still arriving is sent on like the others.
pub async fn drain(gateway: &Gateway, window: Duration, stops: &mut watch::Receiver<u32>) {
    let metrics = &gateway.chat.metrics;
    let mut end = Instant::now() + window;
    let (mut pace, mut looked) = (Pace::new(rand::random()), Instant::now());
    while metrics.connections.get() > 0 {
        let now = Instant::now();
        if now >= end + GO_WITHIN {
            tracing::warn!(connections = metrics.connections.get(), "some clients did not close in time");
            break;
        }
        let due = pace.due(gateway.roster.len(), now - looked, end.saturating_duration_since(looked));
        gateway.roster.send_away(due);
        metrics.draining.set(i64::try_from(gateway.roster.len()).unwrap_or(i64::MAX));
        looked = now;
        // No two batches at the same distance: instances that go together do not beat in time.
        let step = STEP.mul_f64(0.5 + rand::random::<f64>());
        tokio::select! {
            () = tokio::time::sleep(step) => {}
            Ok(()) = stops.changed() => {
                tracing::info!("told to stop again: the rest of the drain window is left out");
                end = end.min(Instant::now());
            }
        }
    }
    metrics.draining.set(0);
}
