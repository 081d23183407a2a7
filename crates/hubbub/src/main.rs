//! The `hubbub` command.

#![warn(clippy::print_stdout, clippy::print_stderr)]

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use hubbub::{
    check::{self, Level},
    config::{Settings, UnknownVariable, cannot_listen, duration, known_variables, unknown_variables, with_headings},
    demo_portal::{self, DemoPortal},
    log, metrics,
    moving::{self, Export, Import},
    operator::{Operator, Wrong},
    output::{self, Failure},
    server, token,
};
use hubbub_core::model::ids::UserId;
use std::{process::ExitCode, time::Duration};
use tokio::signal::unix::SignalKind;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const EXAMPLES: &str = "\
Try it:
  hubbub serve --dev
  then open http://127.0.0.1:8000/?user=ana and http://127.0.0.1:8000/?user=ben

Exit codes: 0 done, 1 failed, 2 wrong flags or configuration.
HUBBUB_LOG sets what is logged, to standard error: info (the default), debug, warn, info,hubbub::store=debug, …";

const SERVE_EXAMPLES: &str = "\
One instance, everything in a file:
  HUBBUB_TOKEN_SECRET_FILE=token-secret HUBBUB_API_KEY_FILE=api-key \\
    hubbub serve --listen 0.0.0.0:8000 --store sqlite:/var/lib/hubbub/hubbub.db

Any number of instances, each started like this, behind a balancer that asks /health/ready:
  HUBBUB_TOKEN_SECRET_FILE=token-secret HUBBUB_API_KEY_FILE=api-key HUBBUB_STORE_PASSWORD_FILE=store-password \\
    hubbub serve --listen 0.0.0.0:8000 --store postgres://hubbub@postgres:5432/hubbub --bus redis://redis:6379

Each setting is looked for in this order: the flag; HUBBUB_… in the environment; HUBBUB_…_FILE, the name of a file with
the value, for token secret, API key, secrets key, store and bus, and their passwords; the file of --config, where the names
are those of the flags, and of such files, too:
  drain-window = \"30s\"
  token-secret-file = \"/etc/hubbub/token-secret\"
Files of passwords, and those with authorities in the URLs of store and bus, are read again at every dial: replace them, and
let the server end connections of the old ones; nothing is to be restarted.
What is empty counts as not set. A variable HUBBUB_… that does not exist, so perhaps a misspelt one, is named in a warning.

SIGHUP has it read the configuration again, with its files: keys of tokens, API keys, keys of secrets, limits and what is
logged change at once, for what else has changed it says that it must be restarted. A configuration with a fault is refused as a whole.
SIGTERM or SIGINT ends it: no new clients, those that are there are sent to other instances over --drain-window,
requests are finished. A second one leaves the rest of the window out.
Exit codes: 0 done, 1 failed, 2 wrong flags or configuration.";

/// A chat backend: every message durable and live at once.
#[derive(Parser)]
#[command(about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve clients, and the REST API
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Box<Settings>),
    /// Try out a configuration without serving: what is fine, what is wrong, and what to do
    #[command(after_help = check::HELP)]
    Check {
        /// Warnings fail, too
        #[arg(long)]
        strict: bool,
        /// A file with a token of your provider's, - for standard input: whether it is taken and as whom, or what is missing
        #[arg(long, value_name = "FILE")]
        token: Option<std::path::PathBuf>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Print a token for a user, signed with the server's token secret
    #[command(
        long_about = "Print a token for a user, signed with the server's token secret: for trying things out, and \
        to see what your backend has to make. It takes its settings from where `hubbub serve` does."
    )]
    Token {
        /// The user's id
        #[arg(long, value_name = "ID")]
        user: String,
        /// How long it is valid, like 30s, 15m, 1h, 7d
        #[arg(long, default_value = "1h", value_parser = duration)]
        ttl: Duration,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Change the epoch that positions belong to: to be run once after a database was restored
    #[command(subcommand_required = true)]
    Epoch {
        #[command(subcommand)]
        command: Epoch,
    },
    #[command(after_help = moving::IMPORT_EXAMPLES)]
    Import(Import),
    #[command(after_help = moving::EXPORT_EXAMPLES)]
    Export(Export),
    /// Print the OpenAPI document of the REST API
    Openapi,
    /// Print what completes commands and options in a shell, like: hubbub completions bash > /etc/bash_completion.d/hubbub
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, of a command where one is named, like: hubbub man serve | man -l -
    Man {
        /// Which command, like: serve, or: portals show
        command: Vec<String>,
    },
    #[command(flatten)]
    Operator(Operator),
    /// A small agent desk in the browser, to try support chat with
    #[command(after_help = demo_portal::EXAMPLES)]
    DemoPortal(DemoPortal),
}

#[derive(Subcommand)]
enum Epoch {
    /// Run this after restoring a dump, a snapshot or a SQLite file, before clients come back
    #[command(long_about = "Run this after restoring a dump, a snapshot or a SQLite file, before clients come back: \
        positions from before the restore are then answered \"not recovered\" instead of being confused with new messages. \
        It takes the store from where `hubbub serve` does, and does not create one.")]
    Bump {
        #[command(flatten)]
        settings: Box<Settings>,
    },
}

impl Command {
    fn settings(&self) -> Option<&Settings> {
        match self {
            Self::Serve(settings)
            | Self::Check { settings, .. }
            | Self::Token { settings, .. }
            | Self::Epoch { command: Epoch::Bump { settings } } => Some(settings),
            Self::Import(import) => Some(import.settings()),
            Self::Export(export) => Some(export.settings()),
            Self::Openapi | Self::Completions { .. } | Self::Man { .. } | Self::Operator(_) | Self::DemoPortal(_) => {
                None
            }
        }
    }
}

/// The command line; each command shows only those settings that it uses, and takes all, so that they can share an environment.
fn command_line() -> clap::Command {
    let only = |command: clap::Command, used: &'static [&'static str]| {
        command.mut_args(move |arg| {
            let hide = !used.contains(&arg.get_id().as_str());
            arg.hide(hide)
        })
    };
    Cli::command()
        .version(metrics::version())
        .mut_subcommand("serve", with_headings)
        .mut_subcommand("check", with_headings)
        .mut_subcommand("token", |command| {
            only(
                command,
                &[
                    "user",
                    "ttl",
                    "config",
                    "token_secret",
                    "token_issuer",
                    "token_audience",
                    "token_audience_claim",
                    "token_require",
                    "token_user_claim",
                    "token_max_life",
                ],
            )
        })
        .mut_subcommand("import", |command| {
            only(command, &["file", "check", "abandon", "config", "store", "store_password", "schema"])
        })
        .mut_subcommand("export", |command| {
            only(command, &["room", "user", "config", "store", "store_password", "schema"])
        })
        .mut_subcommand("epoch", |command| {
            command.mut_subcommand("bump", |command| only(command, &["config", "store", "store_password", "schema"]))
        })
}

/// The command that these words call; none of them: the whole.
fn named(words: &[String]) -> anyhow::Result<clap::Command> {
    let mut all = command_line();
    // The methods' commands are made when they are asked for.
    all.build();
    let mut at = all;
    for word in words {
        let of = at.get_name().to_owned();
        at = at.find_subcommand(word).cloned().with_context(|| format!("{of} has no command {word:?}"))?;
    }
    Ok(at)
}

fn main() -> ExitCode {
    let matches = command_line().get_matches();
    let command = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli.command,
        Err(error) => error.format(&mut command_line()).exit(),
    };
    let (filter, format) = command.settings().map_or_else(|| Settings::default().logging(), Settings::logging);
    let label = if let Command::Serve(settings) = &command { Some(settings.label()) } else { None };
    if let Err(error) = log::init(&filter, format, label.as_deref()) {
        output::complaint(format_args!("{error:#}"));
        return ExitCode::from(2);
    }
    let done = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(command)),
        Err(error) => Err(Failure::Other(error.into())),
    };
    log::end();
    let (error, code) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Configuration(error)) => (error, 2),
        Err(Failure::Told) => return ExitCode::FAILURE,
        Err(Failure::Other(error)) => (error, 1),
    };
    // Parts of it may be what another server answered.
    output::complaint(log::plain(&format!("{error:#}")));
    ExitCode::from(code)
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(settings) => serve(*settings).await,
        Command::Check { strict, token, settings } => report(*settings, strict, token).await,
        Command::Token { user, ttl, settings } => {
            let (secret, required) = settings.resolve_signing().map_err(Failure::Configuration)?;
            let user = UserId::parse_outsider("--user", &user).map_err(|e| Failure::Configuration(e.into()))?;
            output::line(token::make(&secret, &required, &user, ttl)?);
            Ok(())
        }
        Command::Epoch { command: Epoch::Bump { settings } } => {
            let store = settings.resolve_store().map_err(Failure::Configuration)?;
            let incarnation = server::bump_epoch(&store).await?;
            output::line(format_args!(
                "{store}: the epoch is now {incarnation:08x}; every position handed out before is void"
            ));
            Ok(())
        }
        Command::Import(import) => import.run().await,
        Command::Export(export) => export.run().await,
        Command::Operator(operator) => operator.run().await.map_err(|error| match error.downcast::<Wrong>() {
            Ok(wrong) => Failure::Configuration(wrong.into()),
            Err(error) => Failure::Other(error),
        }),
        Command::DemoPortal(said) => Ok(demo_portal::run(said).await?),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command_line(), "hubbub", &mut script);
            output::line(String::from_utf8_lossy(&script));
            Ok(())
        }
        Command::Man { command } => {
            let named = named(&command).map_err(Failure::Configuration)?;
            let mut page = Vec::new();
            clap_mangen::Man::new(named).render(&mut page).context("cannot write the page")?;
            output::line(String::from_utf8_lossy(&page));
            Ok(())
        }
        Command::Openapi => {
            output::line(serde_json::to_string_pretty(&server::openapi()).context("cannot write the document")?);
            Ok(())
        }
    }
}

async fn report(settings: Settings, strict: bool, token: Option<std::path::PathBuf>) -> Result<(), Failure> {
    let findings = check::check(settings, unknown(), token).await;
    for finding in &findings {
        output::finding(finding);
    }
    let of = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (warnings, wrong) = (of(Level::Warning), of(Level::Wrong));
    output::finding(format_args!("{} ok, {warnings} warnings, {wrong} wrong", of(Level::Ok)));
    if wrong > 0 || (strict && warnings > 0) { Err(Failure::Told) } else { Ok(()) }
}

/// Variables of this environment that are named like the program's and are not.
fn unknown() -> Vec<UnknownVariable> {
    unknown_variables(&known_variables(&command_line()), std::env::vars_os().map(|(name, _)| name))
}

async fn serve(settings: Settings) -> Result<(), Failure> {
    // Before all else: where the configuration is refused, that may be why.
    for variable in unknown() {
        tracing::warn!("{variable}");
    }
    let config = settings.resolve().map_err(Failure::Configuration)?;
    let listener = server::bind(config.listen).map_err(|error| cannot_listen("--listen", config.listen, error))?;
    for (name, secret) in &config.made_up {
        output::notice(format_args!("made up for this run, {name}: {secret}"));
    }
    let mut pages = None;
    if config.dev {
        let address = listener.local_addr().context("cannot listen")?;
        let scheme = if config.edge.tls.is_some() { "https" } else { "http" };
        let page = format!("{scheme}://{address}{}/", config.edge.base_path);
        // With the REST API that it describes.
        let rest = config.edge.admin_listen.map_or_else(|| page.clone(), |admin| format!("http://{admin}/"));
        pages = Some((page, rest));
        if !address.ip().is_loopback() {
            tracing::warn!("--dev hands out tokens to anybody, and this address is not only for this machine");
        }
    }
    let heed = |kind| tokio::signal::unix::signal(kind).context("cannot heed signals");
    let (mut terminate, mut interrupt) = (heed(SignalKind::terminate())?, heed(SignalKind::interrupt())?);
    let (told, stops) = tokio::sync::watch::channel(0);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            told.send_modify(|times| *times += 1);
        }
    });
    let serves = || {
        if let Some((page, rest)) = pages {
            output::notice(format_args!(
                "open {page}?user=ana and {page}?user=ben; the API's reference is {rest}reference/"
            ));
        }
    };
    Ok(server::run(config, listener, stops, serves).await?)
}

#[cfg(test)]
#[path = "main/configuration.rs"]
mod configuration;
#[cfg(test)]
#[path = "main/documents.rs"]
mod documents;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        command_line().debug_assert();
        let help = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(ToString::to_string).collect();
            named(&path).expect("a command").render_long_help().to_string()
        };
        let (token, bump, serve) = (help(&["token"]), help(&["epoch", "bump"]), help(&["serve"]));
        assert!(token.contains("--token-secret") && !token.contains("--listen"));
        assert!(bump.contains("--store") && bump.contains("--config") && !bump.contains("--token-secret"));
        let call = help(&["call", "send"]);
        assert!(call.contains("--key") && call.contains("POST /v1/rooms/{room}/messages"), "{call}");
        assert!(serve.contains("postgres://hubbub@") && serve.contains("redis://redis:6379"));
        let (variables, mut whole) = (known_variables(&command_line()), command_line());
        for name in ["HUBBUB_STORE", "HUBBUB_STORE_FILE", "HUBBUB_TEXT_BYTES", "HUBBUB_SERVER", "HUBBUB_DEMO_LISTEN"] {
            assert!(variables.contains(name), "{name}");
        }
        // Methods' commands, which are made late, have none of their own.
        whole.build();
        assert_eq!(variables, known_variables(&whole));
        assert!(command_line().render_version().starts_with(&format!("hubbub {}", metrics::VERSION)));
    }
}
