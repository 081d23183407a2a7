//! `hubbub demo-portal`: a small agent desk in the browser, for trying out support chat without a portal of one's own.
//!
//! A third party in all but name: it speaks to the server over REST, webhooks and nothing else.

use crate::{
    config::{Hosts, api_key, cannot_listen},
    output,
};
use anyhow::{Context, bail};
use clap::Args;
use desk::Desk;
use server::Server;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

mod desk;
mod lines;
mod pages;
mod reach;
mod server;

/// What is said of a demo portal.
#[derive(Args)]
pub struct DemoPortal {
    /// Where the desk listens: its page for the agent, /webhook for the server
    #[arg(long, env = "HUBBUB_DEMO_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8100")]
    listen: SocketAddr,
    /// Names and addresses, separated by commas, under which the desk answers besides localhost and loopback addresses; without it the desk listens nowhere else
    #[arg(long, env = "HUBBUB_DEMO_HOST", value_name = "HOSTS")]
    host: Option<String>,
    /// The server, or its balancer; it must allow the desk's address: --portal-allow 127.0.0.1
    #[arg(long, env = "HUBBUB_SERVER", value_name = "URL", default_value = "http://127.0.0.1:8000")]
    server: String,
    /// The server's API key; better given as HUBBUB_API_KEY_FILE, the name of a file that holds it
    #[arg(long, env = "HUBBUB_API_KEY", value_name = "KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// The portal's id
    #[arg(long, value_name = "ID", default_value = "demo")]
    portal: String,
    /// How the server reaches the desk [default: http://LISTEN/webhook]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// How to begin.
pub const EXAMPLES: &str = "\
Support chat in two windows, on one machine:
  openssl rand -hex 24 >api-key
  HUBBUB_API_KEY_FILE=api-key hubbub serve --dev --portal-allow 127.0.0.1
  in a second terminal: HUBBUB_API_KEY_FILE=api-key hubbub demo-portal
  then open http://127.0.0.1:8100/ as the agent and http://127.0.0.1:8000/?user=ana&portal=demo as the customer

It makes the portal, or takes it over with new secrets, and keeps what it hears in memory. Where the server does not
call the desk's address, it says so, and with which --portal-allow it would.";

/// Registers the desk with the server, and serves it until the program is told to end.
///
/// # Errors
/// When it cannot listen, or the server refuses it.
pub async fn run(said: DemoPortal) -> anyhow::Result<()> {
    let hosts = Hosts::parse("--host", said.host.as_deref().unwrap_or_default())?;
    if hosts.is_empty() && !said.listen.ip().to_canonical().is_loopback() {
        bail!(
            "the desk shows conversations to anybody, and --listen {} is not only for this machine: listen on 127.0.0.1, or say with --host under which names others may come",
            said.listen
        );
    }
    let listener =
        TcpListener::bind(said.listen).await.map_err(|error| cannot_listen("--listen", said.listen, error))?;
    let at = listener.local_addr().context("cannot listen")?;
    let url = said.url.unwrap_or_else(|| format!("http://{at}/webhook"));
    let key = api_key(said.api_key)?;
    let server = Server::new(&said.server, key, &said.portal, url.clone())?;
    let secrets = server.register().await?;
    output::notice(format_args!("the portal {} is registered: the server sends its webhooks to {url}", said.portal));
    output::notice(format_args!("agent:    http://{at}/"));
    output::notice(format_args!("customer: {} (of a server with --dev)", server.customer()));
    let desk = Arc::new(Desk::new(server, secrets));
    let serves = axum::serve(listener, pages::router(desk.clone(), hosts));
    // Nothing is waited for at the end: a page that is open has a request that never ends.
    tokio::select! {
        served = serves => served.context("the desk"),
        () = desk.watches() => Ok(()),
        () = ended() => Ok(()),
    }
}

async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
