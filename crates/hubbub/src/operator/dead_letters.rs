//! `hubbub dead-letters` and `hubbub quarantine`.

use super::{At, portals::path, sessions::show_attempts};
use anyhow::bail;
use clap::{ArgGroup, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) const EXAMPLES: &str = "\
What was given up on, and why:
  hubbub dead-letters list --portal desk
  hubbub dead-letters show --portal desk 17

Once the portal is mended:
  hubbub dead-letters replay --portal desk 17
  hubbub dead-letters replay --portal desk --from 17 --to 40
  hubbub dead-letters replay --portal desk --all";

/// What was given up on.
#[derive(Subcommand)]
pub enum DeadLetters {
    /// Dead letters, by number
    List {
        /// The portal
        #[arg(long)]
        portal: String,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        at: At,
    },
    /// One dead letter, with its attempts
    Show {
        /// The portal
        #[arg(long)]
        portal: String,
        /// Its number
        number: u64,
        #[command(flatten)]
        at: At,
    },
    /// Send dead letters again: one attempt each, out of order, with the same id
    #[command(group = ArgGroup::new("which").required(true).args(["number", "from", "all"]))]
    Replay {
        /// The portal
        #[arg(long)]
        portal: String,
        /// This one
        number: Option<u64>,
        /// From this number
        #[arg(long, requires = "to")]
        from: Option<u64>,
        /// To this number, both included
        #[arg(long, requires = "from")]
        to: Option<u64>,
        /// All that were not delivered since
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        at: At,
    },
    /// Throw a dead letter away; a session that stands still at it goes on
    Discard {
        /// The portal
        #[arg(long)]
        portal: String,
        /// Its number
        number: u64,
        #[command(flatten)]
        at: At,
    },
}

/// Webhooks that named no known session.
#[derive(Subcommand)]
pub enum Quarantine {
    /// What is in quarantine, by number
    List {
        /// The portal
        #[arg(long)]
        portal: String,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        at: At,
    },
    /// Take an event out, into the session that it names, or this one
    Replay {
        /// The portal
        #[arg(long)]
        portal: String,
        /// Its number
        number: u64,
        /// The session
        #[arg(long)]
        session: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Throw an event away
    Discard {
        /// The portal
        #[arg(long)]
        portal: String,
        /// Its number
        number: u64,
        #[command(flatten)]
        at: At,
    },
}

impl DeadLetters {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { portal, limit, at } => {
                let columns = [
                    ("NUMBER", "/number"),
                    ("SESSION", "/session"),
                    ("SEQ", "/seq"),
                    ("STATE", "/state"),
                    ("SINCE", "/at"),
                    ("WHY", "/why"),
                ];
                at.show(&at.list(&path(&portal, "/dead-letters"), limit).await?, &columns);
            }
            Self::Show { portal, number, at } => {
                let path = path(&portal, &format!("/dead-letters/{number}"));
                let mut letter = at.ask(Method::GET, &path, None).await?;
                let attempts = letter["attempts"].take();
                at.show_one(&letter);
                show_attempts(&at, &attempts);
            }
            Self::Replay { portal, number, from, to, all, at } => {
                let below = number.map_or("/dead-letters/replay".into(), |n| format!("/dead-letters/{n}/replay"));
                let which = match (number, from, to) {
                    (Some(_), ..) => None,
                    (None, Some(from), Some(to)) => Some(json!({ "from": from, "to": to })),
                    _ if all => Some(json!({ "all": true })),
                    _ => bail!("which: a number, --from and --to, or --all"),
                };
                let replaying = at.ask(Method::POST, &path(&portal, &below), which.as_ref()).await?;
                at.say(
                    &replaying,
                    &format!("{} are sent again, each at its session's next turn", replaying["replaying"]),
                );
            }
            Self::Discard { portal, number, at } => {
                at.ask(Method::DELETE, &path(&portal, &format!("/dead-letters/{number}")), None).await?;
                at.say(&Value::Null, &format!("dead letter {number} is gone"));
            }
        }
        Ok(())
    }
}

impl Quarantine {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { portal, limit, at } => {
                let columns = [
                    ("NUMBER", "/number"),
                    ("AT", "/at"),
                    ("SESSION", "/session"),
                    ("EXTERNAL", "/external"),
                    ("LEAVES BY ITSELF", "/awaits"),
                    ("UNTIL", "/until"),
                    ("FROM", "/from"),
                    ("TEXT", "/text"),
                ];
                at.show(&at.list(&path(&portal, "/quarantine"), limit).await?, &columns);
            }
            Self::Replay { portal, number, session, at } => {
                let path = path(&portal, &format!("/quarantine/{number}/replay"));
                let sent = at.ask(Method::POST, &path, Some(&json!({ "session": session }))).await?;
                let room = sent["room"].as_str().unwrap_or_default();
                at.say(&sent, &format!("event {number} is seq {} of session {room}", sent["seq"]));
            }
            Self::Discard { portal, number, at } => {
                at.ask(Method::DELETE, &path(&portal, &format!("/quarantine/{number}")), None).await?;
                at.say(&Value::Null, &format!("event {number} is gone"));
            }
        }
        Ok(())
    }
}
