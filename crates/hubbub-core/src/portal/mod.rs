//! Portals: third parties in whose software agents answer customers.
//!
//! Nothing here sends or receives: what is signed, what a body means, which addresses are fit to be called. When an attempt is
//! repeated is said in [`crate::delivery`].
//!
//! - [`settings`]: what an operator says of a portal.
//! - [`session`]: a support conversation, and how far its portal has got.
//! - [`signature`], [`verify`]: how webhooks are signed, ours and theirs.
//! - [`mapping`], [`html`], [`mrkdwn`]: what a body of theirs means.
//! - [`challenge`]: questions of theirs that are answered at once.
//! - [`webhook`], [`author`]: what a body of ours says, and who wrote.
//! - [`externals`]: whose an id of theirs is.
//! - [`intake`]: what a batch of their messages becomes.
//! - [`incoming_change`]: edits and deletions of theirs.
//! - [`refused`]: webhooks that were refused and are kept for a while.
//! - [`address`]: which addresses may be called.
//! - [`access`]: how our calls say who we are.

use crate::{
    limits,
    model::ids::{Invalid, UserId, is_invisible},
};
use std::{fmt, sync::Arc};

pub mod access;
pub mod address;
pub mod author;
pub mod challenge;
pub mod externals;
pub mod html;
pub mod incoming_change;
pub mod intake;
pub mod mapping;
pub mod mrkdwn;
pub mod outgoing;
pub mod refused;
pub mod session;
pub mod settings;
pub mod signature;
pub mod verify;
pub mod webhook;

#[cfg(test)]
mod recipes;

/// A portal's name for machines: it stands in `/hooks/{portal}` and in the ids of its agents.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortalId(Arc<str>);

impl PortalId {
    /// Parses a `portal`, or says what is wrong with it: `[A-Za-z0-9._-]{1,32}`.
    ///
    /// # Errors
    /// What is wrong, with the limit.
    pub fn parse(s: &str) -> Result<Self, Invalid> {
        Self::parse_as("portal", s)
    }

    /// The same, naming the field the client used.
    ///
    /// # Errors
    /// What is wrong, with the limit.
    pub fn parse_as(field: &'static str, s: &str) -> Result<Self, Invalid> {
        if s.is_empty() {
            return Err(Invalid::new(field, "empty"));
        }
        if s.len() > limits::PORTAL_ID_BYTES {
            return Err(Invalid::too_long(field, s.len(), limits::PORTAL_ID_BYTES));
        }
        if !s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
            return Err(Invalid::new(field, "only A-Z a-z 0-9 . _ - are allowed"));
        }
        Ok(Self(s.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who an agent of this portal is in a room: `portal:<portal>/<agent>`, a prefix that no token may claim. What a user id
    /// cannot hold is left out, also what cannot be seen, and what is too long is cut; without an agent it is the portal itself.
    pub fn agent(&self, agent: Option<&str>) -> UserId {
        let mut id = format!("portal:{self}");
        let agent: String =
            agent.unwrap_or_default().chars().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
        let agent = agent.trim();
        if !agent.is_empty() {
            id.push('/');
            for c in agent.chars() {
                if id.len() + c.len_utf8() > limits::USER_ID_BYTES {
                    break;
                }
                id.push(c);
            }
        }
        UserId::trusted(id)
    }

    /// Whether this user writes for this portal.
    pub fn speaks_as(&self, user: &UserId) -> bool {
        let rest = user.as_str().strip_prefix("portal:").and_then(|rest| rest.strip_prefix(self.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for PortalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PortalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_known_by_the_portal_it_writes_for() {
        let desk = PortalId::parse("desk").unwrap();
        assert_eq!(desk.agent(Some(" Ada\nL ")).as_str(), "portal:desk/AdaL");
        assert_eq!(desk.agent(Some("\u{202e}A\u{200b}da\u{feff} ")).as_str(), "portal:desk/Ada");
        assert_eq!(desk.agent(Some("\u{2066}\u{200d}")).as_str(), "portal:desk");
        assert_eq!(desk.agent(None).as_str(), "portal:desk");
        let long = "ä".repeat(200);
        assert!(desk.agent(Some(&long)).as_str().len() <= limits::USER_ID_BYTES);
        for (user, is) in
            [("portal:desk", true), ("portal:desk/Ada", true), ("portal:desk2/Ada", false), ("ana", false)]
        {
            assert_eq!(desk.speaks_as(&UserId::parse(user).unwrap()), is, "{user}");
        }
    }

    #[test]
    fn a_refusal_names_the_limit() {
        assert_eq!(PortalId::parse(&"x".repeat(33)).unwrap_err().to_string(), "portal: 33 bytes; the limit is 32");
        assert_eq!(PortalId::parse("a/b").unwrap_err().to_string(), "portal: only A-Z a-z 0-9 . _ - are allowed");
    }
}
