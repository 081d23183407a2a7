//! `hubbub call`: every method that the product's backend has. Which there are, what they take and what is said of them comes
//! from the one table of methods; nothing of it is written here.

use super::{
    Wrong,
    server::{Question, Server},
};
use crate::output;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use members::Members;
use methods::{Body, Callable, Methods};
use pages::Paging;
use serde_json::value::RawValue;
use std::{
    io::Read,
    path::{Path, PathBuf},
};

mod help;
mod members;
mod methods;
mod pages;
mod schema;
#[cfg(test)]
mod tests;

const ABOUT: &str = "NAME=VALUE, a JSON object of members, or - for one on standard input; what is said last counts";

/// See the module.
pub struct Call {
    called: Option<Called>,
}

/// A call of a method.
struct Called {
    method: String,
    members: Vec<String>,
    key: Option<String>,
    all: bool,
    body: Option<PathBuf>,
    content_type: Option<String>,
    server: Server,
}

/// The command of a method.
fn command(methods: &Methods, method: &Callable) -> Command {
    let mut command = Command::new(method.name).hide(true);
    if !method.members.is_empty() {
        command = command.arg(Arg::new("members").num_args(0..).value_name("MEMBERS").help(ABOUT));
    }
    if method.route.idempotency_key {
        let about = "Has it happen once: the same call with the same key gives the same answer again";
        command = command.arg(Arg::new("key").long("key").value_name("KEY").help(about));
    }
    if Paging::of(methods, method).is_some() {
        let about = "Read all pages, and print what they list, one to a line";
        command = command.arg(Arg::new("all").long("all").action(ArgAction::SetTrue).help(about));
    }
    if let Body::Bytes(kind) = &method.body {
        let body = Arg::new("body").long("body").value_name("FILE").required(true);
        let content_type = Arg::new("content-type").long("content-type").value_name("TYPE");
        command = command
            .arg(body.value_parser(clap::value_parser!(PathBuf)).help("The body; - for standard input"))
            .arg(content_type.help(format!("How it is written; {kind} without it")));
    }
    Server::augment_args(command).about(method.doc.summary).after_help(help::of(methods, method))
}

/// Gives `hubbub call` a command for each method. This is done only where one is asked for.
fn commands(mut call: Command) -> Command {
    let methods = Methods::read();
    for method in &methods.all {
        call = call.subcommand(command(&methods, method));
    }
    call.after_help(help::list(&methods))
}

impl Args for Call {
    fn augment_args(call: Command) -> Command {
        call.override_usage("hubbub call METHOD [NAME=VALUE | JSON | -]... [OPTIONS]\n       hubbub call")
            .disable_help_subcommand(true)
            .defer(commands)
    }

    fn augment_args_for_update(call: Command) -> Command {
        Self::augment_args(call)
    }
}

impl FromArgMatches for Call {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Some((method, matches)) = matches.subcommand() else { return Ok(Self { called: None }) };
        // A method has those arguments that it has a use for.
        let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
        let members = matches.try_get_many::<String>("members").ok().flatten();
        Ok(Self {
            called: Some(Called {
                method: method.to_owned(),
                members: members.into_iter().flatten().cloned().collect(),
                key: text("key"),
                all: matches.try_get_one::<bool>("all").ok().flatten().copied().unwrap_or_default(),
                body: matches.try_get_one::<PathBuf>("body").ok().flatten().cloned(),
                content_type: text("content-type"),
                server: Server::from_arg_matches(matches)?,
            }),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Call {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let methods = Methods::read();
        match self.called {
            None => {
                output::line(help::list(&methods));
                Ok(())
            }
            Some(called) => called.run(&methods).await,
        }
    }
}

impl Called {
    async fn run(self, methods: &Methods) -> anyhow::Result<()> {
        let method = methods.named(&self.method).ok_or_else(|| Wrong::new(format!("no method {:?}", self.method)))?;
        let members = Members::read(methods, method, &self.members, || {
            let input = bytes_of(Path::new("-"))?;
            String::from_utf8(input).map_err(|_| Wrong::new("standard input: not UTF-8"))
        })?;
        match Paging::of(methods, method).filter(|_| self.all) {
            Some(paging) => self.all(method, members, &paging).await,
            None => {
                let answer = self.ask(method, &members).await?;
                if !method.route.is_silent {
                    output::line(answer);
                }
                Ok(())
            }
        }
    }

    /// Every page, one after another.
    async fn all(&self, method: &Callable, mut members: Members, paging: &Paging) -> anyhow::Result<()> {
        if let Some(other) = ["before", "around"].into_iter().find(|name| members.has(name)) {
            return Err(
                Wrong::new(format!("{other}: with --all pages begin at the first one, or `after` something")).into()
            );
        }
        if let Some(beginning) = paging.beginning().filter(|_| !members.has("after")) {
            members.put("after", beginning);
        }
        loop {
            let page = paging.page(&self.ask(method, &members).await?)?;
            for item in &page.items {
                output::line(item.get());
            }
            match page.after {
                Some(after) => members.put("after", after),
                None => return Ok(()),
            }
        }
    }

    async fn ask(&self, method: &Callable, members: &Members) -> anyhow::Result<String> {
        let asked = members.request(method)?;
        let body = match (&self.body, asked.body) {
            (Some(file), _) => {
                let kind = match (&self.content_type, &method.body) {
                    (None, Body::Bytes(kind)) => kind.clone(),
                    (said, _) => said.clone().unwrap_or_default(),
                };
                Some((kind, bytes_of(file)?))
            }
            (None, body) => body.map(|body| ("application/json".to_owned(), body.into_bytes())),
        };
        let verb = reqwest::Method::from_bytes(method.route.verb.word().as_bytes())?;
        let question = Question::new(verb, &asked.path).body(body).key(self.key.as_deref()).patience(method.patience);
        let answer = self.server.ask(question).await?;
        if !method.route.is_silent && serde_json::from_str::<&RawValue>(&answer).is_err() {
            anyhow::bail!("the answer is no JSON; is --server Hubbub's?");
        }
        Ok(answer)
    }
}

/// A file, or standard input for `-`.
fn bytes_of(file: &Path) -> Result<Vec<u8>, Wrong> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    read.map_err(|error| Wrong::new(format!("{}: {error}", file.display())))
}
