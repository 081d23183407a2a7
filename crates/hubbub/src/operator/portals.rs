//! `hubbub portals`.

use super::{At, recipe, refused};
use crate::{config::duration, output};
use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

pub(super) const EXAMPLES: &str = "\
A portal that speaks the native contract; its secrets are printed once:
  hubbub portals create desk --url https://desk.example.com/hubbub

One of another kind: how it signs, and where things are in its bodies, is in a file (docs/portals.md):
  hubbub portals create chatwoot --url https://… --settings chatwoot.json --incoming-secret-file secret

One of the vendors that there is a recipe for (docs/portals.md); each --set fills in a part of it:
  hubbub portals create slack --from deploy/portals/slack.json --set vars.channel=C0123456789 \\
    --access-secret-file bot-token --incoming-secret-file signing-secret

What would become of a body that it sends; what a message would send to it; and a test message, for real:
  hubbub portals dry-run chatwoot body.json
  hubbub portals explain chatwoot --session order-4711 --text Hello
  hubbub portals try chatwoot

All of these ask the server of --server (or HUBBUB_SERVER) with the API key of HUBBUB_API_KEY_FILE or HUBBUB_API_KEY.";

/// See the module.
#[derive(Subcommand)]
pub enum PortalCommand {
    /// All portals
    List {
        #[command(flatten)]
        at: At,
    },
    /// One portal, with its settings
    Show {
        /// The portal
        portal: String,
        #[command(flatten)]
        at: At,
    },
    /// Make a portal; its secrets are printed once
    Create {
        /// Its id, which stands in /hooks/ID
        portal: String,
        /// Where its webhooks are POSTed to
        #[arg(long)]
        url: Option<String>,
        /// Its settings, JSON, a recipe for one; --url and each --set are put in
        #[arg(long, visible_alias = "from", value_name = "FILE")]
        settings: Option<PathBuf>,
        /// A part of the settings, like vars.channel=C0123456789 or concurrency=8; may be given several times
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// A file with the secret for webhooks to it (whsec_…); without one it is made
        #[arg(long, value_name = "FILE")]
        outgoing_secret_file: Option<PathBuf>,
        /// A file with the secret for webhooks from it, where the vendor gives one; without one it is made
        #[arg(long, value_name = "FILE")]
        incoming_secret_file: Option<PathBuf>,
        /// A file with what it says in challenges, like Meta's hub.verify_token; made where its settings ask for one
        #[arg(long, value_name = "FILE")]
        challenge_secret_file: Option<PathBuf>,
        /// A file with what opens it to our calls, where its settings have an `auth` that needs it; - for standard input
        #[arg(long, value_name = "FILE")]
        access_secret_file: Option<PathBuf>,
        #[command(flatten)]
        at: At,
    },
    /// Give a portal other settings, as a whole
    Configure {
        /// The portal
        portal: String,
        /// Its settings, JSON, as `show --json` has them
        #[arg(long, value_name = "FILE")]
        settings: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Give a portal another secret; the old one of a webhook stays good beside it for a while
    Rotate {
        /// The portal
        portal: String,
        /// Which
        direction: SecretDirection,
        /// How long the old one stays good, like 0, 15m, 24h
        #[arg(long, default_value = "24h", value_parser = duration)]
        keep: Duration,
        /// A file with the new one, - for standard input; without it one for webhooks is made
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        #[command(flatten)]
        at: At,
    },
    /// How the secrets of all portals lie in the database: under which key, or as they are
    Secrets {
        #[command(flatten)]
        at: At,
    },
    /// Seal the secrets of all portals anew, under the first key of the server's --secrets-key
    Reseal {
        #[command(flatten)]
        at: At,
    },
    /// Send a portal nothing until it is resumed; everything waits
    Pause {
        /// The portal
        portal: String,
        #[command(flatten)]
        at: At,
    },
    /// Send a portal again what waits for it, whether it was paused or has answered 410
    Resume {
        /// The portal
        portal: String,
        #[command(flatten)]
        at: At,
    },
    /// Delete a portal: nothing is sent or taken any more, its secrets are gone, its sessions are closed; what was said stays
    Delete {
        /// The portal
        portal: String,
        #[command(flatten)]
        at: At,
    },
    /// Send a portal a test message for real, and show requests and answers; secrets are masked
    Try {
        /// The portal
        portal: String,
        /// In this session, with what is known of it; without one in a session that there is not
        #[arg(long)]
        session: Option<String>,
        /// What it says
        #[arg(long)]
        text: Option<String>,
        /// The type of the event, like session.closed
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// What a message would send to a portal; nothing is sent. What a webhook would become: dry-run
    Explain {
        /// The portal
        portal: String,
        /// In this session, with what is known of it; without one in a session that there is not
        #[arg(long)]
        session: Option<String>,
        /// What it says
        #[arg(long)]
        text: Option<String>,
        /// The type of the event, like session.closed
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        /// Instead of a message: a webhook's body, as the portal sends it; - for standard input
        #[arg(long, value_name = "FILE", conflicts_with_all = ["session", "text", "kind"])]
        webhook: Option<PathBuf>,
        /// Instead of a message: a refused webhook that is kept, by its number
        #[arg(long, value_name = "NUMBER", conflicts_with_all = ["session", "text", "kind", "webhook", "content_type"])]
        refused: Option<u64>,
        /// How the webhook is written
        #[arg(long, default_value = "application/json")]
        content_type: String,
        #[command(flatten)]
        at: At,
    },
    /// What a body would become if the portal sent it; nothing is stored
    DryRun {
        /// The portal
        portal: String,
        /// The body, as the portal sends it; - for standard input
        file: PathBuf,
        /// How it is written
        #[arg(long, default_value = "application/json")]
        content_type: String,
        /// How it is sent; with GET and HEAD, which some ask challenges by, FILE may be /dev/null
        #[arg(long, default_value = "POST")]
        method: String,
        /// What stands behind ? in the URL that the portal calls, like hub.mode=subscribe&hub.challenge=1
        #[arg(long)]
        query: Option<String>,
        #[command(flatten)]
        at: At,
    },
}

/// Which way webhooks go.
#[derive(Clone, Copy, ValueEnum)]
pub enum SecretDirection {
    /// What ours are signed with
    Outgoing,
    /// What theirs are verified with
    Incoming,
    /// What it says in challenges
    Challenge,
    /// What opens the portal to our calls: a token, a password, a client's secret
    Access,
    /// The first refresh token of OAuth 2, or another one after it was refused
    Grant,
}

fn json_of(file: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_json::from_str(&text).with_context(|| format!("{}: no JSON", file.display()))
}

/// A secret in a file, or on standard input for `-`: never on the command line, which others can read.
fn secret_of(file: Option<&PathBuf>) -> anyhow::Result<Option<String>> {
    let read = |file: &PathBuf| String::from_utf8(bytes_of(file)?).with_context(|| file.display().to_string());
    Ok(file.map(read).transpose()?.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The settings that a whole portal or the settings alone name.
fn settings_of(file: &Path) -> anyhow::Result<Value> {
    let mut read = json_of(file)?;
    Ok(if read["settings"].is_object() { read["settings"].take() } else { read })
}

impl PortalCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { at } => {
                let mut portals = at.ask(Method::GET, "/v1/portals", None).await?;
                if !at.is_json() {
                    portals["portals"].as_array_mut().into_iter().flatten().for_each(note_refused);
                }
                let columns = [
                    ("PORTAL", "/id"),
                    ("STANDING", "/standing"),
                    ("URL", "/settings/url"),
                    ("LAST TAKEN", "/succeeded_at"),
                    ("WHY", "/why"),
                    ("TROUBLE", "/shown_trouble"),
                ];
                at.show(portals["portals"].as_array().map_or(&[], Vec::as_slice), &columns);
            }
            Self::Show { portal, at } => at.show_one(&at.ask(Method::GET, &path(&portal, ""), None).await?),
            Self::Create {
                portal,
                url,
                settings,
                set,
                outgoing_secret_file,
                incoming_secret_file,
                challenge_secret_file,
                access_secret_file,
                at,
            } => {
                let mut settings = settings.as_deref().map(settings_of).transpose()?.unwrap_or_else(|| json!({}));
                if let Some(url) = url {
                    settings["url"] = url.into();
                }
                set.iter().try_for_each(|one| recipe::set(&mut settings, one))?;
                let new = json!({
                    "id": portal,
                    "settings": settings,
                    "outgoing_secret": secret_of(outgoing_secret_file.as_ref())?,
                    "incoming_secret": secret_of(incoming_secret_file.as_ref())?,
                    "challenge_secret": secret_of(challenge_secret_file.as_ref())?,
                    "access_secret": secret_of(access_secret_file.as_ref())?,
                });
                let made = at.ask(Method::POST, "/v1/portals", Some(&new)).await?;
                at.say(&made, &format!("{portal} was made; it sends its webhooks to {}", hook(&made)));
                let is_used = made["settings"]["auth"]["scheme"] == "standard_webhooks"
                    || (made["settings"]["auth"].is_null() && is_empty(&made["settings"]["calls"]));
                secrets(&at, &made, &|direction| direction != "outgoing" || is_used);
            }
            Self::Configure { portal, settings, at } => {
                let changed = at.ask(Method::PUT, &path(&portal, ""), Some(&settings_of(&settings)?)).await?;
                at.say(&changed, &format!("{portal} is configured; instances follow within 2 seconds"));
            }
            Self::Rotate { portal, direction, keep, secret_file, at } => {
                let direction = match direction {
                    SecretDirection::Outgoing => "outgoing",
                    SecretDirection::Incoming => "incoming",
                    SecretDirection::Challenge => "challenge",
                    SecretDirection::Access => "access",
                    SecretDirection::Grant => "grant",
                };
                let secret = secret_of(secret_file.as_ref())?;
                let new = json!({ "direction": direction, "secret": secret, "keep_seconds": keep.as_secs() });
                let rotated = at.ask(Method::POST, &path(&portal, "/secrets"), Some(&new)).await?;
                let kept = match direction {
                    "outgoing" | "incoming" => format!("; the old one is good for {keep:?}"),
                    _ => String::new(),
                };
                at.say(&rotated, &format!("{portal} has a new {direction} secret{kept}"));
                secrets(&at, &rotated, &|_| true);
            }
            Self::Secrets { at } => {
                at.show_one(&at.ask(Method::GET, "/v1/secrets", None).await?);
            }
            Self::Reseal { at } => {
                let found = at.ask(Method::POST, "/v1/secrets/reseal", None).await?;
                let locked = found["locked"].as_object().map_or(0, serde_json::Map::len);
                let (resealed, plain) = (&found["resealed"], &found["plain"]);
                at.say(&found, &format!("{resealed} secrets were sealed anew; {plain} lie there as they are, {locked} portals are locked"));
                if found["seals_with"].is_null() {
                    anyhow::bail!("the server has no --secrets-key: nothing is sealed");
                }
                if locked > 0 {
                    anyhow::bail!("secrets of {locked} portals cannot be opened: see `hubbub portals secrets`");
                }
            }
            Self::Pause { portal, at } => {
                let paused = at.ask(Method::POST, &path(&portal, "/pause"), None).await?;
                at.say(&paused, &format!("{portal} is paused: everything waits until it is resumed"));
            }
            Self::Resume { portal, at } => {
                let resumed = at.ask(Method::POST, &path(&portal, "/resume"), None).await?;
                at.say(&resumed, &format!("{portal} is active: what waits is sent"));
            }
            Self::Delete { portal, at } => {
                let deleted = at.ask(Method::DELETE, &path(&portal, ""), None).await?;
                let closed = &deleted["sessions_closed"];
                at.say(&deleted, &format!("{portal} is deleted; {closed} sessions were closed"));
            }
            Self::Try { portal, session, text, kind, at } => {
                let message = json!({ "session": session, "text": text, "type": kind });
                let tried = at.ask(Method::POST, &path(&portal, "/try"), Some(&message)).await?;
                output::line(format_args!("{tried:#}"));
                if tried["ok"] != true {
                    anyhow::bail!("{}", text_of(&tried["problem"]));
                }
            }
            Self::Explain { portal, session, text, kind, webhook, refused, content_type, at } => {
                let came = match (webhook, refused) {
                    (Some(file), _) => Some((content_type, bytes_of(&file)?)),
                    (None, Some(number)) => Some(refused::body(&at, &portal, number).await?),
                    (None, None) => None,
                };
                let explained = match came {
                    Some(body) => at.send(Method::POST, &path(&portal, "/dry-run"), Some(body)).await?,
                    None => {
                        let message = json!({ "session": session, "text": text, "type": kind });
                        at.ask(Method::POST, &path(&portal, "/explain"), Some(&message)).await?
                    }
                };
                output::line(format_args!("{explained:#}"));
            }
            Self::DryRun { portal, file, content_type, method, query, at } => {
                let body = bytes_of(&file)?;
                let query = query.map(|query| format!("&query={}", url_part(&query))).unwrap_or_default();
                let to = path(&portal, &format!("/dry-run?method={}{query}", url_part(&method)));
                let found = at.send(Method::POST, &to, Some((content_type, body))).await?;
                output::line(format_args!("{found:#}"));
            }
        }
        Ok(())
    }
}

/// A file, or standard input for `-`.
fn bytes_of(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).context("standard input")?;
    } else {
        bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    }
    Ok(bytes)
}

/// Below a portal's path. What is no id is answered by the server.
pub(super) fn path(portal: &str, below: &str) -> String {
    let id: String = url_part(portal);
    format!("/v1/portals/{id}{below}")
}

/// A name as a part of a path.
pub(super) fn url_part(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Where the vendor is to send webhooks: with the secret, where that is the end of the path.
fn hook(made: &Value) -> String {
    let hook = text_of(&made["hook"]);
    match made["incoming_secret"].as_str() {
        Some(secret) if made["settings"]["verify"]["scheme"] == "path" => format!("{hook}/{secret}"),
        _ => hook.to_owned(),
    }
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}

/// Says of a portal that there are refused webhooks, where nothing else is the matter with it as a whole.
fn note_refused(portal: &mut Value) {
    let hooks = portal["refused_hooks"].as_u64().unwrap_or_default();
    if hooks > 0 {
        let id = text_of(&portal["id"]);
        let refused = format!("{hooks} of its webhooks were refused: hubbub refused list --portal {id}");
        let said = match text_of(&portal["trouble"]["why"]) {
            "" => refused,
            why => format!("{why}; {refused}"),
        };
        portal["shown_trouble"] = said.into();
    } else {
        portal["shown_trouble"] = portal["trouble"]["why"].clone();
    }
}

/// Printed once, for people, if they are `shown`: those that are used. In JSON all are in the answer.
fn secrets(at: &At, answer: &Value, shown: &dyn Fn(&str) -> bool) {
    let all = ["outgoing", "incoming", "challenge"];
    for (name, field) in all.map(|name| (name, format!("{name}_secret"))) {
        if let Some(secret) = answer[&field].as_str() {
            if !shown(name) {
                continue;
            }
            at.say(&Value::Null, &format!("{name} secret, shown only now: {secret}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_told_the_whole_path_for_webhooks() {
        let made = |scheme: &str| {
            let settings = json!({ "verify": { "scheme": scheme } });
            json!({ "hook": "/hooks/desk", "incoming_secret": "hush", "settings": settings })
        };
        assert_eq!(hook(&made("path")), "/hooks/desk/hush");
        for scheme in ["header", "hmac", "public_key", "standard_webhooks"] {
            assert_eq!(hook(&made(scheme)), "/hooks/desk");
        }
    }
}
