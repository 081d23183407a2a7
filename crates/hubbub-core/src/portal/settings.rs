//! What an operator says of a portal: JSON, over REST and in the store. Adding a portal takes this and no code.

use super::{
    access::Auth,
    challenge::Challenge,
    mapping::Mapping,
    outgoing::{Call, check},
    verify::Verify,
};
use crate::{delivery::retry::Policy, limits, model::ids::Invalid};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};
use utoipa::ToSchema;

mod incoming;

/// The settings of a portal. Secrets are kept apart from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Settings)]
pub struct PortalSettings {
    /// For people, at most 256 bytes.
    pub name: String,
    /// Where webhooks are POSTed to, https (plain http only to addresses that the server's configuration allows by name).
    /// Without one nothing is forwarded.
    pub url: Option<String>,
    /// How our calls say who we are; without it they are signed as Standard Webhooks says, and with `calls` nothing is said.
    // Left out where it is not set, so that an instance of a version that does not know it reads the settings. The same goes
    // for what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// The operator's own constants for templates, not secret: names, and texts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, String>,
    /// What is called for an event, one after another, instead of the signed webhook.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// What is forwarded.
    pub forward: Vec<Forward>,
    /// Most POSTs that one instance has on their way to this portal, 1 to 256.
    pub concurrency: usize,
    /// The waits between attempts of a message while the portal takes others, in seconds; one attempt more than waits, and
    /// never less than two. What is given up on becomes a dead letter. At most 16 waits, each at most 86,400.
    pub retry_seconds: Vec<f64>,
    /// How long a message is tried at most while the portal takes others, in seconds, once three attempts have counted.
    pub give_up_seconds: u64,
    /// Refusals in a row, 2 to 16, after which a message is given up on although the portal has taken nothing else meanwhile:
    /// for portals that few write to. Without it such a message is tried until the portal takes it, or an operator skips it.
    pub give_up_alone: Option<u32>,
    /// What a session does at a dead letter.
    pub on_dead_letter: OnDeadLetter,
    /// JSON Pointer to the portal's own id of the conversation in its answers to webhooks.
    pub answer_external: Option<String>,
    /// How incoming webhooks are verified.
    pub verify: Verify,
    /// Under which address this portal knows the server, like `https://chat.example`, with the base path if there is one: for
    /// signatures over the URL. Without it the server's own `--public-url` is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// What the body of an incoming webhook means.
    pub mapping: Mapping,
    /// Where bodies have more than one shape, all of it: the first whose filters match is taken, and `mapping` is not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Mapping>,
    /// Questions that are answered at once, by POST, GET or HEAD, and create nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub challenges: Vec<Challenge>,
    /// What becomes of a message for a session that is not known.
    pub unknown_session: UnknownSession,
    /// What becomes of a message that names only an id of the portal's which several sessions have.
    #[serde(skip_serializing_if = "ExternalConflict::is_default")]
    pub external_conflict: ExternalConflict,
    /// Whether customers may open sessions with their own tokens, by the method `open_session`.
    pub customers_open: bool,
}

impl Default for PortalSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: None,
            auth: None,
            vars: BTreeMap::new(),
            calls: vec![],
            forward: vec![Forward::Messages],
            concurrency: limits::PORTAL_CONCURRENCY,
            retry_seconds: limits::RETRY_SECONDS.to_vec(),
            give_up_seconds: limits::GIVE_UP.as_secs(),
            give_up_alone: None,
            on_dead_letter: OnDeadLetter::default(),
            answer_external: None,
            verify: Verify::default(),
            public_url: None,
            mapping: Mapping::default(),
            mappings: Vec::new(),
            challenges: Vec::new(),
            unknown_session: UnknownSession::default(),
            external_conflict: ExternalConflict::default(),
            customers_open: true,
        }
    }
}

/// What of a session's log a portal is sent; never what it wrote itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Forward {
    /// Messages: `message.created`.
    Messages,
    /// Changes of the session's state: `session.opened`, `session.waiting`, `session.closed`.
    States,
    /// Edits of messages: `message.edited`.
    Edits,
    /// Deletions of messages: `message.deleted`.
    Deletions,
}

impl Forward {
    /// All that there is.
    pub const ALL: [Self; 4] = [Self::Messages, Self::States, Self::Edits, Self::Deletions];
}

/// What a session does at a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDeadLetter {
    /// It goes on with the next message.
    #[default]
    Continue,
    /// It waits until the dead letter has been replayed or discarded.
    Block,
}

/// What becomes of a message for a session that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownSession {
    /// It is answered 404: the portal is told, and knows what to do. Where the portal's answers tell its ids of conversations and
    /// something is on its way to it, a message that names an id which is not known yet is kept until that is over.
    #[default]
    Reject,
    /// It is answered 202 and kept, until its session is known or an operator decides: for portals that never try again after a
    /// 404.
    Quarantine,
}

/// What becomes of a message that names only an id of the portal's which several sessions have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExternalConflict {
    /// It goes to the newest of these sessions that is not closed; where all are, to the newest.
    #[default]
    Newest,
    /// It is answered 409. No session is opened with an id that another one has.
    Refuse,
    /// It is answered 202 and kept for an operator.
    Quarantine,
}

impl ExternalConflict {
    /// Settings that do not say it are read by programs that do not know it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl PortalSettings {
    /// How our calls say who we are.
    pub fn auth(&self) -> &Auth {
        match &self.auth {
            Some(auth) => auth,
            None if self.calls.is_empty() => &Auth::StandardWebhooks {},
            None => &Auth::None {},
        }
    }

    /// How long and how often a message is tried.
    pub fn retry_policy(&self) -> Policy<'_> {
        Policy {
            waits: &self.retry_seconds,
            give_up_after: Duration::from_secs(self.give_up_seconds),
            give_up_alone: self.give_up_alone,
        }
    }

    /// Whether the portal's answers tell its ids of conversations: one that is not known may be in an answer on its way.
    pub fn answers_tell_external(&self) -> bool {
        self.answer_external.is_some() || self.calls.iter().any(|call| call.pick.contains_key("external"))
    }

    /// Checks everything that can be checked without a network.
    ///
    /// # Errors
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        crate::log::checks::room_name(&self.name)?;
        if let Some(url) = &self.url {
            super::address::check_url(url)?;
        }
        if let Some(auth) = &self.auth {
            auth.check()?;
        }
        if !(1..=limits::PORTAL_CONCURRENCY_MAX).contains(&self.concurrency) {
            let problem = format!("{}; it is 1 to {}", self.concurrency, limits::PORTAL_CONCURRENCY_MAX);
            return Err(Invalid::new("concurrency", problem));
        }
        if self.retry_seconds.len() > limits::RETRIES_MAX {
            let problem = format!("{} waits; the limit is {}", self.retry_seconds.len(), limits::RETRIES_MAX);
            return Err(Invalid::new("retry_seconds", problem));
        }
        let longest = limits::RETRY_AFTER_MAX.as_secs_f64();
        if let Some(wait) = self.retry_seconds.iter().find(|wait| !(0.0..=longest).contains(*wait)) {
            return Err(Invalid::new("retry_seconds", format!("{wait}; each is 0 to {longest}")));
        }
        if let Some(most) = self.give_up_alone.filter(|most| !(2..=limits::ATTEMPTS_KEPT as u32).contains(most)) {
            return Err(Invalid::new("give_up_alone", format!("{most}; it is 2 to {}", limits::ATTEMPTS_KEPT)));
        }
        if let Some(pointer) = &self.answer_external {
            super::mapping::check_pointer("answer_external", pointer)?;
        }
        check::check(self)?;
        self.verify.check()?;
        if let Some(url) = &self.public_url {
            super::address::check_public_url(url)?;
        }
        for (field, count) in [("mappings", self.mappings.len()), ("challenges", self.challenges.len())] {
            if count > limits::MAPPINGS_MAX {
                return Err(Invalid::new(field, format!("{count}; the limit is {}", limits::MAPPINGS_MAX)));
            }
        }
        self.mapping.check()?;
        self.mappings.iter().try_for_each(Mapping::check)?;
        self.challenges.iter().try_for_each(Challenge::check)?;
        self.all_challenges().try_for_each(|(challenge, _)| challenge.check_beside(&self.verify))
    }
}
