//! What carries announcements between instances.

use super::{Asked, Finding};
use crate::{
    bus::{Bus, Health},
    config::{BusAt, ONE_PROCESS, StoreAt},
    server,
};
use futures_util::future::join_all;
use hubbub_core::limits::POLL_EVERY;
use std::{path::PathBuf, time::Duration};
use tokio::net::TcpStream;

/// How long a probe may be on its way.
const PROBED_WITHIN: Duration = Duration::from_secs(6);
/// How long dialling one server may take.
const DIALLED_WITHIN: Duration = Duration::from_secs(4);

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
    let to_do = match &at {
        BusAt::Local => return findings,
        BusAt::Kafka(url) => {
            findings.extend(servers(&at, url, &namespace).await);
            return findings;
        }
        BusAt::Redis(_) => {
            "see with `redis-cli` from this machine whether it is up, version 6 or newer, wants TLS (rediss://) or not, takes this password, and allows PUBLISH and SUBSCRIBE on hubbub:*"
        }
        BusAt::Nats(_) => {
            "see with `nats pub` and `nats sub` from this machine whether it is up, takes this user, and allows the subjects hubbub.>"
        }
        BusAt::Postgres => {
            "it uses the server of --store, directly and not through a pooler: see whether that can be reached and has a connection to spare"
        }
    };
    if let Some(store) = &store {
        let suits = server::check_bus(&at, store).await;
        findings.push(match suits.and_then(|()| server::open_bus(&at, store, &namespace)) {
            Ok(bus) => probed(&at, &*bus, to_do).await,
            Err(error) => Finding::wrong(format!("--bus {at}"), format!("{error:#}"), to_do),
        });
    }
    findings
}

/// Whether Kafka's servers take connections. No probe: a topic is not made for a look.
async fn servers(at: &BusAt, url: &str, namespace: &str) -> Vec<Finding> {
    let about = format!("--bus {at}");
    if let Err(error) = understood(at, namespace) {
        let to_do = "kafka://host:9092,host:9092/prefix is expected, of a program built with its feature `kafka`";
        return vec![Finding::wrong(about, format!("{error:#}"), to_do)];
    }
    let places = url.trim_start_matches("kafka://").split('/').next().unwrap_or_default();
    let dials = places.split(',').map(async |place| {
        let named = place.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
        let place = if named { place.to_owned() } else { format!("{place}:9092") };
        let dialled = tokio::time::timeout(DIALLED_WITHIN, TcpStream::connect(&place)).await;
        match dialled {
            Ok(Ok(_)) => Ok(place),
            Ok(Err(error)) => Err(format!("{place} cannot be reached: {error}")),
            Err(_) => Err(format!("{place} does not answer within {DIALLED_WITHIN:?}")),
        }
    });
    let (there, away): (Vec<_>, Vec<_>) = join_all(dials).await.into_iter().partition(Result::is_ok);
    let to_do = "see from this machine whether it is up, listens on this port, and is not behind a firewall";
    let level = if there.is_empty() { Finding::wrong } else { Finding::warning };
    let mut findings: Vec<_> =
        away.into_iter().filter_map(Result::err).map(|why| level(about.clone(), why, to_do)).collect();
    let there: Vec<_> = there.into_iter().flatten().collect();
    if !there.is_empty() {
        let said = format!("{} can be reached; whether topics may be made and written was not tried", there.join(", "));
        findings.push(Finding::ok(about, said));
    }
    findings
}

/// Whether the bus would be started, told without a task of it being run.
fn understood(at: &BusAt, namespace: &str) -> anyhow::Result<()> {
    let idle = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = {
        let _entered = idle.enter();
        server::open_bus(at, &StoreAt::Sqlite(PathBuf::new()), namespace).map(drop)
    };
    idle.shutdown_background();
    opened
}

/// Whether a message that is published comes back: for every bus there is.
async fn probed(at: &BusAt, bus: &dyn Bus, to_do: &str) -> Finding {
    let about = format!("--bus {at}");
    let mut health = bus.health();
    let up = tokio::time::timeout(PROBED_WITHIN, health.wait_for(|health| *health == Health::Up)).await;
    match up {
        Ok(Ok(_)) => Finding::ok(about, "a probe that was published came back"),
        _ => {
            let why =
                bus.counters().and_then(|counters| counters.trouble()).unwrap_or_else(|| "it says nothing".into());
            Finding::wrong(
                about,
                format!("no probe that was published came back within {PROBED_WITHIN:?}: {why}"),
                to_do,
            )
        }
    }
}
