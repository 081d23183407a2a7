//! What is counted of entries that are delivered.

use super::live::shards::Written;
use crate::{clock::Clock, metrics::Metrics};
use hubbub_core::live::item::Item;
use std::{sync::Arc, time::Duration};

/// An entry is written to a socket: now and then, how long after the store took it.
pub(super) fn measure(metrics: &Metrics, clock: &Clock, item: Option<&Arc<Item>>) {
    if let Some(item) = item
        && metrics.latency.is_due()
        && let Some(at) = item.at()
    {
        metrics.latency.delivered(Duration::from_millis(at.0.unsigned_abs()), clock.now());
    }
}

/// What is counted of entries that shards have written.
pub(super) fn written(metrics: Arc<Metrics>, clock: Arc<Clock>) -> Arc<Written> {
    Arc::new(move |items, first| {
        metrics.delivered.inc_by(items);
        measure(&metrics, &clock, first);
    })
}
