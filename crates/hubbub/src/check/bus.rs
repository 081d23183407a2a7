//! What carries announcements between instances.

use super::{Asked, Finding};
use crate::{
    bus::{Bus, Health, redis::RedisBus},
    config::{BusAt, ONE_PROCESS, StoreAt},
};
use hubbub_core::limits::POLL_EVERY;
use std::time::Duration;

/// How long a probe may be on its way.
const PROBED_WITHIN: Duration = Duration::from_secs(6);

/// `--bus`, by itself and together with `--store`.
pub(super) async fn bus(asked: &Asked) -> Vec<Finding> {
    let at = match asked.settings.bus_at() {
        Ok(at) => at,
        Err(error) => {
            let to_do = "give --bus redis://host:6379, or leave it out where there is one instance";
            return vec![Finding::wrong("--bus", format!("{error:#}"), to_do)];
        }
    };
    let store = asked.settings.store_at().ok();
    let mut findings = Vec::new();
    match (&at, &store) {
        (BusAt::Local, Some(StoreAt::Postgres { .. })) => findings.push(Finding::warning(
            "--bus local",
            format!("with more than one instance, messages reach the others up to {POLL_EVERY:?} late, by polling"),
            "use --bus redis://… on several instances; on one nothing is to be done",
        )),
        (BusAt::Local, _) => findings.push(Finding::ok("--bus local", "for one instance")),
        (_, Some(StoreAt::Sqlite(_))) => {
            findings.push(Finding::wrong(format!("--bus {at}"), ONE_PROCESS, "leave --bus out, or move to Postgres"))
        }
        _ => {}
    }
    // Messages of a check are for nobody: they are in a namespace of their own, which nobody else is in.
    let namespace = format!("check-{}", uuid::Uuid::new_v4());
    match &at {
        BusAt::Local => {}
        BusAt::Redis(url) => {
            let to_do = "see with `redis-cli` from this machine whether it is up, version 6 or newer, takes this password, and allows PUBLISH and SUBSCRIBE on hubbub:*";
            findings.push(match RedisBus::start(url, &namespace) {
                Ok(bus) => probed(&at, &bus, to_do).await,
                Err(error) => Finding::wrong(format!("--bus {at}"), error, to_do),
            });
        }
    }
    findings
}

/// Whether a message that is published comes back: for every bus there is.
async fn probed(at: &BusAt, bus: &dyn Bus, to_do: &str) -> Finding {
    let about = format!("--bus {at}");
    let mut health = bus.health();
    let up = tokio::time::timeout(PROBED_WITHIN, health.wait_for(|health| *health == Health::Up)).await;
    match up {
        Ok(Ok(_)) => Finding::ok(about, "a probe that was published came back"),
        _ => Finding::wrong(about, format!("no probe that was published came back within {PROBED_WITHIN:?}"), to_do),
    }
}
