//! The `hubbub` command.

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use hubbub::{
    config::{self, Settings},
    server, token,
};
use hubbub_core::ids::UserId;
use std::{io::IsTerminal, time::Duration};
use tokio::{net::TcpListener, signal::unix::SignalKind};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A chat backend: every message durable and live at once.
#[derive(Parser)]
#[command(version, about, after_help = "Try it: hubbub serve --dev, then open http://127.0.0.1:8000/ in two windows.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve clients, and the REST API
    Serve(Box<Settings>),
    /// Print a token for a user, signed with the token secret: for trying things out, and to see what your backend has to make
    Token {
        /// Who
        #[arg(long)]
        user: String,
        /// How long it is good, like 15m, 1h, 7d
        #[arg(long, default_value = "1h", value_parser = duration)]
        ttl: Duration,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// What positions count in
    Epoch {
        #[command(subcommand)]
        command: Epoch,
    },
    /// Print the OpenAPI document of the REST API
    Openapi,
}

#[derive(Subcommand)]
enum Epoch {
    /// Run this after restoring a dump, a snapshot or a SQLite file, before clients come back: positions from the other
    /// life are then answered "not recovered" instead of being confused with new messages
    Bump {
        #[command(flatten)]
        settings: Box<Settings>,
    },
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("HUBBUB_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(cli.command))
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(settings) => serve(*settings).await,
        Command::Token { user, ttl, settings } => {
            let config = settings.resolve()?;
            let user = UserId::parse_outsider("--user", &user)?;
            println!("{}", token::make(&config.token_secret, &config.tokens, &user, ttl)?);
            Ok(())
        }
        Command::Epoch { command: Epoch::Bump { settings } } => {
            let schema = settings.schema.clone().unwrap_or_else(|| "hubbub".into());
            let at = config::store_at(settings.store.as_deref().unwrap_or("sqlite:hubbub.db"), schema)?;
            let incarnation = server::open_store(&at).await?.bump_epoch(None).await?;
            println!("the epoch is now {incarnation:08x}; every position handed out before is void");
            Ok(())
        }
        Command::Openapi => {
            println!("{}", hubbub::http::openapi().to_pretty_json()?);
            Ok(())
        }
    }
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let config = settings.resolve()?;
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    for (name, secret) in &config.made_up {
        println!("made up for this run, {name}: {secret}");
    }
    if config.dev {
        let address = listener.local_addr()?;
        println!("open http://{address}/?user=ana and http://{address}/?user=ben");
        if !address.ip().is_loopback() {
            tracing::warn!("--dev hands out tokens to anybody, and this address is not only for this machine");
        }
    }
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate())?;
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt())?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server::run(config, listener, shutdown).await
}

fn duration(text: &str) -> anyhow::Result<Duration> {
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => bail!("a number with s, m, h or d, like 15m"),
    };
    let number: u64 = number.parse().context("a number with s, m, h or d, like 15m")?;
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}
