//! How it is reached from outside, and how it goes.

use super::{Asked, Finding, files, listen::may_listen};
use crate::{
    config::{PublicSide, Settings, TlsFiles},
    server,
};
use std::time::SystemTime;

/// How many days before its end a certificate should have been renewed.
const RENEW_BEFORE_DAYS: i64 = 14;

/// `--drain-window`, `--admin-listen`, `--base-path`, `--allowed-origins`, `--trusted-proxies`, `--dev-host`, `--tls-cert`, `--tls-key`, `--portal-allow` and `--public-url`.
pub(super) async fn edge(asked: &Asked) -> Vec<Finding> {
    let set = &asked.settings;
    let mut findings = Vec::new();
    if let Some(address) = set.admin_listen {
        findings.push(may_listen("--admin-listen", address).await);
    }
    if let (Some(cert), Some(key)) = (&set.tls_cert, &set.tls_key) {
        findings.extend(certificate(&TlsFiles { cert: cert.clone(), key: key.clone() }));
    }
    if set.portal_allow.is_some() {
        findings.push(match set.portal_allow() {
            Ok(_) => Finding::ok("--portal-allow", "portals may be there, and at public addresses"),
            Err(error) => refused(&error),
        });
    }
    findings.extend(public_url(set));
    match PublicSide::parse(set) {
        Ok(edge) => findings.extend(looked_at(set, &edge)),
        Err(error) => findings.push(refused(&error)),
    }
    findings
}

/// Where it cannot be the address of this server, signed URLs never match.
fn public_url(set: &Settings) -> Option<Finding> {
    let about = "--public-url";
    let url = match set.public_url() {
        Ok(url) => url?,
        Err(error) => return Some(refused(&error)),
    };
    let base = set.base_path.as_deref().unwrap_or_default().trim_end_matches('/');
    Some(if url.ends_with(base) {
        Finding::ok(about, "signatures over a URL are checked as if it began so")
    } else {
        Finding::warning(
            about,
            "it does not end in --base-path, so nothing that portals call begins so unless a proxy changes paths",
            "give what stands before /hooks/ in the addresses that portals call",
        )
    })
}

fn looked_at(set: &Settings, edge: &PublicSide) -> Vec<Finding> {
    let mut findings = Vec::new();
    if edge.origins.takes_any() && !set.dev {
        findings.push(Finding::warning(
            "--allowed-origins *",
            "any page that somebody visits may connect from their browser",
            "name the origins of your own pages, unless others are to embed the chat",
        ));
    }
    let about = "--trusted-proxies";
    let listen = set.listen_at().ip().to_canonical();
    findings.push(match (edge.trusted_proxies.is_empty(), edge.tls.is_some() || set.dev || listen.is_loopback()) {
        (true, false) => Finding::warning(
            about,
            "none, and no TLS here: if a balancer is in front, all its clients count as one address, and share the limit of those who have not said who they are",
            "name the balancer's addresses or networks",
        ),
        (true, true) => Finding::ok(about, "none: if a balancer is in front, even on this machine, name its address"),
        (false, _) => Finding::ok(about, "they say where clients come from; have each of them set or add to X-Forwarded-For"),
    });
    if edge.dev_hosts.is_some() && !listen.is_loopback() {
        findings.push(Finding::warning(
            "--dev-host",
            "others can come, and --dev hands them tokens of anybody",
            "listen on 127.0.0.1, or leave --dev out",
        ));
    }
    findings.push(match edge.drain_window {
        window if window.is_zero() && !set.dev => Finding::warning(
            "--drain-window 0",
            "when it is told to go, all clients are cut off at once, and come to the others at once",
            "leave it out, unless there is one instance",
        ),
        window if window.is_zero() => {
            Finding::ok("--drain-window", "0, as --dev has it: when it is told to end, all clients are cut off at once")
        }
        window => Finding::ok(
            "--drain-window",
            format!("{window:?}; whoever stops it has to wait longer than that before killing it"),
        ),
    });
    findings
}

fn certificate(pair: &TlsFiles) -> Vec<Finding> {
    let until = match server::good_until(pair) {
        Ok(until) => until,
        Err(error) => return vec![refused(&error)],
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
    let (about, days) = (format!("--tls-cert {}", pair.cert.display()), (until - now) / 86_400);
    let said = format!("good for {days} more days, and --tls-key is its key");
    let mut findings = vec![match days {
        ..RENEW_BEFORE_DAYS => Finding::warning(about, said, "renew it; a running server takes the new one by itself"),
        _ => Finding::ok(about, said),
    }];
    if files::others_may_read(&pair.key) {
        let about = format!("--tls-key {}", pair.key.display());
        findings.push(Finding::warning(about, "everybody on this machine may read it", &files::chmod(&pair.key)));
    }
    findings
}

/// What `serve` would have ended with. It names its option first.
fn refused(error: &anyhow::Error) -> Finding {
    let said = format!("{error:#}");
    let (about, _) = said.split_once(": ").unwrap_or(("settings", ""));
    Finding::refused(about, error)
}
