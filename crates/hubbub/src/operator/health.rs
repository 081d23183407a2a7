//! `hubbub health`: what a container's health check runs, since there is nothing else in its image to run.

use super::Wrong;
use crate::{
    config::{Reach, address},
    log::plain,
};
use anyhow::{anyhow, bail};
use clap::Args;
use reqwest::{Client, StatusCode, redirect::Policy};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

pub(super) const EXAMPLES: &str = "\
It asks GET /health/ready of the instance on this machine, at the address where `hubbub serve` would listen: it takes
--listen, --base-path and --tls-cert from flags, from the environment and from the file of --config, as `serve` does. What
`serve` was given by flags it has to be given, too. It needs no secret, and sends none. With TLS the certificate is not
checked: it is for the name that clients use, and this is the same machine.

ready: the instance takes clients. Not ready: it is starting, or going away, or cut off from the database or the bus.
--live: the process answers at all. To start a process anew use --live: one that is not ready is mended by waiting, and where
all instances are cut off from their database, starting them anew would only add their clients' coming back to it.

In a container, as its health check:
  /hubbub health --live
Before a deployment goes on to the next instance:
  until hubbub health; do sleep 1; done

It waits 3 s for the answer.
Exit codes: 0 yes, 1 no, and standard error says why; 2 wrong flags or configuration.";

/// How long the answer may take.
const WITHIN: Duration = Duration::from_secs(3);
/// As much of what was answered is shown.
const SHOWN: usize = 300;

/// Whether the instance on this machine is ready, or alive.
#[derive(Args)]
pub struct Health {
    /// Ask only whether the process answers
    #[arg(long)]
    live: bool,
    /// Where it listens [default: 127.0.0.1:8000]
    #[arg(long, env = "HUBBUB_LISTEN", value_name = "ADDR", value_parser = address)]
    listen: Option<SocketAddr>,
    /// What every path there begins with
    #[arg(long, env = "HUBBUB_BASE_PATH", value_name = "PATH")]
    base_path: Option<String>,
    /// Where this is set, TLS is spoken there
    #[arg(long, env = "HUBBUB_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The TOML file of `hubbub serve`
    #[arg(long, env = "HUBBUB_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Health {
    /// Asks.
    ///
    /// # Errors
    /// Why it is not ready, or not alive; [`Wrong`] where it was not asked.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let reach = Reach::of(self.listen, self.base_path, self.tls_cert, self.config.as_deref());
        let at = reach.and_then(|reach| reach.url()).map_err(|error| Wrong::new(format!("{error:#}")))?;
        let url = format!("{at}/health/{}", if self.live { "live" } else { "ready" });
        crate::crypto::install();
        // Always this machine: no proxy is in between, and the certificate is for another name.
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(WITHIN);
        let client = client.tls_danger_accept_invalid_certs(true).build()?;
        let mut answer = match client.get(&url).send().await {
            Ok(answer) => answer,
            Err(error) if error.is_timeout() => bail!("{url} did not answer within {WITHIN:?}"),
            Err(error) => return Err(unanswered(&url, error)),
        };
        let status = answer.status();
        if status == StatusCode::OK {
            return Ok(());
        }
        let text = answer.chunk().await.ok().flatten().unwrap_or_default();
        let said = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]).trim().replace('\n', " ");
        let todo = match status {
            StatusCode::NOT_FOUND => "; is --base-path the one that it serves with?",
            StatusCode::BAD_REQUEST => "; does it speak TLS there? Then give --tls-cert",
            _ => "",
        };
        Err(anyhow!("{url} answered {}: {}{todo}", status.as_u16(), plain(&said)))
    }
}

fn unanswered(url: &str, error: reqwest::Error) -> anyhow::Error {
    let refused = error.is_connect()
        && chain(&error).any(|cause| {
            cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
        });
    match refused {
        true => anyhow!("{url}: nothing listens there: it is not running, or listens elsewhere (--listen)"),
        false => {
            let root = chain(&error).last().map(ToString::to_string).unwrap_or_default();
            anyhow!(
                "{url} cannot be asked: {root}; is it this server, with TLS where --tls-cert is given and without it elsewhere?"
            )
        }
    }
}

fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}
