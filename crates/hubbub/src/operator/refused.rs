//! `hubbub refused`.

use super::{At, portals::path};
use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::{ArgGroup, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
What was refused, and why; one of them, with its body:
  hubbub refused list --portal desk
  hubbub refused show --portal desk 17

What it would become by the portal's settings as they are now:
  hubbub portals explain desk --refused 17

Once the settings are mended; repeats are recognised, and what is refused again stays:
  hubbub refused replay --portal desk 17
  hubbub refused replay --portal desk --all";

/// How often a portion is asked for again of which the store decided nothing, and after how long.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Verified webhooks that were refused.
#[derive(Subcommand)]
pub enum Refused {
    /// Refused webhooks, by number
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
    /// One refused webhook, with its body as it came
    Show {
        /// The portal
        #[arg(long)]
        portal: String,
        /// Its number
        number: u64,
        #[command(flatten)]
        at: At,
    },
    /// Take refused webhooks as if they came now, the oldest first
    #[command(group = ArgGroup::new("which").required(true).args(["number", "all"]))]
    Replay {
        /// The portal
        #[arg(long)]
        portal: String,
        /// This one
        number: Option<u64>,
        /// All of the portal
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        at: At,
    },
    /// Throw refused webhooks away
    #[command(group = ArgGroup::new("which").required(true).args(["number", "all"]))]
    Discard {
        /// The portal
        #[arg(long)]
        portal: String,
        /// This one
        number: Option<u64>,
        /// All of the portal
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        at: At,
    },
}

/// The content type and the body of a refused webhook.
pub(super) async fn body(at: &At, portal: &str, number: u64) -> anyhow::Result<(String, Vec<u8>)> {
    let kept = at.ask(Method::GET, &path(portal, &format!("/refused/{number}")), None).await?;
    let body = match (kept["body"].as_str(), kept["body_base64"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(base64)) => STANDARD.decode(base64).context("the body")?,
        (None, None) => bail!("the server does not say its body"),
    };
    Ok((kept["headers"]["content-type"].as_str().unwrap_or_default().to_owned(), body))
}

impl Refused {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { portal, limit, at } => {
                let columns = [
                    ("NUMBER", "/number"),
                    ("FIRST", "/at"),
                    ("LAST", "/last_at"),
                    ("TIMES", "/times"),
                    ("STATUS", "/status"),
                    ("BYTES", "/bytes"),
                    ("WHY", "/why"),
                ];
                at.show(&at.list(&path(&portal, "/refused"), limit).await?, &columns);
            }
            Self::Show { portal, number, at } => {
                at.show_one(&at.ask(Method::GET, &path(&portal, &format!("/refused/{number}")), None).await?);
            }
            Self::Replay { portal, number: Some(number), at, .. } => {
                let path = path(&portal, &format!("/refused/{number}/replay"));
                let replayed = at.ask(Method::POST, &path, None).await?;
                at.say(&replayed, &format!("webhook {number}: {}", told(&replayed)));
                if replayed["outcome"] != "taken" {
                    bail!("webhook {number} was not taken, and stays");
                }
            }
            Self::Replay { portal, at, .. } => replay_all(&at, &portal).await?,
            Self::Discard { portal, number: Some(number), at, .. } => {
                at.ask(Method::DELETE, &path(&portal, &format!("/refused/{number}")), None).await?;
                at.say(&Value::Null, &format!("webhook {number} is gone"));
            }
            Self::Discard { portal, at, .. } => {
                let dropped = at.ask(Method::DELETE, &path(&portal, "/refused"), None).await?;
                at.say(&dropped, &format!("{} webhooks are gone", dropped["dropped"]));
            }
        }
        Ok(())
    }
}

/// In portions, the oldest first.
async fn replay_all(at: &At, portal: &str) -> anyhow::Result<()> {
    let path = path(portal, "/refused/replay");
    let (mut after, mut taken, mut refused, mut tries) = (Value::Null, 0, 0, 0);
    loop {
        let part = at.ask(Method::POST, &path, Some(&json!({ "after": after }))).await?;
        let results = part["results"].as_array().map_or(&[][..], Vec::as_slice);
        for one in results {
            at.say(one, &format!("webhook {}: {}", one["number"], told(one)));
        }
        taken += part["taken"].as_u64().unwrap_or_default();
        refused += part["refused"].as_u64().unwrap_or_default();
        if part["next"].is_null() {
            break;
        }
        after = part["next"].clone();
        if results.last().is_some_and(|last| last["outcome"] == "undecided") {
            tries += 1;
            if tries == TRIES {
                bail!("{taken} were taken, {refused} were refused again; the others stay as they were");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    let all = json!({ "taken": taken, "refused": refused });
    at.say(&all, &format!("{taken} were taken, {refused} were refused again and stay"));
    Ok(())
}

/// What became of one, in words.
fn told(replayed: &Value) -> String {
    let why = replayed["why"].as_str().unwrap_or_default();
    match replayed["outcome"].as_str() {
        Some("refused") => format!("refused again with {}: {why}", replayed["status"]),
        Some("taken") => {
            let messages = replayed["messages"].as_array().map_or(&[][..], Vec::as_slice);
            let place = |sent: &Value| format!("seq {} of {}", sent["seq"], sent["room"].as_str().unwrap_or_default());
            let places: Vec<String> = messages.iter().map(place).collect();
            match (places.is_empty(), replayed["quarantined"].as_u64()) {
                (false, _) => format!("taken, {}", places.join(", ")),
                (true, Some(n)) if n > 0 => format!("taken, {n} of its events are in quarantine"),
                _ => "taken, there is nothing of ours in it".into(),
            }
        }
        _ => format!("undecided, {why}"),
    }
}
