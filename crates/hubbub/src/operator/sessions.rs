//! `hubbub sessions` and `hubbub deliveries`.

use super::{
    At,
    portals::{path, url_part},
};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

/// Support sessions.
#[derive(Subcommand)]
pub enum Sessions {
    /// Sessions, by id
    List {
        /// Only of this portal
        #[arg(long)]
        portal: Option<String>,
        /// Only of this customer
        #[arg(long)]
        customer: Option<String>,
        /// Only those with an id of the portal's that another one has, too
        #[arg(long)]
        shared: bool,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        at: At,
    },
    /// One session, with how far its portal has got
    Show {
        /// The session
        session: String,
        #[command(flatten)]
        at: At,
    },
    /// Open a session, or open it again
    Open {
        /// The portal
        #[arg(long)]
        portal: String,
        /// The customer's user id
        #[arg(long)]
        customer: String,
        /// Its id; without one it is the customer's one session with the portal
        #[arg(long)]
        id: Option<String>,
        /// The portal's own id of the conversation; it goes out from now on
        #[arg(long)]
        external: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Close a session
    Close {
        /// The session
        session: String,
        #[command(flatten)]
        at: At,
    },
}

/// What waits for portals.
#[derive(Subcommand)]
pub enum Deliveries {
    /// Sessions in which something waits, with what the portal said last
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
    /// One session, with every attempt of what comes next
    Show {
        /// The session
        session: String,
        #[command(flatten)]
        at: At,
    },
    /// Pass over the next message: it becomes a dead letter, and the session goes on
    Skip {
        /// The session
        session: String,
        #[command(flatten)]
        at: At,
    },
    /// Try the next message at once, as if for the first time
    Retry {
        /// The session
        session: String,
        #[command(flatten)]
        at: At,
    },
    /// Send the portal nothing more of one session; everything waits, others go on
    Disable {
        /// The session
        session: String,
        #[command(flatten)]
        at: At,
    },
    /// Let a disabled session go on
    Enable {
        /// The session
        session: String,
        #[command(flatten)]
        at: At,
    },
}

async fn steer(at: &At, session: &str, action: &str, done: &str) -> anyhow::Result<()> {
    let path = format!("/v1/sessions/{}/delivery", url_part(session));
    let steered = at.ask(Method::POST, &path, Some(&json!({ "action": action }))).await?;
    at.say(&steered, &format!("session {session}: {done}"));
    Ok(())
}

impl Sessions {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { portal, customer, shared, limit, at } => {
                let named = [("portal", portal), ("customer", customer), ("shared", shared.then(|| "true".into()))];
                let query = named.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", url_part(&value?))));
                let path = format!("/v1/sessions?{}", query.collect::<Vec<_>>().join("&"));
                let columns = [
                    ("SESSION", "/id"),
                    ("PORTAL", "/portal"),
                    ("CUSTOMER", "/customer"),
                    ("STATE", "/state"),
                    ("HEAD", "/head"),
                    ("FORWARDED", "/forwarded"),
                    ("FAILED", "/failed"),
                    ("EXTERNAL", "/external"),
                    ("SHARED WITH", "/external_shared_with"),
                ];
                at.show(&at.list(&path, limit).await?, &columns);
            }
            Self::Show { session, at } => show(&at, &session).await?,
            Self::Open { portal, customer, id, external, at } => {
                let new = json!({ "portal": portal, "customer": customer, "id": id, "external": external });
                let opened = at.ask(Method::POST, "/v1/sessions", Some(&new)).await?;
                let word = |name: &str| opened[name].as_str().unwrap_or_default();
                let mut said = format!("session {} is open", word("id"));
                match word("external_outcome") {
                    "" => {}
                    "conflict" => {
                        said += &format!("; others have its external, too: {}", opened["external_shared_with"]);
                    }
                    outcome => said += &format!("; its external is {outcome}"),
                }
                at.say(&opened, &said);
            }
            Self::Close { session, at } => {
                let path = format!("/v1/sessions/{}/state", url_part(&session));
                let closed = at.ask(Method::PUT, &path, Some(&json!({ "state": "closed" }))).await?;
                at.say(&closed, &format!("session {session} is closed"));
            }
        }
        Ok(())
    }
}

impl Deliveries {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { portal, limit, at } => {
                let mut waiting = at.list(&path(&portal, "/deliveries"), limit).await?;
                for one in &mut waiting {
                    let last = one["attempts"].as_array().and_then(|attempts| attempts.last()).cloned();
                    one["last"] = last.unwrap_or_default();
                    one["tries"] = one["attempts"].as_array().map_or(0, Vec::len).into();
                }
                let columns = [
                    ("SESSION", "/id"),
                    ("FORWARDED", "/forwarded"),
                    ("HEAD", "/head"),
                    ("WAITING SINCE", "/waiting_since"),
                    ("NEXT TRY", "/due_at"),
                    ("TRIES", "/tries"),
                    ("BLOCKED", "/blocked"),
                    ("LAST ANSWER", "/last/error"),
                ];
                at.show(&waiting, &columns);
            }
            Self::Show { session, at } => show(&at, &session).await?,
            Self::Skip { session, at } => {
                steer(&at, &session, "skip", "its next message is a dead letter, and it goes on").await?;
            }
            Self::Retry { session, at } => steer(&at, &session, "retry", "its next message is tried at once").await?,
            Self::Disable { session, at } => steer(&at, &session, "disable", "it waits until it is enabled").await?,
            Self::Enable { session, at } => steer(&at, &session, "enable", "it goes on").await?,
        }
        Ok(())
    }
}

async fn show(at: &At, session: &str) -> anyhow::Result<()> {
    let mut seen = at.ask(Method::GET, &format!("/v1/sessions/{}", url_part(session)), None).await?;
    let attempts = seen["attempts"].take();
    at.show_one(&seen);
    show_attempts(at, &attempts);
    Ok(())
}

/// The attempts of something, below it.
pub(super) fn show_attempts(at: &At, attempts: &Value) {
    let attempts = attempts.as_array().map_or(&[][..], Vec::as_slice);
    if !attempts.is_empty() {
        let columns = [
            ("ATTEMPT", "/at"),
            ("MS", "/took_ms"),
            ("STATUS", "/status"),
            ("INSTANCE", "/instance"),
            ("ANSWER", "/error"),
        ];
        at.show(attempts, &columns);
    }
}
